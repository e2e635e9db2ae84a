//! Rulesets in plain words.

use super::*;
use crate::netfilter::nft_file;
use crate::section::Content;

mod claims;

fn explained(source: &str) -> Explained {
    let section = nft_file::parse_text(source.as_bytes(), &|_| None).unwrap();
    match section.content.unwrap() {
        Content::Netfilter { config, runtime } => explain(&config, &runtime, &section.gaps),
        _ => panic!("not a ruleset"),
    }
}

#[test]
fn each_rule_is_said_and_what_is_notable_is_named() {
    let found = explained(
        "table ip t {\n chain lonely {\n }\n chain c {\n type filter hook input priority 0; policy drop;\n \
         tcp dport != 22 drop\n tcp dport != 22 accept\n ip saddr @gone jump ghost\n counter accept\n log\n }\n}\n",
    );
    let codes: Vec<(&str, &str)> = found
        .notes
        .iter()
        .map(|note| (note.code, note.path.as_str()))
        .collect();
    assert_eq!(
        codes,
        [
            ("SHADOWED_RULE", "ip/t/c/rule[2]"),
            ("UNRESOLVED_JUMP", "ip/t/c/rule[3]"),
            ("UNRESOLVED_SET", "ip/t/c/rule[3]"),
            ("UNREACHABLE_RULE", "ip/t/c/rule[5]"),
            ("ORPHAN_CHAIN", "ip/t/lonely"),
        ]
    );
    let rules = &found.chains[0].rules;
    assert_eq!(
        rules[0].summary,
        "if meta.l4proto is tcp and tcp.dport is NOT 22: drops it silently"
    );
    assert_eq!(rules[3].counters, None, "not said is not nought");
    assert_eq!(
        found.chains[0].summary,
        "filter at input, priority 0; what no rule decides: drop"
    );
}

#[test]
fn a_rule_after_a_limit_is_still_met() {
    let found = explained(
        "table ip t {\n chain c {\n type filter hook input priority 0;\n limit rate 1/second accept\n drop\n }\n}\n",
    );
    assert_eq!(found.notes, []);
}

/// The notes on the rules of one input chain, with further lines of the table before it.
fn notes(more: &str, rules: &str) -> Vec<(&'static str, String)> {
    let source = format!(
        "table inet t {{\n{more}\n chain c {{\n type filter hook input priority 0;\n{rules}\n }}\n}}\n"
    );
    explained(&source)
        .notes
        .into_iter()
        .map(|note| (note.code, note.path.trim_start_matches("inet/t/").to_owned()))
        .collect()
}

fn shadowed(earlier: &str, later: &str) -> bool {
    let found = notes("", &format!("{earlier} drop\n{later} accept"));
    match found.as_slice() {
        [] => false,
        [(code, path)] => {
            assert_eq!(
                (*code, path.as_str()),
                ("SHADOWED_RULE", "c/rule[2]"),
                "{earlier} / {later}"
            );
            true
        }
        more => panic!("{earlier} / {later}: {more:?}"),
    }
}

#[test]
fn a_rule_that_an_earlier_one_covers_is_named_and_no_other() {
    let pairs = [
        ("ip saddr 10.0.0.0/8", "ip saddr 10.1.0.0/16", true),
        ("ip saddr 10.1.0.0/16", "ip saddr 10.0.0.0/8", false),
        ("ip saddr 10.0.0.0/8", "ip daddr 10.1.0.0/16", false),
        ("ip saddr != 10.0.0.0/8", "ip saddr 192.0.2.1", true),
        ("ip saddr != 10.0.0.0/8", "ip saddr 10.0.0.1", false),
        ("ip saddr 10.0.0.0-10.0.0.9", "ip saddr 10.0.0.9", true),
        ("ip saddr 10.0.0.0-10.0.0.9", "ip saddr 10.0.0.10", false),
        ("ip6 saddr 2001:db8::/32", "ip6 saddr 2001:db8:1::/48", true),
        ("tcp dport 1-1023", "tcp dport { 22, 80 }", true),
        ("tcp dport 1-1023", "tcp dport { 22, 8080 }", false),
        ("tcp dport { 22, 80, 443 }", "tcp dport { 22, 443 }", true),
        ("tcp dport { 22, 80 }", "tcp dport 22-80", false),
        ("tcp dport { 22-50, 51-80 }", "tcp dport 22-80", true),
        ("tcp dport 22", "udp dport 22", false),
        ("meta l4proto tcp", "tcp dport 22", true),
        ("tcp dport 22", "meta l4proto tcp", false),
        ("tcp dport 22", "tcp dport 22 ip saddr 10.0.0.1", true),
        ("tcp dport 22 ip saddr 10.0.0.1", "tcp dport 22", false),
        ("tcp dport > 1023", "tcp dport 8080", true),
        ("tcp dport >= 1024", "tcp dport 1023", false),
        ("iifname \"eth*\"", "iifname \"eth0\"", true),
        ("iifname \"eth0\"", "iifname \"eth*\"", false),
        ("iifname != \"lo\"", "iifname \"eth0\"", true),
        ("iifname != \"lo\"", "iifname \"lo\"", false),
        ("ct state established,related", "ct state established", true),
        ("ct state established", "ct state established,related", false),
        ("meta mark & 0xf == 0x1", "meta mark & 0xff == 0x11", true),
        ("meta mark & 0xff == 0x11", "meta mark & 0xf == 0x1", false),
        ("tcp flags syn", "tcp flags syn", true),
    ];
    for (earlier, later, wanted) in pairs {
        assert_eq!(shadowed(earlier, later), wanted, "{earlier} / {later}");
    }
}

#[test]
fn what_is_not_surely_taken_is_not_called_covered() {
    // What the earlier rule does not end goes on.
    for earlier in [
        "counter",
        "log",
        "limit rate 1/second accept",
        "ct count over 9 drop",
        "continue",
    ] {
        let found = notes("", &format!("tcp dport 22 {earlier}\ntcp dport 22 accept"));
        assert_eq!(found, [], "{earlier}");
    }
    // A field that is written between reads otherwise.
    let rules = "meta mark 1 drop\nip saddr 10.0.0.1 meta mark set 1\nmeta mark 1 accept";
    assert_eq!(notes("", rules), [("NOT_DECIDED", "c/rule[3]".to_owned())]);
    // The clock and chance say something else each time.
    for field in ["numgen random mod 2 0", "meta hour \"10:00\"-\"11:00\""] {
        let found = notes("", &format!("{field} drop\n{field} accept"));
        assert_eq!(found, [("NOT_DECIDED", "c/rule[2]".to_owned())], "{field}");
    }
}

#[test]
fn sets_are_compared_by_what_stands_in_them() {
    let set = |flags: &str| {
        format!(" set s {{\n type ipv4_addr\n flags {flags}\n elements = {{ 10.0.0.0/8, 192.0.2.1 }}\n }}\n")
    };
    let rules = "ip saddr @s drop\nip saddr 10.1.2.3 accept\nip saddr 192.0.2.2 accept";
    assert_eq!(
        notes(&set("interval"), rules),
        [("SHADOWED_RULE", "c/rule[2]".to_owned())]
    );
    // Elements that come and go are not known to be there when the packet comes.
    let open = [
        ("NOT_DECIDED", "c/rule[2]".to_owned()),
        ("NOT_DECIDED", "c/rule[3]".to_owned()),
    ];
    assert_eq!(notes(&set("interval, timeout"), rules), open);
}

#[test]
fn jumps_are_followed_to_their_verdicts() {
    let found = explained(
        "table ip t {\n chain deep { tcp dport 22 accept; }\n chain web { ip saddr 10.0.0.1 return; jump deep; drop; }\n \
         chain all { counter drop; }\n \
         chain c {\n type filter hook input priority 0; policy accept;\n tcp dport { 22, 80 } jump web\n \
         udp dport 53 goto deep\n meta l4proto icmp jump all\n meta l4proto icmp accept\n }\n}\n",
    );
    let chain = |name: &str| {
        found
            .chains
            .iter()
            .find(|chain| chain.path == format!("ip/t/{name}"))
            .unwrap()
    };
    let ends = |ends: &[End]| -> Vec<String> {
        ends.iter()
            .map(|end| format!("{} {}", end.result.as_str(), end.by))
            .collect()
    };
    let leads = |index: usize| chain("c").rules[index].leads.as_ref().unwrap();
    assert_eq!(
        ends(&leads(0).ends),
        ["accept ip/t/deep/rule[1]", "drop ip/t/web/rule[3]"]
    );
    assert_eq!(
        (leads(0).comes_back, leads(0).leaves),
        (true, false),
        "by the return"
    );
    assert_eq!(
        (leads(1).comes_back, leads(1).leaves),
        (false, true),
        "a goto does not come back"
    );
    assert_eq!(
        (leads(2).comes_back, leads(2).leaves),
        (false, false),
        "every packet is dropped there"
    );
    assert_eq!(chain("deep").hooked_by, ["c"]);
    assert!(chain("c").returns && !chain("all").returns);
    let notes: Vec<_> = found
        .notes
        .iter()
        .map(|note| (note.code, note.path.as_str()))
        .collect();
    assert_eq!(notes, [("SHADOWED_RULE", "ip/t/c/rule[4]")]);
}

#[test]
fn a_circle_of_jumps_and_a_chain_that_only_orphans_lead_to_end() {
    let found = explained(
        "table ip t {\n chain a { jump b; }\n chain b { jump a; }\n chain c { type filter hook input priority 0; }\n}\n",
    );
    let codes: Vec<_> = found
        .notes
        .iter()
        .map(|note| (note.code, note.path.as_str()))
        .collect();
    assert_eq!(codes, [("ORPHAN_CHAIN", "ip/t/a"), ("ORPHAN_CHAIN", "ip/t/b")]);
}

#[test]
fn of_what_was_not_read_nothing_is_concluded() {
    let source = "table ip t {\n chain lonely { }\n chain c {\n type filter hook input priority 0;\n drop\n accept\n }\n}\n";
    let section = nft_file::parse_text(source.as_bytes(), &|_| None).unwrap();
    let Some(Content::Netfilter { config, runtime }) = section.content else {
        panic!("not a ruleset");
    };
    let codes = |gap: &str| -> Vec<(&'static str, String)> {
        let gap = Gap {
            path: gap.to_owned(),
            why: "a rule too large to dump".to_owned(),
        };
        let notes = explain(&config, &runtime, &[gap]).notes;
        notes.into_iter().map(|note| (note.code, note.path)).collect()
    };
    let open = |path: &str| ("NOT_DECIDED", path.to_owned());
    let lonely = ("ORPHAN_CHAIN", "ip/t/lonely".to_owned());
    assert_eq!(codes("ip/t/c"), [open("ip/t/c"), open("ip/t/lonely")]);
    assert_eq!(codes(""), [open("ip/t/c"), open("ip/t/lonely")]);
    assert_eq!(
        codes("ip/other/c"),
        [("UNREACHABLE_RULE", "ip/t/c/rule[2]".to_owned()), lonely]
    );
}

#[test]
fn chains_stand_in_the_order_in_which_packets_meet_them() {
    let nft = nft_file::parse_text(
        b"table inet f {\n chain late { type filter hook input priority 10; }\n chain same { type filter hook input priority 0; policy drop; }\n}\n\
          table ip6 six { chain i { type filter hook input priority 0; } }\n\
          table ip off { flags dormant; chain i { type filter hook input priority -5; } }\n",
        &|_| None,
    )
    .unwrap();
    let legacy = crate::netfilter::save::parse(
        b"*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n",
        Some(crate::netfilter::model::Family::Ip),
    )
    .unwrap();
    let ruleset = |section: &crate::section::Section| match section.content.clone().unwrap() {
        Content::Netfilter { config, .. } => config,
        _ => panic!("not a ruleset"),
    };
    let (nft, legacy) = (ruleset(&nft), ruleset(&legacy));
    let places = order(&[("nftables", &nft), ("iptables-save", &legacy)]);
    let input = |family: &str| -> Vec<(String, bool)> {
        let mut at = places
            .iter()
            .filter(|place| place.family.as_str() == family && place.hook.as_str() == "input");
        let chains = &at.next().unwrap().chains;
        chains
            .iter()
            .map(|chain| (chain.path.clone(), chain.order_known))
            .collect()
    };
    assert_eq!(
        input("ip"),
        [
            ("inet/f/same".to_owned(), true),
            ("ip/filter/INPUT".to_owned(), false),
            ("inet/f/late".to_owned(), true)
        ],
        "dormant tables meet nothing, and two planes at one priority have no known order"
    );
    assert_eq!(input("ip6").len(), 3);
    assert!(places.iter().any(|place| place.summary.contains("is not known")));
}
