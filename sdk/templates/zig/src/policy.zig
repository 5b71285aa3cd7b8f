//! A scheduling policy: each waiting task goes to the first offer with room.

const std = @import("std");
const builtin = @import("builtin");
const offerd = @import("offerd");

pub const description: offerd.Description = .{
    .name = "{{name}}",
    .version = "0.1.0",
    .summary = "Takes the first offer with room.",
};

/// At most so many tasks are placed in one round.
var most: u32 = undefined;

/// The `config` table of the policy's `[[policy]]` entry.
pub fn configure(config: offerd.Config) offerd.Error!void {
    const number = config.number("most", 1_000_000);
    if (!(number >= 1 and number <= 1e9)) {
        return offerd.fail("most is {d}; must be from 1 to 1000000000", .{number});
    }
    most = @intFromFloat(number);
}

pub fn decide(round: offerd.Round, out: offerd.Decisions) offerd.Error!void {
    var left = most;
    const fitter = offerd.Fitter.init(round, .arrival);
    for (round.waiting()) |*set| {
        var places = fitter.fill(set);
        while (places.next()) |spot| {
            const count = @min(spot.count, left);
            if (count == 0) break;
            out.place(spot, set, count, "the first offer with room");
            left -= count;
        }
    }
    out.declineRest(offerd.hosts_choice, "nothing that waits fits");
}

// Unit tests: `offerd policy unit`.

comptime {
    if (builtin.is_test) offerd.Exports(@This()).stateless();
}

fn decided(config: [:0]const u8) !*const offerd.Answer {
    const cluster = offerd.testing;
    cluster.begin("batch");
    for (0..2) |_| {
        const agent = cluster.agent("one.example.org", null);
        _ = cluster.offer(agent, "batch", offerd.amountsOf(2, 1024));
    }
    _ = cluster.wait(.{
        .name = "job",
        .role = "batch",
        .count = 3,
        .needs = offerd.amountsOf(1, 128),
    });
    try std.testing.expectEqual(null, cluster.configure(config));
    return cluster.decide();
}

test "the first offer is filled first" {
    const placements = (try decided("{}")).placements;
    try std.testing.expectEqual(2, placements.len);
    try std.testing.expectEqual(2, placements.ptr[0].count);
    try std.testing.expectEqual(1, placements.ptr[1].count);
}

test "no more than allowed" {
    const placements = (try decided("{\"most\": 1}")).placements;
    try std.testing.expectEqual(1, placements.len);
    try std.testing.expectEqual(1, placements.ptr[0].count);
}
