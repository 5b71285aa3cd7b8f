// The conformance guest of C++: what the guests of all languages show and do, each by the face in
// offerd.hpp. See ../../conformance. Not a policy to use.

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "decisions.hpp"
#include "limits.hpp"
#include "line.hpp"

namespace {

using Lines = std::vector<contract_string_t>;
using Bytes = std::span<const uint8_t>;

Bytes bytes_of(std::string_view text) {
    return {reinterpret_cast<const uint8_t *>(text.data()), text.size()};
}

/// Bytes that are too large to show: their number, and the number that they are as digits of
/// base 256, modulo a prime below 2^23.
std::array<uint32_t, 2> weighed(Bytes bytes) {
    uint32_t sum = 0;
    for (uint8_t byte : bytes) {
        sum = (sum * 256 + byte) % 8388593;
    }
    return {static_cast<uint32_t>(bytes.size()), sum};
}

std::vector<uint32_t> handles(std::span<const offerd::Task> tasks) {
    std::vector<uint32_t> list;
    for (const offerd::Task &task : tasks) {
        list.push_back(task.task);
    }
    return list;
}

/// The round itself.
void show(Lines &seen, offerd::Round round) {
    seen.push_back(line("round", round.number(), round.now()));
    for (const offerd::Offer &offer : round.offers()) {
        seen.push_back(line("offer", offer));
    }
    for (const offerd::Waiting &set : round.waiting()) {
        seen.push_back(line("waiting", set));
    }
    for (const offerd::Update &update : round.updates()) {
        seen.push_back(line("update", update));
    }
    seen.push_back(line("rescinded", round.rescinded()));
    for (const offerd::Event &event : round.events()) {
        seen.push_back(line("event", event));
    }
}

void ask_offer(Lines &seen, const offerd::Offer &offer) {
    const offerd::AgentDetails *agent = offerd::agent(offer.agent);
    seen.push_back(agent == nullptr ? line("agent", std::nullopt) : line("agent", *agent));
    seen.push_back(line("details", offerd::offer(offer.offer)));
    seen.push_back(line("json", offerd::offer_json(offer.offer)));
    seen.push_back(line("on_agent", offer.agent, handles(offerd::tasks_on_agent(offer.agent))));
}

void find(Lines &seen, std::string_view id) {
    seen.push_back(line("find", id, offerd::find_task(id)));
}

void ask_update(Lines &seen, const offerd::Update &update) {
    seen.push_back(line("get_task", offerd::task(update.task)));
    const std::optional<offerd::TaskDetails> details = offerd::task_details(update.task);
    seen.push_back(line("task_details", details));
    if (details) {
        find(seen, offerd::text(details->id));
    }
}

/// All that the host knows about what is in the round.
void ask(Lines &seen, offerd::Round round) {
    seen.push_back(line("clock", offerd::now()));
    seen.push_back(line("random", offerd::random_u32()));
    const double part = offerd::random_f64();
    seen.push_back(line("random01", part >= 0 && part < 1));
    seen.push_back(line("framework", offerd::framework()));
    std::vector<uint32_t> agents;
    for (const offerd::Offer &offer : round.offers()) {
        agents.push_back(offer.agent);
        ask_offer(seen, offer);
    }
    for (const char *name : {"fpgas", "cpus"}) {
        seen.push_back(line("column", std::string_view(name), offerd::column(name)));
    }
    for (const offerd::Waiting &set : round.waiting()) {
        seen.push_back(line("job", offerd::job(set.job)));
        seen.push_back(line("of_job", set.job, handles(offerd::tasks_of_job(set.job))));
        seen.push_back(line("allowed", set.set, offerd::allowed(set.set, agents)));
    }
    for (const offerd::Task &task : offerd::tasks()) {
        seen.push_back(line("task", task));
    }
    for (const offerd::Update &update : round.updates()) {
        ask_update(seen, update);
    }
    find(seen, "nobody");
    for (const offerd::OperationUpdate &operation : offerd::operations()) {
        seen.push_back(line("operation", operation));
    }
}

class Conformance {
    std::string config;
    // Shown in the first round.
    std::vector<std::string> remembered;
    // What is saved.
    std::string kept = "conformance";
    // The reasons of the answer, and what of them was remembered: the host reads them after
    // the call.
    Lines seen;
    std::vector<std::string> shown;

    explicit Conformance(std::string config) : config(std::move(config)) {}

    bool has(const char *word) const { return config.contains(word); }

    void remember(contract_string_t line) { remembered.emplace_back(offerd::text(line)); }

    void report(offerd::Round round) const {
        const std::string number = std::to_string(round.number());
        const std::array names = {"trace", "debug", "info", "warn", "error"};
        for (uint8_t level = 0; level < names.size(); level++) {
            offerd::log(level, "round " + number + " at " + names[level]);
        }
        offerd::count("rounds");
        offerd::gauge("offers", static_cast<double>(round.offers().size()));
    }

    /// What there is to see.
    void see(offerd::Round round) {
        seen.clear();
        if (has("large-answer")) {
            auto *text = static_cast<uint8_t *>(offerd_alloc(1 << 20));
            std::fill_n(text, 1 << 20, 'r');
            seen.assign(20, {text, 1 << 20});
            return;
        }
        if (has("echo")) {
            seen.push_back(line("echo", std::string_view(config)));
            return;
        }
        shown = std::exchange(remembered, {});
        for (std::string &line : shown) {
            seen.push_back({reinterpret_cast<uint8_t *>(line.data()), line.size()});
        }
        show(seen, round);
        ask(seen, round);
    }

  public:
    static offerd::Description describe() {
        offerd::log(OFFERD_LOGGING_LEVEL_DEBUG, "describe");
        return {
            .name = "conformance", .version = "0.1.0", .summary = "Uses all of the contract"};
    }

    static std::expected<Conformance, std::string> configure(offerd::Config settings) {
        const std::string_view config = settings.text();
        Conformance made{std::string(config)};
        if (made.has("refuse")) {
            return std::unexpected("config " + made.config +
                                   ": 'refuse' is not allowed; leave it out");
        }
        if (made.has("throw-configure")) {
            offerd_panic("conformance throws in configure");
        }
        made.remember(made.has("weigh") ? line("config", weighed(bytes_of(config)))
                                        : line("config", config));
        made.remember(line("roles", offerd::roles()));
        made.remember(line("framework", offerd::framework()));
        made.remember(line("limits", offerd::limits()));
        made.remember(line("now", offerd::now()));
        return made;
    }

    offerd::Result decide(offerd::Round round, offerd::Decisions out) {
        if (has("throw-decide")) {
            offerd_panic("conformance throws in decide");
        }
        if (has("error-decide")) {
            return std::unexpected("no decision in round " + std::to_string(round.number()));
        }
        report(round);
        if (has("decide-all")) {
            decide_all(out);
            return {};
        }
        test_limits(config);
        see(round);
        // Not one by one, which keeps the same sentence once.
        offerd_answer_t answer = {};
        answer.leftover = offerd::hosts_choice;
        answer.reasons = {seen.data(), seen.size()};
        out.answer(answer);
        return {};
    }

    std::expected<offerd::Snapshot, std::string> save() {
        if (has("throw-save")) {
            offerd_panic("conformance throws in save");
        }
        if (has("save-fails")) {
            return std::unexpected("nothing to save");
        }
        return offerd::Snapshot{1, kept};
    }

    offerd::Result restore(offerd::Snapshot snapshot) {
        if (has("throw-restore")) {
            offerd_panic("conformance throws in restore");
        }
        if (snapshot.version != 1) {
            return std::unexpected("layout " + std::to_string(snapshot.version) + " is not 1");
        }
        const Bytes data = bytes_of(snapshot.data);
        if (has("weigh")) {
            remember(line("restored", snapshot.version, weighed(data)));
            kept = std::move(snapshot.data);
        } else {
            remember(line("restored", snapshot.version, data));
        }
        return {};
    }
};

} // namespace

OFFERD_STATEFUL_POLICY(Conformance)
