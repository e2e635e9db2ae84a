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
    /// Units that do not run beside it (`Conflicts=`).
    conflicts: Vec<String>,
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
    let bare = |starts| {
        Some(Unit {
            starts,
            runs: Vec::new(),
            conflicts: Vec::new(),
        })
    };
    let no = |why| bare(Starts::No(why));
    let unknown = |why| bare(Starts::Unknown(why));
    let path = match place {
        Place::Masked => return no("masked"),
        Place::Nowhere => return bare(by_script(files, name)),
        Place::Unknown(why) => return unknown(why),
        Place::Alias(_) => return unknown(format!("{name} is a name of names without end")),
        Place::File(path) => path,
    };
    let settings = match settings(files, &real, &path) {
        Ok(settings) => settings,
        Err(why) => return unknown(why),
    };
    let starts = match starts(files, name, &real) {
        Starts::Yes => settings.starts(files),
        other => other,
    };
    let [before, main, after] = settings.runs;
    Some(Unit {
        starts,
        runs: [before, main, after].concat(),
        conflicts: settings.conflicts,
    })
}

/// Where there is no unit, systemd makes one of a script (systemd-sysv-generator(8)).
fn by_script(files: &Files<'_>, name: &str) -> Starts {
    const LEVELS: [&str; 5] = ["S", "2", "3", "4", "5"];
    let bare = name.strip_suffix(".service").unwrap_or(name);
    let script = format!("/etc/init.d/{bare}");
    match files.link(&script) {
        Found::Absent => return Starts::No("not installed"),
        Found::Unread(why) => return Starts::Unknown(why),
        Found::Read(_) => {}
    }
    let mut found = Starts::No("disabled");
    for level in LEVELS {
        match files.list(&format!("/etc/rc{level}.d"), &format!("S??{bare}")) {
            Ok(links) if links.is_empty() => {}
            Ok(_) => found = Starts::Unknown(format!("{script} starts it, which is not followed")),
            Err(why) => found = Starts::Unknown(why),
        }
    }
    found
}

/// Of services that do not run beside each other, which one starts is not known.
pub(super) fn contest(units: &mut [(&'static str, Unit)]) {
    let may_start = |unit: &Unit| !matches!(unit.starts, Starts::No(_));
    let mut pairs = Vec::new();
    for (name, unit) in units.iter().filter(|(_, unit)| may_start(unit)) {
        let others = units
            .iter()
            .filter(|(other, unit)| other != name && may_start(unit));
        for (other, _) in others.filter(|(other, _)| unit.conflicts.iter().any(|one| one == other)) {
            pairs.extend([(*name, *other), (*other, *name)]);
        }
    }
    for (name, other) in pairs {
        if let Some((_, unit)) = units.iter_mut().find(|(known, _)| *known == name) {
            unit.starts = Starts::Unknown(format!(
                "{name} and {other} do not run beside each other, and both are enabled"
            ));
        }
    }
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
    // Of links with one name the first directory's counts; one to nothing takes the dependency away.
    let mut seen: BTreeSet<(String, &str)> = BTreeSet::new();
    let mut unread = None;
    for (directory, pattern) in DIRECTORIES
        .into_iter()
        .flat_map(|directory| LINKS.map(|pattern| (directory, pattern)))
    {
        let below = files.list(directory, pattern);
        for wants in below.as_ref().map(Vec::as_slice).unwrap_or_default() {
            match files.list(&format!("{directory}/{wants}"), "*.service") {
                Ok(wanted) => {
                    let names = [name, real]
                        .into_iter()
                        .filter(|name| wanted.iter().any(|one| one == name));
                    for one in names.filter(|name| seen.insert((wants.clone(), name))) {
                        match files.link(&format!("{directory}/{wants}/{one}")) {
                            Found::Read(target) if target == "/dev/null" => {}
                            Found::Unread(why) => unread = Some(why),
                            _ => {
                                by.insert(wants.clone());
                            }
                        }
                    }
                }
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

/// What a unit and its drop-ins say.
fn settings(files: &Files<'_>, name: &str, path: &str) -> Result<Settings, String> {
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
    Ok(settings)
}

/// What units say.
#[derive(Default)]
struct Settings {
    /// What runs: before, itself, after.
    runs: [Vec<String>; 3],
    /// `Condition…=` and `Assert…=`, with the key.
    conditions: Vec<(String, String)>,
    /// `ExecCondition=`.
    asks: Vec<String>,
    conflicts: Vec<String>,
}

/// Directories whose files are at the next boot what they are now.
const LASTING: [&str; 6] = ["/etc/", "/usr/", "/lib/", "/lib64/", "/bin/", "/sbin/"];

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
            let Some((key, value)) = line.split_once('=') else {
                continue;
            };
            let (key, value) = (key.trim_end(), value.trim());
            if section == "[Unit]" {
                self.of_unit(key, value);
            }
            if section != "[Service]" {
                continue;
            }
            let [before, main, after] = &mut self.runs;
            let runs = match key {
                "ExecCondition" => &mut self.asks,
                "ExecStartPre" => before,
                "ExecStart" => main,
                "ExecStartPost" => after,
                _ => continue,
            };
            match value {
                "" => runs.clear(),
                command => runs.push(command.to_owned()),
            }
        }
        Ok(())
    }

    fn of_unit(&mut self, key: &str, value: &str) {
        match (key, value) {
            ("Conflicts", "") => self.conflicts.clear(),
            ("Conflicts", names) => self.conflicts.extend(names.split_whitespace().map(str::to_owned)),
            // An empty one takes all of them back, of whatever key.
            (key, "") if is_condition(key) => self.conditions.clear(),
            (key, value) if is_condition(key) => self.conditions.push((key.to_owned(), value.to_owned())),
            _ => {}
        }
    }

    /// Whether the conditions let it start (systemd.unit(5)): those on files that stay are told, any other is not.
    fn starts(&self, files: &Files<'_>) -> Starts {
        let mut open = self
            .asks
            .first()
            .map(|command| format!("what {command} says at the next boot is not known"));
        for (key, value) in &self.conditions {
            let known = match key.trim_start_matches("Condition").trim_start_matches("Assert") {
                "PathExists" => is_there(files, value),
                // What it runs itself has to be executable anyhow.
                "FileIsExecutable" if self.runs_program(value) => is_there(files, value),
                _ => None,
            };
            match known {
                Some(true) => {}
                Some(false) => return Starts::No("a condition of its unit is not met"),
                None => {
                    open = Some(format!(
                        "whether {key}={value} holds at the next boot is not known"
                    ))
                }
            }
        }
        open.map_or(Starts::Yes, Starts::Unknown)
    }

    fn runs_program(&self, path: &str) -> bool {
        let mut runs = self.runs.iter().flatten();
        runs.any(|run| run.split_whitespace().next() == Some(path))
    }
}

fn is_condition(key: &str) -> bool {
    key.starts_with("Condition") || key.starts_with("Assert")
}

/// Whether a file is there at the next boot; `None` where that is not known.
fn is_there(files: &Files<'_>, value: &str) -> Option<bool> {
    let (not, path) = match value.strip_prefix('!') {
        Some(path) => (true, path),
        None => (false, value),
    };
    let plain = !path.contains(['%', '"', '\'', '\\', ' ']) && !path.contains("/../");
    if !plain || !LASTING.iter().any(|start| path.starts_with(start)) {
        return None;
    }
    match files.link(path) {
        Found::Read(_) => Some(!not),
        Found::Absent => Some(not),
        Found::Unread(_) => None,
    }
}
