//! Core modules turned into components that import nothing outside the contract.

use std::path::{Path, PathBuf};

use wasmparser::{ComponentTypeRef, Encoding, Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// WASI of the first preview, as core modules import it.
const PREVIEW1: &str = "wasi_snapshot_preview1";

/// Answers WASI calls inside the component; imports nothing.
const STUB: &str = include_str!("stub.wat");

/// The one package that policies may import from.
const CONTRACT: &str = "offerd:policy/";

/// Why a core module does not become a component, or a component is no policy.
#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    #[error("{} does not hold the contract: {why}", folder.display())]
    Wit { folder: PathBuf, why: String },
    #[error("the compiler's output does not become a component: {why}")]
    Encode { why: String },
    #[error("the component cannot be read: {why}")]
    Unreadable { why: String },
    #[error(
        "the policy imports {}, which is outside the contract: policies get no files, sockets, \
         environment, clock or random numbers but those of the SDK; leave out what needs it",
        names.join(", ")
    )]
    Imports { names: Vec<String> },
}

/// Makes a component of a core module. `contract` embeds a world of a WIT folder
/// first, for compilers whose output does not carry it.
pub(crate) fn encode(
    core: &[u8],
    contract: Option<(&Path, &str)>,
) -> Result<Vec<u8>, ComponentError> {
    let mut core = core.to_vec();
    if let Some((folder, world)) = contract {
        embed(&mut core, folder, world).map_err(|error| ComponentError::Wit {
            folder: folder.to_owned(),
            why: format!("{error:#}"),
        })?;
    }
    // The chain of causes on one line.
    let failed = |error: anyhow::Error| ComponentError::Encode {
        why: format!("{error:#}"),
    };
    let wasi = imports_wasi(&core).map_err(|error| failed(error.into()))?;
    let mut encoder = ComponentEncoder::default();
    encoder.module(&core).map_err(failed)?.validate(true);
    if wasi {
        let stub = wat::parse_str(STUB).map_err(|error| failed(error.into()))?;
        encoder.adapter(PREVIEW1, &stub).map_err(failed)?;
    }
    encoder.encode().map_err(failed)
}

fn embed(core: &mut Vec<u8>, folder: &Path, world: &str) -> anyhow::Result<()> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(folder)?;
    let world = resolve.select_world(&[package], Some(world))?;
    embed_component_metadata(core, &resolve, world, StringEncoding::UTF8, false)
}

fn imports_wasi(core: &[u8]) -> wasmparser::Result<bool> {
    for payload in Parser::new(0).parse_all(core) {
        if let Payload::ImportSection(section) = payload? {
            for import in section.into_imports() {
                if import?.module == PREVIEW1 {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

/// Errors if a component imports anything but interfaces of the contract. This
/// is a first look with a short message; the host's own check compares every
/// function.
pub(crate) fn check_imports(component: &[u8]) -> Result<(), ComponentError> {
    let unreadable = |error: wasmparser::BinaryReaderError| ComponentError::Unreadable {
        why: error.to_string(),
    };
    let mut names = Vec::new();
    let mut depth = 0u32;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(unreadable)? {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } if depth == 0 => {
                return Err(ComponentError::Unreadable {
                    why: "it is a core module".to_owned(),
                });
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let import = import.map_err(unreadable)?;
                    let name = import.name.name;
                    // The world's own types have names without a package.
                    let is_type = matches!(import.ty, ComponentTypeRef::Type(_));
                    if !is_type && !name.starts_with(CONTRACT) {
                        names.push(name.to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    if names.is_empty() {
        Ok(())
    } else {
        Err(ComponentError::Imports { names })
    }
}

#[cfg(test)]
mod tests;
