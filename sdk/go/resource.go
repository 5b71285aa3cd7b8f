package offerd

import (
	types "offerd/gen/offerd_policy_types"
	"offerd/wit"
)

// JSON is a message of Mesos's v1 API in Mesos's JSON form.
func JSON(message string) Encoded { return types.MakeEncodedJson(message) }

// Protobuf is a message of Mesos's v1 API.
func Protobuf(message []byte) Encoded { return types.MakeEncodedProtobuf(message) }

// option is none for an empty text.
func option(text string) wit.Option[string] {
	if text == "" {
		return wit.None[string]()
	}
	return wit.Some(text)
}

// Scalar is an unreserved amount in Mesos's unit: Scalar("disk", 64) is 64 MiB.
func Scalar(name string, units float64) Resource {
	return Resource{Name: name, Value: types.MakeResourceValueScalar(Milli(units))}
}

// Ranges are unreserved ranges; both ends belong to each.
func Ranges(name string, ranges ...Range) Resource {
	return Resource{Name: name, Value: types.MakeResourceValueRanges(ranges)}
}

// Items is an unreserved set of items.
func Items(name string, items ...string) Resource {
	return Resource{Name: name, Value: types.MakeResourceValueItems(items)}
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

// Persistent is the disk as a persistent volume at a path in the container. It keeps the disk's
// source; its principal is that of the last reservation.
func Persistent(disk Resource, id, path string) Resource {
	principal := wit.None[string]()
	if count := len(disk.Reservations); count > 0 {
		principal = disk.Reservations[count-1].Principal
	}
	info := disk.Disk.Or(types.DiskInfo{})
	info.Persistence = wit.Some(types.Persistence{Id: id, Principal: principal})
	info.Volume = wit.Some(types.Volume{ContainerPath: path})
	disk.Disk = wit.Some(info)
	return disk
}
