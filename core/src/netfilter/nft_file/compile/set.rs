//! Sets and maps: named ones, and those that a rule holds in place.

use super::super::ast::{Element, Expr, Judgement, Set, Table};
use super::super::attributes::{Attributes, user_data};
use super::super::datatype::Ty;
use super::emit::{Emitter, expression, register};
use super::shape::{Load, Shape};
use super::{Compiled, Data, Fault, Names, SetType, Side, comment_data, fault, verdict_parts};
use crate::netfilter::nft::consts;

/// Elements in one message: well below what an attribute can hold.
const PER_MESSAGE: usize = 256;

/// A set in place.
#[derive(Debug)]
pub(super) struct Anonymous {
    pub(super) name: String,
    pub(super) interval: bool,
}

/// One element in bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Bytes {
    low: Vec<u8>,
    high: Vec<u8>,
    rest: Vec<u8>,
    is_plain: bool,
}

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

/// A type as it stands in a set: whole bytes.
fn whole(ty: Ty) -> Shape {
    Shape {
        load: Load::Meta(0),
        bytes: ty.bytes(),
        ty,
        shift: 0,
    }
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

/// One statement stands alone in `one`, several in the list `many`.
pub(super) fn statement_attributes(out: &mut Attributes, (one, many): (u16, u16), statements: &[Attributes]) {
    match statements {
        [] => {}
        [single] => out.nest(one, single),
        several => {
            let mut list = Attributes::default();
            for statement in several {
                list.nest(1, statement);
            }
            out.nest(many, &list);
        }
    }
}

/// Intervals that overlap or touch are one.
fn merged(mut elements: Vec<Bytes>) -> Vec<Bytes> {
    if elements.iter().any(|element| !element.is_plain) {
        return elements;
    }
    elements.sort();
    let mut out: Vec<Bytes> = Vec::with_capacity(elements.len());
    for element in elements {
        match out.last_mut() {
            Some(last) if touches(&last.high, &element.low) => {
                if element.high > last.high {
                    last.high = element.high;
                }
            }
            _ => out.push(element),
        }
    }
    out
}

/// True if `low` is at most one above `high`.
fn touches(high: &[u8], low: &[u8]) -> bool {
    let mut next = high.to_vec();
    for byte in next.iter_mut().rev() {
        let (more, carry) = byte.overflowing_add(1);
        *byte = more;
        if !carry {
            return low <= next.as_slice();
        }
    }
    true
}

impl Emitter<'_, '_> {
    fn shapes(&self, key: &Expr) -> Compiled<Vec<Shape>> {
        match key {
            Expr::Concat(parts) => parts.iter().map(|part| self.shape(part)).collect(),
            one => Ok(vec![self.shape(one)?]),
        }
    }

    /// The types of a key.
    pub(super) fn key_types(&self, key: &Expr) -> Compiled<Vec<Ty>> {
        Ok(self.shapes(key)?.into_iter().map(|shape| shape.ty).collect())
    }

    /// A set that nobody declares stands in for the lookup until it is read.
    pub(super) fn phantom(&mut self, name: &str, ty: SetType) {
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
    pub(super) fn load_set_key(&mut self, key: &Expr, set: &Anonymous) -> Compiled {
        self.load_key(0, key, false)?;
        self.key_order(key, set.interval)
    }

    /// A set of plain values without a name.
    pub(super) fn plain_set(&mut self, key_type: u32, mut keys: Vec<Vec<u8>>) -> String {
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
    pub(super) fn anonymous(&mut self, key: &Expr, elements: &[Element], data: &Data) -> Compiled<Anonymous> {
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

    fn is_interval(&mut self, shapes: &[Shape], key: &Expr) -> Compiled<bool> {
        match (key, shapes) {
            (Expr::CatchAll, _) => Ok(false),
            (Expr::Concat(parts), shapes) if shapes.len() > 1 => {
                let mut any = false;
                for (part, shape) in parts.iter().zip(shapes) {
                    any |= self.bounds(part, shape)?.2;
                }
                Ok(any)
            }
            (one, [shape]) => Ok(self.bounds(one, shape)?.2),
            _ => fault("an element that is not of the key's type"),
        }
    }

    fn element(
        &mut self,
        types: &[Ty],
        data: &Data,
        interval: bool,
        timeout: Option<u64>,
        element: &Element,
    ) -> Compiled<Bytes> {
        let shapes: Vec<Shape> = types.iter().copied().map(whole).collect();
        self.element_of(&shapes, data, interval, timeout, element)
    }

    fn element_of(
        &mut self,
        shapes: &[Shape],
        data: &Data,
        interval: bool,
        timeout: Option<u64>,
        element: &Element,
    ) -> Compiled<Bytes> {
        let mut rest = Attributes::default();
        let (low, high) = if element.key == Expr::CatchAll {
            rest.be32(3, consts::ELEMENT_CATCHALL);
            (Vec::new(), Vec::new())
        } else {
            self.key_bytes(shapes, interval, &element.key)?
        };
        match (&element.data, data) {
            (None, Data::None) => {}
            (Some(value), Data::Verdict) => self.verdict_data(&mut rest, value)?,
            (Some(value), Data::Value(types)) => rest.data(2, &self.value_bytes(types, value)?),
            (Some(value), Data::Object(_)) => rest.text(9, super::constant::word(value)?),
            (Some(_), Data::None) => return fault("an element of a set with a value"),
            (None, _) => return fault("an element of a map without a value"),
        }
        if let Some(own) = element.timeout_ms.filter(|own| Some(*own) != timeout) {
            rest.be64(4, own);
        }
        if let Some(comment) = &element.comment {
            let data = comment_data(0, comment).ok_or_else(|| Fault("a comment is too long".to_owned()))?;
            rest.put(6, &data);
        }
        let statements = self.element_statements(&element.statements)?;
        statement_attributes(&mut rest, (7, 11), &statements);
        Ok(Bytes {
            low,
            high,
            rest: rest.bytes().to_vec(),
            is_plain: super::is_plain(element),
        })
    }

    fn key_bytes(&mut self, shapes: &[Shape], interval: bool, key: &Expr) -> Compiled<(Vec<u8>, Vec<u8>)> {
        let parts = match (key, shapes) {
            (one, [shape]) => {
                let (mut low, mut high, _) = self.bounds(one, shape)?;
                if interval && shape.is_number_of_host() {
                    low.reverse();
                    high.reverse();
                }
                if low > high {
                    return fault("a range from the greater to the less");
                }
                return Ok((low, high));
            }
            (Expr::Concat(parts), shapes) if parts.len() == shapes.len() => parts,
            _ => return fault("an element that is not of the key's type"),
        };
        let (mut low, mut high) = (Vec::new(), Vec::new());
        for (part, shape) in parts.iter().zip(shapes) {
            let (mut from, mut to, _) = self.bounds(part, shape)?;
            if interval && shape.is_number_of_host() {
                from.reverse();
                to.reverse();
            }
            low.extend(from);
            low.resize(low.len().next_multiple_of(4), 0);
            high.extend(to);
            high.resize(high.len().next_multiple_of(4), 0);
        }
        Ok((low, high))
    }

    fn verdict_data(&mut self, out: &mut Attributes, value: &Expr) -> Compiled {
        let Expr::Verdict(judgement) = value else {
            return fault("a value that is no verdict");
        };
        let data = self.judgement(judgement);
        out.nest(2, &data);
        Ok(())
    }

    /// `NFTA_DATA_VERDICT`.
    pub(super) fn judgement(&mut self, judgement: &Judgement) -> Attributes {
        let (code, target) = verdict_parts(judgement);
        let mut verdict = Attributes::default();
        verdict.be32(1, code.cast_unsigned());
        if let Some(target) = target {
            let chain = self.side.target(self.path, self.names, target);
            verdict.text(2, &chain);
        }
        let mut data = Attributes::default();
        data.nest(2, &verdict);
        data
    }

    /// A map's value; an interval is its two ends.
    fn value_bytes(&mut self, types: &[Ty], value: &Expr) -> Compiled<Vec<u8>> {
        let shapes: Vec<Shape> = types.iter().copied().map(whole).collect();
        match (shapes.as_slice(), value) {
            ([shape], one) => {
                let (low, high, interval) = self.bounds(one, shape)?;
                Ok(if interval { [low, high].concat() } else { low })
            }
            (several, Expr::Concat(parts)) if parts.len() == several.len() => {
                Ok(self.key_bytes(several, false, value)?.0)
            }
            _ => fault("a value that is not of the map's type"),
        }
    }

    /// Statements that an element carries, each whole.
    pub(super) fn element_statements(
        &mut self,
        statements: &[super::Statement],
    ) -> Compiled<Vec<Attributes>> {
        statements
            .iter()
            .map(|statement| {
                let (name, data) = super::act::stateful(statement)?;
                Ok(expression(name, &data))
            })
            .collect()
    }

    /// Looks `key` up in `map` and leaves what it gives in the first registers; the types of what it gives.
    pub(super) fn map(&mut self, key: &Expr, map: &Expr, wanted: &Data) -> Compiled<Data> {
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
pub(super) fn doubled(data: &Data, elements: &[Element]) -> bool {
    matches!(data, Data::Value(types) if types.len() == 1)
        && elements
            .iter()
            .any(|element| matches!(element.data, Some(Expr::Range(..) | Expr::Prefix(..))))
}
