//! The digests of two rulesets that are nearly the same, with what both hold written once.

use super::frame::{Frame, Sink};
use super::model::{Chain, Family, Rule, Ruleset, Table};
use super::written;
use crate::artifact::json::{self, CanonicalError, Digest};
use crate::bytes::Text;

/// The digests of the canonical bytes of both, as [`json::digest`] gives them.
pub(crate) fn digests(before: &Ruleset, after: &Ruleset) -> Result<(Digest, Digest), CanonicalError> {
    let (ours, theirs) = (chains(before), chains(after));
    let is_sorted = |chains: &[Named<'_>]| chains.is_sorted_by(|one, other| one.0 < other.0);
    if !is_sorted(&ours) || !is_sorted(&theirs) {
        return Ok((json::digest(before)?, json::digest(after)?));
    }
    let (mut one, mut other) = (Side::of(before)?, Side::of(after)?);
    let (mut ours, mut theirs) = (ours.iter().peekable(), theirs.iter().peekable());
    let mut bytes = Vec::new();
    loop {
        let turn = match (ours.peek(), theirs.peek()) {
            (None, None) => break,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(ours), Some(theirs)) => ours.0.cmp(&theirs.0),
        };
        let left = if turn.is_le() { ours.next() } else { None };
        let right = if turn.is_ge() { theirs.next() } else { None };
        match (left, right) {
            (Some((_, left)), Some((_, right))) => both(&mut one, left, &mut other, right, &mut bytes)?,
            (Some((_, left)), None) => one.chain(left, &mut bytes)?,
            (None, Some((_, right))) => other.chain(right, &mut bytes)?,
            (None, None) => break,
        }
    }
    Ok((one.finish(), other.finish()))
}

/// A chain's rules under its name.
type Named<'a> = ((Family, &'a Text, &'a Text), &'a [Rule]);

/// All chains in the order in which they are written.
fn chains(ruleset: &Ruleset) -> Vec<Named<'_>> {
    let tables = ruleset.tables.iter();
    let chains = tables.flat_map(|table| {
        let name = |chain| (table.family, &table.name, chain);
        table
            .chains
            .iter()
            .map(move |chain| (name(&chain.name), chain.rules.as_slice()))
    });
    chains.collect()
}

/// One chain on both sides: the rules that both begin or end with are written once.
fn both(
    one: &mut Side,
    left: &[Rule],
    other: &mut Side,
    right: &[Rule],
    bytes: &mut Vec<u8>,
) -> Result<(), CanonicalError> {
    one.open();
    other.open();
    let runs = Runs::of(left, right);
    let (shared, left, tail) = runs.parts(left);
    let (_, right, _) = runs.parts(right);
    for rule in shared {
        let written = write(rule, bytes)?;
        one.rule(written);
        other.rule(written);
    }
    for rule in left {
        one.rule(write(rule, bytes)?);
    }
    for rule in right {
        other.rule(write(rule, bytes)?);
    }
    for rule in tail {
        let written = write(rule, bytes)?;
        one.rule(written);
        other.rule(written);
    }
    Ok(())
}

/// How many elements two lists begin with alike, and how many of the others they end with alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Runs {
    /// At the beginning.
    pub(crate) head: usize,
    /// At the end.
    pub(crate) tail: usize,
}

impl Runs {
    /// Those of two lists.
    pub(crate) fn of<T: PartialEq>(one: &[T], other: &[T]) -> Self {
        let head = one.iter().zip(other).take_while(|(a, b)| a == b).count();
        let rest = one.iter().skip(head).rev().zip(other.iter().skip(head).rev());
        let tail = rest.take_while(|(a, b)| a == b).count();
        Self { head, tail }
    }

    /// One of the lists in three: its beginning, what is its own, its end.
    pub(crate) fn parts<T>(self, list: &[T]) -> (&[T], &[T], &[T]) {
        let (head, rest) = list.split_at_checked(self.head).unwrap_or((list, &[]));
        let own = rest.len().saturating_sub(self.tail);
        let (own, tail) = rest.split_at_checked(own).unwrap_or((rest, &[]));
        (head, own, tail)
    }
}

/// The canonical bytes of a rule, in a buffer that is used again.
fn write<'b>(rule: &Rule, bytes: &'b mut Vec<u8>) -> Result<&'b [u8], CanonicalError> {
    bytes.clear();
    written::rule(rule, bytes)?;
    Ok(bytes)
}

/// A ruleset on its way into its digest.
struct Side {
    frame: Frame,
    sink: Sink,
    /// The chain whose turn it is.
    next: usize,
    /// Whether a rule of it was written.
    begun: bool,
}

impl Side {
    fn of(ruleset: &Ruleset) -> Result<Self, CanonicalError> {
        Ok(Self {
            frame: Frame::new(&without_rules(ruleset))?,
            sink: Sink::default(),
            next: 0,
            begun: false,
        })
    }

    /// Begins the next chain.
    fn open(&mut self) {
        self.sink.push(self.frame.head(self.next));
        self.next += 1;
        self.begun = false;
    }

    fn rule(&mut self, written: &[u8]) {
        if std::mem::replace(&mut self.begun, true) {
            self.sink.push(b",");
        }
        self.sink.push(written);
    }

    fn chain(&mut self, rules: &[Rule], bytes: &mut Vec<u8>) -> Result<(), CanonicalError> {
        self.open();
        for rule in rules {
            self.rule(write(rule, bytes)?);
        }
        Ok(())
    }

    fn finish(mut self) -> Digest {
        self.sink.push(self.frame.head(self.next));
        self.sink.finish()
    }
}

/// Everything but the rules.
fn without_rules(ruleset: &Ruleset) -> Ruleset {
    let chain = |chain: &Chain| Chain {
        name: chain.name.clone(),
        base: chain.base.clone(),
        comment: chain.comment.clone(),
        rules: Vec::new(),
        opaque: chain.opaque.clone(),
    };
    let table = |table: &Table| Table {
        family: table.family,
        name: table.name.clone(),
        flags: table.flags.clone(),
        comment: table.comment.clone(),
        chains: table.chains.iter().map(chain).collect(),
        sets: table.sets.clone(),
        objects: table.objects.clone(),
        opaque: table.opaque.clone(),
    };
    Ruleset {
        plane: ruleset.plane,
        tables: ruleset.tables.iter().map(table).collect(),
        hook_order: ruleset.hook_order.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netfilter::model::{Item, Plane, Statement};

    fn rule(number: usize) -> Rule {
        let log = Statement::Counter {
            name: Some(Text::from(format!("n{number}"))),
        };
        Rule {
            items: vec![Item::Statement(log)],
            comment: number.is_multiple_of(3).then(|| "\"rules\":[]".into()),
        }
    }

    fn ruleset(chains: &[(&str, &[usize])]) -> Ruleset {
        let chain = |(name, rules): &(&str, &[usize])| Chain {
            name: (*name).into(),
            base: None,
            comment: None,
            rules: rules.iter().map(|number| rule(*number)).collect(),
            opaque: Vec::new(),
        };
        let table = Table {
            family: Family::Ip,
            name: "t".into(),
            flags: Vec::new(),
            comment: None,
            chains: chains.iter().map(chain).collect(),
            sets: Vec::new(),
            objects: Vec::new(),
            opaque: Vec::new(),
        };
        Ruleset {
            plane: Plane::Nft,
            tables: vec![table],
            hook_order: Vec::new(),
        }
    }

    #[test]
    fn digests_of_two_are_those_of_each() {
        let all = [
            ruleset(&[]),
            ruleset(&[("a", &[1, 2, 3, 4])]),
            ruleset(&[("a", &[9, 1, 2, 3, 4])]),
            ruleset(&[("a", &[1, 2, 4])]),
            ruleset(&[("a", &[])]),
            ruleset(&[("a", &[1, 1]), ("b", &[2])]),
            ruleset(&[("a", &[1, 1, 1]), ("c", &[2, 3])]),
            // Not in order, as nothing that was read is.
            ruleset(&[("b", &[1]), ("a", &[1])]),
        ];
        for one in &all {
            for other in &all {
                let alone = (json::digest(one).unwrap(), json::digest(other).unwrap());
                assert_eq!(digests(one, other).unwrap(), alone, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn runs_do_not_overlap() {
        let runs = Runs::of(&[1, 1], &[1, 1, 1]);
        assert_eq!(runs, Runs { head: 2, tail: 0 });
        assert_eq!(runs.parts(&[1, 1, 1]), (&[1, 1][..], &[1][..], &[][..]));
        assert_eq!(Runs::of(&[1, 2, 3], &[0, 2, 3]), Runs { head: 0, tail: 2 });
    }
}
