//! What can go wrong with a store, one type for each operation.

use std::io;
use std::path::PathBuf;

/// Opening a store failed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot make the store directory {}; it must be a directory that offerd may write to", dir.display())]
    Directory {
        dir: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot use the store file {}; it must be readable and writable by offerd", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "the store directory {} is in use by another offerd{holder}; end that one, or give this \
         one a directory of its own ([store] dir)",
        dir.display()
    )]
    InUse { dir: PathBuf, holder: String },
    #[error(
        "the store {} cannot be opened; restore it from a copy, or move it away to start with an \
         empty one (offerd then asks the master for a new framework id and does not know the old \
         tasks)",
        path.display()
    )]
    Damaged {
        path: PathBuf,
        #[source]
        source: Box<redb::Error>,
    },
    #[error(
        "the store {} has format {found}, and this offerd knows formats up to {known}; use the \
         version of offerd that wrote it, or a newer one",
        path.display()
    )]
    Newer {
        path: PathBuf,
        found: String,
        known: u32,
    },
}

/// Reading a store failed.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("cannot read the store {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: Box<redb::Error>,
    },
    #[error(
        "the entry '{key}' of the store {} is damaged: {why}; restore the file from a copy, or \
         move it away to start with an empty one",
        path.display()
    )]
    Damaged {
        path: PathBuf,
        key: String,
        why: String,
    },
}

/// Writing to a store failed. Nothing of the commit is in it.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    #[error("cannot write to the store {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: Box<redb::Error>,
    },
    #[error("the record '{key}' has no JSON form")]
    Encode {
        key: String,
        #[source]
        source: serde_json::Error,
    },
}
