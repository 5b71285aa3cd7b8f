//! Taking from, giving to and converting a pool of resources, in Mesos's own
//! fixed-point arithmetic. A pool is what is left of the offers of one ACCEPT.

use std::fmt;

use super::{Amounts, DiskInfo, Name, Range, Resource, Value};
use crate::amount::Milli;
use crate::call::Operation;

/// What is left of an agent's offered resources.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pool {
    items: Vec<Resource>,
}

/// Something is not there. The text names it, what was wanted and what is left.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Shortage(String);

impl Pool {
    pub fn new(items: Vec<Resource>) -> Self {
        Self { items }
    }

    pub fn items(&self) -> &[Resource] {
        &self.items
    }

    /// Adds what another offer of the same agent brings.
    pub fn extend(&mut self, items: impl IntoIterator<Item = Resource>) {
        for item in items {
            self.give(item);
        }
    }

    /// Takes what a plain task needs: reserved resources first, since nobody
    /// else can use them, then unreserved ones. Nothing is taken on failure.
    pub fn take_amounts(&mut self, needs: &Amounts) -> Result<Vec<Resource>, Shortage> {
        let room = Amounts::usable(&self.items);
        if let Some(shortage) = needs.shortage(&room) {
            return Err(Shortage(shortage));
        }
        let mut taken = Vec::with_capacity(4);
        for (name, amount) in [
            (Name::Cpus, needs.cpus),
            (Name::Mem, needs.mem),
            (Name::Disk, needs.disk),
            (Name::Gpus, needs.gpus),
        ] {
            self.take_scalar(&name, amount, &mut taken);
        }
        if needs.ports > 0 {
            self.take_ports(needs.ports, &mut taken);
        }
        Ok(taken)
    }

    fn take_scalar(&mut self, name: &Name, mut amount: Milli, taken: &mut Vec<Resource>) {
        for reserved in [true, false] {
            for item in &mut self.items {
                if amount.is_zero() {
                    return;
                }
                if item.name != *name
                    || item.reservations.is_empty() == reserved
                    || !item.is_plain()
                {
                    continue;
                }
                if let Value::Scalar(left) = &mut item.value {
                    let piece = amount.min(*left);
                    if piece.is_zero() {
                        continue;
                    }
                    *left -= piece;
                    amount -= piece;
                    taken.push(Resource {
                        value: Value::Scalar(piece),
                        ..item.clone()
                    });
                }
            }
        }
    }

    fn take_ports(&mut self, count: u32, taken: &mut Vec<Resource>) {
        let mut wanted = u64::from(count);
        for reserved in [true, false] {
            for item in &mut self.items {
                if wanted == 0 {
                    return;
                }
                if item.name != Name::Ports
                    || item.reservations.is_empty() == reserved
                    || !item.is_plain()
                {
                    continue;
                }
                if let Value::Ranges(ranges) = &mut item.value {
                    let pieces = take_lowest(ranges, &mut wanted);
                    if !pieces.is_empty() {
                        taken.push(Resource {
                            value: Value::Ranges(pieces),
                            ..item.clone()
                        });
                    }
                }
            }
        }
    }

    /// Takes exactly these. Nothing is taken on failure. Shared resources must
    /// be there but are not used up.
    pub fn take(&mut self, wanted: &[Resource]) -> Result<(), Shortage> {
        let before = self.items.clone();
        for resource in wanted {
            if let Err(shortage) = self.take_one(resource) {
                self.items = before;
                return Err(shortage);
            }
        }
        Ok(())
    }

    fn take_one(&mut self, wanted: &Resource) -> Result<(), Shortage> {
        let missing = || Shortage(format!("the offer has no {}", Shown(wanted)));
        let same: Vec<usize> = self
            .items
            .iter()
            .enumerate()
            .filter(|(_, item)| same_kind(item, wanted))
            .map(|(position, _)| position)
            .collect();
        if same.is_empty() {
            return Err(missing());
        }
        if wanted.shared {
            return Ok(());
        }
        // A volume is one thing: it is used whole or not at all.
        let whole = wanted
            .disk
            .as_ref()
            .is_some_and(|d| d.persistence.is_some());
        match &wanted.value {
            Value::Scalar(amount) => {
                let mut amount = *amount;
                for position in same {
                    let Some(Value::Scalar(left)) =
                        self.items.get_mut(position).map(|item| &mut item.value)
                    else {
                        continue;
                    };
                    if whole && *left != amount {
                        continue;
                    }
                    let piece = amount.min(*left);
                    *left -= piece;
                    amount -= piece;
                }
                if !amount.is_zero() {
                    return Err(Shortage(format!(
                        "the offer lacks {amount} of {}",
                        Shown(wanted)
                    )));
                }
            }
            Value::Ranges(ranges) => {
                for range in ranges {
                    let found = same.iter().any(|position| {
                        match self.items.get_mut(*position).map(|item| &mut item.value) {
                            Some(Value::Ranges(have)) => cut(have, *range),
                            _ => false,
                        }
                    });
                    if !found {
                        return Err(missing());
                    }
                }
            }
            Value::Set(wanted_items) => {
                for wanted_item in wanted_items {
                    let found = same.iter().any(|position| {
                        match self.items.get_mut(*position).map(|item| &mut item.value) {
                            Some(Value::Set(have)) => {
                                match have.iter().position(|i| i == wanted_item) {
                                    Some(at) => {
                                        have.swap_remove(at);
                                        true
                                    }
                                    None => false,
                                }
                            }
                            _ => false,
                        }
                    });
                    if !found {
                        return Err(missing());
                    }
                }
            }
        }
        self.items.retain(|item| !is_empty(item));
        Ok(())
    }

    /// Puts something in.
    pub fn give(&mut self, resource: Resource) {
        let volume = resource
            .disk
            .as_ref()
            .is_some_and(|d| d.persistence.is_some());
        let same = |item: &&mut Resource| same_kind(item, &resource);
        if !volume
            && !resource.shared
            && let Some(item) = self.items.iter_mut().find(same)
        {
            match (&mut item.value, &resource.value) {
                (Value::Scalar(have), Value::Scalar(more)) => {
                    *have += *more;
                    return;
                }
                (Value::Ranges(have), Value::Ranges(more)) => {
                    have.extend(more.iter().copied());
                    have.sort_unstable();
                    return;
                }
                (Value::Set(have), Value::Set(more)) => {
                    have.extend(more.iter().cloned());
                    return;
                }
                _ => {}
            }
        }
        self.items.push(resource);
    }

    /// Does to the pool what Mesos will do, so that later operations of the
    /// same ACCEPT can be checked. Launches take their resources with
    /// [`Self::take`] or [`Self::take_amounts`] instead.
    pub fn convert(&mut self, operation: &Operation) -> Result<(), Shortage> {
        match operation {
            Operation::Launch(_) | Operation::LaunchWritten(_) | Operation::LaunchGroup { .. } => {
                Ok(())
            }
            Operation::Reserve {
                source, resources, ..
            } => {
                let derived: Vec<Resource>;
                let from = if source.is_empty() {
                    derived = resources.iter().map(without_last_reservation).collect();
                    &derived
                } else {
                    source
                };
                if resources.iter().any(|r| r.reservations.is_empty()) {
                    return Err(Shortage(
                        "each resource to reserve needs a reservation".into(),
                    ));
                }
                self.replace(from, resources.clone())
            }
            Operation::Unreserve { resources, .. } => {
                if resources.iter().any(|r| r.reservations.is_empty()) {
                    return Err(Shortage(
                        "each resource to unreserve needs a reservation".into(),
                    ));
                }
                self.replace(
                    resources,
                    resources.iter().map(without_last_reservation).collect(),
                )
            }
            Operation::Create { volumes, .. } => {
                for volume in volumes {
                    check_volume(volume)?;
                }
                let from: Vec<Resource> = volumes.iter().map(without_volume).collect();
                self.replace(&from, volumes.clone())
            }
            Operation::Destroy { volumes, .. } => {
                for volume in volumes {
                    check_volume(volume)?;
                }
                self.replace(volumes, volumes.iter().map(without_volume).collect())
            }
            Operation::GrowVolume {
                volume, addition, ..
            } => {
                check_volume(volume)?;
                let (Some(size), Some(more)) = (volume.as_scalar(), addition.as_scalar()) else {
                    return Err(Shortage("a volume and its addition are scalars".into()));
                };
                let grown = Resource {
                    value: Value::Scalar(size + more),
                    ..volume.clone()
                };
                self.replace(&[volume.clone(), addition.clone()], vec![grown])
            }
            Operation::ShrinkVolume {
                volume, subtract, ..
            } => {
                check_volume(volume)?;
                let Some(size) = volume.as_scalar().filter(|size| size > subtract) else {
                    return Err(Shortage(format!(
                        "the volume is not larger than {subtract}"
                    )));
                };
                let shrunk = Resource {
                    value: Value::Scalar(size - *subtract),
                    ..volume.clone()
                };
                let rest = Resource {
                    value: Value::Scalar(*subtract),
                    ..without_volume(volume)
                };
                self.replace(std::slice::from_ref(volume), vec![shrunk, rest])
            }
            // What a resource provider makes of these is known when it answers.
            Operation::CreateDisk { source, .. } | Operation::DestroyDisk { source, .. } => {
                self.take(std::slice::from_ref(source))
            }
        }
    }

    fn replace(&mut self, from: &[Resource], to: Vec<Resource>) -> Result<(), Shortage> {
        self.take(from)?;
        self.extend(to);
        Ok(())
    }
}

fn same_kind(a: &Resource, b: &Resource) -> bool {
    a.name == b.name
        && a.allocation == b.allocation
        && a.reservations == b.reservations
        && a.disk == b.disk
        && a.revocable == b.revocable
        && a.shared == b.shared
        && a.provider == b.provider
}

fn is_empty(resource: &Resource) -> bool {
    match &resource.value {
        Value::Scalar(amount) => amount.is_zero(),
        Value::Ranges(ranges) => ranges.is_empty(),
        Value::Set(items) => items.is_empty(),
    }
}

fn without_last_reservation(resource: &Resource) -> Resource {
    let mut resource = resource.clone();
    resource.reservations.pop();
    resource
}

fn without_volume(resource: &Resource) -> Resource {
    let mut resource = resource.clone();
    resource.shared = false;
    resource.disk = resource.disk.and_then(|disk| disk.source).map(|source| {
        Box::new(DiskInfo {
            source: Some(source),
            ..DiskInfo::default()
        })
    });
    resource
}

fn check_volume(resource: &Resource) -> Result<(), Shortage> {
    let complete = resource
        .disk
        .as_ref()
        .is_some_and(|d| d.persistence.is_some() && d.volume.is_some());
    if complete {
        Ok(())
    } else {
        Err(Shortage(
            "a volume needs disk.persistence and disk.volume".into(),
        ))
    }
}

/// Takes up to `wanted` of the lowest values out of `ranges`.
fn take_lowest(ranges: &mut Vec<Range>, wanted: &mut u64) -> Vec<Range> {
    ranges.sort_unstable();
    let mut pieces = Vec::new();
    for range in ranges.iter_mut() {
        if *wanted == 0 {
            break;
        }
        let count = range.count().min(*wanted);
        if count == 0 {
            continue;
        }
        let last = range.begin + (count - 1);
        pieces.push(Range {
            begin: range.begin,
            end: last,
        });
        *wanted -= count;
        if last == range.end {
            // Marks it as empty; dropped below.
            *range = Range { begin: 1, end: 0 };
        } else {
            range.begin = last + 1;
        }
    }
    ranges.retain(|range| range.count() > 0);
    pieces
}

/// Takes `wanted` out of `ranges` if one of them contains it.
fn cut(ranges: &mut Vec<Range>, wanted: Range) -> bool {
    let Some(position) = ranges.iter().position(|have| {
        have.begin <= wanted.begin && wanted.end <= have.end && wanted.count() > 0
    }) else {
        return false;
    };
    let have = ranges.remove(position);
    if have.begin < wanted.begin {
        ranges.push(Range {
            begin: have.begin,
            end: wanted.begin - 1,
        });
    }
    if wanted.end < have.end {
        ranges.push(Range {
            begin: wanted.end + 1,
            end: have.end,
        });
    }
    ranges.sort_unstable();
    true
}

/// A resource in few words, for messages.
struct Shown<'a>(&'a Resource);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name.as_str())?;
        match &self.0.value {
            Value::Scalar(amount) => write!(f, ":{amount}")?,
            Value::Ranges(ranges) => {
                let shown: Vec<String> = ranges
                    .iter()
                    .map(|r| format!("{}-{}", r.begin, r.end))
                    .collect();
                write!(f, ":[{}]", shown.join(","))?;
            }
            Value::Set(items) => write!(f, ":{{{}}}", items.join(","))?,
        }
        if let Some(reservation) = self.0.reservations.last() {
            write!(f, " reserved for {}", reservation.role)?;
        } else {
            f.write_str(" unreserved")?;
        }
        if let Some(persistence) = self.0.disk.as_ref().and_then(|d| d.persistence.as_ref()) {
            write!(f, " with volume {}", persistence.id)?;
        }
        if self.0.revocable {
            f.write_str(" revocable")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
