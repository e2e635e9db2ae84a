//! When one reading of the tables is enough.

use netghost_core::bytes::Text;
use netghost_core::netfilter::xt;

use super::{Pass, ReadError, Source};

/// True if all that was read was so at one moment, though it was read once: that at which the last table was read. Its entries
/// are of one moment and tell themselves where its chains begin ([`xt::chains_are_told`]); the other tables and the list of
/// tables are the same before and after. Rules that name an ipset by its number have no such moment: its name comes from elsewhere.
pub(super) fn stands_alone(source: &mut dyn Source, first: &Pass) -> Result<bool, ReadError> {
    let raw = &first.raw;
    let family = raw.family();
    let last = first.last.and_then(|place| raw.tables.get(place));
    let told = last.is_some_and(|table| xt::chains_are_told(family, table));
    if !told || !raw.sets.is_empty() {
        return Ok(false);
    }
    if raw.tables.len() == 1 {
        return Ok(true);
    }
    for (place, table) in raw.tables.iter().enumerate() {
        if Some(place) == first.last {
            continue;
        }
        match source.table(&table.name)? {
            Some(again) if xt::same_table_but_counters(family, table, &again) => {}
            _ => return Ok(false),
        }
    }
    let names = source.names()?;
    Ok(names.iter().eq(raw.tables.iter().map(|table| &table.name)))
}

/// The places of the names, that of the largest table last: the last one is read once.
pub(super) fn by_size(source: &mut dyn Source, names: &[Text]) -> Vec<usize> {
    if let [_] = names {
        return vec![0];
    }
    let mut sizes: Vec<(usize, usize)> = names.iter().map(|name| source.size(name)).zip(0..).collect();
    sizes.sort_unstable();
    sizes.into_iter().map(|(_, place)| place).collect()
}

#[cfg(test)]
mod tests;
