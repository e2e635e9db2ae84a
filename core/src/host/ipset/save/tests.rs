//! Texts as `ipset` 7.17 prints them.

use super::*;

fn lines(text: &str) -> (Vec<String>, Vec<String>) {
    let section = parse(text.as_bytes()).unwrap();
    assert_eq!(
        (&section.state, section.gaps.as_slice()),
        (&State::Captured, [].as_slice())
    );
    let Some(Content::Facts { config, runtime }) = section.content else {
        panic!("no facts");
    };
    let lines = |facts: &Facts| facts.facts.iter().map(ToString::to_string).collect();
    (lines(&config), lines(&runtime))
}

#[test]
fn a_set_and_its_elements_are_what_the_kernel_would_give() {
    let (config, runtime) = lines(
        "create s hash:ip,port family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x1234 counters comment skbinfo\n\
         add s 10.0.0.1,udp:53 packets 3 bytes 200 comment \"hi there\" skbmark 0x1/0xff skbprio 1:10 skbqueue 3\n\
         add s 10.0.0.2,icmp:echo-request packets 0 bytes 0\n",
    );
    assert_eq!(
        config,
        [
            "add s 10.0.0.1,udp:53 comment \"hi there\" skbmark 0x1/0xff skbprio 1:10 skbqueue 3",
            "add s 10.0.0.2,icmp:8/0",
            "create s hash:ip,port family inet maxelem 65536 bucketsize 12 counters comment skbinfo",
        ]
    );
    assert_eq!(
        runtime[2],
        "create s hash:ip,port hashsize 1024 initval 0x00001234"
    );
}

#[test]
fn what_ends_by_itself_is_runtime_and_a_list_holds_its_members() {
    let (config, runtime) = lines(
        "create short hash:ip family inet hashsize 64 maxelem 65536 timeout 300 bucketsize 12 initval 0x1\n\
         add short 10.0.0.3 timeout 297\nadd short 10.0.0.4 timeout 0\ncreate l list:set size 9\nadd l short\n",
    );
    assert_eq!(
        config,
        [
            "add short 10.0.0.4 timeout 0",
            "create l list:set size 9 members [short]",
            "create short hash:ip family inet maxelem 65536 timeout 300 bucketsize 12",
        ]
    );
    assert_eq!(runtime[0], "add short 10.0.0.3 timeout 297");
}

#[test]
fn what_is_not_understood_is_a_gap_and_a_cut_text_is_torn() {
    let section = parse(b"create s hash:ip family inet wonder 3\nadd s 10.0.0.1\n").unwrap();
    assert_eq!(section.gaps[0].path, "create/s/hash:ip");
    assert!(matches!(section.state, State::Unreadable { .. }));
    for element in ["10.0.0.0/24", "10.0.0.1-10.0.0.9", "10.0.0.1,tcp:80", "nonsense"] {
        let text = format!("create s hash:ip\nadd s {element}\n");
        let section = parse(text.as_bytes()).unwrap();
        assert_eq!(section.gaps.len(), 1, "{element}");
        assert_eq!(section.gaps[0].path, format!("add/s/{element}"));
    }
    for text in [
        "create s hash:ip\nadd s 10.0.0.1",
        "create s hash:ip\nadd s 10.0.",
    ] {
        assert!(
            matches!(parse(text.as_bytes()).unwrap().state, State::Torn { .. }),
            "{text}"
        );
    }
}

#[test]
fn another_text_is_refused_and_an_empty_one_is_warned_of() {
    for text in [
        "add s 10.0.0.1\n",
        "*filter\n",
        "create s nonsense\n",
        "create s hash:ip\nflush s\n",
        "create s hash:ip\nadd s 10.0.0.1 comment \"open\n",
        "create s hash:ip\n\0\n",
    ] {
        assert!(parse(text.as_bytes()).is_err(), "{text:?}");
    }
    assert!(parse(&[0xff, 0xfe]).is_err());
    for text in ["", "\n# nothing\n"] {
        let section = parse(text.as_bytes()).unwrap();
        assert_eq!(section.warnings[0].code, EMPTY_INPUT);
    }
    // What Windows makes of a line's end is none of its words.
    let (config, _) = lines("create s hash:ip\r\nadd s 10.0.0.1\r\n");
    assert_eq!(config[0], "add s 10.0.0.1");
}

#[test]
fn the_text_is_told_from_others() {
    assert!(is_save(b"# by hand\ncreate s hash:net,iface family inet\n"));
    for other in [
        &b"create table\n"[..],
        b"table ip t {\n",
        b"*filter\n",
        b"",
        b"\xff\xfe",
    ] {
        assert!(!is_save(other));
    }
}
