// The exports of the world `stateful-policy`.

#include "exports.h"

OFFERD_ENDS("offerd:policy/state@0.1.0#save",
            __wasm_export_exports_offerd_policy_state_save_post_return)
OFFERD_ENDS("offerd:policy/state@0.1.0#restore",
            __wasm_export_exports_offerd_policy_state_restore_post_return)

bool exports_offerd_policy_state_save(exports_offerd_policy_state_snapshot_t *ret,
                                      contract_string_t *err) {
    offerd_snapshot_t snapshot = {0, NULL, 0};
    offerd_error_begin();
    if (!offerd_save(&snapshot)) {
        *err = offerd_error_said();
        return false;
    }
    ret->version = snapshot.version;
    ret->data = (contract_list_u8_t){(uint8_t *)snapshot.data, snapshot.size};
    return true;
}

bool exports_offerd_policy_state_restore(exports_offerd_policy_state_snapshot_t *snapshot,
                                         contract_string_t *err) {
    offerd_snapshot_t saved = {snapshot->version, snapshot->data.ptr, snapshot->data.len};
    offerd_error_begin();
    if (!offerd_restore(&saved)) {
        *err = offerd_error_said();
        return false;
    }
    return true;
}
