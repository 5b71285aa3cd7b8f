// Scheduling policies for offerd in C. Usable from C++ (see offerd.hpp) and Zig.
//
// A policy defines the functions named in "What a policy defines" below. The records (offers,
// waiting sets, tasks, ...) and the functions that ask the host for more (`offerd_cluster_...`)
// are in contract.h, made from the contract in wit/, which says what each field means. Amounts are whole thousandths (1500 is 1.5 CPUs)
// and times are milliseconds, both in doubles: sums and comparisons are exact.
//
// Memory: what the host or this SDK hands out lives until the end of the call and is never
// freed by the policy. What must live longer is copied with malloc.
#ifndef OFFERD_H
#define OFFERD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Stands where there is no handle, and where a count has no bound.
#define OFFERD_NONE UINT32_MAX
/// Leaves a time to the host.
#define OFFERD_HOSTS_CHOICE (-1.0)

// ---- What a policy defines ----------------------------------------------------------

typedef struct {
    const char *name;
    const char *version;
    const char *summary;
} offerd_description_t;

typedef struct offerd_config offerd_config_t;
typedef struct offerd_decisions offerd_decisions_t;

offerd_description_t offerd_describe(void);

/// Called once, before any round. Sets all of the policy's own state. False after
/// `offerd_error`, which keeps the policy from starting.
bool offerd_configure(offerd_config_t *config);

/// Decides one round. False after `offerd_error`: no decision is taken.
bool offerd_decide(const offerd_round_t *round, offerd_decisions_t *out);

/// What a policy with state saves.
typedef struct {
    uint32_t version;
    const void *data;
    size_t size;
} offerd_snapshot_t;

/// With `state = true` in policy.toml also these two. False after `offerd_error`.
bool offerd_save(offerd_snapshot_t *snapshot);
bool offerd_restore(const offerd_snapshot_t *snapshot);

// ---- Errors, log, memory, texts -------------------------------------------------------

#if defined(__GNUC__)
#define OFFERD_PRINTF(a, b) __attribute__((format(printf, a, b)))
#else
#define OFFERD_PRINTF(a, b)
#endif

#ifdef __cplusplus
#define OFFERD_NORETURN [[noreturn]]
#else
#define OFFERD_NORETURN _Noreturn
#endif

/// Remembers why a call fails, as printf would write it. Always false:
/// `return offerd_error("config.most: %g is too small", most);`
bool offerd_error(const char *format, ...) OFFERD_PRINTF(1, 2);

/// For what must never happen: writes to the log and ends the instance.
OFFERD_NORETURN void offerd_panic(const char *format, ...) OFFERD_PRINTF(1, 2);

/// Writes a log line, if lines of this level are kept (OFFERD_LOGGING_LEVEL_...).
void offerd_log(offerd_logging_level_t level, const char *format, ...) OFFERD_PRINTF(2, 3);
#define offerd_info(...) offerd_log(OFFERD_LOGGING_LEVEL_INFO, __VA_ARGS__)
#define offerd_warn(...) offerd_log(OFFERD_LOGGING_LEVEL_WARN, __VA_ARGS__)

/// Memory of zeros until the end of the call. Ends the instance if there is none.
void *offerd_alloc(size_t size);

/// A text that refers to a C string.
contract_string_t offerd_text(const char *text);
/// A text as printf writes it.
contract_string_t offerd_format(const char *format, ...) OFFERD_PRINTF(1, 2);
/// A C string with the content of a text.
const char *offerd_cstr(contract_string_t text);
bool offerd_text_is(contract_string_t text, const char *other);

/// Numbers of the policy's own for its operators.
void offerd_count(const char *name, double amount);
void offerd_gauge(const char *name, double value);

/// A random number from 0 to below `bound`, of the host's seeded generator.
uint32_t offerd_random_below(uint32_t bound);

// ---- Settings -------------------------------------------------------------------------
//
// Asking for a setting declares it: one that the `config` table has and nobody asked for,
// or one of another type, keeps the policy from starting with a message that names it.

double offerd_config_number(offerd_config_t *config, const char *name, double usual);
bool offerd_config_bool(offerd_config_t *config, const char *name, bool usual);
/// The text lives as long as the policy; `usual` may be NULL.
const char *offerd_config_string(offerd_config_t *config, const char *name, const char *usual);
/// A table in the table; empty if it is not there.
offerd_config_t *offerd_config_table(offerd_config_t *config, const char *name);
/// Length of a list; 0 if it is not there. Its items are asked for as settings "0", "1", ...
/// of `offerd_config_table(config, name)`.
size_t offerd_config_length(offerd_config_t *config, const char *name);
/// The JSON text itself; then nothing is checked.
contract_string_t offerd_config_text(offerd_config_t *config);

// ---- Amounts --------------------------------------------------------------------------

typedef struct {
    double cpus, mem, disk, gpus, ports;
} offerd_amounts_t;

/// Thousandths of a number in Mesos's unit, rounded: 1.5 is 1500.
double offerd_milli(double units);
/// CPUs and MiB in Mesos's units: `offerd_amounts(1.5, 32)` is 1.5 CPUs and 32 MiB.
offerd_amounts_t offerd_amounts(double cpus, double mem);
offerd_amounts_t offerd_offer_amounts(const offerd_offer_t *offer);
offerd_amounts_t offerd_needs(const offerd_waiting_t *set);
/// Whether there is room for `need`.
static inline bool offerd_fits(const offerd_amounts_t *room, const offerd_amounts_t *need) {
    return need->cpus <= room->cpus && need->mem <= room->mem && need->disk <= room->disk &&
           need->gpus <= room->gpus && need->ports <= room->ports;
}
/// How many times there is room for `need`; OFFERD_NONE if it needs nothing.
uint32_t offerd_capacity(const offerd_amounts_t *room, const offerd_amounts_t *need);

/// Bits of `traits`.
enum {
    OFFERD_OFFER_FRESH = 1,
    OFFERD_OFFER_RESERVED = 2,
    OFFERD_OFFER_REVOCABLE = 4,
    OFFERD_OFFER_VOLUMES = 8,
    OFFERD_OFFER_DISK_SOURCES = 16,
    OFFERD_OFFER_UNAVAILABILITY = 32,
    OFFERD_OFFER_NAMED = 64,
    OFFERD_WAITING_CONSTRAINED = 1,
    OFFERD_WAITING_SERVICE = 2,
    OFFERD_WAITING_RETRY = 4,
    OFFERD_TASK_KILLING = 1,
    OFFERD_TASK_SERVICE = 2,
    OFFERD_TASK_HEALTHY = 4,
    OFFERD_TASK_UNHEALTHY = 8,
    OFFERD_TASK_UNKNOWN = 16,
    OFFERD_UPDATE_TERMINAL = 1,
    OFFERD_UPDATE_RECONCILED = 2,
    OFFERD_UPDATE_HEALTHY = 4,
    OFFERD_UPDATE_UNHEALTHY = 8,
};

/// Mesos's TaskState numbers.
enum {
    OFFERD_TASK_STARTING = 0,
    OFFERD_TASK_RUNNING = 1,
    OFFERD_TASK_FINISHED = 2,
    OFFERD_TASK_FAILED = 3,
    OFFERD_TASK_KILLED = 4,
    OFFERD_TASK_LOST = 5,
    OFFERD_TASK_STAGING = 6,
    OFFERD_TASK_ERROR = 7,
    OFFERD_TASK_KILLING_STATE = 8,
    OFFERD_TASK_DROPPED = 9,
    OFFERD_TASK_UNREACHABLE = 10,
    OFFERD_TASK_GONE = 11,
    OFFERD_TASK_GONE_BY_OPERATOR = 12,
    OFFERD_TASK_STATE_UNKNOWN = 13,
};

/// Mesos's TaskStatus.Reason numbers: why a task is in its state; OFFERD_NONE if Mesos gave
/// none.
enum {
    OFFERD_REASON_COMMAND_EXECUTOR_FAILED = 0,
    OFFERD_REASON_EXECUTOR_TERMINATED = 1,
    OFFERD_REASON_EXECUTOR_UNREGISTERED = 2,
    OFFERD_REASON_FRAMEWORK_REMOVED = 3,
    OFFERD_REASON_GC_ERROR = 4,
    OFFERD_REASON_INVALID_FRAMEWORKID = 5,
    OFFERD_REASON_INVALID_OFFERS = 6,
    OFFERD_REASON_MASTER_DISCONNECTED = 7,
    OFFERD_REASON_CONTAINER_LIMITATION_MEMORY = 8,
    OFFERD_REASON_RECONCILIATION = 9,
    OFFERD_REASON_AGENT_DISCONNECTED = 10,
    OFFERD_REASON_AGENT_REMOVED = 11,
    OFFERD_REASON_AGENT_RESTARTED = 12,
    OFFERD_REASON_AGENT_UNKNOWN = 13,
    OFFERD_REASON_TASK_INVALID = 14,
    OFFERD_REASON_TASK_UNAUTHORIZED = 15,
    OFFERD_REASON_TASK_UNKNOWN = 16,
    OFFERD_REASON_CONTAINER_PREEMPTED = 17,
    OFFERD_REASON_RESOURCES_UNKNOWN = 18,
    OFFERD_REASON_CONTAINER_LIMITATION = 19,
    OFFERD_REASON_CONTAINER_LIMITATION_DISK = 20,
    OFFERD_REASON_CONTAINER_LAUNCH_FAILED = 21,
    OFFERD_REASON_CONTAINER_UPDATE_FAILED = 22,
    OFFERD_REASON_EXECUTOR_REGISTRATION_TIMEOUT = 23,
    OFFERD_REASON_EXECUTOR_REREGISTRATION_TIMEOUT = 24,
    OFFERD_REASON_TASK_GROUP_INVALID = 25,
    OFFERD_REASON_TASK_GROUP_UNAUTHORIZED = 26,
    OFFERD_REASON_IO_SWITCHBOARD_EXITED = 27,
    OFFERD_REASON_TASK_CHECK_STATUS_UPDATED = 28,
    OFFERD_REASON_TASK_HEALTH_CHECK_STATUS_UPDATED = 29,
    OFFERD_REASON_TASK_KILLED_DURING_LAUNCH = 30,
    OFFERD_REASON_AGENT_REMOVED_BY_OPERATOR = 31,
    OFFERD_REASON_AGENT_REREGISTERED = 32,
    OFFERD_REASON_MAX_COMPLETION_TIME_REACHED = 33,
    OFFERD_REASON_AGENT_DRAINING = 34,
};

/// Mesos's TaskStatus.Source numbers: who said it; OFFERD_NONE if Mesos gave none.
enum {
    OFFERD_SOURCE_MASTER = 0,
    OFFERD_SOURCE_AGENT = 1,
    OFFERD_SOURCE_EXECUTOR = 2,
};

/// Mesos's OperationState numbers.
enum {
    OFFERD_OPERATION_STATE_UNSUPPORTED = 0,
    OFFERD_OPERATION_STATE_PENDING = 1,
    OFFERD_OPERATION_STATE_FINISHED = 2,
    OFFERD_OPERATION_STATE_FAILED = 3,
    OFFERD_OPERATION_STATE_ERROR = 4,
    OFFERD_OPERATION_STATE_DROPPED = 5,
    OFFERD_OPERATION_STATE_UNREACHABLE = 6,
    OFFERD_OPERATION_STATE_GONE_BY_OPERATOR = 7,
    OFFERD_OPERATION_STATE_RECOVERING = 8,
    OFFERD_OPERATION_STATE_UNKNOWN = 9,
};

// ---- The cluster ----------------------------------------------------------------------
//
// Besides the functions of contract.h: `offerd_cluster_get_job(job, &details)`,
// `offerd_cluster_tasks(&list)`, `offerd_cluster_column(&name, &list)` and so on.

/// Details of an agent, until the end of the call; NULL if unknown. The SDK keeps them for at
/// most ten minutes, so that asking again is cheap.
const offerd_cluster_agent_details_t *offerd_agent(uint32_t agent);
/// A text attribute of an agent; NULL if it has none of that name.
const char *offerd_attribute(uint32_t agent, const char *name);

// ---- Finding room -----------------------------------------------------------------------

/// How much each resource counts for the room of an offer: by its share of all that is
/// offered to the role, times its weight. One that no waiting task needs counts nothing,
/// except GPUs: tasks that need none had better leave them free.
typedef struct {
    double cpus, mem, disk, gpus, ports;
} offerd_weights_t;

/// 1, 1, 1, 4, 0.
extern const offerd_weights_t offerd_default_weights;

/// Reads a table `weights` of numbers from 0 to 1000000.
bool offerd_config_weights(offerd_config_t *config, offerd_weights_t *weights);

/// Which of the offers that fit is taken first.
typedef enum {
    /// The one that arrived first.
    OFFERD_ARRIVAL,
    /// The one with the least room: best fit. Keeps others free for large tasks.
    OFFERD_TIGHTEST,
    /// The one with the most room: spreads tasks.
    OFFERD_ROOMIEST,
} offerd_order_kind_t;

typedef struct {
    offerd_order_kind_t kind;
    offerd_weights_t weights;
} offerd_order_t;

/// Room for tasks on an offer.
typedef struct {
    uint32_t offer;
    uint32_t agent;
    /// Position of the offer in `round->offers`.
    size_t at;
    /// How many tasks; at least 1.
    uint32_t count;
} offerd_spot_t;

/// What is left of each offer of a round. Knows roles and placement constraints.
typedef struct offerd_fitter offerd_fitter_t;

typedef bool (*offerd_good_t)(void *data, const offerd_offer_t *offer);
/// The group of the offer at a position; negative leaves it out.
typedef int64_t (*offerd_group_t)(void *data, size_t at, const offerd_offer_t *offer);

/// All offers of a role in one order.
offerd_fitter_t *offerd_fitter(const offerd_round_t *round, offerd_order_t order);
/// Offers in groups, to search one at a time. A group number in two roles is two groups.
offerd_fitter_t *offerd_fitter_grouped(const offerd_round_t *round, offerd_order_t order,
                                       offerd_group_t group, void *data);
/// The next place for tasks of the set, and takes it: at most `*wanted` tasks, which goes
/// down by what was taken. False when all have a place or nothing fits.
///
///     uint32_t wanted = set->count;
///     while (offerd_fill(fitter, set, &wanted, &spot))
///         offerd_place(out, spot.offer, set->set, spot.count, "the first with room");
bool offerd_fill(offerd_fitter_t *fitter, const offerd_waiting_t *set, uint32_t *wanted,
                 offerd_spot_t *spot);
/// The offer that comes first in the order and has room for at least one task. Takes
/// nothing; see `offerd_take`.
bool offerd_next(offerd_fitter_t *fitter, const offerd_waiting_t *set, offerd_spot_t *spot);
bool offerd_next_in(offerd_fitter_t *fitter, uint32_t group, const offerd_waiting_t *set,
                    offerd_spot_t *spot);
bool offerd_next_where(offerd_fitter_t *fitter, const offerd_waiting_t *set, offerd_good_t good,
                       void *data, offerd_spot_t *spot);
/// Takes room for `count` tasks at a spot.
void offerd_take(offerd_fitter_t *fitter, const offerd_spot_t *spot, const offerd_waiting_t *set,
                 uint32_t count);
/// What is left of the offer at this position of `round->offers`.
offerd_amounts_t offerd_left(const offerd_fitter_t *fitter, size_t at);

// ---- Decisions --------------------------------------------------------------------------
//
// A reason is a sentence for logs and users, or NULL. Texts and lists are copied; what records
// point to is not, and must be memory of the call: `offerd_alloc`, `offerd_text` of a literal.

/// Launches `count` tasks of a waiting set on an offer.
void offerd_place(offerd_decisions_t *out, uint32_t offer, uint32_t set, uint32_t count,
                  const char *reason);
/// Declines an offer; Mesos does not offer the same again for `refuse` milliseconds.
void offerd_decline(offerd_decisions_t *out, uint32_t offer, double refuse, const char *reason);
/// Declines each offer of the round that no decision names.
void offerd_decline_rest(offerd_decisions_t *out, double refuse, const char *reason);
/// Kills a task; `grace` is the time between the polite and the hard signal.
void offerd_kill(offerd_decisions_t *out, uint32_t task, double grace, const char *reason);
/// For how long what placements leave over of their offers is refused.
void offerd_leftover(offerd_decisions_t *out, double refuse);
/// Gives the contract's record as the answer, in place of what the functions here made.
void offerd_answer(offerd_decisions_t *out, offerd_answer_t answer);
/// Number of a reason, for the contract's own records.
uint32_t offerd_reason(offerd_decisions_t *out, const char *reason);

// Other calls of the API.

/// Any of them, as the contract's record.
void offerd_act(offerd_decisions_t *out, offerd_action_t action, const char *reason);
/// Asks for offers of roles even if no task waits, until `offerd_suppress`.
void offerd_revive(offerd_decisions_t *out, const uint32_t *roles, size_t count,
                   const char *reason);
/// No offers for roles beyond what the host needs for its own waiting tasks.
void offerd_suppress(offerd_decisions_t *out, const uint32_t *roles, size_t count,
                     const char *reason);
/// Ends an executor with all its tasks.
void offerd_shutdown(offerd_decisions_t *out, uint32_t agent, const char *executor_id,
                     const char *reason);
/// Sends bytes to an executor. Mesos may lose them.
void offerd_message(offerd_decisions_t *out, uint32_t agent, const char *executor_id,
                    const void *data, size_t size, const char *reason);
/// A hint to the allocator, which Mesos's own ignores.
void offerd_request(offerd_decisions_t *out, const offerd_resource_request_t *requests,
                    size_t count, const char *reason);
/// Asks Mesos for the states of tasks; of all if there are none.
void offerd_reconcile(offerd_decisions_t *out, const uint32_t *tasks, size_t count,
                      const char *reason);
void offerd_reconcile_operations(offerd_decisions_t *out, const offerd_operation_query_t *queries,
                                 size_t count, const char *reason);
/// Agrees to give back what inverse offers ask for, or says that it will not be in time. Mesos
/// does not ask again for `refuse` milliseconds.
void offerd_accept_inverse(offerd_decisions_t *out, const uint32_t *inverse_offers, size_t count,
                           double refuse, const char *reason);
void offerd_decline_inverse(offerd_decisions_t *out, const uint32_t *inverse_offers, size_t count,
                            double refuse, const char *reason);
/// Replaces what the host tells the master of the framework: FrameworkInfo and
/// OfferConstraints. What is NULL stays.
void offerd_update_framework(offerd_decisions_t *out, const offerd_encoded_t *framework,
                             const offerd_encoded_t *constraints, const char *reason);
/// Comes back as an event with this number after so many milliseconds. Replaces an older timer
/// of the same number.
void offerd_timer(offerd_decisions_t *out, uint32_t number, double after, const char *reason);
void offerd_cancel_timer(offerd_decisions_t *out, uint32_t number, const char *reason);

/// An ACCEPT with any operations, which are done in this order. All offers are of one agent and
/// role.
typedef struct offerd_accepting offerd_accepting_t;
offerd_accepting_t *offerd_accept(offerd_decisions_t *out, const uint32_t *offers, size_t count,
                                  const char *reason);
void offerd_accept_refuse(offerd_accepting_t *accept, double refuse);
/// Any operation, as the contract's record.
void offerd_operate(offerd_accepting_t *accept, offerd_operation_t operation);
/// Launches tasks that the policy wrote itself (TaskInfo each).
void offerd_launch(offerd_accepting_t *accept, const offerd_encoded_t *tasks, size_t count);
/// Launches waiting tasks of the host.
void offerd_launch_waiting(offerd_accepting_t *accept, uint32_t set, uint32_t count);
/// Launches a task group with its executor (ExecutorInfo, TaskInfo each).
void offerd_launch_group(offerd_accepting_t *accept, offerd_encoded_t executor,
                         const offerd_encoded_t *tasks, size_t count);
/// Operations on resources; `id` asks for an event with the outcome, or is NULL.
void offerd_reserve(offerd_accepting_t *accept, const char *id, offerd_mesos_resource_t resource);
void offerd_unreserve(offerd_accepting_t *accept, const char *id, offerd_mesos_resource_t resource);
void offerd_create(offerd_accepting_t *accept, const char *id, offerd_mesos_resource_t volume);
/// Removes a persistent volume with what is in it.
void offerd_destroy(offerd_accepting_t *accept, const char *id, offerd_mesos_resource_t volume);
void offerd_grow_volume(offerd_accepting_t *accept, const char *id, offerd_mesos_resource_t volume,
                        offerd_mesos_resource_t addition);
/// By thousandths of a MiB.
void offerd_shrink_volume(offerd_accepting_t *accept, const char *id,
                          offerd_mesos_resource_t volume, double subtract);
/// Makes a mount or block disk (OFFERD_DISK_KIND_...) of a raw one; `profile` may be NULL.
void offerd_create_disk(offerd_accepting_t *accept, const char *id, offerd_mesos_resource_t source,
                        offerd_disk_kind_t target, const char *profile);
/// Makes a raw disk again.
void offerd_destroy_disk(offerd_accepting_t *accept, const char *id,
                         offerd_mesos_resource_t source);

/// A message of Mesos's v1 API, in Mesos's JSON form or as protobuf bytes.
offerd_encoded_t offerd_json(const char *message);
offerd_encoded_t offerd_protobuf(const void *message, size_t size);

/// An unreserved amount in Mesos's unit: `offerd_scalar("disk", 64)` is 64 MiB.
offerd_mesos_resource_t offerd_scalar(const char *name, double units);
/// Unreserved ranges; both ends belong to each.
offerd_mesos_resource_t offerd_ranges(const char *name, const offerd_range_t *ranges,
                                      size_t count);
offerd_mesos_resource_t offerd_items(const char *name, const char *const *items, size_t count);
/// The resource with one more dynamic reservation on top; `principal` may be NULL.
offerd_mesos_resource_t offerd_reserved_for(offerd_mesos_resource_t resource, const char *role,
                                            const char *principal);
/// The disk, as a persistent volume at a path in the container. Keeps the disk's source; its
/// principal is that of the last reservation.
offerd_mesos_resource_t offerd_persistent(offerd_mesos_resource_t disk, const char *id,
                                          const char *path);

#ifdef __cplusplus
}
#endif

#endif
