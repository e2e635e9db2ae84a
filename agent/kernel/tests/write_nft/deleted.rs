//! Rules of every kind, deleted and put back.

use netghost_core::gate::RuleRef;
use netghost_core::netfilter::model::Family;
use netghost_kernel::write::WriteError;

use crate::dice;
use crate::host::{Host, deletion};
use crate::random;

/// Every rule of random rulesets of all families goes and comes back: the whole section has its digest, and `nft` lists the same.
#[test]
fn root_random_rules_come_back() {
    let (cases, first) = (dice::cases(80), dice::first_seed());
    let (mut tried, mut seed) = (0, first);
    while tried < cases {
        let host = random::host(seed);
        println!("NETGHOST_SEED={seed}");
        let before = host.before();
        for placed in host.rules() {
            before.there_and_back(&placed.deletion());
            tried += 1;
        }
        seed += 1;
    }
    println!(
        "{tried} rules of {} rulesets from NETGHOST_SEED={first} deleted and undone",
        seed - first
    );
}

/// What a rule can hold that goes with it.
const EVERY_KIND: &str = include_str!("every.nft");

#[test]
fn root_every_kind_of_rule_comes_back() {
    let host = Host::nft(EVERY_KIND);
    let rules = host.rules();
    assert!(rules.len() > 35, "{}", rules.len());
    let before = host.before();
    for placed in rules {
        before.there_and_back(&placed.deletion());
    }
}

/// Of rules that read alike the one that is meant goes, and its counters come back in its place.
#[test]
fn root_counters_come_back_in_their_place() {
    let host = Host::nft(
        "table ip t { chain c {
            counter packets 1 bytes 10 accept
            counter packets 2 bytes 20 accept
            counter packets 3 bytes 30 accept
        }
        }",
    );
    let listed = || host.must("nft list ruleset");
    let before = listed();
    let second = netghost_core::gate::Operation::NftDelete {
        family: Family::Ip,
        table: "t".into(),
        chain: "c".into(),
        rule: RuleRef {
            text: "counter accept".into(),
            occurrence: 2,
        },
    };
    let change = host.plan(&second).unwrap();
    host.apply(&change).unwrap();
    let after = listed();
    assert!(
        !after.contains("packets 2 bytes 20") && after.contains("packets 3 bytes 30"),
        "{after}"
    );
    host.undo(&change).unwrap();
    assert_eq!(listed(), before);
    assert!(
        change
            .effect
            .notes
            .iter()
            .any(|note| note.to_string().contains("counters")),
        "{:?}",
        change.effect.notes
    );
}

/// Chains in place go and come with the rule; they are numbered by when they were made, so only the newest come back as they were.
#[test]
fn root_chains_in_place_come_back() {
    let host = Host::nft(
        "table inet t { chain c {
            tcp dport 1 jump { ip saddr 10.0.0.1 accept; tcp dport { 5, 6 } drop; }
            tcp dport 2 goto { counter packets 5 bytes 6; ip saddr 10.0.0.2 accept; }
        }
        }",
    );
    let rules = host.rules();
    let refused = host.plan(&rules[0].deletion());
    assert!(
        matches!(&refused, Err(WriteError::Unsupported { what }) if what.contains("made later")),
        "{refused:?}"
    );
    host.before().there_and_back(&rules[1].deletion());
    // Without them the older one is the newest.
    host.apply(&host.plan(&rules[1].deletion()).unwrap()).unwrap();
    host.before().there_and_back(&rules[0].deletion());
}

/// A change that was confirmed is undone by the same steps the other way, and that can be undone too.
#[test]
fn root_a_change_is_reversed() {
    let host = Host::nft("table inet t { chain c { tcp dport { 1, 2 } accept; drop; }\n }");
    let before = host.digest();
    let change = host
        .plan(&deletion(Family::Inet, "t", "c", "tcp dport { 1, 2 } accept"))
        .unwrap();
    host.apply(&change).unwrap();
    let gone = host.digest();
    let back = change.reversed().unwrap();
    host.apply(&back).unwrap();
    assert_eq!(host.digest(), before);
    host.undo(&back).unwrap();
    assert_eq!(host.digest(), gone);
}

/// What people are shown are commands that the tool takes.
#[test]
fn root_the_commands_that_are_shown_do_the_same() {
    let host = Host::nft(
        "table inet t { chain c { accept; tcp dport { 1, 2 } counter packets 0 bytes 0 drop; return; }\n }",
    );
    for at in 0..3 {
        let before = host.digest();
        let change = host.plan(&host.rules()[at].deletion()).unwrap();
        for command in [&change.effect.change, &change.effect.inverse] {
            let command = command[0].to_string();
            host.load(&format!("{}\n", command.strip_prefix("nft ").unwrap()));
        }
        assert_eq!(host.digest(), before, "{change:?}");
    }
}
