package offerd

import (
	types "offerd/gen/offerd_policy_types"
	"offerd/wit"
)

// Answer is what a policy decides in a round, each decision with a reason if it gives one:
//
//	out.Place(spot, set, spot.Count).Because("the first offer with room")
//
// The host checks the decisions; offerdtest does in tests.
type Answer struct {
	// Record is the contract's answer, which the methods fill. A policy may also do so.
	Record types.Answer
	known  map[string]uint32
	// Accepts under construction, by position of their action.
	accepts []*Accept
}

func newAnswer() *Answer {
	return &Answer{Record: types.Answer{Leftover: HostsChoice}, known: map[string]uint32{}}
}

func (answer *Answer) record() types.Answer {
	for _, accept := range answer.accepts {
		action := &answer.Record.Actions[accept.position]
		action.Action = types.MakeActionAccept(accept.record)
	}
	return answer.Record
}

// Reason gives the number of a sentence in the answer, 0 for an empty one; the same sentence is
// kept once.
func (answer *Answer) Reason(sentence string) uint32 {
	if sentence == "" {
		return 0
	}
	if number, ok := answer.known[sentence]; ok {
		return number
	}
	answer.Record.Reasons = append(answer.Record.Reasons, sentence)
	number := uint32(len(answer.Record.Reasons))
	answer.known[sentence] = number
	return number
}

type kind uint8

const (
	placed kind = iota
	declined
	killed
	declinedRest
	acted
)

// Decided is a decision that was just made.
type Decided struct {
	answer *Answer
	kind   kind
	at     int
}

// Because says why.
func (decided Decided) Because(sentence string) Decided {
	reason := decided.answer.Reason(sentence)
	record := &decided.answer.Record
	switch decided.kind {
	case placed:
		record.Placements[decided.at].Reason = reason
	case declined:
		record.Declines[decided.at].Reason = reason
	case killed:
		record.Kills[decided.at].Reason = reason
	case declinedRest:
		rest := record.Rest.Some()
		rest.Reason = reason
		record.Rest = wit.Some(rest)
	case acted:
		record.Actions[decided.at].Reason = reason
	}
	return decided
}

// Place launches tasks of a waiting set on an offer.
func (answer *Answer) Place(spot Spot, set *Waiting, count uint32) Decided {
	return answer.PlaceOn(spot.Offer, set.Set, count)
}

// PlaceOn is Place by handles.
func (answer *Answer) PlaceOn(offer, set, count uint32) Decided {
	list := append(answer.Record.Placements, types.Placement{Offer: offer, Set: set, Count: count})
	answer.Record.Placements = list
	return Decided{answer, placed, len(list) - 1}
}

// Decline refuses an offer; Mesos does not offer the same again for so many milliseconds, or
// HostsChoice.
func (answer *Answer) Decline(offer uint32, refuse float64) Decided {
	list := append(answer.Record.Declines, types.Decline{Offer: offer, Refuse: refuse})
	answer.Record.Declines = list
	return Decided{answer, declined, len(list) - 1}
}

// DeclineRest declines each offer of the round that no decision names.
func (answer *Answer) DeclineRest(refuse float64) Decided {
	answer.Record.Rest = wit.Some(types.DeclineRest{Refuse: refuse})
	return Decided{answer, declinedRest, 0}
}

// Kill ends a task; grace is the time between the polite and the hard signal.
func (answer *Answer) Kill(task uint32, grace float64) Decided {
	list := append(answer.Record.Kills, types.Kill{Task: task, Grace: grace})
	answer.Record.Kills = list
	return Decided{answer, killed, len(list) - 1}
}

// LeftoverFor is for how long what placements leave over of their offers is refused.
func (answer *Answer) LeftoverFor(refuse float64) { answer.Record.Leftover = refuse }

// Act makes any call of the API, as the contract's record: types.MakeActionRevive and so on. The
// methods below do so.
func (answer *Answer) Act(action Action) Decided {
	list := append(answer.Record.Actions, types.ReasonedAction{Action: action})
	answer.Record.Actions = list
	return Decided{answer, acted, len(list) - 1}
}

// Revive asks for offers of roles even if no task waits, until Suppress.
func (answer *Answer) Revive(roles ...uint32) Decided {
	return answer.Act(types.MakeActionRevive(roles))
}

// Suppress asks for no offers beyond what the host needs.
func (answer *Answer) Suppress(roles ...uint32) Decided {
	return answer.Act(types.MakeActionSuppress(roles))
}

// Shutdown ends an executor with all its tasks.
func (answer *Answer) Shutdown(agent uint32, executorID string) Decided {
	return answer.Act(types.MakeActionShutdown(types.Executor{Agent: agent, ExecutorId: executorID}))
}

// Message sends bytes to an executor. Mesos may lose them.
func (answer *Answer) Message(agent uint32, executorID string, data []byte) Decided {
	message := types.ExecutorMessage{Agent: agent, ExecutorId: executorID, Data: data}
	return answer.Act(types.MakeActionMessage(message))
}

// Request is a hint to the allocator, which Mesos's own ignores.
func (answer *Answer) Request(requests ...types.ResourceRequest) Decided {
	return answer.Act(types.MakeActionRequest(requests))
}

// Reconcile asks Mesos for the states of tasks; of all if none are named.
func (answer *Answer) Reconcile(tasks ...uint32) Decided {
	return answer.Act(types.MakeActionReconcile(tasks))
}

// ReconcileOperations asks Mesos for the states of operations.
func (answer *Answer) ReconcileOperations(queries ...types.OperationQuery) Decided {
	return answer.Act(types.MakeActionReconcileOperations(queries))
}

// AcceptInverse agrees to give back what inverse offers ask for. Mesos does not ask again for so
// many milliseconds, or HostsChoice.
func (answer *Answer) AcceptInverse(refuse float64, inverseOffers ...uint32) Decided {
	given := types.InverseAnswer{InverseOffers: inverseOffers, Refuse: refuse}
	return answer.Act(types.MakeActionAcceptInverseOffers(given))
}

// DeclineInverse says that what inverse offers ask for will not be given back in time.
func (answer *Answer) DeclineInverse(refuse float64, inverseOffers ...uint32) Decided {
	given := types.InverseAnswer{InverseOffers: inverseOffers, Refuse: refuse}
	return answer.Act(types.MakeActionDeclineInverseOffers(given))
}

// UpdateFramework replaces what the host tells the master of the framework: FrameworkInfo and
// OfferConstraints. What is nil stays.
func (answer *Answer) UpdateFramework(framework, constraints *Encoded) Decided {
	optional := func(part *Encoded) wit.Option[Encoded] {
		if part == nil {
			return wit.None[Encoded]()
		}
		return wit.Some(*part)
	}
	update := types.FrameworkUpdate{Framework: optional(framework), Constraints: optional(constraints)}
	return answer.Act(types.MakeActionUpdateFramework(update))
}

// Timer asks for an event with this number after so many milliseconds. It replaces an older timer
// of the same number.
func (answer *Answer) Timer(number uint32, after float64) Decided {
	return answer.Act(types.MakeActionTimer(types.Timer{Number: number, After: after}))
}

// CancelTimer cancels a timer.
func (answer *Answer) CancelTimer(number uint32) Decided { return answer.Timer(number, HostsChoice) }
