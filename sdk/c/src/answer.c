// The answer to a round, decision by decision, in memory of the call.

#include <string.h>

#include "inside.h"

// A list that grows.
typedef struct {
    void *items;
    size_t count;
    size_t room;
} list_t;

static void *push(list_t *list, size_t size) {
    if (list->count == list->room) {
        size_t room = list->room * 2 + 16;
        void *items = offerd_arena_take(&offerd_call, room * size, 8);
        if (list->count > 0) {
            memcpy(items, list->items, list->count * size);
        }
        list->items = items;
        list->room = room;
    }
    void *item = (uint8_t *)list->items + list->count++ * size;
    memset(item, 0, size);
    return item;
}

struct offerd_decisions {
    list_t placements;
    list_t declines;
    list_t kills;
    list_t actions;
    list_t reasons;
    list_t accepts;
    offerd_option_decline_rest_t rest;
    double leftover;
    // In place of all of these.
    const offerd_answer_t *whole;
};

struct offerd_accepting {
    size_t action;
    list_t operations;
    double refuse;
    contract_list_u32_t offers;
};

offerd_decisions_t *offerd_decisions_new(void) {
    offerd_decisions_t *out = offerd_alloc(sizeof *out);
    out->leftover = OFFERD_HOSTS_CHOICE;
    return out;
}

static void finish(offerd_decisions_t *out) {
    offerd_accepting_t **accepts = out->accepts.items;
    for (size_t at = 0; at < out->accepts.count; at++) {
        offerd_accepting_t *accept = accepts[at];
        offerd_reasoned_action_t *action =
            (offerd_reasoned_action_t *)out->actions.items + accept->action;
        action->action.val.accept = (offerd_accept_t){
            .offers = accept->offers,
            .operations = {accept->operations.items, accept->operations.count},
            .refuse = accept->refuse,
        };
    }
}

void offerd_decisions_give(offerd_decisions_t *out, offerd_answer_t *answer) {
    if (out->whole != NULL) {
        *answer = *out->whole;
        return;
    }
    finish(out);
    *answer = (offerd_answer_t){
        .placements = {out->placements.items, out->placements.count},
        .declines = {out->declines.items, out->declines.count},
        .kills = {out->kills.items, out->kills.count},
        .actions = {out->actions.items, out->actions.count},
        .rest = out->rest,
        .leftover = out->leftover,
        .reasons = {out->reasons.items, out->reasons.count},
    };
}

void offerd_answer(offerd_decisions_t *out, offerd_answer_t answer) {
    offerd_answer_t *whole = offerd_alloc(sizeof *whole);
    *whole = answer;
    out->whole = whole;
}

uint32_t offerd_reason(offerd_decisions_t *out, const char *reason) {
    // Most policies have few sentences; of those with many only the latest are looked at.
    enum { LATEST = 32 };
    if (reason == NULL || *reason == '\0') {
        return 0;
    }
    const contract_string_t *reasons = out->reasons.items;
    for (size_t back = 1; back <= out->reasons.count && back <= LATEST; back++) {
        if (offerd_text_is(reasons[out->reasons.count - back], reason)) {
            return (uint32_t)(out->reasons.count - back + 1);
        }
    }
    // A copy: the policy may write the next one into the same memory.
    *(contract_string_t *)push(&out->reasons, sizeof(contract_string_t)) =
        offerd_format("%s", reason);
    return (uint32_t)out->reasons.count;
}

void offerd_place(offerd_decisions_t *out, uint32_t offer, uint32_t set, uint32_t count,
                  const char *reason) {
    uint32_t because = offerd_reason(out, reason);
    offerd_placement_t *placement = push(&out->placements, sizeof *placement);
    *placement = (offerd_placement_t){offer, set, count, because};
}

void offerd_decline(offerd_decisions_t *out, uint32_t offer, double refuse, const char *reason) {
    uint32_t because = offerd_reason(out, reason);
    offerd_decline_t *decline = push(&out->declines, sizeof *decline);
    *decline = (offerd_decline_t){offer, refuse, because};
}

void offerd_decline_rest(offerd_decisions_t *out, double refuse, const char *reason) {
    out->rest.is_some = true;
    out->rest.val = (offerd_decline_rest_t){refuse, offerd_reason(out, reason)};
}

void offerd_kill(offerd_decisions_t *out, uint32_t task, double grace, const char *reason) {
    uint32_t because = offerd_reason(out, reason);
    offerd_kill_t *kill = push(&out->kills, sizeof *kill);
    *kill = (offerd_kill_t){task, grace, because};
}

void offerd_leftover(offerd_decisions_t *out, double refuse) { out->leftover = refuse; }

void offerd_act(offerd_decisions_t *out, offerd_action_t action, const char *reason) {
    uint32_t because = offerd_reason(out, reason);
    offerd_reasoned_action_t *made = push(&out->actions, sizeof *made);
    *made = (offerd_reasoned_action_t){action, because};
}

offerd_accepting_t *offerd_accept(offerd_decisions_t *out, const uint32_t *offers, size_t count,
                                  const char *reason) {
    offerd_act(out, (offerd_action_t){.tag = OFFERD_ACTION_ACCEPT}, reason);
    offerd_accepting_t *accept = offerd_alloc(sizeof *accept);
    accept->action = out->actions.count - 1;
    accept->refuse = OFFERD_HOSTS_CHOICE;
    accept->offers = offerd_numbers(offers, count);
    *(offerd_accepting_t **)push(&out->accepts, sizeof accept) = accept;
    return accept;
}

void offerd_accept_refuse(offerd_accepting_t *accept, double refuse) { accept->refuse = refuse; }

void offerd_operate(offerd_accepting_t *accept, offerd_operation_t operation) {
    *(offerd_operation_t *)push(&accept->operations, sizeof operation) = operation;
}
