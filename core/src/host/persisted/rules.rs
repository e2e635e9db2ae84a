//! Rules as they stand in files: of `nft` with what is included, and of `iptables-restore`.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::files::{Files, Found, is_pattern, split};
use super::load::{Into, Rules};
use super::restore::headed;
use crate::netfilter::model::{Family, Plane, Ruleset};
use crate::netfilter::nft_file::{UNRESOLVED_JUMP, UNRESOLVED_SET};
use crate::netfilter::{nft_file, save};
use crate::section::{Content, Section, State, Warning};

/// The rules of a text of `iptables-restore`, in the plane that they go to.
pub(super) fn restored(text: &[u8], family: Family, into: &Into) -> Result<Rules, String> {
    let plane = match into {
        Into::Plane(plane) => *plane,
        Into::Unknown(_) => Plane::Unstated,
    };
    in_plane(text, family, plane)
}

/// The rules of a text of `iptables-restore` as they would stand in a plane.
///
/// # Errors
/// Where it can't be read, or not to its end.
pub fn in_plane(text: &[u8], family: Family, plane: Plane) -> Result<Rules, String> {
    whole_lines(&[text.to_vec()])?;
    let section =
        save::parse(&headed(text, family, plane), Some(family)).map_err(|error| error.to_string())?;
    rules(section, false)
}

fn rules(section: Section, flushes: bool) -> Result<Rules, String> {
    if let State::Torn { why } = section.state {
        return Err(why);
    }
    let fails = |warning: &&Warning| [UNRESOLVED_JUMP, UNRESOLVED_SET].contains(&warning.code.as_str());
    if let Some(warning) = section.warnings.iter().find(fails) {
        return Err(format!("it would not load: {}", warning.message));
    }
    match section.content {
        Some(Content::Netfilter { config, .. }) => Ok(Rules {
            config,
            gaps: section.gaps,
            warnings: section.warnings,
            flushes,
        }),
        _ => Err("it holds no rules".to_owned()),
    }
}

/// The rules of a file of `nft` with what it includes; the names of what is included are added.
pub(super) fn nft(files: &Files<'_>, text: &[u8], names: &mut Vec<String>) -> Result<Rules, String> {
    let included = RefCell::new((Vec::new(), vec![text.to_vec()]));
    let include = |name: &str| {
        let (names, texts) = &mut *included.borrow_mut();
        let text = include(files, name, names)?;
        texts.push(text.clone());
        Some(text)
    };
    let section = nft_file::parse_text(text, &include).map_err(|error| error.to_string());
    let (mut included, texts) = included.into_inner();
    names.append(&mut included);
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    whole_lines(&texts)?;
    let mut rules = rules(section?, false)?;
    rules.flushes = texts.iter().any(|text| removes(text, &rules.config));
    Ok(rules)
}

/// Neither `nft` nor `iptables-restore` takes lines that end as those of Windows do.
fn whole_lines(texts: &[Vec<u8>]) -> Result<(), String> {
    if texts.iter().any(|text| text.contains(&b'\r')) {
        return Err("it would not load: a line ends in a carriage return".to_owned());
    }
    Ok(())
}

/// True for a file that takes away what others loaded before: everything, or a table that it does not make again.
fn removes(text: &[u8], makes: &Ruleset) -> bool {
    let text = String::from_utf8_lossy(text).replace("\\\n", " ");
    let mut statements = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .flat_map(|line| line.split(';'));
    let makes = |family: &str, name: &str| {
        let mut tables = makes.tables.iter();
        tables.any(|table| table.family.as_str() == family && table.name.as_bytes() == name.as_bytes())
    };
    statements.any(|statement| {
        let words: Vec<&str> = statement.split_whitespace().collect();
        match words.as_slice() {
            ["flush", "ruleset", ..] => true,
            ["delete" | "destroy" | "flush", "table", family, name] => !makes(family, name),
            ["delete" | "destroy" | "flush", "table", name] => !makes("ip", name),
            _ => false,
        }
    })
}

/// The content of what an `include` names: one file, or all that match, by name. A pattern may match nothing. A name without
/// a directory stands in `/etc` (nft(8), `--includepath`).
fn include(files: &Files<'_>, name: &str, names: &mut Vec<String>) -> Option<Vec<u8>> {
    let path = match name {
        name if name.starts_with('/') => name.to_owned(),
        // Below whatever directory the service runs in: that of a service is the root.
        name if name.starts_with("./") || name.starts_with("../") => return None,
        name => format!("/etc/{name}"),
    };
    let (directory, last) = split(&path);
    let paths = match (is_pattern(directory), is_pattern(last)) {
        (true, _) => return None,
        (false, false) => vec![path.clone()],
        (false, true) => {
            let found = files.list(directory, last).ok()?;
            found.iter().map(|name| format!("{directory}/{name}")).collect()
        }
    };
    let mut out = Vec::new();
    for path in paths {
        let Found::Read(text) = files.file(&path) else {
            return None;
        };
        out.extend_from_slice(text);
        out.push(b'\n');
        names.push(path);
    }
    Some(out)
}
