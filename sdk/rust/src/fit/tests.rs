use proptest::prelude::*;

use super::*;
use crate::testing::{Cluster, Job};

/// The same by looking at everything.
fn naive(round: &Round, weights: Option<Weights>) -> Vec<(u32, u32, u32)> {
    let mut left: Vec<Amounts> = round.offers.iter().map(Offer::amounts).collect();
    let roles = roles(round);
    let mut placed = Vec::new();
    for set in &round.waiting {
        let need = set.needs();
        let mut wanted = set.count;
        while wanted > 0 {
            let score = roles
                .iter()
                .find(|role| role.role == set.role)
                .map(|role| {
                    let order = weights.map_or(Order::Arrival, Order::Tightest);
                    Score::new(order, &role.most, &role.total)
                })
                .unwrap();
            let best = (0..round.offers.len())
                .filter(|at| round.offers[*at].role == set.role && left[*at].fits(&need))
                .min_by(|a, b| {
                    let (a_key, b_key) = (score.of(&left[*a]), score.of(&left[*b]));
                    a_key.total_cmp(&b_key).then(a.cmp(b))
                });
            let Some(at) = best else {
                break;
            };
            let count = left[at].capacity(&need).min(wanted);
            left[at] = left[at].minus(&need.times(count));
            wanted -= count;
            placed.push((round.offers[at].offer, set.set, count));
        }
    }
    placed
}

fn fitted(round: &Round, order: Order) -> Vec<(u32, u32, u32)> {
    let mut fitter = Fitter::new(round, order);
    let mut placed = Vec::new();
    for set in &round.waiting {
        placed.extend(
            fitter
                .fill(set)
                .map(|spot| (spot.offer.0, set.set, spot.count)),
        );
    }
    placed
}

prop_compose! {
    fn amounts()(cpus in 0..40_u32, mem in 0..40_u32, gpus in 0..3_u32, ports in 0..4_u32) -> Amounts {
        Amounts {
            cpus: f64::from(cpus) * 100.0,
            mem: f64::from(mem) * 32_000.0,
            gpus: f64::from(gpus) * 1000.0,
            ports,
            ..Amounts::ZERO
        }
    }
}

fn cluster(offers: Vec<(Amounts, bool)>, jobs: Vec<(Amounts, u32, bool)>) -> Cluster {
    let mut cluster = Cluster::new(["a", "b"]);
    let role = |second: bool| if second { "b" } else { "a" };
    for (at, (amounts, second)) in offers.into_iter().enumerate() {
        let agent = cluster.agent(&format!("host-{at}"), &[]);
        cluster.offer(agent, role(second), amounts);
    }
    for (at, (needs, count, second)) in jobs.into_iter().enumerate() {
        cluster.wait(Job::new(&format!("job-{at}"), role(second), needs).count(count));
    }
    cluster
}

proptest! {
    #[test]
    fn the_search_finds_what_looking_at_everything_finds(
        offers in prop::collection::vec((amounts(), any::<bool>()), 0..200),
        jobs in prop::collection::vec((amounts(), 1..8_u32, any::<bool>()), 0..40),
    ) {
        let round = cluster(offers, jobs).round();
        let order = Order::Tightest(Weights::default());
        prop_assert_eq!(fitted(&round, order), naive(&round, Some(Weights::default())));
        prop_assert_eq!(fitted(&round, Order::Arrival), naive(&round, None));
    }
}

#[test]
fn constraints_are_asked_of_the_host_and_kept_in_the_books() {
    let mut cluster = Cluster::new(["r"]);
    let agents: Vec<_> = (0..3)
        .map(|n| cluster.agent(&format!("h{n}"), &[]))
        .collect();
    for agent in &agents {
        cluster.offer(*agent, "r", Amounts::of(4.0, 4096.0));
        cluster.offer(*agent, "r", Amounts::of(4.0, 4096.0));
    }
    let set = cluster.wait(
        Job::new("j", "r", Amounts::of(1.0, 1.0))
            .count(9)
            .constrained(),
    );
    cluster.allow(set, agents[0], 1);
    cluster.allow(set, agents[2], 5);
    struct Fill;
    impl crate::Policy for Fill {
        type Config = crate::NoConfig;
        fn describe() -> crate::Description {
            crate::Description::new("fill", "1", "")
        }
        fn configure(_: crate::NoConfig) -> Result<Self, String> {
            Ok(Self)
        }
        fn decide(&mut self, round: &Round, out: &mut crate::Answer) -> Result<(), String> {
            let mut fitter = Fitter::new(round, Order::Arrival);
            for set in &round.waiting {
                for spot in fitter.fill(set) {
                    out.place(spot, set, spot.count);
                }
            }
            Ok(())
        }
    }
    let mut policy: Fill = cluster.configure("{}").unwrap();
    let answer = cluster.decide(&mut policy).unwrap();
    let placed: Vec<(u32, u32)> = answer
        .placements
        .iter()
        .map(|p| (p.offer, p.count))
        .collect();
    assert_eq!(placed, [(0, 1), (4, 4), (5, 1)]);
}

#[test]
fn roomiest_spreads() {
    let round = cluster(
        vec![
            (Amounts::of(2.0, 64.0), false),
            (Amounts::of(4.0, 64.0), false),
        ],
        vec![
            (Amounts::of(1.0, 1.0), 1, false),
            (Amounts::of(1.0, 1.0), 1, false),
        ],
    )
    .round();
    let placed = fitted(
        &round,
        Order::Roomiest(Weights {
            mem: 0.0,
            ..Weights::default()
        }),
    );
    assert_eq!(placed, [(1, 0, 1), (1, 1, 1)]);
}
