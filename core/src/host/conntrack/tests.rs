//! Messages written attribute by attribute.

use super::*;
use crate::bytes::Hex;
use crate::raw::{HostPart, PartRead};

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len() + 4).unwrap();
    let mut out = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

fn message(message_type: u16, cpu: u8, attributes: &[Vec<u8>]) -> RawMessage {
    RawMessage {
        message_type,
        payload: Hex([vec![0, 0, 0, cpu], attributes.concat()].concat()),
    }
}

fn host(count: &str, max: &str, answers: &[(&str, RawMessage)]) -> HostRaw {
    let part = |source: &str, read| HostPart {
        source: source.to_owned(),
        read,
    };
    let mut parts = vec![
        part(
            COUNT,
            PartRead::File {
                content: count.into(),
            },
        ),
        part(MAX, PartRead::File { content: max.into() }),
    ];
    for source in [STATISTICS, EXPECTATIONS, HELPERS, TIMEOUTS] {
        let given = answers.iter().filter(|(answered, _)| *answered == source);
        let messages = given.map(|(_, message)| message.clone()).collect();
        parts.push(part(source, PartRead::Messages { messages }));
    }
    HostRaw {
        links: Vec::new(),
        parts,
    }
}

fn shown(facts: &Facts) -> Vec<String> {
    facts.facts.iter().map(ToString::to_string).collect()
}

fn be32(kind: u16, number: u32) -> Vec<u8> {
    attribute(kind, &number.to_be_bytes())
}

fn helper() -> RawMessage {
    let tuple = [attribute(1, &2u16.to_be_bytes()), attribute(2, &[6])].concat();
    let policy = [attribute(1, b"ftp\0"), be32(2, 1), be32(3, 300)].concat();
    let policies = [be32(1, 1), attribute(2, &policy)].concat();
    message(
        HELPER_TYPE,
        0,
        &[
            attribute(1, b"ftp\0"),
            attribute(2, &tuple),
            be32(3, 7),
            attribute(4, &policies),
            be32(5, 24),
            be32(6, 1),
        ],
    )
}

fn timeouts() -> RawMessage {
    let data = [be32(3, 100), be32(8, 5), be32(40, 1)].concat();
    message(
        TIMEOUT_TYPE,
        0,
        &[
            attribute(1, b"short\0"),
            attribute(2, &2u16.to_be_bytes()),
            attribute(3, &[6]),
            attribute(4, &data),
            be32(5, 3),
        ],
    )
}

fn expectation() -> RawMessage {
    let tuple = |source: [u8; 4], port: u16| {
        let ip = [attribute(1, &source), attribute(2, &[10, 0, 0, 2])].concat();
        let ports = [
            attribute(1, &[6]),
            attribute(2, &0u16.to_be_bytes()),
            attribute(3, &port.to_be_bytes()),
        ]
        .concat();
        [attribute(1, &ip), attribute(2, &ports)].concat()
    };
    message(
        EXPECTATION_TYPE,
        0,
        &[
            attribute(1, &tuple([10, 0, 0, 1], 21)),
            attribute(2, &tuple([10, 0, 0, 1], 2000)),
            attribute(3, &tuple([255; 4], 65535)),
            be32(4, 299),
            be32(5, 0xdead),
            attribute(6, b"ftp\0"),
        ],
    )
}

#[test]
fn helpers_and_policies_are_configuration_and_use_is_not() {
    let counted = message(
        STATISTICS_TYPE,
        1,
        &[be32(9, 4), be32(10, 2), be32(11, 1), be32(13, 6), be32(77, 1)],
    );
    let lifted = lift(&host(
        "17\n",
        "262144\n",
        &[
            (STATISTICS, counted),
            (HELPERS, helper()),
            (TIMEOUTS, timeouts()),
            (EXPECTATIONS, expectation()),
        ],
    ))
    .unwrap();
    assert_eq!(
        shown(&lifted.config),
        [
            "conntrack max 262144",
            "helper ftp ipv4 tcp queue 7 policies [{name ftp expect_max 1 expect_timeout_s 300}] private_bytes 24 \
             status enabled",
            "timeout-policy short family ipv4 protocol tcp seconds {established 100 close 5 attribute_40 00000001}",
        ]
    );
    assert_eq!(
        shown(&lifted.runtime),
        [
            "conntrack count 17",
            "expectation src=10.0.0.1 dst=10.0.0.2 proto=tcp sport=0 dport=2000 \
             master src=10.0.0.1 dst=10.0.0.2 proto=tcp sport=0 dport=21 \
             mask src=255.255.255.255 dst=10.0.0.2 proto=tcp sport=0 dport=65535 seconds 299 helper ftp",
            "statistics cpu 1 insert_failed 4 drop 2 early_drop 1 search_restart 6 attribute 77 00000001",
            "timeout-policy short uses 3",
        ]
    );
    assert_eq!((lifted.gaps.len(), lifted.warnings.len()), (0, 0));
}

#[test]
fn a_table_that_fills_up_is_said() {
    for (count, max, expected) in [
        ("94", "100", None),
        ("95", "100", Some("CONNTRACK_NEARLY_FULL")),
        ("100", "100", Some("CONNTRACK_FULL")),
        ("101", "100", Some("CONNTRACK_FULL")),
        ("7", "0", None),
    ] {
        let warnings = lift(&host(count, max, &[])).unwrap().warnings;
        assert_eq!(
            warnings.first().map(|warning| warning.code.as_str()),
            expected,
            "{count} of {max}"
        );
    }
    assert!(lift(&host("many", "100", &[])).is_err());
}

#[test]
fn what_was_not_read_is_a_gap_and_a_foreign_message_an_error() {
    let mut raw = host("1", "2", &[]);
    raw.parts[3].read = PartRead::Unreadable {
        why: "refused".to_owned(),
    };
    assert_eq!(lift(&raw).unwrap().gaps[0].path, EXPECTATIONS);
    raw.parts.pop();
    assert!(lift(&raw).is_err());
    assert!(matches!(
        lift(&host("1", "2", &[(HELPERS, timeouts())])),
        Err(LiftError::Type { .. })
    ));
}

#[test]
fn every_cut_inside_an_attribute_is_an_error_and_no_byte_panics() {
    for (source, whole) in [
        (HELPERS, helper()),
        (TIMEOUTS, timeouts()),
        (EXPECTATIONS, expectation()),
    ] {
        let mut ends = vec![HEADER];
        while let Some(length) = whole.payload.0.get(ends[ends.len() - 1]) {
            ends.push(ends[ends.len() - 1] + usize::from(*length).next_multiple_of(4));
        }
        for cut in (0..whole.payload.0.len()).filter(|cut| !ends.contains(&cut.next_multiple_of(4))) {
            let mut short = whole.clone();
            short.payload.0.truncate(cut);
            assert!(
                lift(&host("1", "2", &[(source, short)])).is_err(),
                "{source} {cut}"
            );
        }
        for at in 0..whole.payload.0.len() {
            for byte in [0, 1, 3, 4, 0x7f, 0xff] {
                let mut changed = whole.clone();
                changed.payload.0[at] = byte;
                lift(&host("1", "2", &[(source, changed)])).ok();
            }
        }
    }
}
