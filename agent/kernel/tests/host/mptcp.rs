//! Endpoints and limits of Multipath TCP against `ip mptcp`, and IPVS where there is none.

use netghost_core::section::{SectionName, State};

use super::{config, json, lines, namespace, one_edit, run};

const NAME: SectionName = SectionName::Mptcp;
const SETUP: &str = "
    ip link add eth0 type veth peer name eth1
    ip mptcp limits set subflows 3 add_addr_accepted 2
    ip mptcp endpoint add 10.0.0.1 dev eth0 subflow backup
    ip mptcp endpoint add 10.0.0.2 signal
    ip mptcp endpoint add 2001:db8::1 subflow fullmesh
";

#[test]
fn root_reads_endpoints_and_limits_as_ip_shows_them() {
    let namespace = namespace(SETUP);
    let read = lines(&config(&namespace, NAME));
    assert_eq!(
        read,
        [
            "endpoint 10.0.0.1 dev eth0 subflow backup",
            "endpoint 10.0.0.2 signal",
            "endpoint 2001:db8::1 subflow fullmesh",
            "limits add_addr_accepted 2 subflows 3",
        ]
    );
    let shown = json(&namespace, "ip -j mptcp endpoint");
    assert_eq!(shown.len(), 3);
    for endpoint in &shown {
        let address = endpoint["address"].as_str().unwrap();
        let ours = read
            .iter()
            .find(|line| line.starts_with(&format!("endpoint {address}")))
            .unwrap();
        for flag in ["signal", "subflow", "backup", "fullmesh"] {
            assert_eq!(
                endpoint[flag].as_bool().unwrap_or(false),
                ours.contains(flag),
                "{endpoint} {ours}"
            );
        }
    }
}

#[test]
fn root_finds_one_change_of_an_endpoint_and_none_after_a_reload() {
    let namespace = namespace(SETUP);
    one_edit(
        &namespace,
        NAME,
        "ip mptcp limits set subflows 4",
        "fact_changed limits",
        "ip mptcp limits set subflows 3",
    );
    one_edit(
        &namespace,
        NAME,
        "ip mptcp endpoint add 10.0.0.9 signal",
        "fact_added endpoint/10.0.0.9",
        "ip mptcp endpoint del id 4",
    );
    let before = config(&namespace, NAME);
    run(&namespace, "ip mptcp endpoint flush");
    assert_ne!(config(&namespace, NAME), before);
    let add: Vec<_> = SETUP
        .lines()
        .filter(|line| line.contains("endpoint add"))
        .rev()
        .collect();
    run(&namespace, &add.join("\n"));
    assert_eq!(
        lines(&config(&namespace, NAME)),
        lines(&before),
        "numbered the other way round"
    );
}

/// A kernel without IPVS lists no such family; that is no empty list of services.
#[test]
fn root_proves_that_there_is_no_ipvs_or_reads_none() {
    let section = super::read(&namespace(""), SectionName::Ipvs);
    match &section.state {
        State::NotApplicable { why } => assert!(why.contains("IPVS"), "{why}"),
        State::Captured => {}
        other => panic!("{other:?}"),
    }
}
