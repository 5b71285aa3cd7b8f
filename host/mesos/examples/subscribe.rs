//! Subscribes to a master and prints what comes, one line an event. Declines
//! nothing: offers are held until it ends, so use it on a test cluster.
//!
//!     cargo run -p offerd-mesos --example subscribe -- 127.0.0.1:5050 ROLE

use offerd_core::machine::Subscription;
use offerd_mesos::convert::FrameworkSettings;
use offerd_mesos::{Settings, start};
use tokio::sync::{mpsc, watch};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(master), Some(role)) = (arguments.next(), arguments.next()) else {
        return Err("usage: subscribe HOST:PORT ROLE".into());
    };
    let mut framework = FrameworkSettings::new("subscribe-example", "root", vec![role]);
    framework.failover_timeout = 0.0;
    let settings = Settings::new(vec![master.parse()?], framework);
    let (_keep, subscription) = watch::channel(Subscription::default());
    let (out, mut events) = mpsc::unbounded_channel();
    let _client = start(settings, subscription, out)?;
    while let Some(batch) = events.recv().await {
        for event in batch {
            println!("{event:?}");
        }
    }
    Ok(())
}
