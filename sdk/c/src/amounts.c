// Amounts of resources: what a task needs, what an offer has.

#include <math.h>

#include "inside.h"

double offerd_milli(double units) { return round(units * 1000); }

offerd_amounts_t offerd_amounts(double cpus, double mem) {
    return (offerd_amounts_t){.cpus = offerd_milli(cpus), .mem = offerd_milli(mem)};
}

offerd_amounts_t offerd_offer_amounts(const offerd_offer_t *offer) {
    return (offerd_amounts_t){offer->cpus, offer->mem, offer->disk, offer->gpus, offer->ports};
}

offerd_amounts_t offerd_needs(const offerd_waiting_t *set) {
    return (offerd_amounts_t){set->cpus, set->mem, set->disk, set->gpus, set->ports};
}

uint32_t offerd_capacity(const offerd_amounts_t *room, const offerd_amounts_t *need) {
    const double *has = &room->cpus, *needs = &need->cpus;
    double most = OFFERD_NONE;
    for (size_t at = 0; at < 5; at++) {
        if (needs[at] > 0 && has[at] / needs[at] < most) {
            most = has[at] / needs[at];
        }
    }
    return (uint32_t)most;
}
