//! Which services of systemd start at the next boot, and what they run (systemd.unit(5), systemd.service(5)).

use std::collections::BTreeSet;

use super::files::{Ask, Files, Found, split};

/// Where units stand, the first before the others. `/run` is empty at a boot.
const DIRECTORIES: [&str; 4] = [
    "/etc/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// Either is there where systemd starts the host.
const SYSTEMD: [&str; 2] = ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"];

/// Targets that every boot reaches, or as good as every; what only another unit wants may not start.
const TARGETS: [&str; 9] = [
    "basic",
    "default",
    "graphical",
    "local-fs",
    "multi-user",
    "network",
    "network-online",
    "network-pre",
    "sysinit",
];

/// Directories of links to what a unit starts.
const LINKS: [&str; 2] = ["*.wants", "*.requires"];

/// Names that lead to names.
const LONGEST: usize = 8;

/// Whether something is started at the next boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Starts {
    /// It is.
    Yes,
    /// It is not, and this is why: `disabled`, `masked`, `not installed`.
    No(&'static str),
    /// That can't be told.
    Unknown(String),
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) starts: Starts,
    /// What it runs, in order, as the unit says it.
    pub(super) runs: Vec<String>,
}

/// Where a name of a unit leads.
enum Place {
    File(String),
    Alias(String),
    Masked,
    Nowhere,
    Unknown(String),
}

/// The name of the unit that is behind a name, with whatever is behind that.
fn resolve(files: &Files<'_>, name: &str) -> (String, Place) {
    let mut name = name.to_owned();
    for _ in 0..LONGEST {
        match place(files, &name) {
            Place::Alias(other) => name = other,
            place => return (name, place),
        }
    }
    let why = format!("{name} is a name of names without end");
    (name, Place::Unknown(why))
}

fn place(files: &Files<'_>, name: &str) -> Place {
    for directory in DIRECTORIES {
        let path = format!("{directory}/{name}");
        let target = match files.link(&path) {
            Found::Absent => continue,
            Found::Unread(why) => return Place::Unknown(why),
            Found::Read(target) => target,
        };
        if target == "/dev/null" {
            return Place::Masked;
        }
        let (_, other) = split(&target);
        if !target.is_empty() && other != name {
            return Place::Alias(other.to_owned());
        }
        return match files.file(&path) {
            Found::Read([]) => Place::Masked,
            Found::Read(_) => Place::File(path),
            Found::Absent => Place::Nowhere,
            Found::Unread(why) => Place::Unknown(why),
        };
    }
    Place::Nowhere
}

/// Looks up at once what is needed for every unit, so that it is asked for at once.
fn ask(files: &Files<'_>, name: &str) {
    let list = |directory: String, pattern: &str| Ask::List {
        directory,
        pattern: pattern.to_owned(),
    };
    for path in SYSTEMD {
        files.ask(Ask::Link(path.to_owned()));
    }
    for directory in DIRECTORIES {
        files.ask(Ask::Link(format!("{directory}/{name}")));
        files.ask(list(format!("{directory}/{name}.d"), "*.conf"));
        for pattern in LINKS {
            files.ask(list(directory.to_owned(), pattern));
        }
    }
}

/// What is behind this name; `None` where it is another name of one of the `others`.
pub(super) fn unit(files: &Files<'_>, name: &str, others: &[&str]) -> Option<Unit> {
    ask(files, name);
    let (real, place) = resolve(files, name);
    if real != name && others.contains(&real.as_str()) {
        return None;
    }
    let no = |why| {
        Some(Unit {
            starts: Starts::No(why),
            runs: Vec::new(),
        })
    };
    let unknown = |why| {
        Some(Unit {
            starts: Starts::Unknown(why),
            runs: Vec::new(),
        })
    };
    let path = match place {
        Place::Masked => return no("masked"),
        Place::Nowhere => return no("not installed"),
        Place::Unknown(why) => return unknown(why),
        Place::Alias(_) => return unknown(format!("{name} is a name of names without end")),
        Place::File(path) => path,
    };
    let runs = match commands(files, &real, &path) {
        Ok(runs) => runs,
        Err(why) => return unknown(why),
    };
    Some(Unit {
        starts: starts(files, name, &real),
        runs,
    })
}

/// Why nothing can be told where it is not systemd that starts the host.
pub(super) fn without_systemd(files: &Files<'_>) -> Option<String> {
    let mut why = "there is no systemd; what else starts services is not followed".to_owned();
    for path in SYSTEMD {
        match files.link(path) {
            Found::Read(_) => return None,
            Found::Unread(unread) => why = unread,
            Found::Absent => {}
        }
    }
    Some(why)
}

/// Whether a target of every boot wants a unit, by either of its names.
fn starts(files: &Files<'_>, name: &str, real: &str) -> Starts {
    if let Some(why) = without_systemd(files) {
        return Starts::Unknown(why);
    }
    let mut by: BTreeSet<String> = BTreeSet::new();
    let mut unread = None;
    for (directory, pattern) in DIRECTORIES
        .into_iter()
        .flat_map(|directory| LINKS.map(|pattern| (directory, pattern)))
    {
        let below = files.list(directory, pattern);
        for wants in below.as_ref().map(Vec::as_slice).unwrap_or_default() {
            match files.list(&format!("{directory}/{wants}"), "*.service") {
                Ok(wanted) if wanted.iter().any(|one| one == name || one == real) => {
                    by.insert(wants.clone());
                }
                Ok(_) => {}
                Err(why) => unread = Some(why),
            }
        }
        unread = below.err().or(unread);
    }
    let every_boot = |by: &String| {
        let target = by.strip_suffix(".wants").or(by.strip_suffix(".requires"));
        let target = target.and_then(|target| target.strip_suffix(".target"));
        target.is_some_and(|target| TARGETS.contains(&target))
    };
    match (by.iter().find(|by| every_boot(by)).or(by.first()), unread) {
        (Some(by), _) if every_boot(by) => Starts::Yes,
        (_, Some(why)) => Starts::Unknown(why),
        (None, None) => Starts::No("disabled"),
        (Some(by), None) => Starts::Unknown(format!("only {by} names it, and that may not be reached")),
    }
}

/// Every `ExecStart=`, `ExecStartPre=` and `ExecStartPost=` in the order in which they run.
fn commands(files: &Files<'_>, name: &str, path: &str) -> Result<Vec<String>, String> {
    let mut settings = Settings::default();
    settings.add(files, path)?;
    let mut drops: Vec<(String, String)> = Vec::new();
    for directory in DIRECTORIES {
        let directory = format!("{directory}/{name}.d");
        for file in files.list(&directory, "*.conf")? {
            // Of several with one name, the first directory's counts.
            if !drops.iter().any(|(known, _)| *known == file) {
                drops.push((file.clone(), format!("{directory}/{file}")));
            }
        }
    }
    drops.sort();
    for (_, path) in drops {
        settings.add(files, &path)?;
    }
    let [before, main, after] = settings.runs;
    Ok([before, main, after].concat())
}

/// What units say of what runs: before, itself, after.
#[derive(Default)]
struct Settings {
    runs: [Vec<String>; 3],
}

impl Settings {
    fn add(&mut self, files: &Files<'_>, path: &str) -> Result<(), String> {
        let text = match files.file(path) {
            Found::Read(text) => String::from_utf8_lossy(text).replace("\\\n", " "),
            Found::Absent => return Ok(()),
            Found::Unread(why) => return Err(why),
        };
        let mut section = "";
        for line in text.lines().map(str::trim) {
            if line.starts_with('[') {
                section = line;
            }
            let Some((key, value)) = line.split_once('=').filter(|_| section == "[Service]") else {
                continue;
            };
            let [before, main, after] = &mut self.runs;
            let runs = match key.trim_end() {
                "ExecStartPre" => before,
                "ExecStart" => main,
                "ExecStartPost" => after,
                _ => continue,
            };
            match value.trim() {
                "" => runs.clear(),
                command => runs.push(command.to_owned()),
            }
        }
        Ok(())
    }
}
