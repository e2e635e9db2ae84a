//! What would be said wrongly of a change without a guard.

use super::made;
use crate::diff::{compare, explain};
use crate::netfilter::nft_file;
use crate::section::{Gap, Section, SectionName, State};

fn section(source: &str, gap: Option<&str>) -> Section {
    let mut section = nft_file::parse_text(source.as_bytes(), &|_| None).unwrap();
    if let Some(path) = gap {
        let why = "a rule too large to dump".to_owned();
        section.state = State::Unreadable { why: why.clone() };
        section.gaps.push(Gap {
            path: path.to_owned(),
            why,
        });
    }
    section
}

/// What is said of the changes between two rulesets.
fn said((before, after): (&str, &str), gap: Option<&str>) -> Vec<String> {
    let [before, after] = [before, after].map(|source| made::snapshot(vec![section(source, gap)]));
    let found = compare(&before, &after, &[SectionName::Nftables]);
    let all = explain(&found, &before, &after);
    all.into_iter().map(|explanation| explanation.text).collect()
}

/// A table with a hooked chain and another one.
fn table(hooked: &str, other: &str) -> String {
    format!(
        "table ip t {{\n chain other {{\n{other}\n }}\n chain c {{\n type filter hook input priority 0\n{hooked}\n }}\n}}\n"
    )
}

#[test]
fn where_no_packet_came_no_rule_is_said_to_have_decided() {
    let before = table("", "tcp dport 22 drop");
    let after = table("jump other", "tcp dport 22 drop\ntcp dport 1-22 accept");
    let texts = said((&before, &after), None);
    let of_other = texts.iter().find(|text| text.contains("1 to 22")).unwrap();
    assert!(
        of_other.ends_with("Before, such packets did not come to the chain other, to which no hook led."),
        "{of_other}"
    );
    let texts = said((&after, &before), None);
    let of_other = texts.iter().find(|text| text.contains("1 to 22")).unwrap();
    assert!(
        of_other.ends_with("Now such packets do not come to the chain other, to which no hook leads."),
        "{of_other}"
    );
}

#[test]
fn a_move_from_a_place_that_is_not_decided_is_not_said_to_begin_to_matter() {
    let rules = [
        "tcp dport 22 accept",
        "numgen random mod 2 0 drop",
        "numgen random mod 2 0 accept",
    ];
    let text = |order: [usize; 3]| table(&order.map(|at| rules[at]).join("\n"), "");
    let texts = said((&text([0, 1, 2]), &text([2, 0, 1])), None);
    assert!(
        !texts.iter().any(|text| text.contains("it met no packet")),
        "{texts:?}"
    );
    // Where it is sure, that is said, and no more.
    let rules = ["tcp dport 1-100 accept", "udp dport 5 drop", "tcp dport 22 drop"];
    let text = |order: [usize; 3]| table(&order.map(|at| rules[at]).join("\n"), "");
    let texts = said((&text([0, 1, 2]), &text([2, 0, 1])), None);
    assert!(
        texts
            .iter()
            .any(|text| text.contains("it met no packet that it could decide; now no single rule")),
        "{texts:?}"
    );
}

#[test]
fn behind_what_was_not_read_nothing_is_said_to_decide() {
    let before = table("meta mark 1 drop", "");
    let after = table("meta mark 1 drop\nmeta mark 1 accept", "");
    assert!(said((&before, &after), None)[0].contains("so it decides nothing"));
    // A rule that was not read may set the mark between them.
    let texts = said((&before, &after), Some("ip/t/c/rule[2]"));
    for text in &texts {
        assert!(!text.contains("decides nothing"), "{text}");
    }
    let gap = Some("ip/other");
    assert!(
        said((&before, &after), gap)[0].contains("so it decides nothing"),
        "of another table"
    );
}

#[test]
fn an_object_that_a_map_gives_is_in_use() {
    let with = |element: &str, rule: &str| {
        format!(
            "table ip t {{\n quota q {{\n over {element} bytes\n }}\n map m {{\n type ipv4_addr : quota\n elements = {{ 10.0.0.1 : \"q\" }}\n }}\n \
             chain c {{\n type filter hook input priority 0\n{rule}\n }}\n}}\n"
        )
    };
    for rule in [
        "quota name ip saddr map @m",
        "quota name ip saddr map { 10.0.0.1 : \"q\" }",
    ] {
        let texts = said((&with("1", rule), &with("2", rule)), None);
        assert_eq!(
            texts,
            ["What a named object says is another. One rule uses it."],
            "{rule}"
        );
    }
    let texts = said((&with("1", ""), &with("2", "")), None);
    assert!(
        texts[0].ends_with("so packets are treated as before."),
        "{texts:?}"
    );
    let texts = said((&with("1", ""), &with("2", "")), Some("ip/t/c"));
    assert!(texts.iter().all(|text| !text.contains("as before")), "{texts:?}");
}
