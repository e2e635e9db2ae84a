//! Rules that are written by a person, put where they are to stand, and taken out again.

use netghost_core::gate::{Place, RuleRef};
use netghost_core::netfilter::model::Family;
use netghost_kernel::write::{Standing, WriteError};

use crate::dice::{self, Dice};
use crate::host::{Host, insertion, the_first};

const FAMILIES: [(Family, &str); 4] = [
    (Family::Inet, "inet"),
    (Family::Ip, "ip"),
    (Family::Ip6, "ip6"),
    (Family::Bridge, "bridge"),
];

fn rules(family: &str) -> String {
    format!(
        "table {family} t {{
            chain other {{ counter; }}
            chain c {{
                type filter hook input priority 0; policy accept;
                meta mark 1 accept
                meta mark 2 accept
                meta mark 1 accept
            }}
        }}\n"
    )
}

struct Written {
    text: String,
    /// What `nft` is asked, where it stands.
    place: Place,
    command: &'static str,
}

/// A rule of what may be inserted.
fn rule(dice: &mut Dice, family: &str) -> Written {
    let not = dice.not().replace("! ", "!= ");
    let mut parts = Vec::new();
    if dice.chance(2) {
        parts.push(address(dice, family, &not));
    }
    match dice.below(6) {
        0 | 1 => {
            let ports = dice.ports().replace(':', "-");
            let protocol = dice.pick(&["tcp", "udp"]);
            parts.push(format!(
                "{protocol} {} {not}{ports}",
                dice.pick(&["sport", "dport"])
            ));
        }
        2 => parts.push(format!(
            "meta l4proto {not}{}",
            dice.pick(&["tcp", "udp", "icmp", "47"])
        )),
        3 if family == "ip" => parts.push(format!("ip protocol {}", dice.pick(&["tcp", "esp"]))),
        _ => {}
    }
    if dice.chance(3) {
        let name = dice.pick(&["eth0", "lo", "wg*", "a-b.c"]);
        parts.push(format!("{} {not}\"{name}\"", dice.pick(&["iifname", "oifname"])));
    }
    if family != "bridge" && dice.chance(3) {
        parts.push(format!(
            "ct state {}",
            dice.some(&["new", "established", "related", "invalid"])
        ));
    }
    if dice.chance(2) {
        parts.push(dice.pick(&["counter", "counter packets 5 bytes 700"]).to_owned());
    }
    parts.push(match dice.below(7) {
        0 if family != "bridge" => "reject".to_owned(),
        1 => "jump other".to_owned(),
        2 => "goto other".to_owned(),
        3 => "return".to_owned(),
        4 => "accept".to_owned(),
        5 => "counter".to_owned(),
        _ => "drop".to_owned(),
    });
    if dice.chance(3) {
        let text = dice.odd_text(100).replace(['"', '\\'], "'");
        parts.push(format!("comment \"{text}\""));
    }
    let (place, command) = place(dice);
    Written {
        text: parts.join(" "),
        place,
        command,
    }
}

fn address(dice: &mut Dice, family: &str, not: &str) -> String {
    let v4 = family == "ip" || (family != "ip6" && dice.chance(2));
    let side = dice.pick(&["saddr", "daddr"]);
    let number = dice.below(1 << 16);
    match (v4, dice.below(3)) {
        (true, 0) => format!("ip {side} {not}10.{}.0.0/16", number % 256),
        (true, 1) => format!("ip {side} {not}10.0.{}.0/{}", number % 128 * 2, 17 + number % 7),
        (true, _) => format!("ip {side} {not}10.0.{}.{}", number / 256, number % 256),
        (false, 0) => format!("ip6 {side} {not}2001:db8:{number:x}::/48"),
        (false, _) => format!("ip6 {side} {not}fd00::{number:x}"),
    }
}

fn place(dice: &mut Dice) -> (Place, &'static str) {
    let second = RuleRef {
        text: "meta mark 0x00000001 accept".into(),
        occurrence: 2,
    };
    let mark_2 = the_first("meta mark 0x00000002 accept");
    match dice.below(5) {
        0 => (Place::First, "insert rule FAMILY t c"),
        1 => (Place::Last, "add rule FAMILY t c"),
        2 => (Place::Before { rule: mark_2 }, "insert rule FAMILY t c index 1"),
        3 => (Place::After { rule: mark_2 }, "add rule FAMILY t c index 1"),
        _ => (Place::Before { rule: second }, "insert rule FAMILY t c index 2"),
    }
}

/// What is inserted is what `nft` would insert, to the digest; undone, all is as before.
#[test]
fn root_random_rules_are_inserted_as_nft_does() {
    let (cases, first) = (dice::cases(48), dice::first_seed());
    println!("NETGHOST_SEED={first}");
    let mut dice = Dice::new(first);
    let mut tried = 0;
    while tried < cases {
        for (family, name) in FAMILIES {
            let host = Host::nft(&rules(name));
            let before = host.before();
            let written: Vec<Written> = (0..4).map(|_| rule(&mut dice, name)).collect();
            for Written { text, place, command } in written {
                let operation = insertion(family, "t", "c", place, &text);
                let change = before.there_and_back(&operation);
                host.apply(&change).unwrap();
                let ours = host.digest();
                host.undo(&change).unwrap();
                let theirs = Host::nft(&rules(name));
                theirs.load(&format!("{} {text}\n", command.replace("FAMILY", name)));
                assert_eq!(ours, theirs.digest(), "{name}: {text}: {:?}", theirs.texts("c"));
                tried += 1;
            }
        }
    }
    println!("{tried} rules inserted and undone");
}

/// An inserted rule works: what it drops does not come through.
#[test]
fn root_an_inserted_rule_works() {
    let host = Host::nft("table inet t { chain c { type filter hook input priority 0; }\n }");
    let ping = || {
        host.0
            .exec(&["ping", "-c1", "-W1", "127.0.0.1"])
            .unwrap()
            .status
            .success()
    };
    let operation = insertion(
        Family::Inet,
        "t",
        "c",
        Place::First,
        "ip saddr 127.0.0.0/8 counter drop",
    );
    let change = host.plan(&operation).unwrap();
    assert!(ping());
    host.apply(&change).unwrap();
    assert!(!ping());
    // Its counter counts meanwhile, which is no conflict.
    assert_eq!(host.standing(&change), Standing::After);
    host.undo(&change).unwrap();
    assert!(ping());
}

/// Each place by the commands that are shown.
#[test]
fn root_the_commands_that_are_shown_insert_the_same() {
    for place in [
        Place::First,
        Place::Last,
        Place::After {
            rule: the_first("meta mark 0x00000002 accept"),
        },
    ] {
        let (host, theirs) = (Host::nft(&rules("inet")), Host::nft(&rules("inet")));
        let change = host
            .plan(&insertion(
                Family::Inet,
                "t",
                "c",
                place,
                "tcp dport 22 ct state new accept",
            ))
            .unwrap();
        host.apply(&change).unwrap();
        let command = change.effect.change[0].to_string();
        theirs.load(&format!("{}\n", command.strip_prefix("nft ").unwrap()));
        assert_eq!(host.digest(), theirs.digest(), "{command}");
    }
}

#[test]
fn root_what_can_not_be_inserted_is_named() {
    let host = Host::nft(&rules("inet"));
    let first = host.before();
    let refused = |text: &str| {
        host.plan(&insertion(Family::Inet, "t", "c", Place::First, text))
            .unwrap_err()
    };
    for (text, why) in [
        ("tcp dport { 1, 2 } accept", "a set of its own"),
        ("jump { accept; }", "a chain of its own"),
        ("iif \"lo\" accept", "by its number"),
        ("meta mark 5 accept", "a match on meta mark"),
        ("limit rate 5/second accept", "a statement other than"),
        ("meta mark set 5", "a statement other than"),
        ("ip saddr @known drop", "can't be written"),
        ("nonsense", "can't be written"),
        ("accept; drop", "not one rule"),
        ("continue", "the verdict continue"),
        ("tcp dport > 5 accept", "of this kind"),
    ] {
        let error = refused(text);
        assert!(
            matches!(error, WriteError::Unsupported { .. }),
            "{text}: {error:?}"
        );
        assert!(error.to_string().contains(why), "{text}: {error}");
    }
    let error = refused("jump nowhere");
    assert_eq!(error.to_string(), "chain inet t nowhere is not there");
    first.is_so(&"nothing was inserted");
    // A circle the kernel refuses, before anybody is asked.
    host.must("nft add rule inet t c jump other");
    let before = host.before();
    let error = host
        .plan(&insertion(Family::Inet, "t", "other", Place::First, "jump other"))
        .unwrap_err();
    assert!(matches!(error, WriteError::Refused { .. }), "{error:?}");
    before.is_so(&"nothing was inserted");
}

/// Into a table of iptables-nft a rule goes too, and people are told.
#[test]
fn root_a_table_of_iptables_is_named() {
    let host = Host::shell("iptables-nft -A INPUT -s 10.0.0.1 -j DROP");
    let operation = insertion(
        Family::Ip,
        "filter",
        "INPUT",
        Place::First,
        "ip saddr 10.0.0.2 drop",
    );
    let change = host.before().there_and_back(&operation);
    assert!(
        change.effect.notes[0].to_string().contains("iptables-nft"),
        "{:?}",
        change.effect.notes
    );
}
