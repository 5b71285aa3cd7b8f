//! Steps of a scenario: what happens, and what must hold then.

use std::collections::{BTreeMap, BTreeSet};

use offerd_core::ids::TaskId;
use offerd_core::machine::Request;
use offerd_core::task::TaskState;

use super::cluster::Cluster;
use super::read::{Scenario, Step};

pub(super) fn take(run: &mut Cluster<'_>, scenario: &Scenario) {
    run.settle();
    for (position, step) in scenario.steps.iter().enumerate() {
        // What a policy does before anything happens belongs to the first step.
        if position > 0 {
            run.begin_step();
        }
        run.offer_again();
        happen(run, step);
        run.settle();
        check(run, step);
        if !run.mistakes.is_empty() {
            for mistake in &mut run.mistakes {
                *mistake = format!("step {}: {mistake}", position + 1);
            }
            // What comes after one that went wrong says little.
            return;
        }
    }
}

fn happen(run: &mut Cluster<'_>, step: &Step) {
    let text = &step.written;
    for (jobs, state) in [
        (&text.finish, TaskState::FINISHED),
        (&text.fail, TaskState::FAILED),
    ] {
        for (job, count) in jobs {
            end(run, job, *count, state);
        }
    }
    for agent in &text.lose {
        if let Some(position) = run.position(agent) {
            run.lose(position);
        }
    }
    for agent in &text.rescind {
        if let Some(position) = run.position(agent) {
            run.rescind(position);
        }
    }
    if text.reconnect {
        run.reconnect();
    }
    if text.restart {
        run.restart();
    }
    for (job, count) in &text.scale {
        run.request(Request::Scale {
            job: job.as_str().into(),
            count: *count,
        });
    }
    for job in &text.kill {
        run.request(Request::KillJob(job.as_str().into()));
    }
    if !step.jobs.is_empty() {
        run.request(Request::Submit(step.jobs.clone()));
    }
    run.settle();
    run.pass(step.pass);
}

/// The oldest tasks of a job end.
fn end(run: &mut Cluster<'_>, job: &str, count: usize, state: TaskState) {
    let tasks: Vec<TaskId> = of_job(run, job).take(count).collect();
    if tasks.len() < count {
        run.mistakes.push(format!(
            "{count} tasks of {job} were to end, and {} live",
            tasks.len()
        ));
    }
    for task in tasks {
        run.update(&task, state);
    }
}

fn of_job<'r>(run: &'r Cluster<'_>, job: &'r str) -> impl Iterator<Item = TaskId> + 'r {
    run.tasks
        .iter()
        .filter(move |(_, task)| task.job == job)
        .map(|(id, _)| id.clone())
}

fn check(run: &mut Cluster<'_>, step: &Step) {
    let expect = &step.written.expect;
    let mut wrong = Vec::new();
    for (job, expected) in &expect.running {
        let count = of_job(run, job).count();
        if count != *expected {
            wrong.push(format!("{count} tasks of {job} run, not {expected}"));
        }
    }
    for (job, expected) in &expect.waiting {
        let count = run.waiting(job);
        if count != *expected {
            wrong.push(format!("{count} tasks of {job} wait, not {expected}"));
        }
    }
    for (job, expected) in &expect.on {
        let found = agents(run, job);
        let names: BTreeSet<&str> = found.keys().copied().collect();
        let wanted: BTreeSet<&str> = expected.iter().map(String::as_str).collect();
        if names != wanted {
            wrong.push(format!(
                "{job} runs on {}, not on {}",
                list(&names),
                list(&wanted)
            ));
        }
    }
    for (job, most) in &expect.per_agent {
        for (agent, count) in agents(run, job) {
            if count > *most {
                wrong.push(format!(
                    "{count} tasks of {job} run on {agent}, more than {most}"
                ));
            }
        }
    }
    for (job, expected) in &expect.killed {
        let count = run
            .since
            .killed
            .iter()
            .filter(|killed| *killed == job)
            .count();
        if count != *expected {
            wrong.push(format!(
                "{count} tasks of {job} were killed, not {expected}"
            ));
        }
    }
    if let Some(most) = expect.at_once.filter(|most| run.since.most_placed > *most) {
        let placed = run.since.most_placed;
        wrong.push(format!(
            "{placed} tasks were placed in one round, more than {most}"
        ));
    }
    if let Some(expected) = &expect.held {
        let held: BTreeSet<&str> = run
            .held()
            .into_iter()
            .map(|at| run.agent_name(at))
            .collect();
        let wanted: BTreeSet<&str> = expected.iter().map(String::as_str).collect();
        if held != wanted {
            wrong.push(format!(
                "offers of {} are held, not of {}",
                list(&held),
                list(&wanted)
            ));
        }
    }
    texts(run, step, &mut wrong);
    run.mistakes.append(&mut wrong);
}

fn texts(run: &Cluster<'_>, step: &Step, wrong: &mut Vec<String>) {
    let expect = &step.written.expect;
    let log = run.log();
    let log = log.get(run.since.log..).unwrap_or_default();
    for text in &expect.reasons {
        if !run.since.reasons.iter().any(|reason| reason.contains(text)) {
            let given: BTreeSet<&str> = run.since.reasons.iter().map(String::as_str).collect();
            wrong.push(format!(
                "no decision gives the reason '{text}'; given are: {}",
                list(&given)
            ));
        }
    }
    for text in &expect.log {
        if !log.iter().any(|line| line.contains(text)) {
            wrong.push(format!("no line of the log says '{text}'"));
        }
    }
    match &expect.error {
        None => wrong.extend(run.since.errors.iter().take(3).cloned()),
        Some(text) if run.since.errors.iter().any(|error| error.contains(text)) => {}
        Some(text) => wrong.push(format!("no error says '{text}'")),
    }
    let refused = run.refused();
    if refused != expect.refused {
        wrong.push(format!(
            "the host refused {refused} decisions, not {}",
            expect.refused
        ));
        wrong.extend(run.since.refusals.iter().take(3).cloned());
    }
}

/// Agents with live tasks of a job, and how many.
fn agents<'r>(run: &'r Cluster<'_>, job: &str) -> BTreeMap<&'r str, usize> {
    let mut found = BTreeMap::new();
    for task in run.tasks.values().filter(|task| task.job == job) {
        *found.entry(run.agent_name(task.agent)).or_insert(0) += 1;
    }
    found
}

fn list(names: &BTreeSet<&str>) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.iter().copied().collect::<Vec<_>>().join(", ")
}
