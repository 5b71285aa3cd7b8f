use std::time::Duration;

use crate::prelude::*;
use crate::types;

#[test]
fn reasons_are_kept_once() {
    let mut out = Answer::new();
    out.place(1, 10, 2).because("fits");
    out.place(2, 10, 1).because("fits");
    out.place(3, 10, 1).because("fits too");
    out.place(4, 10, 1).because("fits");
    out.place(5, 10, 1);
    out.kill(7)
        .grace(Duration::from_secs(2))
        .because("fits too");
    out.decline(6).refuse(Duration::from_millis(1500));
    out.decline_rest().because("nothing waits");
    let answer = out.into_types();
    assert_eq!(answer.reasons, ["fits", "fits too", "nothing waits"]);
    let reasons: Vec<u32> = answer.placements.iter().map(|p| p.reason).collect();
    assert_eq!(reasons, [1, 1, 2, 1, 0]);
    assert_eq!(
        answer.kills,
        [types::Kill {
            task: 7,
            grace: 2000.0,
            reason: 2
        }]
    );
    assert_eq!(
        answer.declines,
        [types::Decline {
            offer: 6,
            refuse: 1500.0,
            reason: 0
        }]
    );
    assert_eq!(
        answer.rest,
        Some(types::DeclineRest {
            refuse: -1.0,
            reason: 3
        })
    );
    assert_eq!(answer.leftover, -1.0);
}

#[test]
fn operations_come_in_order_and_ids_go_to_the_last() {
    let mut out = Answer::new();
    let disk = MesosResource::scalar("disk", 64.0).reserved_for("db", Some("p"));
    out.accept_all([1, 2])
        .reserve([disk.clone()])
        .with_id("r")
        .create([disk.persistent("v", "data")])
        .place(9, 1)
        .with_id("ignored")
        .refuse(Duration::from_secs(1))
        .because("a volume");
    let answer = out.into_types();
    let [
        types::ReasonedAction {
            action: types::Action::Accept(accept),
            reason: 1,
        },
    ] = answer.actions.as_slice()
    else {
        panic!("{:?}", answer.actions);
    };
    assert_eq!(accept.offers, [1, 2]);
    assert_eq!(accept.refuse, 1000.0);
    let [
        types::Operation::Reserve(reserve),
        types::Operation::Create(create),
        types::Operation::Place(place),
    ] = accept.operations.as_slice()
    else {
        panic!("{:?}", accept.operations);
    };
    assert_eq!(reserve.id.as_deref(), Some("r"));
    assert_eq!(create.id, None);
    assert_eq!(place, &types::SetCount { set: 9, count: 1 });
}
