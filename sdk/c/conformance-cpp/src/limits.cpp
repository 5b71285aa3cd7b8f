#include "limits.hpp"

#include <vector>

#include <offerd.hpp>

// Neither inlined nor made a loop.
[[gnu::noinline]] static unsigned dig(unsigned depth) {
    volatile char here[4096];
    here[depth % sizeof here] = 1;
    return depth == OFFERD_NONE ? 0 : dig(depth + 1) + static_cast<unsigned>(here[0]);
}

void test_limits(std::string_view config) {
    if (config.contains("loop-decide")) {
        while (offerd::now() > 0) {
        }
    }
    if (config.contains("bomb-decide")) {
        std::vector<std::vector<char>> kept;
        for (;;) {
            kept.emplace_back(1 << 20, 'b');
        }
    }
    if (config.contains("recurse-decide")) {
        dig(1);
    }
}
