use super::*;

#[test]
fn maintenance_asks_who_has_something_there() {
    let (mut world, _, offers) = World::with_offers(2);
    // It has less, so what is rescinded goes to it.
    let other = world.subscribe(None, info(&["b"]));
    world.cluster.schedule_maintenance(0, Some((5, 6)));
    world.pass(INTERVAL);
    let events = world.events();
    let inverse: Vec<&wire::InverseOffer> = events
        .iter()
        .filter_map(|(_, event)| event.inverse_offers.as_ref())
        .flat_map(|offers| &offers.inverse_offers)
        .collect();
    assert_eq!(inverse.len(), 1);
    assert_eq!(inverse[0].agent_id, Some(offers[0].agent_id.clone()));
    assert_eq!(inverse[0].unavailability.start.nanoseconds, 5);
    assert_eq!(inverse[0].framework_id.value, other);
    let id = inverse[0].id.clone();
    // Answered, it is quiet for the filter's time.
    world.call(&other, Type::DeclineInverseOffers, |call| {
        call.decline_inverse_offers = Some(api::call::DeclineInverseOffers {
            inverse_offer_ids: vec![id],
            filters: filters(60.0),
        });
    });
    world.pass(Duration::from_secs(59));
    let quiet = |events: &[(String, api::Event)]| {
        events
            .iter()
            .all(|(_, event)| event.inverse_offers.is_none())
    };
    assert!(quiet(&world.events()));
    world.pass(Duration::from_secs(2));
    assert!(!quiet(&world.events()));
    // Called off, it is rescinded.
    world.cluster.schedule_maintenance(0, None);
    let events = world.events();
    assert!(
        events
            .iter()
            .any(|(_, e)| e.rescind_inverse_offer.is_some())
    );
    world.pass(Duration::from_secs(100));
    assert!(quiet(&world.events()));
}

#[test]
fn a_draining_agent_ends_its_tasks_and_offers_nothing() {
    let (mut world, framework, first) = World::with_task("sleep 100000");
    world.cluster.drain_agent(0);
    assert!(!world.cluster.reactivate_agent(0));
    let mut update = first;
    let mut states = Vec::new();
    for _ in 0..5 {
        world.acknowledge(&framework, &update);
        world.pass(Duration::from_secs(1));
        if let Some(next) = world.updates(&framework).first() {
            update = next.clone();
            states.push((update.state(), update.reason()));
        }
    }
    assert_eq!(
        states,
        [
            (TaskState::TaskRunning, Reason::CommandExecutorFailed),
            (TaskState::TaskKilling, Reason::AgentDraining),
            (TaskState::TaskKilled, Reason::AgentDraining),
        ]
    );
    world.call(&framework, Type::Revive, |_| {});
    world.pass(Duration::from_secs(1));
    assert_eq!(world.offers(&framework), []);
    assert!(world.cluster.reactivate_agent(0));
    world.pass(INTERVAL);
    assert_eq!(world.offers(&framework).len(), 1);
}
