// Offers in order of a key, in blocks that know the most that is left in them, so that a
// search skips what cannot fit. Not for policies.
#ifndef OFFERD_SHELF_H
#define OFFERD_SHELF_H

#include "inside.h"

typedef struct {
    double key;
    uint32_t at;
} offerd_entry_t;

typedef struct offerd_block offerd_block_t;

typedef struct {
    offerd_block_t **blocks;
    size_t count;
    size_t room;
} offerd_shelf_t;

/// Whether the offer at a position may be taken.
typedef bool (*offerd_test_t)(void *data, size_t at);

/// `entries` in order of key, then position. `left` is what each offer has left.
offerd_shelf_t offerd_shelf(const offerd_entry_t *entries, size_t count,
                            const offerd_amounts_t *left);
/// Position of the first offer with a key from `low` to `high` that has room for `need` and
/// passes `test` (NULL: all do); -1 if there is none.
int64_t offerd_shelf_find(offerd_shelf_t *shelf, const offerd_amounts_t *need, double low,
                          double high, const offerd_amounts_t *left, offerd_test_t test,
                          void *data);
void offerd_shelf_insert(offerd_shelf_t *shelf, double key, uint32_t at,
                         const offerd_amounts_t *left);
void offerd_shelf_remove(offerd_shelf_t *shelf, double key, uint32_t at);

#endif
