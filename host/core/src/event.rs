//! Events of the v1 scheduler API, as this crate understands them.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::ids::{AgentId, ExecutorId, FrameworkId, OfferId};
use crate::offer::{InverseOfferInfo, OfferInfo};
use crate::task::{OperationStatus, TaskStatus};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    Subscribed {
        framework_id: FrameworkId,
        /// `host:port` or the id of the master, for people.
        master: String,
    },
    Offers(Vec<OfferInfo>),
    Rescind(OfferId),
    InverseOffers(Vec<InverseOfferInfo>),
    RescindInverseOffer(OfferId),
    Update(TaskStatus),
    UpdateOperationStatus(OperationStatus),
    Message {
        agent: AgentId,
        executor: ExecutorId,
        data: Bytes,
    },
    Failure {
        agent: Option<AgentId>,
        executor: Option<ExecutorId>,
        status: Option<i32>,
    },
    /// The session is over; see R8, R16, R17 for what the text may say.
    Error(String),
    Heartbeat,
    /// A type that this version does not know. `details` is its JSON form.
    Unknown {
        kind: i32,
        details: String,
    },
}
