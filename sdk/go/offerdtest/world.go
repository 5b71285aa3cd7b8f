package offerdtest

import (
	"fmt"
	"slices"
	"sort"

	"offerd"
	cluster "offerd/gen/offerd_policy_cluster"
	types "offerd/gen/offerd_policy_types"
	"offerd/wit"
)

// world answers what a policy asks.
type world struct {
	now      float64
	seed     uint32
	roles    []string
	agents   []offerd.AgentDetails
	offers   []types.Offer
	jobs     []Job
	waiting  []types.Waiting
	allowed  map[[2]uint32]uint32
	tasks    []types.Task
	launched []uint32
	// What was set for an offer in place of what follows from it.
	resources  map[uint32][]types.MesosResource
	columns    map[string]map[uint32]float64
	operations []types.OperationUpdate
	log        []string
	metrics    map[string]float64
}

func newWorld(roles []string) world {
	return world{
		now:       1_700_000_000_000,
		seed:      1,
		roles:     roles,
		allowed:   map[[2]uint32]uint32{},
		resources: map[uint32][]types.MesosResource{},
		columns:   map[string]map[uint32]float64{},
		metrics:   map[string]float64{},
	}
}

func (world *world) addAgent(hostname string, attributes map[string]string) uint32 {
	names := make([]string, 0, len(attributes))
	for name := range attributes {
		names = append(names, name)
	}
	sort.Strings(names)
	details := offerd.AgentDetails{Id: fmt.Sprintf("agent-%d", len(world.agents)), Hostname: hostname}
	for _, name := range names {
		value := cluster.MakeAttributeValueText(attributes[name])
		details.Attributes = append(details.Attributes, cluster.Attribute{Name: name, Value: value})
	}
	world.agents = append(world.agents, details)
	return uint32(len(world.agents) - 1)
}

func (world *world) job(job Job) uint32 {
	at := slices.IndexFunc(world.jobs, func(known Job) bool { return known.Name == job.Name })
	if at < 0 {
		world.jobs = append(world.jobs, job)
		at = len(world.jobs) - 1
	}
	return uint32(at)
}

var levels = []string{"trace", "debug", "info", "warn", "error"}

func (world *world) Log(level uint8, message string) {
	world.log = append(world.log, levels[level]+": "+message)
}
func (world *world) LogEnabled(uint8) bool { return true }
func (world *world) Now() float64          { return world.now }
func (world *world) NextU32() uint32 {
	// Numerical Recipes' generator: the same numbers in each run.
	world.seed = world.seed*1_664_525 + 1_013_904_223
	return world.seed
}
func (world *world) NextF64() float64                  { return float64(world.NextU32()) / (1 << 32) }
func (world *world) Count(name string, amount float64) { world.metrics[name] += amount }
func (world *world) Gauge(name string, value float64)  { world.metrics[name] = value }
func (world *world) Roles() []string                   { return slices.Clone(world.roles) }

func (world *world) GetFramework() cluster.FrameworkDetails {
	return cluster.FrameworkDetails{Id: wit.Some("framework-1"), Name: "test", User: "root"}
}

func (world *world) GetLimits() cluster.Limits {
	return cluster.Limits{
		CallDeadline: 1000, Memory: 256 << 20, OfferLease: 30_000,
		OffersPerRound: 10_000, WaitingPerRound: 10_000, LogLines: 100,
	}
}

func (world *world) GetAgent(agent uint32) wit.Option[cluster.AgentDetails] {
	if int(agent) >= len(world.agents) {
		return wit.None[cluster.AgentDetails]()
	}
	return wit.Some(world.agents[agent])
}

func (world *world) offer(handle uint32) *types.Offer {
	for at := range world.offers {
		if world.offers[at].Offer == handle {
			return &world.offers[at]
		}
	}
	return nil
}

func scalar(name string, milli float64) offerd.Resource {
	return offerd.Resource{Name: name, Value: types.MakeResourceValueScalar(milli)}
}

func (world *world) GetOffer(handle uint32) wit.Option[cluster.OfferDetails] {
	offer := world.offer(handle)
	if offer == nil {
		return wit.None[cluster.OfferDetails]()
	}
	resources, ok := world.resources[handle]
	if !ok {
		resources = []types.MesosResource{
			scalar("cpus", offer.Cpus), scalar("mem", offer.Mem),
			scalar("disk", offer.Disk), scalar("gpus", offer.Gpus),
		}
	}
	return wit.Some(cluster.OfferDetails{
		Id:        fmt.Sprintf("offer-%d", handle),
		Resources: resources,
	})
}

func (world *world) GetOfferJSON(handle uint32) wit.Option[string] {
	if world.offer(handle) == nil {
		return wit.None[string]()
	}
	return wit.Some(fmt.Sprintf(`{"id":{"value":"offer-%d"}}`, handle))
}

func (world *world) Column(name string) []float64 {
	column := make([]float64, len(world.offers))
	for at, offer := range world.offers {
		amount, ok := world.columns[name][offer.Offer]
		if !ok {
			amount = map[string]float64{
				"cpus": offer.Cpus, "mem": offer.Mem, "disk": offer.Disk, "gpus": offer.Gpus,
			}[name]
		}
		column[at] = amount
	}
	return column
}

func (world *world) GetJob(job uint32) wit.Option[cluster.JobDetails] {
	if int(job) >= len(world.jobs) {
		return wit.None[cluster.JobDetails]()
	}
	known := world.jobs[job]
	kind := cluster.JobKind_Batch
	if known.Service {
		kind = cluster.JobKind_Service
	}
	return wit.Some(cluster.JobDetails{
		Name: known.Name, Role: known.Role, Kind: kind, Count: known.Count, Priority: known.Priority,
	})
}

func (world *world) Allowed(handle uint32, agents []uint32) []uint32 {
	at := slices.IndexFunc(world.waiting, func(set types.Waiting) bool { return set.Set == handle })
	if at < 0 {
		return nil
	}
	constrained := world.waiting[at].Traits&offerd.WaitingConstrained != 0
	allowed := make([]uint32, len(agents))
	for index, agent := range agents {
		switch {
		case int(agent) >= len(world.agents):
		case constrained:
			allowed[index] = world.allowed[[2]uint32{handle, agent}]
		default:
			allowed[index] = offerd.None
		}
	}
	return allowed
}

func (world *world) find(good func(task types.Task) bool) []types.Task {
	var found []types.Task
	for _, task := range world.tasks {
		if good(task) {
			found = append(found, task)
		}
	}
	return found
}

func (world *world) Tasks() []types.Task { return slices.Clone(world.tasks) }
func (world *world) TasksOfJob(job uint32) []types.Task {
	return world.find(func(task types.Task) bool { return task.Job == job })
}
func (world *world) TasksOnAgent(agent uint32) []types.Task {
	return world.find(func(task types.Task) bool { return task.Agent == agent })
}

func (world *world) GetTask(handle uint32) wit.Option[types.Task] {
	found := world.find(func(task types.Task) bool { return task.Task == handle })
	if len(found) == 0 {
		return wit.None[types.Task]()
	}
	return wit.Some(found[0])
}

func (world *world) GetTaskDetails(task uint32) wit.Option[cluster.TaskDetails] {
	if int(task) >= len(world.launched) {
		return wit.None[cluster.TaskDetails]()
	}
	name := world.jobs[world.launched[task]].Name
	return wit.Some(cluster.TaskDetails{Id: fmt.Sprintf("%s.%d", name, task), Name: name})
}

func (world *world) FindTask(id string) wit.Option[uint32] {
	for task := range uint32(len(world.launched)) {
		if world.GetTaskDetails(task).Some().Id == id {
			return wit.Some(task)
		}
	}
	return wit.None[uint32]()
}

func (world *world) Operations() []types.OperationUpdate { return slices.Clone(world.operations) }
