//! What is said of single edits, and which rules are named.

use super::made;
use crate::diff::{Explanation, Kind, Role, compare, explain};
use crate::namespace::{Asked, Namespace, Namespaces};
use crate::netfilter::nft_file;
use crate::section::SectionName;
use crate::snapshot::Snapshot;

fn snapshot(source: &str) -> Snapshot {
    made::snapshot(vec![nft_file::parse_text(source.as_bytes(), &|_| None).unwrap()])
}

fn table(policy: &str, rules: &str) -> String {
    format!(
        "table ip t {{\n set s {{ type ipv4_addr; elements = {{ 10.0.0.1 }}; }}\n chain lone {{ }}\n \
         chain web {{ ip saddr 10.0.0.1 return; drop; }}\n \
         chain c {{\n type filter hook input priority 0; policy {policy};\n{rules}\n }}\n}}\n"
    )
}

/// What is said of the one change between two rulesets.
fn said(before: &str, after: &str) -> (Kind, Explanation) {
    let (before, after) = (snapshot(before), snapshot(after));
    let found = compare(&before, &after, &[SectionName::Nftables]);
    let mut all = explain(&found, &before, &after);
    assert_eq!((found.changes.len(), all.len()), (1, 1), "{:?}", found.changes);
    (found.changes[0].kind, all.remove(0))
}

fn rules(before: &str, after: &str) -> Explanation {
    said(&table("accept", before), &table("accept", after)).1
}

fn evidence(of: &Explanation) -> Vec<(Role, &str)> {
    of.evidence
        .iter()
        .map(|row| (row.role, row.path.as_str()))
        .collect()
}

#[test]
fn a_new_rule_says_what_became_of_its_packets_before() {
    let found = rules("", "tcp dport 22 drop");
    assert_eq!(
        found.text,
        "New: if meta.l4proto is tcp and tcp.dport is 22: drops it silently. Before, such packets met the policy \
         accept, unless another rule took them."
    );
    assert_eq!(
        evidence(&found),
        [(Role::Hook, "ip/t/c"), (Role::Policy, "ip/t/c")]
    );
    let found = rules(
        "meta l4proto tcp accept",
        "tcp dport 22 drop\nmeta l4proto tcp accept",
    );
    assert!(
        found
            .text
            .contains("Before, such packets were decided at the latest by rule 1 ("),
        "{}",
        found.text
    );
    assert_eq!(
        evidence(&found),
        [(Role::Hook, "ip/t/c"), (Role::Decides, "ip/t/c/rule[1]")]
    );
}

#[test]
fn a_rule_that_meets_no_packet_is_said_to_change_nothing() {
    let found = rules(
        "meta l4proto tcp accept",
        "meta l4proto tcp accept\ntcp dport 22 drop",
    );
    assert!(
        found
            .text
            .ends_with("Rule 1 before it takes every packet that it asks for, so it decides nothing.")
    );
    assert_eq!(
        evidence(&found),
        [(Role::Hook, "ip/t/c"), (Role::ShadowedBy, "ip/t/c/rule[1]")]
    );
    let lone =
        |rules: &str| table("accept", "").replace("chain lone { }", &format!("chain lone {{ {rules} }}"));
    let (_, found) = said(&lone(""), &lone("drop;"));
    assert!(
        found
            .text
            .ends_with("No hook leads to the chain lone, so no packet meets it."),
        "{}",
        found.text
    );
    assert_eq!(evidence(&found), []);
}

#[test]
fn what_cannot_be_compared_is_not_decided() {
    let earlier = "ip saddr @d drop\n";
    let source = |rules: &str| {
        table("accept", rules).replace(
            " chain lone",
            " set d { type ipv4_addr; flags timeout; }\n chain lone",
        )
    };
    let (_, found) = said(
        &source(earlier),
        &source(&format!("{earlier}ip saddr 10.0.0.1 accept")),
    );
    assert!(found.text.contains("that is not decided"), "{}", found.text);
    assert_eq!(
        evidence(&found),
        [(Role::Hook, "ip/t/c"), (Role::NotDecided, "ip/t/c/rule[1]")]
    );
}

#[test]
fn a_change_behind_a_jump_names_the_way_to_it() {
    let web = |rules: &str| table("accept", "tcp dport 80 jump web").replace("return; drop;", rules);
    let (_, found) = said(&web("return; drop;"), &web("return; accept;"));
    assert_eq!(
        evidence(&found)[..2],
        [(Role::Hook, "ip/t/c"), (Role::Jump, "ip/t/c/rule[1]")]
    );
    assert!(
        found
            .text
            .starts_with("Was: every packet: drops it silently; is now: every packet: accepts it here")
    );
}

#[test]
fn a_gone_rule_says_what_becomes_of_its_packets() {
    let found = rules(
        "tcp dport 22 drop\ntcp dport 1-1023 accept",
        "tcp dport 1-1023 accept",
    );
    assert!(
        found
            .text
            .contains("Now such packets are decided at the latest by rule 1 ("),
        "{}",
        found.text
    );
    let found = rules(
        "tcp dport 22 drop\nct state new accept",
        "ct state new accept\ntcp dport 22 drop",
    );
    assert!(
        found.text.contains("decided in the other order"),
        "{}",
        found.text
    );
}

#[test]
fn a_policy_that_no_packet_meets_is_said_to_be_none() {
    let (kind, found) = said(&table("accept", ""), &table("drop", ""));
    assert_eq!(kind, Kind::PolicyChanged);
    assert_eq!(
        found.text,
        "Packets that no rule of this chain decides now meet drop instead of accept."
    );
    let (_, found) = said(&table("accept", "drop"), &table("drop", "drop"));
    assert!(
        found
            .text
            .ends_with("a rule of the chain ends the way of all that are left.")
    );
    assert_eq!(
        evidence(&found),
        [(Role::Hook, "ip/t/c"), (Role::Decides, "ip/t/c/rule[1]")]
    );
}

#[test]
fn an_element_names_the_rules_that_look_it_up() {
    let grown = |rules: &str| table("accept", rules).replace("{ 10.0.0.1 }", "{ 10.0.0.1, 10.0.0.2 }");
    let (kind, found) = said(&table("accept", "ip saddr @s drop"), &grown("ip saddr @s drop"));
    assert_eq!(kind, Kind::SetElementAdded);
    assert_eq!(evidence(&found), [(Role::Uses, "ip/t/c/rule[1]")]);
    let (_, found) = said(&table("accept", ""), &grown(""));
    assert!(
        found
            .text
            .ends_with("No rule of its table uses it, so packets are treated as before.")
    );
}

#[test]
fn a_comment_changes_nothing() {
    let (kind, found) = said(
        &table("accept", "drop comment \"a\""),
        &table("accept", "drop comment \"b\""),
    );
    assert_eq!(kind, Kind::CommentChanged);
    assert_eq!(
        found.text,
        "Only a comment differs: packets are treated as before."
    );
}

/// The host's own tables say nothing of a container's.
#[test]
fn a_change_in_a_namespace_is_explained_by_what_stands_there() {
    let host = |rules: &str| {
        let section = nft_file::parse_text(table("accept", rules).as_bytes(), &|_| None).unwrap();
        let inside = Namespace::read("b".into(), vec![section]);
        snapshot("table ip other {\n}\n").with_namespaces(Namespaces::new(Asked::All, None, vec![inside]))
    };
    let (before, after) = (
        host("tcp dport 1 accept"),
        host("tcp dport 1 accept\ntcp dport 2 drop"),
    );
    let found = compare(&before, &after, &[SectionName::Nftables]);
    let said = explain(&found, &before, &after);
    assert_eq!(said.len(), 1, "{:?}", found.changes);
    assert!(evidence(&said[0]).contains(&(Role::Hook, "ip/t/c")), "{said:?}");
}
