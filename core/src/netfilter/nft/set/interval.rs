//! Sets with intervals: the kernel lists where each begins and, marked `NFT_SET_ELEM_INTERVAL_END`, the first value after it.

use super::{ElementMessage, Entry, catch_all, range};
use crate::netfilter::nft::key_type::Part;
use crate::netfilter::nft::message::required;
use crate::netfilter::nft::typed::Type;
use crate::raw::NetlinkRaw;
use crate::raw::attr::Malformed;

/// The intervals of a set whose keys are not concatenations.
pub(super) fn entries<'e, 'a>(
    elements: &'e [ElementMessage<'a>],
    part: Part,
    length: usize,
    links: &NetlinkRaw,
) -> Result<Vec<Entry<'e, 'a>>, Malformed> {
    // Keys of intervals compare as bytes: `nft` puts numbers of host order into network order here.
    let ty = if part.ty.is_network_order() {
        part.ty
    } else {
        Type::Network
    };
    let mut out = Vec::new();
    let mut marks = Vec::new();
    for element in elements {
        if element.is_catch_all() {
            out.push(Entry {
                key: catch_all(),
                element,
                end: None,
            });
            continue;
        }
        let low = required(element.key, "NFTA_SET_ELEM_KEY")?;
        match element.key_end {
            Some(high) => out.push(Entry {
                key: range(ty, low, high, links),
                element,
                end: None,
            }),
            None => marks.push((low, element)),
        }
    }
    // An end sorts before a beginning at the same key: the one interval is over before the next begins.
    marks.sort_by_key(|(key, element)| (*key, !element.is_interval_end()));
    let mut open: Option<(&[u8], &ElementMessage<'_>)> = None;
    for (key, element) in marks {
        if let Some((low, opened)) = open.take() {
            out.push(Entry {
                key: range(ty, low, &before(key), links),
                element: opened,
                end: element.is_interval_end().then_some(element),
            });
        }
        if !element.is_interval_end() {
            open = Some((key, element));
        }
    }
    if let Some((low, opened)) = open {
        out.push(Entry {
            key: range(ty, low, &vec![0xff; length], links),
            element: opened,
            end: None,
        });
    }
    Ok(out)
}

/// The key one below, as a number of network order.
fn before(key: &[u8]) -> Vec<u8> {
    let mut out = key.to_vec();
    for byte in out.iter_mut().rev() {
        let (less, borrow) = byte.overflowing_sub(1);
        *byte = less;
        if !borrow {
            break;
        }
    }
    out
}
