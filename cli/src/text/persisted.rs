//! What a reboot does to the rules that run.

use netghost_core::diff::NotCovered;
use netghost_core::diff::persisted::{AtReboot, Finding, LoadRow, Persisted, ServiceRow};
use netghost_core::netfilter::model::Plane;
use netghost_core::snapshot::Snapshot;
use serde::Serialize;

use super::comparison::lines;
use super::gaps::{Gap, gaps};
use super::table::columns;
use crate::clock;

/// For programs.
pub fn document(found: &Persisted, of: &Snapshot) -> Result<serde_json::Value, serde_json::Error> {
    #[derive(Serialize)]
    struct Document<'d> {
        #[serde(flatten)]
        found: &'d Persisted,
        target: &'d netghost_core::snapshot::Target,
        taken_at_us: netghost_core::bytes::Big,
        tool: &'d str,
    }
    serde_json::to_value(Document {
        found,
        target: &of.target,
        taken_at_us: netghost_core::bytes::Big(of.taken_at_us),
        tool: &of.tool,
    })
}

/// For people.
pub fn text(found: &Persisted, of: &Snapshot) -> String {
    let count = found.findings.len();
    let ending = if count == 1 { "" } else { "s" };
    let mut out = format!("{}: {count} finding{ending}\n", found.verdict.as_str());
    out += &format!("  {}, {}\n", of.target.name(), clock::shown(of.taken_at_us));
    out += &table("services", found.services.iter().map(service).collect());
    out += &table("files", found.loads.iter().map(load).collect());
    for (words, shown) in [
        (&[AtReboot::Lost][..], AtReboot::Lost.shown()),
        (&[AtReboot::ComesBack], AtReboot::ComesBack.shown()),
        (
            &[AtReboot::Lost, AtReboot::ComesBack],
            "runs (+) and does not survive; the next reboot brings another (-) back",
        ),
    ] {
        out += &group(shown, found.findings.iter().filter(|one| one.at_reboot == words));
    }
    for row in &found.muted {
        out += &format!("\nmade again by {}: {}\n", row.maker, row.count);
        for finding in &row.findings {
            out += &format!("  {} {}\n", plane(finding.plane), finding.path);
        }
    }
    out += &not_covered(&found.not_covered);
    out
}

fn table(head: &str, rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return format!("\n{head}: none\n");
    }
    format!("\n{head}\n{}", columns(&rows, 2))
}

fn starts(word: &str, starts: Option<bool>, why: Option<&str>) -> String {
    let why = why.map_or_else(String::new, |why| format!(": {why}"));
    match starts {
        Some(true) => word.to_owned(),
        Some(false) => format!("not {word}{why}"),
        None => format!("unknown{why}"),
    }
}

fn service(row: &ServiceRow) -> Vec<String> {
    vec![
        row.unit.to_owned(),
        starts("started", row.starts, row.why.as_deref()),
    ]
}

fn load(row: &LoadRow) -> Vec<String> {
    let by = row.unit.map_or_else(String::new, |unit| format!("by {unit}"));
    let into = row.plane.map_or("", plane);
    vec![
        row.files.join(" "),
        starts("loaded", row.loaded, row.why.as_deref()),
        by,
        into.to_owned(),
    ]
}

fn plane(plane: Plane) -> &'static str {
    match plane {
        Plane::Legacy => "legacy",
        Plane::Nft => "nft",
        Plane::Unstated => "",
    }
}

fn group<'f>(head: &str, findings: impl Iterator<Item = &'f Finding>) -> String {
    let mut out = String::new();
    for finding in findings {
        if out.is_empty() {
            out = format!("\n{head}\n");
        }
        let maker = finding
            .maker
            .map_or_else(String::new, |maker| format!("  [{maker}]"));
        out += &format!("  {} {}{maker}\n", plane(finding.plane), finding.path);
        for (mark, value) in [('-', &finding.persisted), ('+', &finding.running)] {
            for line in value.iter().flat_map(lines) {
                out += &format!("    {mark} {line}\n");
            }
        }
    }
    out
}

fn not_covered(rows: &[NotCovered]) -> String {
    let gap = |row: &NotCovered| Gap {
        place: row
            .section
            .map(|section| section.to_string())
            .or_else(|| row.mechanism.clone())
            .into_iter()
            .chain(row.path.clone())
            .collect::<Vec<_>>()
            .join(" "),
        why: row.why.clone(),
        requested: row.requested,
    };
    gaps(&rows.iter().map(gap).collect::<Vec<_>>())
}
