//! The JSON form that Mesos uses: names as in the .proto files, 64-bit integers
//! as numbers, bytes in base64, enum values by name, unset fields absent.
//!
//! For logs, for people, and for what policies write by hand. It works by
//! descriptors, so it is not for hot paths.

use std::sync::OnceLock;

use prost::Message;
use prost_reflect::{DescriptorPool, DeserializeOptions, DynamicMessage, SerializeOptions};

/// Messages of this crate, by their full names.
pub trait Named: Message + Default {
    const NAME: &'static str;
}

macro_rules! named {
    ($($message:path = $name:literal,)*) => {
        $(impl Named for $message { const NAME: &'static str = $name; })*
    };
}

named! {
    crate::FrameworkInfo = "mesos.v1.FrameworkInfo",
    crate::TaskInfo = "mesos.v1.TaskInfo",
    crate::TaskStatus = "mesos.v1.TaskStatus",
    crate::ExecutorInfo = "mesos.v1.ExecutorInfo",
    crate::Offer = "mesos.v1.Offer",
    crate::InverseOffer = "mesos.v1.InverseOffer",
    crate::Resource = "mesos.v1.Resource",
    crate::AgentInfo = "mesos.v1.AgentInfo",
    crate::MasterInfo = "mesos.v1.MasterInfo",
    crate::scheduler::Call = "mesos.v1.scheduler.Call",
    crate::scheduler::Event = "mesos.v1.scheduler.Event",
    crate::scheduler::OfferConstraints = "mesos.v1.scheduler.OfferConstraints",
    crate::master::Call = "mesos.v1.master.Call",
    crate::master::Response = "mesos.v1.master.Response",
    crate::master::Event = "mesos.v1.master.Event",
    crate::agent::Call = "mesos.v1.agent.Call",
    crate::agent::Response = "mesos.v1.agent.Response",
    crate::executor::Call = "mesos.v1.executor.Call",
    crate::executor::Event = "mesos.v1.executor.Event",
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("this is not JSON of a {message}: {reason}")]
    Json {
        message: &'static str,
        reason: String,
    },
    #[error("the descriptors compiled into this program lack {0}")]
    NoDescriptor(&'static str),
    #[error("{0} does not encode")]
    Encode(&'static str, #[source] prost::DecodeError),
}

fn descriptor<M: Named>() -> Result<prost_reflect::MessageDescriptor, Error> {
    static POOL: OnceLock<Option<DescriptorPool>> = OnceLock::new();
    POOL.get_or_init(|| DescriptorPool::decode(crate::DESCRIPTORS).ok())
        .as_ref()
        .and_then(|pool| pool.get_message_by_name(M::NAME))
        .ok_or(Error::NoDescriptor(M::NAME))
}

/// A message in Mesos's JSON form.
///
/// # Errors
/// Not for messages that came off the wire.
pub fn to_value<M: Named>(message: &M) -> Result<serde_json::Value, Error> {
    let bytes = message.encode_to_vec();
    let dynamic = DynamicMessage::decode(descriptor::<M>()?, bytes.as_slice())
        .map_err(|source| Error::Encode(M::NAME, source))?;
    let options = SerializeOptions::new()
        .stringify_64_bit_integers(false)
        .use_proto_field_name(true)
        .skip_default_fields(true);
    dynamic
        .serialize_with_options(serde_json::value::Serializer, &options)
        .map_err(|error| Error::Json {
            message: M::NAME,
            reason: error.to_string(),
        })
}

/// [`to_value`] as text. A message that does not convert is shown as an error
/// text in its place, since this serves logs.
pub fn to_string<M: Named>(message: &M) -> String {
    match to_value(message) {
        Ok(value) => value.to_string(),
        Err(error) => serde_json::Value::String(error.to_string()).to_string(),
    }
}

/// Reads Mesos's JSON form. Unknown fields are an error, so that a misspelt one
/// is not lost silently.
///
/// # Errors
/// The text is not JSON, or not of this message: says where and why.
pub fn from_str<M: Named>(text: &str) -> Result<M, Error> {
    read(text, true)
}

/// [`from_str`] that ignores unknown fields, as Mesos does.
///
/// # Errors
/// As [`from_str`], but for unknown fields.
pub fn from_str_lenient<M: Named>(text: &str) -> Result<M, Error> {
    read(text, false)
}

fn read<M: Named>(text: &str, deny_unknown: bool) -> Result<M, Error> {
    let wrong = |reason: String| Error::Json {
        message: M::NAME,
        reason,
    };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let options = DeserializeOptions::new().deny_unknown_fields(deny_unknown);
    let dynamic =
        DynamicMessage::deserialize_with_options(descriptor::<M>()?, &mut deserializer, &options)
            .map_err(|error| wrong(error.to_string()))?;
    deserializer
        .end()
        .map_err(|error| wrong(error.to_string()))?;
    dynamic
        .transcode_to()
        .map_err(|source| Error::Encode(M::NAME, source))
}
