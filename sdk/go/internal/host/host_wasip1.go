package host

import (
	clock "offerd/gen/offerd_policy_clock"
	cluster "offerd/gen/offerd_policy_cluster"
	logging "offerd/gen/offerd_policy_logging"
	metrics "offerd/gen/offerd_policy_metrics"
	random "offerd/gen/offerd_policy_random"
	types "offerd/gen/offerd_policy_types"
	"offerd/wit"
)

func init() { current = component{} }

// The real one.
type component struct{}

func (component) Log(level uint8, message string)        { logging.Log(level, message) }
func (component) LogEnabled(level uint8) bool            { return logging.Enabled(level) }
func (component) Now() float64                           { return clock.Now() }
func (component) NextU32() uint32                        { return random.NextU32() }
func (component) NextF64() float64                       { return random.NextF64() }
func (component) Count(name string, amount float64)      { metrics.Count(name, amount) }
func (component) Gauge(name string, value float64)       { metrics.Gauge(name, value) }
func (component) Roles() []string                        { return cluster.Roles() }
func (component) GetFramework() cluster.FrameworkDetails { return cluster.GetFramework() }
func (component) GetLimits() cluster.Limits              { return cluster.GetLimits() }
func (component) GetAgent(agent uint32) wit.Option[cluster.AgentDetails] {
	return cluster.GetAgent(agent)
}
func (component) GetOffer(offer uint32) wit.Option[cluster.OfferDetails] {
	return cluster.GetOffer(offer)
}
func (component) GetOfferJSON(offer uint32) wit.Option[string]     { return cluster.GetOfferJson(offer) }
func (component) Column(name string) []float64                     { return cluster.Column(name) }
func (component) GetJob(job uint32) wit.Option[cluster.JobDetails] { return cluster.GetJob(job) }
func (component) Allowed(set uint32, agents []uint32) []uint32     { return cluster.Allowed(set, agents) }
func (component) Tasks() []types.Task                              { return cluster.Tasks() }
func (component) TasksOfJob(job uint32) []types.Task               { return cluster.TasksOfJob(job) }
func (component) TasksOnAgent(agent uint32) []types.Task           { return cluster.TasksOnAgent(agent) }
func (component) GetTask(task uint32) wit.Option[types.Task]       { return cluster.GetTask(task) }
func (component) GetTaskDetails(task uint32) wit.Option[cluster.TaskDetails] {
	return cluster.GetTaskDetails(task)
}
func (component) FindTask(id string) wit.Option[uint32] { return cluster.FindTask(id) }
func (component) Operations() []types.OperationUpdate   { return cluster.Operations() }
