// Scheduling policies for offerd in C++: offerd.h with spans, string views and methods.
//
// A policy is a class with
//
//     static offerd::Description describe();
//     static std::expected<Policy, std::string> configure(offerd::Config config);
//     std::expected<void, std::string> decide(offerd::Round round, offerd::Decisions out);
//
// and, with `state = true` in policy.toml, also
//
//     std::expected<offerd::Snapshot, std::string> save();
//     std::expected<void, std::string> restore(offerd::Snapshot snapshot);
//
// OFFERD_POLICY(Policy) or OFFERD_STATEFUL_POLICY(Policy) at the end makes the component of
// it. Amounts are whole thousandths, times are milliseconds. Exceptions and RTTI are off.
#ifndef OFFERD_HPP
#define OFFERD_HPP

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "offerd.h"

namespace offerd {

using Description = offerd_description_t;
using Offer = offerd_offer_t;
using Waiting = offerd_waiting_t;
using Task = offerd_task_t;
using Update = offerd_update_t;
using Event = offerd_event_t;
using Amounts = offerd_amounts_t;
using Weights = offerd_weights_t;
using Spot = offerd_spot_t;
using Result = std::expected<void, std::string>;

/// Leaves a time to the host.
inline constexpr double hosts_choice = OFFERD_HOSTS_CHOICE;

/// What a text or a list of the contract holds.
inline std::string_view text(contract_string_t text) {
    return {reinterpret_cast<const char *>(text.ptr), text.len};
}
template <class List> auto span(const List &list) {
    return std::span<const std::remove_pointer_t<decltype(list.ptr)>>(list.ptr, list.len);
}

// ---- What the host knows; all of it is in memory of the call ---------------------------------

using AgentDetails = offerd_cluster_agent_details_t;
using JobDetails = offerd_cluster_job_details_t;
using OfferDetails = offerd_cluster_offer_details_t;
using TaskDetails = offerd_cluster_task_details_t;
using FrameworkDetails = offerd_cluster_framework_details_t;
using Limits = offerd_cluster_limits_t;
using OperationUpdate = offerd_operation_update_t;

/// Names of the framework's roles; a role's handle is its position here.
inline std::span<const contract_string_t> roles() {
    contract_list_string_t list;
    offerd_cluster_roles(&list);
    return span(list);
}
inline FrameworkDetails framework() {
    FrameworkDetails details;
    offerd_cluster_get_framework(&details);
    return details;
}
/// What a call of the policy may take, and what a round shows at most.
inline Limits limits() {
    Limits found;
    offerd_cluster_get_limits(&found);
    return found;
}
/// Details of an agent; nullptr if it is unknown.
inline const AgentDetails *agent(uint32_t handle) { return offerd_agent(handle); }
inline std::optional<JobDetails> job(uint32_t handle) {
    JobDetails details;
    return offerd_cluster_get_job(handle, &details) ? std::optional(details) : std::nullopt;
}
inline std::optional<OfferDetails> offer(uint32_t handle) {
    OfferDetails details;
    return offerd_cluster_get_offer(handle, &details) ? std::optional(details) : std::nullopt;
}
inline std::optional<TaskDetails> task_details(uint32_t handle) {
    TaskDetails details;
    return offerd_cluster_get_task_details(handle, &details) ? std::optional(details)
                                                             : std::nullopt;
}
inline std::optional<Task> task(uint32_t handle) {
    Task found;
    return offerd_cluster_get_task(handle, &found) ? std::optional(found) : std::nullopt;
}
/// The whole offer in Mesos's JSON form.
inline std::optional<std::string_view> offer_json(uint32_t handle) {
    contract_string_t json;
    return offerd_cluster_get_offer_json(handle, &json) ? std::optional(text(json)) : std::nullopt;
}
/// How many more tasks of a set its constraints allow on each of these agents: 0 none,
/// OFFERD_NONE no bound. A fitter asks itself.
inline std::span<const uint32_t> allowed(uint32_t set, std::span<const uint32_t> agents) {
    contract_list_u32_t asked = {const_cast<uint32_t *>(agents.data()), agents.size()}, list;
    offerd_cluster_allowed(set, &asked, &list);
    return span(list);
}
/// The handle of a task with this id.
inline std::optional<uint32_t> find_task(std::string_view id) {
    auto *bytes = reinterpret_cast<uint8_t *>(const_cast<char *>(id.data()));
    contract_string_t asked = {bytes, id.size()};
    uint32_t found;
    return offerd_cluster_find_task(&asked, &found) ? std::optional(found) : std::nullopt;
}
/// Operations with an id that have not ended, or ended since the last round.
inline std::span<const OperationUpdate> operations() {
    offerd_cluster_list_operation_update_t list;
    offerd_cluster_operations(&list);
    return span(list);
}
/// All tasks of the policy's roles that are not terminal, older first.
inline std::span<const Task> tasks() {
    offerd_cluster_list_task_t list;
    offerd_cluster_tasks(&list);
    return span(list);
}
inline std::span<const Task> tasks_of_job(uint32_t job) {
    offerd_cluster_list_task_t list;
    offerd_cluster_tasks_of_job(job, &list);
    return span(list);
}
inline std::span<const Task> tasks_on_agent(uint32_t agent) {
    offerd_cluster_list_task_t list;
    offerd_cluster_tasks_on_agent(agent, &list);
    return span(list);
}
/// Thousandths of any named scalar in each offer of the round, in their order.
inline std::span<const double> column(const char *name) {
    contract_string_t resource = offerd_text(name);
    offerd_cluster_list_milli_t list;
    offerd_cluster_column(&resource, &list);
    return span(list);
}

/// The host's clock in milliseconds; the same all through a round.
inline double now() { return offerd_clock_now(); }
/// Random numbers of the host's seeded generator: any, from 0 to below 1, from 0 to below `bound`.
inline uint32_t random_u32() { return offerd_random_next_u32(); }
inline double random_f64() { return offerd_random_next_f64(); }
inline uint32_t random_below(uint32_t bound) { return offerd_random_below(bound); }
/// Numbers of the policy's own for its operators.
inline void count(const char *name, double amount = 1) { offerd_count(name, amount); }
inline void gauge(const char *name, double value) { offerd_gauge(name, value); }
/// A line in the host's log, if lines of its level are kept (OFFERD_LOGGING_LEVEL_...).
inline void log(offerd_logging_level_t level, std::string_view line) {
    offerd_log(level, "%.*s", static_cast<int>(line.size()), line.data());
}
inline void info(std::string_view line) { log(OFFERD_LOGGING_LEVEL_INFO, line); }
inline void warn(std::string_view line) { log(OFFERD_LOGGING_LEVEL_WARN, line); }

/// A text attribute of an agent.
inline std::optional<std::string_view> attribute(uint32_t agent, const char *name) {
    const char *value = offerd_attribute(agent, name);
    return value == nullptr ? std::nullopt : std::optional<std::string_view>(value);
}

/// The settings. Asking for one declares it; one that nobody asked for is an error.
class Config {
    offerd_config_t *raw;

  public:
    explicit Config(offerd_config_t *config) : raw(config) {}
    double number(const char *name, double usual) const {
        return offerd_config_number(raw, name, usual);
    }
    bool boolean(const char *name, bool usual) const {
        return offerd_config_bool(raw, name, usual);
    }
    std::string string(const char *name, const char *usual) const {
        return offerd_config_string(raw, name, usual);
    }
    /// A text that need not be there.
    std::optional<std::string> string(const char *name) const {
        const char *found = offerd_config_string(raw, name, nullptr);
        return found == nullptr ? std::nullopt : std::optional<std::string>(found);
    }
    /// Length of a list; its items are the settings "0", "1", ... of `table(name)`.
    size_t length(const char *name) const { return offerd_config_length(raw, name); }
    /// The JSON text itself; then nothing is checked.
    std::string_view text() const { return offerd::text(offerd_config_text(raw)); }
    Config table(const char *name) const { return Config(offerd_config_table(raw, name)); }
    /// A table `weights` of numbers from 0 to 1000000.
    std::expected<Weights, std::string> weights() const {
        Weights found;
        if (offerd_config_weights(raw, &found)) {
            return found;
        }
        return std::unexpected(std::string()); // said already
    }
};

class Round {
    const offerd_round_t *raw;

  public:
    explicit Round(const offerd_round_t *round) : raw(round) {}
    const offerd_round_t *record() const { return raw; }
    uint32_t number() const { return raw->number; }
    double now() const { return raw->now; }
    std::span<const Offer> offers() const { return span(raw->offers); }
    std::span<const Waiting> waiting() const { return span(raw->waiting); }
    std::span<const Update> updates() const { return span(raw->updates); }
    std::span<const uint32_t> rescinded() const { return span(raw->rescinded); }
    std::span<const Event> events() const { return span(raw->events); }
};

using Resource = offerd_mesos_resource_t;
/// A message of Mesos's v1 API: `offerd_json` or `offerd_protobuf`.
using Message = offerd_encoded_t;

/// An ACCEPT with any operations, which are done in this order. `id` asks for an event with the
/// outcome, or is nullptr. Resources: `offerd_scalar`, `offerd_reserved_for` and so on.
class Accept {
    offerd_accepting_t *raw;

  public:
    explicit Accept(offerd_accepting_t *accept) : raw(accept) {}
    const Accept &refuse(double milliseconds) const {
        offerd_accept_refuse(raw, milliseconds);
        return *this;
    }
    /// Any operation, as the contract's record.
    const Accept &operation(const offerd_operation_t &operation) const {
        offerd_operate(raw, operation);
        return *this;
    }
    /// Launches tasks that the policy wrote (TaskInfo each).
    const Accept &launch(std::span<const Message> tasks) const {
        offerd_launch(raw, tasks.data(), tasks.size());
        return *this;
    }
    /// Launches waiting tasks of the host.
    const Accept &place(const Waiting &set, uint32_t count) const {
        offerd_launch_waiting(raw, set.set, count);
        return *this;
    }
    const Accept &launch_group(const Message &executor, std::span<const Message> tasks) const {
        offerd_launch_group(raw, executor, tasks.data(), tasks.size());
        return *this;
    }
    const Accept &reserve(const Resource &resource, const char *id = nullptr) const {
        offerd_reserve(raw, id, resource);
        return *this;
    }
    const Accept &unreserve(const Resource &resource, const char *id = nullptr) const {
        offerd_unreserve(raw, id, resource);
        return *this;
    }
    const Accept &create(const Resource &volume, const char *id = nullptr) const {
        offerd_create(raw, id, volume);
        return *this;
    }
    const Accept &destroy(const Resource &volume, const char *id = nullptr) const {
        offerd_destroy(raw, id, volume);
        return *this;
    }
    const Accept &grow_volume(const Resource &volume, const Resource &addition,
                              const char *id = nullptr) const {
        offerd_grow_volume(raw, id, volume, addition);
        return *this;
    }
    const Accept &shrink_volume(const Resource &volume, double subtract,
                                const char *id = nullptr) const {
        offerd_shrink_volume(raw, id, volume, subtract);
        return *this;
    }
    const Accept &create_disk(const Resource &source, offerd_disk_kind_t target,
                              const char *profile = nullptr, const char *id = nullptr) const {
        offerd_create_disk(raw, id, source, target, profile);
        return *this;
    }
    const Accept &destroy_disk(const Resource &source, const char *id = nullptr) const {
        offerd_destroy_disk(raw, id, source);
        return *this;
    }
};

/// The answer, decision by decision. A reason is a sentence for logs and users.
class Decisions {
    offerd_decisions_t *raw;

  public:
    explicit Decisions(offerd_decisions_t *out) : raw(out) {}
    offerd_decisions_t *record() const { return raw; }
    void place(const Spot &spot, const Waiting &set, uint32_t count,
               const char *reason = nullptr) const {
        offerd_place(raw, spot.offer, set.set, count, reason);
    }
    void decline(const Offer &offer, double refuse, const char *reason = nullptr) const {
        offerd_decline(raw, offer.offer, refuse, reason);
    }
    void decline_rest(double refuse = hosts_choice, const char *reason = nullptr) const {
        offerd_decline_rest(raw, refuse, reason);
    }
    void kill(const Task &task, double grace = hosts_choice, const char *reason = nullptr) const {
        offerd_kill(raw, task.task, grace, reason);
    }
    void leftover(double refuse) const { offerd_leftover(raw, refuse); }
    /// Accepts offers of one agent and role with operations of any kind.
    Accept accept(std::span<const uint32_t> offers, const char *reason = nullptr) const {
        return Accept(offerd_accept(raw, offers.data(), offers.size(), reason));
    }
    Accept accept(const Offer &offer, const char *reason = nullptr) const {
        return accept(std::span(&offer.offer, 1), reason);
    }
    void revive(std::span<const uint32_t> roles, const char *reason = nullptr) const {
        offerd_revive(raw, roles.data(), roles.size(), reason);
    }
    void suppress(std::span<const uint32_t> roles, const char *reason = nullptr) const {
        offerd_suppress(raw, roles.data(), roles.size(), reason);
    }
    void shutdown(uint32_t agent, const char *executor, const char *reason = nullptr) const {
        offerd_shutdown(raw, agent, executor, reason);
    }
    void message(uint32_t agent, const char *executor, std::string_view data,
                 const char *reason = nullptr) const {
        offerd_message(raw, agent, executor, data.data(), data.size(), reason);
    }
    void request(std::span<const offerd_resource_request_t> requests,
                 const char *reason = nullptr) const {
        offerd_request(raw, requests.data(), requests.size(), reason);
    }
    void reconcile(std::span<const uint32_t> tasks, const char *reason = nullptr) const {
        offerd_reconcile(raw, tasks.data(), tasks.size(), reason);
    }
    void reconcile_operations(std::span<const offerd_operation_query_t> queries,
                              const char *reason = nullptr) const {
        offerd_reconcile_operations(raw, queries.data(), queries.size(), reason);
    }
    void accept_inverse(std::span<const uint32_t> offers, double refuse = hosts_choice,
                        const char *reason = nullptr) const {
        offerd_accept_inverse(raw, offers.data(), offers.size(), refuse, reason);
    }
    void decline_inverse(std::span<const uint32_t> offers, double refuse = hosts_choice,
                         const char *reason = nullptr) const {
        offerd_decline_inverse(raw, offers.data(), offers.size(), refuse, reason);
    }
    /// FrameworkInfo and OfferConstraints; what is nullptr stays.
    void update_framework(const Message *framework, const Message *constraints,
                          const char *reason = nullptr) const {
        offerd_update_framework(raw, framework, constraints, reason);
    }
    void timer(uint32_t number, double after, const char *reason = nullptr) const {
        offerd_timer(raw, number, after, reason);
    }
    void cancel_timer(uint32_t number, const char *reason = nullptr) const {
        offerd_cancel_timer(raw, number, reason);
    }
    /// Any other call, as the contract's record.
    void act(const offerd_action_t &action, const char *reason = nullptr) const {
        offerd_act(raw, action, reason);
    }
    /// The whole answer as the contract's record, in place of what was decided here.
    void answer(const offerd_answer_t &record) const { offerd_answer(raw, record); }
};

/// Which of the offers that fit is taken first.
struct Order {
    offerd_order_t raw;
    static Order arrival() { return {{OFFERD_ARRIVAL, {}}}; }
    /// The one with the least room: best fit.
    static Order tightest(Weights weights = offerd_default_weights) {
        return {{OFFERD_TIGHTEST, weights}};
    }
    /// The one with the most room: spreads tasks.
    static Order roomiest(Weights weights = offerd_default_weights) {
        return {{OFFERD_ROOMIEST, weights}};
    }
};

/// What is left of each offer of a round. Knows roles and placement constraints.
class Fitter {
    offerd_fitter_t *raw;

  public:
    Fitter(Round round, Order order) : raw(offerd_fitter(round.record(), order.raw)) {}
    /// Offers in groups, to search one at a time; `group(at, offer)` gives the number of a group,
    /// negative to leave the offer out.
    template <class Group> Fitter(Round round, Order order, Group group) {
        auto of = [](void *data, size_t at, const Offer *offer) -> int64_t {
            return (*static_cast<Group *>(data))(at, *offer);
        };
        raw = offerd_fitter_grouped(round.record(), order.raw, of, &group);
    }

    /// Calls `each` with a place for tasks of the set, which is taken, until all have one
    /// or nothing fits.
    template <class Each> void fill(const Waiting &set, Each each) {
        uint32_t wanted = set.count;
        Spot spot;
        while (offerd_fill(raw, &set, &wanted, &spot)) {
            each(spot);
        }
    }
    /// The offer that comes first in the order and has room; takes nothing.
    std::optional<Spot> next(const Waiting &set) {
        Spot spot;
        return offerd_next(raw, &set, &spot) ? std::optional(spot) : std::nullopt;
    }
    /// The same in one group.
    std::optional<Spot> next_in(uint32_t group, const Waiting &set) {
        Spot spot;
        return offerd_next_in(raw, group, &set, &spot) ? std::optional(spot) : std::nullopt;
    }
    /// The same among the offers for which `good(offer)` holds.
    template <class Good> std::optional<Spot> next_where(const Waiting &set, Good good) {
        auto holds = [](void *data, const Offer *offer) -> bool {
            return (*static_cast<Good *>(data))(*offer);
        };
        Spot spot;
        return offerd_next_where(raw, &set, holds, &good, &spot) ? std::optional(spot)
                                                                 : std::nullopt;
    }
    void take(const Spot &spot, const Waiting &set, uint32_t count) {
        offerd_take(raw, &spot, &set, count);
    }
    Amounts left(size_t at) const { return offerd_left(raw, at); }
};

/// What a policy with state saves.
struct Snapshot {
    uint32_t version;
    std::string data;
};

/// Remembers an error, unless it was said already.
inline bool failed(const std::string &error) {
    return error.empty() ? false : offerd_error("%s", error.c_str());
}

} // namespace offerd

#define OFFERD_POLICY(POLICY)                                                                  \
    static std::optional<POLICY> offerd_policy;                                                \
    extern "C" offerd_description_t offerd_describe(void) { return POLICY::describe(); }       \
    extern "C" bool offerd_configure(offerd_config_t *config) {                                \
        auto made = POLICY::configure(offerd::Config(config));                                 \
        if (!made) {                                                                           \
            return offerd::failed(made.error());                                               \
        }                                                                                      \
        offerd_policy.emplace(std::move(*made));                                               \
        return true;                                                                           \
    }                                                                                          \
    extern "C" bool offerd_decide(const offerd_round_t *round, offerd_decisions_t *out) {      \
        auto done = offerd_policy->decide(offerd::Round(round), offerd::Decisions(out));       \
        return done ? true : offerd::failed(done.error());                                     \
    }

#define OFFERD_STATEFUL_POLICY(POLICY)                                                         \
    OFFERD_POLICY(POLICY)                                                                      \
    extern "C" bool offerd_save(offerd_snapshot_t *snapshot) {                                 \
        static offerd::Snapshot kept;                                                          \
        auto saved = offerd_policy->save();                                                    \
        if (!saved) {                                                                          \
            return offerd::failed(saved.error());                                              \
        }                                                                                      \
        kept = std::move(*saved);                                                              \
        *snapshot = {kept.version, kept.data.data(), kept.data.size()};                        \
        return true;                                                                           \
    }                                                                                          \
    extern "C" bool offerd_restore(const offerd_snapshot_t *snapshot) {                        \
        std::string data(static_cast<const char *>(snapshot->data), snapshot->size);           \
        auto done = offerd_policy->restore({snapshot->version, std::move(data)});              \
        return done ? true : offerd::failed(done.error());                                     \
    }

#endif
