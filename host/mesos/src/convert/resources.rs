//! Resources from the wire to the machine.

use mesos_v1 as wire;
use offerd_core::Milli;
use offerd_core::ids::{ProviderId, Role};
use offerd_core::resource::{
    DiskInfo, DiskKind, DiskSource, Label, Name, Persistence, Range, Reservation, ReservationKind,
    Resource, Value, Volume,
};

use super::from_wire::{EventError, Result, missing};

/// One resource, with its allocation role as the wire gives it.
///
/// # Errors
/// It has no value, or an impossible one.
pub fn resource(resource: wire::Resource) -> Result<Resource> {
    resource_of(resource, None)
}

#[expect(
    deprecated,
    reason = "an old master may send the form before reservation refinement"
)]
pub(super) fn resource_of(resource: wire::Resource, role: Option<&Role>) -> Result<Resource> {
    if resource.name.is_empty() {
        return Err(missing("name"));
    }
    let value = if let Some(value) = &resource.scalar {
        Value::Scalar(scalar(value, &resource.name)?)
    } else if let Some(value) = resource.ranges {
        Value::Ranges(ranges(value))
    } else if let Some(set) = resource.set {
        Value::Set(set.item)
    } else {
        return Err(missing(format!(
            "scalar, ranges or set ({})",
            resource.name
        )));
    };
    let allocation = match (role, resource.allocation_info.and_then(|info| info.role)) {
        (Some(role), None) => Some(role.clone()),
        (Some(role), Some(own)) if own == role.as_str() => Some(role.clone()),
        (_, own) => own.map(Role::from),
    };
    let mut reservations: Vec<Reservation> = Vec::new();
    // The form without RESERVATION_REFINEMENT, should a master send it.
    if resource.reservations.is_empty()
        && let Some(role) = resource.role.filter(|role| role != "*")
    {
        let info = resource.reservation.unwrap_or_default();
        let kind = if info.principal.is_some() || info.labels.is_some() {
            ReservationKind::Dynamic
        } else {
            ReservationKind::Static
        };
        reservations.push(Reservation {
            kind,
            role,
            principal: info.principal,
            labels: info.labels.map(labels),
        });
    }
    for info in resource.reservations {
        use wire::resource::reservation_info::Type;
        let kind = match info.r#type.map(Type::try_from) {
            Some(Ok(Type::Dynamic)) => ReservationKind::Dynamic,
            Some(Ok(Type::Static)) => ReservationKind::Static,
            _ => {
                return Err(EventError::Invalid {
                    path: format!("reservations.type ({})", resource.name),
                    found: info
                        .r#type
                        .map_or("absent".to_owned(), |kind| kind.to_string()),
                    expected: "STATIC or DYNAMIC",
                });
            }
        };
        reservations.push(Reservation {
            kind,
            role: info.role.unwrap_or_default(),
            principal: info.principal,
            labels: info.labels.map(labels),
        });
    }
    Ok(Resource {
        name: Name::from(resource.name),
        value,
        allocation,
        reservations,
        disk: resource.disk.map(|disk| Box::new(disk_info(disk))),
        revocable: resource.revocable.is_some(),
        shared: resource.shared.is_some(),
        provider: resource.provider_id.map(|id| ProviderId::from(id.value)),
    })
}

fn disk_info(disk: wire::resource::DiskInfo) -> DiskInfo {
    use wire::resource::disk_info::source::Type;
    DiskInfo {
        persistence: disk.persistence.map(|p| Persistence {
            id: p.id,
            principal: p.principal,
        }),
        volume: disk.volume.map(|volume| Volume {
            container_path: volume.container_path,
            host_path: volume.host_path,
            read_only: volume.mode == wire::volume::Mode::Ro as i32,
        }),
        source: disk.source.map(|source| DiskSource {
            kind: match Type::try_from(source.r#type) {
                Ok(Type::Path) => DiskKind::Path,
                Ok(Type::Mount) => DiskKind::Mount,
                Ok(Type::Block) => DiskKind::Block,
                Ok(Type::Raw) => DiskKind::Raw,
                Ok(Type::Unknown) | Err(_) => DiskKind::Unknown,
            },
            root: source
                .path
                .and_then(|p| p.root)
                .or(source.mount.and_then(|m| m.root)),
            id: source.id,
            vendor: source.vendor,
            profile: source.profile,
            metadata: source.metadata.map(labels),
        }),
    }
}

pub(super) fn ranges(ranges: wire::value::Ranges) -> Vec<Range> {
    ranges
        .range
        .into_iter()
        .map(|r| Range {
            begin: r.begin,
            end: r.end,
        })
        .collect()
}

fn scalar(scalar: &wire::value::Scalar, name: &str) -> Result<Milli> {
    Milli::from_units(scalar.value).ok_or_else(|| EventError::Invalid {
        path: format!("scalar ({name})"),
        found: scalar.value.to_string(),
        expected: "a number from 0 to 2.25e12",
    })
}

fn labels(labels: wire::Labels) -> Vec<Label> {
    labels
        .labels
        .into_iter()
        .map(|l| Label {
            key: l.key,
            value: l.value,
        })
        .collect()
}
