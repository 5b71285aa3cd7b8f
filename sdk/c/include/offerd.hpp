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
    void timer(uint32_t number, double after) const { offerd_timer(raw, number, after); }
    /// Any other call, as the contract's record.
    void act(const offerd_action_t &action, const char *reason = nullptr) const {
        offerd_act(raw, action, reason);
    }
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
