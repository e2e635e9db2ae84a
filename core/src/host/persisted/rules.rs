//! Rules as they stand in files: of `nft` with what is included, and of `iptables-restore`.

use std::cell::RefCell;

use super::files::{Files, Found, is_pattern, split};
use super::load::{Into, Rules};
use super::restore::headed;
use crate::netfilter::model::{Family, Plane};
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
    let included = RefCell::new(Vec::new());
    let include = |name: &str| include(files, name, &mut included.borrow_mut());
    let section = nft_file::parse_text(text, &include).map_err(|error| error.to_string());
    names.append(&mut included.into_inner());
    rules(section?, flushes(text))
}

/// True for a file that begins anew, whatever else was loaded before.
fn flushes(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let mut statements = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .flat_map(|line| line.split(';'));
    statements.any(|statement| statement.split_whitespace().eq(["flush", "ruleset"]))
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
