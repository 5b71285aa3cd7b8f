package offerd

import (
	types "offerd/gen/offerd_policy_types"
	"offerd/internal/host"
)

const (
	// An agent that registers again with other attributes keeps its handle; that is rare
	// enough for minutes.
	keepAgents = 600_000.0
	// So many that a policy for a very large cluster still keeps them all, and one that runs
	// for years does not grow without bound.
	mostAgents = 100_000
)

type keptAgent struct {
	since   float64
	details *AgentDetails
}

// What was asked before: agents for ten minutes, jobs for the round.
var kept struct {
	now    float64
	agents map[uint32]keptAgent
	jobs   map[uint32]*JobDetails
}

// Forgets everything, as a new instance has.
func forget() {
	kept.agents = map[uint32]keptAgent{}
	kept.jobs = map[uint32]*JobDetails{}
}

// Lets go of what may have changed since the last round.
func beginRound(round *Round) {
	kept.now = round.Now
	clear(kept.jobs)
	for at := range round.Events {
		if round.Events[at].Tag() == types.Event_Subscribed {
			clear(kept.agents)
		}
	}
}

// Agent gives the details of an agent, nil if it is unknown. They are kept for ten minutes and
// must not be changed.
func Agent(agent uint32) *AgentDetails {
	if known, ok := kept.agents[agent]; ok && kept.now-known.since < keepAgents {
		return known.details
	}
	found := host.Current().GetAgent(agent)
	if found.IsNone() {
		return nil
	}
	details := found.Some()
	// Without a host name the host knows no more than the id: there was no offer yet.
	if details.Hostname != "" {
		if len(kept.agents) >= mostAgents {
			clear(kept.agents)
		}
		kept.agents[agent] = keptAgent{kept.now, &details}
	}
	return &details
}

// Job gives the details of a job, nil if it is unknown. They are kept for the round and must
// not be changed.
func Job(job uint32) *JobDetails {
	if known, ok := kept.jobs[job]; ok {
		return known
	}
	found := host.Current().GetJob(job)
	if found.IsNone() {
		return nil
	}
	details := found.Some()
	kept.jobs[job] = &details
	return &details
}
