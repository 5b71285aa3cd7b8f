package main

import (
	"offerd"
	types "offerd/gen/offerd_policy_types"
	"offerd/wit"
)

func reserved() offerd.Resource {
	cpus := offerd.ReservedFor(offerd.Scalar("cpus", 1), "r", "me")
	cpus.Reservations[0].Labels = []types.Label{{Key: "k"}}
	return cpus
}

func volume() offerd.Resource {
	disk := offerd.Persistent(offerd.Scalar("disk", 64000), "v", "", "data")
	info := disk.Disk.Some()
	info.Source = wit.Some(types.DiskSource{Kind: types.DiskKind_Path, Root: wit.Some("/mnt")})
	disk.Disk = wit.Some(info)
	disk.Shared = true
	return disk
}

func operations() []types.Operation {
	only := func(resource offerd.Resource) types.ResourceOperation {
		return types.ResourceOperation{Id: wit.Some("op"), Resources: []types.MesosResource{resource}}
	}
	ports := offerd.Resource{
		Name:  "ports",
		Value: types.MakeResourceValueRanges([]types.Range{{Begin: 1, End: 2}}),
	}
	object := types.MakeEncodedJson("{}")
	return []types.Operation{
		types.MakeOperationLaunch([]types.Encoded{object, types.MakeEncodedProtobuf([]byte{8, 1})}),
		types.MakeOperationPlace(types.SetCount{Set: 1, Count: 2}),
		types.MakeOperationLaunchGroup(types.TaskGroup{Executor: object, Tasks: []types.Encoded{object}}),
		types.MakeOperationReserve(types.Reserve{
			Source:    []types.MesosResource{offerd.Scalar("cpus", 1)},
			Resources: []types.MesosResource{reserved()},
		}),
		types.MakeOperationUnreserve(only(reserved())),
		types.MakeOperationCreate(only(volume())),
		types.MakeOperationDestroy(only(volume())),
		types.MakeOperationGrowVolume(types.GrowVolume{
			Volume:   volume(),
			Addition: offerd.Scalar("disk", 1),
		}),
		types.MakeOperationShrinkVolume(types.ShrinkVolume{Volume: volume(), Subtract: 64000}),
		types.MakeOperationCreateDisk(types.CreateDisk{
			Source:        offerd.Scalar("disk", 2),
			Target:        types.DiskKind_Mount,
			TargetProfile: wit.Some("fast"),
		}),
		types.MakeOperationDestroyDisk(types.DestroyDisk{Source: ports}),
	}
}

// One of each action of the contract.
func actions() []types.ReasonedAction {
	all := []types.Action{
		types.MakeActionAccept(types.Accept{
			Offers:     []uint32{1, 2},
			Operations: operations(),
			Refuse:     1000,
		}),
		types.MakeActionRevive([]uint32{0, 1}),
		types.MakeActionSuppress([]uint32{1}),
		types.MakeActionShutdown(types.Executor{Agent: 3, ExecutorId: "e"}),
		types.MakeActionMessage(types.ExecutorMessage{Agent: 3, ExecutorId: "e", Data: []byte{0, 255}}),
		types.MakeActionRequest([]types.ResourceRequest{
			{Agent: 4, Resources: []types.MesosResource{offerd.Scalar("cpus", 500)}},
		}),
		types.MakeActionReconcile([]uint32{5}),
		types.MakeActionReconcileOperations([]types.OperationQuery{
			{OperationId: "o", Agent: offerd.None, Provider: wit.Some("p")},
		}),
		types.MakeActionAcceptInverseOffers(types.InverseAnswer{
			InverseOffers: []uint32{6},
			Refuse:        offerd.HostsChoice,
		}),
		types.MakeActionDeclineInverseOffers(types.InverseAnswer{InverseOffers: []uint32{7}, Refuse: 2000}),
		types.MakeActionUpdateFramework(types.FrameworkUpdate{
			Framework:   wit.Some(types.MakeEncodedJson("{}")),
			Constraints: wit.Some(types.MakeEncodedProtobuf([]byte{1})),
		}),
		types.MakeActionTimer(types.Timer{Number: 8, After: 9000}),
	}
	reasoned := make([]types.ReasonedAction, len(all))
	for at, action := range all {
		reasoned[at] = types.ReasonedAction{Action: action, Reason: uint32(at + 1)}
	}
	return reasoned
}
