//! A policy that panics when it is asked who it is, which is before any configuration
//! could tell it to. The same in other languages: nameless-*.

use offerd_sdk::prelude::*;

struct Nameless;

impl Policy for Nameless {
    type Config = NoConfig;

    fn describe() -> Description {
        panic!("it has no name")
    }

    fn configure(_: NoConfig) -> Result<Self, String> {
        Err("nobody gets here".to_owned())
    }

    fn decide(&mut self, _: &Round, _: &mut Answer) -> Result<(), String> {
        Ok(())
    }
}

offerd_sdk::export_policy!(Nameless);
