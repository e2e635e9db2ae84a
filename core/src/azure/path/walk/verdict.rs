//! All rows together.

use crate::azure::nsg::Verdict;
use crate::azure::path::ports::runs;
use crate::azure::path::row::{Missing, PartVerdict, Path, Row, Status};

/// The whole.
pub(super) fn finish(layers: Vec<Row>, mut missing: Vec<Missing>, ports: &[Option<(u16, u16)>]) -> Path {
    let verdict = |part: usize| {
        let certain = |row: &Row| row.status_of(part) == Status::Block && row.assumes.is_none();
        let open = |row: &Row| matches!(row.status_of(part), Status::Block | Status::Unknown);
        if layers.iter().any(certain) {
            Verdict::Deny
        } else if layers.iter().any(open) {
            Verdict::Unknown
        } else {
            Verdict::Allow
        }
    };
    let each: Vec<Verdict> = (0..ports.len()).map(verdict).collect();
    let whole = each.first().copied().unwrap_or(Verdict::Unknown);
    let mixed = each.iter().any(|other| *other != whole);
    let split = |(ports, at): (String, usize)| PartVerdict {
        ports,
        verdict: each.get(at).copied().unwrap_or(Verdict::Unknown),
    };
    let all = if mixed {
        runs(ports, |one, other| each.get(one) == each.get(other))
    } else {
        Vec::new()
    };
    missing.sort();
    missing.dedup();
    Path {
        verdict: if mixed { Verdict::Unknown } else { whole },
        degraded: layers.iter().any(|row| row.status == Status::Degrade),
        missing,
        parts: all.into_iter().map(split).collect(),
        layers,
    }
}
