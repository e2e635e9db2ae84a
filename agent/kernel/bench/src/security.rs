//! How long Azure's security rules take to answer.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use anyhow::{Context as _, Result};
use netghost_core::azure::nsg::{Compiled, Direction, Flow, Protocol, PublicAddress, Verdict, parse_bytes};
use netghost_core::azure::tags::Tags;

/// Rules that each flow may have to be held against.
const RULES: usize = 1000;

/// So many flows against a thousand rules, reading and preparing the rules included.
pub(crate) fn flows(count: usize) -> Result<String> {
    let body = body();
    let started = Instant::now();
    let effective = parse_bytes(body.as_bytes()).context("read the rules")?;
    let tags = Tags::default();
    let compiled = Compiled::new(&effective, None, &tags);
    let mut denied = 0_usize;
    for number in 0..count {
        let [.., high, low] = number.to_be_bytes();
        let port = u16::try_from(number % 1009).unwrap_or(0);
        let flow = Flow {
            direction: Direction::Inbound,
            protocol: Protocol::Tcp,
            source: IpAddr::V4(Ipv4Addr::new(10, high, low, 9)),
            destination: IpAddr::V4(Ipv4Addr::new(10, 99, 0, 4)),
            source_ports: Some((50_000, 50_000)),
            ports: Some((port, port)),
        };
        let found = compiled.evaluate(&flow, PublicAddress::Standard).context("ask")?;
        denied += usize::from(found.verdict == Verdict::Deny);
    }
    Ok(format!(
        "{count} flows against {RULES} rules: {denied} denied, in {:.1} ms",
        started.elapsed().as_secs_f64() * 1000.0
    ))
}

/// Rules that overlap little, so that most flows meet all of them.
fn body() -> String {
    let rule = |number: usize| {
        format!(
            r#"{{"name": "r{number}", "priority": {}, "access": "Deny", "direction": "Inbound", "protocol": "Tcp",
            "sourceAddressPrefix": "10.{}.{}.0/24", "sourcePortRange": "*", "destinationAddressPrefix": "*",
            "destinationPortRange": "{number}-{}"}}"#,
            100 + number,
            number / 250,
            number % 250,
            number + 9
        )
    };
    let mut rules: Vec<String> = (0..RULES).map(rule).collect();
    rules.push(
        r#"{"name": "rest", "priority": 4096, "access": "Allow", "direction": "Inbound", "protocol": "*",
        "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "*"}"#
            .to_owned(),
    );
    format!(
        r#"{{"value": [{{"association": {{"subnet": {{"id": "/s"}}}}, "effectiveSecurityRules": [{}]}}]}}"#,
        rules.join(",")
    )
}
