//! Kernel parameters: the files under `/proc/sys/net`, a line of `grep -H` for each line of each.

use std::collections::{BTreeMap, BTreeSet};

use super::messages::names;
use super::{Outcome, Stop, of_facts, part, ran, unreadable};
use crate::bytes::Text;
use crate::host::sysctls::{PER_LINK, ROOT, source, table::GLOBAL};
use crate::probe::parts::{Part, Parts, Ran};
use crate::raw::{HostPart, HostRaw, PartRead};
use crate::section::SectionName;

/// What is there on every kernel: without it nothing is shown of what there is.
const ANCHOR: &[u8] = b"/proc/sys/net/core/somaxconn";

/// Every file, and what each that could be read holds.
pub(super) struct Files<'a> {
    there: BTreeSet<&'a [u8]>,
    lines: BTreeMap<&'a [u8], Vec<&'a [u8]>>,
    refused: BTreeMap<&'a [u8], String>,
}

impl<'a> Files<'a> {
    pub(super) fn read(parts: &'a Parts) -> Result<Self, Stop> {
        let list = ran(parts, "sysctl-files")?.output.as_slice();
        let there: BTreeSet<&[u8]> = lines(list).collect();
        if !there.contains(ANCHOR) {
            return Err(unreadable("nothing is mounted on /proc/sys, or it is hidden"));
        }
        let printed = read(parts)?;
        let mut files = Self {
            there,
            lines: BTreeMap::new(),
            refused: refusals(&printed.error),
        };
        // A name of a link has no colon (`dev_valid_name`).
        for line in lines(&printed.output) {
            let colon = line.iter().position(|byte| *byte == b':');
            let (path, rest) = colon
                .and_then(|at| line.split_at_checked(at))
                .ok_or_else(|| unreadable("grep printed a line without a file"))?;
            let line = rest.get(1..).unwrap_or_default();
            files.lines.entry(path).or_default().push(line);
        }
        Ok(files)
    }

    pub(super) fn file(&self, path: &[u8]) -> PartRead {
        let shown = Text::from(path);
        match (self.refused.get(path), self.lines.get(path)) {
            (Some(why), _) => PartRead::Unreadable {
                why: format!("cannot read {shown}: {why}"),
            },
            (None, Some(lines)) => PartRead::File {
                content: lines
                    .iter()
                    .flat_map(|line| [line, b"\n".as_slice()].concat())
                    .collect::<Vec<_>>()
                    .into(),
            },
            (None, None) if self.there.contains(path) => PartRead::File {
                content: Text::default(),
            },
            (None, None) => PartRead::Absent {
                why: format!("there is no {shown}"),
            },
        }
    }
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

/// What `grep` printed: that it could not read one file makes its status another, and says which.
fn read(parts: &Parts) -> Result<&Ran, Stop> {
    match parts.get("sysctls") {
        Some(Part::Ran(ran)) if matches!(ran.status, 1 | 2) && !ran.error.is_empty() => {
            let cut = ran.error.ends_with(b"(cut)\n");
            match cut || lines(&ran.error).any(|line| refusal(line).is_none()) {
                true => Err(unreadable("grep could not read the parameters")),
                false => Ok(ran),
            }
        }
        _ => ran(parts, "sysctls"),
    }
}

fn refusals(error: &[u8]) -> BTreeMap<&[u8], String> {
    lines(error).filter_map(refusal).collect()
}

/// `grep: PATH: WORDS`.
fn refusal(line: &[u8]) -> Option<(&[u8], String)> {
    let rest = line.strip_prefix(b"grep: ")?;
    let colon = rest.iter().position(|byte| *byte == b':')?;
    let (path, why) = rest.split_at_checked(colon)?;
    let why = String::from_utf8_lossy(why.get(1..)?).trim().to_owned();
    path.starts_with(ROOT.as_bytes()).then_some((path, why))
}

pub(super) fn section(parts: &Parts) -> Outcome {
    let links = names(parts)?;
    let files = Files::read(parts)?;
    let mut rows: Vec<HostPart> = Vec::new();
    for parameter in GLOBAL {
        let source = source(parameter);
        rows.push(part(&source, files.file(source.as_bytes())));
    }
    for place in PER_LINK {
        for name in place.names(&links) {
            for parameter in place.parameters {
                let path = [
                    format!("{ROOT}/{}/", place.directory).as_bytes(),
                    name.as_bytes(),
                    b"/",
                    parameter.name.as_bytes(),
                ]
                .concat();
                rows.push(part(&place.source(&name, parameter), files.file(&path)));
            }
        }
    }
    of_facts(SectionName::Sysctls, HostRaw { links, parts: rows })
}
