// What both worlds export: memory of the call in place of malloc, so that nothing is freed
// one by one, and the calls that both have.
#ifndef OFFERD_EXPORTS_H
#define OFFERD_EXPORTS_H

#include <string.h>

#include "../src/inside.h"

/// In place of the weak one of the bindings.
__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size,
                                                                size_t align, size_t size) {
    if (size == 0) {
        return (void *)align;
    }
    void *memory = offerd_arena_take(&offerd_call, size, align);
    if (old_size > 0) {
        memcpy(memory, old, old_size < size ? old_size : size);
    }
    return memory;
}

// The host has read the result: the call is over. In place of the weak ones of the bindings,
// which free.
#define OFFERD_ENDS(NAME, FUNCTION)                                                            \
    __attribute__((export_name("cabi_post_" NAME))) void FUNCTION(uint8_t *result) {           \
        (void)result;                                                                          \
        offerd_arena_reset(&offerd_call);                                                      \
    }

OFFERD_ENDS("describe", __wasm_export_exports_contract_describe_post_return)
OFFERD_ENDS("configure", __wasm_export_exports_contract_configure_post_return)
OFFERD_ENDS("decide", __wasm_export_exports_contract_decide_post_return)

void exports_contract_describe(contract_description_t *ret) {
    offerd_description_t description = offerd_describe();
    ret->name = offerd_text(description.name);
    ret->version = offerd_text(description.version);
    ret->summary = offerd_text(description.summary);
}

bool exports_contract_configure(contract_string_t *config, contract_string_t *err) {
    return offerd_call_configure(*config, err);
}

bool exports_contract_decide(offerd_round_t *round, offerd_answer_t *ret, contract_string_t *err) {
    return offerd_call_decide(round, ret, err);
}

#endif
