//! What the next boot loads: the files of rules, and the services that load them.
//!
//! The reader asks for what [`wanted`] names until it names nothing more; everything is told from those parts, so that a later
//! version can tell it again. Rules in files are decoded by the parsers of files and shown as facts; what they say against
//! what runs is in [`crate::diff::persisted`].

use crate::artifact::json;
use crate::facts::{Fact, Facts, Lifted, Value};
use crate::netfilter::model::{Chain, Ruleset, Table};
use crate::netfilter::text;
use crate::raw::HostRaw;
use crate::raw::lift::LiftError;
use crate::section::Gap;

mod files;
mod firewalld;
mod load;
mod program;
mod restore;
mod rules;
mod ufw;
mod units;
mod xml;

pub use files::{Ask, matches};
pub use load::{Into, Load, Plan, Rules, Service, Syntax, UNITS, What};
pub use rules::in_plane;
pub use units::Starts;

use files::Files;

/// What is still to be read, given what was.
pub fn wanted(raw: &HostRaw) -> Vec<Ask> {
    let files = Files::new(raw);
    load::plan(&files);
    firewalld::facts(&files, &mut Vec::new());
    files.asked()
}

/// What the next boot loads, and what stands in files that it does not load.
pub fn plan(raw: &HostRaw) -> Plan {
    load::plan(&Files::new(raw))
}

/// Shows it as facts.
///
/// # Errors
/// Never; what was not read is a gap.
pub fn lift(raw: &HostRaw) -> Result<Lifted, LiftError> {
    let files = Files::new(raw);
    let plan = load::plan(&files);
    let mut out = Lifted::default();
    let mut facts: Vec<Fact> = plan
        .services
        .iter()
        .filter_map(|one| service(one, &mut out.gaps))
        .collect();
    for load in &plan.loads {
        facts.extend(loaded(load, &mut out.gaps));
    }
    facts.extend(firewalld::facts(&files, &mut out.gaps));
    out.config = Facts::new(facts);
    Ok(out)
}

/// A service that is installed.
fn service(service: &Service, gaps: &mut Vec<Gap>) -> Option<Fact> {
    let fact = Fact::new("service", vec![service.unit.into()]);
    let state = match &service.starts {
        Starts::Yes => "enabled",
        Starts::No("not installed") => return None,
        Starts::No(why) => why,
        Starts::Unknown(why) => {
            gaps.push(Gap {
                path: fact.path(),
                why: why.clone(),
            });
            return None;
        }
    };
    let runs = service.runs.iter().map(|run| Value::Text(run.as_str().into()));
    Some(
        fact.with("start", Value::word(state))
            .with("runs", Value::List(runs.collect())),
    )
}

/// A file, or several that are loaded as one, with what they hold.
fn loaded(load: &Load, gaps: &mut Vec<Gap>) -> Vec<Fact> {
    let source = load.files.first().map_or("", String::as_str);
    let What::Rules {
        rules, text, into, ..
    } = &load.what
    else {
        return Vec::new();
    };
    let source = match load.unit {
        // Its files make sense together only.
        Some("ufw.service") => load.files.last().map_or(source, String::as_str),
        _ => source,
    };
    let mut fact = Fact::new("file", vec![source.into()]);
    let files = load.files.iter().filter(|file| *file != source);
    let files: Vec<Value> = files.map(|file| Value::Text(file.as_str().into())).collect();
    if let Some(unit) = load.unit {
        fact = fact.with("loaded-by", Value::word(unit));
    }
    if let Into::Plane(plane) = into {
        fact = fact.with("plane", Value::word(format!("{plane:?}").to_lowercase()));
    }
    if !files.is_empty() {
        fact = fact.with("with", Value::List(files));
    }
    match rules {
        Ok(rules) => {
            let digest = json::digest(&rules.config).ok();
            fact = fact.with_some("digest", digest.map(Value::word));
            let notes = rules
                .gaps
                .iter()
                .map(|gap| Value::Text(format!("{}: {}", gap.path, gap.why).into()));
            let notes: Vec<Value> = notes.collect();
            fact = fact.with_some("not-decoded", (!notes.is_empty()).then_some(Value::List(notes)));
            let mut out = ruleset(source, &rules.config);
            out.push(fact);
            out
        }
        Err(why) => {
            gaps.push(Gap {
                path: fact.path(),
                why: why.clone(),
            });
            let digest = (!text.is_empty()).then(|| Value::word(json::Digest::of(text)));
            vec![fact.with_some("bytes", digest)]
        }
    }
}

/// A chain is one fact with its rules in order.
fn ruleset(source: &str, config: &Ruleset) -> Vec<Fact> {
    let mut out = Vec::new();
    for table in &config.tables {
        let key = |name: &crate::bytes::Text| {
            vec![
                source.into(),
                table.family.as_str().into(),
                table.name.clone(),
                name.clone(),
            ]
        };
        out.extend(
            table
                .chains
                .iter()
                .map(|one| chain(config, table, one, key(&one.name))),
        );
        for set in &table.sets {
            let digest = json::digest(set).ok().map(Value::word);
            out.push(Fact::new("set", key(&set.name)).with_some("digest", digest));
        }
        for object in &table.objects {
            let digest = json::digest(object).ok().map(Value::word);
            out.push(Fact::new("object", key(&object.name)).with_some("digest", digest));
        }
    }
    out
}

fn chain(config: &Ruleset, table: &Table, of: &Chain, key: Vec<crate::bytes::Text>) -> Fact {
    let rules = of.rules.iter();
    let rules = rules.map(|rule| Value::Text(text::rule(config.plane, table, of, rule).into()));
    let rules: Vec<Value> = rules.collect();
    let mut fact = Fact::new("chain", key);
    if let Some(base) = &of.base {
        fact = fact
            .with("type", Value::Text(base.chain_type.clone()))
            .with("hook", Value::word(base.hook.as_str()))
            .with("priority", Value::word(base.priority))
            .with("policy", Value::word(base.policy.word()));
    }
    fact.with("rules", Value::List(rules))
}

#[cfg(test)]
pub(crate) mod tests;
