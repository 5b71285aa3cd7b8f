// Asks the host for many agents at a time, and only for sets and agents that come into question.
// The questions are those of the other SDKs, so that a recorded run has the same ones.

#include <string.h>

#include "allowances.h"

enum {
    // Agents in the first question about a set; the next ones are twice as large.
    FIRST_WINDOW = 16,
};

typedef struct {
    bool is_used;
    uint32_t agent;
    uint32_t left;
} entry_t;

struct offerd_allowance {
    offerd_allowance_t *next;
    uint32_t set;
    size_t window;
    // By agent, with open addressing; `room` is a power of two and more than `count`.
    entry_t *entries;
    size_t room;
    size_t count;
};

/// Where the agent stands, or would.
static entry_t *entry_of(const offerd_allowance_t *of, uint32_t agent) {
    size_t place = (agent * 2654435761u) & (of->room - 1);
    while (of->entries[place].is_used && of->entries[place].agent != agent) {
        place = (place + 1) & (of->room - 1);
    }
    return &of->entries[place];
}

/// There is an entry for each agent of a question, and the table stays at most half full.
static void grow(offerd_allowance_t *of, size_t more) {
    size_t room = of->room;
    while (room < 2 * (of->count + more)) {
        room *= 2;
    }
    if (room == of->room) {
        return;
    }
    offerd_allowance_t larger = *of;
    larger.room = room;
    larger.entries = offerd_alloc(room * sizeof *larger.entries);
    for (size_t at = 0; at < of->room; at++) {
        if (of->entries[at].is_used) {
            *entry_of(&larger, of->entries[at].agent) = of->entries[at];
        }
    }
    *of = larger;
}

static offerd_allowance_t *find(offerd_allowance_t *sets, uint32_t set) {
    while (sets != NULL && sets->set != set) {
        sets = sets->next;
    }
    return sets;
}

static offerd_allowance_t *add(offerd_allowance_t **sets, uint32_t set) {
    offerd_allowance_t *made = offerd_alloc(sizeof *made);
    made->next = *sets;
    made->set = set;
    made->window = FIRST_WINDOW;
    made->room = 2 * FIRST_WINDOW;
    made->entries = offerd_alloc(made->room * sizeof *made->entries);
    *sets = made;
    return made;
}

/// Asks about the agents of the next offers of the set's role, from this position on.
static void ask(offerd_allowance_t *of, offerd_list_offer_t offers, const offerd_waiting_t *set,
                size_t at) {
    grow(of, of->window);
    contract_list_u32_t agents = {offerd_alloc(of->window * sizeof *agents.ptr), 0};
    for (; at < offers.len && agents.len < of->window; at++) {
        const offerd_offer_t *offer = &offers.ptr[at];
        entry_t *entry = entry_of(of, offer->agent);
        if (offer->role == set->role && !entry->is_used) {
            *entry = (entry_t){true, offer->agent, 0};
            of->count++;
            agents.ptr[agents.len++] = offer->agent;
        }
    }
    of->window *= 2;
    contract_list_u32_t answer;
    offerd_cluster_allowed(set->set, &agents, &answer);
    for (size_t index = 0; index < agents.len && index < answer.len; index++) {
        entry_of(of, agents.ptr[index])->left = answer.ptr[index];
    }
}

static bool is_constrained(const offerd_waiting_t *set) {
    return (set->traits & OFFERD_WAITING_CONSTRAINED) != 0;
}

uint32_t offerd_allowed(offerd_allowance_t **sets, offerd_list_offer_t offers,
                        const offerd_waiting_t *set, size_t at) {
    if (!is_constrained(set)) {
        return OFFERD_NONE;
    }
    offerd_allowance_t *of = find(*sets, set->set);
    if (of == NULL) {
        of = add(sets, set->set);
    }
    uint32_t agent = offers.ptr[at].agent;
    if (!entry_of(of, agent)->is_used) {
        ask(of, offers, set, at);
    }
    return entry_of(of, agent)->left;
}

void offerd_allowance_take(offerd_allowance_t *sets, const offerd_waiting_t *set, uint32_t agent,
                           uint32_t count) {
    offerd_allowance_t *of = is_constrained(set) ? find(sets, set->set) : NULL;
    if (of == NULL) {
        return;
    }
    entry_t *entry = entry_of(of, agent);
    if (entry->is_used && entry->left != OFFERD_NONE) {
        entry->left -= count < entry->left ? count : entry->left;
    }
}
