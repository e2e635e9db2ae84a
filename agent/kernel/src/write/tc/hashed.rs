//! Filters in the order in which they are made; those of `u32` stand in hash tables, which come first.

use std::collections::BTreeMap;

use netghost_core::raw::RawMessage;

use super::attributes::{Attribute, Out, find, split};
use super::build::filter_message;
use super::message::{CHAIN, Head, Message, OPTIONS, attributes_of, kind};
use super::{WriteError, convert, unsupported};

// TCA_U32_*.
const HASH: u16 = 2;
const LINK: u16 = 3;
const DIVISOR: u16 = 4;
/// From here on the kernel numbers tables; each priority has one of its own from the start.
const OF_THE_KERNEL: u32 = 0x800;

/// All filters: in each priority tables before what stands in them.
pub(super) fn filters(all: &[&RawMessage]) -> Result<Vec<Message>, WriteError> {
    let (mut tables, mut others) = (Vec::new(), Vec::new());
    let mut own_tables: BTreeMap<(u32, u32, u32), u32> = BTreeMap::new();
    for raw in all {
        let head = Head::read(raw)?;
        let attributes = attributes_of(raw)?;
        let kind = kind(&attributes);
        let told = find(&attributes, OPTIONS)
            .map(|options| options.value)
            .unwrap_or_default();
        // The head of a priority comes with its first filter.
        if head.handle == 0 && told.is_empty() {
            continue;
        }
        if kind != "u32" {
            let told = match kind.as_str() {
                "flower" => convert::with_outer_protocol(told, head.info)?,
                _ => told.to_vec(),
            };
            let options = convert::filter_options(&kind, &told)?;
            others.push(filter_message(&attributes, head, Some(options))?);
            continue;
        }
        if head.handle & 0xf_ffff != 0 {
            others.push(knot(&attributes, head, told)?);
            continue;
        }
        if head.handle >> 20 >= OF_THE_KERNEL {
            let chain = find(&attributes, CHAIN)
                .and_then(|chain| chain.u32())
                .unwrap_or_default();
            let count = own_tables.entry((head.parent, chain, head.info)).or_default();
            *count = count.saturating_add(1);
            if *count > 1 {
                return Err(unsupported(
                    "u32 filters with a further table that the kernel numbered could not be put back exactly"
                        .to_owned(),
                ));
            }
            continue;
        }
        tables.push(table(&attributes, head, told)?);
    }
    tables.extend(others);
    Ok(tables)
}

/// A table of somebody's own.
fn table(attributes: &[Attribute<'_>], head: Head, told: &[u8]) -> Result<Message, WriteError> {
    let mut out = Out::default();
    for attribute in split(told)? {
        if attribute.number() == DIVISOR {
            out.keep(attribute)?;
        }
    }
    filter_message(attributes, head, Some(out.0.into()))
}

/// One filter of a table. In a priority's first table it is found without the table's number, which may be another one next time.
fn knot(attributes: &[Attribute<'_>], head: Head, told: &[u8]) -> Result<Message, WriteError> {
    let in_first = head.handle >> 20 >= OF_THE_KERNEL;
    let mut kept = Out::default();
    for attribute in split(told)? {
        let to_the_kernels =
            attribute.number() == LINK && attribute.u32().is_some_and(|table| table >> 20 >= OF_THE_KERNEL);
        if to_the_kernels {
            return Err(unsupported(
                "a u32 filter that leads to a table that the kernel numbered could not be put back exactly"
                    .to_owned(),
            ));
        }
        if !(in_first && attribute.number() == HASH) {
            kept.keep(attribute)?;
        }
    }
    let options = convert::filter_options("u32", &kept.0)?;
    let handle = if in_first {
        head.handle & 0xfff
    } else {
        head.handle
    };
    filter_message(attributes, Head { handle, ..head }, Some(options))
}
