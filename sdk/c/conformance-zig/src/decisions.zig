//! Every decision, made as a policy makes it: by the face in offerd.zig. Only what no face makes
//! is set in the records.

const offerd = @import("offerd");
const c = offerd.c;

pub fn all(out: offerd.Decisions) void {
    const set: offerd.Waiting = .{ .set = 2 };
    const other: offerd.Waiting = .{ .set = 4 };
    const spot: offerd.Spot = .{ .offer = 1 };
    out.place(spot, &set, 3, "a place ☃");
    out.place(spot, &other, 1, null);
    out.decline(5, 6000, "a decline");
    out.decline(6, offerd.hosts_choice, null);
    out.kill(8, 9000, "a place ☃");
    out.kill(9, offerd.hosts_choice, "");
    out.leftover(13000);
    out.declineRest(11000, "the rest");
    accept(out);
    act(out);
}

fn message() offerd.Message {
    return c.offerd_json("{\"name\":\"t\"}");
}

fn accept(out: offerd.Decisions) void {
    const tasks = [_]offerd.Message{ message(), c.offerd_protobuf("\x08\x01", 2) };
    const both = out.accept(&.{ 1, 2 }, "an accept");
    both.launch(&tasks);
    both.place(1, 2);
    both.launchGroup(message(), tasks[0..1]);
    both.reserve(null, reserved());
    both.reserve("op-1", tags());
    both.unreserve("op-2", reserved());
    both.create("op-3", volume());
    both.destroy(null, volume());
    both.growVolume("op-4", volume(), c.offerd_scalar("disk", 1));
    both.shrinkVolume(null, volume(), 64000);
    both.createDisk("op-5", raw(), c.OFFERD_DISK_KIND_MOUNT, "fast");
    both.createDisk(null, raw(), c.OFFERD_DISK_KIND_BLOCK, null);
    both.destroyDisk(null, raw());
    both.refuse(1000);
    out.accept(&.{3}, null).place(1, 1);
}

fn act(out: offerd.Decisions) void {
    out.revive(&.{ 0, 1 }, "a revival");
    out.suppress(&.{1}, null);
    out.shutdown(3, "e", null);
    out.message(3, "e", "\x00\xff", "a message");
    const cpus = kept(c.offerd_scalar("cpus", 0.5));
    out.request(&.{.{ .agent = 4, .resources = .{ .ptr = cpus, .len = 1 } }}, null);
    out.reconcile(&.{5}, null);
    out.reconcile(&.{}, null);
    out.reconcileOperations(&.{
        .{ .operation_id = c.offerd_text("o"), .agent = offerd.none, .provider = some("p") },
        .{ .operation_id = c.offerd_text("q"), .agent = 7 },
    }, null);
    out.acceptInverse(&.{6}, offerd.hosts_choice, null);
    out.declineInverse(&.{ 7, 8 }, 2000, "not in time");
    const framework = message();
    const constraints = c.offerd_protobuf("\x01", 1);
    out.updateFramework(&framework, &constraints, null);
    out.updateFramework(null, &framework, null);
    out.timer(8, 9000, null);
    out.timer(3_000_000_000, 500, null);
    out.cancelTimer(8, null);
}

fn some(text: [:0]const u8) c.contract_option_string_t {
    return .{ .is_some = true, .val = c.offerd_text(text.ptr) };
}

/// In memory of the call.
fn kept(item: anytype) *@TypeOf(item) {
    const made = &offerd.alloc(@TypeOf(item), 1)[0];
    made.* = item;
    return made;
}

fn reserved() offerd.Resource {
    var cpus = c.offerd_reserved_for(c.offerd_scalar("cpus", 0.1), "r", null);
    cpus = c.offerd_reserved_for(cpus, "r/s", "me");
    for (cpus.reservations.ptr[0..cpus.reservations.len]) |*reservation| {
        const label: c.offerd_label_t = .{ .key = c.offerd_text("k"), .value = reservation.principal };
        reservation.labels = .{ .ptr = kept(label), .len = 1 };
    }
    // Made by the agent's operator.
    cpus.reservations.ptr[0].kind = c.OFFERD_RESERVATION_KIND_FIXED;
    return cpus;
}

fn tags() offerd.Resource {
    const items = [_][*c]const u8{ "a", "☃" };
    var made = c.offerd_items("tags", &items, items.len);
    made.revocable = true;
    made.provider = some("p");
    return made;
}

fn source(kind: c.offerd_disk_kind_t) c.offerd_option_disk_info_t {
    const label: c.offerd_label_t = .{ .key = c.offerd_text("m") };
    return .{ .is_some = true, .val = .{ .source = .{ .is_some = true, .val = .{
        .kind = kind,
        .root = some("/mnt"),
        .id = some("d"),
        .metadata = .{ .ptr = kept(label), .len = 1 },
    } } } };
}

fn volume() offerd.Resource {
    var disk = c.offerd_scalar("disk", 64);
    disk.disk = source(c.OFFERD_DISK_KIND_PATH);
    disk.shared = true;
    disk = c.offerd_persistent(c.offerd_reserved_for(disk, "r", "me"), "v", "data");
    disk.disk.val.volume.val.host_path = some("/srv");
    disk.disk.val.volume.val.read_only = true;
    return disk;
}

fn raw() offerd.Resource {
    const ranges = [_]c.offerd_range_t{ .{ .begin = 1, .end = 2 }, .{ .begin = 4, .end = 4 } };
    var made = c.offerd_ranges("blocks", &ranges, ranges.len);
    made.disk = source(c.OFFERD_DISK_KIND_RAW);
    return made;
}
