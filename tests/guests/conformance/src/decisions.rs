//! Every decision, made as a policy makes it: through the SDK's face. Only what no
//! face makes is set in the records.

use std::time::Duration;

use offerd_sdk::Answer;
use offerd_sdk::types::{
    DiskInfo, DiskKind, DiskSource, Encoded, FrameworkUpdate, Label, MesosResource, OperationQuery,
    ReservationKind, ResourceRequest,
};

pub(crate) fn all(out: &mut Answer) {
    out.place(1, 2, 3).because("a place ☃");
    out.place(1, 4, 1);
    out.decline(5).refuse(seconds(6)).because("a decline");
    out.decline(6);
    out.kill(8).grace(seconds(9)).because("a place ☃");
    out.kill(9).because("");
    out.leftover_for(seconds(13));
    out.decline_rest().refuse(seconds(11)).because("the rest");
    accept(out);
    act(out);
}

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

fn json() -> Encoded {
    Encoded::Json(r#"{"name":"t"}"#.to_owned())
}

fn accept(out: &mut Answer) {
    out.accept_all([1, 2])
        .launch([json(), Encoded::Protobuf(vec![8, 1])])
        .place(1, 2)
        .launch_group(json(), [json()])
        .reserve([reserved()])
        .reserve([tags()])
        .with_id("op-1")
        .unreserve([reserved()])
        .with_id("op-2")
        .create([volume()])
        .with_id("op-3")
        .destroy([volume()])
        .grow_volume(volume(), MesosResource::scalar("disk", 1.0))
        .with_id("op-4")
        .shrink_volume(volume(), 64_000.0)
        .create_disk(raw(), DiskKind::Mount, Some("fast"))
        .with_id("op-5")
        .create_disk(raw(), DiskKind::Block, None)
        .destroy_disk(raw())
        .refuse(seconds(1))
        .because("an accept");
    out.accept(3).place(1, 1);
}

fn act(out: &mut Answer) {
    out.revive([0, 1]).because("a revival");
    out.suppress([1]);
    out.shutdown(3, "e");
    out.message(3, "e", vec![0, 255]).because("a message");
    out.request(vec![ResourceRequest {
        agent: 4,
        resources: vec![MesosResource::scalar("cpus", 0.5)],
    }]);
    out.reconcile([5]);
    out.reconcile([0; 0]);
    out.reconcile_operations(vec![
        OperationQuery {
            operation_id: "o".to_owned(),
            agent: u32::MAX,
            provider: Some("p".to_owned()),
        },
        OperationQuery {
            operation_id: "q".to_owned(),
            agent: 7,
            provider: None,
        },
    ]);
    out.accept_inverse([6]);
    out.decline_inverse([7, 8])
        .refuse(seconds(2))
        .because("not in time");
    out.update_framework(FrameworkUpdate {
        framework: Some(json()),
        constraints: Some(Encoded::Protobuf(vec![1])),
    });
    out.update_framework(FrameworkUpdate {
        framework: None,
        constraints: Some(json()),
    });
    out.timer(8, seconds(9));
    out.timer(3_000_000_000, Duration::from_millis(500));
    out.cancel_timer(8);
}

fn reserved() -> MesosResource {
    let mut cpus = MesosResource::scalar("cpus", 0.1)
        .reserved_for("r", None)
        .reserved_for("r/s", Some("me"));
    for reservation in &mut cpus.reservations {
        reservation.labels.push(Label {
            key: "k".to_owned(),
            value: reservation.principal.clone(),
        });
    }
    // Made by the agent's operator.
    cpus.reservations[0].kind = ReservationKind::Fixed;
    cpus
}

fn tags() -> MesosResource {
    MesosResource {
        revocable: true,
        provider: Some("p".to_owned()),
        ..MesosResource::items("tags", ["a", "☃"])
    }
}

fn volume() -> MesosResource {
    let disk = MesosResource {
        disk: Some(source(DiskKind::Path)),
        shared: true,
        ..MesosResource::scalar("disk", 64.0)
    };
    let mut volume = disk.reserved_for("r", Some("me")).persistent("v", "data");
    let inside = volume.disk.as_mut().and_then(|disk| disk.volume.as_mut());
    if let Some(volume) = inside {
        volume.host_path = Some("/srv".to_owned());
        volume.read_only = true;
    }
    volume
}

fn raw() -> MesosResource {
    MesosResource {
        disk: Some(source(DiskKind::Raw)),
        ..MesosResource::ranges("blocks", [(1, 2), (4, 4)])
    }
}

fn source(kind: DiskKind) -> DiskInfo {
    DiskInfo {
        persistence: None,
        volume: None,
        source: Some(DiskSource {
            kind,
            root: Some("/mnt".to_owned()),
            id: Some("d".to_owned()),
            vendor: None,
            profile: None,
            metadata: vec![Label {
                key: "m".to_owned(),
                value: None,
            }],
        }),
    }
}
