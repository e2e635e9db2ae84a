//! Sets that xtables and tc look addresses up in.

use netghost_core::host::ipset;
use netghost_core::raw::{PartRead, RawMessage, SetName};
use netghost_core::section::{Section, SectionName};

use crate::facts::{Parts, Source, part, read as read_facts};
use crate::modules::{Modules, Presence};
use crate::netlink::{DumpError, Protocol, Socket};

/// `NFNL_SUBSYS_IPSET`.
const SUBSYSTEM: u16 = 6 << 8;
/// `IPSET_CMD_PROTOCOL` and `IPSET_CMD_LIST`.
const PROTOCOL: u16 = SUBSYSTEM | 1;
const LIST: u16 = SUBSYSTEM | 7;

/// `struct nfgenmsg` of `NFPROTO_IPV4` as `ipset` sends it, and `IPSET_ATTR_PROTOCOL` 7: numbers of sets are told.
const ASK: [u8; 12] = attribute([2, 0, 0, 0], 5, 1, [7, 0, 0, 0]);

const fn attribute(header: [u8; 4], length: u16, kind: u16, value: [u8; 4]) -> [u8; 12] {
    let ([h0, h1, h2, h3], [l0, l1]) = (header, length.to_ne_bytes());
    let ([k0, k1], [v0, v1, v2, v3]) = (kind.to_ne_bytes(), value);
    [h0, h1, h2, h3, l0, l1, k0, k1, v0, v1, v2, v3]
}

/// `IPSET_ATTR_FLAGS` with `IPSET_FLAG_LIST_HEADER`: what the sets are, without what they hold. Network order.
const HEADERS_ONLY: [u8; 8] = {
    let ([l0, l1], [k0, k1], [f0, f1, f2, f3]) = (8u16.to_ne_bytes(), 6u16.to_ne_bytes(), 4u32.to_be_bytes());
    [l0, l1, k0, k1, f0, f1, f2, f3]
};

/// Reads every set. `now_us` gives microseconds since 1970 UTC.
pub(crate) fn read(now_us: &dyn Fn() -> u64) -> Section {
    let source = Source {
        name: SectionName::Ipset,
        absent,
        pass,
        lift: ipset::lift,
    };
    read_facts(&source, now_us)
}

/// Asking a kernel that has ipset as a module would load it.
fn absent() -> Option<String> {
    let presence = Modules::of_this_kernel().presence("ip_set");
    (presence == Presence::Absent)
        .then(|| "ip_set is neither loaded nor built in (/proc/modules, modules.builtin)".to_owned())
}

fn pass(parts: &mut Parts) -> Result<(), DumpError> {
    let mut socket = Socket::open(Protocol::Netfilter)?;
    let read = match known(&mut socket)? {
        true => part(socket.dump(LIST, &ASK))?,
        false => PartRead::Absent {
            why: "the kernel has no ipset: it knows no version of its protocol".to_owned(),
        },
    };
    parts.push(ipset::SOURCE, read);
    Ok(())
}

/// Whether the kernel has ipset. Netfilter without it calls the request invalid.
fn known(socket: &mut Socket) -> Result<bool, DumpError> {
    match socket.request(PROTOCOL, &ASK) {
        Ok(_) => Ok(true),
        Err(error) if error.errno() == Some(libc::EINVAL) => Ok(false),
        // Whatever stands in the way of this stands in the way of the listing, which says so.
        Err(error) if !error.is_transient() => Ok(true),
        Err(error) => Err(error),
    }
}

/// The names of the sets that rules in `bytes` may hold by number; none where no rule seems to hold one, or where the names
/// can't be had, which leaves those rules unread.
pub(crate) fn names_for<'a>(mut bytes: impl Iterator<Item = &'a [u8]>) -> Result<Vec<SetName>, DumpError> {
    if bytes.any(mentions_a_set) {
        all_names()
    } else {
        Ok(Vec::new())
    }
}

/// The names of all sets; none where they can't be had.
pub(crate) fn all_names() -> Result<Vec<SetName>, DumpError> {
    match headers() {
        Ok(messages) => Ok(ipset::names(&messages).unwrap_or_default()),
        Err(error) if error.is_transient() => Err(error),
        Err(_) => Ok(Vec::new()),
    }
}

/// Whether the name of the match or the target may be in it: two bytes into an entry of eight, or at the begin of an attribute.
fn mentions_a_set(bytes: &[u8]) -> bool {
    let (pairs, _) = bytes.as_chunks::<2>();
    let is_name = |pairs: &[[u8; 2]]| matches!(pairs, [[b's', b'e'], [b't', 0]] | [[b'S', b'E'], [b'T', 0]]);
    pairs.windows(2).any(is_name)
}

/// What every set is, with its number; nothing of what it holds. None where there is no ipset.
fn headers() -> Result<Vec<RawMessage>, DumpError> {
    if absent().is_some() {
        return Ok(Vec::new());
    }
    let mut socket = Socket::open(Protocol::Netfilter)?;
    match known(&mut socket)? {
        true => socket.dump(LIST, &[ASK.as_slice(), &HEADERS_ONLY].concat()),
        false => Ok(Vec::new()),
    }
}
