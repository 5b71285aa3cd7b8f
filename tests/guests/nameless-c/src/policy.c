// A policy that gives up when it is asked who it is, as tests/guests/nameless does.

#include <offerd.h>

offerd_description_t offerd_describe(void) { offerd_panic("it has no name"); }

bool offerd_configure(offerd_config_t *config) {
    (void)config;
    return true;
}

bool offerd_decide(const offerd_round_t *round, offerd_decisions_t *out) {
    (void)round, (void)out;
    return true;
}
