//! What is done to both masters. A scenario begins with a framework of its own
//! and ends by tearing it down; nothing in it depends on how long things take.

mod agents;
mod http;
mod offers;
mod operations;
mod session;
mod tasks;

use crate::steps::Run;

pub(crate) type Scenario = fn(&mut Run);

pub(crate) const ALL: &[(&str, Scenario)] = &[
    ("subscribe", session::subscribe),
    ("subscribe_refused", session::subscribe_refused),
    ("headers_and_bodies", http::headers_and_bodies),
    (
        "calls_of_a_framework_that_is_unknown",
        http::unknown_framework,
    ),
    ("stream_ids", http::stream_ids),
    ("decline_with_a_filter", offers::decline_with_a_filter),
    ("suppress_and_revive", offers::suppress_and_revive),
    ("two_roles", offers::two_roles),
    ("launch_to_finished", tasks::launch_to_finished),
    ("launch_that_fails", tasks::launch_that_fails),
    ("launch_two_on_one_offer", tasks::launch_two_on_one_offer),
    ("launch_of_a_group", tasks::launch_of_a_group),
    ("kill", tasks::kill),
    ("kill_of_an_unknown_task", tasks::kill_of_an_unknown_task),
    ("tasks_that_are_not_valid", tasks::tasks_that_are_not_valid),
    (
        "offers_that_are_not_valid",
        offers::offers_that_are_not_valid,
    ),
    (
        "offers_that_are_not_valid_to_a_framework_of_old",
        offers::old_framework,
    ),
    ("unacknowledged_updates", tasks::unacknowledged_updates),
    ("reconcile", tasks::reconcile),
    ("reserve_and_unreserve", operations::reserve_and_unreserve),
    ("volumes", operations::volumes),
    (
        "operations_that_are_not_valid",
        operations::operations_not_valid,
    ),
    (
        "accept_of_reconcile_operations",
        http::accept_of_reconcile_operations,
    ),
    ("update_framework", session::update_framework),
    ("maintenance", agents::maintenance),
    ("resubscribe", session::resubscribe),
    ("disconnect", session::disconnect),
    ("teardown", session::teardown),
    // The last one: a real agent is busy with draining for a while after it.
    ("drain", agents::drain),
];
