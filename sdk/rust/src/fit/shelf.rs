//! Offers in order of a key, in blocks that know the most that is left in them,
//! so that a search skips what cannot fit.

use crate::amounts::Amounts;

/// Entries in a new block: about the square root of a large round, so that
/// walking blocks and walking one block cost the same.
const BLOCK: usize = 64;

#[derive(Debug, Clone, Copy)]
struct Entry {
    key: f64,
    at: u32,
}

impl Entry {
    fn is_before(&self, key: f64, at: u32) -> bool {
        self.key < key || (self.key == key && self.at < at)
    }
}

/// Entries before they are put on a shelf.
#[derive(Debug, Default)]
pub(super) struct Keys(Vec<Entry>);

impl Keys {
    pub(super) fn push(&mut self, key: f64, at: usize) {
        if let Ok(at) = u32::try_from(at) {
            self.0.push(Entry { key, at });
        }
    }
}

#[derive(Debug)]
struct Block {
    /// At least what any entry has left, resource by resource. Exact after a
    /// search that found nothing here.
    most: Amounts,
    entries: Vec<Entry>,
}

impl Block {
    fn new(entries: Vec<Entry>, left: &[Amounts]) -> Self {
        let most = most(&entries, left);
        Self { most, entries }
    }
}

fn most(entries: &[Entry], left: &[Amounts]) -> Amounts {
    entries
        .iter()
        .filter_map(|entry| left.get(entry.at as usize))
        .fold(Amounts::ZERO, |most, left| most.max(left))
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    blocks: Vec<Block>,
}

impl Shelf {
    pub(super) fn new(keys: Keys, sort: bool, left: &[Amounts]) -> Self {
        let mut entries = keys.0;
        if sort {
            entries.sort_unstable_by(|a, b| a.key.total_cmp(&b.key).then(a.at.cmp(&b.at)));
        }
        let blocks = entries
            .chunks(BLOCK)
            .map(|chunk| Block::new(chunk.to_vec(), left))
            .collect();
        Self { blocks }
    }

    /// Position of the first entry with a key within `bounds` that has room for
    /// `need` and is `good`.
    pub(super) fn find(
        &mut self,
        need: &Amounts,
        (from, to): (f64, f64),
        left: &[Amounts],
        mut good: impl FnMut(usize) -> bool,
    ) -> Option<usize> {
        let first = self
            .blocks
            .partition_point(|block| block.entries.last().is_none_or(|last| last.key < from));
        for block in self.blocks.get_mut(first..)? {
            if block.entries.first().is_some_and(|first| first.key > to) {
                break;
            }
            if !block.most.fits(need) {
                continue;
            }
            let start = block.entries.partition_point(|entry| entry.key < from);
            let found = block
                .entries
                .iter()
                .skip(start)
                .map(|entry| entry.at as usize)
                .find(|at| left.get(*at).is_some_and(|left| left.fits(need)) && good(*at));
            if found.is_some() {
                return found;
            }
            block.most = most(&block.entries, left);
        }
        None
    }

    pub(super) fn insert(&mut self, key: f64, at: usize, left: &Amounts) {
        let Ok(at) = u32::try_from(at) else {
            return;
        };
        let entry = Entry { key, at };
        // The first block that ends after the entry, or the last one.
        let found = self
            .blocks
            .partition_point(|block| block.entries.last().is_some_and(|e| e.is_before(key, at)));
        let index = found.min(self.blocks.len().saturating_sub(1));
        let Some(block) = self.blocks.get_mut(index) else {
            self.blocks.push(Block {
                most: *left,
                entries: vec![entry],
            });
            return;
        };
        let place = block
            .entries
            .partition_point(|other| other.is_before(key, at));
        block.entries.insert(place, entry);
        block.most = block.most.max(left);
        if block.entries.len() > 2 * BLOCK {
            let entries = block.entries.split_off(BLOCK);
            let most = block.most;
            self.blocks.insert(index + 1, Block { most, entries });
        }
    }

    pub(super) fn remove(&mut self, key: f64, at: usize) {
        let Ok(at) = u32::try_from(at) else {
            return;
        };
        let index = self
            .blocks
            .partition_point(|block| block.entries.last().is_some_and(|e| e.is_before(key, at)));
        let Some(block) = self.blocks.get_mut(index) else {
            return;
        };
        let place = block
            .entries
            .partition_point(|other| other.is_before(key, at));
        if block.entries.get(place).is_some_and(|entry| entry.at == at) {
            block.entries.remove(place);
            // An empty block would stand in the way of the binary searches.
            if block.entries.is_empty() {
                self.blocks.remove(index);
            }
        }
    }
}
