//! Sections that were not read, bodies of other forms, and ends from snapshots.

use super::*;
use crate::azure::facts;
use crate::raw::{HostPart, HostRaw, PartRead};

/// Takes one section of an end away.
pub(super) fn without(interface: &mut Interface, section: SectionName) {
    let why = || "403 AuthorizationFailed".to_owned();
    match section {
        SectionName::Nic => interface.nic = Read::Unread(why()),
        SectionName::EffectiveRoutes => interface.routes = Read::Unread(why()),
        SectionName::EffectiveNsg => interface.rules = Read::Unread(why()),
        _ => interface.admin = Read::Unread(why()),
    }
}

#[test]
fn a_section_that_was_not_read_makes_it_unknown_and_is_named() {
    for section in SECTIONS {
        for place in [Place::Source, Place::Destination] {
            let (mut source, mut destination) = pair();
            without(
                if place == Place::Source {
                    &mut source
                } else {
                    &mut destination
                },
                section,
            );
            let path = between(&source, &destination);
            assert_eq!(path.verdict, Verdict::Unknown, "{section} {place:?}");
            let named = |missing: &Missing| {
                missing.place == place && missing.section == Some(section) && missing.why.contains("403")
            };
            assert!(
                path.missing.iter().any(named),
                "{section} {place:?}: {:?}",
                path.missing
            );
        }
    }
}

#[test]
fn a_body_of_another_form_is_no_interface() {
    let good = nic_body("n", "10.0.0.4", "a");
    assert!(Nic::parse(&good, &[]).is_ok());
    let flat = json!({"id": good["id"], "ipConfigurations": [{"privateIpAddress": "10.0.0.4"}], "enableIpForwarding": true});
    let flat = Nic::parse(&flat, &[]).unwrap();
    assert_eq!(
        (flat.forwards, flat.configuration(ip("10.0.0.4")).is_some()),
        (Some(true), true)
    );
    for (pointer, value) in [
        ("/id", json!(null)),
        ("/id", json!(id("virtualNetworks/x"))),
        ("/properties", json!([])),
        ("/properties/ipConfigurations", json!(null)),
        ("/properties/ipConfigurations", json!({})),
        ("/properties/ipConfigurations/0", json!(1)),
        (
            "/properties/ipConfigurations/0/properties/privateIPAddress",
            json!("ten"),
        ),
        ("/properties/ipConfigurations/0/properties/subnet", json!("x")),
        ("/properties/enableIPForwarding", json!("perhaps")),
        ("/properties/networkSecurityGroup", json!({"name": "x"})),
        ("/properties/virtualMachine", json!([])),
    ] {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value.clone();
        assert!(Nic::parse(&body, &[]).is_err(), "{pointer} {value}");
    }
    for body in [
        json!(null),
        json!("<html>"),
        json!({"error": {"code": "NotFound", "message": "x"}}),
    ] {
        assert!(
            Nic::parse(&body, &[]).is_err() && Subnet::parse(&body).is_err(),
            "{body}"
        );
    }
}

fn part(source: &str, read: Result<Value, &str>) -> HostPart {
    HostPart {
        source: source.to_owned(),
        read: match read {
            Ok(body) => PartRead::File {
                content: body.to_string().as_str().into(),
            },
            Err(why) => PartRead::Unreadable { why: why.to_owned() },
        },
    }
}

fn snapshot(parts: Vec<(SectionName, Vec<HostPart>)>) -> crate::snapshot::Snapshot {
    let section = |(name, parts)| {
        let raw = HostRaw {
            links: Vec::new(),
            parts,
        };
        facts::section(name, raw, 1)
    };
    let id = id("networkInterfaces/src").parse().unwrap();
    facts::snapshot(id, parts.into_iter().map(section).collect(), "test")
}

#[test]
fn an_end_is_what_its_snapshot_says() {
    let gates = json!({"value": [gate("src", "subnet", &[]), gate("src", "nic", &[])]});
    let routes = json!({"value": [entry("10.0.0.0/16", "Default", "VnetLocal", &[])]});
    let nic_parts = vec![
        part("nic", Ok(nic_body("src", "10.0.0.4", "a"))),
        part("subnet a/s", Ok(subnet_body("src", "a"))),
    ];
    let admin_pages = vec![
        part(
            "admin-rules 1",
            Ok(json!({"value": [admin_rule("Inbound", "Deny")], "skipToken": "x"})),
        ),
        part(
            "admin-rules 2",
            Ok(json!({"value": [admin_rule("Outbound", "Deny")]})),
        ),
    ];
    let whole = snapshot(vec![
        (SectionName::Nic, nic_parts.clone()),
        (
            SectionName::EffectiveRoutes,
            vec![part("routes", Ok(routes.clone()))],
        ),
        (SectionName::EffectiveNsg, vec![part("rules", Ok(gates.clone()))]),
        (SectionName::AdminRules, admin_pages),
    ]);
    let end = Interface::of_snapshot(&whole, ip("10.0.0.4"));
    let expected = open("src", "10.0.0.4", "a");
    assert_eq!((&end.nic, &end.rules), (&expected.nic, &expected.rules));
    assert_eq!(end.routes.captured().unwrap().routes.len(), 1);
    let admin = end.admin.captured().unwrap();
    assert!(admin.cut.is_none() && admin.rules.len() == 2, "{admin:?}");

    let partial = snapshot(vec![
        (SectionName::Nic, vec![part("nic", Err("404 NotFound"))]),
        (
            SectionName::EffectiveRoutes,
            vec![part("routes", Ok(json!("<html>")))],
        ),
        (
            SectionName::AdminRules,
            vec![part("admin-rules 1", Ok(json!({"value": [], "skipToken": "x"})))],
        ),
    ]);
    let end = Interface::of_snapshot(&partial, ip("10.0.0.4"));
    let why = |read: Result<(), &str>| read.unwrap_err().to_owned();
    assert!(why(end.nic.as_result().map(|_| ())).contains("404"));
    assert!(end.routes.captured().is_none() && end.rules.captured().is_none());
    assert!(end.admin.captured().unwrap().cut.is_some());
}
