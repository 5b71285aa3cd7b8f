//! What no policy should do; the host ends it, in whatever language.

const std = @import("std");
const offerd = @import("offerd");

/// Does what the configuration asks for, if it asks for any of it.
pub fn check(config: []const u8) void {
    if (std.mem.indexOf(u8, config, "loop-decide") != null) {
        while (offerd.now() > 0) {}
    }
    if (std.mem.indexOf(u8, config, "bomb-decide") != null) {
        while (true) {
            const kept = std.heap.c_allocator.alloc(u8, 1 << 20) catch @panic("no memory");
            @memset(kept, 1);
            std.mem.doNotOptimizeAway(kept.ptr);
        }
    }
    if (std.mem.indexOf(u8, config, "recurse-decide") != null) _ = dig(1);
}

/// Neither inlined nor made a loop.
noinline fn dig(depth: u64) u64 {
    var here: [4096]u8 = @splat(1);
    std.mem.doNotOptimizeAway(&here);
    return dig(depth + 1) + here[0];
}
