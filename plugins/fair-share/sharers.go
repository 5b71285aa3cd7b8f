package main

import (
	"container/heap"
	"fmt"
	"math"
	"strconv"
	"strings"

	"offerd"
)

func readWeights(texts []string) (map[string]float64, error) {
	weights := map[string]float64{}
	for at, text := range texts {
		name, number, found := strings.Cut(text, "=")
		weight, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if !found || err != nil || !(weight > 0 && weight <= 1e6) {
			return nil, offerd.Errorf("config.weights[%d]: %q is no weight; "+
				"write NAME=NUMBER with a number above 0 and up to 1000000", at, text)
		}
		weights[strings.TrimSpace(name)] = weight
	}
	return weights, nil
}

// A job or a group of jobs.
type sharer struct {
	name   string
	weight float64
	// What its tasks hold, and all that there is.
	held  offerd.Amounts
	total *offerd.Amounts
	share float64
	// What waits, in the order of the round.
	sets []*offerd.Waiting
}

// add counts a task; the share is that of the resource of which the sharer has most.
func (sharer *sharer) add(needs offerd.Amounts) {
	held, total := &sharer.held, sharer.total
	held.Cpus += needs.Cpus
	held.Mem += needs.Mem
	held.Disk += needs.Disk
	held.Gpus += needs.Gpus
	dominant := 0.0
	for _, pair := range [4][2]float64{
		{held.Cpus, total.Cpus}, {held.Mem, total.Mem}, {held.Disk, total.Disk}, {held.Gpus, total.Gpus},
	} {
		if pair[1] > 0 {
			dominant = math.Max(dominant, pair[0]/pair[1])
		}
	}
	sharer.share = dominant / sharer.weight
}

// The one with the least share is on top; of equals, that with the larger priority, then the
// one that has waited for longer.
type queue []*sharer

func (queue queue) Len() int { return len(queue) }
func (queue queue) Less(a, b int) bool {
	one, other := queue[a], queue[b]
	if one.share != other.share {
		return one.share < other.share
	}
	if one.sets[0].Priority != other.sets[0].Priority {
		return one.sets[0].Priority > other.sets[0].Priority
	}
	if one.sets[0].Since != other.sets[0].Since {
		return one.sets[0].Since < other.sets[0].Since
	}
	return one.name < other.name
}
func (queue queue) Swap(a, b int) { queue[a], queue[b] = queue[b], queue[a] }
func (queue *queue) Push(one any) { *queue = append(*queue, one.(*sharer)) }
func (queue *queue) Pop() any {
	last := len(*queue) - 1
	one := (*queue)[last]
	*queue = (*queue)[:last]
	return one
}

// name says by which name a job shares.
func (policy *fairShare) name(job uint32) string {
	if name, ok := policy.names[job]; ok {
		return name
	}
	name := fmt.Sprint("job ", job)
	if details := offerd.Job(job); details != nil {
		name = details.Name
		for _, label := range details.Labels {
			if policy.label != "" && label.Key == policy.label {
				name = label.Value.Or("")
			}
		}
	}
	policy.names[job] = name
	return name
}

// sharers are all that have something waiting, as a heap.
func (policy *fairShare) sharers(round *offerd.Round) queue {
	var total offerd.Amounts
	known := map[string]*sharer{}
	sharerOf := func(job uint32) *sharer {
		name := policy.name(job)
		one := known[name]
		if one == nil {
			weight, ok := policy.weights[name]
			if !ok {
				weight = 1
			}
			one = &sharer{name: name, weight: weight, total: &total}
			known[name] = one
		}
		return one
	}
	tasks := offerd.Tasks()
	for at := range tasks {
		total = sum(total, tasks[at].Cpus, tasks[at].Mem, tasks[at].Disk, tasks[at].Gpus)
	}
	for at := range round.Offers {
		offer := &round.Offers[at]
		total = sum(total, offer.Cpus, offer.Mem, offer.Disk, offer.Gpus)
	}
	// Only now: shares are of the total.
	for at := range tasks {
		task := &tasks[at]
		needs := offerd.Amounts{Cpus: task.Cpus, Mem: task.Mem, Disk: task.Disk, Gpus: task.Gpus}
		sharerOf(task.Job).add(needs)
	}
	for at := range round.Waiting {
		set := &round.Waiting[at]
		one := sharerOf(set.Job)
		one.sets = append(one.sets, set)
	}
	var waiting queue
	for _, one := range known {
		if len(one.sets) > 0 {
			waiting = append(waiting, one)
		}
	}
	heap.Init(&waiting)
	return waiting
}

func sum(total offerd.Amounts, cpus, mem, disk, gpus float64) offerd.Amounts {
	total.Cpus += cpus
	total.Mem += mem
	total.Disk += disk
	total.Gpus += gpus
	return total
}

// Tasks that were placed one by one, as placements of several.
type placements struct {
	counts map[[2]uint32]uint32
	order  [][2]uint32
	placed map[uint32]uint32
}

func newPlacements() *placements {
	return &placements{counts: map[[2]uint32]uint32{}, placed: map[uint32]uint32{}}
}

// left is how many tasks of the set still wait.
func (made *placements) left(set *offerd.Waiting) uint32 { return set.Count - made.placed[set.Set] }

func (made *placements) add(spot offerd.Spot, set *offerd.Waiting) {
	key := [2]uint32{spot.Offer, set.Set}
	if made.counts[key] == 0 {
		made.order = append(made.order, key)
	}
	made.counts[key]++
	made.placed[set.Set]++
}

func (made *placements) decide(out *offerd.Answer) {
	for _, key := range made.order {
		out.PlaceOn(key[0], key[1], made.counts[key]).Because("its share was the least")
	}
}
