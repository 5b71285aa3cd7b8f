// What a host would refuse of an answer, as far as a test needs to know.

#include <stdlib.h>
#include <string.h>

#include "../src/shelf.h"
#include "state.h"

static contract_string_t wrong;

static void add(const char *format, ...) OFFERD_PRINTF(1, 2);

static void add(const char *format, ...) {
    va_list list;
    va_start(list, format);
    contract_string_t text = offerd_vformat(format, list);
    va_end(list);
    wrong = wrong.len == 0 ? text
                           : offerd_format("%s; %s", offerd_cstr(wrong), offerd_cstr(text));
}

// What is left of each offer of the round, and whether an answer gave it away.
typedef struct {
    offerd_amounts_t left;
    bool is_used;
    bool is_gone;
} books_t;

static size_t position(const offerd_round_t *round, uint32_t offer) {
    size_t at = 0;
    while (at < round->offers.len && round->offers.ptr[at].offer != offer) {
        at++;
    }
    return at;
}

static void check_placement(const offerd_round_t *round, const offerd_placement_t *placement,
                            books_t *books, uint32_t *placed) {
    size_t at = position(round, placement->offer);
    size_t set = 0;
    while (set < round->waiting.len && round->waiting.ptr[set].set != placement->set) {
        set++;
    }
    const char *what = offerd_cstr(offerd_format("placement of %u of set %u on offer %u",
                                                 placement->count, placement->set,
                                                 placement->offer));
    if (at == round->offers.len || set == round->waiting.len) {
        add("%s: the round shows no such offer or set", what);
        return;
    }
    const offerd_waiting_t *wants = &round->waiting.ptr[set];
    if (round->offers.ptr[at].role != wants->role) {
        add("%s: their roles differ", what);
    }
    if (placement->count == 0) {
        add("%s: it places nothing", what);
    }
    double count = placement->count;
    offerd_amounts_t needs = {wants->cpus * count, wants->mem * count, wants->disk * count,
                              wants->gpus * count, wants->ports * count};
    offerd_amounts_t *left = &books[at].left;
    if (!offerd_fits(left, &needs)) {
        add("%s: the offer has no room for it", what);
    }
    *left = (offerd_amounts_t){left->cpus - needs.cpus, left->mem - needs.mem,
                               left->disk - needs.disk, left->gpus - needs.gpus,
                               left->ports - needs.ports};
    books[at].is_used = true;
    placed[set] += placement->count;
    if (placed[set] > wants->count) {
        add("%s: only %u wait", what, wants->count);
    }
}

static void gives_away(const offerd_round_t *round, const char *kind, uint32_t offer,
                       books_t *books) {
    size_t at = position(round, offer);
    if (at == round->offers.len) {
        add("%s of offer %u, which the round does not show", kind, offer);
        return;
    }
    if (books[at].is_used || books[at].is_gone) {
        add("%s of offer %u, which is used already", kind, offer);
    }
    books[at].is_gone = true;
}

const char *offerd_violations(const offerd_round_t *round, const offerd_answer_t *answer) {
    wrong = (contract_string_t){NULL, 0};
    books_t *books = offerd_alloc(round->offers.len * sizeof *books);
    uint32_t *placed = offerd_alloc(round->waiting.len * sizeof *placed);
    for (size_t at = 0; at < round->offers.len; at++) {
        books[at].left = offerd_offer_amounts(&round->offers.ptr[at]);
    }
    for (size_t at = 0; at < answer->kills.len; at++) {
        offerd_task_t task;
        if (!offerd_cluster_get_task(answer->kills.ptr[at].task, &task)) {
            add("kill of task %u, which does not live", answer->kills.ptr[at].task);
        }
    }
    for (size_t at = 0; at < answer->placements.len; at++) {
        check_placement(round, &answer->placements.ptr[at], books, placed);
        if (answer->placements.ptr[at].reason > answer->reasons.len) {
            add("placement with reason %u of %zu", answer->placements.ptr[at].reason,
                answer->reasons.len);
        }
    }
    for (size_t at = 0; at < answer->declines.len; at++) {
        gives_away(round, "decline", answer->declines.ptr[at].offer, books);
    }
    for (size_t at = 0; at < answer->actions.len; at++) {
        const offerd_action_t *action = &answer->actions.ptr[at].action;
        for (size_t offer = 0;
             action->tag == OFFERD_ACTION_ACCEPT && offer < action->val.accept.offers.len;
             offer++) {
            gives_away(round, "accept", action->val.accept.offers.ptr[offer], books);
        }
    }
    return wrong.len == 0 ? NULL : offerd_cstr(wrong);
}
