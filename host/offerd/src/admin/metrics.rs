//! `GET /v1/metrics`: Prometheus's text format.

use std::fmt::Write as _;

use offerd_policy::{Metric, MetricsSnapshot};

use super::api::Status;

/// Everything that is shown, at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) status: Status,
    pub(crate) policies: Vec<PolicyNumbers>,
    pub(crate) jobs: usize,
}

/// A policy's own numbers.
#[derive(Debug)]
pub(crate) struct PolicyNumbers {
    pub(crate) policy: String,
    pub(crate) own: MetricsSnapshot,
}

pub(crate) fn render(snapshot: &Snapshot) -> String {
    let Snapshot {
        status,
        policies,
        jobs,
    } = snapshot;
    let mut page = Page::default();
    let counters = &status.counters;
    for (name, help, value) in [
        (
            "offers_received",
            "Offers received.",
            counters.offers_received,
        ),
        (
            "offers_accepted",
            "Offers used in an ACCEPT.",
            counters.offers_accepted,
        ),
        (
            "offers_declined",
            "Offers declined.",
            counters.offers_declined,
        ),
        (
            "offers_rescinded",
            "Offers taken back by the master.",
            counters.offers_rescinded,
        ),
        (
            "offers_lease_ended",
            "Offers declined since their policy did not answer in time.",
            counters.offers_lease_ended,
        ),
        ("tasks_launched", "Tasks launched.", counters.tasks_launched),
        (
            "updates_received",
            "Status updates received.",
            counters.updates_received,
        ),
        (
            "updates_acknowledged",
            "Status updates acknowledged.",
            counters.updates_acknowledged,
        ),
        (
            "decisions_refused",
            "Decisions of policies that the host refused.",
            counters.decisions_refused,
        ),
        ("kills_sent", "KILL calls sent.", counters.kills_sent),
        (
            "unknown_events",
            "Events of a type that this version does not know.",
            counters.unknown_events,
        ),
        ("sessions", "Subscriptions made.", counters.sessions),
    ] {
        page.head(&format!("offerd_{name}_total"), help, "counter");
        page.line(&format!("offerd_{name}_total"), &[], value as f64);
    }
    for (name, help, value) in [
        (
            "subscribed",
            "1 while subscribed.",
            f64::from(u8::from(status.subscribed)),
        ),
        (
            "recording",
            "1 while what happens is recorded.",
            f64::from(u8::from(status.recording == Some(true))),
        ),
        (
            "offers_held",
            "Offers that wait for a decision.",
            status.offers_held as f64,
        ),
        (
            "tasks_waiting",
            "Tasks that wait for a place.",
            f64::from(status.tasks_waiting),
        ),
        (
            "tasks_live",
            "Tasks that run or are being launched.",
            status.tasks_live as f64,
        ),
        (
            "jobs",
            "Jobs in the lists, ended ones included.",
            *jobs as f64,
        ),
        ("uptime_seconds", "Time since the start.", status.uptime),
    ] {
        page.head(&format!("offerd_{name}"), help, "gauge");
        page.line(&format!("offerd_{name}"), &[], value);
    }
    for (name, help, kind, value) in policy_columns() {
        page.head(name, help, kind);
        for policy in &status.policies {
            page.line(name, &[("policy", &policy.name)], value(policy));
        }
    }
    own(&mut page, policies);
    page.text
}

type Column = (
    &'static str,
    &'static str,
    &'static str,
    fn(&super::api::PolicyStatus) -> f64,
);

fn policy_columns() -> [Column; 12] {
    [
        (
            "offerd_policy_rounds_total",
            "Calls of the policy.",
            "counter",
            |policy| f64::from(policy.rounds),
        ),
        (
            "offerd_policy_restarts_total",
            "Instances that were ended and made anew.",
            "counter",
            |policy| policy.restarts as f64,
        ),
        (
            "offerd_policy_busy_seconds_total",
            "Time spent in the policy.",
            "counter",
            |policy| policy.busy,
        ),
        (
            "offerd_policy_memory_bytes",
            "Linear memory of the policy.",
            "gauge",
            |policy| policy.memory as f64,
        ),
        (
            "offerd_policy_starting",
            "1 until the first code of a policy is ready.",
            "gauge",
            |policy| f64::from(u8::from(policy.state == "starting")),
        ),
        (
            "offerd_policy_fallback",
            "1 while the host's own code decides because the policy cannot.",
            "gauge",
            |policy| f64::from(u8::from(policy.state == "fallback")),
        ),
        (
            "offerd_policy_on_trial",
            "1 while a version that took over is watched closely.",
            "gauge",
            |policy| f64::from(u8::from(policy.state == "trial")),
        ),
        (
            "offerd_policy_strikes",
            "Strikes that count.",
            "gauge",
            |policy| f64::from(policy.strikes),
        ),
        (
            "offerd_policy_switches_total",
            "Times that other code took over.",
            "counter",
            |policy| policy.took_over as f64,
        ),
        (
            "offerd_policy_judged_total",
            "Roll-backs and fallbacks that the supervisor wanted.",
            "counter",
            |policy| policy.judged as f64,
        ),
        (
            "offerd_policy_decisions_total",
            "Decisions of the policy.",
            "counter",
            |policy| policy.numbers.decisions as f64,
        ),
        (
            "offerd_policy_refused_total",
            "Decisions that the host refused.",
            "counter",
            |policy| policy.numbers.refused as f64,
        ),
    ]
}

/// What policies count themselves: one name of the page each, the policy as a
/// label.
fn own(page: &mut Page, policies: &[PolicyNumbers]) {
    let mut names: Vec<&str> = policies
        .iter()
        .flat_map(|policy| policy.own.values.iter())
        .map(|(name, _)| name.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let full = format!("offerd_custom_{name}");
        let mut headed = false;
        for policy in policies {
            let Some((_, metric)) = policy.own.values.iter().find(|(other, _)| other == name)
            else {
                continue;
            };
            let (kind, value) = match metric {
                Metric::Counter(value) => ("counter", *value),
                Metric::Gauge(value) => ("gauge", *value),
            };
            if !headed {
                page.head(&full, "Of the policy itself.", kind);
                headed = true;
            }
            page.line(&full, &[("policy", &policy.policy)], value);
        }
    }
    page.head(
        "offerd_custom_dropped_total",
        "Uses of the metrics interface that were dropped.",
        "counter",
    );
    for policy in policies {
        page.line(
            "offerd_custom_dropped_total",
            &[("policy", &policy.policy)],
            policy.own.dropped as f64,
        );
    }
}

#[derive(Debug, Default)]
struct Page {
    text: String,
}

impl Page {
    fn head(&mut self, name: &str, help: &str, kind: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.text.push_str(name);
        if !labels.is_empty() {
            let labels: Vec<String> = labels
                .iter()
                .map(|(key, value)| format!("{key}=\"{}\"", escape(value)))
                .collect();
            let _ = write!(self.text, "{{{}}}", labels.join(","));
        }
        let _ = writeln!(self.text, " {value}");
    }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
