//! `u32`: hash tables, buckets and keys (`struct tc_u32_sel`, `TCA_U32_*`, `linux/pkt_cls.h`).

use crate::bytes::Big;
use crate::tc::options::Stop;
use crate::tc::schema::{Attribute, Field, Out, Read, Show, attr, field, own, pad};
use crate::tc::setting::{Setting, Value, find};

/// From this number on the kernel chooses: of tables for the first of a priority, of filters for one added without.
const AUTOMATIC: u32 = 0x800;

/// Table, bucket and number within it, from the upper bits down.
fn parts(handle: u32) -> (u32, u32, u32) {
    (handle >> 20, handle >> 12 & 0xff, handle & 0xfff)
}

/// As `tc` prints it: `800::801`, `5:6:800`, `5:`.
pub(super) fn handle(handle: u32) -> String {
    let (table, bucket, number) = parts(handle);
    match (table, bucket, number) {
        (0, 0, 0) => "0x0".to_owned(),
        (table, 0, 0) => format!("{table:x}:"),
        (table, 0, number) => format!("{table:x}::{number:x}"),
        (table, bucket, 0) => format!("{table:x}:{bucket:x}:"),
        (table, bucket, number) => format!("{table:x}:{bucket:x}:{number:x}"),
    }
}

/// The same without what the kernel chose: `root::`, `5:6:`, `5:6:7`.
pub(super) fn meaning(handle: u32) -> Option<String> {
    let (table, bucket, number) = parts(handle);
    if handle == 0 {
        return None;
    }
    let bucket = match bucket {
        0 => String::new(),
        bucket => format!("{bucket:x}"),
    };
    let number = match number {
        0 | AUTOMATIC.. => String::new(),
        number => format!("{number:x}"),
    };
    Some(format!("{}:{bucket}:{number}", table_name(table)))
}

/// The kernel makes one table for each priority; of those it never says which belongs to which.
fn table_name(table: u32) -> String {
    match table {
        AUTOMATIC.. => "root".to_owned(),
        table => format!("{table:x}"),
    }
}

/// `TCA_U32_*`.
const U32: &[Attribute] = &[
    attr(1, "classid", Read::U32, Show::Class),
    // The table that the handle names too.
    pad(2),
    attr(4, "divisor", Read::U32, Show::Number),
    own(5, selector),
    own(10, mark),
    own(3, link),
    attr(8, "indev", Read::Rest, Show::Text),
    own(11, super::kinds::flags),
    attr(9, "hits", Read::Rest, Show::Runtime),
    pad(12),
];

pub(super) fn read(payload: &[u8], handle: u32, out: &mut Out<'_>) -> Result<(), Stop> {
    out.attributes(U32, payload)?;
    // The kernel's own table of a priority always has one bucket.
    if handle & 0xf_ffff == 0 && handle >> 20 >= AUTOMATIC {
        out.settings
            .retain(|setting| setting.name != "divisor" || setting.value != Value::Number(Big(1)));
    }
    Ok(())
}

fn link(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    let bytes =
        <[u8; 4]>::try_from(payload).map_err(|_| Stop::Unknown("a link of another size".to_owned()))?;
    let (table, _, _) = parts(u32::from_ne_bytes(bytes));
    if table != 0 {
        out.set("link", Value::Word(format!("{}:", table_name(table))));
    }
    Ok(())
}

/// `struct tc_u32_mark`: value, mask, and how often it fitted.
fn mark(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    const MARK: &[Field] = &[
        field("value", Read::U32, Show::Bits),
        field("mask", Read::U32, Show::Bits),
        field("mark_hits", Read::U32, Show::Runtime),
    ];
    let mut inner = Out::new(out.names);
    inner.structure(MARK, payload)?;
    out.runtime.extend(inner.runtime);
    let mut values = inner.settings.into_iter().map(|setting| setting.value);
    if let (Some(value), Some(mask)) = (values.next(), values.next()) {
        out.set("match mark", Value::List(vec![value, mask]));
    }
    Ok(())
}

/// `struct tc_u32_sel`; the compiler puts a byte between `nkeys` and `offmask`.
const SELECTOR: &[Field] = &[
    field(
        "flags",
        Read::U8,
        Show::Flags(&[(1, "terminal"), (2, "offset"), (4, "varoffset"), (8, "eat")]),
    ),
    field("shift", Read::U8, Show::Number).unless(0),
    field("nkeys", Read::U8, Show::Number),
    field("", Read::U8, Show::Ignore),
    field("offmask", Read::Be16, Show::Bits).unless(0),
    field("plus", Read::U16, Show::Number).unless(0),
    field("offat", Read::I16, Show::Signed).unless(0),
    field("hashat", Read::I16, Show::Signed).unless(0),
    field("hashmask", Read::Be32, Show::Bits).unless(0),
];

/// `struct tc_u32_key`.
const KEY: &[Field] = &[
    field("mask", Read::Be32, Show::Number),
    field("value", Read::Be32, Show::Number),
    field("at", Read::I32, Show::Signed),
    field("offmask", Read::I32, Show::Signed),
];

fn selector(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    let mut head = Out::new(out.names);
    let rest = head.fields(SELECTOR, payload)?;
    let (keys, odd) = rest.as_chunks::<16>();
    let counted = find(&head.settings, "nkeys") == Some(&Value::Number(Big(length(keys.len()))));
    if !odd.is_empty() || !counted {
        return Err(Stop::Unknown("another number of keys".to_owned()));
    }
    if find(&head.settings, "terminal").is_some() {
        out.set("internal_terminal", Value::Flag);
    }
    for bytes in keys {
        let value = key(bytes, out)?;
        out.set("match", value);
    }
    let told = |names: &[(&str, &str)]| -> Vec<Setting> {
        let found = names.iter().filter_map(|(field, word)| {
            find(&head.settings, field).map(|value| Setting::new(word, value.clone()))
        });
        found.collect()
    };
    let hash = told(&[("hashmask", "mask"), ("hashat", "at")]);
    if !hash.is_empty() {
        out.set("hashkey", Value::Group(hash));
    }
    let offset = told(&[
        ("offset", "internal_fixed"),
        ("varoffset", "internal_variable"),
        ("plus", "plus"),
        ("offat", "at"),
        ("offmask", "mask"),
        ("shift", "shift"),
        ("eat", "eat"),
    ]);
    if !offset.is_empty() {
        out.set("offset", Value::Group(offset));
    }
    Ok(())
}

fn length(keys: usize) -> u64 {
    u64::try_from(keys).unwrap_or(u64::MAX)
}

fn key(bytes: &[u8], out: &Out<'_>) -> Result<Value, Stop> {
    let mut inner = Out::new(out.names);
    inner.structure(KEY, bytes)?;
    let number = |name: &str| match find(&inner.settings, name) {
        Some(Value::Number(number)) => u32::try_from(number.0).unwrap_or_default(),
        _ => 0,
    };
    let signed = |name: &str| match find(&inner.settings, name) {
        Some(Value::Signed(number)) => number.parse::<i32>().unwrap_or_default(),
        _ => 0,
    };
    let next_header = match signed("offmask") {
        0 => false,
        -1 => true,
        other => return Err(Stop::Unknown(format!("an offset mask of {other}"))),
    };
    Ok(Value::Key {
        value: number("value"),
        mask: number("mask"),
        at: signed("at"),
        next_header,
    })
}
