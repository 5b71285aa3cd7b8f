//! The format: a magic text, then blocks. Each block has the lengths of its
//! content, before and after compression, and a checksum; the content is entries
//! in postcard's form, one after the other. Numbers are little-endian.
//!
//! A file whose writer died ends in the middle of a block; what stands before it
//! is good.

use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::{Path, PathBuf};

use crate::entry::Entry;

/// The last byte is the number of the format: of entries, and of the machine in
/// the first of them. Whoever changes one of these counts on.
pub(crate) const MAGIC: &[u8; 12] = b"offerd rec 4";

/// Largest content of a block that is read.
const BLOCK_LIMIT: u32 = 1 << 30;

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("cannot read the recording {}", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} is no recording", path.display())]
    Magic { path: PathBuf },
    #[error(
        "the recording {} has format {}, which another version of offerd reads; this one reads \
         format {}",
        path.display(),
        *found as char,
        own_format()
    )]
    Format { path: PathBuf, found: u8 },
    #[error("the recording {} is damaged at byte {offset}: {why}", path.display())]
    Damaged {
        path: PathBuf,
        offset: u64,
        why: String,
    },
}

fn own_format() -> char {
    MAGIC.last().copied().unwrap_or_default() as char
}

/// Of a block: the length of its content and its compressed form.
pub(crate) fn checksum(plain: u32, packed: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&plain.to_le_bytes());
    hasher.update(packed);
    hasher.finalize()
}

/// Head of a block.
pub(crate) struct Head {
    pub(crate) packed: u32,
    pub(crate) plain: u32,
    pub(crate) checksum: u32,
}

impl Head {
    pub(crate) const LENGTH: usize = 12;

    pub(crate) fn bytes(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        let numbers = [self.packed, self.plain, self.checksum];
        for (to, number) in bytes.chunks_exact_mut(4).zip(numbers) {
            to.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    fn read(bytes: [u8; Self::LENGTH]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = bytes;
        Self {
            packed: u32::from_le_bytes([a, b, c, d]),
            plain: u32::from_le_bytes([e, f, g, h]),
            checksum: u32::from_le_bytes([i, j, k, l]),
        }
    }
}

/// Reads entries in order.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    file: BufReader<File>,
    /// Of the next block.
    offset: u64,
    block: Vec<u8>,
    /// Of the next entry in the block.
    at: usize,
    cut_off: bool,
}

impl Reader {
    /// # Errors
    /// The file can't be read or is something else.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let io = |source| ReadError::Io {
            path: path.to_owned(),
            source,
        };
        let mut file = BufReader::new(File::open(path).map_err(io)?);
        let mut magic = Vec::with_capacity(MAGIC.len());
        file.by_ref()
            .take(MAGIC.len() as u64)
            .read_to_end(&mut magic)
            .map_err(io)?;
        let path = path.to_owned();
        // A writer that died at once has not come to the end of it.
        if !MAGIC.starts_with(&magic) {
            return Err(match magic.split_last() {
                Some((found, name)) if name.len() == MAGIC.len() - 1 && MAGIC.starts_with(name) => {
                    let found = *found;
                    ReadError::Format { path, found }
                }
                _ => ReadError::Magic { path },
            });
        }
        Ok(Self {
            path,
            file,
            offset: magic.len() as u64,
            block: Vec::new(),
            at: 0,
            cut_off: magic.len() < MAGIC.len(),
        })
    }

    /// Whether the file ended within a block: its writer died.
    pub fn is_cut_off(&self) -> bool {
        self.cut_off
    }

    /// The next entry; `None` at the end.
    ///
    /// # Errors
    /// The file can't be read on.
    pub fn next_entry(&mut self) -> Result<Option<Entry<'static>>, ReadError> {
        while self.at >= self.block.len() {
            if !self.next_block()? {
                return Ok(None);
            }
        }
        let rest = self.block.get(self.at..).unwrap_or_default();
        match postcard::take_from_bytes::<Entry<'static>>(rest) {
            Ok((entry, after)) => {
                self.at = self.block.len() - after.len();
                Ok(Some(entry))
            }
            Err(error) => Err(self.damaged(format!("an entry can't be decoded: {error}"))),
        }
    }

    fn next_block(&mut self) -> Result<bool, ReadError> {
        let mut head = [0; Head::LENGTH];
        if !self.fill(&mut head)? {
            return Ok(false);
        }
        let head = Head::read(head);
        if head.packed > BLOCK_LIMIT || head.plain > BLOCK_LIMIT {
            return Err(self.damaged(format!("a block of {} bytes", head.plain)));
        }
        let mut packed = vec![0; head.packed as usize];
        if !self.fill(&mut packed)? {
            self.cut_off = true;
            return Ok(false);
        }
        if checksum(head.plain, &packed) != head.checksum {
            return Err(self.damaged("the checksum is wrong".to_owned()));
        }
        self.block = lz4_flex::block::decompress(&packed, head.plain as usize)
            .map_err(|error| self.damaged(error.to_string()))?;
        self.at = 0;
        self.offset += (Head::LENGTH + packed.len()) as u64;
        Ok(true)
    }

    /// False if the file ends first.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<bool, ReadError> {
        let mut have = 0;
        while let Some(rest) = bytes.get_mut(have..).filter(|rest| !rest.is_empty()) {
            match self.file.read(rest) {
                Ok(0) => {
                    self.cut_off |= have > 0;
                    return Ok(false);
                }
                Ok(count) => have += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    return Err(ReadError::Io {
                        path: self.path.clone(),
                        source,
                    });
                }
            }
        }
        Ok(true)
    }

    fn damaged(&self, why: String) -> ReadError {
        ReadError::Damaged {
            path: self.path.clone(),
            offset: self.offset,
            why,
        }
    }
}
