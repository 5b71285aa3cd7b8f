//! How much memory a very large record takes on its way from chunks of the
//! stream to an event: counted by the allocator, so it needs a program of its
//! own.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use mesos_v1::recordio::{self, Decoder};
use mesos_v1::scheduler as api;
use offerd_core::event::Event;
use offerd_mesos::convert;
use prost::Message;

const MIB: usize = 1 << 20;

/// What is allocated now, and the most that ever was.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all is left to the system's allocator; only sizes are added up.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(now, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn a_record_of_100_mib_does_not_double() {
    let event = api::Event {
        r#type: Some(api::event::Type::Message as i32),
        message: Some(api::event::Message {
            agent_id: mesos_v1::AgentId {
                value: "S0".to_owned(),
            },
            executor_id: mesos_v1::ExecutorId {
                value: "e".to_owned(),
            },
            data: vec![7; 100 * MIB].into(),
        }),
        ..api::Event::default()
    };
    let mut stream = BytesMut::new();
    recordio::encode(&event.encode_to_vec(), &mut stream);
    drop(event);
    let record = stream.len();
    // Not counted: the sender's side.
    let before = NOW.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);

    let mut decoder = Decoder::new(128 * MIB);
    let mut events = Vec::new();
    for chunk in stream.chunks(64 << 10) {
        decoder.push(Bytes::copy_from_slice(chunk));
        while let Some(record) = decoder.next_record().unwrap() {
            events.push(convert::event(&record).unwrap());
        }
    }
    let most = MOST.load(Ordering::Relaxed) - before;
    let kept = NOW.load(Ordering::Relaxed) - before;
    let [Event::Message { data, .. }] = events.as_slice() else {
        panic!("{} events", events.len());
    };
    assert_eq!(data.len(), 100 * MIB);
    println!("a record of {record} bytes: at most {most} bytes, {kept} kept");
    assert!(most < record * 2, "{most} bytes for a record of {record}");
    assert!(kept < record + MIB, "{kept} bytes kept of {record}");
}
