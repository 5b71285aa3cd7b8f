//! What the framework says of itself.

use std::collections::HashMap;

use mesos_v1 as wire;
use mesos_v1::framework_info::capability::Type as Capability;
use mesos_v1::scheduler as api;
use offerd_core::call::{ByRole, FrameworkUpdate};
use offerd_core::ids::{FrameworkId, Role};
use offerd_core::machine::Subscription;
use offerd_core::policy::Encoded;
use prost::Message;

/// The fixed parts of FrameworkInfo: the operator's, not a policy's.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameworkSettings {
    pub name: String,
    /// Unix user of tasks that name none. Must be set (R19).
    pub user: String,
    /// To begin with; an update can name others.
    pub roles: Vec<String>,
    pub principal: Option<String>,
    /// Seconds that the master waits before it kills the tasks (R18).
    pub failover_timeout: f64,
    /// Tasks survive an agent's restart (R19).
    pub checkpoint: bool,
    pub hostname: Option<String>,
    pub webui_url: Option<String>,
    pub labels: Vec<(String, String)>,
    /// Take offers of agents with GPUs (R22).
    pub gpus: bool,
    /// Take revocable resources.
    pub revocable: bool,
}

impl FrameworkSettings {
    /// Settings that are safe for a framework with these roles.
    pub fn new(name: impl Into<String>, user: impl Into<String>, roles: Vec<String>) -> Self {
        const WEEK: f64 = 7.0 * 24.0 * 3600.0;
        Self {
            name: name.into(),
            user: user.into(),
            roles,
            principal: None,
            failover_timeout: WEEK,
            checkpoint: true,
            hostname: None,
            webui_url: None,
            labels: Vec::new(),
            gpus: false,
            revocable: false,
        }
    }

    pub(super) fn info(
        &self,
        id: Option<&FrameworkId>,
        update: &FrameworkUpdate,
    ) -> wire::FrameworkInfo {
        let mut capabilities = vec![
            Capability::MultiRole,
            Capability::PartitionAware,
            Capability::ReservationRefinement,
            Capability::TaskKillingState,
            Capability::SharedResources,
            Capability::RegionAware,
        ];
        if self.gpus {
            capabilities.push(Capability::GpuResources);
        }
        if self.revocable {
            capabilities.push(Capability::RevocableResources);
        }
        let labels: Vec<_> = self
            .labels
            .iter()
            .map(|(key, value)| wire::Label {
                key: key.clone(),
                value: Some(value.clone()),
            })
            .collect();
        let mut info = wire::FrameworkInfo {
            user: self.user.clone(),
            name: self.name.clone(),
            id: id.map(|id| wire::FrameworkId {
                value: id.to_string(),
            }),
            failover_timeout: Some(self.failover_timeout),
            checkpoint: Some(self.checkpoint),
            roles: if update.roles.is_empty() {
                self.roles.clone()
            } else {
                update.roles.iter().map(ToString::to_string).collect()
            },
            hostname: self.hostname.clone(),
            principal: self.principal.clone(),
            webui_url: self.webui_url.clone(),
            capabilities: capabilities
                .into_iter()
                .map(|kind| wire::framework_info::Capability {
                    r#type: Some(kind as i32),
                })
                .collect(),
            labels: (!labels.is_empty()).then_some(wire::Labels { labels }),
            ..wire::FrameworkInfo::default()
        };
        // Written by the codec when a policy asked for it.
        let wanted = update.info.as_deref().map(wire::FrameworkInfo::decode);
        if let Some(Ok(wanted)) = wanted {
            info.labels = wanted.labels.or(info.labels);
            info.webui_url = wanted.webui_url.or(info.webui_url);
        }
        info.offer_filters = by_role(&update.filters);
        info
    }

    /// What a subscription asks for that may change while the service runs, for
    /// people who must find out what a master does not like about it.
    pub(crate) fn describe(&self, update: &FrameworkUpdate) -> String {
        let list = |roles: &[&Role]| {
            let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
            names.join(", ")
        };
        let suppressed: Vec<&Role> = update.suppressed.iter().collect();
        let constrained: Vec<&Role> = update.constraints.keys().collect();
        let roles = self.info(None, update).roles.join(", ");
        let mut text = format!("it asks for the roles {roles}");
        if !suppressed.is_empty() {
            text += &format!("; suppressed: {}", list(&suppressed));
        }
        if !constrained.is_empty() {
            text += &format!("; with offer constraints for {}", list(&constrained));
        }
        text
    }

    /// The SUBSCRIBE call, protobuf-encoded (R13, R21).
    pub fn subscribe(&self, subscription: &Subscription) -> Vec<u8> {
        let id = subscription.framework_id.as_ref();
        let update = &subscription.update;
        api::Call {
            framework_id: id.map(|id| wire::FrameworkId {
                value: id.to_string(),
            }),
            r#type: Some(api::call::Type::Subscribe as i32),
            subscribe: Some(api::call::Subscribe {
                framework_info: self.info(id, update),
                suppressed_roles: update.suppressed.iter().map(ToString::to_string).collect(),
                offer_constraints: constraints(update),
            }),
            ..api::Call::default()
        }
        .encode_to_vec()
    }
}

/// None are none for every role (and end those of before).
pub(super) fn constraints(update: &FrameworkUpdate) -> Option<api::OfferConstraints> {
    let role_constraints = by_role(&update.constraints);
    (!role_constraints.is_empty()).then_some(api::OfferConstraints { role_constraints })
}

/// Messages that the codec wrote.
fn by_role<M: Message + Default>(messages: &ByRole) -> HashMap<String, M> {
    messages
        .iter()
        .filter_map(|(role, bytes)| Some((role.to_string(), M::decode(bytes.as_slice()).ok()?)))
        .collect()
}

/// A message that a policy wrote.
pub(crate) fn decode<M: mesos_v1::json::Named>(encoded: &Encoded) -> Result<M, String> {
    match encoded {
        Encoded::Json(text) => mesos_v1::json::from_str(text).map_err(|error| error.to_string()),
        Encoded::Protobuf(bytes) => M::decode(bytes.as_slice())
            .map_err(|error| format!("the bytes are not a {} in protobuf: {error}", M::NAME)),
    }
}
