//! What a set is: `IPSET_ATTR_DATA` beside its type, in the words of `ipset create`.

use super::{DATA, INDEX, SETNAME, Set, TYPENAME, find};
use crate::bytes::Text;
use crate::facts::attributes::{Form, Spec, apart, decode, moves, set};
use crate::facts::{Fact, Value};
use crate::raw::HostRaw;
use crate::raw::attr::{Attr, Malformed};
use crate::raw::lift::{Fault, Fields, whole};

/// `IPSET_ATTR_PROTOCOL`.
const PROTOCOL: u16 = 1;
const REVISION: u16 = 4;
const FAMILY: u16 = 5;

const IP: u16 = 1;
const IP_TO: u16 = 2;
const PORT: u16 = 4;
const PORT_TO: u16 = 5;
const TIMEOUT: u16 = 6;
const FLAGS: u16 = 8;

/// `IPSET_ATTR_*` of a set, but for those that make its range.
const CREATE: &[Spec] = &[
    apart(IP),
    apart(IP_TO),
    // The range is told by its ends.
    apart(3),
    apart(PORT),
    apart(PORT_TO),
    apart(FLAGS),
    set(23, "size", Form::Be32),
    set(11, "markmask", Form::Other(mark_mask)),
    set(19, "maxelem", Form::Be32),
    set(20, "netmask", Form::U8),
    set(12, "bitmask", Form::Other(address)),
    set(TIMEOUT, "timeout", Form::Be32),
    set(21, "bucketsize", Form::U8),
    moves(18, "hashsize", Form::Be32),
    moves(17, "initval", Form::Other(mark)),
    moves(22, "resize", Form::U8),
    moves(24, "elements", Form::Be32),
    moves(25, "references", Form::Be32),
    moves(26, "memsize", Form::Be32),
];

/// `IPSET_FLAG_WITH_*`.
const WITH: [(u32, &str); 4] = [
    (0x08, "counters"),
    (0x10, "comment"),
    (0x40, "skbinfo"),
    (0x20, "forceadd"),
];

pub(super) fn create(raw: &HostRaw, name: &Text, kind: &Text, all: &[Attr<'_>]) -> Result<Set, Fault> {
    let data = find(all, DATA).ok_or(Malformed::Missing {
        what: "IPSET_ATTR_DATA",
    })?;
    let data = whole(data.nested())?;
    let decoded = decode(raw, CREATE, &data)?;
    let flags = find(&data, FLAGS)
        .map(|attr| attr.be32("IPSET_ATTR_CADT_FLAGS"))
        .transpose()?;
    let key = vec![name.clone(), kind.clone()];
    let family = find(all, FAMILY)
        .map(|attr| attr.u8("IPSET_ATTR_FAMILY"))
        .transpose()?;
    // Bitmaps hold IPv4 alone, and `ipset` takes no family for them.
    let has_families = kind.as_bytes().starts_with(b"hash:");
    let mut config = Fact::new("create", key.clone())
        .with_some("family", family.filter(|_| has_families).and_then(family_word))
        .with_some("range", range(&data)?);
    config.properties.extend(decoded.config);
    for (bit, word) in WITH {
        config = config.with_flag(word, flags.unwrap_or(0) & bit != 0);
    }
    let unknown = WITH.iter().fold(flags.unwrap_or(0), |left, (bit, _)| left & !bit);
    config = config.with_some(
        "flags",
        (unknown != 0).then(|| Value::Word(format!("{unknown:#x}"))),
    );
    config.other = decoded.other;
    config.other.extend(
        all.iter()
            .filter(|attr| !is_known(attr.kind))
            .map(|attr| (*attr).into()),
    );
    let revision = find(all, REVISION)
        .map(|attr| attr.u8("IPSET_ATTR_REVISION"))
        .transpose()?;
    let mut runtime = Fact::new("create", key).with_some("revision", revision.map(Value::number));
    runtime.properties.extend(decoded.runtime);
    Ok(Set {
        expires: find(&data, TIMEOUT).is_some(),
        kind: kind.clone(),
        config,
        runtime,
        members: Vec::new(),
        elements: Vec::new(),
    })
}

fn is_known(kind: u16) -> bool {
    matches!(
        kind,
        PROTOCOL | SETNAME | TYPENAME | REVISION | FAMILY | DATA | super::ADT | INDEX
    )
}

/// `NFPROTO_*`; sets that hold neither kind of address have none.
fn family_word(family: u8) -> Option<Value> {
    match family {
        0 => None,
        2 => Some(Value::word("inet")),
        10 => Some(Value::word("inet6")),
        other => Some(Value::number(other)),
    }
}

fn range(data: &[Attr<'_>]) -> Result<Option<Value>, Malformed> {
    let ends = |from: u16, to: u16| find(data, from).zip(find(data, to));
    if let Some((from, to)) = ends(IP, IP_TO) {
        let (from, to) = (super::element::ip(from)?, super::element::ip(to)?);
        return Ok(Some(Value::Word(format!("{from}-{to}"))));
    }
    if let Some((from, to)) = ends(PORT, PORT_TO) {
        let (from, to) = (from.be16("IPSET_ATTR_PORT")?, to.be16("IPSET_ATTR_PORT_TO")?);
        return Ok(Some(Value::Word(format!("{from}-{to}"))));
    }
    Ok(None)
}

/// The mask of marks, which is given in network order: the kernel tells it in its own.
fn mark_mask(_: &HostRaw, bytes: &[u8]) -> Result<Option<Value>, Fault> {
    let mut fields = Fields::new(bytes, "a mask of marks");
    let mask = fields.u32()?;
    let whole = fields.rest().is_empty();
    Ok(whole.then(|| Value::Word(format!("{mask:#010x}"))))
}

/// A number in network order, shown in hexadecimal.
fn mark(_: &HostRaw, bytes: &[u8]) -> Result<Option<Value>, Fault> {
    let mut fields = Fields::new(bytes, "a mark");
    let mark = u32::from_be(fields.u32()?);
    Ok(fields
        .rest()
        .is_empty()
        .then(|| Value::Word(format!("{mark:#010x}"))))
}

/// An address in an attribute of its own.
fn address(_: &HostRaw, bytes: &[u8]) -> Result<Option<Value>, Fault> {
    let attr = Attr {
        kind: 0,
        value: bytes,
    };
    Ok(Some(Value::word(super::element::ip(attr)?)))
}
