//! What the next boot loads against what runs.

use std::path::{Path, PathBuf};

use netghost_core::diff::persisted::{Answer, SECTIONS, persisted};
use netghost_core::section::SectionName;
use netghost_core::snapshot::Snapshot;

use super::source::Source;
use crate::error::Failure;
use crate::exit::Status;
use crate::host;
use crate::output::Outcome;
use crate::text;
use crate::world::World;

/// Compares what runs with what the next boot loads.
#[derive(Debug, clap::Args)]
pub struct Persisted {
    /// A snapshot that holds both: a saved name; a word with `/` or `.json` is a file, `-` standard input. This host now if
    /// not given
    snapshot: Option<String>,
    /// Read the files below this directory instead of `/`
    #[arg(long, value_name = "DIRECTORY", conflicts_with = "snapshot")]
    root: Option<PathBuf>,
}

/// Runs it.
pub fn run(args: &Persisted, world: &World) -> Result<Outcome, Failure> {
    let snapshot = match &args.snapshot {
        Some(word) => Source::snapshot(word)?.load(world, None)?.snapshot,
        None => now(args.root.as_deref(), world),
    };
    let found = persisted(&snapshot);
    Ok(Outcome {
        status: match found.verdict {
            Answer::Same => Status::Good,
            Answer::Differs => Status::Act,
            Answer::Unknown => Status::Unknown,
        },
        document: text::persisted::document(&found, &snapshot)
            .map_err(|error| Failure::failed("internal", error))?,
        text: text::persisted::text(&found, &snapshot),
    })
}

/// This host now, with the files of a root of their own if there is one.
fn now(root: Option<&Path>, world: &World) -> Snapshot {
    let Some(root) = root else {
        return host::snapshot(&*world.capture, world.target, world.now_us, &SECTIONS);
    };
    let running: Vec<SectionName> = SECTIONS
        .into_iter()
        .filter(|name| *name != SectionName::Persisted)
        .collect();
    let mut snapshot = host::snapshot(&*world.capture, world.target, world.now_us, &running);
    let files = netghost_kernel::persisted::read_below(root, &world.now_us);
    snapshot.sections.push(files);
    snapshot.sections.sort_by_key(|section| section.name);
    snapshot
}
