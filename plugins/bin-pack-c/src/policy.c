// Best fit: each waiting task goes to the offer with the least room that still fits, so
// that agents fill up and large tasks find room elsewhere. See README.md.

#include <offerd.h>

// How much each resource counts when offers are compared.
static offerd_weights_t weights;

offerd_description_t offerd_describe(void) {
    return (offerd_description_t){
        .name = "bin-pack-c",
        .version = "0.1.0",
        .summary = "Fills agents up: takes the tightest offer with room.",
    };
}

bool offerd_configure(offerd_config_t *config) {
    return offerd_config_weights(config, &weights);
}

bool offerd_decide(const offerd_round_t *round, offerd_decisions_t *out) {
    offerd_order_t order = {OFFERD_TIGHTEST, weights};
    offerd_fitter_t *fitter = offerd_fitter(round, order);
    for (size_t at = 0; at < round->waiting.len; at++) {
        const offerd_waiting_t *set = &round->waiting.ptr[at];
        uint32_t wanted = set->count;
        offerd_spot_t spot;
        while (offerd_fill(fitter, set, &wanted, &spot)) {
            offerd_place(out, spot.offer, set->set, spot.count, "the tightest offer with room");
        }
    }
    offerd_decline_rest(out, OFFERD_HOSTS_CHOICE, "nothing that waits fits");
    return true;
}
