//! Decoding of messages written attribute by attribute.

use super::*;
use crate::raw::captured::{attribute, honest_ends, host, message, survives};
use crate::raw::{HostPart, PartRead, RawMessage};

fn told(kind: u16, all: &[Vec<u8>]) -> RawMessage {
    message(0, &[1, 1, 0, 0], &[attribute(kind, &all.concat())])
}

fn address(bytes: [u8; 4]) -> Vec<u8> {
    [bytes.as_slice(), &[0; 12]].concat()
}

fn service() -> RawMessage {
    told(
        SERVICE,
        &[
            attribute(1, &2u16.to_ne_bytes()),
            attribute(2, &6u16.to_ne_bytes()),
            attribute(3, &address([10, 0, 0, 1])),
            attribute(4, &80u16.to_be_bytes()),
            attribute(6, b"wrr\0"),
            attribute(7, &[3u32, u32::MAX].map(u32::to_ne_bytes).concat()),
            attribute(8, &300u32.to_ne_bytes()),
            attribute(9, &[255, 255, 255, 0]),
            attribute(10, &[0; 4]),
            attribute(99, &[1]),
        ],
    )
}

fn destination() -> RawMessage {
    told(
        DESTINATION,
        &[
            attribute(1, &address([10, 0, 1, 1])),
            attribute(2, &8080u16.to_be_bytes()),
            attribute(3, &2u32.to_ne_bytes()),
            attribute(4, &5u32.to_ne_bytes()),
            attribute(5, &100u32.to_ne_bytes()),
            attribute(7, &9u32.to_ne_bytes()),
            attribute(13, &[1]),
            attribute(14, &6080u16.to_be_bytes()),
        ],
    )
}

fn raw(service: RawMessage, destination: RawMessage) -> HostRaw {
    let mut raw = host(SERVICES, vec![service]);
    let daemon = told(
        DAEMON,
        &[
            attribute(1, &1u32.to_ne_bytes()),
            attribute(2, b"eth0\0"),
            attribute(3, &7u32.to_ne_bytes()),
        ],
    );
    let seconds = |kind: u16, seconds: u32| attribute(kind, &seconds.to_ne_bytes());
    let timeouts = message(
        0,
        &[1, 1, 0, 0],
        &[seconds(4, 900), seconds(5, 120), seconds(6, 300)],
    );
    for (source, message) in [
        (destinations(0), destination),
        (DAEMONS.to_owned(), daemon),
        (TIMEOUTS.to_owned(), timeouts),
    ] {
        raw.parts.push(HostPart {
            source,
            read: PartRead::Messages {
                messages: vec![message],
            },
        });
    }
    raw
}

#[test]
fn services_and_what_belongs_to_them_are_shown() {
    let lifted = lift(&raw(service(), destination())).unwrap();
    let lines = |facts: &Facts| facts.facts.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        lines(&lifted.config),
        [
            "daemon master dev eth0 syncid 7",
            "destination tcp 10.0.0.1:80 10.0.1.1:8080 method tunnel weight 5 u_thresh 100 tun_type gue tun_port 6080",
            "service tcp 10.0.0.1:80 scheduler wrr flags [persistent] timeout 300 netmask 255.255.255.0 \
             attribute 99 01",
            "timeouts tcp 900 tcp_fin 120 udp 300",
        ]
    );
    assert_eq!(
        lines(&lifted.runtime),
        [
            "destination tcp 10.0.0.1:80 10.0.1.1:8080 active 9",
            "service tcp 10.0.0.1:80 stats 00000000",
        ]
    );
    let marked = told(
        SERVICE,
        &[
            attribute(1, &10u16.to_ne_bytes()),
            attribute(5, &5u32.to_ne_bytes()),
        ],
    );
    let six = told(DESTINATION, &[attribute(1, &[0xfd; 16]), attribute(2, &[0, 80])]);
    let lifted = lift(&raw(marked, six)).unwrap();
    assert!(
        lines(&lifted.config)
            .contains(&"destination fwmark 5 ipv6 [fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd]:80".to_owned()),
        "{:#?}",
        lines(&lifted.config)
    );
}

#[test]
fn destinations_that_were_not_read_are_gaps_of_their_service() {
    let mut raw = raw(service(), destination());
    raw.parts[1].read = PartRead::Unreadable {
        why: "refused".to_owned(),
    };
    assert_eq!(lift(&raw).unwrap().gaps[0].path, "destination/tcp/10.0.0.1:80");
}

#[test]
fn cuts_are_errors_and_changed_bytes_do_no_harm() {
    for at in 0..2 {
        let pair = [service(), destination()];
        let ends = honest_ends(&pair[at].payload.0, 4);
        for cut in 0..pair[at].payload.0.len() {
            let mut short = pair.clone();
            short[at].payload.0.truncate(cut);
            let [service, destination] = short;
            let result = lift(&raw(service, destination));
            assert!(result.is_err() || (ends.contains(&cut) && cut > 4), "{cut}");
        }
    }
    survives(&raw(service(), destination()), |raw| {
        let _whatever = lift(raw);
    });
}
