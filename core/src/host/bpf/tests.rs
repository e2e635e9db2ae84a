//! Messages and structures written field by field.

use super::*;
use crate::raw::{HostPart, LinkName, PartRead};

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len() + 4).unwrap();
    let mut out = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

fn message(payload: Vec<u8>) -> RawMessage {
    RawMessage {
        message_type: 0,
        payload: Hex(payload),
    }
}

fn number(kind: u16, value: u32) -> Vec<u8> {
    attribute(kind, &value.to_ne_bytes())
}

/// A link's message as the kernel sends it: with its name before and its group behind.
fn link(mode: u8, programs: &[(u16, u32)]) -> RawMessage {
    let mut header = vec![0; 16];
    header[4] = 2;
    let mut nested = attribute(2, &[mode]);
    nested.extend(programs.iter().flat_map(|(kind, id)| number(*kind, *id)));
    message(
        [
            header,
            attribute(3, b"eth0\0"),
            attribute(43 | 0x8000, &nested),
            number(27, 0),
        ]
        .concat(),
    )
}

fn place(fields: &[(u16, u32)], path: Option<&str>) -> RawMessage {
    let mut payload: Vec<u8> = fields
        .iter()
        .flat_map(|(kind, value)| number(*kind, *value))
        .collect();
    payload.extend(
        path.iter()
            .flat_map(|path| attribute(attached::PATH, path.as_bytes())),
    );
    message(payload)
}

fn netfilter(kind: u32) -> RawMessage {
    let priority = u32::from_ne_bytes((-100i32).to_ne_bytes());
    message(
        [kind, 5, 70, 0, 2, 1, priority, 1]
            .iter()
            .flat_map(|word: &u32| word.to_ne_bytes())
            .collect(),
    )
}

/// `struct bpf_prog_info`.
fn program(kind: u32, id: u32, name: &[u8]) -> RawMessage {
    let mut bytes = vec![0; 128];
    bytes[..4].copy_from_slice(&kind.to_ne_bytes());
    bytes[4..8].copy_from_slice(&id.to_ne_bytes());
    bytes[8..16].copy_from_slice(&[0xa0, 1, 2, 3, 4, 5, 6, 7]);
    bytes[40..48].fill(0x77);
    bytes[64..64 + name.len()].copy_from_slice(name);
    message(bytes)
}

fn host(answers: &[(&str, RawMessage)]) -> HostRaw {
    let part = |source: &str| {
        let given = answers.iter().filter(|(answered, _)| *answered == source);
        let messages = given.map(|(_, message)| message.clone()).collect();
        HostPart {
            source: source.to_owned(),
            read: PartRead::Messages { messages },
        }
    };
    HostRaw {
        links: vec![LinkName {
            index: 2,
            name: "eth0".into(),
        }],
        parts: [XDP, LINKS, CGROUPS, NAMESPACE, NETFILTER, PROGRAMS]
            .map(part)
            .to_vec(),
    }
}

fn shown(facts: &Facts) -> Vec<String> {
    facts.facts.iter().map(ToString::to_string).collect()
}

fn all() -> Vec<(&'static str, RawMessage)> {
    vec![
        (XDP, xdp_only(&link(2, &[(4, 70), (6, 70)])).unwrap().unwrap()),
        (
            LINKS,
            place(
                &[
                    (attached::TYPE, 46),
                    (attached::LINK, 2),
                    (attached::PROGRAM, 71),
                    (attached::PLACE, 1),
                ],
                None,
            ),
        ),
        (
            LINKS,
            place(
                &[
                    (attached::TYPE, 46),
                    (attached::LINK, 2),
                    (attached::PROGRAM, 70),
                    (attached::PLACE, 2),
                ],
                None,
            ),
        ),
        (
            CGROUPS,
            place(
                &[
                    (attached::TYPE, 10),
                    (attached::PROGRAM, 71),
                    (attached::PLACE, 1),
                    (attached::FLAGS, 2),
                ],
                Some("/a.slice"),
            ),
        ),
        (
            NAMESPACE,
            place(&[(attached::TYPE, 36), (attached::PROGRAM, 70)], None),
        ),
        (NETFILTER, netfilter(10)),
        (PROGRAMS, program(6, 70, b"drop_all")),
        (PROGRAMS, program(3, 71, b"")),
    ]
}

#[test]
fn programs_stand_at_their_places_by_digest() {
    let lifted = lift(&host(&all())).unwrap();
    let (named, unnamed) = (
        "type xdp name drop_all tag a001020304050607",
        "type sched_cls tag a001020304050607",
    );
    assert_eq!(
        shown(&lifted.config),
        [
            format!("bpf cgroup /a.slice inet4_connect 1 {unnamed} below multi"),
            format!("bpf netfilter ipv4 input -100 {named} defrag"),
            format!("bpf sk_lookup 1 {named}"),
            format!("bpf tcx-ingress eth0 1 {unnamed}"),
            format!("bpf tcx-ingress eth0 2 {named}"),
            format!("bpf xdp eth0 generic {named}"),
        ]
    );
    assert_eq!(shown(&lifted.runtime)[5], "bpf xdp eth0 generic id 70");
    assert_eq!(lifted.gaps, []);
}

#[test]
fn what_privilege_hides_is_a_gap_and_that_something_is_there_stays() {
    let mut raw = host(&all());
    raw.parts[5].read = PartRead::Unreadable {
        why: "refused".to_owned(),
    };
    let lifted = lift(&raw).unwrap();
    assert_eq!(lifted.config.facts.len(), 6);
    assert_eq!(shown(&lifted.config)[5], "bpf xdp eth0 generic");
    assert_eq!(lifted.gaps[0].path, "bpf");
    raw.parts[4].read = PartRead::Unreadable {
        why: "refused".to_owned(),
    };
    assert_eq!(lift(&raw).unwrap().gaps[0].path, "bpf/netfilter");
    raw.parts.remove(0);
    assert!(lift(&raw).is_err(), "XDP was not asked for");
}

#[test]
fn a_program_that_nobody_describes_is_an_error() {
    let mut answers = all();
    answers.pop();
    assert!(matches!(lift(&host(&answers)), Err(LiftError::Part { .. })));
}

#[test]
fn programs_of_each_part_are_those_to_describe() {
    for (part, message) in all().into_iter().filter(|(part, _)| *part != PROGRAMS) {
        let ids = programs(part, &[message]).unwrap();
        assert!(ids == [70] || ids == [71], "{part}: {ids:?}");
    }
}

#[test]
fn xdp_by_mode() {
    assert_eq!(xdp_only(&link(0, &[])).unwrap(), None);
    for (mode, programs, expected) in [
        (1, vec![(4, 70)], vec!["bpf xdp eth0 native id 70"]),
        (3, vec![(4, 70), (7, 70)], vec!["bpf xdp eth0 offload id 70"]),
        (
            4,
            vec![(5, 70), (6, 71)],
            vec!["bpf xdp eth0 generic id 71", "bpf xdp eth0 native id 70"],
        ),
    ] {
        let mut answers = all();
        answers[0].1 = xdp_only(&link(mode, &programs)).unwrap().unwrap();
        let runtime = shown(&lift(&host(&answers)).unwrap().runtime);
        let xdp: Vec<_> = runtime
            .into_iter()
            .filter(|line| line.starts_with("bpf xdp"))
            .collect();
        assert_eq!(xdp, expected);
    }
    assert!(
        xdp_only(&link(9, &[])).is_err(),
        "a mode of another day, without a program"
    );
}

#[test]
fn what_is_cut_or_changed_is_an_error_or_another_answer_never_a_panic() {
    for (place, (part, whole)) in all().into_iter().enumerate() {
        for cut in 0..whole.payload.0.len() {
            let mut answers = all();
            answers[place].1.payload.0.truncate(cut);
            let lifted = lift(&host(&answers));
            // Fields that need not be there end the message; all of `bpf_prog_info` behind the name need not be, either.
            let optional =
                matches!(part, LINKS | CGROUPS | NAMESPACE | XDP) || (part == PROGRAMS && cut >= 80);
            assert!(optional || lifted.is_err(), "{part} {cut}");
        }
        for at in 0..whole.payload.0.len() {
            for byte in [0, 1, 3, 4, 0x7f, 0xff] {
                let mut answers = all();
                answers[place].1.payload.0[at] = byte;
                lift(&host(&answers)).ok();
                xdp_only(&answers[place].1).ok();
            }
        }
    }
}
