use proptest::prelude::*;

use super::*;
use crate::artifact::json as canonical;
use crate::netfilter::model::{Field, Item, Op, Value, Verdict};
use crate::netfilter::text as printed;

fn text(source: &str) -> Section {
    parse_text(source.as_bytes(), &|_| None).unwrap()
}

fn json_of(objects: &str) -> Section {
    parse_json(format!("{{\"nftables\": [{objects}]}}").as_bytes()).unwrap()
}

fn config(section: &Section) -> &Ruleset {
    match section.content.as_ref().unwrap() {
        Content::Netfilter { config, .. } => config,
        _ => panic!("not a ruleset"),
    }
}

fn codes(section: &Section) -> Vec<&str> {
    section
        .warnings
        .iter()
        .map(|warning| warning.code.as_str())
        .collect()
}

/// The rules of the only chain as they are printed.
fn rules(section: &Section) -> Vec<String> {
    let ruleset = config(section);
    let table = &ruleset.tables[0];
    let chain = &table.chains[0];
    chain
        .rules
        .iter()
        .map(|rule| printed::rule(ruleset.plane, table, chain, rule))
        .collect()
}

fn chain(family: &str, rules: &str) -> Section {
    text(&format!("table {family} t {{\n chain c {{\n{rules}\n}}\n}}\n"))
}

const HEAD: &str =
    r#"{"table": {"family": "inet", "name": "t"}}, {"chain": {"family": "inet", "table": "t", "name": "c"}}"#;

fn json_rule(statements: &str) -> Section {
    json_of(&format!(
        r#"{HEAD}, {{"rule": {{"family": "inet", "table": "t", "chain": "c", "expr": [{statements}]}}}}"#
    ))
}

#[test]
fn both_spellings_have_one_digest() {
    let pairs = [
        (
            "tcp dport 22 accept",
            r#"{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 22}}, {"accept": null}"#,
        ),
        (
            "ip saddr != 10.0.0.0/12 drop",
            r#"{"match": {"op": "!=", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": {"prefix": {"addr": "10.0.0.0", "len": 12}}}}, {"drop": null}"#,
        ),
        (
            "ct state established,related accept",
            r#"{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]}}, {"accept": null}"#,
        ),
        (
            "meta l4proto { tcp, udp } th dport 53 counter return",
            r#"{"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": {"set": ["udp", "tcp"]}}}, {"match": {"op": "==", "left": {"payload": {"protocol": "th", "field": "dport"}}, "right": 53}}, {"counter": {"packets": 5, "bytes": 6}}, {"return": null}"#,
        ),
        (
            "tcp dport vmap { 22 : accept, 25 : drop }",
            r#"{"vmap": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "data": {"set": [[25, {"drop": null}], [22, {"accept": null}]]}}}"#,
        ),
        (
            "meta mark set 0x5",
            r#"{"mangle": {"key": {"meta": {"key": "mark"}}, "value": 5}}"#,
        ),
        (
            "iif \"lo\" limit rate over 5/minute burst 7 packets drop",
            r#"{"match": {"op": "==", "left": {"meta": {"key": "iif"}}, "right": "lo"}}, {"limit": {"rate": 5, "burst": 7, "per": "minute", "inv": true}}, {"drop": null}"#,
        ),
    ];
    for (words, statements) in pairs {
        let (one, two) = (chain("inet", words), json_rule(statements));
        assert_eq!(config(&one), config(&two), "{words}");
        assert_eq!(
            canonical::digest(config(&one)).unwrap(),
            canonical::digest(config(&two)).unwrap()
        );
        assert_eq!((&one.state, codes(&one)), (&State::Captured, Vec::new()));
    }
}

#[test]
fn every_operator_is_kept() {
    let ops = [
        ("tcp dport 5", Op::Eq),
        ("tcp dport == 5", Op::Eq),
        ("tcp dport != 5", Op::Ne),
        ("tcp dport < 5", Op::Lt),
        ("tcp dport <= 5", Op::Le),
        ("tcp dport > 5", Op::Gt),
        ("tcp dport >= 5", Op::Ge),
        ("tcp dport { 5, 6 }", Op::In),
        ("tcp dport != { 5, 6 }", Op::NotIn),
    ];
    for (words, op) in ops {
        let section = chain("ip", words);
        let Item::Match(found) = &config(&section).tables[0].chains[0].rules[0].items[1] else {
            panic!("not a match");
        };
        assert_eq!(
            (found.field.clone(), found.op),
            (Field("tcp.dport".to_owned()), op),
            "{words}"
        );
    }
}

#[test]
fn fields_need_their_protocols() {
    let first = |family: &str, words: &str| {
        let section = chain(family, words);
        match config(&section).tables[0].chains[0].rules[0].items[0].clone() {
            Item::Match(found) => (found.field.0, found.value),
            other => panic!("{other:?}"),
        }
    };
    let number = Value::Number;
    assert_eq!(
        first("inet", "tcp dport 1"),
        ("meta.l4proto".to_owned(), number(6))
    );
    assert_eq!(
        first("inet", "ip6 hoplimit 1"),
        ("meta.nfproto".to_owned(), number(10))
    );
    assert_eq!(
        first("netdev", "ip ttl 1"),
        ("meta.protocol".to_owned(), number(0x800))
    );
    assert_eq!(
        first("ip", "ether saddr 52:54:00:00:00:01"),
        ("meta.iiftype".to_owned(), number(1))
    );
    assert_eq!(first("ip", "ip ttl 1"), ("ip.ttl".to_owned(), number(1)));
}

#[test]
fn neighbours_stand_in_the_order_of_the_packet() {
    assert_eq!(
        rules(&chain("ip", "tcp dport 2 tcp sport 1 accept")),
        ["tcp sport 1 tcp dport 2 accept"]
    );
    assert_eq!(
        rules(&chain("ip", "ip daddr 10.0.0.2 ip saddr 10.0.0.1 accept")),
        ["ip daddr 10.0.0.2 ip saddr 10.0.0.1 accept"],
        "two addresses are faster apart"
    );
}

#[test]
fn names_and_lines_are_put_together() {
    let section = text(
        "#!/usr/sbin/nft -f\nflush ruleset\ndefine ports = { 22,\n 80 }\ndefine net = 10.0.0.0/8\n\
         table ip t {\n chain c {\n ip saddr $net tcp dport $ports \\\n accept comment \"a # b\"; drop\n }\n}\n\
         add rule ip t c reject\ninsert rule ip t c return\n",
    );
    assert_eq!(
        rules(&section),
        [
            "return",
            "ip saddr 10.0.0.0/8 tcp dport { 22, 80 } accept comment \"a # b\"",
            "drop",
            "reject"
        ]
    );
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let wrong = [
        ("table ip t {\n chain c {\n  tcp dport accept extra )\n }\n}\n", 3),
        (
            "table ip t {\n chain c {\n  type filter hook egress priority 0;\n }\n}\n",
            3,
        ),
        ("table ip t {\n", 1),
        ("nonsense\n", 1),
        ("table ip t {\n chain c {\n  log prefix \"open\n }\n}\n", 3),
        ("add rule ip missing c drop\n", 1),
        ("define a = $b\n", 1),
        ("table ip t {\n}\n}\n", 3),
    ];
    for (source, wanted) in wrong {
        match parse_text(source.as_bytes(), &|_| None) {
            Err(NftFileError::Syntax { line, .. }) => assert!(line >= wanted, "{source}: {line}"),
            other => panic!("{source}: {other:?}"),
        }
    }
}

#[test]
fn files_that_were_not_given_are_gaps() {
    let section = text("include \"/etc/nftables.d/*.nft\"\ntable ip t {\n}\n");
    assert_eq!(codes(&section), [UNREAD_INCLUDE]);
    assert!(matches!(section.state, State::Unreadable { .. }));
    let give = |name: &str| (name == "a.nft").then(|| b"table ip u {\n}\n".to_vec());
    let section = parse_text(b"include \"a.nft\"\n", &give).unwrap();
    assert_eq!(config(&section).tables[0].name.as_str(), Some("u"));
    let forever = |_: &str| Some(b"include \"a\"\n".to_vec());
    assert!(parse_text(b"include \"a\"\n", &forever).is_err());
}

/// Time grows with the length of a run and not with its square, and with the number of files that are put in, which is bounded.
#[test]
fn what_is_long_or_manifold_is_refused_in_time() {
    let since = std::time::Instant::now();
    assert!(parse_text(":".repeat(60_000).as_bytes(), &|_| None).is_err());
    let hundredfold = |name: &str| -> Option<Vec<u8>> {
        let next: u32 = name.parse::<u32>().unwrap() + 1;
        Some(
            format!("include \"{next}\"\n")
                .repeat(if next < 9 { 100 } else { 0 })
                .into_bytes(),
        )
    };
    assert!(parse_text(b"include \"0\"\n", &hundredfold).is_err());
    assert!(since.elapsed().as_secs() < 20, "{:?}", since.elapsed());
}

#[test]
fn words_that_depend_on_a_host_stay_words() {
    let section = chain("ip", "ip saddr www.example.org drop\n tcp dport gizmo accept");
    assert_eq!(codes(&section), [NOT_UNDERSTOOD, NOT_UNDERSTOOD]);
    let Item::Opaque(opaque) = &config(&section).tables[0].chains[0].rules[0].items[0] else {
        panic!("not opaque");
    };
    assert_eq!(opaque.text, Some(Text::from("ip saddr www.example.org")));
    assert_eq!(
        config(&section).tables[0].chains[0].rules[0].items[1],
        Item::Statement(Statement::Verdict(Verdict::Drop))
    );
}

#[test]
fn what_is_not_there_is_warned_of() {
    let section = chain("ip", "jump ghost\n ip saddr @nobody drop");
    assert_eq!(codes(&section), [UNRESOLVED_JUMP, UNRESOLVED_SET]);
    assert_eq!(rules(&section), ["jump ghost", "ip saddr @nobody drop"]);
    assert!(config(&section).tables[0].sets.is_empty());
    assert_eq!(section.state, State::Captured);
}

#[test]
fn what_json_does_not_tell_is_a_gap() {
    let section = json_rule(r#"{"xt": {"type": "match", "name": "tcp"}}, {"accept": null}"#);
    assert!(matches!(section.state, State::Unreadable { .. }));
    let unknown = json_rule(r#"{"gizmo": {"a": 1}}"#);
    assert_eq!(
        (&unknown.state, codes(&unknown)),
        (&State::Captured, vec![NOT_UNDERSTOOD])
    );
    let null = json_of(r#"{"table": null}"#);
    assert_eq!(null.gaps[0].path, "nftables[0]");
}

#[test]
fn json_of_something_else_is_refused() {
    assert!(matches!(
        parse_json(b"{\"nftables\": [{\"table\""),
        Err(NftFileError::NotJson { .. })
    ));
    assert_eq!(parse_json(b"{\"tables\": []}"), Err(NftFileError::NotNft));
    assert_eq!(parse_json(b"[]"), Err(NftFileError::NotNft));
    assert_eq!(codes(&parse_json(b" \n").unwrap()), [EMPTY_INPUT]);
    assert_eq!(codes(&text("# nothing\n")), [EMPTY_INPUT]);
}

#[test]
fn counters_that_are_not_said_are_not_nought() {
    let section = chain("ip", "counter\n counter packets 0 bytes 0");
    let Some(Content::Netfilter { runtime, .. }) = &section.content else {
        panic!("not a ruleset");
    };
    let rules = &runtime.tables[0].chains[0].rules;
    assert_eq!(rules[0].counters, None);
    assert!(rules[1].counters.is_some());
}

const WHOLE: &str = "define a = { 1, 2-5 }\ntable inet t {\n set s {\n type ipv4_addr . inet_service\n flags interval\n \
elements = { 10.0.0.0/8 . 1-5 comment \"x\" }\n }\n map m {\n type mark : verdict\n elements = { 1 : jump d }\n }\n \
counter k { packets 1 bytes 2 }\n chain d {\n }\n chain c {\n type filter hook input priority filter - 5; policy drop;\n \
tcp dport $a tcp flags & (fin|syn) == syn ip saddr . tcp dport @s counter accept\n mark vmap @m\n \
ct state new limit rate 5/second burst 5 packets log prefix \"x \" level info jump { drop; }\n \
dnat ip to 10.0.0.1-10.0.0.9:80 random\n reject with icmpx admin-prohibited comment \"c\"\n }\n}\n";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// Whatever stands in a file, it is read or refused.
    #[test]
    fn damaged_text_is_read_or_refused(edits in prop::collection::vec((0..WHOLE.len(), any::<u8>(), 0..4_usize), 1..6)) {
        let mut bytes = WHOLE.as_bytes().to_vec();
        for (at, byte, kind) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = at % bytes.len();
            match kind {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, b"{}();,.\"@$-/:!"[usize::from(byte) % 14]),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let _read = parse_text(&bytes, &|_| None);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _text = parse_text(&bytes, &|_| None);
        let _json = parse_json(&bytes);
    }

    /// Values of any kind in the places of values.
    #[test]
    fn any_json_is_read_or_refused(
        value in "(null|true|5|-1|\"a\"|\"@a\"|\"10\\.0\\.0\\.0/99\"|\\[\\]|\\{\\}|\\[1,2\\]|\\{\"set\":\\[\\[1,2\\]\\]\\}|\\{\"range\":\\[9,1\\]\\}|\\{\"concat\":\\[1\\]\\}|99999999999999)",
        place in 0..12_usize,
    ) {
        let templates = [
            r#"{"match":{"op":"==","left":{"payload":{"protocol":"tcp","field":"dport"}},"right":§}}"#,
            r#"{"match":{"op":"in","left":{"ct":{"key":"state"}},"right":§}}"#,
            r#"{"match":{"op":"<","left":§,"right":5}}"#,
            r#"{"match":{"op":§,"left":{"meta":{"key":"mark"}},"right":5}}"#,
            r#"{"vmap":{"key":{"meta":{"key":"mark"}},"data":§}}"#,
            r#"{"mangle":{"key":{"payload":{"protocol":"ip","field":"ttl"}},"value":§}}"#,
            r#"{"dnat":{"family":"ip","addr":§,"port":5}}"#,
            r#"{"counter":§}"#,
            r#"{"limit":§}"#,
            r#"{"set":{"op":"add","elem":§,"set":"@s"}}"#,
            r#"{"reject":{"type":"icmp","expr":§}}"#,
            r#"{"match":{"op":"==","left":{"payload":{"base":"nh","offset":§,"len":§}},"right":1}}"#,
        ];
        let statement = templates[place].replace('§', &value);
        let section = json_rule(&statement);
        prop_assert_eq!(config(&section).tables[0].chains[0].rules.len(), 1);
    }
}

#[test]
fn a_snapshot_that_names_the_section_is_not_the_json_of_nft() {
    assert!(super::is_json(b" {\"nftables\" : []}"));
    assert!(!super::is_json(b"{\"schema\":\"netghost.snapshot/v1\",\"sections\":[{\"name\":\"nftables\",\"state\":\"captured\"}]}"));
}
