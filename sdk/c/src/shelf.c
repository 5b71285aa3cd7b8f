#include "shelf.h"

#include <string.h>

// Entries in a new block: about the square root of a large round, so that walking blocks
// and walking one block cost the same. A block is split when it has twice as many.
enum { BLOCK = 64 };

struct offerd_block {
    // At least what any entry has left, resource by resource. Exact after a search that
    // found nothing here.
    offerd_amounts_t most;
    size_t count;
    offerd_entry_t entries[2 * BLOCK + 1];
};

static void widen(offerd_amounts_t *most, const offerd_amounts_t *left) {
    most->cpus = left->cpus > most->cpus ? left->cpus : most->cpus;
    most->mem = left->mem > most->mem ? left->mem : most->mem;
    most->disk = left->disk > most->disk ? left->disk : most->disk;
    most->gpus = left->gpus > most->gpus ? left->gpus : most->gpus;
    most->ports = left->ports > most->ports ? left->ports : most->ports;
}

static void measure(offerd_block_t *block, const offerd_amounts_t *left) {
    block->most = (offerd_amounts_t){0};
    for (size_t at = 0; at < block->count; at++) {
        widen(&block->most, &left[block->entries[at].at]);
    }
}

static offerd_block_t *new_block(void) {
    offerd_block_t *block =
        offerd_arena_take(&offerd_call, sizeof(offerd_block_t), _Alignof(offerd_block_t));
    block->count = 0;
    block->most = (offerd_amounts_t){0};
    return block;
}

/// Puts a block at a position among the others.
static void put(offerd_shelf_t *shelf, size_t position, offerd_block_t *block) {
    if (shelf->count == shelf->room) {
        size_t room = shelf->room * 2 + 8;
        offerd_block_t **blocks = offerd_alloc(room * sizeof *blocks);
        if (shelf->count > 0) {
            memcpy(blocks, shelf->blocks, shelf->count * sizeof *blocks);
        }
        shelf->blocks = blocks;
        shelf->room = room;
    }
    memmove(shelf->blocks + position + 1, shelf->blocks + position,
            (shelf->count - position) * sizeof *shelf->blocks);
    shelf->blocks[position] = block;
    shelf->count++;
}

offerd_shelf_t offerd_shelf(const offerd_entry_t *entries, size_t count,
                            const offerd_amounts_t *left) {
    offerd_shelf_t shelf = {NULL, 0, 0};
    for (size_t begin = 0; begin < count; begin += BLOCK) {
        offerd_block_t *block = new_block();
        block->count = count - begin < BLOCK ? count - begin : BLOCK;
        memcpy(block->entries, entries + begin, block->count * sizeof *entries);
        measure(block, left);
        put(&shelf, shelf.count, block);
    }
    return shelf;
}

static const offerd_entry_t *last(const offerd_block_t *block) {
    return &block->entries[block->count - 1];
}

static bool is_before(const offerd_entry_t *entry, double key, uint32_t at) {
    return entry->key < key || (entry->key == key && entry->at < at);
}

/// The first block whose last entry is not before this one.
static size_t find_block(const offerd_shelf_t *shelf, double key, uint32_t at) {
    size_t low = 0, high = shelf->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (is_before(last(shelf->blocks[middle]), key, at)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/// The first entry of the block that is not before this one.
static size_t find_entry(const offerd_block_t *block, double key, uint32_t at) {
    size_t low = 0, high = block->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (is_before(&block->entries[middle], key, at)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

int64_t offerd_shelf_find(offerd_shelf_t *shelf, const offerd_amounts_t *need, double low,
                          double high, const offerd_amounts_t *left, offerd_test_t test,
                          void *data) {
    for (size_t index = find_block(shelf, low, 0); index < shelf->count; index++) {
        offerd_block_t *block = shelf->blocks[index];
        if (block->entries[0].key > high) {
            break;
        }
        if (!offerd_fits(&block->most, need)) {
            continue;
        }
        for (size_t position = find_entry(block, low, 0); position < block->count; position++) {
            size_t at = block->entries[position].at;
            if (offerd_fits(&left[at], need) && (test == NULL || test(data, at))) {
                return (int64_t)at;
            }
        }
        measure(block, left);
    }
    return -1;
}

void offerd_shelf_insert(offerd_shelf_t *shelf, double key, uint32_t at,
                         const offerd_amounts_t *left) {
    if (shelf->count == 0) {
        offerd_block_t *first = new_block();
        first->entries[first->count++] = (offerd_entry_t){key, at};
        first->most = *left;
        put(shelf, 0, first);
        return;
    }
    size_t index = find_block(shelf, key, at);
    if (index == shelf->count) {
        index--;
    }
    offerd_block_t *block = shelf->blocks[index];
    size_t position = find_entry(block, key, at);
    memmove(block->entries + position + 1, block->entries + position,
            (block->count - position) * sizeof *block->entries);
    block->entries[position] = (offerd_entry_t){key, at};
    block->count++;
    widen(&block->most, left);
    if (block->count > 2 * BLOCK) {
        offerd_block_t *second = new_block();
        second->most = block->most;
        second->count = block->count - BLOCK;
        memcpy(second->entries, block->entries + BLOCK, second->count * sizeof *second->entries);
        block->count = BLOCK;
        put(shelf, index + 1, second);
    }
}

void offerd_shelf_remove(offerd_shelf_t *shelf, double key, uint32_t at) {
    size_t index = find_block(shelf, key, at);
    if (index == shelf->count) {
        return;
    }
    offerd_block_t *block = shelf->blocks[index];
    size_t position = find_entry(block, key, at);
    if (position == block->count || block->entries[position].at != at) {
        return;
    }
    block->count--;
    memmove(block->entries + position, block->entries + position + 1,
            (block->count - position) * sizeof *block->entries);
    // An empty block would stand in the way of the binary searches.
    if (block->count == 0) {
        shelf->count--;
        memmove(shelf->blocks + index, shelf->blocks + index + 1,
                (shelf->count - index) * sizeof *shelf->blocks);
    }
}
