//! What the guest shows: lines of JSON, `["kind",value...]`, in memory of the call. The values of
//! the contract look as in all languages: records as objects, none as null, enums as the names of
//! their cases, variants as {"case": value}, 64-bit numbers as decimal text, bytes as an array of
//! numbers.

const std = @import("std");
const offerd = @import("offerd");
const c = offerd.c;

/// Names of the cases of enums: C has numbers for them.
const enums = .{
    .{ c.offerd_reservation_t, [_][]const u8{ "fixed", "dynamic" } },
    .{ c.offerd_disk_source_t, [_][]const u8{ "unknown", "path", "mount", "block", "raw" } },
    .{ c.offerd_cluster_job_details_t, [_][]const u8{ "service", "batch" } },
};

pub fn line(kind: []const u8, values: anytype) c.contract_string_t {
    var text: Text = .{};
    text.raw("[");
    text.value(kind);
    inline for (values) |value| {
        text.raw(",");
        text.value(value);
    }
    text.raw("]");
    return .{ .ptr = text.bytes.ptr, .len = text.length };
}

/// A text that grows.
const Text = struct {
    bytes: []u8 = &.{},
    length: usize = 0,

    fn raw(self: *Text, more: []const u8) void {
        if (self.length + more.len > self.bytes.len) {
            const larger = offerd.alloc(u8, 2 * self.bytes.len + more.len + 64);
            @memcpy(larger[0..self.length], self.bytes[0..self.length]);
            self.bytes = larger;
        }
        @memcpy(self.bytes[self.length..][0..more.len], more);
        self.length += more.len;
    }

    fn print(self: *Text, comptime format: []const u8, args: anytype) void {
        var buffer: [400]u8 = undefined;
        self.raw(std.fmt.bufPrint(&buffer, format, args) catch unreachable);
    }

    fn string(self: *Text, text: []const u8) void {
        self.raw("\"");
        for (text, 0..) |byte, at| switch (byte) {
            '"', '\\' => self.raw(&.{ '\\', byte }),
            0...0x1f => self.print("\\u{x:0>4}", .{byte}),
            else => self.raw(text[at..][0..1]),
        };
        self.raw("\"");
    }

    fn list(self: *Text, items: anytype) void {
        self.raw("[");
        for (items, 0..) |item, at| {
            if (at > 0) self.raw(",");
            self.value(item);
        }
        self.raw("]");
    }

    fn value(self: *Text, from: anytype) void {
        const T = @TypeOf(from);
        switch (@typeInfo(T)) {
            .bool => self.raw(if (from) "true" else "false"),
            .int => self.print(if (T == u64) "\"{d}\"" else "{d}", .{from}),
            .float => self.print("{d}", .{from}),
            .null => self.raw("null"),
            .optional => if (from) |known| self.value(known) else self.raw("null"),
            .pointer => |pointer| switch (pointer.size) {
                .slice => if (pointer.child == u8) self.string(from) else self.list(from),
                else => self.value(from.*),
            },
            .@"struct" => self.record(from),
            else => comptime unreachable,
        }
    }

    fn record(self: *Text, from: anytype) void {
        const T = @TypeOf(from);
        if (T == c.contract_string_t) return self.string(offerd.string(from));
        if (@hasField(T, "is_some")) return if (from.is_some) self.value(from.val) else self.raw("null");
        if (@hasField(T, "tag")) return self.variant(from);
        if (@hasField(T, "ptr")) return self.list(offerd.slice(@TypeOf(from.ptr[0]), from));
        self.raw("{");
        inline for (@typeInfo(T).@"struct".field_names, 0..) |name, at| {
            if (at > 0) self.raw(",");
            self.print("\"{s}\":", .{name});
            self.field(from, name);
        }
        self.raw("}");
    }

    fn field(self: *Text, from: anytype, comptime name: []const u8) void {
        inline for (enums) |known| {
            if (comptime @TypeOf(from) == known[0] and std.mem.eql(u8, name, "kind")) {
                return self.string(known[1][from.kind]);
            }
        }
        self.value(@field(from, name));
    }

    fn variant(self: *Text, from: anytype) void {
        inline for (@typeInfo(@TypeOf(from.val)).@"union".field_names, 0..) |name, tag| {
            if (from.tag == tag) {
                self.print("{{\"{s}\":", .{name});
                self.value(@field(from.val, name));
                self.raw("}");
            }
        }
    }
};
