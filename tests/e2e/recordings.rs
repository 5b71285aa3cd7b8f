//! Streams of a real master, recorded on their way to a host: every record
//! decodes, and the message has all that was in the record.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use mesos_v1::recordio::Decoder;
use mesos_v1::scheduler::Event;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Host, Real, until};

/// Stands between a host and a master and keeps what the master says.
struct Recorder {
    address: String,
    /// Of each connection.
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Recorder {
    async fn start(master: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heard: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let keep = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let master = TcpStream::connect(&master).await.unwrap();
                let number = {
                    let mut heard = keep.lock().unwrap();
                    heard.push(Vec::new());
                    heard.len() - 1
                };
                tokio::spawn(pass(client, master, Arc::clone(&keep), number));
            }
        });
        Self {
            address,
            heard,
            task,
        }
    }

    /// All records of all subscriptions so far.
    fn records(&self) -> Vec<Bytes> {
        let heard = self.heard.lock().unwrap();
        heard.iter().flat_map(|bytes| records(bytes)).collect()
    }
}

async fn pass(client: TcpStream, master: TcpStream, keep: Arc<Mutex<Vec<Vec<u8>>>>, number: usize) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_master, mut to_master) = master.into_split();
    let up = async {
        tokio::io::copy(&mut from_client, &mut to_master)
            .await
            .map(drop)
    };
    let down = async {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let got = from_master.read(&mut buffer).await?;
            if got == 0 {
                return Ok(());
            }
            keep.lock().unwrap()[number].extend_from_slice(&buffer[..got]);
            to_client.write_all(&buffer[..got]).await?;
        }
    };
    // Ends with whichever side goes first.
    let _: std::io::Result<()> = tokio::select! { ended = up => ended, ended = down => ended };
}

/// The records in the chunks of a subscription's answer; none in others.
fn records(bytes: &[u8]) -> Vec<Bytes> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let Some(end) = end.filter(|end| {
        let head = String::from_utf8_lossy(&bytes[..*end]).to_lowercase();
        head.contains("mesos-stream-id") && head.contains("transfer-encoding: chunked")
    }) else {
        return Vec::new();
    };
    let mut decoder = Decoder::new(1 << 20);
    let mut rest = &bytes[end + 4..];
    while let Some(line) = rest.windows(2).position(|window| window == b"\r\n") {
        let digits = std::str::from_utf8(&rest[..line]).unwrap();
        let length = usize::from_str_radix(digits, 16).unwrap();
        let Some(chunk) = rest.get(line + 2..line + 2 + length) else {
            break;
        };
        decoder.push(Bytes::copy_from_slice(chunk));
        rest = rest.get(line + 2 + length + 2..).unwrap_or_default();
    }
    let mut records = Vec::new();
    while let Some(record) = decoder.next_record().unwrap() {
        records.push(record);
    }
    records
}

#[tokio::test]
async fn mesos_every_record_decodes_and_encodes_again() {
    let Some(real) = Real::start(&[]) else {
        return;
    };
    let recorder = Recorder::start(real.address.clone()).await;
    let errand = "{ errand = \"volume\" }";
    let host = Host::start(&recorder.address, "errands", "db", errand).await;
    until("the errand is done", async || {
        let metrics = host
            .admin
            .metrics()
            .await
            .map_err(|error| error.to_string())?;
        let done = metrics
            .lines()
            .any(|line| line == "offerd_custom_phase{policy=\"errands\"} 4");
        if done { Ok(()) } else { Err(metrics) }
    })
    .await;
    let records = recorder.records();
    let mut kinds = std::collections::BTreeSet::new();
    for record in &records {
        let event = Event::decode(record.clone()).unwrap();
        kinds.insert(event.r#type.unwrap());
        let again = event.encode_to_vec();
        assert_eq!(
            again.len(),
            record.len(),
            "something was lost or added: {event:?}"
        );
        assert_eq!(Event::decode(again.as_slice()).unwrap(), event);
    }
    // Subscribed, offers, updates of tasks and of operations at least.
    assert!(
        kinds.len() >= 4 && records.len() >= 12,
        "{} records of {kinds:?}",
        records.len()
    );
}
