//! `among` (`linux/netfilter_bridge/ebt_among.h`): hardware addresses, each alone or with an IPv4 address, in a hash table.

use std::net::Ipv4Addr;

use super::forms;
use crate::netfilter::model::{Item, Op, Value};
use crate::netfilter::xt::forms::matching;
use crate::raw::attr::take_at;

/// `struct ebt_among_info`.
const INFO: usize = 12;
/// The table of a `struct ebt_mac_wormhash`: where each last octet begins in the pool.
const BUCKETS: usize = 257;
/// The table and the size of the pool.
const HASH: usize = 4 * (BUCKETS + 1);
/// `struct ebt_mac_wormhash_tuple`: two zero bytes, the address, the IPv4 address or zero.
const TUPLE: usize = 12;

const NOT_DESTINATION: u32 = 0x01;
const NOT_SOURCE: u32 = 0x02;

/// Who is among whom. A table that does not lead to each of its pool, or has room that is not used, is not understood.
pub(super) fn among(payload: &[u8]) -> Option<Vec<Item>> {
    let word = |at| take_at(payload, at, "among").ok().map(u32::from_ne_bytes);
    let place = |at| usize::try_from(word(at)?).ok();
    let inverted = word(8)?;
    if inverted & !(NOT_DESTINATION | NOT_SOURCE) != 0 {
        return None;
    }
    let mut used = INFO;
    let mut items = Vec::new();
    for (at, end, not) in [(4, "saddr", NOT_SOURCE), (0, "daddr", NOT_DESTINATION)] {
        let offset = place(at)?;
        if offset == 0 {
            continue;
        }
        let (members, size) = members(payload.get(offset..)?)?;
        used += size;
        let with_address = members.iter().any(|member| matches!(member, Value::Concat(_)));
        let op = if inverted & not == 0 { Op::In } else { Op::NotIn };
        let field = if with_address {
            // In an ARP frame these are the addresses of the message.
            format!("among.{end}")
        } else {
            format!("ether.{end}")
        };
        items.push(matching(&field, op, forms::set(members)));
    }
    let fits = payload.len() == used || payload.len() == used.next_multiple_of(8);
    fits.then_some(items)
}

/// The members of one table, and its size in bytes.
fn members(hash: &[u8]) -> Option<(Vec<Value>, usize)> {
    let word = |at| take_at(hash, at, "among").ok().map(u32::from_ne_bytes);
    let count = word(4 * BUCKETS)?;
    if word(0)? != 0 || word(4 * (BUCKETS - 1))? != count {
        return None;
    }
    let mut members = Vec::new();
    for bucket in 0..BUCKETS - 1 {
        let (from, to) = (word(4 * bucket)?, word(4 * (bucket + 1))?);
        if from > to || to > count {
            return None;
        }
        for place in from..to {
            let at = TUPLE
                .checked_mul(usize::try_from(place).ok()?)?
                .checked_add(HASH)?;
            let [zero, zero2, octets @ ..] = take_at::<8>(hash, at, "among").ok()?;
            let reached = usize::from(octets[5]) == bucket && zero == 0 && zero2 == 0;
            let address = Ipv4Addr::from(take_at::<4>(hash, at + 8, "among").ok()?);
            let mac = reached.then(|| forms::mac(octets))?;
            members.push(if address.is_unspecified() {
                mac
            } else {
                Value::Concat(vec![mac, Value::Address(address.into())])
            });
        }
    }
    let size = TUPLE
        .checked_mul(usize::try_from(count).ok()?)?
        .checked_add(HASH)?;
    Some((members, size))
}
