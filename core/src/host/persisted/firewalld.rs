//! firewalld's own configuration, as facts: what it makes of zones are rules of its own, which no file holds.

use super::files::{Files, Found, split};
use super::xml::{self, Element};
use crate::facts::{Fact, Property, Value};
use crate::netfilter::model::Plane;
use crate::section::Gap;

const SETTINGS: &str = "/etc/firewalld/firewalld.conf";
/// What stands below `/etc/firewalld`, and what each file there is.
const DIRECTORIES: [(&str, &str); 5] = [
    ("zones", "zone"),
    ("policies", "policy"),
    ("services", "firewalld-service"),
    ("ipsets", "firewalld-ipset"),
    ("icmptypes", "firewalld-icmptype"),
];
const DIRECT: &str = "/etc/firewalld/direct.xml";

/// Zones, policies and what they use that differ from the ones that firewalld comes with, its settings and direct rules.
pub(super) fn facts(files: &Files<'_>, gaps: &mut Vec<Gap>) -> Vec<Fact> {
    let mut out = Vec::new();
    let mut default = None;
    if let Some(settings) = read(files, SETTINGS, gaps) {
        let properties = properties(&settings);
        let zone = properties.iter().find(|property| property.name == "DefaultZone");
        if let Some(Value::Word(zone)) = zone.map(|property| &property.value) {
            default = Some(zone.clone());
        }
        let mut fact = Fact::new("firewalld", vec![SETTINGS.into()]);
        fact.properties = properties;
        out.push(fact);
    }
    for (directory, kind) in DIRECTORIES {
        let path = format!("/etc/firewalld/{directory}");
        match files.list(&path, "*.xml") {
            Ok(names) => out.extend(
                names
                    .iter()
                    .filter_map(|name| file(files, kind, &format!("{path}/{name}"), gaps)),
            ),
            Err(why) => gaps.push(Gap {
                path: kind.to_owned(),
                why,
            }),
        }
    }
    let is_there = |zone: &String| {
        out.iter()
            .any(|fact| fact.kind == "zone" && fact.key == [zone.as_str().into()])
    };
    if let Some(zone) = default.filter(|zone| !is_there(zone) && !zone.contains('/')) {
        out.extend(file(
            files,
            "zone",
            &format!("/usr/lib/firewalld/zones/{zone}.xml"),
            gaps,
        ));
    }
    out.extend(file(files, "firewalld-direct", DIRECT, gaps));
    out
}

fn read(files: &Files<'_>, path: &str, gaps: &mut Vec<Gap>) -> Option<String> {
    match files.file(path) {
        Found::Read(text) => Some(String::from_utf8_lossy(text).into_owned()),
        Found::Absent => None,
        Found::Unread(why) => {
            gaps.push(Gap {
                path: format!("file/{path}"),
                why,
            });
            None
        }
    }
}

fn properties(settings: &str) -> Vec<Property> {
    let lines = settings
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once('='));
    let mut all: Vec<Property> = pairs
        .map(|(key, value)| Property::new(key.trim(), Value::word(value.trim())))
        .collect();
    all.sort();
    all
}

/// One file, named as firewalld names it: without the ending.
fn file(files: &Files<'_>, kind: &str, path: &str, gaps: &mut Vec<Gap>) -> Option<Fact> {
    let text = read(files, path, gaps)?;
    let name = split(path).1.trim_end_matches(".xml");
    let mut fact = Fact::new(kind, vec![name.into()]);
    match xml::parse(&text) {
        Ok(element) => {
            fact.properties = element
                .attributes
                .iter()
                .filter(|(name, _)| name != "version")
                .map(|(name, value)| Property::new(name, Value::Text(value.as_str().into())))
                .collect();
            let said = element.children.iter().filter(|child| !is_description(child));
            let mut lines: Vec<String> = said.map(shown).collect();
            // Of direct rules of one priority the order counts.
            if kind != "firewalld-direct" {
                lines.sort();
            }
            let lines = lines.into_iter().map(|line| Value::Text(line.into())).collect();
            Some(fact.with("holds", Value::List(lines)))
        }
        Err(why) => {
            gaps.push(Gap {
                path: fact.path(),
                why: format!("{path}: {why}"),
            });
            None
        }
    }
}

fn is_description(element: &Element) -> bool {
    matches!(element.name.as_str(), "short" | "description")
}

/// An element on one line: `rule family=ipv4 {source address=10.0.0.0/8; accept}`.
fn shown(element: &Element) -> String {
    let mut out = element.name.clone();
    for (name, value) in &element.attributes {
        out += &format!(" {name}={value}");
    }
    if !element.text.is_empty() {
        out += &format!(" {}", element.text);
    }
    if !element.children.is_empty() {
        let inner: Vec<String> = element.children.iter().map(shown).collect();
        out += &format!(" {{{}}}", inner.join("; "));
    }
    out
}

/// True where direct rules stand among those of iptables.
pub(super) fn has_direct(files: &Files<'_>) -> bool {
    match files.file(DIRECT) {
        Found::Absent => false,
        Found::Unread(_) => true,
        Found::Read(text) => {
            xml::parse(&String::from_utf8_lossy(text)).map_or(true, |all| !all.children.is_empty())
        }
    }
}

/// The plane of the rules that it makes of its zones: `FirewallBackend`, which is `nftables` by default (firewalld.conf(5));
/// `None` where that is not known.
pub(super) fn backend(files: &Files<'_>) -> Option<Plane> {
    let settings = match files.file(SETTINGS) {
        Found::Absent => return Some(Plane::Nft),
        Found::Unread(_) => return None,
        Found::Read(text) => properties(&String::from_utf8_lossy(text)),
    };
    let mut said = settings
        .iter()
        .filter(|property| property.name == "FirewallBackend")
        .map(|property| &property.value);
    match (said.next(), said.next()) {
        (None, _) => Some(Plane::Nft),
        (Some(one), None) if *one == Value::word("nftables") => Some(Plane::Nft),
        (Some(one), None) if *one == Value::word("iptables") => Some(Plane::Legacy),
        _ => None,
    }
}
