// Actions: calls of the API that are more than placements, declines and kills.

#include "inside.h"

static void act(offerd_decisions_t *out, uint8_t tag, offerd_action_t action, const char *reason) {
    action.tag = tag;
    offerd_act(out, action, reason);
}

void offerd_revive(offerd_decisions_t *out, const uint32_t *roles, size_t count,
                   const char *reason) {
    offerd_action_t action = {.val.revive = offerd_numbers(roles, count)};
    act(out, OFFERD_ACTION_REVIVE, action, reason);
}

void offerd_suppress(offerd_decisions_t *out, const uint32_t *roles, size_t count,
                     const char *reason) {
    offerd_action_t action = {.val.suppress = offerd_numbers(roles, count)};
    act(out, OFFERD_ACTION_SUPPRESS, action, reason);
}

void offerd_shutdown(offerd_decisions_t *out, uint32_t agent, const char *executor_id,
                     const char *reason) {
    offerd_action_t action = {.val.shutdown = {agent, offerd_format("%s", executor_id)}};
    act(out, OFFERD_ACTION_SHUTDOWN, action, reason);
}

void offerd_message(offerd_decisions_t *out, uint32_t agent, const char *executor_id,
                    const void *data, size_t size, const char *reason) {
    offerd_action_t action = {
        .val.message = {agent, offerd_format("%s", executor_id), offerd_bytes(data, size)}};
    act(out, OFFERD_ACTION_MESSAGE, action, reason);
}

void offerd_request(offerd_decisions_t *out, const offerd_resource_request_t *requests,
                    size_t count, const char *reason) {
    offerd_action_t action = {
        .val.request = {offerd_copy(requests, count * sizeof *requests), count}};
    act(out, OFFERD_ACTION_REQUEST, action, reason);
}

void offerd_reconcile(offerd_decisions_t *out, const uint32_t *tasks, size_t count,
                      const char *reason) {
    offerd_action_t action = {.val.reconcile = offerd_numbers(tasks, count)};
    act(out, OFFERD_ACTION_RECONCILE, action, reason);
}

void offerd_reconcile_operations(offerd_decisions_t *out, const offerd_operation_query_t *queries,
                                 size_t count, const char *reason) {
    offerd_action_t action = {
        .val.reconcile_operations = {offerd_copy(queries, count * sizeof *queries), count}};
    act(out, OFFERD_ACTION_RECONCILE_OPERATIONS, action, reason);
}

void offerd_accept_inverse(offerd_decisions_t *out, const uint32_t *inverse_offers, size_t count,
                           double refuse, const char *reason) {
    offerd_action_t action = {
        .val.accept_inverse_offers = {offerd_numbers(inverse_offers, count), refuse}};
    act(out, OFFERD_ACTION_ACCEPT_INVERSE_OFFERS, action, reason);
}

void offerd_decline_inverse(offerd_decisions_t *out, const uint32_t *inverse_offers, size_t count,
                            double refuse, const char *reason) {
    offerd_action_t action = {
        .val.decline_inverse_offers = {offerd_numbers(inverse_offers, count), refuse}};
    act(out, OFFERD_ACTION_DECLINE_INVERSE_OFFERS, action, reason);
}

static offerd_option_encoded_t optional(const offerd_encoded_t *message) {
    offerd_option_encoded_t option = {.is_some = message != NULL};
    if (message != NULL) {
        option.val = *message;
    }
    return option;
}

void offerd_update_framework(offerd_decisions_t *out, const offerd_encoded_t *framework,
                             const offerd_encoded_t *constraints, const char *reason) {
    offerd_action_t action = {.val.update_framework = {optional(framework), optional(constraints)}};
    act(out, OFFERD_ACTION_UPDATE_FRAMEWORK, action, reason);
}

void offerd_timer(offerd_decisions_t *out, uint32_t number, double after, const char *reason) {
    offerd_action_t action = {.val.timer = {number, after}};
    act(out, OFFERD_ACTION_TIMER, action, reason);
}

void offerd_cancel_timer(offerd_decisions_t *out, uint32_t number, const char *reason) {
    offerd_timer(out, number, OFFERD_HOSTS_CHOICE, reason);
}
