//! The operations of a log, found by their resource.

use std::collections::BTreeMap;

use super::event::{Event, Log};

/// Operations that end in `action` and change nothing: those by which Azure is read.
const READS: [&str; 4] = [
    "/effectiveroutetable/action",
    "/effectivenetworksecuritygroups/action",
    "/listnetworkmanagereffectivesecurityadminrules/action",
    "/listnetworkmanagereffectiveconnectivityconfigurations/action",
];

/// Records of these categories tell of a state or a judgement, not of an act.
const NO_ACTS: [&str; 6] = [
    "policy",
    "resourcehealth",
    "servicehealth",
    "alert",
    "recommendation",
    "security",
];

/// The acts of a log, each once: its records are joined.
#[derive(Debug, Clone, Default)]
pub struct Index {
    acts: Vec<Event>,
    by_resource: BTreeMap<String, Vec<usize>>,
    by_kind: BTreeMap<String, Vec<usize>>,
}

impl Index {
    /// The acts that may have changed something. One that failed or was refused did not; one of an unknown state may have.
    pub fn of(log: &Log) -> Self {
        let mut joined: BTreeMap<(String, String, String), Event> = BTreeMap::new();
        for (number, event) in log.events.iter().filter(|event| is_act(event)).enumerate() {
            let alone = || format!("#{number}");
            let key = (
                event.correlation.clone().unwrap_or_else(alone),
                event.operation.to_ascii_lowercase(),
                key(&event.resource),
            );
            let known = joined.entry(key).or_insert_with(|| event.clone());
            // One request can write a resource twice: a failure hides no act that came to its end.
            let hides = failed(event) && rank(event) == rank(known) && !failed(known);
            let shows = failed(known) && rank(event) == rank(known) && !failed(event);
            if shows || !hides && (rank(event), event.at_us) > (rank(known), known.at_us) {
                let caller = known.caller.take();
                *known = event.clone();
                known.caller = known.caller.take().or(caller);
            }
        }
        let mut index = Self::default();
        for act in joined.into_values().filter(|act| !failed(act)) {
            let at = index.acts.len();
            let resource = key(&act.resource);
            index.by_kind.entry(kind(&resource)).or_default().push(at);
            index.by_resource.entry(resource).or_default().push(at);
            index.acts.push(act);
        }
        index
    }

    /// The acts on this resource; its id in lower case.
    pub(super) fn on<'a>(&'a self, resource: &str) -> impl Iterator<Item = &'a Event> + use<'a> {
        self.acts(self.by_resource.get(resource))
    }

    /// The acts on what lies below this resource.
    pub(super) fn below<'a>(&'a self, resource: &str) -> impl Iterator<Item = &'a Event> + use<'a> {
        let start = format!("{resource}/");
        let there = self.by_resource.range(start.clone()..);
        there
            .take_while(move |(id, _)| id.starts_with(&start))
            .flat_map(|(_, at)| self.acts(Some(at)))
    }

    /// The acts on resources of this type: `microsoft.network/connections`.
    pub(super) fn of_kind<'a>(&'a self, kind: &str) -> impl Iterator<Item = &'a Event> + use<'a> {
        self.acts(self.by_kind.get(kind))
    }

    fn acts<'a>(&'a self, at: Option<&'a Vec<usize>>) -> impl Iterator<Item = &'a Event> + use<'a> {
        at.into_iter().flatten().filter_map(|at| self.acts.get(*at))
    }
}

/// What tells two ids apart.
pub(super) fn key(id: &str) -> String {
    id.trim_end_matches('/').to_lowercase()
}

/// `microsoft.network/virtualnetworks/subnets` of an id in lower case.
fn kind(resource: &str) -> String {
    let Some((_, there)) = resource.rsplit_once("/providers/") else {
        return String::new();
    };
    let mut parts = there.split('/');
    let namespace = parts.next().unwrap_or_default().to_owned();
    parts
        .step_by(2)
        .fold(namespace, |kind, part| format!("{kind}/{part}"))
}

fn is_act(event: &Event) -> bool {
    let operation = event.operation.to_ascii_lowercase();
    let category = event.category.as_deref().unwrap_or_default().to_ascii_lowercase();
    !operation.ends_with("/read")
        && !READS.iter().any(|read| operation.ends_with(read))
        && !NO_ACTS.contains(&category.as_str())
}

/// The record that tells most of how an act ended.
fn rank(event: &Event) -> u8 {
    match event.status.as_deref().map(str::to_ascii_lowercase).as_deref() {
        Some("started") => 0,
        Some("accepted") => 1,
        None => 2,
        Some(_) => 3,
    }
}

fn failed(event: &Event) -> bool {
    let status = event.status.as_deref().unwrap_or_default();
    ["failed", "canceled", "cancelled"]
        .iter()
        .any(|word| status.eq_ignore_ascii_case(word))
}
