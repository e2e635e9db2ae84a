//! Whose a chain is, and whose it is not.

use super::*;
use crate::netfilter::model::Ruleset;
use crate::netfilter::save;
use crate::section::Content;

#[test]
fn makers_are_known_by_the_forms_of_their_names() {
    let cases = [
        ("KUBE-SEP-4B2VQWQTVO5MUAXY", Some("kubernetes")),
        ("KUBE-SERVICES", Some("kubernetes")),
        ("KUBE-SEP-ABC", None),
        ("KUBE-SEP-4B2VQWQTVO5MUAX1", None),
        ("KUBE-mine", None),
        ("KUBE-POD-FW-4B2VQWQTVO5MUAXY", Some("kube-router")),
        ("DOCKER", Some("docker")),
        ("DOCKER-mine", None),
        ("DOCKER-USER", None),
        ("CNI-2f87150385ce5583fe68629c", Some("cni")),
        ("CNI-2f87150385ce5583fe68629C", None),
        ("CNI-ADMIN", None),
        ("CNI-allowed", None),
        ("NETAVARK-1D8721804F16F", Some("netavark")),
        ("NETAVARK-mine", None),
        ("AZURE-NPM-INGRESS-3618314628", Some("azure-npm")),
        ("AZURE-NPM-INGRESS-mine", None),
        ("cali-fw-eth0", Some("calico")),
        ("cali-fornia", None),
        ("f2b-sshd", Some("fail2ban")),
        ("f2b-", None),
        ("ufw6-user-input", Some("ufw")),
        ("ufw-mine", None),
        ("ts-input", Some("tailscale")),
        ("ts-mine", None),
        ("tsunami", None),
        ("LIBVIRT_INP", Some("libvirt")),
        ("ISTIO_OUTPUT", Some("istio")),
        ("ISTIO_OUTPUT_mine", None),
        ("INPUT", None),
        ("IN_DROP", None),
        ("IN_web", None),
        ("INPUT_ZONES", Some("firewalld")),
        ("INPUT_direct", None),
    ];
    for (name, maker) in cases {
        assert_eq!(of_chain(&Text::from(name)), maker, "{name}");
    }
    assert_eq!(of_table(&Text::from("firewalld")), Some("firewalld"));
    assert_eq!(of_table(&Text::from("filter")), None);
}

fn table(lines: &str) -> Table {
    let text = format!("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n{lines}COMMIT\n");
    let section = save::parse(text.as_bytes(), None).unwrap();
    let Some(Content::Netfilter { config, .. }) = section.content else {
        panic!("not a ruleset")
    };
    let Ruleset { mut tables, .. } = config;
    tables.remove(0)
}

#[test]
fn a_zone_is_firewallds_only_with_its_stages() {
    let stages = |start: &str| -> String {
        let all = ["", "_log", "_deny", "_allow"].map(|stage| format!(":{start}{stage} - [0:0]\n"));
        all.concat()
    };
    let whose = |table: &Table, name: &str| of_chain_in(table, &name.into());
    let zones = table(&(stages("IN_public") + ":IN_web - [0:0]\n"));
    assert_eq!(whose(&zones, "IN_public"), Some("firewalld"));
    assert_eq!(whose(&zones, "IN_public_deny"), Some("firewalld"));
    assert_eq!(whose(&zones, "IN_web"), None);
    let direct = table(":INPUT_direct - [0:0]\n:FORWARD_direct - [0:0]\n");
    assert_eq!(whose(&direct, "INPUT_direct"), Some("firewalld"));
    let mine = table(":INPUT_direct - [0:0]\n");
    assert_eq!(whose(&mine, "INPUT_direct"), None);
}

#[test]
fn a_rule_outside_is_whose_chain_it_leads_to_or_whose_mark_it_carries() {
    let table = table(
        ":f2b-sshd - [0:0]\n:DOCKER-USER - [0:0]\n:cali-new - [0:0]\n\
         -A INPUT -p tcp -j f2b-sshd\n\
         -A INPUT -j DOCKER-USER\n\
         -A INPUT -m comment --comment \"cali:S93hcgKJrXEqnTfs\" -j ACCEPT\n\
         -A INPUT -m comment --comment \"cali:fornia\" -j ACCEPT\n\
         -A INPUT -j ACCEPT\n\
         -A cali-new -m comment --comment \"cali:S93hcgKJrXEqnTfs\" -m mark --mark 1 -j ACCEPT\n",
    );
    let input = table
        .chains
        .iter()
        .find(|chain| chain.name == "INPUT".into())
        .unwrap();
    let makers: Vec<_> = input
        .rules
        .iter()
        .map(|rule| of_rule(&table, &input.name, rule))
        .collect();
    assert_eq!(makers, [Some("fail2ban"), None, Some("calico"), None, None]);
    assert_eq!(of_chain_in(&table, &"cali-new".into()), Some("calico"));
}
