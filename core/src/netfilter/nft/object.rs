//! Named objects and flowtables.

use super::lift::hook_of;
use super::message::{self, encoded, required};
use super::udata;
use crate::bytes::{Big, Hex, Text};
use crate::netfilter::model::{Definition, Family, Object, ObjectRuntime};
use crate::raw::attr::{Attr, Attrs, Malformed, attrs};

mod connection;
mod definition;
mod fields;
mod states;
mod tunnel;

/// The words for `NFT_OBJECT_*`.
const KINDS: [(u32, &str); 10] = [
    (1, "counter"),
    (2, "quota"),
    (3, "ct helper"),
    (4, "limit"),
    (5, "ct count"),
    (6, "tunnel"),
    (7, "ct timeout"),
    (8, "secmark"),
    (9, "ct expectation"),
    (10, "synproxy"),
];

/// The word for `NFT_OBJECT_*`.
pub(super) fn object_kind(number: u32) -> String {
    KINDS
        .iter()
        .find(|(kind, _)| *kind == number)
        .map_or_else(|| format!("object:{number}"), |(_, word)| (*word).to_owned())
}

/// The table of an object, and the object (`enum nft_object_attributes`). The use count (5) is runtime.
pub(super) fn object(attributes: Attrs<'_>) -> Result<(Text, (Object, ObjectRuntime)), Malformed> {
    let (mut table, mut name, mut kind, mut data) = (None, None, 0, [].as_slice());
    let (mut comment, mut handle, mut opaque) = (None, None, Vec::new());
    for attr in attributes {
        let attr = attr?;
        match attr.kind {
            1 => table = Some(attr.text()),
            2 => name = Some(attr.text()),
            3 => kind = attr.be32("NFTA_OBJ_TYPE")?,
            4 => data = attr.value,
            5 | 7 => {}
            6 => handle = Some(Big(attr.be64("NFTA_OBJ_HANDLE")?)),
            8 => comment = udata::find(attr.value, udata::COMMENT),
            _ => opaque.push(attr.into()),
        }
    }
    let (definition, payload) = match definition::read(kind, data) {
        Some(definition) => (Some(definition), Vec::new()),
        None => (None, without_runtime(kind, data)?),
    };
    let object = Object {
        kind: object_kind(kind),
        name: required(name, "NFTA_OBJ_NAME")?,
        comment,
        payload: Hex(payload),
        definition,
        opaque,
    };
    let runtime = ObjectRuntime {
        handle,
        ..definition::runtime(kind, data)
    };
    Ok((required(table, "NFTA_OBJ_TABLE")?, (object, runtime)))
}

/// The table of a flowtable, and the flowtable (`enum nft_flowtable_attributes`). The use count (4) is runtime.
pub(super) fn flowtable(attributes: Attrs<'_>) -> Result<(Text, (Object, ObjectRuntime)), Malformed> {
    let (mut table, mut name, mut hook, mut flags) = (None, None, None, 0);
    let (mut handle, mut opaque) = (None, Vec::new());
    for attr in attributes {
        let attr = attr?;
        match attr.kind {
            1 => table = Some(attr.text()),
            2 => name = Some(attr.text()),
            3 => hook = Some(attr),
            4 | 6 => {}
            5 => handle = Some(Big(attr.be64("NFTA_FLOWTABLE_HANDLE")?)),
            7 => flags = attr.be32("NFTA_FLOWTABLE_FLAGS")?,
            _ => opaque.push(attr.into()),
        }
    }
    let hook = required(hook, "NFTA_FLOWTABLE_HOOK")?;
    let (definition, payload) = match definition_of_flowtable(&hook, flags) {
        Some(definition) => (Some(definition), Vec::new()),
        None => (None, [encoded(&hook), flags.to_be_bytes().to_vec()].concat()),
    };
    let object = Object {
        kind: "flowtable".to_owned(),
        name: required(name, "NFTA_FLOWTABLE_NAME")?,
        comment: None,
        payload: Hex(payload),
        definition,
        opaque,
    };
    let runtime = ObjectRuntime {
        handle,
        ..ObjectRuntime::default()
    };
    Ok((required(table, "NFTA_FLOWTABLE_TABLE")?, (object, runtime)))
}

/// `NFT_FLOWTABLE_*`.
const FLOWTABLE_FLAGS: [(u32, &str); 2] = [(1, "offload"), (2, "counter")];

/// `enum nft_flowtable_hook_attributes`: number, priority, devices. A flowtable's hook is that of a device.
fn definition_of_flowtable(hook: &Attr<'_>, flags: u32) -> Option<Definition> {
    let mut read = message::HookMessage::default();
    for attr in hook.nested() {
        let attr = attr.ok()?;
        match attr.kind {
            1 => read.number = attr.be32("NFTA_FLOWTABLE_HOOK_NUM").ok()?,
            2 => read.priority = attr.be32("NFTA_FLOWTABLE_HOOK_PRIORITY").ok()?.cast_signed(),
            3 => message::devices(3, &attr, &mut read).ok()?,
            _ => return None,
        }
    }
    if !read.opaque.is_empty() {
        return None;
    }
    read.devices.sort();
    read.devices.dedup();
    Some(Definition::Flowtable {
        hook: hook_of(Family::Netdev, read.number).ok()?,
        priority: read.priority,
        devices: read.devices,
        flags: fields::words(&FLOWTABLE_FLAGS, flags)?,
    })
}

/// The attributes of an object that is not decoded, without what a counter has counted and a quota has used.
fn without_runtime(kind: u32, data: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut out = Vec::new();
    for attr in attrs(data) {
        let attr = attr?;
        match (kind, attr.kind) {
            (1, 1..=3) | (2, 4) => {}
            // NFT_QUOTA_F_DEPLETED says that it is used up.
            (2, 2) => {
                let flags = (attr.be32("NFTA_QUOTA_FLAGS")? & !2).to_be_bytes();
                let value = flags.as_slice();
                out.extend(encoded(&Attr { kind: 2, value }));
            }
            _ => out.extend(encoded(&attr)),
        }
    }
    Ok(out)
}
