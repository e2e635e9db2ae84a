//! Files as the kernel shows them.

use super::*;
use crate::raw::HostPart;

fn absent() -> PartRead {
    PartRead::Absent {
        why: "none".to_owned(),
    }
}

/// A host with one link, on which nothing but these files is there.
fn host(files: &[(&str, PartRead)]) -> HostRaw {
    let links = vec![LinkName {
        index: 2,
        name: "eth0.7".into(),
    }];
    let mut sources: Vec<String> = GLOBAL.iter().map(source).collect();
    for place in PER_LINK {
        for link in place.names(&links) {
            sources.extend(
                place
                    .parameters
                    .iter()
                    .map(|parameter| place.source(&link, parameter)),
            );
        }
    }
    let read = |source: &str| {
        let mut given = files
            .iter()
            .filter(|(path, _)| source == format!("{ROOT}/{path}"));
        given.next().map_or_else(absent, |(_, read)| read.clone())
    };
    let parts = sources.into_iter().map(|source| HostPart {
        read: read(&source),
        source,
    });
    HostRaw {
        parts: parts.collect(),
        links,
    }
}

fn file(content: &str) -> PartRead {
    PartRead::File {
        content: content.into(),
    }
}

fn shown(facts: &Facts) -> Vec<String> {
    facts.facts.iter().map(ToString::to_string).collect()
}

#[test]
fn parameters_are_facts_by_name_and_by_link() {
    let lifted = lift(&host(&[
        ("ipv4/ip_forward", file("1\n")),
        ("ipv4/ip_local_port_range", file("32768\t60999\n")),
        ("ipv4/ip_local_reserved_ports", file("\n")),
        ("ipv4/tcp_congestion_control", file("cubic\n")),
        ("ipv4/tcp_mem", file("1\t2\t3\n")),
        ("ipv4/conf/all/rp_filter", file("2\n")),
        ("ipv4/conf/eth0.7/rp_filter", file("1\n")),
        ("ipv4/conf/eth0.7/accept_local", file("0\n")),
        ("ipv6/conf/eth0.7/use_tempaddr", file("-1\n")),
        ("ipv6/conf/eth0.7/mtu", file("1400\n")),
    ]))
    .unwrap();
    assert_eq!(
        shown(&lifted.config),
        [
            "sysctl net.ipv4.conf all rp_filter 2",
            "sysctl net.ipv4.conf eth0.7 accept_local 0 rp_filter 1",
            "sysctl net.ipv4.ip_forward value 1",
            "sysctl net.ipv4.ip_local_port_range value [32768 60999]",
            "sysctl net.ipv4.ip_local_reserved_ports value ",
            "sysctl net.ipv4.tcp_congestion_control value cubic",
            "sysctl net.ipv6.conf eth0.7 use_tempaddr -1",
        ]
    );
    assert_eq!(
        shown(&lifted.runtime),
        [
            "sysctl net.ipv4.tcp_mem value [1 2 3]",
            "sysctl net.ipv6.conf eth0.7 mtu 1400"
        ]
    );
    assert_eq!(lifted.gaps, []);
}

#[test]
fn what_is_not_readable_is_a_gap_of_its_fact() {
    let refused = || PartRead::Unreadable {
        why: "refused".to_owned(),
    };
    let lifted = lift(&host(&[
        ("ipv4/ip_forward", refused()),
        ("ipv4/conf/all/rp_filter", file("1\n")),
        ("ipv4/conf/all/proxy_arp", refused()),
        ("ipv4/conf/all/arp_ignore", refused()),
    ]))
    .unwrap();
    let gaps: Vec<_> = lifted
        .gaps
        .iter()
        .map(|gap| (gap.path.as_str(), gap.why.as_str()))
        .collect();
    assert_eq!(
        gaps,
        [
            ("sysctl/net.ipv4.ip_forward", "refused"),
            ("sysctl/net.ipv4.conf/all", "refused, and 1 more")
        ]
    );
    assert_eq!(shown(&lifted.config), ["sysctl net.ipv4.conf all rp_filter 1"]);
}

#[test]
fn what_was_not_asked_for_is_an_error() {
    let mut raw = host(&[]);
    raw.parts.pop();
    assert!(matches!(lift(&raw), Err(LiftError::Part { .. })));
    let mut raw = host(&[("ipv4/ip_forward", PartRead::Messages { messages: Vec::new() })]);
    assert!(matches!(lift(&raw), Err(LiftError::Part { .. })));
    raw.links.clear();
    assert!(lift(&raw).is_err());
}

#[test]
fn a_value_is_a_number_only_if_no_spelling_is_lost() {
    for (content, expected) in [
        ("0\n", Value::number(0u8)),
        ("18446744073709551615", Value::Number(Big(u64::MAX))),
        ("007", Value::Text("007".into())),
        ("18446744073709551616", Value::Text("18446744073709551616".into())),
        ("80,443,8000-8080\n", Value::Text("80,443,8000-8080".into())),
        ("", Value::Text(Text::default())),
    ] {
        assert_eq!(value(&content.into()), expected, "{content}");
    }
    assert_eq!(
        value(&Text::from(&b"\xff\n"[..])),
        Value::Text(Text::from(&b"\xff"[..]))
    );
}

#[test]
fn each_name_stands_once_and_says_what_it_decides() {
    for parameters in [GLOBAL, IPV4_LINK, IPV6_LINK, IPV4_NEIGHBOUR, IPV6_NEIGHBOUR] {
        for pair in parameters.windows(2) {
            assert!(
                pair[0].name < pair[1].name,
                "{} before {}",
                pair[0].name,
                pair[1].name
            );
        }
        assert!(parameters.iter().all(|parameter| !parameter.decides.is_empty()));
    }
    assert_eq!(
        decides("net.ipv4.ip_forward"),
        Some("whether IPv4 is forwarded at all")
    );
    assert!(decides("net.ipv4.conf.rp_filter").is_some());
    assert_eq!(decides("net.ipv4.unknown"), None);
}
