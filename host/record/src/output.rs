//! Writes one recording; see [`crate::file`] for the form.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use crate::file::{Head, MAGIC, checksum};

/// Larger buffers are not kept for the next block.
pub(crate) const LARGEST_KEPT: usize = 16 << 20;

#[derive(Debug)]
pub(crate) struct Output {
    file: File,
    /// For a block in its form on the disk.
    packed: Vec<u8>,
}

impl Output {
    /// Begins a file that is not there yet, for this user alone.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        file.write_all(MAGIC)?;
        // Its name is in the folder, which is written by itself.
        if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) {
            File::open(folder)?.sync_all()?;
        }
        let packed = Vec::new();
        Ok(Self { file, packed })
    }

    /// Compresses and writes entries; gives the number of bytes on the disk.
    pub(crate) fn block(&mut self, entries: &[u8]) -> io::Result<u64> {
        let most = Head::LENGTH + lz4_flex::block::get_maximum_output_size(entries.len());
        if self.packed.len() < most {
            self.packed.resize(most, 0);
        }
        let (head, packed) = self.packed.split_at_mut(Head::LENGTH);
        let size = lz4_flex::block::compress_into(entries, packed).map_err(io::Error::other)?;
        let packed = packed.get(..size).unwrap_or_default();
        let length = |bytes: usize| u32::try_from(bytes).map_err(io::Error::other);
        let plain = length(entries.len())?;
        let numbers = Head {
            packed: length(size)?,
            plain,
            checksum: checksum(plain, packed),
        };
        head.copy_from_slice(&numbers.bytes());
        let whole = self.packed.get(..Head::LENGTH + size).unwrap_or_default();
        self.file.write_all(whole)?;
        let written = whole.len() as u64;
        if self.packed.len() > LARGEST_KEPT {
            self.packed = Vec::new();
        }
        Ok(written)
    }

    /// Waits until the disk has all.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}
