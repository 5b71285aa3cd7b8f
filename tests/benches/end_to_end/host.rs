//! offerd as `offerd run` runs it, with its ledger in memory and one job that
//! wants more tasks than there are offers.

use std::path::Path;

use offerd::config::Config;
use offerd::service::Service;

pub(crate) const RECORD: &str = "+record";
pub(crate) const SHADOW: &str = "+shadow";

const JOB: &str = "[[job]]\nname = \"bench\"\nrole = \"bench\"\nkind = \"batch\"\ncount = 120000\n\
                   cpus = 1\nmem = 32\ncommand = \"sleep 1000\"\n";

/// `scheduler`: a guest, with `+record` if all is to be recorded, or with `+shadow` if
/// the same guest is to be its shadow.
pub(crate) fn run(master: &str, scheduler: &str) {
    let (guest, extra) = match scheduler.split_once('+') {
        Some((guest, _)) => (guest, &scheduler[guest.len()..]),
        None => (scheduler, ""),
    };
    let recordings = tempfile::tempdir().unwrap();
    let record = match extra == RECORD {
        true => format!("record.dir = {:?}\n", recordings.path()),
        false => String::new(),
    };
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../target/guests")
        .join(format!("{guest}.wasm"));
    let text = format!(
        "framework = {{ name = \"bench\", user = \"root\", roles = [\"bench\"] }}\n\
         mesos.masters = [{master:?}]\nadmin.listen = \"127.0.0.1:0\"\nstore.memory = true\n\
         log.level = \"warn\"\n{record}[[policy]]\nroles = [\"bench\"]\nfile = {file:?}\n"
    );
    let config = Config::parse("bench", &text, Path::new("")).unwrap();
    offerd::telemetry::start(&config.log);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut service = Service::start(config, None).await.unwrap();
        service.admin().submit(JOB.to_owned()).await.unwrap();
        if extra == SHADOW {
            service.admin().shadow("bench", file).await.unwrap();
        }
        // Until the benchmark ends this process.
        service.ended().await.unwrap();
    });
}
