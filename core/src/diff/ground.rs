//! Whether two readings of a section can be compared at all, and what follows where they can't.

use super::comparison::{Change, Comparison, CoveredSection, NotCovered, Side};
use super::gaps::Gaps;
use super::side::Value;
use super::{Kind, entries, opaque, ruleset};
use crate::artifact::json::{self, Digest};
use crate::artifact::manifest::Manifest;
use crate::bytes::Text;
use crate::netfilter::model::{Plane, Ruleset, RulesetRuntime};
use crate::netfilter::twin;
use crate::section::coverage::Covered;
use crate::section::{Content, Section, SectionName, State};
use crate::snapshot::Snapshot;

/// One side of a section that something may be concluded from.
enum Reading<'a> {
    /// Proven not to be there.
    Absent(&'a Section),
    /// Read, whole or with gaps that are listed.
    Read(&'a Section, &'a Content),
}

impl<'a> Reading<'a> {
    fn section(&self) -> &'a Section {
        match self {
            Self::Absent(section) | Self::Read(section, _) => section,
        }
    }

    fn content(&self) -> Option<&'a Content> {
        match self {
            Self::Absent(_) => None,
            Self::Read(_, content) => Some(content),
        }
    }
}

/// Of the configuration before and of that after.
pub(super) type Digests = (Option<Digest>, Option<Digest>);

/// The digests of the configurations of two sections, as far as the manifests of their snapshots tell them. A section that was
/// decoded again is not what its manifest says.
pub(super) fn known(sides: [Option<&Section>; 2], manifests: [Option<&Manifest>; 2]) -> Digests {
    let of = |section: Option<&Section>, manifest: Option<&Manifest>| {
        let (section, manifest) = (section?, manifest?);
        let mut entries = manifest.sections.iter();
        let entry = entries.find(|entry| entry.name == section.name && entry.namespace.is_none())?;
        entry
            .config_digest
            .filter(|_| entry.decoder == section.decoder && section.content.is_some())
    };
    let [before, after] = sides;
    let [from, to] = manifests;
    (of(before, from), of(after, to))
}

/// Compares one requested section, or says why not. `known`: the digests of both configurations, where they are known.
pub(super) fn section(
    name: SectionName,
    [before, after]: [Option<&Section>; 2],
    known: Digests,
    target: &Text,
    found: &mut Comparison,
) {
    let outcome = readings(before, after)
        .and_then(|(left, right)| compare(name, (&left, &right), known, target, found));
    if let Err(why) = outcome {
        found.not_covered.push(not_covered(name, None, target, why));
    }
}

fn not_covered(name: SectionName, path: Option<String>, target: &Text, why: String) -> NotCovered {
    NotCovered {
        section: Some(name),
        mechanism: None,
        path,
        target: target.clone(),
        why,
        requested: true,
        namespace: None,
    }
}

fn readings<'a>(
    before: Option<&'a Section>,
    after: Option<&'a Section>,
) -> Result<(Reading<'a>, Reading<'a>), String> {
    let (left, right) = match (reading(Side::Baseline, before), reading(Side::Current, after)) {
        (Ok(left), Ok(right)) => (left, right),
        (Err(one), Err(other)) => return Err(format!("{one}; {other}")),
        (Err(why), Ok(_)) | (Ok(_), Err(why)) => return Err(why),
    };
    if let (Reading::Read(one, left_content), Reading::Read(other, right_content)) = (&left, &right) {
        comparable(one, other)?;
        let vague = || opaque::in_content(left_content) || opaque::in_content(right_content);
        if one.reader != other.reader && vague() {
            return Err("read from the kernel on one side and from text on the other, with parts that are not decoded".to_owned());
        }
    }
    Ok((left, right))
}

fn comparable(before: &Section, after: &Section) -> Result<(), String> {
    if before.decoder == after.decoder {
        return Ok(());
    }
    Err(format!(
        "decoded by version {} in the baseline and {} in the current snapshot: decode the older again from its raw form",
        before.decoder, after.decoder
    ))
}

/// What one side is good for, or why for nothing.
fn reading(side: Side, section: Option<&Section>) -> Result<Reading<'_>, String> {
    let Some(section) = section else {
        return Err(format!("{side}: not in the snapshot"));
    };
    if section
        .warnings
        .iter()
        .any(|warning| warning.code == "EMPTY_INPUT")
    {
        return Err(format!("{side}: the input is empty, which proves nothing"));
    }
    match (&section.state, &section.content) {
        (State::NotApplicable { .. }, _) => Ok(Reading::Absent(section)),
        (State::Captured, Some(content)) => Ok(Reading::Read(section, content)),
        (State::Captured, None) => Err(format!("{side}: captured, but its content is missing")),
        // Without a list of gaps nothing says which parts are whole.
        (State::Unreadable { .. }, Some(content)) if !section.gaps.is_empty() => {
            Ok(Reading::Read(section, content))
        }
        (State::Unreadable { why }, _) => Err(format!("{side}: unreadable: {why}")),
        (State::Torn { why }, _) => Err(format!("{side}: torn: {why}")),
    }
}

/// Fails where the two contents are of different sorts.
fn compare(
    name: SectionName,
    (left, right): (&Reading<'_>, &Reading<'_>),
    known: Digests,
    target: &Text,
    found: &mut Comparison,
) -> Result<(), String> {
    let gaps = Gaps::of([Some(left.section()), Some(right.section())]);
    // What is not there holds nothing, in the form of what stands on the other side.
    let nothing = left.content().or(right.content()).map(empty_like);
    let one = left.content().or(nothing.as_ref());
    let other = right.content().or(nothing.as_ref());
    let mut unknown = unread(name, left, right, target);
    let mut changes = Vec::new();
    let mut digests = (None, None);
    if let (Some(one), Some(other)) = (one, other) {
        (changes, digests) = contents(name, (one, other), known, &gaps)?;
        unknown.extend(unstated(name, one, other, target));
    }
    // Every difference has a name; should one be missed, the result still says that there is one.
    if unknown.is_empty() && changes.is_empty() && digests.0 != digests.1 {
        changes.push(
            Change::new(name, Kind::SectionChanged, name.to_string())
                .before(digests.0.map(Value::Digest))
                .after(digests.1.map(Value::Digest)),
        );
    }
    if unknown.is_empty() {
        found.covered.push(CoveredSection {
            section: name,
            reader: right.section().reader,
            baseline_reader: left.section().reader,
            baseline_config_digest: digests.0,
            current_config_digest: digests.1,
            namespace: None,
        });
    }
    found.changes.append(&mut changes);
    found.not_covered.append(&mut unknown);
    Ok(())
}

/// One row for each gap of either side.
fn unread(name: SectionName, left: &Reading<'_>, right: &Reading<'_>, target: &Text) -> Vec<NotCovered> {
    [(Side::Baseline, left.section()), (Side::Current, right.section())]
        .into_iter()
        .flat_map(|(side, section)| section.gaps.iter().map(move |gap| (side, gap)))
        .map(|(side, gap)| {
            let why = format!("{side}: unreadable: {}", gap.why);
            not_covered(name, Some(gap.path.clone()), target, why)
        })
        .collect()
}

/// Text that doesn't say which plane printed it: the rules are compared, the move from one plane to the other is not.
fn unstated(name: SectionName, one: &Content, other: &Content, target: &Text) -> Option<NotCovered> {
    let plane = |content: &Content| match content {
        Content::Netfilter { config, .. } => Some(config.plane),
        _ => None,
    };
    let (one, other) = (plane(one)?, plane(other)?);
    let open = one != other && (one == Plane::Unstated || other == Plane::Unstated);
    let why = "the text of one side doesn't say whether it is legacy or nf_tables";
    open.then(|| not_covered(name, Some("plane".to_owned()), target, why.to_owned()))
}

fn config_digest(content: &Content) -> Result<Digest, String> {
    match content {
        Content::Netfilter { config, .. } => json::digest(config),
        Content::Tc { config, .. } => json::digest(config),
        Content::Links { config, .. } => json::digest(config),
        Content::Routes { config, .. } => json::digest(config),
        Content::Facts { config, .. } => json::digest(config),
    }
    .map_err(|error| error.to_string())
}

/// What a mechanism that is not there holds: nothing.
fn empty_like(content: &Content) -> Content {
    match content {
        Content::Netfilter { config, .. } => Content::Netfilter {
            config: Ruleset {
                plane: config.plane,
                tables: Vec::new(),
                hook_order: Vec::new(),
            },
            runtime: RulesetRuntime::default(),
        },
        Content::Tc { .. } => Content::Tc {
            config: Default::default(),
            runtime: Default::default(),
        },
        Content::Links { .. } => Content::Links {
            config: Default::default(),
            runtime: Default::default(),
        },
        Content::Routes { .. } => Content::Routes {
            config: Default::default(),
            runtime: Default::default(),
        },
        Content::Facts { .. } => Content::Facts {
            config: Default::default(),
            runtime: Default::default(),
        },
    }
}

/// What differs, and the digests of both configurations.
fn contents(
    name: SectionName,
    (before, after): (&Content, &Content),
    known: Digests,
    gaps: &Gaps,
) -> Result<(Vec<Change>, Digests), String> {
    if before.kind() == after.kind() && known.0.is_some() && known.0 == known.1 {
        return Ok((Vec::new(), known));
    }
    let changes = match (before, after) {
        (Content::Netfilter { config: one, .. }, Content::Netfilter { config: other, .. }) => {
            return rulesets(name, one, other, gaps);
        }
        (Content::Tc { config: one, .. }, Content::Tc { config: other, .. }) => entries::tc(one, other, gaps),
        (Content::Links { config: one, .. }, Content::Links { config: other, .. }) => {
            entries::links(one, other, gaps)
        }
        (Content::Routes { config: one, .. }, Content::Routes { config: other, .. }) => {
            entries::routes(one, other, gaps)
        }
        (Content::Facts { config: one, .. }, Content::Facts { config: other, .. }) => {
            if one == other {
                let digest = known.0.or(known.1).map_or_else(|| config_digest(before), Ok)?;
                return Ok((Vec::new(), (Some(digest), Some(digest))));
            }
            entries::facts(name, one, other, gaps)
        }
        _ => Err("the two sides hold different sorts of content".to_owned()),
    };
    let digest = |known: Option<Digest>, content| known.map_or_else(|| config_digest(content), Ok);
    Ok((
        changes?,
        (Some(digest(known.0, before)?), Some(digest(known.1, after)?)),
    ))
}

/// One walk over both makes the digests and finds the rules that stayed.
fn rulesets(
    name: SectionName,
    one: &Ruleset,
    other: &Ruleset,
    gaps: &Gaps,
) -> Result<(Vec<Change>, Digests), String> {
    let twin = twin::walk(one, other).map_err(|error| error.to_string())?;
    let changes = ruleset::compare(name, one, other, gaps, &twin.runs);
    Ok((changes, (Some(twin.digests.0), Some(twin.digests.1))))
}

/// What was not asked for, or has no reader: listed, without bearing on the verdict.
pub(super) fn beyond(requested: &[SectionName], before: &Snapshot, after: &Snapshot, found: &mut Comparison) {
    let mut rows: Vec<NotCovered> = Vec::new();
    for section in before.sections.iter().chain(&after.sections) {
        if !requested.contains(&section.name) {
            let why = "in the snapshot, but not asked for".to_owned();
            rows.push(NotCovered {
                requested: false,
                ..not_covered(section.name, None, &after.target.name(), why)
            });
        }
    }
    let coverage = [before.coverage.as_slice(), after.coverage.as_slice()];
    mechanisms(requested, coverage, (&after.target.name(), None), &mut rows);
    found.not_covered.append(&mut rows);
}

/// The mechanisms that no section was asked for, added to `rows`, where sections of the same name stand already.
pub(super) fn mechanisms(
    requested: &[SectionName],
    coverage: [&[Covered]; 2],
    (target, namespace): (&Text, Option<&Text>),
    rows: &mut Vec<NotCovered>,
) {
    for covered in coverage.into_iter().flatten() {
        let has_row = |name| {
            let mut rows = rows.iter();
            requested.contains(&name) || rows.any(|row| row.section == Some(name))
        };
        if covered.state == "not_applicable" || covered.section.is_some_and(has_row) {
            continue;
        }
        rows.push(NotCovered {
            section: None,
            mechanism: Some(covered.mechanism.clone()),
            path: None,
            target: target.clone(),
            why: covered.why.clone().unwrap_or_else(|| "not compared".to_owned()),
            requested: false,
            namespace: namespace.cloned(),
        });
    }
    rows.sort();
    rows.dedup_by(|one, other| {
        !one.requested && one.section == other.section && one.mechanism == other.mechanism
    });
}
