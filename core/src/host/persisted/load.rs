//! What is loaded at the next boot: by which service, from which files, into which plane.

use super::files::{Files, Found, split};
use super::firewalld;
use super::program::{into, restore_program};
use super::rules::{nft, restored};
use super::ufw;
use super::units::{Starts, Unit, contest, unit, without_systemd};
use crate::netfilter::model::{Family, Plane, Ruleset};
use crate::section::{Gap, Warning};

/// The services that load rules.
pub const UNITS: [&str; 6] = [
    "nftables.service",
    "netfilter-persistent.service",
    "iptables.service",
    "ip6tables.service",
    "ufw.service",
    "firewalld.service",
];

const PLUGINS: &str = "/usr/share/netfilter-persistent/plugins.d";

/// Files that are read whether or not anything loads them.
const KNOWN: [(&str, Syntax); 6] = [
    ("/etc/nftables.conf", Syntax::Nft),
    ("/etc/sysconfig/nftables.conf", Syntax::Nft),
    ("/etc/iptables/rules.v4", Syntax::Save(Family::Ip)),
    ("/etc/iptables/rules.v6", Syntax::Save(Family::Ip6)),
    ("/etc/sysconfig/iptables", Syntax::Save(Family::Ip)),
    ("/etc/sysconfig/ip6tables", Syntax::Save(Family::Ip6)),
];

/// What a text is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// The language of `nft`.
    Nft,
    /// That of `iptables-restore`.
    Save(Family),
}

/// Something that is loaded, or would be if something loaded it.
#[derive(Debug, Clone)]
pub struct Load {
    /// The service; `None` where no known one loads the file.
    pub unit: Option<&'static str>,
    /// Whether it does so at the next boot.
    pub starts: Starts,
    /// From where, the first first.
    pub files: Vec<String>,
    /// What.
    pub what: What,
}

/// What is loaded.
#[derive(Debug, Clone)]
pub enum What {
    /// Rules, as they stand in files.
    Rules {
        /// What they are written in.
        syntax: Syntax,
        /// Where they go.
        into: Into,
        /// The file, without what it includes; of ufw, what a restore into empty tables would be. Empty where it was not read.
        text: Vec<u8>,
        /// They, or why they could not be read.
        rules: Result<Rules, String>,
    },
    /// Rules that firewalld makes of its zones and policies.
    Firewalld {
        /// Whether it touches the tables of iptables, for direct rules or for all.
        iptables: bool,
        /// Whether it makes a table of its own; `None` where its settings were not read or are not understood.
        table: Option<bool>,
    },
    /// Something that is not followed.
    Unfollowed(String),
}

/// The plane that rules go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Into {
    /// This one, by what the program is.
    Plane(Plane),
    /// Not known, and why.
    Unknown(String),
}

/// Rules that were read from files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// What they are.
    pub config: Ruleset,
    /// What of them could not be read.
    pub gaps: Vec<Gap>,
    /// What was noticed.
    pub warnings: Vec<Warning>,
    /// Whether everything that others loaded before is flushed first.
    pub flushes: bool,
}

/// Everything that is or might be loaded, and the services.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// By service, then what is not loaded.
    pub loads: Vec<Load>,
    /// Each service that is installed, whether it starts, and what it runs.
    pub services: Vec<Service>,
}

/// A service that loads rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its unit.
    pub unit: &'static str,
    /// Whether it starts at the next boot.
    pub starts: Starts,
    /// What it runs.
    pub runs: Vec<String>,
}

pub(super) fn plan(files: &Files<'_>) -> Plan {
    let mut plan = Plan::default();
    let named = UNITS
        .into_iter()
        .filter_map(|name| Some((name, unit(files, name, &UNITS)?)));
    let mut units: Vec<(&'static str, Unit)> = named.collect();
    contest(&mut units);
    for (name, unit) in units {
        if let (Starts::Unknown(why), []) = (&unit.starts, unit.runs.as_slice()) {
            plan.loads.push(Load {
                unit: Some(name),
                starts: unit.starts.clone(),
                files: Vec::new(),
                what: What::Unfollowed(format!("{name}: {why}")),
            });
        }
        for run in &unit.runs {
            plan.loads.extend(run_by(files, name, &unit.starts, run));
        }
        plan.services.push(Service {
            unit: name,
            starts: unit.starts,
            runs: unit.runs,
        });
    }
    let unloaded = match without_systemd(files) {
        None => Starts::No("nothing loads it"),
        Some(why) => {
            let starts = Starts::Unknown(why.clone());
            plan.loads.push(Load {
                unit: None,
                starts: starts.clone(),
                files: Vec::new(),
                what: What::Unfollowed(why),
            });
            starts
        }
    };
    for (path, syntax) in KNOWN {
        let loaded = |load: &Load| load.files.iter().any(|file| file == path);
        if !plan.loads.iter().any(loaded) {
            plan.loads
                .extend(file(files, None, &unloaded, path, syntax, None));
        }
    }
    plan
}

/// What a command of a service loads.
fn run_by(files: &Files<'_>, unit: &'static str, starts: &Starts, command: &str) -> Vec<Load> {
    let words: Vec<&str> = command
        .trim_start_matches(['-', '@', ':', '+', '!', '|'])
        .split_whitespace()
        .collect();
    let Some((program, arguments)) = words.split_first() else {
        return Vec::new();
    };
    // What systemd puts in for `$` and `%`, and takes off quotes, is not followed.
    let is_plain = |word: &&str| !word.contains(['"', '\'', '$', '%', '\\']);
    let name = split(program).1;
    if name != "firewalld" && !words.iter().all(is_plain) {
        return vec![unfollowed(unit, starts, command)];
    }
    let one = |path: &str, syntax, program: Option<&str>| -> Vec<Load> {
        file(files, Some(unit), starts, path, syntax, program)
            .into_iter()
            .collect()
    };
    let of = |family| restore_program(files, family);
    match (name, arguments) {
        ("nft", ["-f" | "--file", path]) if path.starts_with('/') => one(path, Syntax::Nft, None),
        (name, arguments) if restores(name).is_some() => {
            let family = restores(name).unwrap_or(Family::Ip);
            match arguments {
                [path] | ["-n" | "--noflush", path] if path.starts_with('/') => {
                    one(path, Syntax::Save(family), Some(program))
                }
                _ => vec![unfollowed(unit, starts, command)],
            }
        }
        ("netfilter-persistent", ["start"]) => plugins(files, unit, starts),
        ("iptables.init", ["start"]) => {
            let (path, family) = match unit {
                "ip6tables.service" => ("/etc/sysconfig/ip6tables", Family::Ip6),
                _ => ("/etc/sysconfig/iptables", Family::Ip),
            };
            one(path, Syntax::Save(family), of(family).as_deref())
        }
        ("ip6tables.init", ["start"]) => one(
            "/etc/sysconfig/ip6tables",
            Syntax::Save(Family::Ip6),
            of(Family::Ip6).as_deref(),
        ),
        ("ufw-init", ["start", ..]) => [Family::Ip, Family::Ip6]
            .into_iter()
            .filter_map(|family| of_ufw(files, unit, starts, family))
            .collect(),
        ("firewalld", _) => vec![Load {
            unit: Some(unit),
            starts: starts.clone(),
            files: vec!["/etc/firewalld".to_owned()],
            what: What::Firewalld {
                iptables: firewalld::has_direct(files) || firewalld::backend(files) != Some(Plane::Nft),
                table: firewalld::backend(files).map(|backend| backend == Plane::Nft),
            },
        }],
        _ => vec![unfollowed(unit, starts, command)],
    }
}

/// The family that a program of this name restores.
fn restores(name: &str) -> Option<Family> {
    match name {
        "iptables-restore" | "iptables-nft-restore" | "iptables-legacy-restore" => Some(Family::Ip),
        "ip6tables-restore" | "ip6tables-nft-restore" | "ip6tables-legacy-restore" => Some(Family::Ip6),
        _ => None,
    }
}

fn unfollowed(unit: &'static str, starts: &Starts, command: &str) -> Load {
    Load {
        unit: Some(unit),
        starts: starts.clone(),
        files: Vec::new(),
        what: What::Unfollowed(format!("{unit} runs {command}, which is not followed")),
    }
}

/// What netfilter-persistent runs: its plug-ins of Debian's package iptables-persistent.
fn plugins(files: &Files<'_>, unit: &'static str, starts: &Starts) -> Vec<Load> {
    let names = match files.list(PLUGINS, "*") {
        Ok(names) => names,
        Err(why) => return vec![unfollowed(unit, starts, &format!("plug-ins: {why}"))],
    };
    let mut loads = Vec::new();
    for name in names {
        let (path, family) = match name.as_str() {
            "15-ip4tables" => ("/etc/iptables/rules.v4", Family::Ip),
            "25-ip6tables" => ("/etc/iptables/rules.v6", Family::Ip6),
            _ => {
                loads.push(unfollowed(unit, starts, &format!("{PLUGINS}/{name}")));
                continue;
            }
        };
        let program = restore_program(files, family);
        loads.extend(file(
            files,
            Some(unit),
            starts,
            path,
            Syntax::Save(family),
            program.as_deref(),
        ));
    }
    loads
}

fn of_ufw(files: &Files<'_>, unit: &'static str, starts: &Starts, family: Family) -> Option<Load> {
    let starts = match (starts, ufw::enabled(files)) {
        (Starts::No(why), _) => Starts::No(why),
        (_, Ok(Some(false))) => Starts::No("not enabled in /etc/ufw/ufw.conf"),
        (_, Ok(None)) => return None,
        (_, Err(why)) => Starts::Unknown(why),
        (starts, Ok(Some(true))) => starts.clone(),
    };
    let text = ufw::rules(files, family).transpose()?;
    let into = into(files, restore_program(files, family).as_deref());
    let syntax = Syntax::Save(family);
    let (text, rules) = match text {
        Ok(text) => (
            text.clone().into_bytes(),
            restored(text.as_bytes(), family, &into),
        ),
        Err(why) => (Vec::new(), Err(why)),
    };
    Some(Load {
        unit: Some(unit),
        starts,
        files: ufw::names(family),
        what: What::Rules {
            syntax,
            into,
            text,
            rules,
        },
    })
}

/// A file of rules; `None` where it is not there.
fn file(
    files: &Files<'_>,
    unit: Option<&'static str>,
    starts: &Starts,
    path: &str,
    syntax: Syntax,
    program: Option<&str>,
) -> Option<Load> {
    let found = match files.file(path) {
        Found::Absent => return None,
        Found::Read(text) => Ok(text),
        Found::Unread(why) => Err(why),
    };
    let mut names = vec![path.to_owned()];
    let into = match (syntax, unit) {
        (Syntax::Nft, _) => Into::Plane(Plane::Nft),
        (Syntax::Save(_), None) => Into::Unknown("nothing loads it".to_owned()),
        (Syntax::Save(_), Some(_)) => into(files, program),
    };
    let rules = found.clone().and_then(|text| match syntax {
        Syntax::Nft => nft(files, text, &mut names),
        Syntax::Save(family) => restored(text, family, &into),
    });
    let text = found.map(<[u8]>::to_vec).unwrap_or_default();
    Some(Load {
        unit,
        starts: starts.clone(),
        files: names,
        what: What::Rules {
            syntax,
            into,
            text,
            rules,
        },
    })
}
