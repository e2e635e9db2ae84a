//! Sets, from `ipset save`, which ran twice: there is no generation that tells a change.

use super::{Outcome, Stop, ran, unreadable};
use crate::host::ipset::save;
use crate::probe::parts::Parts;
use crate::section::{Content, Section, State};

/// As the parser calls a text without sets.
const EMPTY_INPUT: &str = "EMPTY_INPUT";

pub(super) fn section(parts: &Parts) -> Outcome {
    let (mut first, again) = (read(parts, "ipset")?, read(parts, "ipset-again")?);
    if !same(&first, &again) {
        return Err(State::Torn {
            why: "the sets changed between two readings".to_owned(),
        });
    }
    // The tool ended well: that there is nothing is a proof.
    first.warnings.retain(|warning| warning.code != EMPTY_INPUT);
    Ok(first)
}

fn read(parts: &Parts, name: &str) -> Result<Section, Stop> {
    let read = ran(parts, name)?;
    save::parse(&read.output)
        .map_err(|error| unreadable(format!("cannot decode what {} printed: {error}", read.tool)))
}

fn same(one: &Section, other: &Section) -> bool {
    match (&one.content, &other.content) {
        (Some(Content::Facts { config: one, .. }), Some(Content::Facts { config: other, .. })) => {
            one == other
        }
        _ => false,
    }
}
