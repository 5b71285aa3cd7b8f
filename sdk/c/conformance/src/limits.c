#include "limits.h"

#include <string.h>

#include <offerd.h>

// Neither inlined nor made a loop.
__attribute__((noinline)) static unsigned dig(unsigned depth) {
    volatile char here[4096];
    here[depth % sizeof here] = 1;
    return depth == UINT32_MAX ? 0 : dig(depth + 1) + (unsigned)here[0];
}

void test_limits(const char *config) {
    if (strstr(config, "loop-decide") != NULL) {
        while (offerd_clock_now() > 0) {
        }
    }
    if (strstr(config, "bomb-decide") != NULL) {
        for (;;) {
            memset(offerd_alloc(1 << 20), 1, 1 << 20);
        }
    }
    if (strstr(config, "recurse-decide") != NULL) {
        dig(1);
    }
}
