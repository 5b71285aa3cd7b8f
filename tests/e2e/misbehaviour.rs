//! Policies that do what no policy should, beside one that behaves: its roles and
//! the service go on as if nothing was.

use offerd::replay::{Wish, replay};

use crate::support::{Cluster, Host, policy, setup};

/// What the guest does in `decide`.
const BEHAVIOURS: [&str; 14] = [
    "loop",
    "calls",
    "bomb",
    "leak",
    "recurse",
    "panic",
    "error",
    "many-placements",
    "large-answer",
    "giant-answer",
    "nonsense",
    "grab",
    "flood",
    // Its offers stay undecided.
    "nothing",
];

fn batch(role: &str, name: &str) -> String {
    format!(
        "[[job]]\nname = \"{name}\"\nrole = \"{role}\"\nkind = \"batch\"\ncount = 10\n\
         cpus = 0.1\nmem = 32\ncommand = \"true\"\n"
    )
}

#[tokio::test]
async fn sim_a_policy_that_misbehaves_harms_nobody_else() {
    let together = tokio::task::LocalSet::new();
    let all = BEHAVIOURS.map(|behaviour| together.spawn_local(beside_one_that(behaviour)));
    together.await;
    for result in all {
        result.await.unwrap();
    }
}

/// A policy of role web that does it, and a good one of role batch.
async fn host(cluster: &Cluster, behaviour: &str) -> Host {
    let dir = tempfile::tempdir().unwrap();
    let bad = format!("{{ decide = \"{behaviour}\" }}");
    // Short for what never ends, and long for the one that behaves.
    let more = format!(
        "limits.call_deadline = \"2s\"\n{}strikes = 1000000\n{}",
        policy("misbehave", "web", &bad),
        policy("first-fit", "batch", "{}")
    );
    let text = setup(&cluster.address(), dir.path(), &["web", "batch"], &more);
    Host::start_text(text, dir).await
}

async fn beside_one_that(behaviour: &'static str) {
    let cluster = Cluster::simulated().await;
    let host = host(&cluster, behaviour).await;
    host.submit(&batch("web", "bad")).await;
    host.status_until("it was called", |status| status.policies[0].rounds > 0)
        .await;
    host.submit(&batch("batch", "good")).await;
    host.job_until("good", |job| job.state == "finished" && job.finished == 10)
        .await;
    let status = host.status().await;
    let [bad, good] = status.policies.as_slice() else {
        panic!("{status:?}");
    };
    assert_eq!(good.numbers.failures, 0, "{behaviour}: {good:?}");
    assert_eq!(bad.numbers.placed, 0, "{behaviour}: {bad:?}");
    assert_eq!(status.counters.kills_sent, 0, "{behaviour}");
}

/// Files of a recording begin when all policies begin anew, for which each is asked
/// for its state. One that does not answer keeps nobody waiting, and what the others
/// decided can be decided again.
#[tokio::test]
async fn sim_a_policy_that_never_saves_holds_up_nobody() {
    let cluster = Cluster::simulated().await;
    let dir = tempfile::tempdir().unwrap();
    let more = format!(
        "{}strikes = 1000000\n{}",
        policy("misbehave", "web", "{ save = \"loop\" }"),
        policy("first-fit", "batch", "{}")
    );
    let text = setup(&cluster.address(), dir.path(), &["web", "batch"], &more);
    let host = Host::start_text(text, dir).await;
    host.submit(&batch("web", "bad")).await;
    host.status_until("it was called", |status| status.policies[0].rounds > 0)
        .await;
    for number in 0..3 {
        let name = format!("good-{number}");
        host.submit(&batch("batch", &name)).await;
        host.job_until(&name, |job| job.state == "finished" && job.finished == 10)
            .await;
    }
    let dir = host.stop().await;
    let report = replay(&dir.path().join("state/recordings"), &Wish::default()).unwrap();
    let [good] = report
        .policies
        .iter()
        .filter(|policy| policy.policy == "first-fit")
        .collect::<Vec<_>>()[..]
    else {
        panic!("{report:?}");
    };
    assert!(good.placed_now > 0, "{good:?}");
    assert_eq!(good.different(), 0, "{good:?}");
}

#[tokio::test]
async fn sim_offers_and_tasks_of_another_role_are_out_of_reach() {
    let cluster = Cluster::simulated().await;
    let host = host(&cluster, "grab").await;
    let service = batch("batch", "front")
        .replace("\"batch\"\ncount", "\"service\"\ncount")
        .replace("true", "exec sleep 100000");
    host.submit(&service).await;
    host.job_until("front", |job| job.running == 10).await;
    let before = host.ids("front", "TASK_RUNNING").await;
    // Now it is called, while the other role has tasks and offers.
    host.submit(&batch("web", "bad")).await;
    host.status_until("it grabbed", |status| {
        let numbers = &status.policies[0].numbers;
        status.policies[0].rounds >= 5 && numbers.refused >= 5 * 200
    })
    .await;
    host.submit(&batch("batch", "good")).await;
    host.job_until("good", |job| job.state == "finished" && job.finished == 10)
        .await;
    assert_eq!(host.ids("front", "TASK_RUNNING").await, before);
    let status = host.status().await;
    let numbers = &status.policies[0].numbers;
    assert_eq!(numbers.refused, numbers.decisions, "nothing was done");
    assert_eq!(status.policies[1].numbers.refused, 0);
    assert_eq!(status.counters.kills_sent, 0);
}

#[tokio::test]
async fn sim_each_invalid_decision_is_refused_with_a_reason() {
    let cluster = Cluster::simulated().await;
    let host = host(&cluster, "invalid").await;
    let service = batch("web", "bad")
        .replace("\"batch\"", "\"service\"")
        .replace("true", "exec sleep 100000");
    host.submit(&service).await;
    // It returns as an error what it is told.
    let status = host
        .status_until("it was told", |status| {
            status.policies[0].last_failure.is_some()
        })
        .await;
    let told = status.policies[0].last_failure.as_deref().unwrap();
    for why in [
        "is being killed already",
        "task 4294967295 is not live",
        "there is no set 4294967295",
        "a placement of 0 tasks",
        "offer 4294967295 does not live",
        "of 4294967295 done; ",
        "operation 0: resource cpus: -1 is no amount",
        "operation 0: resource ports: the range 9-1 ends before",
        "operation 0: the target of create-disk must be",
    ] {
        assert!(told.contains(why), "'{why}' is missing: {told}");
    }
    host.submit(&batch("batch", "good")).await;
    host.job_until("good", |job| job.state == "finished" && job.finished == 10)
        .await;
}
