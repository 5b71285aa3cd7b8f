//! Best fit: each waiting task goes to the offer with the least room that still fits, so
//! that agents fill up and large tasks find room elsewhere. See README.md.

const std = @import("std");
const builtin = @import("builtin");
const offerd = @import("offerd");

pub const description: offerd.Description = .{
    .name = "bin-pack-zig",
    .version = "0.1.0",
    .summary = "Fills agents up: takes the tightest offer with room.",
};

/// How much each resource counts when offers are compared.
var weights: offerd.Weights = offerd.default_weights;

pub fn configure(config: offerd.Config) offerd.Error!void {
    weights = try config.weights();
}

pub fn decide(round: offerd.Round, out: offerd.Decisions) offerd.Error!void {
    const fitter = offerd.Fitter.init(round, .{ .tightest = weights });
    for (round.waiting()) |*set| {
        var places = fitter.fill(set);
        while (places.next()) |spot| {
            out.place(spot, set, spot.count, "the tightest offer with room");
        }
    }
    out.declineRest(offerd.hosts_choice, "nothing that waits fits");
}

// What the policy decides, without a host.

comptime {
    if (builtin.is_test) offerd.Exports(@This()).stateless();
}

fn room(cpus: f64, mem: f64) offerd.Amounts {
    return .{ .cpus = cpus * 1000, .mem = mem * 1000 };
}

fn placed(config: [:0]const u8, offers: []const offerd.Amounts, needs: offerd.Amounts, count: u32) !*const offerd.Answer {
    const cluster = offerd.testing;
    cluster.begin("batch");
    for (offers) |amounts| {
        _ = cluster.offer(cluster.agent("host", null), "batch", amounts);
    }
    _ = cluster.wait(.{ .name = "job", .role = "batch", .needs = needs, .count = count });
    try std.testing.expectEqual(null, cluster.configure(config));
    return cluster.decide();
}

fn expect(answer: *const offerd.Answer, expected: []const [2]u32) !void {
    try std.testing.expectEqual(expected.len, answer.placements.len);
    for (expected, 0..) |pair, at| {
        const placement = answer.placements.ptr[at];
        try std.testing.expectEqual(pair, [2]u32{ placement.offer, placement.count });
    }
}

test "the tightest first and then the next" {
    const offers = [_]offerd.Amounts{ room(8, 8192), room(2, 2048), room(4, 4096) };
    const answer = try placed("{}", &offers, room(1, 64), 7);
    try expect(answer, &.{ .{ 1, 2 }, .{ 2, 4 }, .{ 0, 1 } });
}

test "weights decide which resource is scarce" {
    const offers = [_]offerd.Amounts{ room(8, 100), room(2, 9000) };
    try expect(try placed("{\"weights\": {\"mem\": 0}}", &offers, room(1, 10), 1), &.{.{ 1, 1 }});
    try expect(try placed("{\"weights\": {\"cpus\": 0}}", &offers, room(1, 10), 1), &.{.{ 0, 1 }});
}

test "wrong settings are named" {
    offerd.testing.begin("batch");
    try std.testing.expectEqualStrings(
        "config.weights.mem: -1 is no weight; it must be from 0 to 1000000",
        offerd.testing.configure("{\"weights\": {\"mem\": -1}}").?,
    );
}
