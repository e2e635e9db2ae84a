//! Which gate of one side is which of the other.

use super::super::model::{Gate, GateKind};
use super::content::key;

type Pair<'a> = (Option<&'a Gate>, Option<&'a Gate>);

/// By group and place; then by group, which was moved; then by place, where another group stands now; the rest came or went.
pub(super) fn pairs<'a>(before: &'a [Gate], after: &'a [Gate]) -> Vec<Pair<'a>> {
    let mut befores: Vec<&Gate> = before.iter().collect();
    let mut afters: Vec<&Gate> = after.iter().collect();
    let mut pairs = Vec::new();
    let group = |gate: &Gate| key(gate.nsg.as_deref());
    let place = |gate: &Gate| (gate.kind, key(gate.association.as_deref()));
    let same: [&dyn Fn(&Gate, &Gate) -> bool; 3] = [
        &|a, b| group(a) == group(b) && place(a) == place(b),
        &|a, b| a.nsg.is_some() && group(a) == group(b),
        &|a, b| a.kind == b.kind && a.kind != GateKind::Unknown,
    ];
    for same in same {
        befores.retain(|gate| {
            let at = afters.iter().position(|other| same(gate, other));
            pairs.extend(at.map(|at| (Some(*gate), Some(afters.remove(at)))));
            at.is_none()
        });
    }
    pairs.extend(befores.into_iter().map(|gate| (Some(gate), None)));
    pairs.extend(afters.into_iter().map(|gate| (None, Some(gate))));
    pairs
}
