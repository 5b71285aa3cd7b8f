// Memory that is given back all at once: at the end of a call, or of a session with the
// master. The host puts what it hands over into that of the call too (see glue/), so that
// nothing is freed one by one. Chunks are kept for the next time, up to a bound.

#include <stdlib.h>
#include <string.h>

#include "inside.h"

enum { FIRST = 64 * 1024, KEPT = 16 * 1024 * 1024 };

typedef struct offerd_chunk {
    struct offerd_chunk *next;
    size_t size;
    size_t used;
    // Aligned as malloc aligns.
    _Alignas(16) uint8_t bytes[];
} chunk_t;

offerd_arena_t offerd_call;

static chunk_t *chunk(offerd_arena_t *arena, size_t least) {
    for (chunk_t **at = &arena->kept; *at != NULL; at = &(*at)->next) {
        if ((*at)->size >= least) {
            chunk_t *found = *at;
            *at = found->next;
            return found;
        }
    }
    size_t size = arena->chunks == NULL ? FIRST : arena->chunks->size * 2;
    if (size < least) {
        size = least;
    }
    chunk_t *made = malloc(sizeof(chunk_t) + size);
    if (made == NULL) {
        offerd_panic("no memory for %zu bytes", least);
    }
    made->size = size;
    return made;
}

void *offerd_arena_take(offerd_arena_t *arena, size_t size, size_t align) {
    chunk_t *chunks = arena->chunks;
    if (chunks != NULL) {
        size_t begin = (chunks->used + align - 1) & ~(align - 1);
        if (begin <= chunks->size && size <= chunks->size - begin) {
            chunks->used = begin + size;
            return chunks->bytes + begin;
        }
    }
    chunk_t *fresh = chunk(arena, size);
    fresh->next = chunks;
    fresh->used = size;
    arena->chunks = fresh;
    return fresh->bytes;
}

void offerd_arena_reset(offerd_arena_t *arena) {
    size_t total = 0;
    chunk_t *old = arena->chunks;
    arena->chunks = NULL;
    for (chunk_t *at = arena->kept; at != NULL; at = at->next) {
        total += at->size;
    }
    while (old != NULL) {
        chunk_t *next = old->next;
        if (total + old->size <= KEPT) {
            total += old->size;
            old->next = arena->kept;
            arena->kept = old;
        } else {
            free(old);
        }
        old = next;
    }
}

void *offerd_alloc(size_t size) {
    void *memory = offerd_arena_take(&offerd_call, size, 16);
    memset(memory, 0, size);
    return memory;
}

void *offerd_copy(const void *bytes, size_t size) {
    void *made = offerd_arena_take(&offerd_call, size, 16);
    if (size > 0) {
        memcpy(made, bytes, size);
    }
    return made;
}

contract_list_u8_t offerd_bytes(const void *bytes, size_t size) {
    return (contract_list_u8_t){offerd_copy(bytes, size), size};
}

contract_list_u32_t offerd_numbers(const uint32_t *numbers, size_t count) {
    return (contract_list_u32_t){offerd_copy(numbers, count * sizeof *numbers), count};
}
