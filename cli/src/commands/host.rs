//! This host: what is there, and what changed.

use std::path::PathBuf;

use anyhow::anyhow;
use netghost_core::artifact::certificate::{self, Predicate, Statement, Subject};
use netghost_core::artifact::document::to_document;
use netghost_core::artifact::manifest::Meta;
use netghost_core::artifact::name::Name;
use netghost_core::bytes::Text;
use netghost_core::diff::{Comparison, Request, Scope, compare_scope};
use netghost_core::namespace::Asked as Namespaces;
use netghost_core::section::SectionName;
use netghost_core::snapshot::Snapshot;
use netghost_kernel::namespaces::FindError;

use super::Asked;
use super::firewall::{completeness, mutes};
use super::remote::Remote;
use super::source::{Loaded, Source};
use super::watch::Watch;
use crate::error::Failure;
use crate::examples;
use crate::exit::Status;
use crate::output::{Outcome, must_be_free, write_new};
use crate::store::SaveMeta;
use crate::world::{World, tool};
use crate::{clock, host, text};

/// This host.
#[derive(Debug, clap::Subcommand)]
pub enum Host {
    /// Read this host; with `--save`, keep it as a sealed baseline
    #[command(after_help = examples::HOST_CAPTURE)]
    Capture(Capture),
    /// Compare a baseline with this host now, or with another snapshot
    #[command(after_help = examples::HOST_DIFF)]
    Diff(Diff),
    /// Show what changes on this host, as it changes
    #[command(after_help = examples::HOST_WATCH)]
    Watch(Watch),
}

/// Reads this host.
#[derive(Debug, clap::Args)]
pub struct Capture {
    /// Save and seal it as a baseline of this name, which must be free
    #[arg(long, value_name = "NAME")]
    save: Option<Name>,
    /// Read only this section; may be repeated
    #[arg(long = "section", value_name = "SECTION", value_parser = section_name)]
    sections: Vec<SectionName>,
    /// Read other network namespaces too: `all`, or one as `ip netns` or a snapshot names it, or a `/path`; may be repeated
    #[arg(long, value_name = "all|NAME|PATH", conflicts_with = "via")]
    netns: Vec<String>,
    /// Another host than this one.
    #[command(flatten)]
    remote: Remote,
    /// Who asks, and for what.
    #[command(flatten)]
    asked: Asked,
    /// A note that is kept with the baseline
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

/// Compares a baseline with this host.
#[derive(Debug, clap::Args)]
pub struct Diff {
    /// A saved name; a word with `/` or `.json` is a file, `-` standard input
    base: String,
    /// The current side, likewise; this host now if not given, or the one that `--via` reads
    #[arg(conflicts_with = "via")]
    current: Option<String>,
    /// Compare only this section; may be repeated. Without it, every section of the baseline
    #[arg(long = "section", value_name = "SECTION", value_parser = section_name)]
    sections: Vec<SectionName>,
    /// Compare these other network namespaces; those of the baseline if not given: `all`, or one as `ip netns` or a snapshot names it, or a `/path`; may be repeated
    #[arg(long, value_name = "all|NAME|PATH", conflicts_with = "via")]
    netns: Vec<String>,
    /// Set changes in chains of this name apart: listed, but no drift; `*` stands for any characters; may be repeated
    #[arg(long, value_name = "CHAIN")]
    mute: Vec<String>,
    /// Say of each change what it means for traffic, and which rules show it
    #[arg(long)]
    explain: bool,
    /// Write a signed certificate of the result to this file, which must not exist
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Save what is read now under this name. With a certificate it is always saved; without a name, under the baseline's
    /// name and the time
    #[arg(long, value_name = "NAME", conflicts_with = "current")]
    save: Option<Name>,
    /// Another host than this one.
    #[command(flatten)]
    remote: Remote,
    /// Who asks, and for what.
    #[command(flatten)]
    asked: Asked,
}

pub(super) fn section_name(word: &str) -> Result<SectionName, String> {
    SectionName::HOST
        .into_iter()
        .find(|name| name.as_str() == word)
        .ok_or_else(|| {
            let names: Vec<_> = SectionName::HOST.iter().map(|name| name.as_str()).collect();
            format!("the sections are {}", names.join(", "))
        })
}

/// Runs one of them.
pub fn run(command: &Host, world: &World) -> Result<Outcome, Failure> {
    match command {
        Host::Capture(args) => capture(args, world),
        Host::Diff(args) => diff(args, world),
        // It writes as it goes; see `commands::run`.
        Host::Watch(_) => Err(Failure::failed(
            "internal",
            anyhow!("a watch has no single answer"),
        )),
    }
}

/// Reads some sections of this host now, and of its other namespaces those that are asked for; or of another host.
fn snapshot(
    world: &World,
    remote: &Remote,
    names: &[SectionName],
    namespaces: Option<&Namespaces>,
) -> Result<Snapshot, Failure> {
    if let Some(snapshot) = remote.snapshot(names)? {
        return Ok(snapshot);
    }
    let mut snapshot = host::snapshot(&*world.capture, world.target, world.now_us, names);
    if let Some(asked) = namespaces {
        snapshot = snapshot.with_namespaces((world.namespaces)(asked, names));
        snapshot.taken_at_us = (world.now_us)();
    }
    Ok(snapshot)
}

/// The namespaces that some words mean; `None` where there are no words.
fn namespaces(words: &[String], world: &World) -> Result<Option<Namespaces>, Failure> {
    if words.is_empty() {
        return Ok(None);
    }
    if words.iter().any(|word| word == "all") {
        return Ok(Some(Namespaces::All));
    }
    let found = (world.find_namespaces)(words);
    found.map(Some).map_err(|error| match error {
        FindError::List(_) => Failure::failed("namespaces", error),
        FindError::Unknown { .. } | FindError::File { .. } => Failure::usage("no_such_namespace", error)
            .hint("`--netns all` reads every other one; `/run/netns/NAME` is one that `ip netns` made"),
        FindError::Own { .. } | FindError::NotOne { .. } => Failure::usage("not_a_namespace", error),
    })
}

fn save_meta(world: &World, asked: &Asked, note: Option<Text>) -> SaveMeta {
    SaveMeta {
        now_us: (world.now_us)(),
        asked_by: asked.asked_by(),
        ticket: asked.ticket(),
        note,
        tool: tool(),
    }
}

fn capture(args: &Capture, world: &World) -> Result<Outcome, Failure> {
    let mut names = args.sections.clone();
    names.sort();
    names.dedup();
    if names.is_empty() {
        names = SectionName::DEFAULT.to_vec();
    }
    let namespaces = namespaces(&args.netns, world)?;
    let snapshot = snapshot(world, &args.remote, &names, namespaces.as_ref())?;
    let note = args.note.clone().map(Text::from);
    let meta = save_meta(world, &args.asked, note);
    let mut text = text::snapshot::summary(&snapshot);
    if let Some(name) = &args.save {
        let store = world.store()?;
        let saved = store.save(name, &snapshot, &meta)?;
        text += &format!(
            "\nsaved as {name}: {}\n  manifest sha256 {}\n",
            saved.path.display(),
            saved.digest
        );
        let key = store.signer(meta.now_us)?.public().id();
        text += &format!(
            "  signed by {}\n",
            store.root().join("keys").join(format!("{key}.pub.pem")).display()
        );
    }
    let shown = Meta {
        name: args.save.clone(),
        asked_by: meta.asked_by,
        ticket: meta.ticket,
        note: meta.note,
    };
    Ok(Outcome {
        status: complete(&snapshot),
        document: to_document(&snapshot, &shown).map_err(|error| Failure::failed("internal", error))?,
        text,
    })
}

/// As [`completeness`], with every other namespace that was asked for.
fn complete(snapshot: &Snapshot) -> Status {
    let of_host = completeness(snapshot.sections.iter());
    match (of_host, &snapshot.namespaces) {
        (Status::Good, Some(namespaces)) if !namespaces.is_known() => Status::Unknown,
        _ => of_host,
    }
}

fn diff(args: &Diff, world: &World) -> Result<Outcome, Failure> {
    if args.base == "-" && args.current.as_deref() == Some("-") {
        let error = anyhow!("standard input can be one side only");
        return Err(Failure::usage("wrong_use", error));
    }
    if let Some(path) = &args.certificate {
        must_be_free(path)?;
    }
    let base_source = Source::snapshot(&args.base)?;
    let current_source = args.current.as_deref().map(Source::snapshot).transpose()?;
    let base = base_source.load(world, None)?;
    let mut requested = args.sections.clone();
    if requested.is_empty() {
        requested = base
            .snapshot
            .sections
            .iter()
            .map(|section| section.name)
            .collect();
    }
    let asked = match current_source {
        // Both sides are there: which of their namespaces are compared is a matter of their names alone.
        Some(_) => named(&args.netns),
        None => namespaces(&args.netns, world)?,
    };
    let asked = asked.or_else(|| base.snapshot.namespaces.as_ref().map(|there| there.asked.clone()));
    let current = match current_source {
        Some(source) => source.load(world, None)?,
        None => now(args, world, &requested, asked.as_ref())?,
    };
    let scope = Scope {
        sections: &requested,
        namespaces: asked.as_ref(),
        mutes: &mutes(&args.mute),
    };
    let found = compare_scope(&base.snapshot, &current.snapshot, &scope);
    let mut outcome = text::comparison::outcome(&found, &base.snapshot, &current.snapshot, args.explain)?;
    if let Some(path) = &args.certificate {
        let bytes = certify(args, world, &found, &base, &current)?;
        write_new(path, &bytes)?;
        outcome.text += &format!("\ncertificate {}\n", path.display());
    }
    Ok(outcome)
}

/// Names as they stand in a snapshot.
fn named(words: &[String]) -> Option<Namespaces> {
    if words.iter().any(|word| word == "all") {
        return Some(Namespaces::All);
    }
    let names = words.iter().map(|word| Text::from(word.as_str()));
    (!words.is_empty()).then(|| Namespaces::named(names))
}

/// This host as it is now, saved where a certificate has to name it.
fn now(
    args: &Diff,
    world: &World,
    requested: &[SectionName],
    namespaces: Option<&Namespaces>,
) -> Result<Loaded, Failure> {
    let readable: Vec<SectionName> = SectionName::HOST
        .into_iter()
        .filter(|name| requested.contains(name))
        .collect();
    let snapshot = snapshot(world, &args.remote, &readable, namespaces)?;
    let name = match (&args.save, &args.certificate) {
        (Some(name), _) => Some(name.clone()),
        (None, Some(_)) => Some(dated(&args.base, (world.now_us)())?),
        (None, None) => None,
    };
    let save = |name: Name| {
        let saved = world
            .store()?
            .save(&name, &snapshot, &save_meta(world, &args.asked, None))?;
        Ok::<_, Failure>(Subject::new(
            &format!("baselines/{name}/manifest.json"),
            saved.digest,
        ))
    };
    let subject = name.map(save).transpose()?;
    Ok(Loaded { snapshot, subject })
}

/// The baseline's name and the time; only the time where that is no name.
fn dated(base: &str, now_us: u64) -> Result<Name, Failure> {
    let stamp = clock::stamp(now_us);
    Name::parse(&format!("{base}.{stamp}"))
        .or_else(|_| Name::parse(&format!("current.{stamp}")))
        .map_err(|error| Failure::failed("internal", error))
}

fn certify(
    args: &Diff,
    world: &World,
    found: &Comparison,
    base: &Loaded,
    current: &Loaded,
) -> Result<Vec<u8>, Failure> {
    let internal = |error: anyhow::Error| Failure::failed("internal", error);
    let request = Request {
        asked_by: args.asked.asked_by(),
        ticket: args.asked.ticket(),
        tool: tool(),
    };
    let drift = found
        .certify(&base.snapshot, &current.snapshot, request)
        .map_err(|error| internal(error.into()))?;
    let subject: Option<Vec<Subject>> = [base, current]
        .into_iter()
        .map(|side| side.subject.clone())
        .collect();
    let statement = Statement {
        subject: subject.ok_or_else(|| internal(anyhow!("a side of the comparison is not stored")))?,
        predicate: Predicate::Drift(Box::new(drift)),
    };
    let signer = world.store()?.signer((world.now_us)())?;
    certificate::sign(&statement, &signer).map_err(|error| internal(error.into()))
}
