//! The values of the contract in JSON, as the guests of all languages show them:
//! records as objects, none as null, enums as the names of their cases in wit/,
//! variants as `{"case_name": value}`, 64-bit numbers as decimal text, bytes as
//! an array of numbers.

use offerd_sdk::types::{
    AgentDetails, Attribute, AttributeValue, DiskInfo, DiskKind, DiskSource, Event,
    ExecutorMessage, Failure, FrameworkDetails, InverseOffer, JobDetails, JobKind, Label, Limits,
    MesosResource, Offer, OfferDetails, OperationUpdate, OtherEvent, Persistence, Range, Refusal,
    Reservation, ReservationKind, ResourceValue, Subscribed, Task, TaskDetails, Unavailability,
    Update, Volume, Waiting,
};
use serde_json::{Map, Value, json};

pub(crate) trait Json {
    fn json(&self) -> Value;
}

impl<T: Json> Json for Option<T> {
    fn json(&self) -> Value {
        self.as_ref().map_or(Value::Null, Json::json)
    }
}

impl<T: Json> Json for Vec<T> {
    fn json(&self) -> Value {
        self.iter().map(Json::json).collect()
    }
}

macro_rules! plain {
    ($($type:ty),+) => {
        $(impl Json for $type {
            fn json(&self) -> Value {
                json!(self)
            }
        })+
    };
}

plain!(bool, u8, u32, i32, f64, String);

impl Json for u64 {
    fn json(&self) -> Value {
        Value::String(self.to_string())
    }
}

macro_rules! record {
    ($($record:ident { $($field:ident),+ })+) => {
        $(impl Json for $record {
            fn json(&self) -> Value {
                let mut object = Map::new();
                $(object.insert(stringify!($field).to_owned(), self.$field.json());)+
                Value::Object(object)
            }
        })+
    };
}

record! {
    Offer { offer, agent, role, ports, cpus, mem, disk, gpus, traits, since }
    Waiting { set, job, role, count, cpus, mem, disk, gpus, ports, priority, traits, since }
    Task { task, job, agent, role, state, priority, traits, ports, cpus, mem, disk, gpus, since }
    Update { task, job, agent, state, reason, source, traits, at }
    Label { key, value }
    Range { begin, end }
    Reservation { kind, role, principal, labels }
    Persistence { id, principal }
    Volume { container_path, host_path, read_only }
    DiskSource { kind, root, id, vendor, profile, metadata }
    DiskInfo { persistence, volume, source }
    MesosResource { name, value, reservations, disk, revocable, shared, provider }
    Subscribed { framework_id, fresh, master }
    OperationUpdate { operation_id, state, message, agent, provider, converted }
    ExecutorMessage { agent, executor_id, data }
    Failure { agent, executor_id, status }
    InverseOffer { inverse_offer, id, agent, unavailable_from, unavailable_for, resources }
    Refusal { round, kind, position, why }
    OtherEvent { kind, details }
    Attribute { name, value }
    AgentDetails { id, hostname, region, zone, attributes }
    Unavailability { begin, duration }
    OfferDetails { id, resources, executor_ids, unavailability }
    JobDetails { name, role, kind, count, priority, labels, constraints }
    TaskDetails { id, name, executor_id, message, launched_because, labels, resources }
    FrameworkDetails { id, name, user }
    Limits { call_deadline, memory, offer_lease, offers_per_round, waiting_per_round, log_lines }
}

macro_rules! variant {
    ($($variant:ident { $($case:ident = $name:literal),+ })+) => {
        $(impl Json for $variant {
            fn json(&self) -> Value {
                match self {
                    $(Self::$case(value) => json!({ $name: value.json() }),)+
                }
            }
        })+
    };
}

variant! {
    ResourceValue { Scalar = "scalar", Ranges = "ranges", Items = "items" }
    AttributeValue { Text = "text", Scalar = "scalar", Ranges = "ranges", Items = "items" }
    Event {
        Subscribed = "subscribed",
        Disconnected = "disconnected",
        Operation = "operation",
        Message = "message",
        Failure = "failure",
        Error = "error",
        InverseOffers = "inverse_offers",
        InverseOfferRescinded = "inverse_offer_rescinded",
        Timer = "timer",
        Refused = "refused",
        Other = "other"
    }
}

macro_rules! names {
    ($($kind:ident { $($case:ident = $name:literal),+ })+) => {
        $(impl Json for $kind {
            fn json(&self) -> Value {
                let name = match self {
                    $(Self::$case => $name,)+
                };
                Value::String(name.to_owned())
            }
        })+
    };
}

names! {
    ReservationKind { Fixed = "fixed", Dynamic = "dynamic" }
    DiskKind { Unknown = "unknown", Path = "path", Mount = "mount", Block = "block", Raw = "raw" }
    JobKind { Service = "service", Batch = "batch" }
}
