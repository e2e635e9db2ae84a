//! Finding a rule by what it says.

use std::collections::BTreeSet;

use netghost_core::gate::{Place, RuleRef};

use super::WriteError;
use super::seen::{Seen, words};

/// So many rules are named that read nearly as the one that is not there.
const NEAREST: usize = 3;

/// The place of a rule in its chain.
pub(super) fn rule(seen: &Seen, wanted: &RuleRef) -> Result<usize, WriteError> {
    let texts = seen.texts()?;
    let text = wanted.text.to_string();
    let same: Vec<usize> = texts
        .iter()
        .enumerate()
        .filter(|(_, one)| **one == text)
        .map(|(place, _)| place)
        .collect();
    let number = usize::try_from(wanted.occurrence).unwrap_or(usize::MAX);
    let found = number.checked_sub(1).and_then(|number| same.get(number));
    if let Some(place) = found {
        return Ok(*place);
    }
    let chain = words(&seen.id);
    let what = if same.is_empty() {
        format!("the rule `{text}` in {chain}{}", nearest(&text, &texts))
    } else {
        format!(
            "number {number} of the rules `{text}` in {chain}, which has {} of them,",
            same.len()
        )
    };
    Err(WriteError::NotThere { what })
}

/// Before which place a rule is to be put.
pub(super) fn place(seen: &Seen, place: &Place) -> Result<usize, WriteError> {
    Ok(match place {
        Place::First => 0,
        Place::Last => seen.chain()?.rules.len(),
        Place::Before { rule: wanted } => rule(seen, wanted)?,
        Place::After { rule: wanted } => rule(seen, wanted)?.saturating_add(1),
    })
}

/// The rules that share most words with a text.
fn nearest(text: &str, texts: &[String]) -> String {
    let words = |text: &str| -> BTreeSet<String> { text.split_whitespace().map(str::to_owned).collect() };
    let wanted = words(text);
    let mut scored: Vec<(usize, &String)> = texts
        .iter()
        .map(|one| (words(one).intersection(&wanted).count(), one))
        .filter(|(shared, _)| *shared > 0)
        .collect();
    scored.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.len().cmp(&b.1.len())));
    scored.dedup();
    let named: Vec<String> = scored
        .iter()
        .take(NEAREST)
        .map(|(_, one)| format!("`{one}`"))
        .collect();
    match named.is_empty() {
        true => String::new(),
        false => format!(" (it has {})", named.join(", ")),
    }
}
