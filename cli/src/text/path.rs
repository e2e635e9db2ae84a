//! A path, for people.

use netghost_core::azure::path::{Missing, Row, Status, Way};

use super::table::columns;
use crate::commands::path::Answer;

/// What becomes of a flow: a line for each layer, in the order in which it is met.
pub fn answer(answer: &Answer<'_>) -> String {
    let path = &answer.path;
    let [source, destination] = answer.ends;
    let degraded = if path.degraded { ", degraded" } else { "" };
    let mut out = format!(
        "{}{degraded}: {} from {} to {}\n",
        path.verdict.word(),
        answer.asked.word(),
        source.shown(),
        destination.shown()
    );
    for part in &path.parts {
        out += &format!("  ports {}: {}\n", part.ports, part.verdict.word());
    }
    for part in &answer.addresses {
        out += &format!("  addresses {}: {}\n", some(&part.addresses), part.verdict.word());
    }
    for (title, way) in [("there", Way::Forward), ("back", Way::Back)] {
        let rows: Vec<&Row> = path.layers.iter().filter(|row| row.direction == way).collect();
        if !rows.is_empty() {
            out += &format!("{title}\n{}", layers(&rows));
        }
    }
    for note in &answer.notes {
        out += &format!("note: {note}\n");
    }
    if path.missing.is_empty() {
        return out + "not read: nothing\n";
    }
    out += "not read\n";
    for missing in &path.missing {
        out += &format!("  {}\n", lack(missing));
    }
    out
}

/// The first few of many.
fn some(all: &[String]) -> String {
    const MOST: usize = 8;
    let shown = all.get(..MOST).unwrap_or(all).join(", ");
    match all.len().checked_sub(MOST) {
        Some(more) if more > 0 => format!("{shown} and {more} ranges more"),
        _ => shown,
    }
}

fn layers(rows: &[&Row]) -> String {
    let cells = rows.iter().map(|row| {
        vec![
            row.place.word().to_owned(),
            row.layer.word().to_owned(),
            row.status.word().replace('_', " "),
            why(row),
        ]
    });
    let table = columns(&cells.collect::<Vec<_>>(), 2);
    let mut out = String::new();
    for (line, row) in table.lines().zip(rows) {
        out += &format!("{line}\n");
        let edit = row.object.as_ref().and_then(|object| object.id.as_deref());
        if let (Some(id), Status::Block | Status::Degrade | Status::Unknown) = (edit, row.status) {
            out += &format!("      edit {id}\n");
        }
        for part in &row.parts {
            let id = part
                .object
                .as_ref()
                .and_then(|object| object.id.as_deref())
                .unwrap_or_default();
            out += &format!("      {} {}: {} {id}\n", part.ports, part.status.word(), part.why);
        }
    }
    out
}

/// Why, and what decides where that does not say it.
fn why(row: &Row) -> String {
    let object = row.object.as_ref().map(|object| object.text.as_str());
    let object = object.filter(|text| !row.why.contains(text));
    let mut out = match object {
        Some(text) => format!("{}: {text}", row.why),
        None => row.why.clone(),
    };
    if let Some(granted) = row.assumes {
        out += &format!(" (if {granted})");
    }
    // A reason of Azure's may have lines of its own.
    out.replace(['\n', '\r'], " ")
}

fn lack(missing: &Missing) -> String {
    let section = missing
        .section
        .map(|section| format!(" {section}"))
        .unwrap_or_default();
    let why = missing.why.replace(['\n', '\r'], " ");
    format!(
        "{}{section}, for {}: {why}",
        missing.place.word(),
        missing.layer.word()
    )
}
