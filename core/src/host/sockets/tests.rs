//! Messages written field by field.

use super::*;
use crate::bytes::Hex;
use crate::raw::{HostPart, LinkName};

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len() + 4).unwrap();
    let mut out = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

/// `struct inet_diag_msg` of user 33 with inode 9, bound to link 2 if so said.
fn inet(family: u8, state: u8, address: &[u8], port: u16, peer_port: u16, device: u32) -> Vec<u8> {
    let mut out = vec![family, state, 0, 0];
    out.extend(port.to_be_bytes());
    out.extend(peer_port.to_be_bytes());
    let mut ends = address.to_vec();
    ends.resize(32, 0);
    out.extend(ends);
    out.extend(device.to_ne_bytes());
    out.extend([0xab; 8]);
    for number in [0u32, 3, 128, 33, 9] {
        out.extend(number.to_ne_bytes());
    }
    out
}

fn message(header: Vec<u8>, attributes: &[Vec<u8>]) -> RawMessage {
    RawMessage {
        message_type: BY_FAMILY,
        payload: Hex([header, attributes.concat()].concat()),
    }
}

/// A host on which the kernel answers so.
fn host(answers: &[(&str, Vec<RawMessage>)]) -> HostRaw {
    let file = |source: &str, content: &str| HostPart {
        source: source.to_owned(),
        read: PartRead::File {
            content: content.into(),
        },
    };
    let mut parts = vec![
        file(PORT_RANGE, "32768\t60999\n"),
        file(RESERVED_PORTS, "40000,50000-50010\n"),
    ];
    let sources = ASKED.iter().map(|asked| asked.source).chain([PACKET, MARKS]);
    parts.extend(sources.map(|source| {
        let mut given = answers.iter().filter(|(answered, _)| *answered == source);
        HostPart {
            source: source.to_owned(),
            read: PartRead::Messages {
                messages: given
                    .next()
                    .map(|(_, messages)| messages.clone())
                    .unwrap_or_default(),
            },
        }
    }));
    HostRaw {
        links: vec![LinkName {
            index: 2,
            name: "eth0".into(),
        }],
        parts,
    }
}

fn shown(facts: &Facts) -> Vec<String> {
    facts.facts.iter().map(ToString::to_string).collect()
}

fn listener() -> RawMessage {
    message(
        inet(10, 10, &[0; 16], 443, 0, 2),
        &[
            attribute(4, b"cubic\0"),
            attribute(5, &[16]),
            attribute(6, &[32]),
            attribute(7, &[7u32; 9].map(u32::to_ne_bytes).concat()),
            attribute(8, &[1]),
            attribute(11, &[1]),
            attribute(15, &0x10u32.to_ne_bytes()),
            attribute(17, &4u32.to_ne_bytes()),
            attribute(18, &signature()),
            attribute(19, &attribute(1, b"mptcp\0")),
            attribute(21, &77u64.to_ne_bytes()),
            attribute(22, &[0x02 | 0x20 | 0x40, 0x81]),
            attribute(99, &[1, 2]),
        ],
    )
}

/// `struct tcp_diag_md5sig`: IPv4, /32, a key of three bytes, the address 10.0.0.9.
fn signature() -> Vec<u8> {
    let mut out = vec![2, 32, 3, 0, 10, 0, 0, 9];
    out.resize(20, 0);
    out.extend(b"key");
    out.resize(100, 0);
    out
}

#[test]
fn a_listener_with_everything_that_can_be_set() {
    let lifted = lift(&host(&[("tcp/ipv6", vec![listener()])])).unwrap();
    assert_eq!(
        shown(&lifted.config),
        [
            "socket tcp :: 443 eth0 uid 33 backlog 128 congestion cubic tos 16 tclass 32 v6only mark 16 class_id 4 \
          md5_signed [10.0.0.9/32] ulp mptcp transparent bind_address_no_port options 32768 \
          attribute 99 0102"
        ]
    );
    assert_eq!(
        shown(&lifted.runtime),
        ["socket tcp :: 443 eth0 inode 9 recv_q 3 drops 7 shutdown 1 cgroup 77"]
    );
    assert_eq!(lifted.gaps, []);
}

#[test]
fn workers_alike_are_one_and_what_passes_is_runtime() {
    let udp = |port, peer| {
        message(
            inet(2, 7, &[10, 0, 0, 1], port, peer, 0),
            &[attribute(22, &[0x12, 0])],
        )
    };
    let sockets = vec![
        udp(53, 0),
        udp(53, 0),
        udp(33333, 0),
        udp(40000, 0),
        udp(50010, 0),
        udp(123, 9),
    ];
    let lifted = lift(&host(&[("udp/ipv4", sockets)])).unwrap();
    assert_eq!(
        shown(&lifted.config),
        [
            "socket udp 10.0.0.1 40000 uid 33 no_mc_all",
            "socket udp 10.0.0.1 50010 uid 33 no_mc_all",
            "socket udp 10.0.0.1 53 uid 33 no_mc_all count 2",
        ]
    );
    assert_eq!(lifted.runtime.facts.len(), 6);
    let passing = "socket udp 10.0.0.1 123 peer 0.0.0.0 9 inode 9 recv_q 3 send_q 128 uid 33 no_mc_all";
    assert!(
        shown(&lifted.runtime).contains(&passing.to_owned()),
        "{:?}",
        shown(&lifted.runtime)
    );
}

#[test]
fn sctp_shows_all_its_addresses() {
    let mut storage = vec![0; 256];
    storage[..8].copy_from_slice(&[2, 0, 0, 0, 10, 0, 0, 2]);
    storage[128..130].copy_from_slice(&[10, 0]);
    storage[136..152].copy_from_slice(&[0xfd; 16]);
    let sctp = message(
        inet(2, 10, &[10, 0, 0, 2], 36412, 0, 0),
        &[attribute(12, &storage)],
    );
    let lifted = lift(&host(&[("sctp/ipv4", vec![sctp])])).unwrap();
    let expected = "socket sctp 10.0.0.2 36412 uid 33 backlog 128 \
                    addresses [10.0.0.2 fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd]";
    assert_eq!(shown(&lifted.config), [expected]);
}

fn packet() -> RawMessage {
    let header = [
        vec![17, 3],
        3u16.to_ne_bytes().to_vec(),
        9u32.to_ne_bytes().to_vec(),
        vec![0xab; 8],
    ]
    .concat();
    let info = [2u32, 2, 4, 0, 0, 1 | 2 | 64].map(u32::to_ne_bytes).concat();
    let mut membership = [2u32, 1].map(u32::to_ne_bytes).concat();
    membership.extend([0, 0, 6, 0, 1, 0, 0x5e, 0, 0, 1]);
    membership.resize(44, 0);
    let ring = [4096u32, 2, 2048, 4, 0, 0, 0].map(u32::to_ne_bytes).concat();
    message(
        header,
        &[
            attribute(0, &info),
            attribute(1, &membership),
            attribute(2, &ring),
            attribute(4, &(7u32 | 2 << 16 | 0x10 << 24).to_ne_bytes()),
            attribute(5, &33u32.to_ne_bytes()),
            attribute(6, &[5u32; 9].map(u32::to_ne_bytes).concat()),
            attribute(7, &[0x28, 0, 0, 0, 12, 0, 0, 0, 0x06, 0, 1, 2, 0xff, 0xff, 0, 0]),
        ],
    )
}

#[test]
fn a_packet_socket_with_its_filter() {
    let lifted = lift(&host(&[(PACKET, vec![packet()])])).unwrap();
    assert_eq!(
        shown(&lifted.config),
        ["socket packet raw all eth0 version 2 reserve 4 auxdata flags 64 \
          memberships [{dev eth0 type multicast address 01005e000001}] \
          rx_ring {block_size 4096 block_nr 2 frame_size 2048 frame_nr 4} fanout cpu fanout_flags 16 uid 33 \
          filter [0x28 0 0 12 0x06 1 2 65535]"]
    );
    assert_eq!(
        shown(&lifted.runtime),
        ["socket packet raw all eth0 inode 9 running fanout_group 7 drops 5"]
    );
    let mut kept = packet();
    let filter = kept.payload.0.len() - 20;
    kept.payload.0.truncate(filter);
    kept.payload.0.extend(attribute(7, &[]));
    let lifted = lift(&host(&[(PACKET, vec![kept])])).unwrap();
    assert_eq!(lifted.gaps.len(), 1, "an empty filter is one that was not shown");
}

#[test]
fn raw_sockets_come_from_the_list_where_there_is_nothing_else() {
    let head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n";
    let word = |bytes: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(bytes));
    let line = format!(
        "   1: {}:0059 00000000:0000 07 00000000:00000010 00:00000000 00000000   104        0 6193 2 0000000000000000 4\n",
        word([10, 0, 0, 1])
    );
    let list = |text: String| {
        let mut raw = host(&[]);
        let part = raw
            .parts
            .iter_mut()
            .find(|part| part.source == "raw/ipv4")
            .unwrap();
        part.read = PartRead::File { content: text.into() };
        raw
    };
    let lifted = lift(&list(format!("{head}{line}"))).unwrap();
    assert_eq!(shown(&lifted.config), ["socket raw 10.0.0.1 89 uid 104"]);
    assert_eq!(
        shown(&lifted.runtime),
        ["socket raw 10.0.0.1 89 inode 6193 recv_q 16 drops 4"]
    );
    for wrong in [
        "",
        "   1: 0100007F:0001",
        &head[..60],
        format!("{head}{line}").trim_end(),
        &format!("{head}  1: 01:0001\n"),
        &format!("{head}{}", line.replace(" 4\n", "\n")),
    ] {
        assert!(lift(&list(wrong.to_owned())).is_err(), "{wrong}");
    }
}

#[test]
fn keys_are_blanked_and_nothing_else() {
    let mut blanked = listener();
    blank_keys(&mut blanked);
    let key = |message: &RawMessage| message.payload.0.windows(3).any(|bytes| bytes == b"key");
    assert!(key(&listener()) && !key(&blanked));
    let host = |message: RawMessage| lift(&host(&[("tcp/ipv6", vec![message])])).unwrap();
    assert_eq!(host(blanked), host(listener()));
}

#[test]
fn every_cut_is_an_error_but_an_honest_end() {
    for (source, whole, header) in [("tcp/ipv6", listener(), 72), (PACKET, packet(), 16)] {
        let mut ends = vec![header];
        while let Some(length) = whole.payload.0.get(ends[ends.len() - 1]) {
            ends.push(ends[ends.len() - 1] + usize::from(*length).next_multiple_of(4));
        }
        for cut in 0..whole.payload.0.len() {
            let mut short = whole.clone();
            short.payload.0.truncate(cut);
            // The padding of the last attribute may be missing.
            let honest = ends.contains(&cut)
                || ends.contains(&cut.next_multiple_of(4))
                    && lift(&host(&[(source, vec![short.clone()])])).is_ok();
            assert_eq!(
                lift(&host(&[(source, vec![short])])).is_ok(),
                honest,
                "{source} {cut}"
            );
        }
    }
}

#[test]
fn no_byte_makes_it_panic() {
    for (source, whole) in [
        ("tcp/ipv6", listener()),
        (PACKET, packet()),
        ("sctp/ipv4", listener()),
    ] {
        for at in 0..whole.payload.0.len() {
            for byte in [0, 1, 3, 4, 0x7f, 0xff] {
                let mut changed = whole.clone();
                changed.payload.0[at] = byte;
                blank_keys(&mut changed);
                lift(&host(&[(source, vec![changed])])).ok();
            }
        }
    }
}

#[test]
fn what_was_not_read_or_asked_is_no_empty_list() {
    let mut raw = host(&[]);
    for part in &mut raw.parts {
        if part.source == "tcp/ipv4" || part.source == MARKS {
            part.read = PartRead::Unreadable {
                why: "refused".to_owned(),
            };
        }
    }
    let paths: Vec<_> = lift(&raw).unwrap().gaps.into_iter().map(|gap| gap.path).collect();
    assert_eq!(paths, ["socket", "socket/tcp"]);
    raw.parts.retain(|part| part.source != "udp/ipv6");
    assert!(lift(&raw).is_err());
    let foreign = message(inet(2, 10, &[0; 4], 1, 0, 3), &[]);
    assert!(matches!(
        lift(&host(&[("tcp/ipv4", vec![foreign])])),
        Err(LiftError::NoLink { index: 3, .. })
    ));
}
