// Best fit: each waiting task goes to the offer with the least room that still fits, so
// that agents fill up and large tasks find room elsewhere. See README.md.

#include <offerd.hpp>

class BinPack {
    // How much each resource counts when offers are compared.
    offerd::Weights weights;

    explicit BinPack(offerd::Weights weights) : weights(weights) {}

  public:
    static offerd::Description describe() {
        return {
            .name = "bin-pack-cpp",
            .version = "0.1.0",
            .summary = "Fills agents up: takes the tightest offer with room.",
        };
    }

    static std::expected<BinPack, std::string> configure(offerd::Config config) {
        return config.weights().transform([](auto weights) { return BinPack(weights); });
    }

    offerd::Result decide(offerd::Round round, offerd::Decisions out) {
        offerd::Fitter fitter(round, offerd::Order::tightest(weights));
        for (const auto &set : round.waiting()) {
            fitter.fill(set, [&](const offerd::Spot &spot) {
                out.place(spot, set, spot.count, "the tightest offer with room");
            });
        }
        out.decline_rest(offerd::hosts_choice, "nothing that waits fits");
        return {};
    }
};

OFFERD_POLICY(BinPack)
