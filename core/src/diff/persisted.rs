//! What the next boot loads against what runs: what would be lost, and what would come back.
//!
//! Each plane is compared by the diff of rulesets, the files as the older side. What a program makes again by itself, as Docker
//! does, is set apart; where a side is not known whole, that part is unknown and says which side.

use std::collections::BTreeSet;

use super::comparison::{Change, NotCovered};
use super::gaps::Gaps;
use super::ruleset;
use crate::host::persisted::{Into, Load, Plan, Service, Starts, What, plan};
use crate::netfilter::model::{ChainId, Family, Plane, Ruleset};
use crate::netfilter::twin::ByChain;
use crate::raw::Raw;
use crate::section::{Content, DECODER, Gap, Section, SectionName, State};
use crate::snapshot::Snapshot;

mod expected;
mod level;
mod makers;
mod report;

pub use report::{Answer, AtReboot, Finding, LoadRow, MutedMaker, Persisted, SCHEMA, ServiceRow};

use expected::Expected;

/// The sections that [`persisted`] needs.
pub const SECTIONS: [SectionName; 4] = [
    SectionName::Nftables,
    SectionName::XtablesLegacyIpv4,
    SectionName::XtablesLegacyIpv6,
    SectionName::Persisted,
];

/// Compares what the next boot loads with what runs, both of one snapshot.
pub fn persisted(snapshot: &Snapshot) -> Persisted {
    let mut found = Persisted {
        schema: SCHEMA,
        verdict: Answer::Unknown,
        survives_reboot: None,
        services: Vec::new(),
        loads: Vec::new(),
        compared: Vec::new(),
        findings: Vec::new(),
        muted: Vec::new(),
        not_covered: Vec::new(),
    };
    match files(snapshot) {
        Err(why) => found.open(snapshot, SectionName::Persisted, None, why),
        Ok(plan) => {
            let plan = placed(plan, snapshot);
            found.services = plan.services.iter().filter_map(service_row).collect();
            found.loads = plan
                .loads
                .iter()
                .map(|(load, from)| load_row(load, from))
                .collect();
            for name in SECTIONS {
                found.plane(snapshot, name, &plan);
            }
        }
    }
    found.others(snapshot);
    found.judge();
    found
}

/// A plan whose rules have their plane.
struct Placed {
    services: Vec<Service>,
    /// With how the plane is known.
    loads: Vec<(Load, Option<String>)>,
}

/// What the files say; that is only told from the bytes.
fn files(snapshot: &Snapshot) -> Result<Plan, String> {
    let section = snapshot
        .section(SectionName::Persisted)
        .ok_or("not in the snapshot")?;
    match (&section.state, &section.raw) {
        (State::Torn { why }, _) => Err(format!("torn: {why}")),
        (_, Some(Raw::Host(raw))) => Ok(plan(raw)),
        (state, _) => Err(state
            .why()
            .unwrap_or("the snapshot does not keep what was read")
            .to_owned()),
    }
}

/// Rules of iptables go to the plane of the program; where that is not known, to the one that holds rules of the family.
fn placed(plan: Plan, snapshot: &Snapshot) -> Placed {
    let place = |mut load: Load| {
        let What::Rules { into, syntax, .. } = &mut load.what else {
            return (load, None);
        };
        let from = match (&*into, *syntax) {
            (Into::Unknown(why), crate::host::persisted::Syntax::Save(family)) if load.unit.is_some() => {
                match expected::holder(snapshot, family) {
                    Some(plane) => {
                        let from = format!("{why}; rules of {family} run there");
                        *into = Into::Plane(plane);
                        Some(from)
                    }
                    None => Some(why.clone()),
                }
            }
            (Into::Plane(_), crate::host::persisted::Syntax::Save(_)) => {
                Some("the program that restores it".to_owned())
            }
            _ => None,
        };
        (load, from)
    };
    Placed {
        services: plan.services,
        loads: plan.loads.into_iter().map(place).collect(),
    }
}

fn starts(starts: &Starts) -> (Option<bool>, Option<String>) {
    match starts {
        Starts::Yes => (Some(true), None),
        Starts::No(why) => (Some(false), Some((*why).to_owned())),
        Starts::Unknown(why) => (None, Some(why.clone())),
    }
}

fn service_row(service: &Service) -> Option<ServiceRow> {
    if service.starts == Starts::No("not installed") {
        return None;
    }
    let (starts, why) = starts(&service.starts);
    Some(ServiceRow {
        unit: service.unit,
        starts,
        why,
        runs: service.runs.clone(),
    })
}

fn load_row(load: &Load, from: &Option<String>) -> LoadRow {
    let (mut loaded, mut why) = starts(&load.starts);
    let mut plane = None;
    match &load.what {
        What::Rules { into, rules, .. } => {
            if let Into::Plane(of) = into {
                plane = Some(*of);
            }
            why = why.or(rules.as_ref().err().cloned());
        }
        What::Unfollowed(what) if loaded != Some(false) => (loaded, why) = (None, Some(what.clone())),
        What::Firewalld { .. } | What::Unfollowed(_) => {}
    }
    LoadRow {
        unit: load.unit,
        loaded,
        why,
        files: load.files.clone(),
        plane,
        plane_from: from.clone(),
    }
}

/// The plane of a section, and the family where it holds one only.
fn plane_of(name: SectionName) -> Option<(Plane, Option<Family>)> {
    match name {
        SectionName::Nftables => Some((Plane::Nft, None)),
        SectionName::XtablesLegacyIpv4 => Some((Plane::Legacy, Some(Family::Ip))),
        SectionName::XtablesLegacyIpv6 => Some((Plane::Legacy, Some(Family::Ip6))),
        _ => None,
    }
}

/// What runs, as far as something can be concluded from it; `None` in place of rules that are proven not to be there.
fn running(section: Option<&Section>) -> Result<(Option<&Ruleset>, &[Gap]), String> {
    let section = section.ok_or("what runs: not in the snapshot")?;
    if section.decoder != DECODER {
        return Err("what runs: decoded by another version, and not kept as it was read".to_owned());
    }
    if section
        .warnings
        .iter()
        .any(|warning| warning.code == "EMPTY_INPUT")
    {
        return Err("what runs: the input is empty, which proves nothing".to_owned());
    }
    match (&section.state, &section.content) {
        (State::NotApplicable { .. }, _) => Ok((None, &[])),
        (State::Captured, Some(Content::Netfilter { config, .. })) => Ok((Some(config), &[])),
        (State::Unreadable { .. }, Some(Content::Netfilter { config, .. })) if !section.gaps.is_empty() => {
            Ok((Some(config), &section.gaps))
        }
        (state, _) => Err(format!(
            "what runs: {}: {}",
            state.word(),
            state.why().unwrap_or("its content is missing")
        )),
    }
}

/// True where one side is only known as bytes or words.
fn is_vague(change: &Change) -> bool {
    let mut sides = [&change.before, &change.after].into_iter().flatten();
    sides.any(super::opaque::in_value)
}

impl Persisted {
    /// Compares one plane.
    fn plane(&mut self, snapshot: &Snapshot, name: SectionName, placed: &Placed) {
        let Some((plane, family)) = plane_of(name) else {
            return;
        };
        let (runs, gaps) = match running(snapshot.section(name)) {
            Ok(runs) => runs,
            Err(why) => return self.open(snapshot, name, None, why),
        };
        let nothing = Ruleset {
            plane,
            tables: Vec::new(),
            hook_order: Vec::new(),
        };
        let mut runs = level::without_trifles(runs.unwrap_or(&nothing));
        let loads: Vec<&Load> = placed.loads.iter().map(|(load, _)| load).collect();
        let mut expects = Expected::of(&loads, plane, family, &runs);
        for gap in gaps {
            let why = format!("what runs: {}", gap.why);
            expects.gaps.push(Gap {
                path: gap.path.clone(),
                why,
            });
        }
        level::as_in_text(&mut runs, &expects.counted);
        level::as_in_text(&mut expects.config, &expects.counted);
        level::level(&mut expects.config, &mut runs);
        let hidden = Gaps::of_paths(expects.gaps.iter().map(|gap| gap.path.clone()));
        let changes = ruleset::compare(name, &expects.config, &runs, &hidden, &ByChain::new());
        for gap in expects.gaps {
            let path = (!gap.path.is_empty()).then_some(gap.path);
            self.open(snapshot, name, path, gap.why);
        }
        self.compared.push(name);
        // Which rule is which can't be told in a chain where one is not decoded on one side.
        let vague: BTreeSet<ChainId> = changes
            .iter()
            .filter(|change| is_vague(change))
            .filter_map(|change| change.chain.clone())
            .collect();
        for change in changes {
            if is_vague(&change) || change.chain.as_ref().is_some_and(|chain| vague.contains(chain)) {
                let why = "it, or another rule of its chain, is not decoded on one side".to_owned();
                self.open(snapshot, name, Some(change.path), why);
            } else {
                self.take(plane, change, &loads);
            }
        }
        for back in expects.from_makers {
            self.findings.push(Finding::made(plane, name, back));
        }
    }

    /// Puts a difference where it belongs.
    fn take(&mut self, plane: Plane, change: Change, loads: &[&Load]) {
        let maker = makers::of(&change);
        let finding = Finding::of(plane, change, maker);
        let Some(maker) = maker.filter(|maker| makers::makes_again(maker, loads)) else {
            return self.findings.push(finding);
        };
        match self.muted.iter_mut().find(|row| row.maker == maker) {
            Some(row) => {
                row.count += 1;
                row.findings.push(finding);
            }
            None => self.muted.push(MutedMaker {
                maker,
                count: 1,
                findings: vec![finding],
            }),
        }
    }

    /// Something that can't be said.
    fn open(&mut self, snapshot: &Snapshot, section: SectionName, path: Option<String>, why: String) {
        self.not_covered.push(NotCovered {
            namespace: None,
            section: Some(section),
            mechanism: None,
            path,
            target: snapshot.target.name(),
            why,
            requested: true,
        });
    }

    /// What no file of a known service shows; that is so on every host and does not bear on the verdict.
    fn others(&mut self, snapshot: &Snapshot) {
        self.not_covered.push(NotCovered {
            namespace: None,
            section: None,
            mechanism: Some("other-loaders".to_owned()),
            path: None,
            target: snapshot.target.name(),
            why: "what other services and scripts load at boot is not followed".to_owned(),
            requested: false,
        });
    }
}
