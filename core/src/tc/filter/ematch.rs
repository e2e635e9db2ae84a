//! Extended matches (`TCA_EMATCH_TREE_*`, `struct tcf_ematch_hdr`, `linux/pkt_cls.h`): the tree with the kinds by name, and
//! each match's own bytes as they are.

use crate::bytes::Hex;
use crate::raw::attr::{Attr, attrs};
use crate::raw::lift::whole;
use crate::tc::options::{Stop, unknown};
use crate::tc::schema::Out;
use crate::tc::setting::{Setting, Value};

/// `TCF_EM_*`: the kinds.
const KINDS: [&str; 10] = [
    "container",
    "cmp",
    "nbyte",
    "u32",
    "meta",
    "text",
    "vlan",
    "canid",
    "ipset",
    "ipt",
];

/// The kernel's number of a set: two hosts with the same set need not have the same.
const IPSET: u16 = 8;

pub(super) fn read(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    let mut list = Vec::new();
    for attr in whole(attrs(payload))? {
        match attr.kind {
            // How many there are, and by which program: the list says it.
            1 => {}
            2 => list = whole(attr.nested())?,
            number => return Err(unknown(number)),
        }
    }
    for attr in list {
        let (name, group) = one(attr)?;
        out.set(&name, Value::Group(group));
    }
    Ok(())
}

/// A match; its relation is to the one behind it.
fn one(attr: Attr<'_>) -> Result<(String, Vec<Setting>), Stop> {
    let Some(([_, _, k0, k1, f0, f1, _, _], data)) = attr.value.split_first_chunk::<8>() else {
        return Err(Stop::Unknown("a match without header".to_owned()));
    };
    let (kind, flags) = (u16::from_ne_bytes([*k0, *k1]), u16::from_ne_bytes([*f0, *f1]));
    let name = KINDS
        .get(usize::from(kind))
        .ok_or_else(|| Stop::Unknown(format!("a match of the kind {kind}")))?;
    if kind == IPSET {
        return Err(Stop::Unknown("a set by the kernel's number".to_owned()));
    }
    if flags & !0xf != 0 || flags & 3 == 3 {
        return Err(Stop::Unknown(format!("a match with the flags {flags:#x}")));
    }
    let mut group = vec![Setting::new(
        if flags & 4 == 0 { "is" } else { "not" },
        Value::Word((*name).to_owned()),
    )];
    if flags & 8 != 0 {
        group.push(Setting::new("simple", Value::Flag));
    }
    group.push(Setting::new("data", Value::Raw(Hex(data.to_vec()))));
    match flags & 3 {
        1 => group.push(Setting::new("and", Value::Flag)),
        2 => group.push(Setting::new("or", Value::Flag)),
        _ => {}
    }
    Ok(("ematch".to_owned(), group))
}
