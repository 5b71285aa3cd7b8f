// Alignment: on each offer goes what needs most of what the offer has most of. See README.md.

#include <offerd.h>

// How many sets are compared for each task, at most.
static double most_compared;

offerd_description_t offerd_describe(void) {
    return (offerd_description_t){
        .name = "align",
        .version = "0.1.0",
        .summary = "Places what needs most of what an offer has most of.",
    };
}

bool offerd_configure(offerd_config_t *config) {
    most_compared = offerd_config_number(config, "compare", 1000);
    if (!(most_compared >= 1)) {
        return offerd_error("config.compare: %g is too few; it must be at least 1", most_compared);
    }
    return true;
}

// What waits, with what is left of it.
typedef struct {
    const offerd_waiting_t *set;
    uint32_t left;
    // By position of an offer; NULL if the job has no constraints.
    uint32_t *allowed;
    offerd_amounts_t needs;
} candidate_t;

/// How much of a resource there is, as a share of all of it.
static double share(double amount, double total) { return total > 0 ? amount / total : 0; }

/// How well a need points where the room points: the dot product of their shares.
static double alignment(const offerd_amounts_t *room, const offerd_amounts_t *need,
                        const offerd_amounts_t *total) {
    return share(room->cpus, total->cpus) * share(need->cpus, total->cpus) +
           share(room->mem, total->mem) * share(need->mem, total->mem) +
           share(room->disk, total->disk) * share(need->disk, total->disk) +
           share(room->gpus, total->gpus) * share(need->gpus, total->gpus);
}

/// All that is offered.
static offerd_amounts_t sum(const offerd_round_t *round) {
    offerd_amounts_t total = {0, 0, 0, 0, 0};
    for (size_t at = 0; at < round->offers.len; at++) {
        const offerd_offer_t *offer = &round->offers.ptr[at];
        total.cpus += offer->cpus;
        total.mem += offer->mem;
        total.disk += offer->disk;
        total.gpus += offer->gpus;
    }
    return total;
}

static candidate_t *candidates(const offerd_round_t *round) {
    candidate_t *all = offerd_alloc(round->waiting.len * sizeof *all);
    uint32_t *agents = offerd_alloc(round->offers.len * sizeof *agents);
    for (size_t at = 0; at < round->offers.len; at++) {
        agents[at] = round->offers.ptr[at].agent;
    }
    for (size_t at = 0; at < round->waiting.len; at++) {
        const offerd_waiting_t *set = &round->waiting.ptr[at];
        all[at] = (candidate_t){.set = set, .left = set->count, .needs = offerd_needs(set)};
        if ((set->traits & OFFERD_WAITING_CONSTRAINED) != 0) {
            contract_list_u32_t question = {agents, round->offers.len}, answer;
            offerd_cluster_allowed(set->set, &question, &answer);
            all[at].allowed = answer.len == question.len ? answer.ptr : NULL;
        }
    }
    return all;
}

/// Whether an offer takes a task of a set.
static bool has_room(const candidate_t *candidate, const offerd_offer_t *offer, size_t at,
                     const offerd_amounts_t *room) {
    bool is_allowed = candidate->allowed == NULL || candidate->allowed[at] > 0;
    return candidate->left > 0 && candidate->set->role == offer->role && is_allowed &&
           offerd_fits(room, &candidate->needs);
}

/// The best aligned of the sets that fit, only of the highest priority among them; -1 if
/// none fits.
static int64_t best(const candidate_t *all, size_t count, const offerd_offer_t *offer, size_t at,
                    const offerd_amounts_t *room, const offerd_amounts_t *total) {
    int64_t found = -1;
    double highest = -1;
    size_t compared = 0;
    for (size_t index = 0; index < count && compared < most_compared; index++) {
        // They stand in order of priority.
        if (found >= 0 && all[index].set->priority < all[found].set->priority) {
            break;
        }
        if (!has_room(&all[index], offer, at, room)) {
            continue;
        }
        compared++;
        double value = alignment(room, &all[index].needs, total);
        if (value > highest) {
            highest = value;
            found = (int64_t)index;
        }
    }
    return found;
}

/// A constrained set got a place on an agent: its other offers there have less.
static void take_allowance(candidate_t *candidate, const offerd_round_t *round, uint32_t agent) {
    for (size_t at = 0; candidate->allowed != NULL && at < round->offers.len; at++) {
        uint32_t *allowed = &candidate->allowed[at];
        if (round->offers.ptr[at].agent == agent && *allowed != OFFERD_NONE && *allowed > 0) {
            (*allowed)--;
        }
    }
}

bool offerd_decide(const offerd_round_t *round, offerd_decisions_t *out) {
    size_t count = round->waiting.len;
    candidate_t *all = candidates(round);
    offerd_amounts_t total = sum(round);
    for (size_t at = 0; at < round->offers.len; at++) {
        const offerd_offer_t *offer = &round->offers.ptr[at];
        offerd_amounts_t room = offerd_offer_amounts(offer);
        int64_t found;
        while ((found = best(all, count, offer, at, &room, &total)) >= 0) {
            candidate_t *chosen = &all[found];
            chosen->left--;
            take_allowance(chosen, round, offer->agent);
            room.cpus -= chosen->needs.cpus;
            room.mem -= chosen->needs.mem;
            room.disk -= chosen->needs.disk;
            room.gpus -= chosen->needs.gpus;
            room.ports -= chosen->needs.ports;
            offerd_place(out, offer->offer, chosen->set->set, 1,
                         "it needs most of what the offer has most of");
        }
    }
    offerd_decline_rest(out, OFFERD_HOSTS_CHOICE, "nothing that waits fits");
    return true;
}
