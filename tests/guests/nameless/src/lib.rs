//! A policy that panics when it is asked who it is, which is before any
//! configuration could tell it to.

wit_bindgen::generate!({ path: "../../../wit", world: "policy" });

struct Policy;

impl Guest for Policy {
    fn describe() -> Description {
        panic!("it has no name")
    }

    fn configure(_config: String) -> Result<(), String> {
        Ok(())
    }

    fn decide(_round: Round) -> Result<Answer, String> {
        Err("nobody gets here".to_owned())
    }
}

export!(Policy);
