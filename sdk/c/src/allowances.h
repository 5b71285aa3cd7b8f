// How many more tasks of a constrained set each agent may take. Not for policies.
#ifndef OFFERD_ALLOWANCES_H
#define OFFERD_ALLOWANCES_H

#include "inside.h"

/// What is known of one set; the first of a list of all sets, NULL at the start of a round.
typedef struct offerd_allowance offerd_allowance_t;

/// How many more tasks of the set the agent of the offer at this position may take.
uint32_t offerd_allowed(offerd_allowance_t **sets, offerd_list_offer_t offers,
                        const offerd_waiting_t *set, size_t at);
/// `count` tasks of the set go to the agent.
void offerd_allowance_take(offerd_allowance_t *sets, const offerd_waiting_t *set, uint32_t agent,
                           uint32_t count);

#endif
