//! Where a snapshot comes from: a file, standard input, or the store.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use netghost_core::artifact::certificate::Subject;
use netghost_core::artifact::document::from_document;
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::name::Name;
use netghost_core::bytes::Text;
use netghost_core::host::ipset;
use netghost_core::netfilter::model::Family;
use netghost_core::netfilter::{nft_file, save};
use netghost_core::section::Section;
use netghost_core::snapshot::{Snapshot, Target};

use super::firewall::SaveFormat;
use crate::clock;
use crate::error::Failure;
use crate::store::{self, Store};
use crate::world::{World, tool};

/// Something named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// `-`.
    Stdin,
    /// A file.
    File(PathBuf),
    /// A saved name.
    Name(Name),
}

/// A snapshot, and what a certificate calls it.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) snapshot: Snapshot,
    /// `None` for what is stored nowhere.
    pub(super) subject: Option<Subject>,
}

impl Source {
    /// Where a snapshot is meant: a bare word is a saved name; `-`, and a word with `/` or `.json`, is a file.
    pub(super) fn snapshot(word: &str) -> Result<Self, Failure> {
        if word == "-" || word.contains('/') || word.ends_with(".json") {
            return Ok(Self::file(word));
        }
        Name::parse(word)
            .map(Self::Name)
            .map_err(|error| Failure::usage("not_a_name", error).hint("write ./FILE for a file"))
    }

    /// Where a file is meant.
    pub(super) fn file(word: &str) -> Self {
        match word {
            "-" => Self::Stdin,
            path => Self::File(PathBuf::from(path)),
        }
    }

    /// Where a ruleset is meant: a file of this name if there is one, else as a snapshot.
    pub(super) fn ruleset(word: &str) -> Result<Self, Failure> {
        let is_file = word == "-" || Path::new(word).symlink_metadata().is_ok();
        match Self::snapshot(word) {
            Ok(Self::Name(name)) if !is_file => Ok(Self::Name(name)),
            _ => Ok(Self::file(word)),
        }
    }

    /// Reads it. `format`: what printed it, where that is said and it is none of ours.
    pub(super) fn load(&self, world: &World, format: Option<SaveFormat>) -> Result<Loaded, Failure> {
        let (bytes, name, taken_at_us) = match self {
            Self::Name(name) => return from_store(name, world),
            Self::Stdin => (
                bounded(std::io::stdin().lock(), "standard input")?,
                "standard input".to_owned(),
                (world.now_us)(),
            ),
            Self::File(path) => (
                bounded(open(path)?, &path.display().to_string())?,
                base_name(path),
                modified(path),
            ),
        };
        let subject = Subject::new(&name, Digest::of(&bytes));
        let target = Target::File {
            name: Text::from(name.clone()),
        };
        let what = format!("cannot take {name}");
        let snapshot =
            decode(&bytes, target, taken_at_us, format).map_err(|failure| failure.context(what))?;
        Ok(Loaded {
            snapshot,
            subject: Some(subject),
        })
    }
}

fn from_store(name: &Name, world: &World) -> Result<Loaded, Failure> {
    let store = world.store()?;
    let sealed = store.sealed(name).map_err(|error| match error {
        store::Error::NotFound { .. } => Failure::from(error).hint(saved(&store)),
        _ => Failure::from(error),
    })?;
    let subject = Subject::new(
        &format!("baselines/{name}/manifest.json"),
        Digest::of(&sealed.manifest_bytes),
    );
    Ok(Loaded {
        snapshot: store.load(name)?,
        subject: Some(subject),
    })
}

/// The names that exist, for whoever mistyped one.
fn saved(store: &Store) -> String {
    let names: Vec<String> = store
        .list()
        .unwrap_or_default()
        .into_iter()
        .map(|listed| listed.name.to_string())
        .collect();
    if names.is_empty() {
        "nothing is saved yet; `netghost host capture --save NAME` saves this host".to_owned()
    } else {
        format!("saved are {}; write ./FILE for a file", names.join(", "))
    }
}

/// What the tools print that this version reads.
const READS: &str = "this version takes its own snapshots, the text of iptables-save, ip6tables-save, ipset save and nft, and the JSON of nft";

/// The largest text of a tool that is taken, in bytes: about a million rules.
const MOST_TEXT: u64 = 100_000_000;
/// The largest snapshot.
const MOST: u64 = 1_000_000_000;

/// A ruleset of a tool, or a document of ours; told from the content where it is not said.
fn decode(
    bytes: &[u8],
    target: Target,
    taken_at_us: u64,
    format: Option<SaveFormat>,
) -> Result<Snapshot, Failure> {
    // What some editors put before UTF-8.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let section: Section = match format.or_else(|| told(bytes)) {
        Some(SaveFormat::NftJson) => {
            nft_file::parse_json(bytes).map_err(|error| Failure::format(error).hint(READS))?
        }
        Some(SaveFormat::Nft) => {
            nft_file::parse_text(bytes, &|_| None).map_err(|error| Failure::format(error).hint(READS))?
        }
        Some(SaveFormat::IpsetSave) => {
            ipset::save::parse(bytes).map_err(|error| Failure::format(error).hint(READS))?
        }
        Some(SaveFormat::IptablesSave) => save_text(bytes, Some(Family::Ip))?,
        Some(SaveFormat::Ip6tablesSave) => save_text(bytes, Some(Family::Ip6))?,
        None if bytes.trim_ascii_start().starts_with(b"{") => {
            return from_document(bytes).map_err(|error| {
                let failure = Failure::from(error);
                match failure.code {
                    "not_the_format" => failure.hint(READS),
                    _ => failure,
                }
            });
        }
        None => save_text(bytes, None)?,
    };
    Ok(Snapshot {
        target,
        tool: tool(),
        taken_at_us,
        sections: vec![Section {
            taken_at_us,
            ..section
        }],
        coverage: Vec::new(),
        namespaces: None,
    })
}

/// The format that a content shows beyond doubt.
fn told(bytes: &[u8]) -> Option<SaveFormat> {
    if nft_file::is_json(bytes) {
        Some(SaveFormat::NftJson)
    } else if ipset::save::is_save(bytes) {
        // `create` is a word of nft too, but never before a type of set.
        Some(SaveFormat::IpsetSave)
    } else if nft_file::is_text(bytes) {
        Some(SaveFormat::Nft)
    } else {
        None
    }
}

fn save_text(bytes: &[u8], family: Option<Family>) -> Result<Section, Failure> {
    save::parse(bytes, family).map_err(|error| Failure::format(error).hint(READS))
}

/// The whole content of a file. One that isn't there is wrong use; one that can't be read is a failure.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| unreadable(&path.display().to_string(), error))
}

fn unreadable(name: &str, error: std::io::Error) -> Failure {
    let missing = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory);
    let error = anyhow!(error).context(format!("cannot read {name}"));
    if missing {
        Failure::usage("no_such_file", error)
    } else {
        Failure::failed("unreadable_file", error)
    }
}

fn open(path: &Path) -> Result<fs::File, Failure> {
    fs::File::open(path).map_err(|error| unreadable(&path.display().to_string(), error))
}

/// What a reader gives, if it is not too much to be a ruleset or a snapshot; one of those begins with `{`.
fn bounded(mut reader: impl Read, name: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    for most in [MOST_TEXT, MOST] {
        let held = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let room = most.saturating_sub(held).saturating_add(1);
        let read = reader.by_ref().take(room).read_to_end(&mut bytes);
        let read = read.map_err(|error| unreadable(name, error))?;
        if u64::try_from(read).unwrap_or(u64::MAX) < room {
            return Ok(bytes);
        }
        if !bytes.trim_ascii_start().starts_with(b"{") {
            break;
        }
    }
    let error = anyhow!("{name} is larger than a ruleset of {MOST_TEXT} or a snapshot of {MOST} bytes");
    Err(Failure::usage("too_large", error).hint("give the ruleset alone, table by table if need be"))
}

/// As [`read`], with `-` for standard input.
pub(super) fn read_word(word: &str) -> Result<Vec<u8>, Failure> {
    match word {
        "-" => stdin(),
        path => read(Path::new(path)),
    }
}

fn stdin() -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .context("cannot read standard input")
        .map_err(|error| Failure::failed("unreadable_file", error))?;
    Ok(bytes)
}

/// When a file was last written; what stands in it is at least that old.
fn modified(path: &Path) -> u64 {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    modified.map_or(0, clock::since_1970)
}

fn base_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}
