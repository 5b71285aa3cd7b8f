// Package offerdtest is a stand-in for the host, so that a policy is tested without one: a
// small cluster made by hand, rounds of it, and a check of the answers.
//
//	cluster := offerdtest.New("batch")
//	agent := cluster.Agent("one.example.org", map[string]string{"rack": "a"})
//	cluster.Offer(agent, "batch", offerd.AmountsOf(4, 4096))
//	cluster.Wait(offerdtest.Job{Name: "job", Role: "batch", Count: 3, Needs: ...})
//	cluster.Configure("{}")
//	answer, err := cluster.Decide()
package offerdtest

import (
	"fmt"
	"slices"
	"strings"

	"offerd"
	gen "offerd/gen/offerd_policy_cluster"
	types "offerd/gen/offerd_policy_types"
	"offerd/internal/export"
	"offerd/internal/host"
	"offerd/wit"
)

// Answer is what a policy decided.
type Answer = types.Answer

// Job is what waits or runs.
type Job struct {
	Name string
	Role string
	// Needs of each task.
	Needs       offerd.Amounts
	Count       uint32
	Priority    int32
	Service     bool
	Constrained bool
}

// Cluster is made by hand; each kind of handle counts from 0.
type Cluster struct {
	policy offerd.Calls
	world  world

	updates   []types.Update
	rescinded []uint32
	events    []types.Event
	rounds    uint32
	offers    uint32
	sets      uint32
}

// New is an empty cluster with these roles, and the policy of the program: the one that
// `offerd.Export` names.
func New(roles ...string) *Cluster { return NewFor(export.Current, roles...) }

// NewFor is New with another policy: offerd.NewCalls.
func NewFor(policy offerd.Calls, roles ...string) *Cluster {
	return &Cluster{policy: policy, world: newWorld(roles)}
}

// Agent adds an agent with text attributes; its handle.
func (cluster *Cluster) Agent(hostname string, attributes map[string]string) uint32 {
	return cluster.world.addAgent(hostname, attributes)
}

// Rename changes the host name of an agent. One of which the host knows only the id has none.
func (cluster *Cluster) Rename(agent uint32, hostname string) {
	cluster.world.agents[agent].Hostname = hostname
}

// Zone puts an agent into a zone of the region "region".
func (cluster *Cluster) Zone(agent uint32, zone string) {
	details := &cluster.world.agents[agent]
	details.Region, details.Zone = wit.Some("region"), wit.Some(zone)
}

// Attribute sets an attribute of any kind, in place of the one of this name:
// MakeAttributeValueScalar and so on of offerd/gen/offerd_policy_cluster.
func (cluster *Cluster) Attribute(agent uint32, name string, value gen.AttributeValue) {
	details := &cluster.world.agents[agent]
	hasName := func(known gen.Attribute) bool { return known.Name == name }
	kept := slices.DeleteFunc(details.Attributes, hasName)
	details.Attributes = append(kept, gen.Attribute{Name: name, Value: value})
}

func (cluster *Cluster) role(name string) uint32 {
	at := slices.Index(cluster.world.roles, name)
	if at < 0 {
		panic(fmt.Sprintf("the test cluster has no role %s, only %s", name,
			strings.Join(cluster.world.roles, ", ")))
	}
	return uint32(at)
}

// Offer adds an offer of an agent; its handle.
func (cluster *Cluster) Offer(agent uint32, role string, room offerd.Amounts) uint32 {
	offer := types.Offer{
		Offer: cluster.offers, Agent: agent, Role: cluster.role(role), Ports: uint32(room.Ports),
		Cpus: room.Cpus, Mem: room.Mem, Disk: room.Disk, Gpus: room.Gpus,
		Traits: offerd.OfferFresh, Since: cluster.world.now,
	}
	cluster.offers++
	cluster.world.offers = append(cluster.world.offers, offer)
	return offer.Offer
}

// OfferResources sets what offerd.GetOffer tells of an offer.
func (cluster *Cluster) OfferResources(offer uint32, resources ...offerd.Resource) {
	cluster.world.resources[offer] = resources
}

// OfferColumn sets thousandths of a named scalar in an offer, for offerd.Column.
func (cluster *Cluster) OfferColumn(offer uint32, name string, milli float64) {
	if cluster.world.columns[name] == nil {
		cluster.world.columns[name] = map[uint32]float64{}
	}
	cluster.world.columns[name][offer] = milli
}

// OfferTraits sets bits of an offer: offerd.OfferReserved and so on.
func (cluster *Cluster) OfferTraits(offer, traits uint32) {
	cluster.world.offer(offer).Traits |= traits
}

// Operation sets what offerd.Operations tells, beside what was set before.
func (cluster *Cluster) Operation(operation offerd.OperationUpdate) {
	cluster.world.operations = append(cluster.world.operations, operation)
}

// Rescind takes an offer back; the next round tells.
func (cluster *Cluster) Rescind(offer uint32) {
	cluster.drop(offer)
	cluster.rescinded = append(cluster.rescinded, offer)
}

func (cluster *Cluster) drop(offer uint32) {
	gone := func(other types.Offer) bool { return other.Offer == offer }
	cluster.world.offers = slices.DeleteFunc(cluster.world.offers, gone)
}

// Wait adds waiting tasks; the handle of their set.
func (cluster *Cluster) Wait(job Job) uint32 {
	set := types.Waiting{
		Set: cluster.sets, Job: cluster.world.job(job), Role: cluster.role(job.Role), Count: job.Count,
		Cpus: job.Needs.Cpus, Mem: job.Needs.Mem, Disk: job.Needs.Disk, Gpus: job.Needs.Gpus,
		Ports: uint32(job.Needs.Ports), Priority: job.Priority, Since: cluster.world.now,
	}
	if job.Constrained {
		set.Traits |= offerd.WaitingConstrained
	}
	if job.Service {
		set.Traits |= offerd.WaitingService
	}
	cluster.sets++
	// As the host does: larger priority first, then older first.
	waiting := cluster.world.waiting
	lower := func(other types.Waiting) bool { return other.Priority < set.Priority }
	at := slices.IndexFunc(waiting, lower)
	if at < 0 {
		at = len(waiting)
	}
	cluster.world.waiting = slices.Insert(waiting, at, set)
	return set.Set
}

// Allow says that the constraints of a set allow so many more tasks on an agent.
func (cluster *Cluster) Allow(set, agent, count uint32) {
	cluster.world.allowed[[2]uint32{set, agent}] = count
}

// Run adds running tasks of a job; their handles.
func (cluster *Cluster) Run(job Job, agent uint32) []uint32 {
	var tasks []uint32
	for range max(job.Count, 1) {
		tasks = append(tasks, cluster.launch(cluster.world.job(job), agent, cluster.role(job.Role), job.Needs))
	}
	return tasks
}

func (cluster *Cluster) launch(job, agent, role uint32, needs offerd.Amounts) uint32 {
	known := cluster.world.jobs[job]
	task := types.Task{
		Task: uint32(len(cluster.world.launched)), Job: job, Agent: agent, Role: role,
		State: offerd.StateRunning, Priority: known.Priority, Ports: uint32(needs.Ports),
		Cpus: needs.Cpus, Mem: needs.Mem, Disk: needs.Disk, Gpus: needs.Gpus,
		Since: cluster.world.now,
	}
	if known.Service {
		task.Traits = offerd.TaskService
	}
	cluster.world.launched = append(cluster.world.launched, job)
	cluster.world.tasks = append(cluster.world.tasks, task)
	return task.Task
}

// End ends a running task in a state: offerd.StateFinished and so on; the next round tells.
func (cluster *Cluster) End(task, state uint32) {
	at := slices.IndexFunc(cluster.world.tasks, func(one types.Task) bool { return one.Task == task })
	if at < 0 {
		panic(fmt.Sprintf("task %d does not run", task))
	}
	ended := cluster.world.tasks[at]
	cluster.world.tasks = slices.Delete(cluster.world.tasks, at, at+1)
	cluster.updates = append(cluster.updates, types.Update{
		Task: task, Job: ended.Job, Agent: ended.Agent, State: state, Reason: offerd.None,
		Source: offerd.None, Traits: offerd.UpdateTerminal, At: cluster.world.now,
	})
}

// Tell puts an event into the next round: types.MakeEventTimer and so on.
func (cluster *Cluster) Tell(event offerd.Event) { cluster.events = append(cluster.events, event) }

// Advance moves the clock.
func (cluster *Cluster) Advance(milliseconds float64) { cluster.world.now += milliseconds }

// Log has the lines so far, each as "info: text".
func (cluster *Cluster) Log() []string { return cluster.world.log }

// Metric is a counter or gauge of the policy.
func (cluster *Cluster) Metric(name string) float64 { return cluster.world.metrics[name] }

// Tasks are the tasks that run.
func (cluster *Cluster) Tasks() []offerd.Task { return slices.Clone(cluster.world.tasks) }

// Offers are the offers that are held.
func (cluster *Cluster) Offers() []offerd.Offer { return slices.Clone(cluster.world.offers) }

// Round is the next round.
func (cluster *Cluster) Round() *offerd.Round {
	return &types.Round{
		Number:    cluster.rounds + 1,
		Now:       cluster.world.now,
		Offers:    slices.Clone(cluster.world.offers),
		Waiting:   slices.Clone(cluster.world.waiting),
		Updates:   slices.Clone(cluster.updates),
		Rescinded: slices.Clone(cluster.rescinded),
		Events:    slices.Clone(cluster.events),
	}
}

// Configure starts the policy with a `config` table as JSON.
func (cluster *Cluster) Configure(config string) error {
	defer host.Connect(host.Connect(&cluster.world))
	return cluster.policy.Configure(config)
}

// Decide is one round, carried out: placements run, kills end. It fails if the policy does,
// or if the host would refuse a decision.
func (cluster *Cluster) Decide() (Answer, error) {
	defer host.Connect(host.Connect(&cluster.world))
	round := cluster.Round()
	answer, err := cluster.policy.Decide(cluster.Round())
	if err != nil {
		return Answer{}, err
	}
	if wrong := Violations(round, cluster.world.tasks, &answer); len(wrong) > 0 {
		return Answer{}, fmt.Errorf("the host would refuse: %s", strings.Join(wrong, "; "))
	}
	cluster.rounds++
	cluster.updates, cluster.rescinded, cluster.events = nil, nil, nil
	cluster.carryOut(round, &answer)
	return answer, nil
}

// Restart gives the saved state of the policy to a new instance.
func (cluster *Cluster) Restart(config string) error {
	defer host.Connect(host.Connect(&cluster.world))
	snapshot, err := cluster.policy.Save()
	if err != nil {
		return err
	}
	if err := cluster.policy.Configure(config); err != nil {
		return err
	}
	return cluster.policy.Restore(snapshot)
}

func (cluster *Cluster) carryOut(round *offerd.Round, answer *Answer) {
	for _, kill := range answer.Kills {
		cluster.End(kill.Task, offerd.StateKilled)
	}
	for _, placement := range answer.Placements {
		cluster.place(round, placement)
	}
	for _, decline := range answer.Declines {
		cluster.drop(decline.Offer)
	}
	for _, action := range answer.Actions {
		if action.Action.Tag() == types.Action_Accept {
			for _, offer := range action.Action.Accept().Offers {
				cluster.drop(offer)
			}
		}
	}
	if answer.Rest.IsSome() {
		cluster.world.offers = nil
	}
	for at := range cluster.world.offers {
		cluster.world.offers[at].Traits &^= offerd.OfferFresh
	}
}

func (cluster *Cluster) place(round *offerd.Round, placement types.Placement) {
	isIt := func(offer types.Offer) bool { return offer.Offer == placement.Offer }
	agent := round.Offers[slices.IndexFunc(round.Offers, isIt)].Agent
	cluster.drop(placement.Offer)
	waiting := cluster.world.waiting
	at := slices.IndexFunc(waiting, func(set types.Waiting) bool { return set.Set == placement.Set })
	set := &waiting[at]
	for range placement.Count {
		cluster.launch(set.Job, agent, set.Role, offerd.Needs(set))
	}
	key := [2]uint32{placement.Set, agent}
	if left, ok := cluster.world.allowed[key]; ok && left != offerd.None {
		cluster.world.allowed[key] = left - min(left, placement.Count)
	}
	set.Count -= placement.Count
	if set.Count == 0 {
		cluster.world.waiting = slices.Delete(waiting, at, at+1)
	}
}
