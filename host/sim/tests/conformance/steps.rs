//! Steps that write down what they saw, in words that do not depend on the
//! master: ids have names, and what can't be equal (times, uuids, ports) is
//! only noted to be there.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};

use crate::common::{Framework, PATIENCE, Reply, amount, framework_info, id};
use crate::masters::{HOSTS, Master};

/// One run of a scenario against one master.
pub(crate) struct Run<'a> {
    pub(crate) master: &'a dyn Master,
    /// What was seen, a line each.
    pub(crate) trace: Vec<String>,
    /// Ids and the names that stand for them.
    names: Vec<(String, String)>,
    frameworks: usize,
    offers: usize,
}

impl<'a> Run<'a> {
    pub(crate) fn new(master: &'a dyn Master) -> Self {
        Self {
            master,
            trace: Vec::new(),
            names: Vec::new(),
            frameworks: 0,
            offers: 0,
        }
    }

    pub(crate) fn address(&self) -> &'a str {
        self.master.address()
    }

    /// From now on `id` is written as `name`.
    pub(crate) fn name(&mut self, id: &str, name: &str) {
        self.names.push((id.to_owned(), name.to_owned()));
        // Ids can begin with other ids.
        self.names
            .sort_by_key(|(id, _)| std::cmp::Reverse(id.len()));
    }

    pub(crate) fn note(&mut self, line: impl Into<String>) {
        let mut line = line.into();
        for (id, name) in &self.names {
            line = line.replace(id, name);
        }
        self.trace.push(line);
    }

    pub(crate) fn note_reply(&mut self, what: &str, reply: &Reply) {
        let kind = reply.header("Content-Type").unwrap_or("no type");
        self.note(format!(
            "{what} -> {} {kind} '{}'",
            reply.status, reply.body
        ));
    }

    pub(crate) fn note_event(&mut self, event: &Value) {
        let mut event = event.clone();
        blank(&mut event);
        self.note(sorted(&event));
    }

    /// Subscribes a new framework and notes nothing.
    pub(crate) fn join(&mut self, role: &str) -> Framework {
        self.join_as(framework_info("conformance", role))
    }

    pub(crate) fn join_as(&mut self, info: Value) -> Framework {
        let call = json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": info}});
        let framework = Framework::subscribe(self.address(), &call);
        self.frameworks += 1;
        self.name(
            &framework.id.clone(),
            &format!("<framework {}>", self.frameworks),
        );
        self.name(&framework.stream_id.clone(), "<stream>");
        if let Some((master, _)) = framework.id.rsplit_once('-') {
            self.name(master, "<master>");
        }
        framework
    }

    /// An offer of each of the two agents, whole, in the order of their names. Earlier
    /// scenarios may still be giving back; what is less than whole is declined.
    pub(crate) fn whole_offers(&mut self, framework: &mut Framework) -> [Value; 2] {
        let mut whole: BTreeMap<String, Value> = BTreeMap::new();
        let limit = Instant::now() + PATIENCE;
        while whole.len() < 2 {
            assert!(Instant::now() < limit, "no whole offers: {whole:?}");
            for offer in framework.offers() {
                if amount(&offer["resources"], "cpus") == 4.0
                    && amount(&offer["resources"], "mem") == 4096.0
                    && amount(&offer["resources"], "disk") == 8192.0
                {
                    let host = offer["hostname"].as_str().unwrap_or_default();
                    whole.insert(host.to_owned(), offer);
                } else {
                    decline(framework, &offer, 0.0);
                }
            }
        }
        let mut offers = whole.into_values();
        let offers = [offers.next().unwrap(), offers.next().unwrap()];
        for offer in &offers {
            self.name_offer(offer);
        }
        offers
    }

    /// The next offer of the same agent.
    pub(crate) fn offer_again(&mut self, framework: &mut Framework, agent: &Value) -> Value {
        self.offer_again_with(framework, agent, 0.0)
    }

    /// The next offer of the same agent that has so many CPUs.
    pub(crate) fn offer_again_with(
        &mut self,
        framework: &mut Framework,
        agent: &Value,
        cpus: f64,
    ) -> Value {
        let limit = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < limit, "{agent} is not offered");
            let mut found = None;
            for offer in framework.offers() {
                if offer["agent_id"] == *agent && amount(&offer["resources"], "cpus") >= cpus {
                    found = Some(offer);
                } else {
                    decline(framework, &offer, 0.0);
                }
            }
            if let Some(offer) = found {
                self.name_offer(&offer);
                return offer;
            }
        }
    }

    fn name_offer(&mut self, offer: &Value) {
        // Agents of a real master get their ids in the order of registration.
        if let Some(agent) = HOSTS.iter().position(|host| offer["hostname"] == *host) {
            let agent = format!("<agent {}>", agent + 1);
            self.name(id(&offer["agent_id"]), &agent);
        }
        self.offers += 1;
        self.name(id(&offer["id"]), &format!("<offer {}>", self.offers));
    }

    pub(crate) fn call(&mut self, framework: &Framework, kind: &str, body: &Value) -> Reply {
        let reply = framework.call(kind, body);
        self.note_reply(kind, &reply);
        reply
    }

    /// Waits for the next UPDATE; gives its status.
    pub(crate) fn update(&mut self, framework: &mut Framework) -> Value {
        let event = framework.next("UPDATE");
        self.note_event(&event);
        event["update"]["status"].clone()
    }

    /// Waits for the next UPDATE and acknowledges it if it wants that, and gives
    /// the line to note: for where the order is open.
    pub(crate) fn update_quietly(&mut self, framework: &mut Framework) -> String {
        let event = framework.next("UPDATE");
        let status = &event["update"]["status"];
        if !status["uuid"].is_null() {
            framework.acknowledge(status);
        }
        let mut event = event.clone();
        blank(&mut event);
        sorted(&event)
    }

    /// So many updates of several tasks, which come in any order.
    pub(crate) fn updates_in_any_order(&mut self, framework: &mut Framework, count: usize) {
        let mut lines: Vec<String> = (0..count).map(|_| self.update_quietly(framework)).collect();
        lines.sort();
        for line in lines {
            self.note(line);
        }
    }

    /// The same as `update`, and acknowledges it if it wants that.
    pub(crate) fn update_acknowledged(&mut self, framework: &mut Framework) -> Value {
        let status = self.update(framework);
        if !status["uuid"].is_null() {
            let reply = framework.acknowledge(&status);
            self.note_reply("ACKNOWLEDGE", &reply);
        }
        status
    }

    /// Updates until one with this state.
    pub(crate) fn updates_until(&mut self, framework: &mut Framework, state: &str) -> Value {
        loop {
            let status = self.update_acknowledged(framework);
            if status["state"] == state {
                return status;
            }
        }
    }

    /// Notes that nothing else came but what depends on the time: offers,
    /// their rescission, heartbeats.
    pub(crate) fn nothing_else(&mut self, framework: &mut Framework) {
        for event in framework.so_far() {
            let kind = event["type"].as_str().unwrap_or_default();
            if !["OFFERS", "RESCIND", "HEARTBEAT", "SUBSCRIBED"].contains(&kind) {
                self.note(format!("unexpected: {event}"));
            }
        }
    }

    pub(crate) fn leave(&mut self, framework: &Framework) {
        let reply = framework.call("TEARDOWN", &Value::Null);
        self.note_reply("TEARDOWN", &reply);
    }
}

pub(crate) fn decline(framework: &Framework, offer: &Value, seconds: f64) -> Reply {
    let body = json!({"offer_ids": [offer["id"]], "filters": {"refuse_seconds": seconds}});
    framework.call("DECLINE", &body)
}

/// Blanks what no two masters can have equal, and orders resources.
fn blank(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match name.as_str() {
                    "uuid" => *field = "<uuid>".into(),
                    "timestamp" => *field = "<time>".into(),
                    "nanoseconds" | "executor_pid" | "port" => *field = "<number>".into(),
                    "pid" => *field = "<pid>".into(),
                    "container_id" => *field = "<container>".into(),
                    _ => blank(field),
                }
            }
        }
        Value::Array(items) => {
            items.iter_mut().for_each(blank);
            if items.iter().all(|item| item["name"].is_string()) {
                items.sort_by_key(sorted);
            }
        }
        _ => {}
    }
}

/// JSON with the names in order.
fn sorted(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<&String, String> = fields
                .iter()
                .map(|(name, field)| (name, sorted(field)))
                .collect();
            let fields: Vec<String> = fields
                .into_iter()
                .map(|(name, field)| format!("{name}: {field}"))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(sorted).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}
