use proptest::prelude::*;

use super::*;
use crate::resource::{Persistence, Reservation, ReservationKind, Volume};

fn scalar(name: Name, amount: i64) -> Resource {
    Resource::scalar(name, Milli(amount))
}

fn reserved(mut resource: Resource, role: &str) -> Resource {
    resource.reservations.push(Reservation {
        kind: ReservationKind::Dynamic,
        role: role.to_owned(),
        principal: None,
        labels: None,
    });
    resource
}

fn volume(mut resource: Resource, id: &str) -> Resource {
    resource.disk = Some(Box::new(DiskInfo {
        persistence: Some(Persistence {
            id: id.to_owned(),
            principal: None,
        }),
        volume: Some(Volume {
            container_path: "data".into(),
            host_path: None,
            read_only: false,
        }),
        source: None,
    }));
    resource
}

fn needs(cpus: i64, mem: i64, ports: u32) -> Amounts {
    Amounts {
        cpus: Milli(cpus),
        mem: Milli(mem),
        ports,
        ..Amounts::default()
    }
}

#[test]
fn reserved_goes_first_and_shortage_says_what_is_missing() {
    let mut pool = Pool::new(vec![
        scalar(Name::Cpus, 1000),
        reserved(scalar(Name::Cpus, 500), "web"),
        scalar(Name::Mem, 64_000),
        Resource::plain(
            Name::Ports,
            Value::Ranges(vec![Range {
                begin: 31000,
                end: 31002,
            }]),
        ),
    ]);
    let taken = pool.take_amounts(&needs(700, 32_000, 2)).unwrap();
    assert_eq!(taken[0].as_scalar(), Some(Milli(500)));
    assert_eq!(taken[0].reservations.len(), 1);
    assert_eq!(taken[1].as_scalar(), Some(Milli(200)));
    assert_eq!(
        taken[3].value,
        Value::Ranges(vec![Range {
            begin: 31000,
            end: 31001
        }])
    );
    let error = pool
        .take_amounts(&needs(900, 0, 2))
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "cpus: needs 0.9, there is 0.8; ports: needs 2, there are 1"
    );
}

#[test]
fn reserve_create_destroy_unreserve_is_a_circle() {
    let disk = scalar(Name::Disk, 100_000);
    let mut pool = Pool::new(vec![scalar(Name::Cpus, 1000), disk.clone()]);
    let before = pool.clone();
    let part = reserved(scalar(Name::Disk, 40_000), "web");
    let vol = volume(part.clone(), "v1");
    let id = None;
    for operation in [
        Operation::Reserve {
            id: id.clone(),
            source: vec![],
            resources: vec![part.clone()],
        },
        Operation::Create {
            id: id.clone(),
            volumes: vec![vol.clone()],
        },
    ] {
        pool.convert(&operation).unwrap();
    }
    // The volume is there to be used, but not as plain disk.
    assert_eq!(Amounts::usable(pool.items()).disk, Milli(60_000));
    pool.clone().take(std::slice::from_ref(&vol)).unwrap();
    let half = Resource {
        value: Value::Scalar(Milli(20_000)),
        ..vol.clone()
    };
    assert!(
        pool.clone().take(&[half]).is_err(),
        "a volume is used whole"
    );
    for operation in [
        Operation::Destroy {
            id: id.clone(),
            volumes: vec![vol],
        },
        Operation::Unreserve {
            id,
            resources: vec![part],
        },
    ] {
        pool.convert(&operation).unwrap();
    }
    assert_eq!(pool, before);
}

#[test]
fn a_failed_take_takes_nothing() {
    let mut pool = Pool::new(vec![scalar(Name::Cpus, 1000), scalar(Name::Mem, 1000)]);
    let before = pool.clone();
    let error = pool
        .take(&[scalar(Name::Cpus, 1000), scalar(Name::Mem, 2000)])
        .unwrap_err();
    assert_eq!(error.to_string(), "the offer lacks 1 of mem:2 unreserved");
    assert_eq!(pool, before);
}

fn total(pool: &Pool, taken: &[Resource]) -> (Milli, u64) {
    let all = || pool.items().iter().chain(taken);
    let cpus = all()
        .filter(|r| r.name == Name::Cpus)
        .filter_map(Resource::as_scalar)
        .sum();
    let ports = all()
        .filter_map(|r| match &r.value {
            Value::Ranges(ranges) => Some(ranges.iter().map(|r| r.count()).sum::<u64>()),
            _ => None,
        })
        .sum();
    (cpus, ports)
}

proptest! {
    #[test]
    fn nothing_is_made_or_lost(
        cpus in prop::collection::vec((1i64..5000, any::<bool>()), 1..4),
        ranges in prop::collection::vec((1u64..50, 1u64..20), 0..4),
        asks in prop::collection::vec((0i64..4000, 0u32..8), 0..12),
    ) {
        let mut items: Vec<Resource> = cpus
            .iter()
            .map(|(amount, is_reserved)| {
                let plain = scalar(Name::Cpus, *amount);
                if *is_reserved { reserved(plain, "web") } else { plain }
            })
            .collect();
        let mut begin = 1000;
        let mut list = Vec::new();
        for (gap, length) in ranges {
            begin += gap;
            list.push(Range { begin, end: begin + length - 1 });
            begin += length + 1;
        }
        items.push(Resource::plain(Name::Ports, Value::Ranges(list)));
        let mut pool = Pool::new(items);
        let before = total(&pool, &[]);
        let mut taken = Vec::new();
        for (cpus, ports) in asks {
            let ask = needs(cpus, 0, ports);
            let fits = ask.fits_in(&Amounts::usable(pool.items()));
            match pool.take_amounts(&ask) {
                Ok(pieces) => {
                    prop_assert!(fits);
                    prop_assert_eq!(Amounts::usable(&pieces), ask);
                    taken.extend(pieces);
                }
                Err(_) => prop_assert!(!fits),
            }
            prop_assert_eq!(total(&pool, &taken), before);
        }
        // What was taken can be taken exactly from a full pool, and no port is
        // given twice.
        let mut ports: Vec<Range> = taken
            .iter()
            .filter_map(|r| match &r.value { Value::Ranges(r) => Some(r.clone()), _ => None })
            .flatten()
            .collect();
        ports.sort_unstable();
        prop_assert!(ports.windows(2).all(|w| w[0].end < w[1].begin));
    }
}
