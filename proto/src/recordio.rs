//! RecordIO: each record is its length in decimal, a line feed, and that many
//! bytes. Chunks of the transport have nothing to do with records (R3).

use bytes::{Bytes, BytesMut};

/// Longest length prefix: 20 digits hold every 64-bit number.
const PREFIX_LIMIT: usize = 20;

/// Memory for a record grows in steps of this size, so that a peer that
/// announces much and sends little gets little.
const GROWTH: usize = 1 << 20;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error(
        "byte {offset} of the stream: expected a record's length in decimal digits and a line \
         feed, found {found}"
    )]
    InvalidLength { offset: u64, found: String },
    #[error("byte {offset} of the stream: a record of {length} bytes; the limit is {limit}")]
    TooLong {
        offset: u64,
        length: u64,
        limit: usize,
    },
    #[error("the stream ended in a record: {have} of {want} bytes had come")]
    Truncated { have: usize, want: usize },
    #[error("the stream ended in the length of a record: '{digits}'")]
    TruncatedLength { digits: String },
}

/// Takes chunks, gives records. A record that lies whole in one chunk is given
/// without copying; a larger one is gathered once.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    /// Bytes of the stream before `chunk`.
    offset: u64,
    chunk: Bytes,
    /// Digits of a length whose end has not come.
    digits: Vec<u8>,
    /// A record whose end has not come, and its length.
    partial: Option<(Vec<u8>, usize)>,
}

impl Decoder {
    /// `limit`: longest record in bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            offset: 0,
            chunk: Bytes::new(),
            digits: Vec::new(),
            partial: None,
        }
    }

    /// Adds the next chunk. Take all records first: what is left of an earlier
    /// chunk has to be copied together with this one.
    pub fn push(&mut self, chunk: Bytes) {
        if self.chunk.is_empty() {
            self.chunk = chunk;
        } else {
            let mut both = BytesMut::with_capacity(self.chunk.len() + chunk.len());
            both.extend_from_slice(&self.chunk);
            both.extend_from_slice(&chunk);
            self.chunk = both.freeze();
        }
    }

    /// The next record; `None`: more chunks are needed.
    ///
    /// # Errors
    /// After an error the stream can't be read on.
    pub fn next_record(&mut self) -> Result<Option<Bytes>, Error> {
        if self.partial.is_none() {
            let Some(length) = self.length()? else {
                return Ok(None);
            };
            if self.chunk.len() >= length {
                return Ok(Some(self.take(length)));
            }
            self.partial = Some((Vec::with_capacity(length.min(GROWTH)), length));
        }
        let Some((mut record, length)) = self.partial.take() else {
            return Ok(None);
        };
        let piece = self.take((length - record.len()).min(self.chunk.len()));
        let missing = piece.len().saturating_sub(record.capacity() - record.len());
        if missing > 0 {
            // Doubling up to the announced length, never beyond it.
            let room = (record.capacity() * 2).clamp(record.len() + piece.len(), length);
            record.reserve_exact(room - record.len());
        }
        record.extend_from_slice(&piece);
        if record.len() == length {
            return Ok(Some(record.into()));
        }
        self.partial = Some((record, length));
        Ok(None)
    }

    /// To be called when the stream has ended.
    ///
    /// # Errors
    /// If it ended within a record.
    pub fn finish(&self) -> Result<(), Error> {
        if let Some((record, want)) = &self.partial {
            return Err(Error::Truncated {
                have: record.len(),
                want: *want,
            });
        }
        if !self.digits.is_empty() {
            let digits = String::from_utf8_lossy(&self.digits).into_owned();
            return Err(Error::TruncatedLength { digits });
        }
        Ok(())
    }

    fn take(&mut self, count: usize) -> Bytes {
        self.offset += count as u64;
        self.chunk.split_to(count)
    }

    fn length(&mut self) -> Result<Option<usize>, Error> {
        let end = self.chunk.iter().position(|byte| !byte.is_ascii_digit());
        let digits = end.unwrap_or(self.chunk.len());
        let room = PREFIX_LIMIT - self.digits.len();
        if digits > room {
            // The place of the first digit too many, however the stream is cut.
            self.take(room);
            return Err(self.invalid("more than 20 digits".to_owned()));
        }
        let piece = self.take(digits);
        self.digits.extend_from_slice(&piece);
        let Some(next) = self.chunk.first().copied() else {
            return Ok(None);
        };
        if next != b'\n' {
            return Err(self.invalid(format!("byte 0x{next:02x}")));
        }
        if self.digits.is_empty() {
            return Err(self.invalid("a line feed with no digits before it".to_owned()));
        }
        let text = String::from_utf8_lossy(&self.digits).into_owned();
        let Ok(length) = text.parse::<u64>() else {
            return Err(self.invalid(format!("'{text}'")));
        };
        match usize::try_from(length) {
            Ok(length) if length <= self.limit => {
                self.take(1);
                self.digits.clear();
                Ok(Some(length))
            }
            _ => Err(Error::TooLong {
                offset: self.offset,
                length,
                limit: self.limit,
            }),
        }
    }

    fn invalid(&self, found: String) -> Error {
        Error::InvalidLength {
            offset: self.offset,
            found,
        }
    }
}

/// Appends a record with its length.
pub fn encode(record: &[u8], out: &mut BytesMut) {
    out.extend_from_slice(record.len().to_string().as_bytes());
    out.extend_from_slice(b"\n");
    out.extend_from_slice(record);
}

#[cfg(test)]
mod tests;
