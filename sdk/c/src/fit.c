// Finds room for waiting tasks in the offers of a round, and keeps books on what is left.
//
// A search looks at few offers, not at all: offers stand in order on shelves (shelf.h),
// offers with no room for anything that waits are dropped, and a need that found nothing
// once finds nothing again. The books live for one round.
//
// The decisions are those of the other SDKs to the bit: the same keys by the same operations
// in the same order, of equal keys the earlier offer, the same questions about constraints.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "allowances.h"
#include "shelf.h"

// a * b + c is two roundings, as in the other languages.
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

enum {
    // So many failed needs are remembered in each group.
    HOPELESS = 8,
};

typedef struct group {
    struct group *next;
    uint32_t role;
    uint32_t number;
    // The least that any waiting set of the role needs, resource by resource.
    offerd_amounts_t least;
    offerd_amounts_t score;
    offerd_shelf_t shelf;
    // Needs that found no room. Room only shrinks within a round.
    offerd_amounts_t hopeless[HOPELESS];
    size_t hopeless_count;
    // Before the shelf is made.
    offerd_entry_t *entries;
    size_t count;
} group_t;

struct offerd_fitter {
    const offerd_round_t *round;
    offerd_order_t order;
    // By position in `round->offers`.
    offerd_amounts_t *left;
    double *keys;
    group_t **group_of;
    group_t *groups;
    offerd_allowance_t *allowances;
};

// What waits in a role and what there is for it.
typedef struct {
    uint32_t role;
    offerd_amounts_t least, most, total;
} role_t;

// ---- Keys ---------------------------------------------------------------------------------

static double share(double weight, bool wanted, double total) {
    return wanted && total > 0 ? (weight > 0 ? weight : 0) / total : 0;
}

static offerd_amounts_t weigh(offerd_order_t order, const role_t *role) {
    offerd_weights_t weights = {0, 0, 0, 0, 0};
    if (order.kind != OFFERD_ARRIVAL) {
        weights = order.weights;
    }
    return (offerd_amounts_t){
        share(weights.cpus, role->most.cpus > 0, role->total.cpus),
        share(weights.mem, role->most.mem > 0, role->total.mem),
        share(weights.disk, role->most.disk > 0, role->total.disk),
        share(weights.gpus, true, role->total.gpus),
        share(weights.ports, role->most.ports > 0, role->total.ports),
    };
}

static double score(const offerd_amounts_t *weights, const offerd_amounts_t *amounts) {
    return amounts->cpus * weights->cpus + amounts->mem * weights->mem +
           amounts->disk * weights->disk + amounts->gpus * weights->gpus +
           amounts->ports * weights->ports;
}

/// Where an offer stands among the others of its group: smaller comes first.
static double key_of(const offerd_fitter_t *fitter, const group_t *group, size_t at) {
    switch (fitter->order.kind) {
    case OFFERD_ARRIVAL:
        return (double)at;
    case OFFERD_TIGHTEST:
        return score(&group->score, &fitter->left[at]);
    case OFFERD_ROOMIEST:
        break;
    }
    return -score(&group->score, &fitter->left[at]);
}

// ---- Making it ------------------------------------------------------------------------------

static void survey_set(role_t *role, const offerd_waiting_t *set, bool is_first) {
    offerd_amounts_t needs = offerd_needs(set);
    const double *need = &needs.cpus;
    double *least = &role->least.cpus, *most = &role->most.cpus;
    for (size_t at = 0; at < 5; at++) {
        if (is_first || need[at] < least[at]) {
            least[at] = need[at];
        }
        if (is_first || need[at] > most[at]) {
            most[at] = need[at];
        }
    }
}

static role_t *role_of(role_t *roles, size_t count, uint32_t role) {
    for (size_t at = 0; at < count; at++) {
        if (roles[at].role == role) {
            return &roles[at];
        }
    }
    return NULL;
}

static role_t *survey(const offerd_round_t *round, size_t *count) {
    size_t room = 8;
    role_t *roles = offerd_alloc(room * sizeof *roles);
    *count = 0;
    for (size_t at = 0; at < round->waiting.len; at++) {
        const offerd_waiting_t *set = &round->waiting.ptr[at];
        role_t *role = role_of(roles, *count, set->role);
        bool is_first = role == NULL;
        if (is_first) {
            if (*count == room) {
                role_t *more = offerd_alloc(2 * room * sizeof *roles);
                memcpy(more, roles, room * sizeof *roles);
                roles = more;
                room *= 2;
            }
            role = &roles[(*count)++];
            role->role = set->role;
        }
        survey_set(role, set, is_first);
    }
    for (size_t at = 0; at < round->offers.len; at++) {
        const offerd_offer_t *offer = &round->offers.ptr[at];
        role_t *role = role_of(roles, *count, offer->role);
        if (role != NULL) {
            role->total.cpus += offer->cpus;
            role->total.mem += offer->mem;
            role->total.disk += offer->disk;
            role->total.gpus += offer->gpus;
            role->total.ports += offer->ports;
        }
    }
    for (size_t at = 0; at < *count; at++) {
        if (roles[at].total.ports > OFFERD_NONE) {
            roles[at].total.ports = OFFERD_NONE;
        }
    }
    return roles;
}

static group_t *find_group(const offerd_fitter_t *fitter, uint32_t role, uint32_t number) {
    for (group_t *group = fitter->groups; group != NULL; group = group->next) {
        if (group->role == role && group->number == number) {
            return group;
        }
    }
    return NULL;
}

static int by_key(const void *a, const void *b) {
    const offerd_entry_t *one = a, *other = b;
    if (one->key != other->key) {
        return one->key < other->key ? -1 : 1;
    }
    return one->at < other->at ? -1 : one->at > other->at;
}

static int64_t all(void *data, size_t at, const offerd_offer_t *offer) {
    (void)data, (void)at, (void)offer;
    return 0;
}

offerd_fitter_t *offerd_fitter(const offerd_round_t *round, offerd_order_t order) {
    return offerd_fitter_grouped(round, order, all, NULL);
}

static void join(offerd_fitter_t *fitter, size_t at, const role_t *role, uint32_t number) {
    group_t *group = find_group(fitter, role->role, number);
    if (group == NULL) {
        group = offerd_alloc(sizeof *group);
        group->role = role->role;
        group->number = number;
        group->least = role->least;
        group->score = weigh(fitter->order, role);
        group->next = fitter->groups;
        fitter->groups = group;
    }
    fitter->group_of[at] = group;
    fitter->keys[at] = key_of(fitter, group, at);
    group->count++;
}

offerd_fitter_t *offerd_fitter_grouped(const offerd_round_t *round, offerd_order_t order,
                                       offerd_group_t choose, void *data) {
    size_t count = round->offers.len;
    offerd_fitter_t *fitter = offerd_alloc(sizeof *fitter);
    fitter->round = round;
    fitter->order = order;
    fitter->left = offerd_alloc(count * sizeof *fitter->left);
    fitter->keys = offerd_alloc(count * sizeof *fitter->keys);
    fitter->group_of = offerd_alloc(count * sizeof *fitter->group_of);
    size_t role_count;
    role_t *roles = survey(round, &role_count);
    for (size_t at = 0; at < count; at++) {
        const offerd_offer_t *offer = &round->offers.ptr[at];
        fitter->left[at] = offerd_offer_amounts(offer);
        const role_t *role = role_of(roles, role_count, offer->role);
        if (role == NULL || !offerd_fits(&fitter->left[at], &role->least)) {
            continue;
        }
        int64_t number = choose(data, at, offer);
        if (number >= 0) {
            join(fitter, at, role, (uint32_t)number);
        }
    }
    for (group_t *group = fitter->groups; group != NULL; group = group->next) {
        group->entries = offerd_alloc(group->count * sizeof *group->entries);
        group->count = 0;
    }
    for (size_t at = 0; at < count; at++) {
        group_t *group = fitter->group_of[at];
        if (group != NULL) {
            group->entries[group->count++] = (offerd_entry_t){fitter->keys[at], (uint32_t)at};
        }
    }
    for (group_t *group = fitter->groups; group != NULL; group = group->next) {
        if (order.kind != OFFERD_ARRIVAL) {
            qsort(group->entries, group->count, sizeof *group->entries, by_key);
        }
        group->shelf = offerd_shelf(group->entries, group->count, fitter->left);
    }
    return fitter;
}

// ---- Searching and taking -----------------------------------------------------------------------

static uint32_t allowed(offerd_fitter_t *fitter, const offerd_waiting_t *set, size_t at) {
    return offerd_allowed(&fitter->allowances, fitter->round->offers, set, at);
}

typedef struct {
    offerd_fitter_t *fitter;
    const offerd_waiting_t *set;
    offerd_good_t good;
    void *data;
} question_t;

static bool test(void *data, size_t at) {
    const question_t *question = data;
    const offerd_offer_t *offer = &question->fitter->round->offers.ptr[at];
    return (question->good == NULL || question->good(question->data, offer)) &&
           allowed(question->fitter, question->set, at) > 0;
}

static bool search(offerd_fitter_t *fitter, uint32_t number, const offerd_waiting_t *set,
                   offerd_good_t good, void *data, offerd_spot_t *spot) {
    group_t *group = find_group(fitter, set->role, number);
    if (group == NULL) {
        return false;
    }
    offerd_amounts_t need = offerd_needs(set);
    for (size_t at = 0; at < group->hopeless_count; at++) {
        if (offerd_fits(&need, &group->hopeless[at])) {
            return false;
        }
    }
    double low = -INFINITY, high = INFINITY;
    // An offer with less room by score than the need cannot fit it.
    if (fitter->order.kind == OFFERD_TIGHTEST) {
        low = score(&group->score, &need);
    } else if (fitter->order.kind == OFFERD_ROOMIEST) {
        high = -score(&group->score, &need);
    }
    bool is_plain = good == NULL && (set->traits & OFFERD_WAITING_CONSTRAINED) == 0;
    question_t question = {fitter, set, good, data};
    int64_t found = offerd_shelf_find(&group->shelf, &need, low, high, fitter->left,
                                      is_plain ? NULL : test, &question);
    if (found < 0) {
        if (is_plain && group->hopeless_count < HOPELESS) {
            group->hopeless[group->hopeless_count++] = need;
        }
        return false;
    }
    size_t at = (size_t)found;
    const offerd_offer_t *offer = &fitter->round->offers.ptr[at];
    uint32_t count = offerd_capacity(&fitter->left[at], &need);
    uint32_t most = allowed(fitter, set, at);
    *spot = (offerd_spot_t){offer->offer, offer->agent, at, count < most ? count : most};
    return true;
}

bool offerd_next(offerd_fitter_t *fitter, const offerd_waiting_t *set, offerd_spot_t *spot) {
    return search(fitter, 0, set, NULL, NULL, spot);
}

bool offerd_next_in(offerd_fitter_t *fitter, uint32_t group, const offerd_waiting_t *set,
                    offerd_spot_t *spot) {
    return search(fitter, group, set, NULL, NULL, spot);
}

bool offerd_next_where(offerd_fitter_t *fitter, const offerd_waiting_t *set, offerd_good_t good,
                       void *data, offerd_spot_t *spot) {
    return search(fitter, 0, set, good, data, spot);
}

bool offerd_fill(offerd_fitter_t *fitter, const offerd_waiting_t *set, uint32_t *wanted,
                 offerd_spot_t *spot) {
    if (*wanted == 0 || !search(fitter, 0, set, NULL, NULL, spot)) {
        return false;
    }
    if (spot->count > *wanted) {
        spot->count = *wanted;
    }
    offerd_take(fitter, spot, set, spot->count);
    *wanted -= spot->count;
    return true;
}

static double minus(double left, double need, uint32_t count) {
    double rest = left - need * count;
    return rest > 0 ? rest : 0;
}

void offerd_take(offerd_fitter_t *fitter, const offerd_spot_t *spot, const offerd_waiting_t *set,
                 uint32_t count) {
    size_t at = spot->at;
    if (at >= fitter->round->offers.len) {
        return;
    }
    offerd_amounts_t *left = &fitter->left[at];
    left->cpus = minus(left->cpus, set->cpus, count);
    left->mem = minus(left->mem, set->mem, count);
    left->disk = minus(left->disk, set->disk, count);
    left->gpus = minus(left->gpus, set->gpus, count);
    left->ports = minus(left->ports, set->ports, count);
    offerd_allowance_take(fitter->allowances, set, spot->agent, count);
    group_t *group = fitter->group_of[at];
    if (group == NULL) {
        return;
    }
    double old = fitter->keys[at];
    double fresh = key_of(fitter, group, at);
    bool stays = offerd_fits(left, &group->least);
    if (fresh != old || !stays) {
        offerd_shelf_remove(&group->shelf, old, (uint32_t)at);
        fitter->keys[at] = fresh;
        if (stays) {
            offerd_shelf_insert(&group->shelf, fresh, (uint32_t)at, left);
        }
    }
}

offerd_amounts_t offerd_left(const offerd_fitter_t *fitter, size_t at) {
    return at < fitter->round->offers.len ? fitter->left[at] : (offerd_amounts_t){0, 0, 0, 0, 0};
}
