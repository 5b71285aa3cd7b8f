// What the files of the SDK share. Not for policies.
#ifndef OFFERD_INSIDE_H
#define OFFERD_INSIDE_H

#include <stdarg.h>

#include "offerd.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Memory that is given back all at once.
typedef struct {
    // The first is the one that is being filled.
    struct offerd_chunk *chunks;
    struct offerd_chunk *kept;
} offerd_arena_t;

/// Memory until the end of the call.
extern offerd_arena_t offerd_call;

/// Memory that is not zeroed.
void *offerd_arena_take(offerd_arena_t *arena, size_t size, size_t align);
/// All of its memory is free.
void offerd_arena_reset(offerd_arena_t *arena);

/// Copies in memory of the call.
void *offerd_copy(const void *bytes, size_t size);
contract_list_u8_t offerd_bytes(const void *bytes, size_t size);
contract_list_u32_t offerd_numbers(const uint32_t *numbers, size_t count);
contract_string_t offerd_vformat(const char *format, va_list list);
/// A copy of a text; none for NULL.
contract_option_string_t offerd_option(const char *text);
/// Forgets what an earlier call may have said.
void offerd_error_begin(void);
/// Why the call fails.
contract_string_t offerd_error_said(void);

/// Settings in a JSON text; the text lives as long as they.
offerd_config_t *offerd_config_read(contract_string_t text);
/// False, with an error, if a setting is wrong or unknown.
bool offerd_config_check(offerd_config_t *config);

offerd_decisions_t *offerd_decisions_new(void);
void offerd_decisions_give(offerd_decisions_t *out, offerd_answer_t *answer);

/// Lets go of all agents.
void offerd_agents_forget(void);
/// Lets go of agents that may have changed since the last round.
void offerd_agents_begin_round(const offerd_round_t *round);

/// The calls of the contract; memory of the call is not reset.
bool offerd_call_configure(contract_string_t config, contract_string_t *error);
bool offerd_call_decide(const offerd_round_t *round, offerd_answer_t *answer,
                        contract_string_t *error);

#ifdef __cplusplus
}
#endif

#endif
