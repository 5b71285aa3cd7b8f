//! Builds complete resources, as operations name them. What a plain task needs
//! are [`crate::Amounts`]; this is for reservations and volumes.

use crate::amounts::milli;
use crate::types::{
    DiskInfo, MesosResource, Persistence, Range, Reservation, ReservationKind, ResourceValue,
    Volume,
};

impl MesosResource {
    /// An unreserved amount in Mesos's unit: `scalar("disk", 64.0)` is 64 MiB.
    pub fn scalar(name: &str, amount: f64) -> Self {
        Self::of(name, ResourceValue::Scalar(milli(amount)))
    }

    /// Unreserved ranges; both ends belong to each.
    pub fn ranges(name: &str, ranges: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let ranges = ranges
            .into_iter()
            .map(|(begin, end)| Range { begin, end })
            .collect();
        Self::of(name, ResourceValue::Ranges(ranges))
    }

    /// An unreserved set of items.
    pub fn items(name: &str, items: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::of(
            name,
            ResourceValue::Items(items.into_iter().map(Into::into).collect()),
        )
    }

    fn of(name: &str, value: ResourceValue) -> Self {
        Self {
            name: name.to_owned(),
            value,
            reservations: Vec::new(),
            disk: None,
            revocable: false,
            shared: false,
            provider: None,
        }
    }

    /// The same with one more dynamic reservation on top.
    #[must_use]
    pub fn reserved_for(mut self, role: &str, principal: Option<&str>) -> Self {
        self.reservations.push(Reservation {
            kind: ReservationKind::Dynamic,
            role: role.to_owned(),
            principal: principal.map(str::to_owned),
            labels: Vec::new(),
        });
        self
    }

    /// The same as a persistent volume that tasks see under `container_path`.
    /// Keeps the disk's source, if it has one.
    #[must_use]
    pub fn persistent(mut self, id: &str, container_path: &str) -> Self {
        let principal = self.reservations.last().and_then(|r| r.principal.clone());
        self.disk = Some(DiskInfo {
            persistence: Some(Persistence {
                id: id.to_owned(),
                principal,
            }),
            volume: Some(Volume {
                container_path: container_path.to_owned(),
                host_path: None,
                read_only: false,
            }),
            source: self.disk.and_then(|disk| disk.source),
        });
        self
    }

    /// Its thousandths, if it is a scalar.
    pub fn as_milli(&self) -> Option<f64> {
        match self.value {
            ResourceValue::Scalar(amount) => Some(amount),
            ResourceValue::Ranges(_) | ResourceValue::Items(_) => None,
        }
    }
}
