// A scheduling policy: each waiting task goes to the first offer with room.

#include <offerd.h>

// At most so many tasks are placed in one round.
static double most;

offerd_description_t offerd_describe(void) {
    return (offerd_description_t){
        .name = "{{name}}",
        .version = "0.1.0",
        .summary = "Takes the first offer with room.",
    };
}

// The `config` table of the policy's `[[policy]]` entry.
bool offerd_configure(offerd_config_t *config) {
    most = offerd_config_number(config, "most", 1000000);
    if (most < 1) {
        return offerd_error("most is %g; must be at least 1", most);
    }
    return true;
}

bool offerd_decide(const offerd_round_t *round, offerd_decisions_t *out) {
    double left = most;
    offerd_order_t order = {.kind = OFFERD_ARRIVAL};
    offerd_fitter_t *fitter = offerd_fitter(round, order);
    for (size_t at = 0; at < round->waiting.len; at++) {
        const offerd_waiting_t *set = &round->waiting.ptr[at];
        uint32_t wanted = set->count < left ? set->count : (uint32_t)left;
        left -= wanted;
        offerd_spot_t spot;
        while (offerd_fill(fitter, set, &wanted, &spot)) {
            offerd_place(out, spot.offer, set->set, spot.count, "the first offer with room");
        }
        // What found no room does not count.
        left += wanted;
    }
    offerd_decline_rest(out, OFFERD_HOSTS_CHOICE, "nothing that waits fits");
    return true;
}
