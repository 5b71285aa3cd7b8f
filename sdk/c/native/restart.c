// A new instance of a policy with state.

#include <stdlib.h>
#include <string.h>

#include "state.h"

// NULL where the policy has none.
#pragma weak offerd_save
#pragma weak offerd_restore

static bool save(offerd_snapshot_t *saved) {
    offerd_begin_call();
    offerd_error_begin();
    if (offerd_save == NULL || offerd_restore == NULL) {
        return offerd_end_call(offerd_error("the policy has no offerd_save and offerd_restore"));
    }
    bool is_done = offerd_save(saved);
    if (is_done && saved->size > 0) {
        // The next instance has other memory.
        void *data = malloc(saved->size);
        if (data == NULL) {
            offerd_panic("no memory for %zu bytes", saved->size);
        }
        saved->data = memcpy(data, saved->data, saved->size);
    }
    return offerd_end_call(is_done);
}

static bool restore(const offerd_snapshot_t *saved) {
    offerd_begin_call();
    offerd_error_begin();
    return offerd_end_call(offerd_restore(saved));
}

bool offerd_test_restart(const char *config) {
    offerd_snapshot_t saved = {0, NULL, 0};
    if (!save(&saved)) {
        return false;
    }
    bool is_done = offerd_test_configure(config) && restore(&saved);
    // What the policy wants to keep it has copied.
    free(saved.size > 0 ? (void *)saved.data : NULL);
    return is_done;
}
