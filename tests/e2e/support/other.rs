//! Another framework beside offerd's: takes all offers that it gets and holds
//! them.

use std::collections::HashMap;

use offerd_core::event::Event;
use offerd_core::machine::Subscription;
use offerd_core::resource::Value;
use offerd_mesos::convert::FrameworkSettings;
use offerd_mesos::{Client, Settings, Transport, start};
use tokio::sync::{mpsc, watch};

pub(crate) struct Other {
    _client: Client,
    _subscription: watch::Sender<Subscription>,
    events: mpsc::UnboundedReceiver<Vec<Transport>>,
    /// CPUs by offer.
    held: HashMap<String, f64>,
}

impl Other {
    pub(crate) fn start(master: &str) -> Self {
        let mut framework = FrameworkSettings::new("other", "root", vec!["other".to_owned()]);
        framework.failover_timeout = 0.0;
        let settings = Settings::new(vec![master.parse().unwrap()], framework);
        let (subscription, wanted) = watch::channel(Subscription::default());
        let (out, events) = mpsc::unbounded_channel();
        let client = start(settings, wanted, out).unwrap();
        Self {
            _client: client,
            _subscription: subscription,
            events,
            held: HashMap::new(),
        }
    }

    /// Waits until it holds this many CPUs.
    pub(crate) async fn gets(&mut self, cpus: f64) {
        let enough = async {
            while self.held.values().sum::<f64>() < cpus - 1e-6 {
                for event in self.events.recv().await.expect("the other framework ended") {
                    match event {
                        Transport::Event {
                            event: Event::Offers(offers),
                            ..
                        } => {
                            for offer in offers {
                                let cpus = offer
                                    .resources
                                    .iter()
                                    .filter(|resource| resource.name.as_str() == "cpus")
                                    .filter_map(|resource| match &resource.value {
                                        Value::Scalar(amount) => Some(amount.units()),
                                        _ => None,
                                    })
                                    .sum();
                                self.held.insert(offer.id.to_string(), cpus);
                            }
                        }
                        Transport::Event {
                            event: Event::Rescind(offer),
                            ..
                        } => {
                            self.held.remove(offer.as_str());
                        }
                        Transport::Fatal(why) => panic!("{why}"),
                        _ => {}
                    }
                }
            }
        };
        if tokio::time::timeout(super::PATIENCE, enough).await.is_err() {
            panic!("the other framework holds {:?}, not {cpus} CPUs", self.held);
        }
    }
}
