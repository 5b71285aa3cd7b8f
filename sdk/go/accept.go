package offerd

import types "offerd/gen/offerd_policy_types"

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

// Launch launches tasks that the policy wrote itself (TaskInfo each).
func (accept *Accept) Launch(tasks ...Encoded) *Accept {
	return accept.Operate(types.MakeOperationLaunch(tasks))
}

// LaunchGroup launches a task group with its executor (ExecutorInfo, TaskInfo each).
func (accept *Accept) LaunchGroup(executor Encoded, tasks ...Encoded) *Accept {
	group := types.TaskGroup{Executor: executor, Tasks: tasks}
	return accept.Operate(types.MakeOperationLaunchGroup(group))
}

// Reserve reserves: each resource has the reservations that it is to have. Here and below, an id
// asks for an event with the outcome; it may be empty.
func (accept *Accept) Reserve(id string, resources ...Resource) *Accept {
	reserve := types.Reserve{Id: option(id), Resources: resources}
	return accept.Operate(types.MakeOperationReserve(reserve))
}

// Unreserve gives up reservations.
func (accept *Accept) Unreserve(id string, resources ...Resource) *Accept {
	operation := types.ResourceOperation{Id: option(id), Resources: resources}
	return accept.Operate(types.MakeOperationUnreserve(operation))
}

// Create makes persistent volumes.
func (accept *Accept) Create(id string, volumes ...Resource) *Accept {
	operation := types.ResourceOperation{Id: option(id), Resources: volumes}
	return accept.Operate(types.MakeOperationCreate(operation))
}

// Destroy removes persistent volumes with what is in them.
func (accept *Accept) Destroy(id string, volumes ...Resource) *Accept {
	operation := types.ResourceOperation{Id: option(id), Resources: volumes}
	return accept.Operate(types.MakeOperationDestroy(operation))
}

// GrowVolume makes a volume larger.
func (accept *Accept) GrowVolume(id string, volume, addition Resource) *Accept {
	grow := types.GrowVolume{Id: option(id), Volume: volume, Addition: addition}
	return accept.Operate(types.MakeOperationGrowVolume(grow))
}

// ShrinkVolume makes a volume smaller by thousandths of a MiB.
func (accept *Accept) ShrinkVolume(id string, volume Resource, subtract float64) *Accept {
	shrink := types.ShrinkVolume{Id: option(id), Volume: volume, Subtract: subtract}
	return accept.Operate(types.MakeOperationShrinkVolume(shrink))
}

// CreateDisk makes a disk of a raw one: DiskMount or DiskBlock. The profile may be empty.
func (accept *Accept) CreateDisk(id string, source Resource, target DiskKind, profile string) *Accept {
	create := types.CreateDisk{
		Id: option(id), Source: source, Target: target, TargetProfile: option(profile),
	}
	return accept.Operate(types.MakeOperationCreateDisk(create))
}

// DestroyDisk makes a raw disk again.
func (accept *Accept) DestroyDisk(id string, source Resource) *Accept {
	destroy := types.DestroyDisk{Id: option(id), Source: source}
	return accept.Operate(types.MakeOperationDestroyDisk(destroy))
}
