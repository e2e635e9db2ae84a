//! Sets and maps: named ones here, those that a rule holds in place below.

use super::super::ast::{Set, Table};
use super::super::attributes::{Attributes, user_data};
use super::super::datatype::Ty;
use super::emit::Emitter;
use super::{Data, Fault, Names, SetType, Side, comment_data};
use crate::netfilter::nft::consts;

mod element;
mod in_place;

use element::{Bytes, merged};

pub(super) use element::statement_attributes;
pub(super) use in_place::doubled;

/// Elements in one message: well below what an attribute can hold.
const PER_MESSAGE: usize = 256;

/// The number of a type, or of several side by side, six bits each.
fn type_number(types: &[Ty]) -> u32 {
    types
        .iter()
        .fold(0, |number, ty| number.wrapping_shl(6) | ty.of.number)
}

/// Bytes in registers: several side by side fill whole ones.
fn key_length(types: &[Ty]) -> usize {
    match types {
        [one] => one.bytes(),
        several => several.iter().map(|ty| ty.bytes().next_multiple_of(4)).sum(),
    }
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn data_types(out: &mut Attributes, data: &Data) {
    match data {
        Data::None => {}
        Data::Verdict => {
            out.be32(6, consts::DATA_VERDICT);
            out.be32(7, 0);
        }
        Data::Value(types) => {
            out.be32(6, type_number(types));
            out.be32(7, length(key_length(types)));
        }
        Data::Object(number) => out.be32(15, *number),
    }
}

fn data_flags(data: &Data) -> u32 {
    match data {
        Data::None => 0,
        Data::Object(_) => consts::SET_OBJECT,
        Data::Verdict | Data::Value(_) => consts::SET_MAP,
    }
}

fn set_flags(set: &Set, ty: &SetType) -> u32 {
    let bit = |flag: &String| match flag.as_str() {
        "constant" => consts::SET_CONSTANT,
        "interval" => consts::SET_INTERVAL,
        "timeout" => consts::SET_TIMEOUT,
        "dynamic" => consts::SET_EVAL,
        _ => 0,
    };
    let mut flags = set
        .flags
        .iter()
        .map(bit)
        .fold(data_flags(&ty.data), |bits, bit| bits | bit);
    if set.timeout_ms.is_some() {
        flags |= consts::SET_TIMEOUT;
    }
    if ty.interval && ty.key.len() > 1 {
        flags |= consts::SET_CONCAT;
    }
    flags
}

fn description(set: &Set, ty: &SetType) -> Attributes {
    let mut out = Attributes::default();
    if let Some(size) = set.size {
        out.be32(1, size);
    }
    if ty.interval && ty.key.len() > 1 {
        let mut fields = Attributes::default();
        for part in &ty.key {
            let mut field = Attributes::default();
            field.be32(1, length(part.bytes()));
            fields.nest(1, &field);
        }
        out.nest(2, &fields);
    }
    out
}

impl Side<'_> {
    pub(super) fn named_set(&mut self, table: &Table, set: &Set, ty: &SetType, names: &Names) {
        let path = format!("{}/{}/{}", table.family, table.name, set.name);
        let mut out = Attributes::default();
        out.text(1, &table.name);
        out.text(2, &set.name);
        out.be32(3, set_flags(set, ty));
        out.be32(4, type_number(&ty.key));
        out.be32(5, length(key_length(&ty.key)));
        data_types(&mut out, &ty.data);
        if set.policy.as_deref() == Some("memory") {
            out.be32(8, 1);
        }
        let description = description(set, ty);
        if !description.is_empty() {
            out.nest(9, &description);
        }
        if let Some(timeout) = set.timeout_ms {
            out.be64(11, timeout);
        }
        if let Some(interval) = set.gc_interval_ms {
            out.be32(12, interval);
        }
        out.put(13, &set_user_data(set));
        if let Some(handle) = set.handle {
            out.be64(16, handle);
        }
        let mut emitter = Emitter::new(table, names, self, &path);
        let statements = emitter.element_statements(&set.statements);
        let elements = statements.and_then(|statements| {
            statement_attributes(&mut out, (17, 18), &statements);
            let mut all = Vec::with_capacity(set.elements.len());
            for element in &set.elements {
                all.push(emitter.element(&ty.key, &ty.data, ty.interval, set.timeout_ms, element)?);
            }
            Ok(all)
        });
        self.message(table.family, consts::NEW_SET, &out);
        match elements {
            Ok(mut elements) => {
                if set.auto_merge && ty.key.len() == 1 && ty.data == Data::None {
                    elements = merged(elements);
                }
                self.elements(table, &set.name, ty.interval, &elements);
            }
            Err(Fault(why)) => self.notes.gap(&path, &why),
        }
    }

    fn elements(&mut self, table: &Table, set: &str, interval: bool, elements: &[Bytes]) {
        for chunk in elements.chunks(PER_MESSAGE) {
            let mut list = Attributes::default();
            for element in chunk {
                let mut one = Attributes::default();
                if !element.low.is_empty() {
                    one.data(1, &element.low);
                    if interval {
                        one.data(10, &element.high);
                    }
                }
                let mut bytes = one.bytes().to_vec();
                bytes.extend_from_slice(&element.rest);
                list.put(1, &bytes);
            }
            let mut out = Attributes::default();
            out.text(1, &table.name);
            out.text(2, set);
            out.nest(3, &list);
            self.message(table.family, consts::NEW_ELEMENTS, &out);
        }
    }
}

fn set_user_data(set: &Set) -> Vec<u8> {
    let mut out = Vec::new();
    if set.auto_merge {
        out.extend(user_data(2, &1_u32.to_ne_bytes()).unwrap_or_default());
    }
    if let Some(comment) = &set.comment {
        out.extend(comment_data(7, comment).unwrap_or_default());
    }
    out
}
