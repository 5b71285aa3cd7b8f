//! What the commands that ask a running offerd have in common.

use std::path::Path;

use super::{Failed, Target};
use crate::admin::client::{Admin, AskError};
use crate::config::{admin_address, parse_listen};

const CONFIG: &str = "offerd.toml";
const ADDRESS: &str = "127.0.0.1:5580";

impl Target {
    pub(super) fn admin(&self) -> Result<Admin, Failed> {
        if let Some(text) = &self.admin {
            return listen(text, "--admin");
        }
        let found = self.config.as_deref().or_else(|| {
            let here = Path::new(CONFIG);
            here.is_file().then_some(here)
        });
        match found {
            Some(file) => {
                let address = admin_address(file).map_err(|mistakes| Failed::new(&mistakes))?;
                Ok(Admin::new(address))
            }
            None => listen(ADDRESS, "the default"),
        }
    }
}

fn listen(text: &str, what: &str) -> Result<Admin, Failed> {
    parse_listen(text, Path::new(""))
        .map(Admin::new)
        .map_err(|why| Failed(format!("error: {what}: {why}")))
}

/// What is printed when a question has no answer.
pub(crate) fn failed(error: &AskError) -> Failed {
    let AskError::Refused { failure, .. } = error else {
        return Failed::new(error);
    };
    let mut text = format!("error: {}", failure.message);
    for detail in &failure.details {
        text.push_str("\n  ");
        text.push_str(detail);
    }
    Failed(text)
}

/// JSON for programs: pretty, one value.
pub(super) fn print_json(value: &impl serde::Serialize) -> Result<(), Failed> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failed::new(&error))?;
    println!("{text}");
    Ok(())
}
