use super::world::spec;
use crate::job::JobKind;
use crate::machine::spread::Spread;
use crate::offer::{AgentInfo, Attribute, AttributeValue};

#[test]
fn groups_are_counted_apart() {
    let agent = |host: &str, rack: &str| AgentInfo {
        id: host.into(),
        hostname: host.into(),
        region: None,
        zone: None,
        attributes: vec![Attribute {
            name: "rack".to_owned(),
            value: AttributeValue::Text(rack.to_owned()),
        }],
    };
    let mut spec = spec("j", 0, JobKind::Service, 9);
    let rules = ["max 2 per rack", "max 1 per @hostname", "rack exists"];
    spec.constraints = rules.map(|rule| rule.parse().unwrap()).to_vec();
    let [a, b, c] = ["a", "b", "c"].map(|host| agent(host, "r"));
    let mut spread = Spread::of(&spec, [&a]);
    let no = spread.check(&spec, &a).unwrap_err();
    assert_eq!(
        no,
        "constraint 'max 1 per @hostname' of j does not allow agent a"
    );
    assert_eq!(spread.check(&spec, &b), Ok(()));
    spread.add(&spec, &b);
    let no = spread.check(&spec, &c).unwrap_err();
    assert!(no.contains("max 2 per rack"), "{no}");
    assert_eq!(spread.check(&spec, &agent("d", "s")), Ok(()));
}
