//! Queueing disciplines and classes: a tree on each device. What came or went with a qdisc or class above it is part of that
//! change, as the rules of a new chain are. Filters are changes of their own wherever they hang.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use serde::Serialize;

use super::{filters, value};
use crate::bytes::Text;
use crate::diff::Kind;
use crate::diff::comparison::Change;
use crate::diff::gaps::Gaps;
use crate::diff::pair::by_key;
use crate::section::SectionName;
use crate::tc::{Class, Qdisc, TcConfig};

/// Longer ways up than the kernel allows are circles.
const DEEPEST: usize = 16;

/// The handle of what the kernel makes by default.
const UNNUMBERED: &str = "0:";

/// A place in the tree: a qdisc by what it hangs on, since it is what is replaced; a class by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place<'a> {
    Qdisc(&'a Text, &'a str),
    Class(&'a Text, &'a str),
}

impl Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Qdisc(device, parent) => write!(f, "{device}/qdisc[{parent}]"),
            Self::Class(device, id) => write!(f, "{device}/class[{id}]"),
        }
    }
}

/// One side.
struct Tree<'a> {
    config: &'a TcConfig,
    qdiscs: BTreeMap<Place<'a>, &'a Qdisc>,
    handles: BTreeMap<(&'a Text, &'a str), Place<'a>>,
    classes: BTreeMap<Place<'a>, &'a Class>,
}

fn qdisc_place(qdisc: &Qdisc) -> Place<'_> {
    Place::Qdisc(&qdisc.device, &qdisc.parent)
}

fn class_place(class: &Class) -> Place<'_> {
    Place::Class(&class.device, &class.id)
}

impl<'a> Tree<'a> {
    fn new(config: &'a TcConfig) -> Self {
        let handle = |qdisc: &'a Qdisc| ((&qdisc.device, qdisc.handle.as_str()), qdisc_place(qdisc));
        Self {
            config,
            qdiscs: config
                .qdiscs
                .iter()
                .map(|qdisc| (qdisc_place(qdisc), qdisc))
                .collect(),
            handles: config.qdiscs.iter().map(handle).collect(),
            classes: config
                .classes
                .iter()
                .map(|class| (class_place(class), class))
                .collect(),
        }
    }

    /// What a place hangs on: a class, or the qdisc whose number its id begins with.
    fn above(&self, place: Place<'a>) -> Option<Place<'a>> {
        let (device, parent, id) = match place {
            Place::Qdisc(device, parent) => (device, parent, parent),
            Place::Class(device, id) => (device, self.classes.get(&place)?.parent.as_str(), id),
        };
        let class = Place::Class(device, parent);
        if class != place && self.classes.contains_key(&class) {
            return Some(class);
        }
        let major = id.get(..=id.rfind(':')?)?;
        self.handles
            .get(&(device, major))
            .copied()
            .filter(|qdisc| *qdisc != place)
    }

    /// True if the other side has nothing of this kind and number in this place.
    fn is_new(&self, other: &Tree<'_>, place: Place<'a>) -> bool {
        match place {
            Place::Qdisc(..) => {
                let own = self.qdiscs.get(&place).map(|qdisc| (&qdisc.kind, &qdisc.handle));
                own != other.qdiscs.get(&place).map(|qdisc| (&qdisc.kind, &qdisc.handle))
            }
            Place::Class(..) => {
                let own = self.classes.get(&place).map(|class| &class.kind);
                own != other.classes.get(&place).map(|class| &class.kind)
            }
        }
    }

    /// The highest place above this one that is new, if any: the change that this place is part of.
    fn part_of(&self, other: &Tree<'_>, place: Place<'a>) -> Option<Place<'a>> {
        std::iter::successors(self.above(place), |place| self.above(*place))
            .take(DEEPEST)
            .filter(|above| self.is_new(other, *above))
            .last()
            .or_else(|| self.follows(other, place))
    }

    /// The qdisc right above, if this place is a queue that the kernel made for it and that changed together with it: a new
    /// limit of `tbf` is that of its queue too. By itself such a queue can only be replaced.
    fn follows(&self, other: &Tree<'_>, place: Place<'a>) -> Option<Place<'a>> {
        let (own, their) = (self.qdiscs.get(&place)?, other.qdiscs.get(&place)?);
        if own == their || own.handle != UNNUMBERED || their.handle != UNNUMBERED {
            return None;
        }
        let owner = std::iter::successors(self.above(place), |place| self.above(*place))
            .take(DEEPEST)
            .find(|above| matches!(above, Place::Qdisc(..)))?;
        (self.qdiscs.get(&owner) != other.qdiscs.get(&owner)).then_some(owner)
    }

    /// What is part of another change, as text, by the place of that change.
    fn parts(&self, other: &Tree<'_>) -> BTreeMap<Place<'a>, Vec<String>> {
        let mut parts: BTreeMap<Place<'a>, Vec<String>> = BTreeMap::new();
        let classes = self
            .config
            .classes
            .iter()
            .map(|class| (class_place(class), class.to_string()));
        let qdiscs = self
            .config
            .qdiscs
            .iter()
            .map(|qdisc| (qdisc_place(qdisc), qdisc.to_string()));
        for (place, text) in classes.chain(qdiscs) {
            if let Some(top) = self.part_of(other, place) {
                parts.entry(top).or_default().push(text);
            }
        }
        parts
    }
}

/// Everything that differs between two trees.
pub(in crate::diff) fn compare(
    before: &TcConfig,
    after: &TcConfig,
    gaps: &Gaps,
) -> Result<Vec<Change>, String> {
    let (left, right) = (Tree::new(before), Tree::new(after));
    let mut sides = Sides {
        below: (left.parts(&right), right.parts(&left)),
        left,
        right,
        gaps,
    };
    let qdiscs = (Kind::QdiscAdded, Kind::QdiscRemoved, Kind::QdiscChanged);
    let classes = (Kind::ClassAdded, Kind::ClassRemoved, Kind::ClassChanged);
    let mut out = sides.list(&before.qdiscs, &after.qdiscs, qdisc_place, qdiscs)?;
    out.extend(sides.list(&before.classes, &after.classes, class_place, classes)?);
    out.extend(filters::compare(before, after, gaps)?);
    Ok(out)
}

type Below<'a> = BTreeMap<Place<'a>, Vec<String>>;

struct Sides<'a> {
    left: Tree<'a>,
    right: Tree<'a>,
    below: (Below<'a>, Below<'a>),
    gaps: &'a Gaps,
}

impl<'a> Sides<'a> {
    fn list<T: PartialEq + Serialize + Display>(
        &mut self,
        before: &'a [T],
        after: &'a [T],
        place: fn(&'a T) -> Place<'a>,
        kinds: (Kind, Kind, Kind),
    ) -> Result<Vec<Change>, String> {
        let mut out = Vec::new();
        for (one, other) in by_key(before, after, place) {
            let one = one.filter(|one| self.left.part_of(&self.right, place(one)).is_none());
            let other = other.filter(|other| self.right.part_of(&self.left, place(other)).is_none());
            let Some(at) = other.or(one).map(place) else {
                continue;
            };
            let path = at.to_string();
            if one == other || self.gaps.touch(&path) {
                continue;
            }
            let kind = match (one, other) {
                (None, _) => kinds.0,
                (Some(_), None) => kinds.1,
                (Some(_), Some(_)) => kinds.2,
            };
            let state = |entry: Option<&T>, below: &mut Below<'a>| {
                entry
                    .map(|entry| value(entry, below.remove(&at).unwrap_or_default()))
                    .transpose()
            };
            let (one, other) = (state(one, &mut self.below.0)?, state(other, &mut self.below.1)?);
            out.push(Change::new(SectionName::Tc, kind, path).before(one).after(other));
        }
        Ok(out)
    }
}
