//! The answer to a round, as a policy builds it: decisions, each with a reason
//! if the policy gives one. Checks nothing: the host does, and
//! [`crate::testing::violations`] in tests.

mod accept;
mod reasons;

use std::time::Duration;

pub use accept::Accepted;
use reasons::Reasons;

use crate::clock::millis;
use crate::handles::{
    AgentHandle, InverseOfferHandle, OfferHandle, RoleHandle, SetHandle, TaskHandle,
};
use crate::types::{
    self, Action, Decline, DeclineRest, Executor, ExecutorMessage, FrameworkUpdate, InverseAnswer,
    Kill, OperationQuery, Placement, ReasonedAction, ResourceRequest, Timer,
};

/// Stands for "the host's own choice" in durations of the contract.
const HOSTS_CHOICE: f64 = -1.0;

/// Decisions of one round.
///
/// The host carries them out in this order: kills, placements, declines,
/// actions, and `decline_rest` last.
#[derive(Debug)]
pub struct Answer {
    answer: types::Answer,
    reasons: Reasons,
}

impl Default for Answer {
    fn default() -> Self {
        Self::new()
    }
}

impl Answer {
    /// No decision: everything stays as it is.
    pub fn new() -> Self {
        Self {
            answer: types::Answer {
                placements: Vec::new(),
                declines: Vec::new(),
                kills: Vec::new(),
                actions: Vec::new(),
                rest: None,
                leftover: HOSTS_CHOICE,
                reasons: Vec::new(),
            },
            reasons: Reasons::default(),
        }
    }

    /// Launches `count` tasks of a waiting set on an offer.
    pub fn place(
        &mut self,
        offer: impl Into<OfferHandle>,
        set: impl Into<SetHandle>,
        count: u32,
    ) -> Placed<'_> {
        self.answer.placements.push(Placement {
            offer: offer.into().0,
            set: set.into().0,
            count,
            reason: 0,
        });
        Placed { out: self }
    }

    /// Declines an offer, for as long as the host chooses.
    pub fn decline(&mut self, offer: impl Into<OfferHandle>) -> Declined<'_> {
        self.answer.declines.push(Decline {
            offer: offer.into().0,
            refuse: HOSTS_CHOICE,
            reason: 0,
        });
        Declined { out: self }
    }

    /// Declines each offer of the round that no other decision names.
    pub fn decline_rest(&mut self) -> DeclinedRest<'_> {
        self.answer.rest = Some(DeclineRest {
            refuse: HOSTS_CHOICE,
            reason: 0,
        });
        DeclinedRest { out: self }
    }

    /// Kills a task, with the grace period of its own kill policy.
    pub fn kill(&mut self, task: impl Into<TaskHandle>) -> Killed<'_> {
        self.answer.kills.push(Kill {
            task: task.into().0,
            grace: HOSTS_CHOICE,
            reason: 0,
        });
        Killed { out: self }
    }

    /// Accepts offers with operations of any kind: reservations, volumes, tasks
    /// and task groups that the policy wrote. All offers must be of one agent
    /// and one role.
    ///
    /// ```
    /// # use offerd_sdk::prelude::*;
    /// # fn example(out: &mut Answer, offer: &Offer) {
    /// let disk = MesosResource::scalar("disk", 64.0).reserved_for("db", None);
    /// out.accept(offer)
    ///     .reserve([disk.clone()])
    ///     .create([disk.persistent("db-1", "data")])
    ///     .with_id("create-db-1")
    ///     .because("the database needs a volume that stays");
    /// # }
    /// ```
    pub fn accept(&mut self, offer: impl Into<OfferHandle>) -> Accepted<'_> {
        self.accept_all([offer.into()])
    }

    /// As [`Self::accept`], with several offers taken together.
    pub fn accept_all(
        &mut self,
        offers: impl IntoIterator<Item = impl Into<OfferHandle>>,
    ) -> Accepted<'_> {
        self.act(Action::Accept(types::Accept {
            offers: offers.into_iter().map(|offer| offer.into().0).collect(),
            operations: Vec::new(),
            refuse: HOSTS_CHOICE,
        }));
        Accepted { out: self }
    }

    /// For how long Mesos shall not offer again what placements leave over.
    /// The host's choice if never called.
    pub fn leftover_for(&mut self, refuse: Duration) {
        self.answer.leftover = millis(refuse);
    }

    /// Asks for offers of these roles even if no task waits, until
    /// [`Self::suppress`].
    pub fn revive(&mut self, roles: impl IntoIterator<Item = impl Into<RoleHandle>>) -> Acted<'_> {
        self.act(Action::Revive(
            roles.into_iter().map(|role| role.into().0).collect(),
        ))
    }

    /// No offers for these roles beyond what the host needs for its own waiting
    /// tasks.
    pub fn suppress(
        &mut self,
        roles: impl IntoIterator<Item = impl Into<RoleHandle>>,
    ) -> Acted<'_> {
        self.act(Action::Suppress(
            roles.into_iter().map(|role| role.into().0).collect(),
        ))
    }

    /// Ends an executor with all its tasks.
    pub fn shutdown(&mut self, agent: impl Into<AgentHandle>, executor_id: &str) -> Acted<'_> {
        self.act(Action::Shutdown(Executor {
            agent: agent.into().0,
            executor_id: executor_id.to_owned(),
        }))
    }

    /// Sends bytes to an executor. Mesos may lose them.
    pub fn message(
        &mut self,
        agent: impl Into<AgentHandle>,
        executor_id: &str,
        data: Vec<u8>,
    ) -> Acted<'_> {
        self.act(Action::Message(ExecutorMessage {
            agent: agent.into().0,
            executor_id: executor_id.to_owned(),
            data,
        }))
    }

    /// A hint to the allocator, which Mesos's own ignores.
    pub fn request(&mut self, requests: Vec<ResourceRequest>) -> Acted<'_> {
        self.act(Action::Request(requests))
    }

    /// Asks Mesos for the states of these tasks; of all if there are none.
    pub fn reconcile(
        &mut self,
        tasks: impl IntoIterator<Item = impl Into<TaskHandle>>,
    ) -> Acted<'_> {
        self.act(Action::Reconcile(
            tasks.into_iter().map(|task| task.into().0).collect(),
        ))
    }

    /// Asks Mesos for the states of operations.
    pub fn reconcile_operations(&mut self, queries: Vec<OperationQuery>) -> Acted<'_> {
        self.act(Action::ReconcileOperations(queries))
    }

    /// Agrees to give back what inverse offers ask for.
    pub fn accept_inverse(
        &mut self,
        offers: impl IntoIterator<Item = impl Into<InverseOfferHandle>>,
    ) -> Acted<'_> {
        self.act(Action::AcceptInverseOffers(inverse_answer(offers)))
    }

    /// Says that what inverse offers ask for will not be given back in time.
    pub fn decline_inverse(
        &mut self,
        offers: impl IntoIterator<Item = impl Into<InverseOfferHandle>>,
    ) -> Acted<'_> {
        self.act(Action::DeclineInverseOffers(inverse_answer(offers)))
    }

    /// Replaces parts of what the host tells the master of the framework.
    pub fn update_framework(&mut self, update: FrameworkUpdate) -> Acted<'_> {
        self.act(Action::UpdateFramework(update))
    }

    /// Asks for a `timer` event with this number after that time. Replaces an
    /// older timer of the same number.
    pub fn timer(&mut self, number: u32, after: Duration) -> Acted<'_> {
        self.act(Action::Timer(Timer {
            number,
            after: millis(after),
        }))
    }

    /// Cancels a timer.
    pub fn cancel_timer(&mut self, number: u32) -> Acted<'_> {
        self.act(Action::Timer(Timer {
            number,
            after: HOSTS_CHOICE,
        }))
    }

    /// Any action of the contract.
    pub fn act(&mut self, action: Action) -> Acted<'_> {
        self.answer
            .actions
            .push(ReasonedAction { action, reason: 0 });
        Acted { out: self }
    }

    /// The decisions so far, without the texts of their reasons.
    pub fn so_far(&self) -> &types::Answer {
        &self.answer
    }

    /// The contract's form.
    pub fn into_types(self) -> types::Answer {
        types::Answer {
            reasons: self.reasons.into_texts(),
            ..self.answer
        }
    }
}

fn inverse_answer(
    offers: impl IntoIterator<Item = impl Into<InverseOfferHandle>>,
) -> InverseAnswer {
    InverseAnswer {
        inverse_offers: offers.into_iter().map(|offer| offer.into().0).collect(),
        refuse: HOSTS_CHOICE,
    }
}

macro_rules! decided {
    ($($(#[$doc:meta])* $name:ident: $last:ident;)+) => {
        $($(#[$doc])*
        #[derive(Debug)]
        pub struct $name<'a> {
            out: &'a mut Answer,
        }

        impl $name<'_> {
            /// Says why. The same sentence for many decisions is kept once.
            pub fn because(self, reason: impl AsRef<str>) -> Self {
                let reason = self.out.reasons.index(reason.as_ref());
                if let Some(decision) = self.out.$last() {
                    decision.reason = reason;
                }
                self
            }
        })+
    };
}

decided! {
    /// The placement that was just made.
    Placed: last_placement;
    /// The decline that was just made.
    Declined: last_decline;
    /// The decline of all other offers.
    DeclinedRest: rest;
    /// The kill that was just made.
    Killed: last_kill;
    /// The action that was just taken.
    Acted: last_action;
}

impl Answer {
    fn last_placement(&mut self) -> Option<&mut Placement> {
        self.answer.placements.last_mut()
    }

    fn last_decline(&mut self) -> Option<&mut Decline> {
        self.answer.declines.last_mut()
    }

    fn rest(&mut self) -> Option<&mut DeclineRest> {
        self.answer.rest.as_mut()
    }

    fn last_kill(&mut self) -> Option<&mut Kill> {
        self.answer.kills.last_mut()
    }

    fn last_action(&mut self) -> Option<&mut ReasonedAction> {
        self.answer.actions.last_mut()
    }
}

impl Declined<'_> {
    /// For how long Mesos shall not offer the same again.
    pub fn refuse(self, time: Duration) -> Self {
        if let Some(decline) = self.out.last_decline() {
            decline.refuse = millis(time);
        }
        self
    }
}

impl DeclinedRest<'_> {
    /// For how long Mesos shall not offer the same again.
    pub fn refuse(self, time: Duration) -> Self {
        if let Some(rest) = self.out.rest() {
            rest.refuse = millis(time);
        }
        self
    }
}

impl Killed<'_> {
    /// Time between the polite and the hard signal.
    pub fn grace(self, time: Duration) -> Self {
        if let Some(kill) = self.out.last_kill() {
            kill.grace = millis(time);
        }
        self
    }
}

impl Acted<'_> {
    /// For answers to inverse offers: for how long not to ask again.
    pub fn refuse(self, time: Duration) -> Self {
        if let Some(ReasonedAction {
            action: Action::AcceptInverseOffers(answer) | Action::DeclineInverseOffers(answer),
            ..
        }) = self.out.last_action()
        {
            answer.refuse = millis(time);
        }
        self
    }
}

#[cfg(test)]
mod tests;
