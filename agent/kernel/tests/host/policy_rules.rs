//! Rules against `ip -j -d rule`, both families.

use netghost_core::facts::Fact;
use netghost_core::section::SectionName;
use serde_json::Value;

use super::{config, json, lines, namespace, one_edit, run};

const NAME: SectionName = SectionName::PolicyRules;
const RULES: &str = "
    ip rule add priority 100 from 10.0.0.0/8 to 192.0.2.0/24 iif lo fwmark 0x1/0xff table 300
    ip rule add priority 100 from 10.0.0.0/8 blackhole
    ip rule add priority 100 from 10.0.0.0/8 unreachable
    ip rule add priority 110 not from 172.16.0.0/12 prohibit
    ip rule add priority 120 ipproto tcp sport 1000-2000 dport 22 lookup main suppress_prefixlength 0
    ip rule add priority 130 oif eth9 fwmark 7 table 5 suppress_ifgroup 3
    ip rule add priority 140 uidrange 1000-2000 tos 0x10 table 6 protocol static
    ip rule add priority 150 goto 32766
    ip rule add priority 160 goto 20000
    ip rule add priority 170 tun_id 77 table 8
    ip rule add priority 180 from 10.9.0.0/16 realms 3/4 table 9
    ip rule add priority 190 l3mdev
    ip -6 rule add priority 100 from 2001:db8::/32 dport 53 ipproto udp table 300
    ip -6 rule add priority 110 to 2001:db8:1::/48 prohibit
";

/// The words of `ip -d rule`, from its JSON.
fn theirs(family: &str, rule: &Value) -> Vec<String> {
    let mut out = vec![family.to_owned(), format!("priority {}", rule["priority"])];
    let word = |name: &str| match &rule[name] {
        Value::String(word) => Some(word.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null if rule.get(name).is_some() => Some(String::new()),
        _ => None,
    };
    let prefix = |name: &str, length: &str| {
        let address = word(name)?;
        Some(match (word(length), address.as_str()) {
            (_, "all") => address,
            (Some(length), _) => format!("{address}/{length}"),
            (None, _) if address.contains(':') => format!("{address}/128"),
            _ => format!("{address}/32"),
        })
    };
    out.extend(prefix("src", "srclen").map(|from| format!("from {from}")));
    out.extend(prefix("dst", "dstlen").map(|to| format!("to {to}")));
    let mask = word("fwmask").map_or_else(String::new, |mask| format!("/{mask}"));
    out.extend(word("fwmark").map(|mark| format!("fwmark {mark}{mask}")));
    let range = |one: &str, start: &str, end: &str| {
        word(one).or_else(|| Some(format!("{}-{}", word(start)?, word(end)?)))
    };
    out.extend(range("sport", "sport_start", "sport_end").map(|ports| format!("sport {ports}")));
    out.extend(range("dport", "dport_start", "dport_end").map(|ports| format!("dport {ports}")));
    out.extend(range("uidrange", "uid_start", "uid_end").map(|users| format!("uidrange {users}")));
    for name in ["iif", "oif", "tos", "ipproto", "goto", "tun_id", "action"] {
        out.extend(word(name).map(|value| format!("{name} {value}")));
    }
    out.extend(word("not").map(|_| "not".to_owned()));
    out.extend(word("l3mdev").map(|_| "l3mdev".to_owned()));
    out.extend(word("table").map(|table| format!("lookup {table}")));
    out.extend(word("suppress_prefixlen").map(|length| format!("suppress_prefixlength {length}")));
    out.extend(word("suppress_ifgroup").map(|group| format!("suppress_ifgroup {group}")));
    out.extend(word("protocol").map(|by| format!("proto {by}")));
    out.extend(
        word("flow_to").map(|to| format!("realms {}/{to}", word("flow_from").unwrap_or("0".to_owned()))),
    );
    out.sort();
    out
}

fn ours(rule: &Fact) -> Vec<String> {
    let mut out: Vec<String> = rule.properties.iter().map(ToString::to_string).collect();
    out.extend([rule.key[0].to_string(), format!("priority {}", rule.key[1])]);
    out.sort();
    out
}

#[test]
fn root_reads_every_rule_as_ip_shows_it() {
    let namespace = namespace(RULES);
    let read = config(&namespace, NAME);
    for (family, option) in [("ipv4", "-4"), ("ipv6", "-6")] {
        let shown = json(&namespace, &format!("ip -j -d {option} rule"));
        let mut theirs: Vec<_> = shown.iter().map(|rule| theirs(family, rule)).collect();
        let of_family = read.iter().filter(|rule| rule.key[0].to_string() == family);
        let mut ours: Vec<_> = of_family.map(ours).collect();
        theirs.sort();
        ours.sort();
        assert_eq!(ours, theirs);
        assert!(theirs.len() >= 4);
    }
    let multicast = read
        .iter()
        .filter(|rule| rule.key[0].to_string().ends_with("multicast"));
    assert_eq!(
        multicast.count(),
        2,
        "the default rules of multicast routing: {:#?}",
        lines(&read)
    );
}

#[test]
fn root_finds_one_change_of_a_rule_and_none_after_a_reload() {
    let namespace = namespace(RULES);
    one_edit(
        &namespace,
        NAME,
        "ip rule add priority 200 from 203.0.113.0/24 table 1",
        "fact_added rule/ipv4/200/1",
        "ip rule del priority 200",
    );
    let before = config(&namespace, NAME);
    run(&namespace, "ip rule flush");
    run(&namespace, "ip -6 rule flush");
    // Flushing leaves the rule for local addresses only.
    run(
        &namespace,
        "ip rule add priority 32766 table main protocol kernel",
    );
    run(
        &namespace,
        "ip rule add priority 32767 table default protocol kernel",
    );
    run(
        &namespace,
        "ip -6 rule add priority 32766 table main protocol kernel",
    );
    run(&namespace, RULES);
    assert_eq!(lines(&config(&namespace, NAME)), lines(&before));
    // The first of those that are alike in priority decides.
    run(&namespace, "ip rule del priority 100 from 10.0.0.0/8 blackhole");
    run(&namespace, "ip rule add priority 100 from 10.0.0.0/8 blackhole");
    assert_ne!(config(&namespace, NAME), before, "the order of equals counts");
}
