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

// Reason gives the number of a sentence in the answer; the same sentence is kept once.
func (answer *Answer) Reason(sentence string) uint32 {
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

// Act makes any other call of the API: types.MakeActionRevive and so on.
func (answer *Answer) Act(action Action) Decided {
	list := append(answer.Record.Actions, types.ReasonedAction{Action: action})
	answer.Record.Actions = list
	return Decided{answer, acted, len(list) - 1}
}

// Revive asks for offers of roles even if no task waits.
func (answer *Answer) Revive(roles ...uint32) Decided {
	return answer.Act(types.MakeActionRevive(roles))
}

// Suppress asks for no offers beyond what the host needs.
func (answer *Answer) Suppress(roles ...uint32) Decided {
	return answer.Act(types.MakeActionSuppress(roles))
}

// Timer comes back as an event with this number; a negative time cancels it.
func (answer *Answer) Timer(number uint32, after float64) Decided {
	return answer.Act(types.MakeActionTimer(types.Timer{Number: number, After: after}))
}

// Reconcile asks Mesos for the states of tasks; of all if none are named.
func (answer *Answer) Reconcile(tasks ...uint32) Decided {
	return answer.Act(types.MakeActionReconcile(tasks))
}

// Accept is an ACCEPT with any operations, done in the order in which they are added.
type Accept struct {
	answer   *Answer
	position int
	record   types.Accept
}

// Accept begins an ACCEPT of offers of one agent and role.
func (answer *Answer) Accept(offers ...uint32) *Accept {
	decided := answer.Act(Action{})
	accept := &Accept{
		answer:   answer,
		position: decided.at,
		record:   types.Accept{Offers: offers, Refuse: HostsChoice},
	}
	answer.accepts = append(answer.accepts, accept)
	return accept
}

// Because says why.
func (accept *Accept) Because(sentence string) *Accept {
	Decided{accept.answer, acted, accept.position}.Because(sentence)
	return accept
}

// Refuse sets the filter for what is left over.
func (accept *Accept) Refuse(milliseconds float64) *Accept {
	accept.record.Refuse = milliseconds
	return accept
}

// Operate adds any operation: types.MakeOperationReserve and so on.
func (accept *Accept) Operate(operation Operation) *Accept {
	accept.record.Operations = append(accept.record.Operations, operation)
	return accept
}

// Place launches waiting tasks of the host.
func (accept *Accept) Place(set, count uint32) *Accept {
	return accept.Operate(types.MakeOperationPlace(types.SetCount{Set: set, Count: count}))
}

// LaunchJSON launches tasks that the policy wrote itself: TaskInfo in Mesos's JSON form.
func (accept *Accept) LaunchJSON(taskInfos ...string) *Accept {
	tasks := make([]types.Encoded, len(taskInfos))
	for at, task := range taskInfos {
		tasks[at] = types.MakeEncodedJson(task)
	}
	return accept.Operate(types.MakeOperationLaunch(tasks))
}

// option is none for an empty text.
func option(text string) wit.Option[string] {
	if text == "" {
		return wit.None[string]()
	}
	return wit.Some(text)
}

// Reserve reserves resources. An id asks for feedback; it may be empty.
func (accept *Accept) Reserve(id string, resources ...Resource) *Accept {
	reserve := types.Reserve{Id: option(id), Resources: resources}
	return accept.Operate(types.MakeOperationReserve(reserve))
}

// Unreserve gives reserved resources back.
func (accept *Accept) Unreserve(id string, resources ...Resource) *Accept {
	operation := types.ResourceOperation{Id: option(id), Resources: resources}
	return accept.Operate(types.MakeOperationUnreserve(operation))
}

// Create makes persistent volumes.
func (accept *Accept) Create(id string, volumes ...Resource) *Accept {
	operation := types.ResourceOperation{Id: option(id), Resources: volumes}
	return accept.Operate(types.MakeOperationCreate(operation))
}

// Destroy removes persistent volumes.
func (accept *Accept) Destroy(id string, volumes ...Resource) *Accept {
	operation := types.ResourceOperation{Id: option(id), Resources: volumes}
	return accept.Operate(types.MakeOperationDestroy(operation))
}

// Scalar is an unreserved amount in thousandths.
func Scalar(name string, milli float64) Resource {
	return Resource{Name: name, Value: types.MakeResourceValueScalar(milli)}
}

// ReservedFor is the resource, reserved for a role; the principal may be empty.
func ReservedFor(resource Resource, role, principal string) Resource {
	reservation := types.Reservation{
		Kind:      types.ReservationKind_Dynamic,
		Role:      role,
		Principal: option(principal),
	}
	stack := append([]types.Reservation(nil), resource.Reservations...)
	resource.Reservations = append(stack, reservation)
	return resource
}

// Persistent is the disk as a persistent volume at a path in the container.
func Persistent(disk Resource, id, principal, path string) Resource {
	disk.Disk = wit.Some(types.DiskInfo{
		Persistence: wit.Some(types.Persistence{Id: id, Principal: option(principal)}),
		Volume:      wit.Some(types.Volume{ContainerPath: path}),
	})
	return disk
}
