//! Scheduling policies for offerd in Zig, over the C SDK: `c` has all of it.
//!
//! A policy is src/policy.zig with
//!
//!     pub const description: offerd.Description = .{ .name = ..., .version = ..., .summary = ... };
//!     pub fn configure(config: offerd.Config) offerd.Error!void
//!     pub fn decide(round: offerd.Round, out: offerd.Decisions) offerd.Error!void
//!
//! and, with `state = true` in policy.toml, also
//!
//!     pub fn save() offerd.Error!offerd.Snapshot
//!     pub fn restore(snapshot: offerd.Snapshot) offerd.Error!void
//!
//! Amounts are whole thousandths, times are milliseconds. What the host or this SDK hands out
//! lives until the end of the call; what must live longer is copied.

const std = @import("std");

pub const c = @import("c");

/// Stands where there is no handle, and where a count has no bound.
pub const none: u32 = std.math.maxInt(u32);
/// Leaves a time to the host.
pub const hosts_choice: f64 = -1;

pub const Offer = c.offerd_offer_t;
pub const Waiting = c.offerd_waiting_t;
pub const Task = c.offerd_task_t;
pub const Update = c.offerd_update_t;
pub const Event = c.offerd_event_t;
pub const Amounts = c.offerd_amounts_t;
pub const Weights = c.offerd_weights_t;
pub const Spot = c.offerd_spot_t;
pub const Answer = c.offerd_answer_t;
pub const default_weights: Weights = .{ .cpus = 1, .mem = 1, .disk = 1, .gpus = 4, .ports = 0 };

pub const Description = struct {
    name: [:0]const u8,
    version: [:0]const u8,
    summary: [:0]const u8,
};

/// The reason was given with `fail`.
pub const Error = error{Refused};

/// Remembers why a call fails: `return offerd.fail("config.most: {d} is too small", .{most});`
pub fn fail(comptime format: []const u8, args: anytype) Error {
    _ = c.offerd_error("%s", print(format, args).ptr);
    return error.Refused;
}

/// A text in memory of the call.
pub fn print(comptime format: []const u8, args: anytype) [:0]const u8 {
    const length: usize = @intCast(std.fmt.count(format, args));
    const text = alloc(u8, length + 1);
    _ = std.fmt.bufPrint(text[0..length], format, args) catch unreachable;
    return text[0..length :0];
}

/// Memory of zeros until the end of the call.
pub fn alloc(comptime T: type, count: usize) []T {
    const memory: [*]T = @ptrCast(@alignCast(c.offerd_alloc(count * @sizeOf(T))));
    return memory[0..count];
}

pub const Level = enum(u8) { trace, debug, info, warn, err };

pub fn log(level: Level, comptime format: []const u8, args: anytype) void {
    if (c.offerd_logging_enabled(@intFromEnum(level))) {
        c.offerd_log(@intFromEnum(level), "%s", print(format, args).ptr);
    }
}

/// What a text of the contract holds.
pub fn string(text: c.contract_string_t) []const u8 {
    return slice(u8, text);
}

/// What a list of the contract holds.
pub fn slice(comptime T: type, list: anytype) []const T {
    return if (list.len == 0) &.{} else list.ptr[0..list.len];
}

/// The amounts of an offer, and what a task of a set needs.
pub fn amounts(of: anytype) Amounts {
    return .{ .cpus = of.cpus, .mem = of.mem, .disk = of.disk, .gpus = of.gpus, .ports = @floatFromInt(of.ports) };
}

/// Thousandths of a number in Mesos's unit.
pub fn milli(units: f64) f64 {
    return c.offerd_milli(units);
}

/// A text attribute of an agent.
pub fn attribute(agent: u32, name: [:0]const u8) ?[:0]const u8 {
    const value = c.offerd_attribute(agent, name.ptr);
    return if (value == null) null else std.mem.span(value);
}

/// The settings. Asking for one declares it; one that nobody asked for is an error.
pub const Config = struct {
    raw: *c.offerd_config_t,

    pub fn number(self: Config, name: [:0]const u8, usual: f64) f64 {
        return c.offerd_config_number(self.raw, name.ptr, usual);
    }
    pub fn boolean(self: Config, name: [:0]const u8, usual: bool) bool {
        return c.offerd_config_bool(self.raw, name.ptr, usual);
    }
    pub fn text(self: Config, name: [:0]const u8, usual: ?[:0]const u8) ?[:0]const u8 {
        const value = c.offerd_config_string(self.raw, name.ptr, if (usual) |given| given.ptr else null);
        return if (value == null) null else std.mem.span(value);
    }
    pub fn table(self: Config, name: [:0]const u8) Config {
        return .{ .raw = c.offerd_config_table(self.raw, name.ptr).? };
    }
    /// A table `weights` of numbers from 0 to 1000000.
    pub fn weights(self: Config) Error!Weights {
        var found: Weights = .{};
        return if (c.offerd_config_weights(self.raw, &found)) found else error.Refused;
    }
};

pub const Round = struct {
    raw: *const c.offerd_round_t,

    pub fn number(self: Round) u32 {
        return self.raw.number;
    }
    pub fn now(self: Round) f64 {
        return self.raw.now;
    }
    pub fn offers(self: Round) []const Offer {
        return slice(Offer, self.raw.offers);
    }
    pub fn waiting(self: Round) []const Waiting {
        return slice(Waiting, self.raw.waiting);
    }
    pub fn updates(self: Round) []const Update {
        return slice(Update, self.raw.updates);
    }
    pub fn rescinded(self: Round) []const u32 {
        return slice(u32, self.raw.rescinded);
    }
    pub fn events(self: Round) []const Event {
        return slice(Event, self.raw.events);
    }
};

/// The answer, decision by decision. A reason is a sentence for logs and users.
pub const Decisions = struct {
    raw: *c.offerd_decisions_t,

    pub fn place(self: Decisions, spot: Spot, set: *const Waiting, count: u32, reason: [:0]const u8) void {
        c.offerd_place(self.raw, spot.offer, set.set, count, reason.ptr);
    }
    pub fn decline(self: Decisions, offer: u32, refuse: f64, reason: [:0]const u8) void {
        c.offerd_decline(self.raw, offer, refuse, reason.ptr);
    }
    pub fn declineRest(self: Decisions, refuse: f64, reason: [:0]const u8) void {
        c.offerd_decline_rest(self.raw, refuse, reason.ptr);
    }
    pub fn kill(self: Decisions, task: u32, grace: f64, reason: [:0]const u8) void {
        c.offerd_kill(self.raw, task, grace, reason.ptr);
    }
    pub fn leftover(self: Decisions, refuse: f64) void {
        c.offerd_leftover(self.raw, refuse);
    }
    pub fn timer(self: Decisions, number: u32, after: f64) void {
        c.offerd_timer(self.raw, number, after);
    }
    /// Any other call, as the contract's record.
    pub fn act(self: Decisions, action: c.offerd_action_t, reason: [:0]const u8) void {
        c.offerd_act(self.raw, action, reason.ptr);
    }
};

/// Which of the offers that fit is taken first.
pub const Order = union(enum) {
    arrival,
    /// The one with the least room: best fit.
    tightest: Weights,
    /// The one with the most room: spreads tasks.
    roomiest: Weights,

    fn of(self: Order) c.offerd_order_t {
        return switch (self) {
            .arrival => .{ .kind = c.OFFERD_ARRIVAL },
            .tightest => |weights| .{ .kind = c.OFFERD_TIGHTEST, .weights = weights },
            .roomiest => |weights| .{ .kind = c.OFFERD_ROOMIEST, .weights = weights },
        };
    }
};

/// What is left of each offer of a round. Knows roles and placement constraints.
pub const Fitter = struct {
    raw: *c.offerd_fitter_t,

    pub fn init(round: Round, order: Order) Fitter {
        return .{ .raw = c.offerd_fitter(round.raw, order.of()).? };
    }
    /// Places for the tasks of a set, each taken: `while (places.next()) |spot| ...`.
    pub fn fill(self: Fitter, set: *const Waiting) Places {
        return .{ .fitter = self, .set = set, .wanted = set.count };
    }
    /// The offer that comes first in the order and has room; takes nothing.
    pub fn next(self: Fitter, set: *const Waiting) ?Spot {
        var spot: Spot = .{};
        return if (c.offerd_next(self.raw, set, &spot)) spot else null;
    }
    pub fn take(self: Fitter, spot: Spot, set: *const Waiting, count: u32) void {
        c.offerd_take(self.raw, &spot, set, count);
    }
    pub fn left(self: Fitter, at: usize) Amounts {
        return c.offerd_left(self.raw, at);
    }
};

pub const Places = struct {
    fitter: Fitter,
    set: *const Waiting,
    wanted: u32,

    pub fn next(self: *Places) ?Spot {
        var spot: Spot = .{};
        return if (c.offerd_fill(self.fitter.raw, self.set, &self.wanted, &spot)) spot else null;
    }
};

/// What a policy with state saves.
pub const Snapshot = struct { version: u32, data: []const u8 };

/// A panic is written to the log and ends the instance.
pub const panic = std.debug.FullPanic(panicked);

fn panicked(message: []const u8, _: ?usize) noreturn {
    c.offerd_panic("%.*s", @as(c_int, @intCast(message.len)), message.ptr);
}

/// The functions that the C SDK calls, of a policy.
pub fn Exports(comptime policy: type) type {
    return struct {
        fn describe() callconv(.c) c.offerd_description_t {
            const known: Description = policy.description;
            return .{ .name = known.name.ptr, .version = known.version.ptr, .summary = known.summary.ptr };
        }
        fn configure(config: *c.offerd_config_t) callconv(.c) bool {
            policy.configure(.{ .raw = config }) catch return false;
            return true;
        }
        fn decide(round: *const c.offerd_round_t, out: *c.offerd_decisions_t) callconv(.c) bool {
            policy.decide(.{ .raw = round }, .{ .raw = out }) catch return false;
            return true;
        }
        fn save(snapshot: *c.offerd_snapshot_t) callconv(.c) bool {
            const saved = policy.save() catch return false;
            snapshot.* = .{ .version = saved.version, .data = saved.data.ptr, .size = saved.data.len };
            return true;
        }
        fn restore(snapshot: *const c.offerd_snapshot_t) callconv(.c) bool {
            const bytes: [*]const u8 = if (snapshot.data) |data| @ptrCast(data) else "";
            policy.restore(.{ .version = snapshot.version, .data = bytes[0..snapshot.size] }) catch return false;
            return true;
        }

        pub fn stateless() void {
            @export(&describe, .{ .name = "offerd_describe" });
            @export(&configure, .{ .name = "offerd_configure" });
            @export(&decide, .{ .name = "offerd_decide" });
        }
        pub fn stateful() void {
            stateless();
            @export(&save, .{ .name = "offerd_save" });
            @export(&restore, .{ .name = "offerd_restore" });
        }
    };
}

/// A stand-in for the host: a small cluster made by hand. In a test,
/// `comptime { offerd.Exports(@This()).stateless(); }` in the policy's file gives it the
/// policy; see offerd_testing.h.
pub const testing = struct {
    pub const Job = c.offerd_test_job_t;

    pub fn begin(roles: [:0]const u8) void {
        c.offerd_test_begin(roles.ptr);
    }
    pub fn agent(hostname: [:0]const u8, attributes: ?[:0]const u8) u32 {
        return c.offerd_test_agent(hostname.ptr, if (attributes) |given| given.ptr else null);
    }
    pub fn offer(of: u32, role: [:0]const u8, room: Amounts) u32 {
        return c.offerd_test_offer(of, role.ptr, room);
    }
    pub fn wait(job: Job) u32 {
        return c.offerd_test_wait(job);
    }
    /// Starts the policy; null, or why it refuses.
    pub fn configure(config: [:0]const u8) ?[]const u8 {
        return if (c.offerd_test_configure(config.ptr)) null else std.mem.span(c.offerd_test_error());
    }
    /// One round, carried out. Fails if the policy does or the host would refuse a decision.
    pub fn decide() Error!*const Answer {
        const answer = c.offerd_test_decide();
        if (answer == null) {
            std.debug.print("{s}\n", .{std.mem.span(c.offerd_test_error())});
            return error.Refused;
        }
        return answer;
    }
};
