//! Resources, both ways.

use offerd_core::Milli;
use offerd_core::ids::ProviderId;
use offerd_core::resource::{
    DiskInfo, DiskKind, DiskSource, Label, Name, Persistence, Range, Reservation, ReservationKind,
    Resource, Value, Volume,
};

use crate::bindings::types as wit;

pub(crate) fn to_resources(resources: &[Resource]) -> Vec<wit::MesosResource> {
    resources.iter().map(to_resource).collect()
}

fn to_resource(resource: &Resource) -> wit::MesosResource {
    wit::MesosResource {
        name: resource.name.as_str().to_owned(),
        value: match &resource.value {
            Value::Scalar(amount) => wit::ResourceValue::Scalar(amount.thousandths()),
            Value::Ranges(ranges) => {
                wit::ResourceValue::Ranges(ranges.iter().copied().map(to_range).collect())
            }
            Value::Set(items) => wit::ResourceValue::Items(items.clone()),
        },
        reservations: resource.reservations.iter().map(to_reservation).collect(),
        disk: resource.disk.as_deref().map(to_disk),
        revocable: resource.revocable,
        shared: resource.shared,
        provider: resource.provider.as_ref().map(|p| p.as_str().to_owned()),
    }
}

pub(super) fn to_range(range: Range) -> wit::Range {
    wit::Range {
        begin: range.begin,
        end: range.end,
    }
}

pub(super) fn to_labels(labels: &[Label]) -> Vec<wit::Label> {
    labels
        .iter()
        .map(|label| wit::Label {
            key: label.key.clone(),
            value: label.value.clone(),
        })
        .collect()
}

fn to_reservation(reservation: &Reservation) -> wit::Reservation {
    wit::Reservation {
        kind: match reservation.kind {
            ReservationKind::Static => wit::ReservationKind::Fixed,
            ReservationKind::Dynamic => wit::ReservationKind::Dynamic,
        },
        role: reservation.role.clone(),
        principal: reservation.principal.clone(),
        labels: to_labels(reservation.labels.as_deref().unwrap_or_default()),
    }
}

fn to_disk(disk: &DiskInfo) -> wit::DiskInfo {
    wit::DiskInfo {
        persistence: disk.persistence.as_ref().map(|p| wit::Persistence {
            id: p.id.clone(),
            principal: p.principal.clone(),
        }),
        volume: disk.volume.as_ref().map(|v| wit::Volume {
            container_path: v.container_path.clone(),
            host_path: v.host_path.clone(),
            read_only: v.read_only,
        }),
        source: disk.source.as_ref().map(|s| wit::DiskSource {
            kind: match s.kind {
                DiskKind::Unknown => wit::DiskKind::Unknown,
                DiskKind::Path => wit::DiskKind::Path,
                DiskKind::Mount => wit::DiskKind::Mount,
                DiskKind::Block => wit::DiskKind::Block,
                DiskKind::Raw => wit::DiskKind::Raw,
            },
            root: s.root.clone(),
            id: s.id.clone(),
            vendor: s.vendor.clone(),
            profile: s.profile.clone(),
            metadata: to_labels(s.metadata.as_deref().unwrap_or_default()),
        }),
    }
}

/// An amount of a policy; the error says what is wrong with it.
pub(super) fn from_milli(value: f64) -> Result<Milli, String> {
    Milli::from_thousandths(value).ok_or_else(|| {
        format!(
            "{value} is no amount: amounts are whole thousandths of Mesos's unit, from 0 to 2^53 \
             (1.5 CPUs are 1500)"
        )
    })
}

pub(super) fn from_resources(resources: Vec<wit::MesosResource>) -> Result<Vec<Resource>, String> {
    resources.into_iter().map(from_resource).collect()
}

pub(super) fn from_resource(resource: wit::MesosResource) -> Result<Resource, String> {
    if resource.name.is_empty() {
        return Err("a resource has no name".to_owned());
    }
    let name = Name::from(resource.name);
    let in_resource = |why: String| format!("resource {}: {why}", name.as_str());
    let value = match resource.value {
        wit::ResourceValue::Scalar(amount) => {
            Value::Scalar(from_milli(amount).map_err(in_resource)?)
        }
        wit::ResourceValue::Ranges(ranges) => Value::Ranges(
            ranges
                .into_iter()
                .map(from_range)
                .collect::<Result<_, _>>()
                .map_err(in_resource)?,
        ),
        wit::ResourceValue::Items(items) => Value::Set(items),
    };
    Ok(Resource {
        name,
        value,
        allocation: None,
        reservations: resource
            .reservations
            .into_iter()
            .map(from_reservation)
            .collect(),
        disk: resource.disk.map(from_disk).map(Box::new),
        revocable: resource.revocable,
        shared: resource.shared,
        provider: resource.provider.map(ProviderId::from),
    })
}

fn from_range(range: wit::Range) -> Result<Range, String> {
    let wit::Range { begin, end } = range;
    if begin > end {
        return Err(format!(
            "the range {begin}-{end} ends before it begins; both ends belong to a range"
        ));
    }
    Ok(Range { begin, end })
}

/// An empty list of labels means none: the contract has no way to tell the two
/// apart, and Mesos leaves labels out where there are none.
fn from_labels(labels: Vec<wit::Label>) -> Option<Vec<Label>> {
    (!labels.is_empty()).then(|| {
        labels
            .into_iter()
            .map(|label| Label {
                key: label.key,
                value: label.value,
            })
            .collect()
    })
}

fn from_reservation(reservation: wit::Reservation) -> Reservation {
    Reservation {
        kind: match reservation.kind {
            wit::ReservationKind::Fixed => ReservationKind::Static,
            wit::ReservationKind::Dynamic => ReservationKind::Dynamic,
        },
        role: reservation.role,
        principal: reservation.principal,
        labels: from_labels(reservation.labels),
    }
}

fn from_disk(disk: wit::DiskInfo) -> DiskInfo {
    DiskInfo {
        persistence: disk.persistence.map(|p| Persistence {
            id: p.id,
            principal: p.principal,
        }),
        volume: disk.volume.map(|v| Volume {
            container_path: v.container_path,
            host_path: v.host_path,
            read_only: v.read_only,
        }),
        source: disk.source.map(|s| DiskSource {
            kind: from_disk_kind(s.kind),
            root: s.root,
            id: s.id,
            vendor: s.vendor,
            profile: s.profile,
            metadata: from_labels(s.metadata),
        }),
    }
}

pub(super) fn from_disk_kind(kind: wit::DiskKind) -> DiskKind {
    match kind {
        wit::DiskKind::Unknown => DiskKind::Unknown,
        wit::DiskKind::Path => DiskKind::Path,
        wit::DiskKind::Mount => DiskKind::Mount,
        wit::DiskKind::Block => DiskKind::Block,
        wit::DiskKind::Raw => DiskKind::Raw,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(resource: Resource) {
        assert_eq!(from_resource(to_resource(&resource)), Ok(resource));
    }

    #[test]
    fn what_goes_out_comes_back_the_same() {
        round_trip(Resource::scalar(Name::Cpus, Milli(1500)));
        round_trip(Resource::plain(
            Name::Ports,
            Value::Ranges(vec![Range {
                begin: 31000,
                end: 32000,
            }]),
        ));
        round_trip(Resource::plain(
            Name::from("licences"),
            Value::Set(vec!["a".to_owned()]),
        ));
        let labels = Some(vec![Label {
            key: "k".to_owned(),
            value: None,
        }]);
        for kind in [
            DiskKind::Unknown,
            DiskKind::Path,
            DiskKind::Mount,
            DiskKind::Block,
            DiskKind::Raw,
        ] {
            round_trip(Resource {
                reservations: vec![
                    Reservation {
                        kind: ReservationKind::Static,
                        role: "a".to_owned(),
                        principal: None,
                        labels: None,
                    },
                    Reservation {
                        kind: ReservationKind::Dynamic,
                        role: "a/b".to_owned(),
                        principal: Some("ops".to_owned()),
                        labels: labels.clone(),
                    },
                ],
                disk: Some(Box::new(DiskInfo {
                    persistence: Some(Persistence {
                        id: "v1".to_owned(),
                        principal: Some("ops".to_owned()),
                    }),
                    volume: Some(Volume {
                        container_path: "data".to_owned(),
                        host_path: Some("/d".to_owned()),
                        read_only: true,
                    }),
                    source: Some(DiskSource {
                        kind,
                        root: Some("/mnt".to_owned()),
                        id: Some("i".to_owned()),
                        vendor: Some("v".to_owned()),
                        profile: Some("fast".to_owned()),
                        metadata: labels.clone(),
                    }),
                })),
                revocable: true,
                shared: true,
                provider: Some("p".into()),
                ..Resource::scalar(Name::Disk, Milli(1_000))
            });
        }
    }

    #[test]
    fn bad_values_are_named() {
        for amount in [-1.0, 0.5, f64::NAN, f64::INFINITY, 1e300] {
            let mut resource = to_resource(&Resource::scalar(Name::Cpus, Milli(1)));
            resource.value = wit::ResourceValue::Scalar(amount);
            let why = from_resource(resource).unwrap_err();
            assert!(why.starts_with("resource cpus: "), "{why}");
            assert!(why.contains("is no amount"), "{why}");
        }
        let mut resource = to_resource(&Resource::scalar(Name::Ports, Milli(1)));
        resource.value = wit::ResourceValue::Ranges(vec![wit::Range { begin: 5, end: 4 }]);
        let why = from_resource(resource).unwrap_err();
        assert!(why.contains("the range 5-4 ends before it begins"), "{why}");
        let nameless = to_resource(&Resource::scalar(Name::from(""), Milli(1)));
        assert!(from_resource(nameless).is_err());
    }
}
