use proptest::prelude::*;

use super::*;
use crate::netfilter::model::{Chain, Item, Op, Plane, Rule, Statement, Table, Value, Verdict};
use crate::netfilter::text::iptables;
use crate::section::{Section, State};

fn section(text: &str) -> Section {
    parse(text.as_bytes(), None).unwrap()
}

fn tables(section: &Section) -> &[Table] {
    match &section.content {
        Some(Content::Netfilter { config, .. }) => &config.tables,
        other => panic!("not a ruleset: {other:?}"),
    }
}

fn chain<'a>(section: &'a Section, name: &str) -> &'a Chain {
    let mut chains = tables(section).iter().flat_map(|table| &table.chains);
    chains.find(|chain| chain.name == name.into()).unwrap()
}

/// The rule that these words say in `filter`'s `INPUT`, where a chain `USER` is.
fn rule(words: &str) -> Rule {
    rule_of(Family::Ip, words)
}

fn rule_of(family: Family, words: &str) -> Rule {
    let text = format!("*filter\n:INPUT ACCEPT [0:0]\n:USER - [0:0]\n-A INPUT {words}\nCOMMIT\n");
    let section = parse(text.as_bytes(), Some(family)).unwrap();
    assert_eq!(section.state, State::Captured, "{words}");
    chain(&section, "INPUT").rules[0].clone()
}

fn codes(section: &Section) -> Vec<&str> {
    section
        .warnings
        .iter()
        .map(|warning| warning.code.as_str())
        .collect()
}

/// Spellings of one match.
const SAME_MATCHES: &[[&str; 2]] = &[
    ["-p sctp --sport 0:65535", "-p sctp"],
    [
        "-m time --weekdays 6,7",
        "-m time ! --weekdays Mon,tu,Wednesday,Thu,Fri",
    ],
    [
        "-m connlimit --connlimit-upto 5",
        "-m connlimit ! --connlimit-above 5 --connlimit-mask 32 --connlimit-saddr",
    ],
    [
        "-m recent --set",
        "-m recent --set --name DEFAULT --mask 255.255.255.255 --rsource",
    ],
    [
        "-m string --algo bm --hex-string \"a|62 63|\"",
        "-m string --string abc --algo bm --to 65535",
    ],
    ["-m dscp --dscp-class EF", "-m dscp --dscp 46"],
    ["-m tos --tos Minimize-Delay", "-m tos --tos 0x10/0x3f"],
    [
        "-m u32 --u32 \"0 >> 22 & 0x3C @ 4 = 1\"",
        "-m u32 --u32 0x0>>0x16&0x3c@0x4=0x1:0x1",
    ],
    [
        "-m hashlimit --hashlimit 60/min --hashlimit-name x --hashlimit-htable-expire 1000",
        "-m hashlimit --hashlimit-upto 1/sec --hashlimit-burst 5 --hashlimit-name x",
    ],
    [
        "-m set --match-set x src,dst --update-counters",
        "-m set --match-set x src,dst",
    ],
    [
        "-m policy --dir in --pol ipsec --strict --mode tunnel --proto esp",
        "-m policy --proto 50 --mode tunnel --strict --pol ipsec --dir in",
    ],
];

/// Matches that one word tells apart.
const DIFFERENT_MATCHES: &[[&str; 2]] = &[
    ["-m set --match-set x src", "-m set ! --match-set x src"],
    [
        "-m set --match-set x src",
        "-m set --match-set x src ! --update-counters",
    ],
    [
        "-m set --match-set x src --packets-lt 5",
        "-m set --match-set x src --packets-gt 5",
    ],
    ["-m recent --rcheck --name x", "-m recent ! --rcheck --name x"],
    ["-m socket", "-m socket --transparent"],
    [
        "-m connbytes --connbytes 5 --connbytes-mode bytes --connbytes-dir both",
        "-m connbytes ! --connbytes 5 --connbytes-mode bytes --connbytes-dir both",
    ],
    ["-m quota --quota 5", "-m quota ! --quota 5"],
    [
        "-p sctp --chunk-types any DATA:B",
        "-p sctp --chunk-types any DATA:b",
    ],
    [
        "-p sctp --chunk-types any DATA",
        "-p sctp ! --chunk-types any DATA",
    ],
    ["-m ttl --ttl-lt 5", "-m ttl --ttl-gt 5"],
    [
        "-m string --algo bm --string a",
        "-m string --algo bm ! --string a",
    ],
];

#[test]
fn spellings_of_a_match_read_alike_and_different_words_apart() {
    for [a, b] in SAME_MATCHES {
        assert_eq!(rule(a), rule(b), "{a} / {b}");
    }
    for [a, b] in DIFFERENT_MATCHES {
        assert_ne!(rule(a), rule(b), "{a} / {b}");
    }
    let opaque = |words: &&&str| {
        rule(words)
            .items
            .iter()
            .any(|item| matches!(item, Item::Opaque(_)))
    };
    let all = SAME_MATCHES.iter().chain(DIFFERENT_MATCHES).flatten();
    assert_eq!(all.filter(opaque).collect::<Vec<_>>(), Vec::<&&str>::new());
}

/// Spellings that mean the same, one line each.
#[test]
fn equal_meanings_read_alike() {
    let same = [
        [
            "-m state --state NEW,ESTABLISHED",
            "-m conntrack --ctstate ESTABLISHED,NEW",
        ],
        ["-m state ! --state NEW", "-m conntrack ! --ctstate NEW"],
        [
            "-p tcp --syn -j DROP",
            "-p tcp -m tcp --tcp-flags SYN,RST,ACK,FIN SYN -j DROP",
        ],
        ["-p tcp --dport 80", "-p 6 -m tcp --destination-port 80:80"],
        ["--dport 80 -p 6", "-p tcp -m tcp --dport 80"],
        ["-p sctp --dport 80", "-p 132 -m sctp --dport 80"],
        ["-p tcp -m tcp -j DROP", "-p tcp -j DROP"],
        ["! -s 10.1.2.3/8", "-s ! 10.0.0.0/255.0.0.0"],
        ["-s 10.1.2.3", "-s 10.1.2.3/32"],
        ["-s 0.0.0.0/0 -i + -j DROP", "-j DROP"],
        [
            "-p tcp -m multiport --dports 443,80,80,1:5",
            "-p tcp -m multiport --dports 1:5,80,443",
        ],
        ["-p tcp -j REJECT", "-p tcp -j REJECT --reject-with port-unreach"],
        ["-j LOG --log-level warning", "-j LOG --log-level 4"],
        [
            "-j DROP -p tcp -m tcp --dport 1 -s 1.2.3.4",
            "-s 1.2.3.4 -p tcp --dport 1 -j DROP",
        ],
        ["-j MARK --set-mark 0x1/0xff", "-j MARK --set-xmark 1/255"],
        ["-j MARK --or-mark 6", "-j MARK --set-xmark 0x6/0x6"],
        ["-j NOTRACK", "-j CT --notrack"],
        [
            "-m limit -j DROP",
            "-m limit --limit 3/hour --limit-burst 5 -j DROP",
        ],
        ["-p icmp --icmp-type ping", "-p icmp -m icmp --icmp-type 8"],
        [
            "-m mac --mac-source 0:A:b:00:0C:1",
            "-m mac --mac-source 00:0a:0b:00:0c:01",
        ],
    ];
    for [a, b] in same {
        assert_eq!(rule(a), rule(b), "{a} / {b}");
    }
}

/// Edits that earlier tools lost. Each must show.
#[test]
fn different_meanings_read_apart() {
    let different = [
        [
            "-p tcp -m tcp --tcp-flags SYN,ACK SYN",
            "-p tcp -m tcp ! --tcp-flags SYN,ACK SYN",
        ],
        ["-f -j DROP", "! -f -j DROP"],
        ["-m owner --uid-owner 0", "-m owner ! --uid-owner 0"],
        [
            "-m conntrack --ctdir ORIGINAL --ctstate NEW",
            "-m conntrack ! --ctdir ORIGINAL --ctstate NEW",
        ],
        ["-j USER", "-g USER"],
        ["-m mark --mark 1 -m mark --mark 2", "-m mark --mark 2"],
        [
            "-m owner --socket-exists ! --uid-owner 1",
            "-m owner ! --socket-exists --uid-owner 1",
        ],
        [
            "-m comment --comment a -m comment --comment b",
            "-m comment --comment a",
        ],
        [
            "-m limit --limit 1/sec -j DROP",
            "-m limit --limit 60/min -j DROP -m limit --limit 1/sec",
        ],
        ["-p icmp -m icmp --icmp-type 3/1", "-p icmp -m icmp --icmp-type 3"],
        [
            "-p icmp -m icmp ! --icmp-type 3/1",
            "-p icmp -m icmp --icmp-type 3/1",
        ],
        [
            "-m hashlimit --hashlimit-name a",
            "-m hashlimit --hashlimit-name b",
        ],
        ["-j TPROXY --on-port 1", "-j TPROXY --on-port 2"],
        ["-s example.com", "-s example.org"],
        ["-i eth+ -j DROP", "-i eth -j DROP"],
        ["-i eth* -j DROP", "-i eth+ -j DROP"],
    ];
    for [a, b] in different {
        assert_ne!(rule(a), rule(b), "{a} / {b}");
    }
}

#[test]
fn what_is_not_decoded_is_opaque_with_its_words() {
    for words in [
        "-m hashlimit --hashlimit-upto 5/sec --hashlimit-mode srcip,dstmac --hashlimit-name \"a b\"",
        "-m set ! --match-set mine source",
        "-m owner --uid-owner root",
        "-m recent --update --seconds 60s --name x --rsource",
        "-p tcp -m tcp --dport ssh",
        "-p nonsense",
        "-j TEE --gateway example.com",
        "-j LOG --log-level nonsense",
        "-m string --algo bm --string \"-j ACCEPT\" --nocase",
    ] {
        let rule = rule(words);
        let opaque = rule
            .items
            .iter()
            .filter(|item| matches!(item, Item::Opaque(_)))
            .count();
        assert_eq!(opaque, 1, "{words}: {rule:?}");
    }
    let line = "-A INPUT -m string --algo bm --string \"-j ACCEPT\" --nocase -j DROP";
    let printed = iptables::rule(
        Family::Ip,
        &"INPUT".into(),
        &rule(line.strip_prefix("-A INPUT ").unwrap()),
    );
    assert_eq!(printed, line, "what is opaque keeps its words and quotes");
}

#[test]
fn counters_are_runtime() {
    let with = section(
        "*filter\n:INPUT ACCEPT [5:6]\n[1:2] -A INPUT -j DROP\n[18446744073709551615:0] -A INPUT\nCOMMIT\n",
    );
    let without = section("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j DROP\n-A INPUT\nCOMMIT\n");
    assert_eq!(tables(&with), tables(&without));
    let Some(Content::Netfilter { runtime, .. }) = &with.content else {
        panic!()
    };
    let counters: Vec<u64> = runtime.tables[0].chains[0]
        .rules
        .iter()
        .map(|rule| rule.counters.unwrap().packets.0)
        .collect();
    assert_eq!(counters, [1, u64::MAX]);
    let Some(Content::Netfilter { runtime, .. }) = &without.content else {
        panic!()
    };
    assert_eq!(
        runtime.tables[0].chains[0].rules[0].counters, None,
        "not counted is not zero"
    );
    let mixed = section("*filter\n:INPUT ACCEPT [0:0]\n[1:2] -A INPUT -j DROP\n-A INPUT\nCOMMIT\n");
    assert_eq!(codes(&mixed), [MIXED_COUNTERS]);
}

#[test]
fn every_cut_of_a_text_is_seen() {
    let whole = "# Generated by iptables-save v1.8.9 on a day\n*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m comment --comment \"a b\" -j DROP\n-A INPUT -s 10.1.2.3/32 -j ACCEPT\nCOMMIT\n# Completed on a day\n";
    let table_begins = whole.find("*filter").unwrap();
    let footer_holds = whole.len() - "n a day\n".len();
    assert_eq!(section(whole).state, State::Captured);
    for cut in 0..footer_holds {
        let cut_text = &whole[..cut];
        match parse(cut_text.as_bytes(), None) {
            Err(_) => assert!(cut > table_begins && cut < table_begins + 8, "{cut_text}"),
            Ok(read) if cut <= table_begins => assert_eq!(codes(&read), [EMPTY_INPUT], "{cut_text}"),
            Ok(read) => assert_eq!(read.state.word(), "torn", "{cut_text}"),
        }
    }
    let without_comments = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j DROP\nCOMMIT\n";
    for cut in 9..without_comments.len() - 1 {
        let state = section(&without_comments[..cut]).state;
        let is_whole = without_comments[..cut].ends_with("COMMIT");
        assert_eq!(
            state.word(),
            if is_whole { "captured" } else { "torn" },
            "cut at {cut}"
        );
    }
}

#[test]
fn a_half_read_rule_is_not_shown() {
    let torn = section("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp --dport 1\n-A INPUT -p tcp --dport 2");
    assert_eq!(chain(&torn, "INPUT").rules.len(), 1, "22 may have been meant");
}

#[test]
fn nothing_is_said_to_be_nothing() {
    for text in [
        "",
        "\n",
        "# Generated by iptables-save v1.8.10 (nf_tables) on a day\n# Completed on a day\n",
    ] {
        let read = section(text);
        assert_eq!(
            (&read.state, codes(&read)),
            (&State::Captured, vec![EMPTY_INPUT]),
            "{text:?}"
        );
        assert!(tables(&read).is_empty());
    }
    assert_eq!(
        parse(b"", Some(Family::Ip6)).unwrap().name,
        SectionName::Ip6tablesSave
    );
}

#[test]
fn other_formats_are_refused() {
    for text in [
        "{\"nftables\": []}\n",
        "<html>\n",
        "table ip filter {\n\tchain input {\n",
        "-P INPUT ACCEPT\n",
        "\0\0\0",
        "# a comment\nnot a table\n",
        "*\nCOMMIT\n",
        "iptables: Permission denied (you must be root)\n",
    ] {
        let read = parse(text.as_bytes(), None);
        assert!(
            matches!(read, Err(SaveError::NotSaveText { .. })),
            "{text:?}: {read:?}"
        );
    }
}

#[test]
fn a_table_that_stands_twice_is_torn_and_loses_nothing() {
    let twice = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j DROP\nCOMMIT\n*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j RETURN\nCOMMIT\n";
    let read = section(twice);
    assert_eq!((read.state.word(), codes(&read)), ("torn", vec![REPEATED_TABLE]));
    assert_eq!(chain(&read, "INPUT").rules.len(), 2);
}

#[test]
fn chains_that_are_not_there_are_named() {
    let read = section(
        "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j GHOST\n-A INPUT -g GONE\n-A NEW -j RETURN\nCOMMIT\n",
    );
    assert_eq!(read.state, State::Captured);
    assert_eq!(codes(&read), [UNRESOLVED_JUMP, UNRESOLVED_JUMP, UNDECLARED_CHAIN]);
    let jump = Verdict::Jump {
        chain: "GHOST".into(),
    };
    assert_eq!(
        chain(&read, "INPUT").rules[0].items,
        [Item::Statement(Statement::Verdict(jump))]
    );
    let forward = section("*filter\n-A INPUT -j LATER\n:INPUT ACCEPT [0:0]\n:LATER - [0:0]\nCOMMIT\n");
    assert_eq!(
        (forward.state.clone(), codes(&forward)),
        (State::Captured, vec![]),
        "declared below its use"
    );
}

#[test]
fn what_a_line_can_not_say_is_a_gap() {
    for line in [
        ":INPUT REJECT [0:0]",
        ":INPUT - [0:0]",
        ":USER ACCEPT [0:0]",
        ":INPUT ACCEPT [x:0]",
        "-A INPUT -s",
        "-A INPUT -j DROP -j ACCEPT",
        "-A INPUT word",
        "-A INPUT -j REJECT --dport 5",
        "-A INPUT --dport 5",
        "-A INPUT -p tcp -m tcp --dport",
        "-D INPUT -j DROP",
        "[1:] -A INPUT -j DROP",
    ] {
        let declared = if line.starts_with(":INPUT") {
            ""
        } else {
            ":INPUT ACCEPT [0:0]\n"
        };
        let read = section(&format!("*filter\n{declared}{line}\nCOMMIT\n"));
        assert_eq!(
            (read.state.word(), read.gaps.is_empty()),
            ("unreadable", false),
            "{line}: {read:?}"
        );
    }
    let outside = section("*filter\nCOMMIT\n-A INPUT -j DROP\n");
    assert_eq!(outside.state.word(), "unreadable");
}

#[test]
fn what_the_tool_remarks_is_kept() {
    let header = "# Generated by iptables-save v1.8.9 (nf_tables) on a day\n";
    let other = format!(
        "{header}*filter\nCOMMIT\n# Completed on a day\n# Warning: iptables-legacy tables present, use iptables-legacy-save to see them\n"
    );
    let read = section(&other);
    assert_eq!(
        (read.state.clone(), codes(&read)),
        (State::Captured, vec![LEGACY_TABLES_PRESENT])
    );
    let Some(Content::Netfilter { config, .. }) = read.content else {
        panic!()
    };
    assert_eq!(config.plane, Plane::Nft);
    let lost = format!(
        "{header}*filter\nCOMMIT\n# Completed on a day\n# Table `nat' is incompatible, use 'nft' tool.\n"
    );
    let read = section(&lost);
    assert_eq!(
        (read.state.word(), codes(&read)),
        ("unreadable", vec![INCOMPATIBLE_TABLE])
    );
    assert_eq!(read.gaps[0].path, "ip/nat");
}

#[test]
fn the_family_is_told_from_the_text() {
    let with = |rule: &str| format!("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT {rule}\nCOMMIT\n");
    for rule in [
        "-s ::1/128",
        "-p ipv6-icmp -j DROP",
        "-j REJECT --reject-with icmp6-no-route",
    ] {
        assert_eq!(section(&with(rule)).name, SectionName::Ip6tablesSave, "{rule}");
    }
    for rule in ["-j DROP", "-s 10.0.0.1", "-m comment --comment \"::1\""] {
        assert_eq!(section(&with(rule)).name, SectionName::IptablesSave, "{rule}");
    }
    let header = "# Generated by ip6tables-save v1.8.9 on a day\n";
    assert_eq!(section(header).name, SectionName::Ip6tablesSave);
    let asked = parse(header.as_bytes(), Some(Family::Ip));
    assert_eq!(
        asked,
        Err(SaveError::OtherFamily {
            asked: Family::Ip,
            found: Family::Ip6
        })
    );
}

#[test]
fn an_address_of_the_wrong_family_is_opaque() {
    assert!(matches!(
        rule_of(Family::Ip6, "-s 10.0.0.1").items[0],
        Item::Opaque(_)
    ));
}

#[test]
fn bytes_that_are_not_text_survive() {
    let text =
        b"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -i \"\xff0\" -m comment --comment \"a\xfe\nb\"\nCOMMIT\n";
    let read = parse(text, None).unwrap();
    assert_eq!(read.state, State::Captured);
    let rule = &chain(&read, "INPUT").rules[0];
    assert_eq!(rule.comment.as_ref().unwrap().as_bytes(), b"a\xfe\nb");
    let printed = iptables::table_save(&tables(&read)[0], None);
    let again = parse(printed.as_bytes(), None).unwrap();
    assert_eq!(tables(&again), tables(&read));
}

#[test]
fn numbers_of_protocols_and_states() {
    let rule = rule("! -p vrrp -m conntrack --ctstatus NONE");
    let Item::Match(protocol) = &rule.items[0] else {
        panic!()
    };
    assert_eq!((protocol.op, &protocol.value), (Op::Ne, &Value::Number(112)));
    let Item::Match(status) = &rule.items[1] else {
        panic!()
    };
    assert_eq!(status.value, Value::Flags(vec![]));
}

/// Options as a person or a tool may write them, some of them nonsense.
const WORDS: [&str; 44] = [
    "-s 10.0.0.0/8",
    "! -d 1.2.3.4",
    "-i eth+",
    "! -o br-*",
    "-p tcp",
    "-p udp",
    "! -p 47",
    "-f",
    "! -f",
    "-m tcp --dport 80",
    "-m tcp ! --sport 1:5 --syn",
    "--dport 5",
    "-m udp --sport 53",
    "-m multiport --dports 1,2:3",
    "-m conntrack --ctstate NEW,SNAT",
    "-m conntrack ! --ctorigsrc 10.0.0.0/8 --ctdir REPLY",
    "-m state --state NEW",
    "-m comment --comment \"a 'b' \\\" \\\\ c\"",
    "-m comment --comment \"\"",
    "-m limit --limit 7/min",
    "-m mark ! --mark 1/3",
    "-m connmark --mark 0x10",
    "-m addrtype --src-type LOCAL --limit-iface-in",
    "-m owner --gid-owner 1 --suppl-groups",
    "-m iprange --src-range 1.1.1.1-1.1.1.9",
    "-m mac --mac-source 00:11:22:33:44:55",
    "-m pkttype --pkt-type unicast",
    "-m physdev --physdev-in x+ ! --physdev-is-in",
    "-m icmp --icmp-type 3/4",
    "-m icmp ! --icmp-type any",
    "-m unknown --what \"x y\" z ! --more",
    "-m set --match-set a src",
    "-j ACCEPT",
    "-j USER",
    "-g USER",
    "-j REJECT",
    "-j LOG --log-prefix \"p: \" --log-uid",
    "-j DNAT --to-destination 1.2.3.4:80-90 --random",
    "-j MASQUERADE",
    "-j CONNMARK --save-mark --nfmask 0xf --ctmask 0xff",
    "-j NFQUEUE --queue-balance 1:4",
    "-j TEE --gateway 1.1.1.1",
    "-c 5 6",
    "--nonsense",
];

proptest! {
    /// Whatever is read is printed so that it reads the same again.
    #[test]
    fn what_is_printed_reads_the_same(words in proptest::collection::vec(proptest::sample::select(&WORDS[..]), 0..7)) {
        let text = format!("*filter\n:INPUT ACCEPT [0:0]\n:USER - [0:0]\n-A INPUT {}\nCOMMIT\n", words.join(" "));
        let read = parse(text.as_bytes(), Some(Family::Ip)).unwrap();
        if read.state == State::Captured {
            let printed = iptables::table_save(&tables(&read)[0], None);
            let again = parse(printed.as_bytes(), Some(Family::Ip)).unwrap();
            prop_assert_eq!(tables(&again), tables(&read), "{}", printed);
        }
    }

    /// No input panics, and none that holds a rule line comes out as captured and empty.
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(read) = parse(&bytes, None) {
            prop_assert!(!tables(&read).is_empty() || read.state != State::Captured || codes(&read).contains(&EMPTY_INPUT));
        }
    }

    #[test]
    fn any_words_are_answered(line in "[-!a-z0-9\" \\\\:,/]{0,60}") {
        let text = format!("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT {line}\nCOMMIT\n");
        if let Ok(read) = parse(text.as_bytes(), None) {
            let rules = chain(&read, "INPUT").rules.len();
            prop_assert!(rules == 1 || read.state != State::Captured, "{text}");
        }
    }
}

#[test]
fn a_nul_byte_is_not_read_over() {
    let text = b"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 10.0.0.1\0 -j DROP\nCOMMIT\n";
    let error = parse(text, None).unwrap_err();
    assert!(matches!(error, SaveError::NotSaveText { line: 3, .. }), "{error}");
}
