// Package host is what a policy can ask: the host in a component, a test cluster in tests.
package host

import (
	cluster "offerd/gen/offerd_policy_cluster"
	types "offerd/gen/offerd_policy_types"
	"offerd/wit"
)

// Host has the functions that the contract imports.
type Host interface {
	Log(level uint8, message string)
	LogEnabled(level uint8) bool
	Now() float64
	NextU32() uint32
	NextF64() float64
	Count(name string, amount float64)
	Gauge(name string, value float64)
	Roles() []string
	GetFramework() cluster.FrameworkDetails
	GetLimits() cluster.Limits
	GetAgent(agent uint32) wit.Option[cluster.AgentDetails]
	GetOffer(offer uint32) wit.Option[cluster.OfferDetails]
	GetOfferJSON(offer uint32) wit.Option[string]
	Column(name string) []float64
	GetJob(job uint32) wit.Option[cluster.JobDetails]
	Allowed(set uint32, agents []uint32) []uint32
	Tasks() []types.Task
	TasksOfJob(job uint32) []types.Task
	TasksOnAgent(agent uint32) []types.Task
	GetTask(task uint32) wit.Option[types.Task]
	GetTaskDetails(task uint32) wit.Option[cluster.TaskDetails]
	FindTask(id string) wit.Option[uint32]
	Operations() []types.OperationUpdate
}

var current Host

// Current is the host that is asked.
func Current() Host {
	if current == nil {
		panic("this asks the host, and there is none here; in a test, use an offerdtest.Cluster")
	}
	return current
}

// Connect sets the host and gives the one before.
func Connect(host Host) Host {
	before := current
	current = host
	return before
}
