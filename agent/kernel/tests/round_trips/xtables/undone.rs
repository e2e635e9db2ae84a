//! Each of many random rules of the legacy plane, deleted and put back.

use std::collections::BTreeMap;
use std::time::Duration;

use netghost_core::artifact::json::Digest;
use netghost_core::bytes::Text;
use netghost_core::gate::{IpFamily, Operation, RuleRef};
use netghost_kernel::write::{self, Change, Standing, WriteError};

use super::*;
use crate::dice;

/// Rules that this version does not delete, and those that the tool does not, by why.
type Refused = BTreeMap<String, (u32, String)>;

fn digest(tool: &Tool) -> Digest {
    let read = if tool.ipv6 {
        xtables::read_ipv6
    } else {
        xtables::read_ipv4
    };
    let (config, _) = content(read(&|| 0)).unwrap();
    json::digest(&config).unwrap()
}

/// Tests of all namespaces share the lock.
fn patiently<T>(mut does: impl FnMut() -> Result<T, WriteError>) -> Result<T, WriteError> {
    for _ in 0..60 {
        match does() {
            Err(WriteError::Locked { .. }) => std::thread::sleep(Duration::from_millis(100)),
            other => return other,
        }
    }
    panic!("the lock was held all the time")
}

/// All rules, as they would be asked for.
fn asked_for(tool: &Tool, config: &Ruleset) -> Vec<Operation> {
    let mut operations = Vec::new();
    for table in &config.tables {
        for chain in &table.chains {
            let mut seen: BTreeMap<String, u32> = BTreeMap::new();
            for rule in &chain.rules {
                let line = text::iptables::rule(table.family, &chain.name, rule);
                let said = line.strip_prefix(&format!("-A {} ", chain.name));
                // A rule without words can't be asked for.
                let Some(said) = said.filter(|said| !said.is_empty()) else {
                    continue;
                };
                let occurrence = seen.entry(said.to_owned()).or_insert(0);
                *occurrence += 1;
                operations.push(Operation::LegacyDelete {
                    family: if tool.ipv6 { IpFamily::Ip6 } else { IpFamily::Ip },
                    table: table.name.clone(),
                    chain: chain.name.clone(),
                    rule: RuleRef {
                        text: Text::from(said),
                        occurrence: *occurrence,
                    },
                });
            }
        }
    }
    operations
}

/// Deletes and puts back; why not, if it was refused.
fn there_and_back(tool: &Tool, operation: &Operation) -> Result<(), WriteError> {
    let before = digest(tool);
    let change = write::plan(operation)?;
    // It comes from a record.
    let change: Change = serde_json::from_slice(&serde_json::to_vec(&change).unwrap()).unwrap();
    assert_eq!(change.standing().unwrap(), Standing::Before);
    if let Err(error) = patiently(|| change.apply()) {
        assert!(
            matches!(error, WriteError::Refused { .. }),
            "{operation:?}: {error}"
        );
        assert_eq!(digest(tool), before, "{operation:?}: {error}");
        return Err(error);
    }
    assert_eq!(change.standing().unwrap(), Standing::After, "{operation:?}");
    assert_ne!(digest(tool), before, "{operation:?}");
    patiently(|| change.undo()).unwrap_or_else(|error| panic!("{operation:?}: {error}"));
    assert_eq!(digest(tool), before, "{operation:?}");
    Ok(())
}

/// False for a table that the tool itself can't change: the kernel does not take again what it has.
fn can_be_changed(tool: &Tool, namespace: &Namespace, table: &Text) -> bool {
    let program = tool.program("probe").replace("-probe", "");
    let change = |what| {
        let table = table.to_string();
        let command = [program.as_str(), "-w", "60", "-t", &table, what, "netghost-probe"];
        namespace.exec(&command).unwrap().status.success()
    };
    change("-N") && change("-X")
}

fn are_undone(ipv6: bool) {
    let tool = Tool { ipv6, nft: false };
    let (cases, mut seed) = (dice::cases(150), dice::first_seed());
    let (mut tried, mut locked, mut refused) = (0, 0, Refused::new());
    while tried < cases {
        let text = Generator::new(seed, ipv6).ruleset(12);
        let (namespace, _) = trip::accepted(&tool, text.lines().map(str::to_owned).collect());
        let (mut config, _) = tool.read(&namespace).unwrap();
        let all = config.tables.len();
        config
            .tables
            .retain(|table| can_be_changed(&tool, &namespace, &table.name));
        locked += all - config.tables.len();
        for operation in asked_for(&tool, &config) {
            let done = namespace.enter(|| there_and_back(&tool, &operation)).unwrap();
            tried += 1;
            if let Err(error) = done {
                let why = error.to_string().split('`').next().unwrap_or_default().to_owned();
                let entry = refused
                    .entry(why)
                    .or_insert((0, format!("{operation:?}: {error}")));
                entry.0 += 1;
            }
        }
        seed += 1;
    }
    let sum: u32 = refused.values().map(|(times, _)| times).sum();
    for (times, example) in refused.values() {
        println!("refused {times} times: {example}");
    }
    println!(
        "{}: {tried} tried, {sum} refused; {locked} tables that the tool itself can't change",
        tool.program("undo")
    );
    // The tool does not find each of its own rules by what it says of them; then nothing is changed.
    assert!(u64::from(sum) * 10 < tried, "{sum} of {tried} are refused");
}

#[test]
fn root_random_rules_of_legacy_iptables_are_deleted_and_put_back() {
    are_undone(false);
}

#[test]
fn root_random_rules_of_legacy_ip6tables_are_deleted_and_put_back() {
    are_undone(true);
}
