//! What would be said wrongly without a guard.

use super::*;

/// `path known` of the chains at a hook of `ip`, in order.
fn at(source: &str, hook: &str) -> Vec<String> {
    at_of(source, "ip", hook)
}

fn at_of(source: &str, family: &str, hook: &str) -> Vec<String> {
    let section = nft_file::parse_text(source.as_bytes(), &|_| None).unwrap();
    let Some(Content::Netfilter { config, .. }) = section.content else {
        panic!("not a ruleset");
    };
    let places = order(&[("nftables", &config)]);
    let place = places
        .iter()
        .find(|place| place.family.as_str() == family && place.hook.as_str() == hook);
    let chains = place.unwrap().chains.iter();
    let shown = chains.map(|chain| format!("{} {} {}", chain.path, chain.runs_at, chain.order_known));
    shown.collect()
}

/// As the kernel does it: counters of chains of one priority were tried in a namespace.
#[test]
fn of_one_priority_the_chain_that_was_made_last_comes_first() {
    let chain = |name: &str| format!(" chain {name} {{\n type filter hook input priority 0\n }}\n");
    let table = |name: &str, chains: &[&str]| {
        let chains: String = chains.iter().map(|name| chain(name)).collect();
        format!("table {name} {{\n{chains}}}\n")
    };
    assert_eq!(
        at(&table("ip t", &["a", "b", "c"]), "input"),
        ["ip/t/c 0 true", "ip/t/b 0 true", "ip/t/a 0 true"]
    );
    // A chain may have been added to the first table after the second was made.
    let two = table("ip t", &["a", "b"]) + &table("ip u", &["c"]);
    let known = at(&two, "input");
    assert_eq!(
        known.iter().filter(|row| row.ends_with("true")).count(),
        1,
        "{known:?}"
    );
    // What stands before an `inet` chain in one family says nothing of the other.
    let mixed = table("ip t", &["a", "b"]) + &table("inet u", &["x", "y"]) + &table("ip6 v", &["z"]);
    let six = at_of(&mixed, "ip6", "input");
    let place = |name: &str| six.iter().position(|row| row.starts_with(name)).unwrap();
    assert!(place("inet/u/y") < place("inet/u/x"), "{six:?}");
}

/// Tried in a namespace: a filter chain at -120 sees what a nat chain at -150 has not yet translated.
#[test]
fn a_nat_chain_runs_where_all_translation_does() {
    let source = "table ip t {\n chain n {\n type nat hook output priority -150\n }\n chain m {\n type nat hook output priority -160\n }\n \
                  chain f {\n type filter hook output priority -120\n }\n chain g {\n type filter hook output priority -90\n }\n}\n";
    assert_eq!(
        at(source, "output"),
        [
            "ip/t/f -120 true",
            "ip/t/m -100 true",
            "ip/t/n -100 true",
            "ip/t/g -90 true"
        ]
    );
    let late = "table ip t {\n chain n {\n type nat hook postrouting priority 0\n }\n chain f {\n type filter hook postrouting priority 50\n }\n}\n";
    assert_eq!(at(late, "postrouting"), ["ip/t/f 50 true", "ip/t/n 100 true"]);
}

#[test]
fn what_stands_before_a_condition_is_said_of_every_packet() {
    let found = explained(
        "table ip t {\n chain c {\n type filter hook input priority 0\n log tcp dport 22 counter drop\n counter ip saddr 10.0.0.1\n }\n}\n",
    );
    let summaries: Vec<&str> = found.chains[0]
        .rules
        .iter()
        .map(|rule| rule.summary.as_str())
        .collect();
    assert_eq!(
        summaries,
        [
            "every packet: logs it; then, if meta.l4proto is tcp and tcp.dport is 22: counts it, then drops it silently",
            "every packet: counts it; then, if ip.saddr is 10.0.0.1: nothing more"
        ]
    );
}

#[test]
fn states_of_translation_stand_beside_the_others() {
    let notes = |rules: &str| -> Vec<(&'static str, String)> {
        let text = format!("*filter\n:INPUT ACCEPT [0:0]\n{rules}COMMIT\n");
        let section =
            crate::netfilter::save::parse(text.as_bytes(), Some(crate::netfilter::model::Family::Ip))
                .unwrap();
        let Some(Content::Netfilter { config, runtime }) = section.content else {
            panic!("not a ruleset");
        };
        let notes = explain(&config, &runtime, &section.gaps).notes;
        notes.into_iter().map(|note| (note.code, note.path)).collect()
    };
    let rule = |state: &str, target: &str| format!("-A INPUT -m conntrack {state} -j {target}\n");
    // An established connection that is translated is in both states.
    for later in ["--ctstate DNAT", "--ctstate NEW,SNAT"] {
        let rules = rule("! --ctstate ESTABLISHED", "DROP") + &rule(later, "ACCEPT");
        assert_eq!(notes(&rules), [], "{later}");
    }
    let rules = rule("! --ctstate ESTABLISHED,DNAT", "DROP") + &rule("--ctstate NEW", "ACCEPT");
    assert_eq!(notes(&rules), []);
    let rules = rule("! --ctstate ESTABLISHED", "DROP") + &rule("--ctstate NEW", "ACCEPT");
    assert_eq!(
        notes(&rules),
        [("SHADOWED_RULE", "ip/filter/INPUT/rule[2]".to_owned())]
    );
}

#[test]
fn a_chain_too_deep_to_follow_may_hold_any_verdict() {
    let chains: String = (1..40)
        .map(|at| format!(" chain c{at} {{\n jump c{}\n }}\n", at + 1))
        .collect();
    let found = explained(&format!(
        "table ip t {{\n chain c0 {{\n type filter hook input priority 0\n jump c1\n }}\n{chains} chain c40 {{\n drop\n }}\n}}\n"
    ));
    assert!(found.chains[0].more_ends || !found.chains[0].ends.is_empty());
    assert!(found.chains[0].returns);
}
