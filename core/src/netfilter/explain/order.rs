//! The chains that a packet meets, one after another: all tables and both planes at each hook.

use serde::Serialize;

use crate::netfilter::model::{Chain, ChainId, Family, Hook, Ruleset, Table, Verdict};

/// A hook, with the chains that packets of a family meet there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The packets: `ip`, `ip6`, `arp`, `bridge`, `netdev`.
    pub family: Family,
    /// The hook.
    pub hook: Hook,
    /// For `netdev`, and ingress of `inet`: the device; the chains of another meet other packets.
    pub device: Option<String>,
    /// In the order in which packets meet them.
    pub chains: Vec<HookedChain>,
    /// What that means.
    pub summary: String,
}

/// A chain at a hook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HookedChain {
    /// The section that it stands in.
    pub section: String,
    /// `family/table/chain`.
    pub path: String,
    /// Lower runs first.
    pub priority: i32,
    /// `filter`, `nat` or `route`.
    pub chain_type: String,
    /// What becomes of a packet that no rule decides.
    pub policy: Verdict,
    /// How many rules it has.
    pub rules: usize,
    /// False where a chain before it has the same priority and nothing tells which was registered first.
    pub order_known: bool,
}

/// A chain, before it is put into its order.
struct Found<'r> {
    section: &'r str,
    ruleset: &'r Ruleset,
    table: &'r Table,
    chain: &'r Chain,
    /// Among those of one ruleset and priority.
    rank: usize,
    priority: i32,
}

/// The hooks at which a chain of one of these rulesets runs. Chains of dormant tables don't.
pub fn order(rulesets: &[(&str, &Ruleset)]) -> Vec<Place> {
    const FAMILIES: [Family; 5] = [
        Family::Ip,
        Family::Ip6,
        Family::Arp,
        Family::Bridge,
        Family::Netdev,
    ];
    const HOOKS: [Hook; 7] = [
        Hook::Ingress,
        Hook::Prerouting,
        Hook::Input,
        Hook::Forward,
        Hook::Output,
        Hook::Postrouting,
        Hook::Egress,
    ];
    let mut out = Vec::new();
    for family in FAMILIES {
        for hook in HOOKS {
            let mut devices: Vec<Option<String>> = found(rulesets, family, hook)
                .iter()
                .flat_map(|one| devices(one.chain))
                .collect();
            devices.sort();
            devices.dedup();
            out.extend(
                devices
                    .into_iter()
                    .map(|device| place(rulesets, family, hook, device)),
            );
        }
    }
    out
}

/// The devices that a chain hangs on; nothing for all of them.
fn devices(chain: &Chain) -> Vec<Option<String>> {
    let devices = chain.base.iter().flat_map(|base| &base.devices);
    let named: Vec<_> = devices.map(|device| Some(device.to_string())).collect();
    if named.is_empty() { vec![None] } else { named }
}

/// Whether packets of `family` at `hook` meet the chains of a table.
fn meets(table: Family, family: Family, hook: Hook) -> bool {
    match table {
        // At ingress an `inet` chain hangs on a device, as those of `netdev` do.
        Family::Inet if hook == Hook::Ingress => family == Family::Netdev,
        Family::Inet => matches!(family, Family::Ip | Family::Ip6),
        other => other == family,
    }
}

fn found<'r>(rulesets: &[(&'r str, &'r Ruleset)], family: Family, hook: Hook) -> Vec<Found<'r>> {
    let mut out = Vec::new();
    for (section, ruleset) in rulesets {
        let awake = |table: &&Table| !table.flags.iter().any(|flag| flag == "dormant");
        let tables = ruleset.tables.iter().filter(awake);
        for table in tables.filter(|table| meets(table.family, family, hook)) {
            for chain in &table.chains {
                let Some(base) = chain.base.as_ref().filter(|base| base.hook == hook) else {
                    continue;
                };
                out.push(Found {
                    section,
                    ruleset,
                    table,
                    chain,
                    rank: rank(ruleset, table, chain, base.priority),
                    priority: base.priority,
                });
            }
        }
    }
    out
}

/// The place among the chains of one hook and priority, where the ruleset tells it.
fn rank(ruleset: &Ruleset, table: &Table, chain: &Chain, priority: i32) -> usize {
    let id = id(table, chain);
    let mut orders = ruleset
        .hook_order
        .iter()
        .filter(|order| order.priority == priority);
    orders
        .find_map(|order| order.chains.iter().position(|one| *one == id))
        .unwrap_or(usize::MAX)
}

fn id(table: &Table, chain: &Chain) -> ChainId {
    ChainId {
        family: table.family,
        table: table.name.clone(),
        chain: chain.name.clone(),
    }
}

fn place(rulesets: &[(&str, &Ruleset)], family: Family, hook: Hook, device: Option<String>) -> Place {
    let mut all = found(rulesets, family, hook);
    all.retain(|one| devices(one.chain).contains(&device));
    all.sort_by_key(|one| (one.priority, one.rank));
    let mut chains: Vec<HookedChain> = Vec::with_capacity(all.len());
    let mut before: Option<&Found<'_>> = None;
    for one in &all {
        let told = |earlier: &Found<'_>| {
            let one_list = std::ptr::eq(earlier.ruleset, one.ruleset);
            earlier.priority != one.priority || one_list && earlier.rank != one.rank
        };
        chains.push(HookedChain {
            section: one.section.to_owned(),
            path: id(one.table, one.chain).to_string(),
            priority: one.priority,
            chain_type: one
                .chain
                .base
                .as_ref()
                .map_or_else(String::new, |base| base.chain_type.to_string()),
            policy: one
                .chain
                .base
                .as_ref()
                .map_or(Verdict::Accept, |base| base.policy.clone()),
            rules: one.chain.rules.len(),
            order_known: before.is_none_or(told),
        });
        before = Some(one);
    }
    Place {
        summary: summary(&chains),
        family,
        hook,
        device,
        chains,
    }
}

fn summary(chains: &[HookedChain]) -> String {
    let mut out = match chains {
        [_] => "one chain: its accept lets the packet on to the next hook, its drop is final".to_owned(),
        several => format!(
            "{} chains, one after another: an accept ends only the chain it is in, a drop in any of them is final",
            several.len()
        ),
    };
    if chains.iter().any(|chain| chain.chain_type == "nat") {
        out += "; a nat chain meets the first packet of each connection only";
    }
    if chains.iter().any(|chain| !chain.order_known) {
        out += "; which of those with one priority comes first is not known";
    }
    out
}
