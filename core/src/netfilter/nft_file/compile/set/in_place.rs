//! Sets and maps that a rule holds in place, and lookups in maps.

use super::super::super::ast::{Element, Expr, Set};
use super::super::super::attributes::Attributes;
use super::super::super::datatype::Ty;
use super::super::emit::{Emitter, register};
use super::super::shape::Shape;
use super::super::{Compiled, Data, Names, SetType, fault};
use super::element::{Bytes, merged};
use super::{data_flags, data_types, key_length, length, type_number};
use crate::netfilter::nft::consts;

/// A set in place.
#[derive(Debug)]
pub(in super::super) struct Anonymous {
    pub(in super::super) name: String,
    pub(in super::super) interval: bool,
}

impl Emitter<'_, '_> {
    fn shapes(&self, key: &Expr) -> Compiled<Vec<Shape>> {
        match key {
            Expr::Concat(parts) => parts.iter().map(|part| self.shape(part)).collect(),
            one => Ok(vec![self.shape(one)?]),
        }
    }

    /// The types of a key.
    pub(in super::super) fn key_types(&self, key: &Expr) -> Compiled<Vec<Ty>> {
        Ok(self.shapes(key)?.into_iter().map(|shape| shape.ty).collect())
    }

    /// A set that nobody declares stands in for the lookup until it is read.
    pub(in super::super) fn phantom(&mut self, name: &str, ty: SetType) {
        self.side.missing_set(self.path, name);
        let known = (self.family, self.table.name.clone(), name.to_owned());
        if self.side.phantoms.contains(&known) {
            return;
        }
        self.side.phantoms.push(known);
        let set = Set {
            name: name.to_owned(),
            ..Set::default()
        };
        let names = Names::default();
        self.side.named_set(self.table, &set, &ty, &names);
    }

    /// Loads the key of a set in place.
    pub(in super::super) fn load_set_key(&mut self, key: &Expr, set: &Anonymous) -> Compiled {
        self.load_key(0, key, false)?;
        self.key_order(key, set.interval)
    }

    /// A set of plain values without a name.
    pub(in super::super) fn plain_set(&mut self, key_type: u32, mut keys: Vec<Vec<u8>>) -> String {
        keys.sort();
        let name = self.side.unnamed("set");
        let mut out = Attributes::default();
        out.text(1, &self.table.name);
        out.text(2, &name);
        out.be32(3, consts::SET_ANONYMOUS | consts::SET_CONSTANT);
        out.be32(4, key_type);
        out.be32(5, length(keys.first().map_or(0, Vec::len)));
        self.side.message(self.family, consts::NEW_SET, &out);
        let element = |low: Vec<u8>| Bytes {
            high: low.clone(),
            low,
            rest: Vec::new(),
            is_plain: true,
        };
        let elements: Vec<Bytes> = keys.into_iter().map(element).collect();
        self.side.elements(self.table, &name, false, &elements);
        name
    }

    /// A set or map in place.
    pub(in super::super) fn anonymous(
        &mut self,
        key: &Expr,
        elements: &[Element],
        data: &Data,
    ) -> Compiled<Anonymous> {
        let shapes = self.shapes(key)?;
        let types: Vec<Ty> = shapes.iter().map(|shape| shape.ty).collect();
        let mut interval = false;
        let mut all = Vec::with_capacity(elements.len());
        for element in elements {
            interval |= self.is_interval(&shapes, &element.key)?;
        }
        let single = shapes.len() == 1;
        for element in elements {
            all.push(self.element_of(&shapes, data, interval, None, element)?);
        }
        let doubled = doubled(data, elements);
        all.sort();
        all.dedup();
        if interval && single && *data == Data::None {
            all = merged(all);
        }
        let name = self.side.unnamed(if *data == Data::None { "set" } else { "map" });
        let mut out = Attributes::default();
        out.text(1, &self.table.name);
        out.text(2, &name);
        let mut flags = consts::SET_ANONYMOUS | consts::SET_CONSTANT | data_flags(data);
        if interval {
            flags |= consts::SET_INTERVAL | if single { 0 } else { consts::SET_CONCAT };
        }
        out.be32(3, flags);
        out.be32(4, type_number(&types));
        let bytes = match shapes.as_slice() {
            [one] => one.bytes,
            several => several.iter().map(|shape| shape.bytes.next_multiple_of(4)).sum(),
        };
        out.be32(5, length(bytes));
        match (data, doubled) {
            (Data::Value(types), true) => {
                out.be32(6, type_number(types));
                out.be32(7, length(key_length(types).saturating_mul(2)));
            }
            _ => data_types(&mut out, data),
        }
        self.side.message(self.family, consts::NEW_SET, &out);
        self.side.elements(self.table, &name, interval, &all);
        Ok(Anonymous { name, interval })
    }

    /// Looks `key` up in `map` and leaves what it gives in the first registers; the types of what it gives.
    pub(in super::super) fn map(&mut self, key: &Expr, map: &Expr, wanted: &Data) -> Compiled<Data> {
        self.depend(key)?;
        let into = match wanted {
            Data::Verdict => 0,
            _ => register(0),
        };
        match map {
            Expr::SetName(name) => {
                let (interval, data) = match self.set_named(name) {
                    Some(set) => (set.interval, set.data.clone()),
                    None => {
                        let key = self.key_types(key)?;
                        let ty = SetType {
                            key,
                            data: wanted.clone(),
                            interval: false,
                        };
                        self.phantom(name, ty);
                        (false, wanted.clone())
                    }
                };
                self.load_key(0, key, true)?;
                self.key_order(key, interval)?;
                self.lookup(0, name, Some(into), false);
                Ok(data)
            }
            Expr::Set(elements) => {
                let set = self.anonymous(key, elements, wanted)?;
                self.load_set_key(key, &set)?;
                self.lookup(0, &set.name, Some(into), false);
                Ok(wanted.clone())
            }
            _ => fault("not a map"),
        }
    }
}

/// True if the values of a map are intervals.
pub(in super::super) fn doubled(data: &Data, elements: &[Element]) -> bool {
    matches!(data, Data::Value(types) if types.len() == 1)
        && elements
            .iter()
            .any(|element| matches!(element.data, Some(Expr::Range(..) | Expr::Prefix(..))))
}
