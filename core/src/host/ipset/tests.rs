//! Decoding of messages written attribute by attribute.

use super::*;
use crate::raw::RawMessage;
use crate::raw::captured::{attribute, honest_ends, host, message, survives};

fn described(name: &str, kind: &str, data: &[Vec<u8>], elements: &[Vec<u8>]) -> RawMessage {
    let mut all = vec![
        attribute(1, &[7]),
        attribute(SETNAME, &[name.as_bytes(), b"\0"].concat()),
        attribute(TYPENAME, &[kind.as_bytes(), b"\0"].concat()),
        attribute(4, &[6]),
        attribute(5, &[2]),
        attribute(INDEX, &7u16.to_be_bytes()),
        attribute(DATA, &data.concat()),
    ];
    all.push(attribute(ADT, &elements.concat()));
    message(LIST, &[2, 0, 0, 0], &all)
}

fn element(parts: &[Vec<u8>]) -> Vec<u8> {
    attribute(DATA, &parts.concat())
}

fn ip(kind: u16, address: [u8; 4]) -> Vec<u8> {
    attribute(kind, &attribute(1, &address))
}

fn number(kind: u16, number: u32) -> Vec<u8> {
    attribute(kind, &number.to_be_bytes())
}

fn lines(messages: Vec<RawMessage>) -> (Vec<String>, Vec<String>) {
    let lifted = lift(&host(SOURCE, messages)).unwrap();
    let lines = |facts: &Facts| facts.facts.iter().map(ToString::to_string).collect();
    (lines(&lifted.config), lines(&lifted.runtime))
}

fn only(kind: &str, parts: &[Vec<u8>]) -> String {
    lines(vec![described("s", kind, &[], &[element(parts)])])
        .0
        .remove(0)
}

#[test]
fn a_set_is_shown_as_it_was_created() {
    let data = [
        number(8, 0x08 | 0x10 | 0x20 | 0x40 | 0x100),
        number(18, 2048),
        number(19, 100),
        attribute(20, &[24]),
        attribute(21, &[12]),
        number(17, 0x1234),
        attribute(11, &0xff_u32.to_ne_bytes()),
        attribute(12, &attribute(1, &[255, 255, 0, 0])),
        number(25, 3),
        number(26, 4000),
        number(24, 0),
        attribute(99, &[1]),
    ];
    let (config, runtime) = lines(vec![described("s", "hash:ip,mark", &data, &[])]);
    assert_eq!(
        config,
        [
            "create s hash:ip,mark family inet markmask 0x000000ff maxelem 100 netmask 24 bitmask 255.255.0.0 \
          bucketsize 12 counters comment skbinfo forceadd flags 0x100 attribute 99 01"
        ]
    );
    assert_eq!(
        runtime,
        [
            "create s hash:ip,mark revision 6 hashsize 2048 initval 0x00001234 elements 0 references 3 memsize 4000"
        ]
    );
    let ports = [
        attribute(4, &1u16.to_be_bytes()),
        attribute(5, &9u16.to_be_bytes()),
    ];
    let (config, _) = lines(vec![described("s", "bitmap:port", &ports, &[])]);
    assert_eq!(config, ["create s bitmap:port range 1-9"]);
    let addresses = [ip(1, [10, 0, 0, 0]), ip(2, [10, 0, 0, 255])];
    let (config, _) = lines(vec![described("s", "bitmap:ip", &addresses, &[])]);
    assert_eq!(config, ["create s bitmap:ip range 10.0.0.0-10.0.0.255"]);
}

#[test]
#[allow(clippy::too_many_lines, reason = "one table of all types")]
fn elements_of_every_type_are_shown_as_ipset_shows_them() {
    let a = || ip(1, [10, 0, 0, 1]);
    let second = || ip(20, [10, 9, 0, 0]);
    let port = |number: u16| attribute(4, &number.to_be_bytes());
    let proto = |number: u8| attribute(7, &[number]);
    let mac = || attribute(17, &[2, 0xaa, 0, 0, 0, 1]);
    let iface = || attribute(23, b"eth0\0");
    let cases: [(&str, Vec<Vec<u8>>, &str); 20] = [
        ("hash:ip", vec![a()], "10.0.0.1"),
        ("hash:ip", vec![a(), ip(2, [10, 0, 0, 9])], "10.0.0.1-10.0.0.9"),
        ("hash:net", vec![a(), attribute(3, &[24])], "10.0.0.1/24"),
        (
            "hash:net",
            vec![a(), attribute(3, &[32]), number(8, 4)],
            "10.0.0.1 nomatch",
        ),
        ("hash:ip,mac", vec![a(), mac()], "10.0.0.1,02:AA:00:00:00:01"),
        ("bitmap:ip,mac", vec![a()], "10.0.0.1"),
        ("hash:mac", vec![mac()], "02:AA:00:00:00:01"),
        ("hash:ip,mark", vec![a(), number(10, 255)], "10.0.0.1,0x000000ff"),
        ("hash:ip,port", vec![a(), port(80), proto(6)], "10.0.0.1,tcp:80"),
        (
            "hash:ip,port",
            vec![a(), port(0x0800), proto(1)],
            "10.0.0.1,icmp:8/0",
        ),
        (
            "hash:ip,port",
            vec![a(), port(0x8000), proto(58)],
            "10.0.0.1,icmpv6:128/0",
        ),
        ("hash:ip,port", vec![a(), port(0), proto(47)], "10.0.0.1,47:0"),
        ("bitmap:port", vec![port(80)], "80"),
        (
            "bitmap:port",
            vec![port(80), attribute(5, &90u16.to_be_bytes())],
            "80-90",
        ),
        (
            "hash:ip,port,ip",
            vec![a(), port(5), proto(17), second()],
            "10.0.0.1,udp:5,10.9.0.0",
        ),
        (
            "hash:ip,port,net",
            vec![a(), port(5), proto(132), second(), attribute(21, &[16])],
            "10.0.0.1,sctp:5,10.9.0.0/16",
        ),
        (
            "hash:net,net",
            vec![a(), attribute(3, &[8]), second()],
            "10.0.0.1/8,10.9.0.0",
        ),
        ("hash:net,iface", vec![a(), iface()], "10.0.0.1,eth0"),
        (
            "hash:net,iface",
            vec![a(), iface(), number(8, 0x82)],
            "10.0.0.1,physdev:eth0 wildcard",
        ),
        (
            "hash:net,port,net",
            vec![a(), port(5), proto(136), second(), number(8, 0x200)],
            "10.0.0.1,udplite:5,10.9.0.0 flags 0x200",
        ),
    ];
    for (kind, parts, expected) in cases {
        assert_eq!(only(kind, &parts), format!("add s {expected}"), "{kind}");
    }
    let odd = only("hash:moon", &[attribute(1, &[1])]);
    assert_eq!(odd, "add s 0x0500010001000000 attribute 7 0500010001000000");
}

#[test]
fn what_goes_with_an_element_is_set_and_what_it_counts_is_not() {
    let with = [
        ip(1, [10, 0, 0, 1]),
        attribute(26, b"hi there\0"),
        attribute(27, &[0, 0, 0, 1, 0, 0, 0, 255]),
        number(28, 0x0001_0010),
        attribute(29, &3u16.to_be_bytes()),
        attribute(25, &5u64.to_be_bytes()),
        attribute(24, &6u64.to_be_bytes()),
        attribute(99, &[1]),
    ];
    let elements = [element(&with)];
    let (config, runtime) = lines(vec![described("s", "hash:ip", &[], &elements)]);
    assert_eq!(
        config[0],
        "add s 10.0.0.1 comment \"hi there\" skbmark 0x1/0xff skbprio 1:10 skbqueue 3 attribute 99 01"
    );
    assert_eq!(runtime[0], "add s 10.0.0.1 packets 5 bytes 6");
    // In a set with a timeout all of it ends by itself.
    let (config, runtime) = lines(vec![described("s", "hash:ip", &[number(6, 300)], &elements)]);
    assert_eq!(config, ["create s hash:ip family inet timeout 300"]);
    assert_eq!(runtime.len(), 2);
}

/// A ban for ever in a set of bans that end: it is there until someone deletes it.
#[test]
fn an_element_without_an_end_is_set_also_where_others_end() {
    let one = |last, timeout| {
        element(&[
            ip(1, [10, 0, 0, last]),
            number(6, timeout),
            attribute(25, &5u64.to_be_bytes()),
        ])
    };
    let elements = [one(1, 0), one(2, 1)];
    let (config, runtime) = lines(vec![described("s", "hash:ip", &[number(6, 300)], &elements)]);
    assert_eq!(
        config,
        [
            "add s 10.0.0.1 timeout 0",
            "create s hash:ip family inet timeout 300"
        ]
    );
    assert_eq!(
        runtime[..2],
        ["add s 10.0.0.1 packets 5", "add s 10.0.0.2 timeout 1 packets 5"]
    );
}

#[test]
fn a_list_of_sets_keeps_its_order_and_more_messages_bring_more_elements() {
    let name = |name: &[u8]| element(&[attribute(18, name)]);
    let list = |names: &[Vec<u8>]| described("l", "list:set", &[number(23, 8)], names);
    let (config, _) = lines(vec![list(&[name(b"b\0"), name(b"a\0")])]);
    assert_eq!(config, ["create l list:set size 8 members [b a]"]);
    let more = message(
        LIST,
        &[2, 0, 0, 0],
        &[
            attribute(1, &[7]),
            attribute(SETNAME, b"s\0"),
            attribute(ADT, &element(&[ip(1, [10, 0, 0, 2])])),
        ],
    );
    let first = described("s", "hash:ip", &[], &[element(&[ip(1, [10, 0, 0, 1])])]);
    let messages = vec![list(&[name(b"s\0")]), first, more.clone()];
    let lifted = lift(&host(SOURCE, messages)).unwrap();
    assert_eq!(
        save(&lifted.config),
        "create s hash:ip family inet\ncreate l list:set size 8\nadd s 10.0.0.1\nadd s 10.0.0.2\nadd l s\n"
    );
    assert!(
        lift(&host(SOURCE, vec![more])).is_err(),
        "a set that nothing described"
    );
}

#[test]
fn the_numbers_of_sets_are_read() {
    let found = names(&[described("s", "hash:ip", &[], &[])]).unwrap();
    assert_eq!((found[0].index, found[0].name.to_string()), (7, "s".to_owned()));
}

#[test]
fn cuts_are_errors_and_changed_bytes_do_no_harm() {
    let whole = described(
        "s",
        "hash:ip,port,net",
        &[number(19, 5)],
        &[element(&[
            ip(1, [10, 0, 0, 1]),
            attribute(4, &[0, 80]),
            attribute(7, &[6]),
            ip(20, [10, 0, 0, 0]),
            attribute(21, &[8]),
        ])],
    );
    let ends = honest_ends(&whole.payload.0, 4);
    for cut in 0..whole.payload.0.len() {
        let mut short = whole.clone();
        short.payload.0.truncate(cut);
        let result = lift(&host(SOURCE, vec![short]));
        assert!(result.is_err() || ends.contains(&cut), "{cut}");
    }
    survives(&host(SOURCE, vec![whole]), |raw| {
        let _whatever = lift(raw);
    });
}
