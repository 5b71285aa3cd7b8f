//! The offers of the benchmarks.

use mesos_v1 as wire;

/// CPUs of offers that tasks fit in, and of those that they do not.
const LARGE: f64 = 1.5;
const SMALL: f64 = 0.5;

/// About 475 bytes, as from a real agent with two attributes.
pub(crate) fn offer(number: usize, agent: usize) -> wire::Offer {
    let role = || {
        Some(wire::resource::AllocationInfo {
            role: Some("bench".into()),
        })
    };
    let resource = |name: &str, value: f64| wire::Resource {
        name: name.into(),
        r#type: wire::value::Type::Scalar as i32,
        scalar: Some(wire::value::Scalar { value }),
        allocation_info: role(),
        ..wire::Resource::default()
    };
    let attribute = |name: &str, text: String| wire::Attribute {
        name: name.into(),
        r#type: wire::value::Type::Text as i32,
        text: Some(wire::value::Text { value: text }),
        ..wire::Attribute::default()
    };
    let ports = wire::Resource {
        r#type: wire::value::Type::Ranges as i32,
        ranges: Some(wire::value::Ranges {
            range: vec![wire::value::Range {
                begin: 31_000,
                end: 32_000,
            }],
        }),
        scalar: None,
        ..resource("ports", 0.0)
    };
    let cpus = if number.is_multiple_of(2) {
        LARGE
    } else {
        SMALL
    };
    wire::Offer {
        id: wire::OfferId {
            value: format!("a0b1c2d3-0000-4000-8000-000000000000-O{number}"),
        },
        framework_id: wire::FrameworkId {
            value: "framework".into(),
        },
        agent_id: wire::AgentId {
            value: format!("a0b1c2d3-0000-4000-8000-000000000000-S{agent}"),
        },
        hostname: format!("node-{agent:05}.example.org"),
        url: Some(wire::Url {
            scheme: "http".into(),
            address: wire::Address {
                hostname: Some(format!("node-{agent:05}.example.org")),
                ip: Some("10.0.0.1".into()),
                port: 5051,
            },
            path: Some("/slave(1)".into()),
            ..wire::Url::default()
        }),
        resources: vec![
            resource("cpus", cpus),
            resource("mem", 16_384.0),
            resource("disk", 100_000.0),
            ports,
        ],
        attributes: vec![
            attribute("rack", format!("r{}", agent % 40)),
            attribute("os", "debian".to_owned()),
        ],
        allocation_info: role(),
        ..wire::Offer::default()
    }
}
