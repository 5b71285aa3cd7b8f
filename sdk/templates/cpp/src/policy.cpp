// A scheduling policy: each waiting task goes to the first offer with room.

#include <algorithm>
#include <offerd.hpp>

class {{type}} {
    // At most so many tasks are placed in one round.
    uint32_t most;

    explicit {{type}}(uint32_t most) : most(most) {}

  public:
    static offerd::Description describe() {
        return {
            .name = "{{name}}",
            .version = "0.1.0",
            .summary = "Takes the first offer with room.",
        };
    }

    // The `config` table of the policy's `[[policy]]` entry.
    static std::expected<{{type}}, std::string> configure(offerd::Config config) {
        double most = config.number("most", 1000000);
        if (!(most >= 1 && most <= 1e9)) {
            return std::unexpected("most must be from 1 to 1000000000");
        }
        return {{type}}(static_cast<uint32_t>(most));
    }

    offerd::Result decide(offerd::Round round, offerd::Decisions out) {
        uint32_t left = most;
        offerd::Fitter fitter(round, offerd::Order::arrival());
        for (const auto &set : round.waiting()) {
            fitter.fill(set, [&](const offerd::Spot &spot) {
                uint32_t count = std::min(spot.count, left);
                if (count > 0) {
                    out.place(spot, set, count, "the first offer with room");
                    left -= count;
                }
            });
        }
        out.decline_rest(offerd::hosts_choice, "nothing that waits fits");
        return {};
    }
};

OFFERD_POLICY({{type}})
