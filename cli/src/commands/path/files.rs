//! The two ends from files, without asking anybody.

use std::collections::BTreeMap;
use std::path::{Path as File, PathBuf};

use anyhow::anyhow;
use netghost_core::azure::body::field;
use netghost_core::azure::facts;
use netghost_core::azure::id::ResourceId;
use netghost_core::azure::path::{self as azure, Around, Network};
use netghost_core::azure::tags::public;
use netghost_core::raw::{HostPart, HostRaw, PartRead};
use netghost_core::section::SectionName;
use netghost_core::snapshot::{Snapshot, Target};
use serde_json::Value;

use super::end::{Found, Known, Word};
use super::{Path, Read};
use crate::commands::source::{self, Source};
use crate::error::Failure;
use crate::world::{World, tool};

/// Reads the files of the ends that are given by files; the others may be addresses.
pub(super) fn read(args: &Path, words: [Word; 2], world: &World) -> Result<Read, Failure> {
    if !args.nic.is_empty() {
        let error = anyhow!("`--nic` chooses among the interfaces of a VM, and a file holds one");
        return Err(Failure::usage("wrong_use", error));
    }
    let mut chosen = [args.source_address, args.destination_address];
    let [from, to] = &words;
    let each = [from, to].map(|word| match word {
        Word::Address(address) => Some(*address),
        _ => None,
    });
    let fixed = each.into_iter().chain(chosen).flatten().next();
    let v4 = fixed.map_or(!args.ipv6, |address| address.is_ipv4());
    if (v4 && args.ipv6) || (!v4 && args.ipv4) {
        let error = anyhow!("an address that is given is of the other family");
        return Err(Failure::usage("no_address", error).hint("leave `-4` or `-6` out"));
    }
    let one = |word: Word, chosen: &mut Option<std::net::IpAddr>| match word {
        Word::File(ref name) => {
            let found = Found::interface(&word, snapshot(name, world)?, chosen.take(), (None, v4));
            match &found.known {
                Known::Nothing(_, _, why) if found.nic.is_none() => {
                    let error = anyhow!("{name} does not say which address it is: {why}");
                    Err(Failure::usage("no_address", error)
                        .hint("put the body of the network interface there as nic.json, or say it by `--source-address` or `--destination-address`"))
                }
                _ => Ok(found),
            }
        }
        Word::Azure(selector) => {
            let error =
                anyhow!("{selector} is looked for in Azure, which is not asked where files are given");
            Err(Failure::usage("wrong_use", error).hint("give files for both ends, or an address"))
        }
        other => Ok(Found::unread(other, "Azure was not asked")),
    };
    let [from, to] = words;
    let [first, second] = &mut chosen;
    let mut notes = Vec::new();
    for word in [&from, &to] {
        if let Word::Address(address) = word
            && public().contains(*address)
        {
            notes.push(format!(
                "Azure was not asked whether {address} is an address of a machine there: it is taken for one on the Internet"
            ));
        }
    }
    let places = [&args.azure_source, &args.azure_destination].map(Option::as_ref);
    let (networks, vnets) = networks(places.into_iter().flatten(), &args.azure_vnet)?;
    Ok(Read {
        around: Around {
            appliances: Vec::new(),
            networks,
        },
        ends: [one(from, first)?, one(to, second)?],
        vnets,
        notes,
    })
}

/// Virtual networks by their ids in lower case.
type Networks = BTreeMap<String, azure::Read<Network>>;

/// The virtual networks in these files with their bodies, and in `vnet.json`, `vnet-NAME.json` of the directories of the ends.
fn networks<'p>(
    places: impl Iterator<Item = &'p String>,
    files: &[PathBuf],
) -> Result<(Networks, Vec<Value>), Failure> {
    let mut all: Vec<PathBuf> = files.to_vec();
    for place in places.map(File::new).filter(|place| place.is_dir()) {
        let of_vnet = |path: &PathBuf| {
            let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            stem.is_some_and(|stem| is_of(&stem, "vnet"))
        };
        all.extend(json_files(place)?.into_iter().filter(of_vnet));
    }
    let mut found = Networks::new();
    let mut bodies = Vec::new();
    for path in all {
        let taken = |error| Failure::format(error).context(format!("cannot take {}", path.display()));
        let body = json(&path)?;
        let network = Network::parse(&body).map_err(|bad| taken(anyhow!(bad)))?;
        let key = network.id.key();
        let read = azure::Read::Captured(network);
        // Both ends may bring it; two that differ are of two moments, and neither is believed.
        if found.get(&key).is_some_and(|other| *other != read) {
            let error = anyhow!(
                "{} says something else of its network than another file",
                path.display()
            );
            return Err(Failure::usage("wrong_use", error).hint("give each network once"));
        }
        if found.insert(key, read).is_none() {
            bodies.push(body);
        }
    }
    Ok((found, bodies))
}

fn json(path: &File) -> Result<Value, Failure> {
    let bytes = source::read(path)?;
    serde_json::from_slice(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes))
        .map_err(|error| Failure::format(error).context(format!("cannot take {}", path.display())))
}

fn snapshot(name: &str, world: &World) -> Result<Snapshot, Failure> {
    let place = File::new(name);
    if place.is_dir() {
        return directory(place);
    }
    let snapshot = Source::snapshot(name)?.load(world, None)?.snapshot;
    match &snapshot.target {
        Target::Nic { .. } => Ok(snapshot),
        other => {
            let error = anyhow!(
                "{name} is of {}, and no snapshot of a network interface in Azure",
                other.name()
            );
            Err(Failure::usage("not_a_nic", error))
        }
    }
}

/// The files of a directory by the section that they make: the name that they begin with, and the part of the section.
const FILES: [(&str, SectionName, &str); 5] = [
    ("nic", SectionName::Nic, "nic"),
    ("subnet", SectionName::Nic, "subnet "),
    ("routes", SectionName::EffectiveRoutes, "routes"),
    ("rules", SectionName::EffectiveNsg, "rules"),
    ("admin-rules", SectionName::AdminRules, "admin-rules"),
];

/// What Azure or `az` printed, each answer in a file of its own. What is not there was not read.
fn directory(place: &File) -> Result<Snapshot, Failure> {
    let mut parts: Vec<(SectionName, HostPart)> = Vec::new();
    let mut id: Option<ResourceId> = None;
    let mut taken = BTreeMap::new();
    for path in json_files(place)? {
        let stem = path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
        let Some((start, section, part)) = FILES.iter().find(|(start, ..)| is_of(&stem, start)) else {
            continue;
        };
        let bytes = source::read(&path)?;
        let body: Value = serde_json::from_slice(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes))
            .map_err(|error| Failure::format(error).context(format!("cannot take {}", path.display())))?;
        if *start == "nic" {
            id = own_id(&body);
        }
        let source = match *start {
            "subnet" => format!(
                "subnet {}",
                own_id(&body).map(|id| id.to_string()).unwrap_or(stem)
            ),
            "admin-rules" => format!("admin-rules {stem}"),
            _ => (*part).to_owned(),
        };
        if let Some(first) = taken.insert((*section, source.clone()), path.clone()) {
            // Only one of them would be read.
            let error = anyhow!("{} and {} hold the same", first.display(), path.display());
            return Err(Failure::usage("wrong_use", error).hint("keep one of them there"));
        }
        let read = PartRead::File {
            content: bytes.as_slice().into(),
        };
        parts.push((*section, HostPart { source, read }));
    }
    if parts.is_empty() {
        let names: Vec<String> = FILES.iter().map(|(start, ..)| format!("{start}.json")).collect();
        let error = anyhow!("{} holds none of {}", place.display(), names.join(", "));
        return Err(Failure::usage("no_such_file", error));
    }
    Ok(whole(id, place, &parts))
}

/// `admin-rules-2` is of `admin-rules`, `nice` is of nothing.
fn is_of(stem: &str, start: &str) -> bool {
    stem.strip_prefix(start)
        .is_some_and(|rest| rest.is_empty() || rest.strip_prefix('-').is_some_and(|rest| !rest.is_empty()))
}

fn whole(id: Option<ResourceId>, place: &File, parts: &[(SectionName, HostPart)]) -> Snapshot {
    let sections = SectionName::AZURE.into_iter().filter_map(|name| {
        let own = parts.iter().filter(|(section, _)| *section == name);
        let parts: Vec<HostPart> = own.map(|(_, part)| part.clone()).collect();
        let raw = HostRaw {
            links: Vec::new(),
            parts,
        };
        (!raw.parts.is_empty()).then(|| facts::section(name, raw, 0))
    });
    let sections: Vec<_> = sections.collect();
    Snapshot {
        target: match id {
            Some(id) => Target::Nic { id },
            None => Target::File {
                name: place.display().to_string().into(),
            },
        },
        tool: tool(),
        taken_at_us: 0,
        sections,
        coverage: Vec::new(),
        namespaces: None,
    }
}

fn json_files(place: &File) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::failed(
            "unreadable_file",
            anyhow!(error).context(format!("cannot read {}", place.display())),
        )
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(place).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn own_id(body: &Value) -> Option<ResourceId> {
    field(body.as_object()?, "id")?.as_str()?.parse().ok()
}
