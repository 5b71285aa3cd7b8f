//! Resources as Mesos describes them, complete, and the arithmetic on them.
//!
//! The form is the one with reservation stacks (the framework capability
//! RESERVATION_REFINEMENT, which offerd always announces).

use serde::{Deserialize, Serialize};

use crate::amount::Milli;
use crate::ids::ProviderId;

mod algebra;
pub use algebra::{Pool, Shortage};

/// A resource's name. The usual ones cost no allocation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Name {
    Cpus,
    Mem,
    Disk,
    Gpus,
    Ports,
    Other(Box<str>),
}

impl Name {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Cpus => "cpus",
            Self::Mem => "mem",
            Self::Disk => "disk",
            Self::Gpus => "gpus",
            Self::Ports => "ports",
            Self::Other(name) => name,
        }
    }
}

impl From<&str> for Name {
    fn from(name: &str) -> Self {
        match name {
            "cpus" => Self::Cpus,
            "mem" => Self::Mem,
            "disk" => Self::Disk,
            "gpus" => Self::Gpus,
            "ports" => Self::Ports,
            other => Self::Other(other.into()),
        }
    }
}

impl From<String> for Name {
    fn from(name: String) -> Self {
        Self::from(name.as_str())
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.as_str().to_owned()
    }
}

/// Both ends belong to the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Range {
    pub begin: u64,
    pub end: u64,
}

impl Range {
    /// Number of values in it; 0 if the ends are the wrong way round.
    pub fn count(self) -> u64 {
        if self.end < self.begin {
            0
        } else {
            (self.end - self.begin).saturating_add(1)
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Value {
    Scalar(Milli),
    Ranges(Vec<Range>),
    Set(Vec<String>),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Label {
    pub key: String,
    pub value: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ReservationKind {
    Static,
    Dynamic,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reservation {
    pub kind: ReservationKind,
    pub role: String,
    pub principal: Option<String>,
    /// `None` and an empty list are different to Mesos.
    pub labels: Option<Vec<Label>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Persistence {
    pub id: String,
    pub principal: Option<String>,
}

/// Where a volume appears in a container. Only the plain form; images and CSI
/// sources belong to TaskInfo.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Volume {
    pub container_path: String,
    pub host_path: Option<String>,
    pub read_only: bool,
}

/// Numbers of `Resource.DiskInfo.Source.Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DiskKind {
    Unknown,
    Path,
    Mount,
    Block,
    Raw,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DiskSource {
    pub kind: DiskKind,
    pub root: Option<String>,
    pub id: Option<String>,
    pub vendor: Option<String>,
    pub profile: Option<String>,
    pub metadata: Option<Vec<Label>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct DiskInfo {
    pub persistence: Option<Persistence>,
    pub volume: Option<Volume>,
    pub source: Option<DiskSource>,
}

/// One resource. `allocation` is the role that the master allocated it to; it
/// is set in offers and must be set in everything sent back.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Resource {
    pub name: Name,
    pub value: Value,
    pub allocation: Option<crate::ids::Role>,
    /// Outermost role first; empty: unreserved.
    pub reservations: Vec<Reservation>,
    pub disk: Option<Box<DiskInfo>>,
    pub revocable: bool,
    pub shared: bool,
    pub provider: Option<ProviderId>,
}

impl Resource {
    /// An unreserved scalar.
    pub fn scalar(name: Name, amount: Milli) -> Self {
        Self::plain(name, Value::Scalar(amount))
    }

    /// An unreserved resource with nothing special about it.
    pub fn plain(name: Name, value: Value) -> Self {
        Self {
            name,
            value,
            allocation: None,
            reservations: Vec::new(),
            disk: None,
            revocable: false,
            shared: false,
            provider: None,
        }
    }

    /// Whether a task that asks for nothing special may use it: not revocable,
    /// not shared, no volume, no disk with a source of its own.
    pub fn is_plain(&self) -> bool {
        !self.revocable
            && !self.shared
            && self
                .disk
                .as_ref()
                .is_none_or(|d| d.persistence.is_none() && d.source.is_none())
    }

    pub fn as_scalar(&self) -> Option<Milli> {
        match self.value {
            Value::Scalar(amount) => Some(amount),
            _ => None,
        }
    }
}

/// What a task needs, or what an offer has for plain tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
pub struct Amounts {
    pub cpus: Milli,
    pub mem: Milli,
    pub disk: Milli,
    pub gpus: Milli,
    pub ports: u32,
}

impl Amounts {
    /// What plain tasks can use of these resources.
    pub fn usable(resources: &[Resource]) -> Self {
        let mut sum = Self::default();
        for resource in resources.iter().filter(|r| r.is_plain()) {
            match (&resource.name, &resource.value) {
                (Name::Cpus, Value::Scalar(v)) => sum.cpus += *v,
                (Name::Mem, Value::Scalar(v)) => sum.mem += *v,
                (Name::Disk, Value::Scalar(v)) => sum.disk += *v,
                (Name::Gpus, Value::Scalar(v)) => sum.gpus += *v,
                (Name::Ports, Value::Ranges(ranges)) => {
                    let counts = ranges.iter().map(|range| range.count());
                    let count = counts.fold(0, u64::saturating_add);
                    sum.ports = sum
                        .ports
                        .saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
                }
                _ => {}
            }
        }
        sum
    }

    /// The larger of the two, resource by resource.
    pub fn max(&self, other: &Self) -> Self {
        Self {
            cpus: self.cpus.max(other.cpus),
            mem: self.mem.max(other.mem),
            disk: self.disk.max(other.disk),
            gpus: self.gpus.max(other.gpus),
            ports: self.ports.max(other.ports),
        }
    }

    /// What is missing in `room`, in words; `None` if nothing is.
    pub fn shortage(&self, room: &Self) -> Option<String> {
        let mut lacking = Vec::new();
        for (name, need, have) in [
            ("cpus", self.cpus, room.cpus),
            ("mem", self.mem, room.mem),
            ("disk", self.disk, room.disk),
            ("gpus", self.gpus, room.gpus),
        ] {
            if need > have {
                lacking.push(format!("{name}: needs {need}, there is {have}"));
            }
        }
        if self.ports > room.ports {
            lacking.push(format!(
                "ports: needs {}, there are {}",
                self.ports, room.ports
            ));
        }
        (!lacking.is_empty()).then(|| lacking.join("; "))
    }

    pub fn fits_in(&self, room: &Self) -> bool {
        self.cpus <= room.cpus
            && self.mem <= room.mem
            && self.disk <= room.disk
            && self.gpus <= room.gpus
            && self.ports <= room.ports
    }
}
