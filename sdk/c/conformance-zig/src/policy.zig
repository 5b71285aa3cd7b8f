//! The conformance guest of Zig: what the guests of all languages show and do, each by the face in
//! offerd.zig. See ../../conformance. Not a policy to use.

const std = @import("std");
const offerd = @import("offerd");
const decisions = @import("decisions.zig");
const limits = @import("limits.zig");
const line = @import("json.zig").line;
const c = offerd.c;

pub const description: offerd.Description = .{
    .name = "conformance",
    .version = "0.1.0",
    .summary = "Uses all of the contract",
};

const Lines = std.ArrayList(c.contract_string_t);
const allocator = std.heap.c_allocator;

/// The text of the configuration, which must live longer than the call.
var config: []const u8 = &.{};
/// Shown in the first round.
var remembered: Lines = .empty;
/// What is saved.
var kept: []const u8 = "conformance";
/// The reasons of the answer, which the host reads after the call.
var seen: Lines = .empty;

fn has(word: []const u8) bool {
    return std.mem.indexOf(u8, config, word) != null;
}

fn copy(bytes: []const u8) []u8 {
    return allocator.dupe(u8, bytes) catch @panic("no memory");
}

fn add(lines: *Lines, made: c.contract_string_t) void {
    lines.append(allocator, made) catch @panic("no memory");
}

fn remember(made: c.contract_string_t) void {
    add(&remembered, .{ .ptr = copy(offerd.string(made)).ptr, .len = made.len });
}

fn show(kind: []const u8, values: anytype) void {
    add(&seen, line(kind, values));
}

/// Bytes that are too large to show: their number, and the number that they are as digits of
/// base 256, modulo a prime below 2^23.
fn weighed(bytes: []const u8) [2]u32 {
    var sum: u32 = 0;
    for (bytes) |byte| sum = (sum * 256 + byte) % 8388593;
    return .{ @intCast(bytes.len), sum };
}

pub fn configure(settings: offerd.Config) offerd.Error!void {
    config = copy(settings.json());
    kept = "conformance";
    remembered.clearRetainingCapacity();
    if (has("refuse")) return offerd.fail("config {s}: 'refuse' is not allowed; leave it out", .{config});
    if (has("throw-configure")) @panic("conformance throws in configure");
    const sizes = weighed(config);
    remember(if (has("weigh")) line("config", .{@as([]const u32, &sizes)}) else line("config", .{config}));
    remember(line("roles", .{offerd.roleNames()}));
    remember(line("framework", .{offerd.frameworkDetails()}));
    remember(line("limits", .{offerd.limits()}));
    remember(line("now", .{offerd.now()}));
}

pub fn decide(round: offerd.Round, out: offerd.Decisions) offerd.Error!void {
    if (has("throw-decide")) @panic("conformance throws in decide");
    if (has("error-decide")) return offerd.fail("no decision in round {d}", .{round.number()});
    report(round);
    if (has("decide-all")) return decisions.all(out);
    limits.check(config);
    seen.clearRetainingCapacity();
    see(round);
    // Not one by one, which keeps the same sentence once.
    out.answer(.{
        .leftover = offerd.hosts_choice,
        .reasons = .{ .ptr = seen.items.ptr, .len = seen.items.len },
    });
}

pub fn save() offerd.Error!offerd.Snapshot {
    if (has("throw-save")) @panic("conformance throws in save");
    if (has("save-fails")) return offerd.fail("nothing to save", .{});
    return .{ .version = 1, .data = kept };
}

pub fn restore(snapshot: offerd.Snapshot) offerd.Error!void {
    if (has("throw-restore")) @panic("conformance throws in restore");
    if (snapshot.version != 1) return offerd.fail("layout {d} is not 1", .{snapshot.version});
    if (has("weigh")) {
        kept = copy(snapshot.data);
        const sizes = weighed(kept);
        remember(line("restored", .{ snapshot.version, @as([]const u32, &sizes) }));
    } else {
        const data: c.contract_list_u8_t = .{ .ptr = @constCast(snapshot.data.ptr), .len = snapshot.data.len };
        remember(line("restored", .{ snapshot.version, data }));
    }
}

fn report(round: offerd.Round) void {
    inline for (.{ .trace, .debug, .info, .warn, .err }, .{ "trace", "debug", "info", "warn", "error" }) |level, name| {
        offerd.log(level, "round {d} at {s}", .{ round.number(), name });
    }
    offerd.addTo("rounds", 1);
    offerd.gauge("offers", @floatFromInt(round.offers().len));
}

/// What there is to see.
fn see(round: offerd.Round) void {
    if (has("large-answer")) {
        const text = offerd.alloc(u8, 1 << 20);
        @memset(text, 'r');
        for (0..20) |_| add(&seen, .{ .ptr = text.ptr, .len = text.len });
        return;
    }
    if (has("echo")) return show("echo", .{config});
    for (remembered.items) |made| add(&seen, made);
    remembered.clearRetainingCapacity();
    showRound(round);
    ask(round);
}

/// The round itself.
fn showRound(round: offerd.Round) void {
    show("round", .{ round.number(), round.now() });
    for (round.offers()) |offer| show("offer", .{offer});
    for (round.waiting()) |set| show("waiting", .{set});
    for (round.updates()) |update| show("update", .{update});
    show("rescinded", .{round.rescinded()});
    for (round.events()) |event| show("event", .{event});
}

/// All that the host knows about what is in the round.
fn ask(round: offerd.Round) void {
    show("clock", .{offerd.now()});
    show("random", .{offerd.randomU32()});
    const part = offerd.randomF64();
    show("random01", .{part >= 0 and part < 1});
    show("framework", .{offerd.frameworkDetails()});
    const agents = offerd.alloc(u32, round.offers().len);
    for (round.offers(), agents) |offer, *agent| {
        agent.* = offer.agent;
        askOffer(offer);
    }
    for ([_][]const u8{ "fpgas", "cpus" }) |name| show("column", .{ name, offerd.column(name) });
    for (round.waiting()) |set| {
        show("job", .{offerd.jobDetails(set.job)});
        show("of_job", .{ set.job, handles(offerd.tasksOfJob(set.job)) });
        show("allowed", .{ set.set, offerd.allowed(set.set, agents) });
    }
    for (offerd.tasks()) |task| show("task", .{task});
    for (round.updates()) |update| askUpdate(update);
    find("nobody");
    for (offerd.operations()) |operation| show("operation", .{operation});
}

fn askOffer(offer: offerd.Offer) void {
    show("agent", .{offerd.agentDetails(offer.agent)});
    show("details", .{offerd.offerDetails(offer.offer)});
    show("json", .{offerd.offerJson(offer.offer)});
    show("on_agent", .{ offer.agent, handles(offerd.tasksOnAgent(offer.agent)) });
}

fn askUpdate(update: offerd.Update) void {
    const details = offerd.taskDetails(update.task);
    show("get_task", .{offerd.getTask(update.task)});
    show("task_details", .{details});
    if (details) |known| find(offerd.string(known.id));
}

fn find(id: []const u8) void {
    show("find", .{ id, offerd.findTask(id) });
}

fn handles(tasks: []const offerd.Task) []const u32 {
    const list = offerd.alloc(u32, tasks.len);
    for (tasks, list) |task, *handle| handle.* = task.task;
    return list;
}
