//! Named sets and maps: what they are and what they hold.

use netghost_core::netfilter::model::{Set as Ours, Table, TableRuntime};
use netghost_core::raw::NetlinkRaw;

use super::heard::{self, Order, Sets};
use super::library::{self, Set};
use super::places::{Kind, Place};
use super::{Judged, shown};

/// Number (`enum datatypes` of nftables), word, bits, kind.
#[rustfmt::skip]
const DATATYPES: &[(u64, &str, usize, Kind)] = &[
    (2, "nf_proto", 8, Kind::Network), (7, "ipv4_addr", 32, Kind::Network), (8, "ipv6_addr", 128, Kind::Network),
    (9, "ether_addr", 48, Kind::Network), (10, "ether_type", 16, Kind::Network), (12, "inet_proto", 8, Kind::Network),
    (13, "inet_service", 16, Kind::Network), (14, "icmp_type", 8, Kind::Network), (19, "mark", 32, Kind::Host),
    (24, "uid", 32, Kind::Host), (36, "dscp", 8, Kind::Network), (41, "ifname", 128, Kind::Name),
];

/// `NFT_SET_CONSTANT` …, as far as words say them.
const FLAGS: [(u64, &str); 4] = [(2, "constant"), (4, "interval"), (16, "timeout"), (32, "dynamic")];

/// The packed number of a type and where its parts are.
fn datatype(words: &str) -> Option<(u64, Vec<Place>)> {
    let mut number = 0;
    let mut places = Vec::new();
    for word in words.split(" . ") {
        let row = DATATYPES.iter().find(|row| row.1 == word)?;
        number = number << 6 | row.0;
        places.push(Place {
            source: word.to_owned(),
            bit: 0,
            bits: row.2,
            kind: row.3,
        });
    }
    Some((number, places))
}

/// Each set of ours against libnftnl's.
pub(super) fn judge(
    table: &Table,
    runtime: &TableRuntime,
    heard: &Sets,
    links: &NetlinkRaw,
    judged: &mut Judged,
) {
    for (set, counted) in table.sets.iter().zip(&runtime.sets) {
        let theirs = &heard[&set.name.to_string()];
        let elements = if set.flags.iter().any(|flag| flag == "dynamic") {
            &counted.elements
        } else {
            &set.elements
        };
        let ours = Ours {
            elements: elements.clone(),
            ..set.clone()
        };
        match (header(&ours), described(&ours, theirs, links)) {
            (Some(shown), Some((heard, ours, theirs))) => {
                judged.compared += 1;
                if shown != heard || ours != theirs {
                    judged.wrong.push(format!(
                        "set {}\n  libnftnl: {heard:?} {theirs:#?}\n  ours: {shown:?} {ours:#?}",
                        set.name
                    ));
                }
            }
            _ => judged
                .left
                .push(format!("set {} {} {:?}", set.name, set.key_type, set.data_type)),
        }
    }
}

/// Type, length and type of data, flags, timeout, interval of collection, size.
type Header = (u64, Option<u64>, u64, u64, u64, u64);

fn header(set: &Ours) -> Option<Header> {
    let (key, _) = datatype(&set.key_type)?;
    let data = match set.data_type.as_deref() {
        None => None,
        Some("verdict") => Some(0xffff_ff00),
        Some("counter") => Some(1),
        Some("quota") => Some(2),
        Some(words) => Some(datatype(words.trim_start_matches("interval "))?.0),
    };
    let flags = FLAGS
        .iter()
        .filter(|(_, word)| set.flags.iter().any(|flag| flag == word));
    Some((
        key,
        data,
        flags.map(|(bit, _)| bit).sum(),
        set.timeout_ms.map_or(0, |timeout| timeout.0),
        set.gc_interval_ms.map_or(0, u64::from),
        set.size.map_or(0, u64::from),
    ))
}

/// libnftnl's header, and the elements of both.
fn described(ours: &Ours, theirs: &Set, links: &NetlinkRaw) -> Option<(Header, Vec<String>, Vec<String>)> {
    let (_, places) = datatype(&ours.key_type)?;
    let data = theirs.attributes.get(&5).or_else(|| theirs.attributes.get(&14));
    let data = data.map(|kind| library::number(kind));
    let known = FLAGS.iter().map(|(bit, _)| bit).sum::<u64>();
    let header = (
        theirs.number(3),
        data,
        theirs.number(2) & known,
        theirs.number(11),
        theirs.number(12),
        theirs.number(10),
    );
    let interval = theirs.number(2) & 4 != 0;
    let parts: Vec<(usize, Order)> = places
        .iter()
        .map(|place| {
            (
                place.bits / 8,
                Order {
                    turned: interval && place.kind == Kind::Host,
                    down: 0,
                },
            )
        })
        .collect();
    let kinds = match ours.data_type.as_deref() {
        None | Some("verdict" | "counter" | "quota") => Vec::new(),
        Some(words) => datatype(words.trim_start_matches("interval "))?.1,
    };
    let shown: Option<Vec<String>> = ours
        .elements
        .iter()
        .map(|one| {
            let key = shown::element(&places, &one.key, links)?;
            let Some(data) = &one.data else {
                return Some(key);
            };
            Some(format!("{key} : {}", shown::data(&kinds, data, links)?))
        })
        .collect();
    let mut shown = shown?;
    shown.sort();
    Some((header, shown, heard::elements(theirs, &parts)?))
}
