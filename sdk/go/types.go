package offerd

import (
	"math"

	cluster "offerd/gen/offerd_policy_cluster"
	types "offerd/gen/offerd_policy_types"
)

// The records of the contract; gen/offerd_policy_types says what each field means.
type (
	Round           = types.Round
	Offer           = types.Offer
	Waiting         = types.Waiting
	Task            = types.Task
	Update          = types.Update
	Event           = types.Event
	Resource        = types.MesosResource
	Range           = types.Range
	Encoded         = types.Encoded
	DiskKind        = types.DiskKind
	Operation       = types.Operation
	OperationUpdate = types.OperationUpdate
	Action          = types.Action
	AgentDetails    = cluster.AgentDetails
	OfferDetails    = cluster.OfferDetails
	JobDetails      = cluster.JobDetails
	TaskDetails     = cluster.TaskDetails
	Framework       = cluster.FrameworkDetails
	Limits          = cluster.Limits
)

// Amounts of resources in thousandths; Ports is a number of single ports.
type Amounts struct {
	Cpus, Mem, Disk, Gpus, Ports float64
}

// Milli is thousandths of a number in Mesos's unit: 1.5 is 1500.
func Milli(units float64) float64 {
	return math.Round(units * 1000)
}

// AmountsOf is CPUs and MiB in Mesos's units: AmountsOf(1.5, 32) is 1.5 CPUs and 32 MiB.
func AmountsOf(cpus, mem float64) Amounts {
	return Amounts{Cpus: Milli(cpus), Mem: Milli(mem)}
}

// OfferAmounts is what an offer has for plain tasks.
func OfferAmounts(offer *Offer) Amounts {
	return Amounts{offer.Cpus, offer.Mem, offer.Disk, offer.Gpus, float64(offer.Ports)}
}

// Needs is what each task of a set needs.
func Needs(set *Waiting) Amounts {
	return Amounts{set.Cpus, set.Mem, set.Disk, set.Gpus, float64(set.Ports)}
}

// Fits says whether there is room for `need`.
func (room *Amounts) Fits(need *Amounts) bool {
	return need.Cpus <= room.Cpus && need.Mem <= room.Mem && need.Disk <= room.Disk &&
		need.Gpus <= room.Gpus && need.Ports <= room.Ports
}

// Capacity is how many times there is room for `need`.
func (room *Amounts) Capacity(need *Amounts) uint32 {
	most := float64(None)
	if need.Cpus > 0 {
		most = min(most, room.Cpus/need.Cpus)
	}
	if need.Mem > 0 {
		most = min(most, room.Mem/need.Mem)
	}
	if need.Disk > 0 {
		most = min(most, room.Disk/need.Disk)
	}
	if need.Gpus > 0 {
		most = min(most, room.Gpus/need.Gpus)
	}
	if need.Ports > 0 {
		most = min(most, room.Ports/need.Ports)
	}
	return uint32(most)
}

// Minus is what is left after `count` times `need`; never negative.
func (room Amounts) Minus(need *Amounts, count uint32) Amounts {
	times := float64(count)
	return Amounts{
		max(room.Cpus-float64(need.Cpus*times), 0),
		max(room.Mem-float64(need.Mem*times), 0),
		max(room.Disk-float64(need.Disk*times), 0),
		max(room.Gpus-float64(need.Gpus*times), 0),
		max(room.Ports-float64(need.Ports*times), 0),
	}
}
