//! Takes out of a recording what may be secret: command lines, arguments, values
//! of the environment and URIs, in jobs and in tasks that policies wrote; what
//! policies sent to executors and logged before they were stopped; and the values
//! of such keys in their configurations.
//!
//! Entries, actions and operations are all named here, with their fields: of a new
//! one somebody has to think, or this does not compile. What decides must see what
//! it saw, or nothing could be compared; so messages of the master and of
//! executors, reasons, labels and states of policies stay.

use std::borrow::Cow;

use offerd_core::machine::{Machine, Request};
use offerd_core::policy::{Action, Answer, Codec, Encoded, Failure, WantedOperation};
use serde_json::Value;

use crate::entry::{Code, Entry, PolicySetup, Recorded, Start};
use crate::start::MachineError;

/// Stands where something was.
const REDACTED: &str = "redacted";

/// Keys of a configuration whose values go, in lower case: those of job files and
/// of Mesos's messages, and what secrets are called.
const SECRET_KEYS: [&str; 13] = [
    "command",
    "arguments",
    "args",
    "env",
    "environment",
    "uri",
    "uris",
    "data",
    "secret",
    "secrets",
    "password",
    "token",
    "credentials",
];

/// Goes through one recording, from its start on.
pub(crate) struct Redactor<'a> {
    codec: &'a dyn Codec,
    /// For each policy, whether its configuration was changed.
    changed: Vec<bool>,
}

impl<'a> Redactor<'a> {
    pub(crate) fn new(codec: &'a dyn Codec) -> Self {
        Self {
            codec,
            changed: Vec::new(),
        }
    }

    pub(crate) fn entry(&mut self, entry: Entry<'static>) -> Result<Entry<'static>, MachineError> {
        Ok(match entry {
            Entry::Start(start) => Entry::Start(Box::new(self.start(*start)?)),
            Entry::Inputs { now, inputs } => Entry::Inputs {
                now,
                inputs: inputs.into_iter().map(|i| self.input(i)).collect(),
            },
            Entry::Code { policy, code } => {
                let changed = self.changed.get(policy.0 as usize);
                Entry::Code {
                    policy,
                    code: without_state(code, changed == Some(&true)),
                }
            }
            Entry::Policy { policy, setup } => {
                let setup = redact_setup(*setup);
                let place = policy.0 as usize;
                if self.changed.len() <= place {
                    self.changed.resize(place + 1, false);
                }
                if let Some(changed) = self.changed.get_mut(place) {
                    *changed = setup.redacted;
                }
                Entry::Policy {
                    policy,
                    setup: Box::new(setup),
                }
            }
            Entry::Saved { policy, ended } => Entry::Saved { policy, ended },
        })
    }

    fn start(&mut self, start: Start) -> Result<Start, MachineError> {
        let mut machine: Machine = start.machine()?;
        machine.redact();
        let Start {
            version: _,
            redacted: _,
            now,
            machine: _,
            policies,
        } = start;
        let policies: Vec<PolicySetup> = policies.into_iter().map(redact_setup).collect();
        self.changed = policies.iter().map(|setup| setup.redacted).collect();
        let start = Start::new(now, &machine, policies)?;
        Ok(Start {
            redacted: true,
            ..start
        })
    }

    fn input(&self, input: Recorded<'static>) -> Recorded<'static> {
        match input {
            Recorded::Answered {
                policy,
                round,
                result,
            } => Recorded::Answered {
                policy,
                round,
                result: Cow::Owned(redacted_result(&result, self.codec)),
            },
            Recorded::Operator { ticket, request } => Recorded::Operator {
                ticket,
                request: Cow::Owned(redact_request(request.into_owned())),
            },
            // Nothing of a job or of a policy's own is in these.
            Recorded::Event { .. }
            | Recorded::Disconnected { .. }
            | Recorded::CallFailed { .. }
            | Recorded::Policy { .. }
            | Recorded::Tick
            | Recorded::Version { .. }
            | Recorded::Policies(_)
            | Recorded::Canary { .. } => input,
        }
    }
}

fn redact_request(request: Request) -> Request {
    match request {
        Request::Submit(jobs) => Request::Submit(jobs.iter().map(|j| j.redacted()).collect()),
        Request::Scale { .. } | Request::KillJob(_) | Request::KillTask(_) => request,
    }
}

fn redact_setup(setup: PolicySetup) -> PolicySetup {
    let PolicySetup {
        name,
        config,
        roles,
        framework_id,
        framework,
        user,
        deadline,
        memory,
        offer_lease,
        offers_per_round,
        waiting_per_round,
        log_levels,
        seed,
        now,
        redacted,
        code,
    } = setup;
    let without = redacted_config(&config);
    let redacted = redacted || without != config;
    PolicySetup {
        name,
        config: without,
        roles,
        framework_id,
        framework,
        user,
        deadline,
        memory,
        offer_lease,
        offers_per_round,
        waiting_per_round,
        log_levels,
        seed,
        now,
        redacted,
        code: without_state(code, redacted),
    }
}

/// The state of a policy goes with its configuration, which may be in there.
fn without_state(code: Code, redacted: bool) -> Code {
    let Code {
        digest,
        fallback,
        instance,
        state,
    } = code;
    Code {
        digest,
        fallback,
        instance,
        state: state.filter(|_| !redacted),
    }
}

/// A configuration without the values of [`SECRET_KEYS`], wherever they stand; as
/// it is if it has none.
fn redacted_config(config: &str) -> String {
    let Ok(mut value) = serde_json::from_str::<Value>(config) else {
        return REDACTED.to_owned();
    };
    if redact_value(&mut value) {
        value.to_string()
    } else {
        config.to_owned()
    }
}

/// Whether there was something to take out.
fn redact_value(value: &mut Value) -> bool {
    let mut found = false;
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if SECRET_KEYS.contains(&key.to_lowercase().as_str()) {
                    *value = Value::from(REDACTED);
                    found = true;
                } else {
                    found |= redact_value(value);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                found |= redact_value(item);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    found
}

/// What a policy answered, as it stands in a redacted recording: who decides again
/// has to compare this.
pub fn redacted_result(
    result: &Result<Answer, Failure>,
    codec: &dyn Codec,
) -> Result<Answer, Failure> {
    let Answer {
        placements,
        declines,
        kills,
        actions,
        rest,
        leftover,
        reasons,
    } = match result {
        Ok(answer) => answer.clone(),
        Err(failure) => return Err(failure.redacted()),
    };
    Ok(Answer {
        placements,
        declines,
        kills,
        actions: actions
            .into_iter()
            .map(|(action, reason)| (redact_action(action, codec), reason))
            .collect(),
        rest,
        leftover,
        reasons,
    })
}

fn redact_action(action: Action, codec: &dyn Codec) -> Action {
    match action {
        Action::Accept {
            offers,
            operations,
            refuse,
        } => Action::Accept {
            offers,
            operations: operations
                .into_iter()
                .map(|operation| redact_operation(operation, codec))
                .collect(),
            refuse,
        },
        Action::Message {
            agent,
            executor,
            data: _,
        } => Action::Message {
            agent,
            executor,
            data: Vec::new(),
        },
        Action::UpdateFramework {
            framework,
            constraints,
        } => {
            let (framework, constraints) =
                codec.bare_update(framework.as_ref(), constraints.as_ref());
            Action::UpdateFramework {
                framework,
                constraints,
            }
        }
        Action::Revive(_)
        | Action::Suppress(_)
        | Action::Shutdown { .. }
        | Action::Request(_)
        | Action::Reconcile(_)
        | Action::ReconcileOperations(_)
        | Action::AcceptInverseOffers { .. }
        | Action::DeclineInverseOffers { .. }
        | Action::Timer { .. }
        | Action::Malformed { .. } => action,
    }
}

fn redact_operation(operation: WantedOperation, codec: &dyn Codec) -> WantedOperation {
    let bare = |tasks: Vec<Encoded>| tasks.iter().map(|task| codec.bare_task(task)).collect();
    match operation {
        WantedOperation::Launch(tasks) => WantedOperation::Launch(bare(tasks)),
        WantedOperation::LaunchGroup { executor, tasks } => WantedOperation::LaunchGroup {
            executor: codec.bare_executor(&executor),
            tasks: bare(tasks),
        },
        WantedOperation::Place { .. }
        | WantedOperation::Reserve { .. }
        | WantedOperation::Unreserve { .. }
        | WantedOperation::Create { .. }
        | WantedOperation::Destroy { .. }
        | WantedOperation::GrowVolume { .. }
        | WantedOperation::ShrinkVolume { .. }
        | WantedOperation::CreateDisk { .. }
        | WantedOperation::DestroyDisk { .. } => operation,
    }
}

#[cfg(test)]
mod tests {
    use offerd_core::ids::AgentHandle;
    use offerd_core::policy::{Millis, NoCodec};

    use super::*;

    #[test]
    fn what_policies_wrote_sent_and_logged_goes() {
        let secret = || Encoded::Json("s3cret".to_owned());
        let actions = [
            Action::Accept {
                offers: Vec::new(),
                operations: vec![
                    WantedOperation::Launch(vec![secret()]),
                    WantedOperation::LaunchGroup {
                        executor: secret(),
                        tasks: vec![secret()],
                    },
                ],
                refuse: Millis::HOSTS_CHOICE,
            },
            Action::Message {
                agent: AgentHandle(1),
                executor: "e".to_owned(),
                data: b"s3cret".to_vec(),
            },
            Action::UpdateFramework {
                framework: Some(secret()),
                constraints: Some(secret()),
            },
        ];
        let answer = Answer {
            actions: actions.map(|action| (action, 0)).to_vec(),
            reasons: vec!["room".to_owned()],
            ..Answer::default()
        };
        let trap = "decide aborted\nits last log lines:\n  s3cret".to_owned();
        for result in [Ok(answer), Err(Failure::Trap(trap))] {
            let redacted = redacted_result(&result, &NoCodec);
            let bytes = postcard::to_allocvec(&redacted).unwrap();
            assert!(!bytes.windows(6).any(|part| part == b"s3cret"));
            assert_eq!(redacted_result(&redacted, &NoCodec), redacted);
            match redacted {
                Ok(answer) => assert_eq!((answer.actions.len(), answer.reasons.len()), (3, 1)),
                Err(failure) => {
                    assert_eq!(failure, Failure::Trap("decide aborted".to_owned()));
                }
            }
        }
    }

    #[test]
    fn configurations_lose_the_values_of_secret_keys_and_nothing_else() {
        let plain = r#"{ "attribute" : "rack" }"#;
        assert_eq!(redacted_config(plain), plain, "to the byte");
        let config = r#"{"tasks":[{"command":"rm x","ENV":{"A":"b"},"cpus":1}],"token":7}"#;
        let value: Value = serde_json::from_str(&redacted_config(config)).unwrap();
        let wanted = serde_json::json!({
            "tasks": [{ "command": "redacted", "ENV": "redacted", "cpus": 1 }],
            "token": "redacted",
        });
        assert_eq!(value, wanted);
        assert_eq!(redacted_config("no JSON"), "redacted");
    }
}
