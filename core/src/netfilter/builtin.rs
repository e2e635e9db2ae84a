//! The tables and chains that xtables has by itself, on both planes: where they are hooked in and when they run.

use super::model::{BaseChain, Hook, Verdict};
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
