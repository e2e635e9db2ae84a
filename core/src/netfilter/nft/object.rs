//! Named objects and flowtables: kept whole, without what packets change in them.

use super::message::required;
use super::udata;
use crate::bytes::{Hex, Text};
use crate::netfilter::model::Object;
use crate::raw::attr::{Attr, Attrs, Malformed, attrs};

/// The word for `NFT_OBJECT_*`.
pub(super) fn object_kind(number: u32) -> String {
    let known = match number {
        1 => "counter",
        2 => "quota",
        3 => "ct helper",
        4 => "limit",
        5 => "ct count",
        6 => "tunnel",
        7 => "ct timeout",
        8 => "secmark",
        9 => "ct expectation",
        10 => "synproxy",
        other => return format!("object:{other}"),
    };
    known.to_owned()
}

/// The table of an object, and the object (`enum nft_object_attributes`).
pub(super) fn object(attributes: Attrs<'_>) -> Result<(Text, Object), Malformed> {
    let (mut table, mut name, mut kind, mut data) = (None, None, 0, [].as_slice());
    let mut comment = None;
    for attr in attributes {
        let attr = attr?;
        match attr.kind {
            1 => table = Some(attr.text()),
            2 => name = Some(attr.text()),
            3 => kind = attr.be32("NFTA_OBJ_TYPE")?,
            4 => data = attr.value,
            8 => comment = udata::find(attr.value, udata::COMMENT),
            _ => {}
        }
    }
    // What a counter has counted and a quota has used is runtime.
    let payload = match kind {
        1 => without(data, &[1, 2, 3])?,
        2 => without_depleted(&without(data, &[4])?)?,
        _ => data.to_vec(),
    };
    let object = Object {
        kind: object_kind(kind),
        name: required(name, "NFTA_OBJ_NAME")?,
        comment,
        payload: Hex(payload),
        definition: None,
        opaque: Vec::new(),
    };
    Ok((required(table, "NFTA_OBJ_TABLE")?, object))
}

/// The table of a flowtable, and the flowtable (`enum nft_flowtable_attributes`): the use count and the handle are runtime.
pub(super) fn flowtable(attributes: Attrs<'_>) -> Result<(Text, Object), Malformed> {
    let (mut table, mut name, mut payload) = (None, None, Vec::new());
    for attr in attributes {
        let attr = attr?;
        match attr.kind {
            1 => table = Some(attr.text()),
            2 => name = Some(attr.text()),
            3 | 7 => append(&mut payload, &attr),
            _ => {}
        }
    }
    let object = Object {
        kind: "flowtable".to_owned(),
        name: required(name, "NFTA_FLOWTABLE_NAME")?,
        comment: None,
        payload: Hex(payload),
        definition: None,
        opaque: Vec::new(),
    };
    Ok((required(table, "NFTA_FLOWTABLE_TABLE")?, object))
}

/// The attributes in `data` but those of these kinds.
fn without(data: &[u8], kinds: &[u16]) -> Result<Vec<u8>, Malformed> {
    let mut out = Vec::new();
    for attr in attrs(data) {
        let attr = attr?;
        if !kinds.contains(&attr.kind) {
            append(&mut out, &attr);
        }
    }
    Ok(out)
}

/// The attributes of a quota, without the flag that says that it is used up (`NFT_QUOTA_F_DEPLETED`).
fn without_depleted(data: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut out = Vec::new();
    for attr in attrs(data) {
        let attr = attr?;
        if attr.kind == 2 {
            let flags = (attr.be32("NFTA_QUOTA_FLAGS")? & !2).to_be_bytes();
            let value = flags.as_slice();
            append(&mut out, &Attr { kind: 2, value });
        } else {
            append(&mut out, &attr);
        }
    }
    Ok(out)
}

fn append(out: &mut Vec<u8>, attr: &Attr<'_>) {
    let length = u16::try_from(attr.value.len() + 4).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_ne_bytes());
    out.extend_from_slice(&attr.kind.to_ne_bytes());
    out.extend_from_slice(attr.value);
    out.resize(out.len().next_multiple_of(4), 0);
}
