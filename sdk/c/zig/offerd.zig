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
pub const Resource = c.offerd_mesos_resource_t;
/// A message of Mesos's v1 API: `c.offerd_json` or `c.offerd_protobuf`.
pub const Message = c.offerd_encoded_t;
pub const AgentDetails = c.offerd_cluster_agent_details_t;
pub const JobDetails = c.offerd_cluster_job_details_t;
pub const OfferDetails = c.offerd_cluster_offer_details_t;
pub const TaskDetails = c.offerd_cluster_task_details_t;
pub const FrameworkDetails = c.offerd_cluster_framework_details_t;
pub const Limits = c.offerd_cluster_limits_t;
pub const OperationUpdate = c.offerd_operation_update_t;
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

/// A text for the contract's functions, which take it and change nothing.
fn borrowed(text: []const u8) c.contract_string_t {
    return .{ .ptr = @constCast(text.ptr), .len = text.len };
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

/// CPUs and MiB in Mesos's units: `amountsOf(1.5, 32)` is 1.5 CPUs and 32 MiB.
pub fn amountsOf(cpus: f64, mem: f64) Amounts {
    return c.offerd_amounts(cpus, mem);
}

// What the host knows; all of it is in memory of the call.

/// Names of the framework's roles; a role's handle is its position here.
pub fn roleNames() []const c.contract_string_t {
    var list: c.contract_list_string_t = undefined;
    c.offerd_cluster_roles(&list);
    return slice(c.contract_string_t, list);
}
pub fn frameworkDetails() FrameworkDetails {
    var details: FrameworkDetails = undefined;
    c.offerd_cluster_get_framework(&details);
    return details;
}
/// What a call of the policy may take, and what a round shows at most.
pub fn limits() Limits {
    var found: Limits = undefined;
    c.offerd_cluster_get_limits(&found);
    return found;
}
/// Details of an agent; null if it is unknown.
pub fn agentDetails(agent: u32) ?*const AgentDetails {
    return c.offerd_agent(agent);
}
pub fn jobDetails(job: u32) ?JobDetails {
    var details: JobDetails = undefined;
    return if (c.offerd_cluster_get_job(job, &details)) details else null;
}
pub fn offerDetails(offer: u32) ?OfferDetails {
    var details: OfferDetails = undefined;
    return if (c.offerd_cluster_get_offer(offer, &details)) details else null;
}
pub fn taskDetails(task: u32) ?TaskDetails {
    var details: TaskDetails = undefined;
    return if (c.offerd_cluster_get_task_details(task, &details)) details else null;
}
/// The whole offer in Mesos's JSON form.
pub fn offerJson(offer: u32) ?[]const u8 {
    var json: c.contract_string_t = undefined;
    return if (c.offerd_cluster_get_offer_json(offer, &json)) string(json) else null;
}
/// Thousandths of any named scalar in each offer of the round, in their order.
pub fn column(name: []const u8) []const f64 {
    var asked = borrowed(name);
    var list: c.offerd_cluster_list_milli_t = undefined;
    c.offerd_cluster_column(&asked, &list);
    return slice(f64, list);
}
/// How many more tasks of a set its constraints allow on each of these agents: 0 none, `none`
/// no bound. A fitter asks itself.
pub fn allowed(set: u32, agents: []const u32) []const u32 {
    var asked: c.contract_list_u32_t = .{ .ptr = @constCast(agents.ptr), .len = agents.len };
    var list: c.contract_list_u32_t = undefined;
    c.offerd_cluster_allowed(set, &asked, &list);
    return slice(u32, list);
}
/// The handle of a task with this id.
pub fn findTask(id: []const u8) ?u32 {
    var asked = borrowed(id);
    var found: u32 = undefined;
    return if (c.offerd_cluster_find_task(&asked, &found)) found else null;
}
/// Operations with an id that have not ended, or ended since the last round.
pub fn operations() []const OperationUpdate {
    var list: c.offerd_cluster_list_operation_update_t = undefined;
    c.offerd_cluster_operations(&list);
    return slice(OperationUpdate, list);
}
pub fn getTask(handle: u32) ?Task {
    var found: Task = undefined;
    return if (c.offerd_cluster_get_task(handle, &found)) found else null;
}
/// All tasks of the policy's roles that are not terminal, older first.
pub fn tasks() []const Task {
    var list: c.offerd_cluster_list_task_t = undefined;
    c.offerd_cluster_tasks(&list);
    return slice(Task, list);
}
pub fn tasksOfJob(job: u32) []const Task {
    var list: c.offerd_cluster_list_task_t = undefined;
    c.offerd_cluster_tasks_of_job(job, &list);
    return slice(Task, list);
}
pub fn tasksOnAgent(agent: u32) []const Task {
    var list: c.offerd_cluster_list_task_t = undefined;
    c.offerd_cluster_tasks_on_agent(agent, &list);
    return slice(Task, list);
}

/// The host's clock in milliseconds; the same all through a round.
pub fn now() f64 {
    return c.offerd_clock_now();
}

/// Random numbers of the host's seeded generator: any, from 0 to below 1, from 0 to below `bound`.
pub fn randomU32() u32 {
    return c.offerd_random_next_u32();
}
pub fn randomF64() f64 {
    return c.offerd_random_next_f64();
}
pub fn randomBelow(bound: u32) u32 {
    return c.offerd_random_below(bound);
}

/// Numbers of the policy's own for its operators: a counter and a gauge.
pub fn addTo(name: [:0]const u8, amount: f64) void {
    c.offerd_count(name.ptr, amount);
}
pub fn gauge(name: [:0]const u8, value: f64) void {
    c.offerd_gauge(name.ptr, value);
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
    /// The JSON text itself; then nothing is checked.
    pub fn json(self: Config) []const u8 {
        return string(c.offerd_config_text(self.raw));
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

const Text = ?[:0]const u8;

fn pointer(text: Text) [*c]const u8 {
    return if (text) |given| given.ptr else null;
}

/// The answer, decision by decision. A reason is a sentence for logs and users, or null.
pub const Decisions = struct {
    raw: *c.offerd_decisions_t,

    pub fn place(self: Decisions, spot: Spot, set: *const Waiting, count: u32, reason: Text) void {
        c.offerd_place(self.raw, spot.offer, set.set, count, pointer(reason));
    }
    pub fn decline(self: Decisions, offer: u32, refuse: f64, reason: Text) void {
        c.offerd_decline(self.raw, offer, refuse, pointer(reason));
    }
    pub fn declineRest(self: Decisions, refuse: f64, reason: Text) void {
        c.offerd_decline_rest(self.raw, refuse, pointer(reason));
    }
    pub fn kill(self: Decisions, task: u32, grace: f64, reason: Text) void {
        c.offerd_kill(self.raw, task, grace, pointer(reason));
    }
    pub fn leftover(self: Decisions, refuse: f64) void {
        c.offerd_leftover(self.raw, refuse);
    }
    /// Accepts offers of one agent and role with operations of any kind.
    pub fn accept(self: Decisions, offers: []const u32, reason: Text) Accept {
        return .{ .raw = c.offerd_accept(self.raw, offers.ptr, offers.len, pointer(reason)).? };
    }
    pub fn revive(self: Decisions, roles: []const u32, reason: Text) void {
        c.offerd_revive(self.raw, roles.ptr, roles.len, pointer(reason));
    }
    pub fn suppress(self: Decisions, roles: []const u32, reason: Text) void {
        c.offerd_suppress(self.raw, roles.ptr, roles.len, pointer(reason));
    }
    pub fn shutdown(self: Decisions, agent: u32, executor: [:0]const u8, reason: Text) void {
        c.offerd_shutdown(self.raw, agent, executor.ptr, pointer(reason));
    }
    pub fn message(self: Decisions, agent: u32, executor: [:0]const u8, data: []const u8, reason: Text) void {
        c.offerd_message(self.raw, agent, executor.ptr, data.ptr, data.len, pointer(reason));
    }
    pub fn request(self: Decisions, requests: []const c.offerd_resource_request_t, reason: Text) void {
        c.offerd_request(self.raw, requests.ptr, requests.len, pointer(reason));
    }
    /// Asks Mesos for the states of tasks; of all if there are none.
    pub fn reconcile(self: Decisions, handles: []const u32, reason: Text) void {
        c.offerd_reconcile(self.raw, handles.ptr, handles.len, pointer(reason));
    }
    pub fn reconcileOperations(self: Decisions, queries: []const c.offerd_operation_query_t, reason: Text) void {
        c.offerd_reconcile_operations(self.raw, queries.ptr, queries.len, pointer(reason));
    }
    pub fn acceptInverse(self: Decisions, offers: []const u32, refuse: f64, reason: Text) void {
        c.offerd_accept_inverse(self.raw, offers.ptr, offers.len, refuse, pointer(reason));
    }
    pub fn declineInverse(self: Decisions, offers: []const u32, refuse: f64, reason: Text) void {
        c.offerd_decline_inverse(self.raw, offers.ptr, offers.len, refuse, pointer(reason));
    }
    /// FrameworkInfo and OfferConstraints; what is null stays.
    pub fn updateFramework(self: Decisions, framework: ?*const Message, constraints: ?*const Message, reason: Text) void {
        c.offerd_update_framework(self.raw, framework, constraints, pointer(reason));
    }
    pub fn timer(self: Decisions, number: u32, after: f64, reason: Text) void {
        c.offerd_timer(self.raw, number, after, pointer(reason));
    }
    pub fn cancelTimer(self: Decisions, number: u32, reason: Text) void {
        c.offerd_cancel_timer(self.raw, number, pointer(reason));
    }
    /// Any other call, as the contract's record.
    pub fn act(self: Decisions, action: c.offerd_action_t, reason: Text) void {
        c.offerd_act(self.raw, action, pointer(reason));
    }
    /// The whole answer as the contract's record, in place of what was decided here.
    pub fn answer(self: Decisions, record: Answer) void {
        c.offerd_answer(self.raw, record);
    }
};

/// An ACCEPT with any operations, which are done in this order. `id` asks for an event with the
/// outcome, or is null. Resources: `c.offerd_scalar`, `c.offerd_reserved_for` and so on.
pub const Accept = struct {
    raw: *c.offerd_accepting_t,

    pub fn refuse(self: Accept, milliseconds: f64) void {
        c.offerd_accept_refuse(self.raw, milliseconds);
    }
    /// Any operation, as the contract's record.
    pub fn operate(self: Accept, operation: c.offerd_operation_t) void {
        c.offerd_operate(self.raw, operation);
    }
    /// Launches tasks that the policy wrote (TaskInfo each).
    pub fn launch(self: Accept, infos: []const Message) void {
        c.offerd_launch(self.raw, infos.ptr, infos.len);
    }
    /// Launches waiting tasks of the host.
    pub fn place(self: Accept, set: u32, count: u32) void {
        c.offerd_launch_waiting(self.raw, set, count);
    }
    pub fn launchGroup(self: Accept, executor: Message, infos: []const Message) void {
        c.offerd_launch_group(self.raw, executor, infos.ptr, infos.len);
    }
    pub fn reserve(self: Accept, id: Text, resource: Resource) void {
        c.offerd_reserve(self.raw, pointer(id), resource);
    }
    pub fn unreserve(self: Accept, id: Text, resource: Resource) void {
        c.offerd_unreserve(self.raw, pointer(id), resource);
    }
    pub fn create(self: Accept, id: Text, volume: Resource) void {
        c.offerd_create(self.raw, pointer(id), volume);
    }
    pub fn destroy(self: Accept, id: Text, volume: Resource) void {
        c.offerd_destroy(self.raw, pointer(id), volume);
    }
    pub fn growVolume(self: Accept, id: Text, volume: Resource, addition: Resource) void {
        c.offerd_grow_volume(self.raw, pointer(id), volume, addition);
    }
    pub fn shrinkVolume(self: Accept, id: Text, volume: Resource, subtract: f64) void {
        c.offerd_shrink_volume(self.raw, pointer(id), volume, subtract);
    }
    pub fn createDisk(self: Accept, id: Text, source: Resource, target: c.offerd_disk_kind_t, profile: Text) void {
        c.offerd_create_disk(self.raw, pointer(id), source, target, pointer(profile));
    }
    pub fn destroyDisk(self: Accept, id: Text, source: Resource) void {
        c.offerd_destroy_disk(self.raw, pointer(id), source);
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
    /// Saves the state of the policy, configures it anew and gives it the state; null, or why one of
    /// these fails. `Exports(@This()).stateful()` gives the tests its `save` and `restore`.
    pub fn restart(config: [:0]const u8) ?[]const u8 {
        return if (c.offerd_test_restart(config.ptr)) null else std.mem.span(c.offerd_test_error());
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
