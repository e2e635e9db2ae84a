//! The parts of a range of ports as one row.

use crate::azure::path::ports::runs;
use crate::azure::path::row::{Part, Row, Status};

/// The rows of all parts of the ports as one row for each gate.
pub(super) fn together(each: &[Vec<Row>], parts: &[Option<(u16, u16)>]) -> Vec<Row> {
    let Some((first, rest)) = each.split_first() else {
        return Vec::new();
    };
    let merge = |(at, row): (usize, &Row)| {
        let all: Vec<&Row> = each.iter().filter_map(|rows| rows.get(at)).collect();
        let mut merged = row.clone();
        if rest.is_empty() || all.iter().all(|other| alike(row, other)) {
            return merged;
        }
        merged.each = all.iter().map(|row| row.status).collect();
        let same = |one: usize, other: usize| match (all.get(one), all.get(other)) {
            (Some(one), Some(other)) => alike(one, other),
            _ => false,
        };
        for (ports, first) in runs(parts, same) {
            merged.parts.extend(all.get(first).map(|row| Part {
                ports,
                status: row.status,
                object: row.object.clone(),
                why: row.why.clone(),
            }));
        }
        if all.iter().any(|other| other.status != row.status) {
            let part = |part: &Part| format!("{} {}", part.ports, part.status.word());
            let shown: Vec<String> = merged.parts.iter().map(part).collect();
            merged.status = Status::Unknown;
            merged.why = format!("the ports come to different ends: {}", shown.join(", "));
            merged.object = None;
        }
        merged
    };
    first.iter().enumerate().map(merge).collect()
}

fn alike(one: &Row, other: &Row) -> bool {
    one.status == other.status && one.object == other.object && one.why == other.why
}
