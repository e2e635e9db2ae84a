//! Which `iptables-restore` a host has, and which plane it restores to.

use super::files::{Ask, Files, Found, split};
use super::load::Into;
use crate::netfilter::model::{Family, Plane};

/// Where programs are looked for, in the order of the scripts that run them.
const PATHS: [&str; 6] = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];

/// Where `iptables-restore` of a family is, as a script finds it.
pub(super) fn restore_program(files: &Files<'_>, family: Family) -> Option<String> {
    let name = if family == Family::Ip6 {
        "ip6tables-restore"
    } else {
        "iptables-restore"
    };
    for directory in PATHS {
        files.ask(Ask::Link(format!("{directory}/{name}")));
    }
    let mut all = PATHS.iter().map(|directory| format!("{directory}/{name}"));
    all.find(|path| !matches!(files.link(path), Found::Absent))
}

/// The plane of a program, by what its name leads to.
pub(super) fn into(files: &Files<'_>, program: Option<&str>) -> Into {
    let Some(program) = program else {
        return Into::Unknown("iptables-restore is not installed".to_owned());
    };
    let mut path = program.to_owned();
    for _ in 0..8 {
        let (directory, name) = split(&path);
        match () {
            () if name.contains("legacy") => return Into::Plane(Plane::Legacy),
            () if name.contains("-nft") => return Into::Plane(Plane::Nft),
            () => {}
        }
        match files.link(&path) {
            Found::Read(target) if target.starts_with('/') => path = target,
            Found::Read(target) if !target.is_empty() => path = format!("{directory}/{target}"),
            Found::Read(_) => break,
            Found::Absent => return Into::Unknown(format!("{path}, which {program} leads to, is not there")),
            Found::Unread(why) => return Into::Unknown(why),
        }
    }
    Into::Unknown(format!(
        "{program} does not tell whether it is legacy or nf_tables"
    ))
}
