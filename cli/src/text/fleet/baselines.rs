//! Baselines.

use netghost_core::job::Way;

use super::{NONE, counted, lines, or_none, table, way};
use crate::clock;
use crate::documents::baselines::{Baseline, Baselines, Member};

/// One line each.
pub fn baselines(all: &Baselines) -> String {
    let row = |baseline: &Baseline| {
        let read = baseline.members.iter().filter(|member| member.manifest.is_some());
        let partial = if baseline.is_complete() { "" } else { ", partial" };
        let of_azure = baseline
            .members
            .iter()
            .filter(|member| member.way == Some(Way::Arm));
        let all = counted(baseline.members.len(), of_azure.count());
        [
            baseline.name.clone(),
            clock::shown(baseline.created_at_us.0),
            format!("{} of {all}{partial}", read.count()),
            baseline.created_by.clone(),
            or_none(baseline.ticket.as_deref()),
        ]
    };
    table(
        ["NAME", "TAKEN", "READ", "BY", "TICKET"],
        all.baselines.iter().map(row).collect(),
        "there is no baseline; `netghost baseline create NAME --all` takes one",
    )
}

/// One baseline with its members.
pub fn baseline(baseline: &Baseline) -> String {
    let rows = [
        ("taken", clock::shown(baseline.created_at_us.0)),
        ("by", baseline.created_by.clone()),
        ("ticket", or_none(baseline.ticket.as_deref())),
        ("note", or_none(baseline.note.as_deref())),
        (
            "seal",
            baseline
                .seal
                .map_or_else(|| NONE.to_owned(), |digest| digest.to_string()),
        ),
    ];
    let row = |member: &Member| {
        [
            member.called().to_owned(),
            way(member.way),
            member
                .manifest
                .map_or_else(|| "not read".to_owned(), |digest| digest.to_string()),
            lacks(member),
        ]
    };
    let members = table(
        ["TARGET", "BY", "MANIFEST", "LACKS"],
        baseline.members.iter().map(row).collect(),
        "it has no members",
    );
    format!("{}\n{}\n{members}", baseline.name, lines(&rows))
}

fn lacks(member: &Member) -> String {
    let sections = Some(member.not_captured.join(", ")).filter(|all| !all.is_empty());
    match (sections, &member.why) {
        (Some(sections), Some(why)) => format!("{sections}: {why}"),
        (Some(text), None) => text,
        (None, Some(why)) => why.clone(),
        (None, None) => "nothing".to_owned(),
    }
}
