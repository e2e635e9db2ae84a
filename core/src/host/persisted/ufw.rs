//! What ufw loads when it starts (ufw-framework(8)): its own chains, the policies, and the rules of its files among them.

use super::files::{Ask, Files, Found};
use super::restore::Restored;
use crate::netfilter::model::Family;

const SETTINGS: &str = "/etc/default/ufw";
const SWITCH: &str = "/etc/ufw/ufw.conf";

/// Scripts that run before and after, where they are executable.
const SCRIPTS: [&str; 2] = ["/etc/ufw/before.init", "/etc/ufw/after.init"];

const DIRECTIONS: [(&str, &str, &str); 3] = [
    ("input", "INPUT", "DEFAULT_INPUT_POLICY"),
    ("output", "OUTPUT", "DEFAULT_OUTPUT_POLICY"),
    ("forward", "FORWARD", "DEFAULT_FORWARD_POLICY"),
];

/// The chains of each direction in the order in which the built-in chain calls them.
const STAGES: [&str; 6] = [
    "before-logging",
    "before",
    "after",
    "after-logging",
    "reject",
    "track",
];

/// Chains that only its own rules lead to.
const USER: [&str; 8] = [
    "user-input",
    "user-output",
    "user-forward",
    "user-logging-input",
    "user-logging-output",
    "user-logging-forward",
    "user-limit",
    "user-limit-accept",
];

/// Every file that takes part.
pub(super) fn names(family: Family) -> Vec<String> {
    let type_ = infix(family, "6");
    let rules = ["before", "after", "user"].map(|stage| format!("/etc/ufw/{stage}{type_}.rules"));
    [SWITCH, SETTINGS]
        .map(str::to_owned)
        .into_iter()
        .chain(rules)
        .collect()
}

/// Whether ufw is switched on, apart from whether its service starts; `None` where there is no ufw.
pub(super) fn enabled(files: &Files<'_>) -> Result<Option<bool>, String> {
    let Some(settings) = settings(files)? else {
        return Ok(None);
    };
    Ok(Some(matches!(settings.get("ENABLED"), Some("yes" | "YES"))))
}

/// The rules of one family as one text for a restore into empty tables; `None` where there is no ufw.
pub(super) fn rules(files: &Files<'_>, family: Family) -> Result<Option<String>, String> {
    let Some(settings) = settings(files)? else {
        return Ok(None);
    };
    for path in SCRIPTS.into_iter().map(str::to_owned).chain(names(family)) {
        files.ask(Ask::File(path));
    }
    for path in SCRIPTS {
        quiet(files, path)?;
    }
    if family == Family::Ip6 && !matches!(settings.get("IPV6"), Some("yes" | "YES")) {
        return Ok(Some(closed()));
    }
    let policies = policies(&settings)?;
    let type_ = infix(family, "6");
    let mut restored = Restored::default();
    restored.add(&framework(type_, &policies))?;
    for (stage, after) in [
        ("before", String::new()),
        ("after", String::new()),
        ("user", user(type_)),
    ] {
        let path = format!("/etc/ufw/{stage}{type_}.rules");
        let text = match files.file(&path) {
            Found::Absent | Found::Read([]) => continue,
            Found::Unread(why) => return Err(why),
            Found::Read(text) => std::str::from_utf8(text).map_err(|_| format!("{path} is not UTF-8"))?,
        };
        if stage == "user" {
            restored.add(&declared(USER.map(|chain| format!("ufw{type_}-{chain}"))))?;
        }
        restored.add(text).map_err(|why| format!("{path}: {why}"))?;
        restored.add(&after)?;
    }
    let heads = policies.map(|(_, built_in, policy)| {
        let policy = if policy == "REJECT" { "DROP" } else { policy };
        format!(":{built_in} {policy}")
    });
    restored.add(&table(&heads))?;
    Ok(Some(restored.text()))
}

type Policies<'s> = [(&'static str, &'static str, &'s str); 3];

fn policies(settings: &Settings) -> Result<Policies<'_>, String> {
    let policy = |key: &str| match settings.get(key) {
        Some(policy @ ("ACCEPT" | "DROP" | "REJECT")) => Ok(policy),
        other => Err(format!("{SETTINGS}: {key} is {}", other.unwrap_or("not set"))),
    };
    let [(one, a, x), (two, b, y), (three, c, z)] = DIRECTIONS;
    Ok([(one, a, policy(x)?), (two, b, policy(y)?), (three, c, policy(z)?)])
}

/// What stands before any file: chains, calls and the policies as rules.
fn framework(type_: &str, policies: &Policies<'_>) -> String {
    let mut lines = Vec::new();
    for (direction, built_in, policy) in policies {
        for stage in STAGES {
            lines.push(format!(":ufw{type_}-{stage}-{direction} -"));
            lines.push(format!("-A {built_in} -j ufw{type_}-{stage}-{direction}"));
        }
        match *policy {
            "REJECT" => lines.push(format!("-A ufw{type_}-reject-{direction} -j REJECT")),
            "ACCEPT" => lines.extend(["tcp", "udp"].map(|protocol| {
                format!("-A ufw{type_}-track-{direction} -p {protocol} -m conntrack --ctstate NEW -j ACCEPT")
            })),
            _ => {}
        }
        lines.push(format!(":ufw{type_}-skip-to-policy-{direction} -"));
        lines.push(format!("-A ufw{type_}-skip-to-policy-{direction} -j {policy}"));
    }
    lines.extend(["deny", "allow"].map(|what| format!(":ufw{type_}-logging-{what} -")));
    table(&lines)
}

/// The calls of the chains of users.
fn user(type_: &str) -> String {
    let call = |(direction, ..): (&str, &str, &str)| {
        format!("-A ufw{type_}-before-{direction} -j ufw{type_}-user-{direction}")
    };
    table(&DIRECTIONS.map(call))
}

/// IPv6 where ufw does not manage it: nothing but loopback.
fn closed() -> String {
    let mut lines = DIRECTIONS
        .map(|(_, built_in, _)| format!(":{built_in} DROP"))
        .to_vec();
    lines.push("-A INPUT -i lo -j ACCEPT".to_owned());
    lines.push("-A OUTPUT -o lo -j ACCEPT".to_owned());
    table(&lines)
}

fn declared(chains: [String; 8]) -> String {
    table(&chains.map(|chain| format!(":{chain} -")))
}

fn table(lines: &[String]) -> String {
    format!("*filter\n{}\nCOMMIT\n", lines.join("\n"))
}

fn infix(family: Family, of_six: &str) -> &str {
    if family == Family::Ip6 { of_six } else { "" }
}

/// Fails where a script may do something: whether it is executable is not seen.
fn quiet(files: &Files<'_>, path: &str) -> Result<(), String> {
    let text = match files.file(path) {
        Found::Absent => return Ok(()),
        Found::Unread(why) => return Err(why),
        Found::Read(text) => String::from_utf8_lossy(text).into_owned(),
    };
    if text.lines().all(says_nothing) {
        Ok(())
    } else {
        Err(format!("{path} may change rules of its own"))
    }
}

/// Lines of a shell script that do nothing to rules, as those that ufw comes with have them.
fn says_nothing(line: &str) -> bool {
    const FRAME: [&str; 5] = ["set -e", "case \"$1\" in", "esac", ";;", ":"];
    let line = line.trim();
    let is_label = |label: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "*-|".contains(c);
        !label.is_empty() && label.chars().all(plain)
    };
    line.is_empty()
        || line.starts_with('#')
        || FRAME.contains(&line)
        || line.strip_suffix(')').is_some_and(is_label)
        || ["echo ", "exit "].iter().any(|word| {
            line.starts_with(word) && !line.contains(['`', ';', '&', '>', '(']) && !line.contains("| ")
        })
}

/// `KEY=value` lines, as a shell reads them.
struct Settings(Vec<(String, String)>);

impl Settings {
    /// The last of this name.
    fn get(&self, key: &str) -> Option<&str> {
        let mut named = self.0.iter().rev().filter(|(known, _)| known == key);
        named.next().map(|(_, value)| value.as_str())
    }
}

/// Of both files, in the order in which they are read; `None` where one is missing or empty, without which nothing starts.
fn settings(files: &Files<'_>) -> Result<Option<Settings>, String> {
    let mut all = Vec::new();
    for path in [SETTINGS, SWITCH] {
        let text = match files.file(path) {
            Found::Absent | Found::Read([]) => return Ok(None),
            Found::Unread(why) => return Err(why),
            Found::Read(text) => String::from_utf8_lossy(text).into_owned(),
        };
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        let pairs = lines.filter_map(|line| line.split_once('='));
        all.extend(pairs.map(|(key, value)| {
            let value = value.split(" #").next().unwrap_or_default().trim();
            (key.trim().to_owned(), value.trim_matches(['"', '\'']).to_owned())
        }));
    }
    Ok(Some(Settings(all)))
}
