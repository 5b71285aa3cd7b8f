//! ACCEPT with operations: all of it is checked against what the offers have
//! before anything is done.

use std::sync::Arc;

use crate::call::{Call, Operation, WrittenTask};
use crate::ids::{JobHandle, OfferHandle, OperationId, PolicyHandle, ProviderId, SetHandle};
use crate::offer::Offer;
use crate::policy::{DecisionKind, Encoded, Millis, WantedOperation};
use crate::resource::{Amounts, Pool, Resource};
use crate::task::{TaskDetails, TaskState};

use super::answers::{Checking, Decision};
use super::executors::Owner;
use super::ledger::{Record, TaskRecord};
use super::queue::WaitingTask;
use super::recent::Fate;
use super::tasks::Task;
use super::{CallId, Machine};

impl Machine {
    pub(super) fn accept_operations(
        &mut self,
        checking: &mut Checking,
        handles: &[OfferHandle],
        wanted: &[WantedOperation],
        refuse: Millis,
        reason: Option<Arc<str>>,
    ) -> Result<(), String> {
        let mut offers = Vec::new();
        for (position, handle) in handles.iter().enumerate() {
            if handles.iter().take(position).any(|other| other == handle) {
                return Err(format!("offer {handle} is named twice"));
            }
            if let Some(kind) = checking.used.get(handle) {
                return Err(format!(
                    "offer {handle} is used by a {} of the same answer",
                    kind.as_str()
                ));
            }
            offers.push(self.offer_for(checking.policy, *handle)?);
        }
        let Some(first) = offers.first().cloned() else {
            return Err("an accept names at least one offer".to_owned());
        };
        // R24: one bad offer spoils the call.
        if offers
            .iter()
            .any(|offer| offer.agent != first.agent || offer.role != first.role)
        {
            return Err("all offers of an accept must be of one agent and one role".to_owned());
        }
        let mut pool = Pool::default();
        for offer in &offers {
            pool.extend(offer.info.resources.iter().cloned());
        }
        let mut plan = Plan {
            pool,
            operations: Vec::new(),
            places: Vec::new(),
            ids: Vec::new(),
        };
        let planned = wanted
            .iter()
            .enumerate()
            .try_for_each(|(position, operation)| {
                self.plan(checking, &first, operation, &mut plan)
                    .map_err(|why| format!("operation {position}: {why}"))
            });
        if let Err(why) = planned {
            self.unplan(checking, plan);
            return Err(why);
        }
        let Some(session) = self.session else {
            return Ok(());
        };
        let call = CallId(self.next_call);
        for handle in handles {
            checking.used.insert(*handle, DecisionKind::Action);
            let (policy, round) = (checking.policy, checking.round);
            let left = Amounts::usable(plan.pool.items());
            let fate = Fate::Accepted {
                policy,
                round,
                left,
                reason: reason.clone(),
            };
            self.remember(*handle, fate);
            self.take_offer(*handle);
        }
        let by = || Decision {
            policy: checking.policy,
            round: checking.round,
            reason: reason.clone(),
        };
        let mut operations = plan.operations;
        for (at, job, task, resources) in plan.places {
            let launched = self.launch(job, task, &first, resources, by(), (session, call));
            if let (Some(Operation::Launch(tasks)), Some(task)) = (operations.get_mut(at), launched)
            {
                tasks.push(task);
            }
        }
        for operation in &operations {
            match operation {
                Operation::LaunchWritten(tasks) | Operation::LaunchGroup { tasks, .. } => {
                    for task in tasks {
                        self.book_written(task, &first, by(), (session, call));
                    }
                }
                _ => {}
            }
        }
        self.counters.offers_accepted += offers.len() as u64;
        let refuse = refuse
            .seconds()
            .unwrap_or_else(|| self.refuse_choice(first.role));
        let offers = offers.iter().map(|offer| offer.info.id.clone()).collect();
        self.send(Call::Accept {
            offers,
            operations,
            refuse,
        });
        Ok(())
    }

    /// Checks one operation and takes what it needs from the pool.
    fn plan(
        &mut self,
        checking: &mut Checking,
        offer: &Offer,
        wanted: &WantedOperation,
        plan: &mut Plan,
    ) -> Result<(), String> {
        let of_role = |resources: &[Resource]| -> Vec<Resource> {
            resources
                .iter()
                .map(|r| Resource {
                    allocation: Some(offer.info.role.clone()),
                    ..r.clone()
                })
                .collect()
        };
        let one = |resource: &Resource| Resource {
            allocation: Some(offer.info.role.clone()),
            ..resource.clone()
        };
        let agent = &offer.info.agent.id;
        let mut id = |machine: &mut Self, id: &Option<String>, provider: Option<ProviderId>| {
            id.as_deref()
                .map(|id| {
                    let id = machine.new_operation(offer.role, id, agent, provider)?;
                    plan.ids.push(id.clone());
                    Ok::<_, String>(id)
                })
                .transpose()
        };
        let provider = |resources: &[Resource]| resources.first().and_then(|r| r.provider.clone());
        let operation = match wanted {
            WantedOperation::Place { set, count } => {
                let planned = self.plan_place(checking, offer, *set, *count, plan);
                return planned.inspect_err(|why| {
                    self.note_refused(set.job(), checking.policy, checking.round, why);
                });
            }
            WantedOperation::Launch(tasks) => {
                let tasks = self.written(checking.policy, tasks, offer, plan)?;
                plan.operations.push(Operation::LaunchWritten(tasks));
                return Ok(());
            }
            WantedOperation::LaunchGroup { executor, tasks } => {
                let framework = self
                    .framework_id
                    .clone()
                    .ok_or("there is no framework id")?;
                let executor = self
                    .codec
                    .executor(executor, &framework, &offer.info.role)
                    .map_err(|why| format!("executor: {why}"))?;
                self.may_use_executor(checking.policy, offer.agent, &executor.id)?;
                plan.pool
                    .take(&executor.resources)
                    .map_err(|e| e.to_string())?;
                let mut tasks = self.written(checking.policy, tasks, offer, plan)?;
                for task in &mut tasks {
                    task.executor_id = Some(executor.id.clone());
                }
                plan.operations
                    .push(Operation::LaunchGroup { executor, tasks });
                return Ok(());
            }
            WantedOperation::Reserve {
                id: name,
                source,
                resources,
            } => Operation::Reserve {
                id: id(self, name, provider(resources))?,
                source: of_role(source),
                resources: of_role(resources),
            },
            WantedOperation::Unreserve {
                id: name,
                resources,
            } => Operation::Unreserve {
                id: id(self, name, provider(resources))?,
                resources: of_role(resources),
            },
            WantedOperation::Create {
                id: name,
                resources,
            } => Operation::Create {
                id: id(self, name, provider(resources))?,
                volumes: of_role(resources),
            },
            WantedOperation::Destroy {
                id: name,
                resources,
            } => Operation::Destroy {
                id: id(self, name, provider(resources))?,
                volumes: of_role(resources),
            },
            WantedOperation::GrowVolume {
                id: name,
                volume,
                addition,
            } => Operation::GrowVolume {
                id: id(self, name, volume.provider.clone())?,
                volume: one(volume),
                addition: one(addition),
            },
            WantedOperation::ShrinkVolume {
                id: name,
                volume,
                subtract,
            } => Operation::ShrinkVolume {
                id: id(self, name, volume.provider.clone())?,
                volume: one(volume),
                subtract: *subtract,
            },
            WantedOperation::CreateDisk {
                id: name,
                source,
                target,
                target_profile,
            } => Operation::CreateDisk {
                id: id(self, name, source.provider.clone())?,
                source: one(source),
                target: *target,
                target_profile: target_profile.clone(),
            },
            WantedOperation::DestroyDisk { id: name, source } => Operation::DestroyDisk {
                id: id(self, name, source.provider.clone())?,
                source: one(source),
            },
        };
        plan.pool
            .convert(&operation)
            .map_err(|shortage| shortage.to_string())?;
        plan.operations.push(operation);
        Ok(())
    }

    fn plan_place(
        &mut self,
        checking: &mut Checking,
        offer: &Offer,
        set: SetHandle,
        count: u32,
        plan: &mut Plan,
    ) -> Result<(), String> {
        let handle = self.job_for(set, offer)?;
        let side = self.side_of_policy(checking.policy);
        let at = plan.operations.len();
        for _ in 0..count {
            let (task, resources) =
                self.take_waiting(checking, handle, side, offer, &mut plan.pool)?;
            plan.places.push((at, handle, task, resources));
        }
        plan.operations.push(Operation::Launch(Vec::new()));
        Ok(())
    }

    fn written(
        &self,
        policy: PolicyHandle,
        tasks: &[Encoded],
        offer: &Offer,
        plan: &mut Plan,
    ) -> Result<Vec<WrittenTask>, String> {
        let mut written: Vec<WrittenTask> = Vec::new();
        for (position, task) in tasks.iter().enumerate() {
            let task = self
                .codec
                .task(task, &offer.info.agent.id, &offer.info.role)
                .map_err(|why| format!("task {position}: {why}"))?;
            let twice = written.iter().any(|other| other.id == task.id)
                || plan.has_task(&task.id)
                || self.tasks.find(&task.id).is_some();
            if twice {
                return Err(format!("task {position}: the id {} is in use", task.id));
            }
            if let Some(executor) = &task.executor_id {
                self.may_use_executor(policy, offer.agent, executor)
                    .map_err(|why| format!("task {position}: {why}"))?;
            }
            plan.pool
                .take(&task.resources)
                .and_then(|()| plan.pool.take(&task.executor_resources))
                .map_err(|shortage| format!("task {}: {shortage}", task.id))?;
            written.push(task);
        }
        Ok(written)
    }

    /// A plan came to nothing: what it took goes back.
    fn unplan(&mut self, checking: &mut Checking, plan: Plan) {
        for (_, job, task, _) in plan.places.into_iter().rev() {
            checking.spreads.remove(&job);
            if let Some(job) = self.jobs.get_mut(job) {
                job.waiting.put_back(task);
            }
        }
        for id in plan.ids {
            self.operations.remove(&id);
        }
    }

    fn book_written(
        &mut self,
        written: &WrittenTask,
        offer: &Offer,
        by: Decision,
        launch: (super::Session, CallId),
    ) {
        let placed = self.placed(&by, offer);
        let reason = by.reason;
        let handle = self.tasks.next_handle();
        if let Some(executor) = &written.executor_id {
            let owner = Owner {
                role: offer.role,
                launched_by: Some(by.policy),
            };
            self.executors.note(offer.agent, executor.clone(), owner);
        }
        let record = TaskRecord {
            id: written.id.clone(),
            job: None,
            role: offer.info.role.clone(),
            agent: offer.info.agent.id.clone(),
            needs: Amounts::usable(&written.resources),
            state: TaskState::STAGING,
            attempt: 0,
            launched: self.now,
            killing: None,
            killed: None,
            replaced: false,
            quarantined: false,
            reason: reason.clone(),
            placed,
        };
        self.persist(Record::Task(record.clone()));
        let details = TaskDetails {
            executor: written.executor_id.as_ref().map(ToString::to_string),
            launched_because: reason,
            resources: Arc::new(written.resources.clone()),
            ..TaskDetails::of(written.id.clone(), written.name.as_str().into())
        };
        self.tasks.insert(Task {
            launch: Some(launch),
            launched_by: Some(by.policy),
            ..Task::new(handle, record, details, offer.agent, offer.role)
        });
        self.counters.tasks_launched += 1;
        self.task_changed(handle);
    }
}

/// An ACCEPT being checked.
struct Plan {
    pool: Pool,
    operations: Vec<Operation>,
    /// Waiting tasks with the position of their LAUNCH in `operations`.
    places: Vec<(usize, JobHandle, WaitingTask, Vec<Resource>)>,
    /// Operation ids that were entered.
    ids: Vec<OperationId>,
}

impl Plan {
    fn has_task(&self, id: &crate::ids::TaskId) -> bool {
        self.operations.iter().any(|operation| match operation {
            Operation::LaunchWritten(tasks) | Operation::LaunchGroup { tasks, .. } => {
                tasks.iter().any(|task| task.id == *id)
            }
            _ => false,
        })
    }
}
