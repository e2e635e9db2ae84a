//! What is not asked at all: an end of which no address is known, the guest's own layers.

use super::row::{Layer, Missing, Path, Place, Row, Status, Way};
use crate::azure::nsg::Verdict;
use crate::section::SectionName;

/// A layer that is not asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unasked {
    /// At which end.
    pub place: Place,
    /// Which.
    pub layer: Layer,
    /// In which section it would stand.
    pub section: Option<SectionName>,
    /// Why it is not asked.
    pub why: String,
}

/// A path of which nothing is known but what is not asked. It is UNKNOWN.
pub fn unasked(layers: &[Unasked]) -> Path {
    let mut path = Path {
        verdict: Verdict::Unknown,
        degraded: false,
        layers: Vec::new(),
        missing: Vec::new(),
        parts: Vec::new(),
    };
    for one in layers {
        path.layers.push(row(one, Status::Unknown));
        path.missing.push(missing(one));
    }
    path
}

fn row(one: &Unasked, status: Status) -> Row {
    Row::new(one.layer, one.place, Way::Forward, status, &*one.why)
}

fn missing(one: &Unasked) -> Missing {
    Missing {
        place: one.place,
        layer: one.layer,
        section: one.section,
        why: one.why.clone(),
    }
}

impl Path {
    /// Adds the layers of a guest that are not asked: a path that would be ALLOW is then UNKNOWN. Where the end is no virtual
    /// machine, there are none, which is said too.
    pub fn without_guest(&mut self, place: Place, why: Result<&str, &str>) {
        let (status, text) = match why {
            Ok(none) => (Status::NotApplicable, none),
            Err(unread) => (Status::Unknown, unread),
        };
        let one = Unasked {
            place,
            layer: Layer::Guest,
            section: None,
            why: text.to_owned(),
        };
        let at = match place {
            Place::Source => 0,
            Place::Between | Place::Destination => {
                let back = self.layers.iter().position(|row| row.direction == Way::Back);
                back.unwrap_or(self.layers.len())
            }
        };
        self.layers.insert(at, row(&one, status));
        if status == Status::Unknown {
            self.missing.push(missing(&one));
            self.allow_nothing();
        }
    }
}
