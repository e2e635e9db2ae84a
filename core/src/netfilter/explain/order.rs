//! The chains that a packet meets, one after another: all tables and both planes at each hook.
//!
//! Of chains with one priority the one that was registered last runs first (`nf_hook_entries_grow`). The kernel lists the
//! chains of a table in the order in which they were made; between tables and planes nothing tells.

use std::cmp::Reverse;

use serde::Serialize;

use crate::netfilter::model::{BaseChain, Chain, ChainId, Family, Hook, Ruleset, Table, Verdict};

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
    /// As declared.
    pub priority: i32,
    /// The priority at which it runs, lower first: of a `nat` chain that of the one hook of all translation (`nf_nat_register_fn`),
    /// where what is declared only orders it among `nat` chains.
    pub runs_at: i32,
    /// `filter`, `nat` or `route`.
    pub chain_type: String,
    /// What becomes of a packet that no rule decides.
    pub policy: Verdict,
    /// How many rules it has.
    pub rules: usize,
    /// False where a chain before it runs at the same priority and nothing tells which was registered first.
    pub order_known: bool,
}

/// A chain, before it is put into its order.
struct Found<'r> {
    section: &'r str,
    ruleset: &'r Ruleset,
    table: &'r Table,
    chain: &'r Chain,
    /// The place among those of one table, hook and priority, in the order of registration; `None` where nothing tells.
    rank: Option<usize>,
    /// The priority at which it runs, and then the declared one.
    priority: (i32, i32),
}

impl Found<'_> {
    fn is_nat(&self) -> bool {
        let base = self.chain.base.as_ref();
        base.is_some_and(|base| base.chain_type.as_bytes() == b"nat")
    }

    /// Whether it is known that it runs behind `earlier`, which was sorted before it.
    fn is_behind(&self, earlier: &Found<'_>) -> bool {
        let of_one_hook = self.is_nat() == earlier.is_nat();
        let of_one_table =
            std::ptr::eq(self.ruleset, earlier.ruleset) && std::ptr::eq(self.table, earlier.table);
        self.priority.0 != earlier.priority.0
            || of_one_hook && self.priority.1 != earlier.priority.1
            || of_one_hook && of_one_table && self.rank.is_some() && earlier.rank.is_some()
    }
}

/// The priority at which a chain runs (`linux/netfilter_ipv4.h`).
fn runs_at(base: &BaseChain) -> i32 {
    const NAT_DST: i32 = -100;
    const NAT_SRC: i32 = 100;
    match base.hook {
        _ if base.chain_type.as_bytes() != b"nat" => base.priority,
        Hook::Prerouting | Hook::Output => NAT_DST,
        Hook::Input | Hook::Postrouting => NAT_SRC,
        _ => base.priority,
    }
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
                    rank: rank(ruleset, &id(table, chain), (family, hook, base.priority)),
                    priority: (runs_at(base), base.priority),
                });
            }
        }
    }
    out
}

/// The place among the chains of one hook and priority, where the ruleset tells it; one that stands alone there is the first.
fn rank(ruleset: &Ruleset, id: &ChainId, place: (Family, Hook, i32)) -> Option<usize> {
    let mut orders = ruleset
        .hook_order
        .iter()
        .filter(|order| (order.family, order.hook, order.priority) == place);
    orders.find_map(|order| order.chains.iter().position(|one| one == id))
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
    all.sort_by_key(|one| (one.priority, Reverse(one.rank)));
    let chains: Vec<HookedChain> = all
        .iter()
        .enumerate()
        .map(|(index, one)| {
            let mut earlier = all.iter().take(index);
            hooked(one, earlier.all(|earlier| one.is_behind(earlier)))
        })
        .collect();
    Place {
        summary: summary(&chains),
        family,
        hook,
        device,
        chains,
    }
}

fn hooked(one: &Found<'_>, order_known: bool) -> HookedChain {
    let base = one.chain.base.as_ref();
    HookedChain {
        section: one.section.to_owned(),
        path: id(one.table, one.chain).to_string(),
        priority: one.priority.1,
        runs_at: one.priority.0,
        chain_type: base.map_or_else(String::new, |base| base.chain_type.to_string()),
        policy: base.map_or(Verdict::Accept, |base| base.policy.clone()),
        rules: one.chain.rules.len(),
        order_known,
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
