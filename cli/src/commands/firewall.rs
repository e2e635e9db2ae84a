//! Firewall rulesets in files.

use netghost_core::artifact::document::to_document;
use netghost_core::artifact::manifest::Meta;
use netghost_core::diff::{Mute, compare_muted};
use netghost_core::section::{ContentKind, Reader, Section, SectionName, State};
use netghost_core::snapshot::Snapshot;

use super::persisted::{self, Persisted};
use super::source::Source;
use crate::error::Failure;
use crate::examples;
use crate::exit::Status;
use crate::output::Outcome;
use crate::text;
use crate::world::World;

/// Firewall rulesets in files, and what of them the next boot loads.
#[derive(Debug, clap::Subcommand)]
pub enum Firewall {
    /// Show a ruleset
    #[command(after_help = examples::FIREWALL_PARSE)]
    Parse(Parse),
    /// Compare two rulesets
    #[command(after_help = examples::FIREWALL_DIFF)]
    Diff(Diff),
    /// Say what each rule does and what is notable
    #[command(after_help = examples::FIREWALL_EXPLAIN)]
    Explain(Parse),
    /// Compare what runs with what the next boot loads
    #[command(after_help = examples::FIREWALL_PERSISTED)]
    Persisted(Persisted),
}

/// Shows a ruleset.
#[derive(Debug, clap::Args)]
pub struct Parse {
    /// Which tool printed it; told from the content if not given
    #[arg(long = "format", id = "save_format", value_enum, value_name = "FORMAT")]
    format: Option<SaveFormat>,
    /// A file, or `-` for standard input
    file: String,
}

/// Compares two rulesets.
#[derive(Debug, clap::Args)]
pub struct Diff {
    /// The baseline: a file, a saved name where no file has that name, or `-` for standard input
    a: String,
    /// The current side, likewise
    b: String,
    /// Which tool printed them, where they are text; told from the content if not given
    #[arg(long = "format", id = "save_format", value_enum, value_name = "FORMAT")]
    format: Option<SaveFormat>,
    /// Set changes in chains of this name apart: listed, but no drift; `*` stands for any characters; may be repeated
    #[arg(long, value_name = "CHAIN")]
    mute: Vec<String>,
    /// Say of each change what it means for traffic, and which rules show it
    #[arg(long)]
    explain: bool,
}

/// What printed a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum SaveFormat {
    /// IPv4, legacy or nf_tables
    IptablesSave,
    /// IPv6, legacy or nf_tables
    Ip6tablesSave,
    /// What `ipset save` prints
    IpsetSave,
    /// What `nft -j list ruleset` prints
    NftJson,
    /// What `nft list ruleset` prints, or a file that `nft -f` takes
    Nft,
}

/// Runs one of them.
pub fn run(command: &Firewall, world: &World) -> Result<Outcome, Failure> {
    match command {
        Firewall::Parse(args) => parse(args, world),
        Firewall::Diff(args) => diff(args, world),
        Firewall::Explain(args) => explain(args, world),
        Firewall::Persisted(args) => persisted::run(args, world),
    }
}

fn parse(args: &Parse, world: &World) -> Result<Outcome, Failure> {
    let snapshot = Source::file(&args.file).load(world, args.format)?.snapshot;
    let document =
        to_document(&snapshot, &Meta::default()).map_err(|error| Failure::failed("internal", error))?;
    Ok(Outcome {
        status: completeness(snapshot.sections.iter().filter(|section| is_firewall(section))),
        document,
        text: text::snapshot::whole(&snapshot),
    })
}

fn explain(args: &Parse, world: &World) -> Result<Outcome, Failure> {
    let snapshot = Source::file(&args.file).load(world, args.format)?.snapshot;
    let firewalls = || snapshot.sections.iter().filter(|section| is_firewall(section));
    let sections: Vec<text::explain::Section<'_>> = firewalls().map(text::explain::section).collect();
    let order = text::explain::places(firewalls());
    Ok(Outcome {
        status: completeness(firewalls()),
        document: text::explain::document(&sections, &order)
            .map_err(|error| Failure::failed("internal", error))?,
        text: text::explain::text(&sections, &order),
    })
}

fn diff(args: &Diff, world: &World) -> Result<Outcome, Failure> {
    if args.a == "-" && args.b == "-" {
        let error = anyhow::anyhow!("standard input can be one side only");
        return Err(Failure::usage("wrong_use", error));
    }
    let before = Source::ruleset(&args.a)?.load(world, args.format)?.snapshot;
    let after = Source::ruleset(&args.b)?.load(world, args.format)?.snapshot;
    let requested = firewalls(&before, &after);
    let mutes = mutes(&args.mute);
    let found = compare_muted(&before, &after, &requested, &mutes);
    text::comparison::outcome(&found, &before, &after, args.explain)
}

/// Patterns as they are given on the command line.
pub(super) fn mutes(patterns: &[String]) -> Vec<Mute> {
    let mute = |pattern: &String| Mute {
        chain_pattern: pattern.clone(),
    };
    patterns.iter().map(mute).collect()
}

/// The rulesets on either side.
fn firewalls(before: &Snapshot, after: &Snapshot) -> Vec<SectionName> {
    let sections = before.sections.iter().chain(&after.sections);
    let firewalls = sections.filter(|section| is_firewall(section));
    firewalls.map(|section| section.name).collect()
}

/// A ruleset, or the sets of one where a text holds nothing else.
fn is_firewall(section: &Section) -> bool {
    let sets = section.name == SectionName::Ipset && section.reader == Reader::Text;
    sets || section.name.content_kind() == ContentKind::Netfilter
}

/// Good if everything was read, unknown if anything was torn or unreadable.
pub(super) fn completeness<'a>(sections: impl Iterator<Item = &'a Section>) -> Status {
    let mut states = sections.map(|section| &section.state);
    let partial = states.any(|state| matches!(state, State::Unreadable { .. } | State::Torn { .. }));
    if partial { Status::Unknown } else { Status::Good }
}
