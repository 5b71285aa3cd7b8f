// A policy that gives up when it is asked who it is, as tests/guests/nameless does.

#include <offerd.hpp>

struct Nameless {
    static offerd::Description describe() { offerd_panic("it has no name"); }

    static std::expected<Nameless, std::string> configure(offerd::Config) { return Nameless{}; }

    offerd::Result decide(offerd::Round, offerd::Decisions) { return {}; }
};

OFFERD_POLICY(Nameless)
