//! ebtables: matches, watchers and targets of the bridge family (`linux/netfilter_bridge`), which legacy tables and the
//! payloads of `nft_compat` share; and whole legacy tables.

use super::forms;
use super::read::Struct;
use crate::bytes::Text;
use crate::netfilter::model::Item;

mod among;
mod entry;
mod frame;
mod network;
mod stp;
mod table;
mod targets;

pub(crate) use table::POLICY;
pub use table::lift;

/// What a match asks, the outer `None` where this is none of ebtables' own; the inner one if that can't be said exactly.
pub(super) fn decode_match(name: &[u8], revision: u8, payload: &[u8]) -> Option<Option<Vec<Item>>> {
    let decode: fn(&[u8]) -> Option<Vec<Item>> = match name {
        b"802_3" => frame::llc,
        b"among" => among::among,
        b"arp" => network::arp,
        b"ip" => network::ip,
        b"ip6" => network::ip6,
        b"limit" => frame::limit,
        b"mark_m" => frame::mark,
        b"pkttype" => frame::pkttype,
        b"stp" => stp::stp,
        b"vlan" => frame::vlan,
        _ => return None,
    };
    Some(if revision == 0 { decode(payload) } else { None })
}

/// What a target or watcher does, likewise.
pub(super) fn decode_target(name: &[u8], revision: u8, payload: &[u8]) -> Option<Option<Vec<Item>>> {
    let decode: fn(&[u8]) -> targets::Done = match name {
        b"arpreply" => targets::arpreply,
        b"dnat" => targets::dnat,
        b"log" => targets::log,
        b"mark" => targets::mark,
        b"nflog" => targets::nflog,
        b"redirect" => targets::redirect,
        b"snat" => targets::snat,
        _ => return None,
    };
    let done = if revision == 0 { decode(payload) } else { None };
    Some(done.map(|statement| vec![Item::Statement(statement)]))
}

/// A match, watcher or target that is not understood.
fn opaque(kind: &str, name: &Text, revision: u8, payload: &[u8]) -> Item {
    super::opaque(kind, name, revision, payload)
}

#[cfg(test)]
mod tests;
