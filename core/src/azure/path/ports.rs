//! The parts of a range of ports in which every rule holds for all or for none.

use std::collections::BTreeSet;

use crate::azure::nsg::Rule;

/// The parts, in order. Ports that are not known are one part.
pub(super) fn parts<'a>(
    ports: Option<(u16, u16)>,
    rules: impl Iterator<Item = &'a Rule>,
) -> Vec<Option<(u16, u16)>> {
    let Some((low, high)) = ports.filter(|(low, high)| low < high) else {
        return vec![ports];
    };
    let mut starts = BTreeSet::from([low]);
    for (first, last) in rules
        .filter_map(|rule| rule.ports.as_ref())
        .flat_map(|ports| ports.ranges())
    {
        let edges = [Some(*first), last.checked_add(1)];
        starts.extend(
            edges
                .into_iter()
                .flatten()
                .filter(|edge| *edge > low && *edge <= high),
        );
    }
    let starts: Vec<u16> = starts.into_iter().collect();
    let ends = starts.iter().skip(1).map(|next| next - 1).chain([high]);
    starts
        .iter()
        .zip(ends)
        .map(|(first, last)| Some((*first, last)))
        .collect()
}

/// As it stands in answers.
pub(super) fn text(ports: Option<(u16, u16)>) -> String {
    match ports {
        None => "any".to_owned(),
        Some((low, high)) if low == high => low.to_string(),
        Some((low, high)) => format!("{low}-{high}"),
    }
}

/// Neighbouring parts that are alike as one: the ports, and the place of the first.
pub(super) fn runs(
    parts: &[Option<(u16, u16)>],
    alike: impl Fn(usize, usize) -> bool,
) -> Vec<(String, usize)> {
    let mut runs: Vec<(u16, u16, usize)> = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let (low, high) = part.unwrap_or((u16::MIN, u16::MAX));
        match runs.last_mut() {
            Some((_, end, first)) if alike(*first, at) => *end = high,
            _ => runs.push((low, high, at)),
        }
    }
    let shown = |(low, high, first)| (text(Some((low, high))), first);
    runs.into_iter().map(shown).collect()
}
