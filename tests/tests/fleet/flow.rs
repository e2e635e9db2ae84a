//! The demo's flow: seal, break, compare, certify, verify, remove.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use netghost_lab::{Fault, Fleet, Kind};
use serde_json::Value;

use crate::operator::{
    Answer, audit_is_good, changes, check, document, fleet, netghost, plan, seal, verdict,
};
use crate::traces::traces;

/// What is put on a VM, and the changes that it must make there.
type Broken = (&'static str, Fault, &'static str);

const ON_NAMESPACES: [Broken; 3] = [
    ("vm1", Fault::LegacyDrop, "vm1 xtables-legacy-ipv4 rule_added"),
    ("vm1", Fault::NftReject, "vm1 nftables table_added"),
    ("vm2", Fault::TbfShaper, "vm2 tc qdisc_changed"),
];

/// User-Mode Linux has no `nf_tables` but for bridges; what it has beyond this machine's kernel is netem.
const ON_UML: [Broken; 2] = [
    ("vm1", Fault::LegacyDrop, "vm1 xtables-legacy-ipv4 rule_added"),
    ("vm2", Fault::NetemDelay, "vm2 tc qdisc_changed"),
];

/// Faults on both VMs are found on the right VM, certified, gone when they are gone, and written down.
fn finds_drift(fleet: &Fleet, faults: &[Broken]) {
    for vm in ["vm1", "vm2"] {
        // The first use of a legacy table makes it, and it stays when its rules are gone: here it is there from the start.
        fleet
            .vm(vm)
            .unwrap()
            .must(&["iptables-legacy", "-w", "5", "-S"])
            .unwrap();
    }
    let sealed = seal(fleet, "before");
    assert_eq!(sealed["verdict"], "complete", "{sealed}");
    let clean = check(fleet, "before", 0);
    assert_eq!(
        (&clean["verdict"], &clean["drift_detected"]),
        (&"no_drift".into(), &false.into())
    );

    for (vm, fault, _) in faults {
        fault.inject(fleet.vm(vm).unwrap()).unwrap();
    }
    let directory = fleet.controller_vm().unwrap().home();
    let certificate = directory.join("after.dsse.json").display().to_string();
    let words = [
        "drift",
        "check",
        "--baseline",
        "before",
        "--all",
        "--ticket",
        "CHG0031337",
        "--certificate",
        &certificate,
    ];
    let found = document(fleet, &words, 1);
    assert_eq!(found["schema"], "netghost.drift_check/v1");
    assert_eq!(
        (&found["verdict"], &found["drift_detected"]),
        (&"drift".into(), &true.into())
    );
    let mut wanted: Vec<&str> = faults.iter().map(|(_, _, change)| *change).collect();
    wanted.sort_unstable();
    assert_eq!(changes(&found), wanted, "{found}");
    for vm in ["vm1", "vm2"] {
        assert_eq!(verdict(&found, vm), "drift");
    }
    certified(fleet, &certificate);

    // One VM alone, by name: only its own changes.
    let words = ["drift", "check", "--baseline", "before", "--vm", "vm2"];
    let alone = document(fleet, &words, 1);
    assert!(
        changes(&alone).iter().all(|change| change.starts_with("vm2 ")),
        "{alone}"
    );

    for (vm, fault, _) in faults {
        fault.clear(fleet.vm(vm).unwrap()).unwrap();
    }
    let clean = check(fleet, "before", 0);
    assert_eq!(clean["verdict"], "no_drift", "{clean}");
    audit_is_good(fleet);
}

/// The certificate verifies with the published key alone; edited, it does not.
fn certified(fleet: &Fleet, certificate: &str) {
    let exported = fleet.controller_vm().unwrap().home().join("audit-export");
    let directory = exported.display().to_string();
    netghost(fleet, &["audit", "export", &directory], 0);
    netghost(fleet, &["audit", "verify", "--export", &directory], 0);
    let key = only_key(&exported.join("keys")).display().to_string();
    let verified = netghost(fleet, &["verify", certificate, "--key", &key], 0);
    assert!(verified.said().contains("CHG0031337"), "{verified:?}");
    netghost(
        fleet,
        &["verify", certificate, "--key", &key, "--require", "no_drift"],
        1,
    );
    let text = std::fs::read_to_string(certificate).unwrap();
    let edited = format!("{certificate}.edited");
    std::fs::write(&edited, text.replacen("\"payload\":\"", "\"payload\":\"A", 1)).unwrap();
    let refused = Answer::from(fleet.netghost(&["verify", &edited, "--key", &key]).unwrap());
    assert_ne!(refused.status, 0, "{refused:?}");
    std::fs::remove_dir_all(exported).unwrap();
}

fn only_key(directory: &Path) -> PathBuf {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut keys: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    keys.retain(|path| path.to_string_lossy().ends_with(".pem"));
    assert_eq!(keys.len(), 1, "{keys:?}");
    keys.remove(0)
}

/// Each action that the flow took, as the audit log tells it.
fn recorded(fleet: &Fleet) -> BTreeSet<String> {
    let shown = document(fleet, &["audit", "show", "--from", "1", "--limit", "1000"], 0);
    let records = shown["records"].as_array().unwrap();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    records
        .iter()
        .map(|record| format!("{} {}", word(&record["action"]), word(&record["outcome"])))
        .collect()
}

#[test]
fn root_drift_over_the_wire_on_namespace_vms() {
    let fleet = fleet(2);
    let name = fleet.lab().name().to_owned();
    finds_drift(&fleet, &ON_NAMESPACES);
    let recorded = recorded(&fleet);
    for action in [
        "token.create done",
        "agent.enrol done",
        "agent.connect done",
        "baseline.create begun",
        "baseline.create done",
        "drift.check begun",
        "drift.check done",
    ] {
        assert!(recorded.contains(action), "{action} in {recorded:?}");
    }
    fleet.down().unwrap();
    assert_eq!(traces(&name), Vec::<String>::new());
}

#[test]
fn root_drift_over_the_wire_on_real_kernels() {
    let fleet = Fleet::up(&plan(&[Kind::Uml, Kind::Uml])).unwrap();
    let agents = fleet.agents().unwrap();
    let kernels: BTreeSet<&str> = agents
        .values()
        .filter_map(|agent| agent["kernel"].as_str())
        .collect();
    let own = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    assert!(
        !kernels.is_empty() && !kernels.iter().any(|kernel| kernel.contains(own.trim())),
        "{kernels:?}"
    );
    finds_drift(&fleet, &ON_UML);
}

#[test]
fn root_an_agent_that_is_not_root_reads_all() {
    let mut fleet = fleet(1);
    Fault::LegacyDrop.inject(fleet.vm("vm1").unwrap()).unwrap();
    Fault::NftReject.inject(fleet.vm("vm1").unwrap()).unwrap();
    let (agent, _) = fleet.agent("vm1").unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", agent.pid())).unwrap();
    let line = |name: &str| {
        let found = status.lines().find_map(|line| line.strip_prefix(name));
        found
            .unwrap()
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert!(line("Uid:").iter().all(|uid| uid == "65534"), "{status}");
    // CAP_NET_ADMIN is bit 12 (linux/capability.h), and there is no way to more.
    for set in ["CapEff:", "CapPrm:", "CapBnd:"] {
        assert_eq!(line(set), ["0000000000001000"], "{set} {status}");
    }
    assert_eq!(seal(&fleet, "before")["verdict"], "complete");
}

#[test]
fn root_a_baseline_leaves_the_vm_as_it_was() {
    let fleet = fleet(1);
    let vm = fleet.vm("vm1").unwrap();
    Fault::NftReject.inject(vm).unwrap();
    let script = "nft -a list ruleset; ip -d link; ip rule; ip route show table all; tc qdisc; \
                  cat /proc/thread-self/net/ip_tables_names /proc/thread-self/net/ip6_tables_names";
    let state = || vm.must(&["sh", "-c", script]).unwrap().text();
    let before = state();
    seal(&fleet, "before");
    check(&fleet, "before", 0);
    assert_eq!(state(), before);
}
