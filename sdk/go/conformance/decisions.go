package main

import (
	"offerd"
	types "offerd/gen/offerd_policy_types"
	"offerd/wit"
)

var message = offerd.JSON(`{"name":"t"}`)

// Every decision, made as a policy makes it: through the SDK's face. Only what no face makes is
// set in the records.
func decideAll(out *offerd.Answer) {
	out.PlaceOn(1, 2, 3).Because("a place ☃")
	out.PlaceOn(1, 4, 1)
	out.Decline(5, 6000).Because("a decline")
	out.Decline(6, offerd.HostsChoice)
	out.Kill(8, 9000).Because("a place ☃")
	out.Kill(9, offerd.HostsChoice).Because("")
	out.LeftoverFor(13000)
	out.DeclineRest(11000).Because("the rest")
	accept(out)
	act(out)
}

func accept(out *offerd.Answer) {
	out.Accept(1, 2).
		Launch(message, offerd.Protobuf([]byte{8, 1})).
		Place(1, 2).
		LaunchGroup(message, message).
		Reserve("", reserved()).
		Reserve("op-1", tags()).
		Unreserve("op-2", reserved()).
		Create("op-3", volume()).
		Destroy("", volume()).
		GrowVolume("op-4", volume(), offerd.Scalar("disk", 1)).
		ShrinkVolume("", volume(), 64000).
		CreateDisk("op-5", raw(), offerd.DiskMount, "fast").
		CreateDisk("", raw(), offerd.DiskBlock, "").
		DestroyDisk("", raw()).
		Refuse(1000).
		Because("an accept")
	out.Accept(3).Place(1, 1)
}

func act(out *offerd.Answer) {
	out.Revive(0, 1).Because("a revival")
	out.Suppress(1)
	out.Shutdown(3, "e")
	out.Message(3, "e", []byte{0, 255}).Because("a message")
	cpus := []offerd.Resource{offerd.Scalar("cpus", 0.5)}
	out.Request(types.ResourceRequest{Agent: 4, Resources: cpus})
	out.Reconcile(5)
	out.Reconcile()
	out.ReconcileOperations(
		types.OperationQuery{OperationId: "o", Agent: offerd.None, Provider: wit.Some("p")},
		types.OperationQuery{OperationId: "q", Agent: 7},
	)
	out.AcceptInverse(offerd.HostsChoice, 6)
	out.DeclineInverse(2000, 7, 8).Because("not in time")
	constraints := offerd.Protobuf([]byte{1})
	out.UpdateFramework(&message, &constraints)
	out.UpdateFramework(nil, &message)
	out.Timer(8, 9000)
	out.Timer(3_000_000_000, 500)
	out.CancelTimer(8)
}

func reserved() offerd.Resource {
	cpus := offerd.ReservedFor(offerd.Scalar("cpus", 0.1), "r", "")
	cpus = offerd.ReservedFor(cpus, "r/s", "me")
	for at := range cpus.Reservations {
		reservation := &cpus.Reservations[at]
		reservation.Labels = []types.Label{{Key: "k", Value: reservation.Principal}}
	}
	// Made by the agent's operator.
	cpus.Reservations[0].Kind = types.ReservationKind_Fixed
	return cpus
}

func tags() offerd.Resource {
	tags := offerd.Items("tags", "a", "☃")
	tags.Revocable = true
	tags.Provider = wit.Some("p")
	return tags
}

func volume() offerd.Resource {
	disk := offerd.Scalar("disk", 64)
	disk.Disk = source(types.DiskKind_Path)
	disk.Shared = true
	made := offerd.Persistent(offerd.ReservedFor(disk, "r", "me"), "v", "data")
	info := made.Disk.Some()
	volume := info.Volume.Some()
	volume.HostPath = wit.Some("/srv")
	volume.ReadOnly = true
	info.Volume = wit.Some(volume)
	made.Disk = wit.Some(info)
	return made
}

func raw() offerd.Resource {
	raw := offerd.Ranges("blocks", offerd.Range{Begin: 1, End: 2}, offerd.Range{Begin: 4, End: 4})
	raw.Disk = source(types.DiskKind_Raw)
	return raw
}

func source(kind offerd.DiskKind) wit.Option[types.DiskInfo] {
	source := types.DiskSource{
		Kind: kind, Root: wit.Some("/mnt"), Id: wit.Some("d"), Metadata: []types.Label{{Key: "m"}},
	}
	return wit.Some(types.DiskInfo{Source: wit.Some(source)})
}
