//! What users do, on both kinds of master.

use crate::support::{Cluster, Host, Other, guest, policy, setup, until};

const BATCH: &str = r#"
[[job]]
name = "sleepers"
role = "batch"
kind = "batch"
count = 40
cpus = 0.1
mem = 32
command = "sleep 0.2"
retries = 1
"#;

const SERVICE: &str = r#"
[[job]]
name = "front"
role = "web"
kind = "service"
count = 4
cpus = 0.1
mem = 32
command = "exec sleep 100000"
priority = 10
"#;

/// Each scenario as a test on a simulated and on a real master.
macro_rules! on_both {
    ($($name:ident($($argument:expr),*) as $test:ident;)+) => {
        mod sim {
            $(#[tokio::test]
            async fn $test() {
                super::$name(&super::Cluster::simulated().await, $($argument),*).await;
            })+
        }

        mod mesos {
            $(#[tokio::test]
            async fn $test() {
                if let Some(cluster) = super::Cluster::real() {
                    super::$name(&cluster, $($argument),*).await;
                }
            })+
        }
    };
}

on_both! {
    batch("first-fit", "{}") as a_batch_job_with_first_fit;
    batch("bin-pack", "{}") as a_batch_job_with_bin_pack;
    batch("spread", "{ attribute = \"rack\" }") as a_batch_job_with_spread;
    batch("priority", "{ preempt = true }") as a_batch_job_with_priority;
    batch("bin-pack-python", "{}") as a_batch_job_with_a_policy_in_python;
    batch("bin-pack-js", "{}") as a_batch_job_with_a_policy_in_javascript;
    batch("bin-pack-ts", "{}") as a_batch_job_with_a_policy_in_typescript;
    batch("bin-pack-go", "{}") as a_batch_job_with_a_policy_in_go;
    batch("bin-pack-c", "{}") as a_batch_job_with_a_policy_in_c;
    batch("bin-pack-cpp", "{}") as a_batch_job_with_a_policy_in_cpp;
    batch("bin-pack-zig", "{}") as a_batch_job_with_a_policy_in_zig;
    service("first-fit", "{}") as a_service_with_first_fit;
    service("bin-pack", "{}") as a_service_with_bin_pack;
    service("spread", "{ attribute = \"rack\" }") as a_service_with_spread;
    service("priority", "{}") as a_service_with_priority;
    two_policies() as two_roles_with_a_policy_each;
    preemption() as a_task_of_low_priority_makes_room;
    declines() as who_declines_everything_leaves_it_to_others;
    kills() as a_rule_kills_exactly_those_tasks;
    invalid() as a_task_that_mesos_does_not_take;
    volume() as reservations_a_volume_and_a_task_group;
    restart() as the_host_restarts_and_tasks_go_on;
}

/// 40 short tasks; afterwards nothing is held and others get everything.
async fn batch(cluster: &Cluster, guest: &str, config: &str) {
    let host = Host::start(&cluster.address(), guest, "batch", config).await;
    host.submit(BATCH).await;
    let job = host
        .job_until("sleepers", |job| {
            job.state != "waiting" && job.state != "running"
        })
        .await;
    assert_eq!(
        (job.state.as_str(), job.finished, job.failed),
        ("finished", 40, 0),
        "{job:?}"
    );
    let finished = host.ids("sleepers", "TASK_FINISHED").await;
    assert_eq!(finished.len(), 40);

    let idle = host
        .status_until("nothing is held and the role is suppressed", |status| {
            status.offers_held == 0 && status.roles.iter().all(|role| role.suppressed)
        })
        .await;
    let counters = idle.counters;
    assert_eq!(counters.tasks_launched, 40);
    assert_eq!(counters.decisions_refused, 0);
    // STARTING, RUNNING and FINISHED of each, and each once.
    assert_eq!(counters.updates_acknowledged, 120, "{counters:?}");
    until("the master has all acknowledgements", async || {
        let found = cluster.acknowledgements().await;
        if found == (120, 0) {
            Ok(())
        } else {
            Err(format!("{found:?}"))
        }
    })
    .await;
    Other::start(&cluster.address())
        .gets(crate::support::CPUS)
        .await;
}

/// A service keeps its number of tasks until it is scaled or killed.
async fn service(cluster: &Cluster, guest: &str, config: &str) {
    let host = Host::start(&cluster.address(), guest, "web", config).await;
    host.submit(SERVICE).await;
    host.job_until("front", |job| job.running == 4).await;
    let before = host.ids("front", "TASK_RUNNING").await;
    if guest == "spread" {
        let tasks = host.tasks().await;
        let agents: Vec<&str> = tasks.iter().map(|task| task.agent.as_str()).collect();
        let first = agents.iter().filter(|agent| **agent == agents[0]).count();
        assert_eq!(
            (agents.len(), first),
            (4, 2),
            "two racks, two tasks each: {agents:?}"
        );
    }

    host.admin.kill_task(&before[0]).await.unwrap();
    until(
        "another task runs in the place of the killed one",
        async || {
            let now = host.ids("front", "TASK_RUNNING").await;
            if now.len() == 4 && !now.contains(&before[0]) {
                Ok(())
            } else {
                Err(format!("{now:?}"))
            }
        },
    )
    .await;
    assert_eq!(host.ids("front", "TASK_KILLED").await, [before[0].clone()]);

    host.admin.scale("front", 2).await.unwrap();
    host.job_until("front", |job| job.running == 2 && job.staging == 0)
        .await;
    assert_eq!(host.ids("front", "TASK_KILLED").await.len(), 3);

    host.admin.scale("front", 3).await.unwrap();
    host.job_until("front", |job| job.running == 3).await;

    host.admin.kill_job("front").await.unwrap();
    let job = host.job_until("front", |job| job.state == "killed").await;
    assert_eq!((job.running, job.staging, job.waiting), (0, 0, 0));
    host.status_until("nothing is held", |status| status.offers_held == 0)
        .await;
}

/// The configuration and the jobs of the README.
async fn two_policies(cluster: &Cluster) {
    let dir = tempfile::tempdir().unwrap();
    let policies = [
        policy("bin-pack", "batch", "{}"),
        policy("spread", "web", "{ attribute = \"rack\" }"),
    ];
    let text = setup(
        &cluster.address(),
        dir.path(),
        &["batch", "web"],
        &policies.concat(),
    );
    let host = Host::start_text(text, dir).await;
    host.submit(&format!("{BATCH}{SERVICE}")).await;
    host.job_until("sleepers", |job| job.state == "finished")
        .await;
    host.job_until("front", |job| job.running == 4).await;
    let status = host.status().await;
    let names: Vec<_> = status
        .policies
        .iter()
        .map(|p| (p.name.as_str(), &p.roles[..]))
        .collect();
    assert_eq!(
        names,
        [
            ("bin-pack", &["batch".to_owned()][..]),
            ("spread", &["web".to_owned()])
        ]
    );
    for policy in &status.policies {
        assert_eq!(policy.digest.len(), 64);
        assert!(
            policy.rounds > 0 && policy.memory > 0 && policy.strikes == 0,
            "{policy:?}"
        );
    }
}

/// A full cluster; a task of high priority gets the place of one of low.
async fn preemption(cluster: &Cluster) {
    let host = Host::start(
        &cluster.address(),
        "priority",
        "batch",
        "{ preempt = true }",
    )
    .await;
    let job = |name: &str, count: u32, cpus: f64, priority: i32| {
        format!(
            "[[job]]\nname = \"{name}\"\nrole = \"batch\"\nkind = \"service\"\ncount = {count}\n\
             cpus = {cpus}\nmem = 32\ncommand = \"exec sleep 100000\"\npriority = {priority}\n"
        )
    };
    host.submit(&job("low", 8, 1.0, 0)).await;
    host.job_until("low", |job| job.running == 8).await;
    host.submit(&job("high", 1, 2.0, 10)).await;
    host.job_until("high", |job| job.running == 1).await;
    // Two had to go, and wait for a place now.
    let low = host
        .job_until("low", |job| job.running == 6 && job.waiting == 2)
        .await;
    assert_eq!(low.failed, 0);
    assert_eq!(host.ids("low", "TASK_KILLED").await.len(), 2);
    host.admin.kill_job("high").await.unwrap();
    host.job_until("low", |job| job.running == 8).await;
}

async fn declines(cluster: &Cluster) {
    let config = "{ errand = \"decline-all\" }";
    let host = Host::start(&cluster.address(), "errands", "batch", config).await;
    host.submit(BATCH).await;
    host.status_until("offers were declined", |s| s.counters.offers_declined > 0)
        .await;
    Other::start(&cluster.address())
        .gets(crate::support::CPUS)
        .await;
    let status = host.status().await;
    assert_eq!(
        (status.tasks_waiting, status.counters.tasks_launched),
        (40, 0)
    );
}

async fn kills(cluster: &Cluster) {
    let config = "{ errand = \"kill\", job = \"doomed\", count = 2 }";
    let host = Host::start(&cluster.address(), "errands", "web", config).await;
    let doomed = SERVICE.replace("front", "doomed");
    host.submit(&format!("{SERVICE}{doomed}")).await;
    until("two of the doomed are dead and replaced", async || {
        let killed = host.ids("doomed", "TASK_KILLED").await.len();
        let running = host.ids("doomed", "TASK_RUNNING").await.len();
        if (killed, running) == (2, 4) {
            Ok(())
        } else {
            Err(format!("{killed}, {running}"))
        }
    })
    .await;
    host.job_until("front", |job| job.running == 4).await;
    assert_eq!(host.ids("front", "TASK_KILLED").await, [""; 0]);
    // One that takes long to die is killed again.
    assert!(host.status().await.counters.kills_sent >= 2);
}

/// A policy's own task that is no task: Mesos says so, and nothing stays behind.
async fn invalid(cluster: &Cluster) {
    let config = "{ errand = \"invalid\" }";
    let host = Host::start(&cluster.address(), "errands", "web", config).await;
    let reason = until("the task has ended with an error", async || {
        let tasks = host.tasks().await;
        match tasks
            .iter()
            .find(|task| task.id == "nothing" && task.state == "TASK_ERROR")
        {
            Some(task) => Ok(task.reason.clone()),
            None => Err(format!("{tasks:?}")),
        }
    })
    .await;
    assert!(reason.contains("CommandInfo or ExecutorInfo"), "{reason}");
    let status = host
        .status_until("nothing lives", |status| status.tasks_live == 0)
        .await;
    assert_eq!(status.counters.tasks_launched, 1, "it is not repeated");
}

async fn volume(cluster: &Cluster) {
    let host = Host::start(
        &cluster.address(),
        "errands",
        "db",
        "{ errand = \"volume\" }",
    )
    .await;
    until("the errand is done", async || {
        let metrics = host
            .admin
            .metrics()
            .await
            .map_err(|error| error.to_string())?;
        let phase = metrics
            .lines()
            .find(|line| line.starts_with("offerd_custom_phase{"));
        let status = host.status().await;
        let failure = &status.policies[0].last_failure;
        assert_eq!(*failure, None, "the policy met trouble");
        match phase {
            Some(line) if line.ends_with(" 4") => Ok(()),
            other => Err(format!("{other:?}, {status:?}")),
        }
    })
    .await;
    let status = host
        .status_until("nothing is held", |status| status.offers_held == 0)
        .await;
    assert_eq!(status.counters.decisions_refused, 0);
    assert_eq!(status.counters.tasks_launched, 3);
}

async fn restart(cluster: &Cluster) {
    let host = Host::start(&cluster.address(), "first-fit", "web", "{}").await;
    host.submit(SERVICE).await;
    host.job_until("front", |job| job.running == 4).await;
    let framework = host.status().await.framework_id;
    let before = host.ids("front", "TASK_RUNNING").await;

    let host = host.restart().await;
    host.job_until("front", |job| job.running == 4).await;
    host.status_until("subscribed", |status| status.subscribed)
        .await;
    assert_eq!(host.status().await.framework_id, framework);
    assert_eq!(
        host.ids("front", "TASK_RUNNING").await,
        before,
        "nobody died"
    );
    // And it is in charge: a killed task is replaced.
    host.admin.kill_task(&before[1]).await.unwrap();
    until("a new task runs", async || {
        let now = host.ids("front", "TASK_RUNNING").await;
        if now.len() == 4 && !now.contains(&before[1]) {
            Ok(())
        } else {
            Err(format!("{now:?}"))
        }
    })
    .await;
    assert_eq!(host.status().await.counters.tasks_launched, 1);
}

#[test]
fn the_policies_of_the_readme_are_built() {
    for name in ["first-fit", "bin-pack", "spread", "priority"] {
        guest(name);
    }
}
