//! The root of a component of the world `stateful-policy`.

const offerd = @import("offerd");

pub const panic = offerd.panic;

comptime {
    offerd.Exports(@import("policy")).stateful();
}
