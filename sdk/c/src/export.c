// The contract's calls, as the glue and the test cluster make them.

#include "inside.h"

bool offerd_call_configure(contract_string_t text, contract_string_t *error) {
    offerd_error_begin();
    offerd_agents_forget();
    offerd_config_t *config = offerd_config_read(text);
    bool done = offerd_configure(config);
    // What the settings are not is told before what the policy made of them.
    if (!offerd_config_check(config) || !done) {
        *error = offerd_error_said();
        return false;
    }
    return true;
}

bool offerd_call_decide(const offerd_round_t *round, offerd_answer_t *answer,
                        contract_string_t *error) {
    offerd_error_begin();
    offerd_agents_begin_round(round);
    offerd_decisions_t *out = offerd_decisions_new();
    if (!offerd_decide(round, out)) {
        *error = offerd_error_said();
        return false;
    }
    offerd_decisions_give(out, answer);
    return true;
}
