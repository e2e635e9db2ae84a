//! `police` as it is asked for: with the tables of its rates, which a dump leaves out (`linux/pkt_cls.h`).

use super::attributes::{Out, find, put_word, split, word};
use super::{WriteError, unsupported};

// TCA_POLICE_*.
const PARMS: u16 = 1;
const RATE: u16 = 2;
const PEAK_RATE: u16 = 3;
/// How many entries a table has, and for packets of how many bytes each stands.
const ENTRIES: u32 = 256;
const CELL_LOG: u8 = 3;
/// Where the two `struct tc_ratespec` stand in `struct tc_police`.
const SPECS: [(usize, u16); 2] = [(20, RATE), (32, PEAK_RATE)];

/// Adds the tables. What is in them is of use to kernels that can't reckon only; that they are there is asked of all.
pub(super) fn with_tables(options: &[u8]) -> Result<Vec<u8>, WriteError> {
    let all = split(options)?;
    let parms = find(&all, PARMS).ok_or_else(|| unsupported("a police without its parameters".to_owned()))?;
    let mut parms = parms.value.to_vec();
    let mut tables = Out::default();
    for (at, number) in SPECS {
        let rate = word(&parms, at.saturating_add(8)).unwrap_or_default();
        if rate == 0 {
            continue;
        }
        if let Some(cell_log) = parms.get_mut(at) {
            *cell_log = CELL_LOG;
        }
        let table: Vec<u8> = (1..=ENTRIES)
            .flat_map(|entry| ticks(entry, rate).to_ne_bytes())
            .collect();
        tables.push(number, &table)?;
    }
    let mut out = Out::default();
    out.push(PARMS, &parms)?;
    for attribute in all
        .iter()
        .filter(|one| !matches!(one.number(), PARMS | RATE | PEAK_RATE))
    {
        out.keep(*attribute)?;
    }
    out.0.extend(tables.0);
    Ok(out.0)
}

/// How long a packet of so many cells takes, in ticks of 64 ns.
fn ticks(entry: u32, rate: u32) -> u32 {
    let bytes = u64::from(entry) << CELL_LOG;
    let ns = bytes
        .saturating_mul(1_000_000_000)
        .checked_div(rate.into())
        .unwrap_or_default();
    u32::try_from(ns / 64).unwrap_or(u32::MAX)
}

/// The index, and that nobody else holds it: `(refcnt, bindcnt)` of `struct tc_police`.
pub(super) const COUNTS: (usize, usize) = (44, 48);

/// Makes an action's parameters those of a new one.
pub(super) fn anew(
    parms: &mut [u8],
    (references, bound): (usize, usize),
    kind: &str,
) -> Result<(), WriteError> {
    let counts = (word(parms, references), word(parms, bound));
    let (Some(references), Some(bound)) = counts else {
        return Err(unsupported(format!(
            "an action {kind} whose parameters are too short"
        )));
    };
    if references > 1 || bound > 1 {
        return Err(unsupported(format!(
            "an action {kind} that others hold too could not be put back exactly"
        )));
    }
    put_word(parms, 0, 0).ok_or_else(|| unsupported(format!("an action {kind} without parameters")))
}
