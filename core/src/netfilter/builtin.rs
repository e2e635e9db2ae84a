//! The tables and chains that xtables has by itself, on both planes: where they are hooked in and when they run.

use super::model::{BaseChain, Family, Hook, Verdict};
use crate::bytes::Text;

/// The built-in chains in the order of `enum nf_inet_hooks` (`linux/netfilter.h`).
pub(crate) const CHAINS: [&str; 5] = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];

const HOOKS: [Hook; 5] = [
    Hook::Prerouting,
    Hook::Input,
    Hook::Forward,
    Hook::Output,
    Hook::Postrouting,
];

/// Tables with their priority (`enum nf_ip_hook_priorities`, `linux/netfilter_ipv4.h`) and their chains by hook.
const TABLES: [(&[u8], i32, [bool; 5]); 5] = [
    (b"raw", -300, [true, false, false, true, false]),
    (b"mangle", -150, [true, true, true, true, true]),
    (b"nat", -100, [true, true, false, true, true]),
    (b"filter", 0, [false, true, true, true, false]),
    (b"security", 50, [false, true, true, true, false]),
];

/// The built-in chains of arptables in the order of its hooks (`NF_ARP_IN` …, `linux/netfilter_arp.h`).
const ARP_CHAINS: [&str; 3] = ["INPUT", "OUTPUT", "FORWARD"];

/// The built-in chains of a legacy family, in the order of its hooks.
pub(crate) fn chains(family: Family) -> &'static [&'static str] {
    match family {
        Family::Arp => &ARP_CHAINS,
        _ => &CHAINS,
    }
}

/// How the built-in chain of this name is hooked in, in a family of legacy tables.
pub(crate) fn base_of(family: Family, table: &Text, chain: &Text, policy: Verdict) -> Option<BaseChain> {
    match family {
        // There is one table, and it runs where that of iptables does.
        Family::Arp => base(table, chain, policy).filter(|_| table.as_bytes() == b"filter"),
        _ => base(table, chain, policy),
    }
}

/// The built-in chains of ebtables in the order of its hooks (`NF_BR_PRE_ROUTING` …, `linux/netfilter_bridge.h`).
pub(crate) const BRIDGE_CHAINS: [&str; 6] = [
    "PREROUTING",
    "INPUT",
    "FORWARD",
    "OUTPUT",
    "POSTROUTING",
    "BROUTING",
];

/// Where the chains of ebtables are hooked in: table, chain, hook, priority (`enum nf_br_hook_priorities`).
const BRIDGE: [(&str, &str, Hook, i32); 7] = [
    ("broute", "BROUTING", Hook::Prerouting, i32::MIN),
    ("filter", "INPUT", Hook::Input, -200),
    ("filter", "FORWARD", Hook::Forward, -200),
    ("filter", "OUTPUT", Hook::Output, 200),
    ("nat", "PREROUTING", Hook::Prerouting, -300),
    ("nat", "OUTPUT", Hook::Output, 100),
    ("nat", "POSTROUTING", Hook::Postrouting, 300),
];

/// How the built-in chain of this name of ebtables is hooked in.
pub(crate) fn bridge(table: &Text, chain: &str, policy: Verdict) -> Option<BaseChain> {
    let known =
        |(of, name, ..): &&(&str, &str, Hook, i32)| of.as_bytes() == table.as_bytes() && *name == chain;
    let (.., hook, priority) = BRIDGE.iter().find(known)?;
    Some(BaseChain {
        chain_type: "filter".into(),
        hook: *hook,
        priority: *priority,
        policy,
        devices: Vec::new(),
        offload: false,
    })
}

/// Where `iptables-nft` hooks the `security` table in (1.8.9); on the legacy plane it is the kernel's own place.
pub(crate) const SECURITY_OF_NFT: i32 = 150;

/// True for a table that xtables knows.
pub(crate) fn is_table(name: &Text) -> bool {
    TABLES.iter().any(|(known, ..)| *known == name.as_bytes())
}

/// How the built-in chain of this name is hooked in; `None` if the table has none of this name.
pub(crate) fn base(table: &Text, chain: &Text, policy: Verdict) -> Option<BaseChain> {
    let (name, priority, has) = TABLES.iter().find(|(known, ..)| *known == table.as_bytes())?;
    let place = CHAINS
        .iter()
        .position(|known| known.as_bytes() == chain.as_bytes())?;
    if !*has.get(place)? {
        return None;
    }
    let hook = *HOOKS.get(place)?;
    let is_nat = *name == b"nat";
    let is_source = matches!(hook, Hook::Input | Hook::Postrouting);
    let chain_type = match (*name, hook) {
        (b"nat", _) => "nat",
        (b"mangle", Hook::Output) => "route",
        _ => "filter",
    };
    Some(BaseChain {
        chain_type: chain_type.into(),
        hook,
        priority: if is_nat && is_source {
            -*priority
        } else {
            *priority
        },
        policy,
        devices: Vec::new(),
        offload: false,
    })
}
