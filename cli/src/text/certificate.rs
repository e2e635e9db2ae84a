//! A certificate for people.

use netghost_core::artifact::certificate::{Drift, NotCovered, Predicate, Seal, SealKind, Statement};
use netghost_core::artifact::json::Digest;
use netghost_core::bytes::Text;
use netghost_core::window::Window;

use super::comparison::of;
use super::gaps::{Gap, gaps};
use super::table::columns;
use crate::clock;

/// What a certificate states.
pub fn statement(statement: &Statement) -> String {
    let mut out = match &statement.predicate {
        Predicate::Drift(drift) => drift_text(drift),
        Predicate::Seal(seal) => seal_text(seal),
    };
    let rows: Vec<Vec<String>> = statement
        .subject
        .iter()
        .map(|subject| vec![subject.name.clone(), format!("sha256 {}", subject.digest.sha256)])
        .collect();
    out += "\nabout\n";
    out + &columns(&rows, 2)
}

fn drift_text(drift: &Drift) -> String {
    let mut out = format!("{}\n", drift.verdict);
    out += &format!("  baseline  {}\n", clock::shown(drift.baseline_at_us.0));
    out += &format!("  current   {}\n", clock::shown(drift.current_at_us.0));
    out += &asked(drift.asked_by.as_ref(), drift.ticket.as_ref(), &drift.tool);
    out += &drift.window.as_ref().map(window).unwrap_or_default();
    let digest =
        |digest: Option<Digest>| digest.map_or_else(|| "absent".to_owned(), |digest| digest.to_string());
    let covered: Vec<Vec<String>> = drift
        .covered
        .iter()
        .map(|row| {
            let (one, other) = (
                digest(row.baseline_config_digest),
                digest(row.current_config_digest),
            );
            let what = if one == other {
                format!("equal    {one}")
            } else {
                format!("differs  {one} -> {other}")
            };
            let way = row.way.map(|way| format!(" by {way}")).unwrap_or_default();
            vec![
                format!("{}{way}", row.target),
                of(row.section.to_string(), row.namespace.as_ref()),
                what,
            ]
        })
        .collect();
    out += &format!("\ncompared\n{}", columns(&covered, 2));
    let gap = |row: &NotCovered| Gap {
        // What is said of a namespace as a whole names it already.
        place: if row.section.starts_with("namespaces ") {
            row.section.clone()
        } else {
            of(row.section.clone(), row.namespace.as_ref())
        },
        why: row.why.clone(),
        requested: row.requested,
    };
    out += &gaps(&drift.not_covered.iter().map(gap).collect::<Vec<_>>());
    out += &format!("\nchanges: {}\n", drift.changes.count);
    let changes: Vec<Vec<String>> = drift
        .changes
        .list
        .iter()
        .map(|row| {
            let place = of(row.section.to_string(), row.namespace.as_ref());
            vec![place, row.kind.clone(), row.path.clone()]
        })
        .collect();
    out += &columns(&changes, 2);
    for row in &drift.muted {
        let place = of(row.section.to_string(), row.namespace.as_ref());
        out += &format!("muted by {}: {} in {place}\n", row.maker, row.count);
    }
    out
}

fn seal_text(seal: &Seal) -> String {
    let what = match seal.kind {
        SealKind::Baseline => "baseline",
        SealKind::Files => "files",
    };
    let mut out = format!(
        "{what} sealed as {}, {}\n",
        seal.name,
        clock::shown(seal.sealed_at_us.0)
    );
    out += &asked(seal.asked_by.as_ref(), seal.ticket.as_ref(), &seal.tool);
    if let Some(note) = &seal.note {
        out += &format!("  note      {note}\n");
    }
    out
}

/// The change window that a comparison closed.
fn window(window: &Window) -> String {
    let mut out = format!("\nwindow {}\n", window.ticket);
    let ends = window.ends_at_us.as_ref();
    for (word, at) in [
        ("sealed", window.baseline_at_us.as_ref()),
        ("opened", Some(&window.opened_at_us)),
        ("ends", ends),
        ("closed", Some(&window.closed_at_us)),
    ] {
        if let Some(at) = at {
            out += &format!("  {word:<9} {}\n", clock::shown(at.0));
        } else if word == "sealed" {
            out += "  sealed    not known: the baseline's seal could not be used\n";
        }
    }
    out
}

fn asked(by: Option<&Text>, ticket: Option<&Text>, tool: &str) -> String {
    let mut out = String::new();
    for (word, text) in [("asked by", by), ("ticket", ticket)] {
        if let Some(text) = text {
            out += &format!("  {word:8}  {text}\n");
        }
    }
    out + &format!("  {:8}  {tool}\n", "tool")
}
