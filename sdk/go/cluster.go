package offerd

import (
	"fmt"
	"strings"

	cluster "offerd/gen/offerd_policy_cluster"
	logging "offerd/gen/offerd_policy_logging"
	"offerd/internal/host"
)

// Attribute is the text of an agent's attribute, empty if it has none of that name.
func Attribute(agent uint32, name string) string {
	details := Agent(agent)
	if details == nil {
		return ""
	}
	for _, attribute := range details.Attributes {
		if attribute.Name == name && attribute.Value.Tag() == cluster.AttributeValue_Text {
			return attribute.Value.Text()
		}
	}
	return ""
}

// Roles are the names of the framework's roles; a role's handle is its position.
func Roles() []string { return host.Current().Roles() }

// GetFramework is what the framework is.
func GetFramework() Framework { return host.Current().GetFramework() }

// GetLimits is what a policy may take.
func GetLimits() Limits { return host.Current().GetLimits() }

// GetOffer is a complete offer, nil if it is gone.
func GetOffer(offer uint32) *OfferDetails {
	found := host.Current().GetOffer(offer)
	if found.IsNone() {
		return nil
	}
	details := found.Some()
	return &details
}

// OfferJSON is a complete offer in Mesos's JSON form.
func OfferJSON(offer uint32) (text string, ok bool) {
	found := host.Current().GetOfferJSON(offer)
	return found.Or(""), found.IsSome()
}

// Column is the amount of any named scalar in each offer of the round.
func Column(name string) []float64 { return host.Current().Column(name) }

// Allowed says how many more tasks of a set the constraints of its job allow on each agent.
func Allowed(set uint32, agents []uint32) []uint32 { return host.Current().Allowed(set, agents) }

// Tasks are all live tasks of the policy's roles, older first.
func Tasks() []Task { return host.Current().Tasks() }

// TasksOfJob are the live tasks of a job.
func TasksOfJob(job uint32) []Task { return host.Current().TasksOfJob(job) }

// TasksOnAgent are the live tasks on an agent.
func TasksOnAgent(agent uint32) []Task { return host.Current().TasksOnAgent(agent) }

// GetTask is a live task.
func GetTask(task uint32) (found Task, ok bool) {
	option := host.Current().GetTask(task)
	return option.Or(Task{}), option.IsSome()
}

// GetTaskDetails are texts and resources of a task, nil if it is unknown.
func GetTaskDetails(task uint32) *TaskDetails {
	found := host.Current().GetTaskDetails(task)
	if found.IsNone() {
		return nil
	}
	details := found.Some()
	return &details
}

// FindTask is the handle of the task with this id.
func FindTask(id string) (task uint32, ok bool) {
	found := host.Current().FindTask(id)
	return found.Or(None), found.IsSome()
}

// Operations are the latest states of operations with ids.
func Operations() []OperationUpdate { return host.Current().Operations() }

// Now is the host's clock: milliseconds since the Unix epoch. It stands still during a call.
func Now() float64 { return host.Current().Now() }

// RandomU32 is a number of the host's seeded generator.
func RandomU32() uint32 { return host.Current().NextU32() }

// RandomF64 is at least 0 and below 1.
func RandomF64() float64 { return host.Current().NextF64() }

// RandomBelow is a number from 0 to below the bound.
func RandomBelow(bound uint32) uint32 {
	return uint32(uint64(RandomU32()) * uint64(bound) >> 32)
}

// Count adds to a counter of the policy's own.
func Count(name string, amount float64) { host.Current().Count(name, amount) }

// Gauge sets a gauge of the policy's own.
func Gauge(name string, value float64) { host.Current().Gauge(name, value) }

// Log writes a line, formatted as fmt.Sprintf does, if lines of its level are kept.
func Log(level uint8, format string, args ...any) {
	if host.Current().LogEnabled(level) {
		host.Current().Log(level, strings.TrimRight(fmt.Sprintf(format, args...), "\n"))
	}
}

func LogTrace(format string, args ...any) { Log(logging.Level_Trace, format, args...) }
func LogDebug(format string, args ...any) { Log(logging.Level_Debug, format, args...) }
func LogInfo(format string, args ...any)  { Log(logging.Level_Info, format, args...) }
func LogWarn(format string, args ...any)  { Log(logging.Level_Warn, format, args...) }
func LogError(format string, args ...any) { Log(logging.Level_Error, format, args...) }
