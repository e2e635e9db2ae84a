//! The kernel parameters under `/proc/sys/net` that decide what becomes of packets.
//!
//! A parameter that there is once is a fact of its own. Those that every link has are one fact per link and directory, so
//! that a link that comes or goes is one change of each.

use std::collections::BTreeMap;

use crate::bytes::{Big, Text};
use crate::facts::{Fact, Facts, Lifted, Property, Value};
use crate::raw::lift::LiftError;
use crate::raw::{HostRaw, LinkName, PartRead};
use crate::section::Gap;

pub mod table;

use table::{By, GLOBAL, IPV4_LINK, IPV4_NEIGHBOUR, IPV6_LINK, IPV6_NEIGHBOUR, Parameter};

/// Where the parameters stand.
pub const ROOT: &str = "/proc/sys/net";

/// A directory that has one directory for each link.
#[derive(Debug, Clone, Copy)]
pub struct PerLink {
    /// Below [`ROOT`].
    pub directory: &'static str,
    /// What stands beside the links.
    pub besides: &'static [&'static str],
    /// What each holds.
    pub parameters: &'static [Parameter],
}

/// All of them.
pub const PER_LINK: [PerLink; 4] = [
    PerLink {
        directory: "ipv4/conf",
        besides: &["all", "default"],
        parameters: IPV4_LINK,
    },
    PerLink {
        directory: "ipv4/neigh",
        besides: &["default"],
        parameters: IPV4_NEIGHBOUR,
    },
    PerLink {
        directory: "ipv6/conf",
        besides: &["all", "default"],
        parameters: IPV6_LINK,
    },
    PerLink {
        directory: "ipv6/neigh",
        besides: &["default"],
        parameters: IPV6_NEIGHBOUR,
    },
];

impl PerLink {
    /// The names of its directories, given the links.
    pub fn names<'a>(&self, links: &'a [LinkName]) -> impl Iterator<Item = Text> + use<'a> {
        let besides = self.besides.iter().map(|name| Text::from(*name));
        besides.chain(links.iter().map(|link| link.name.clone()))
    }

    /// The name of the part that a parameter of a link is read into: its path, if the link's name is text.
    pub fn source(&self, link: &Text, parameter: &Parameter) -> String {
        format!("{ROOT}/{}/{link}/{}", self.directory, parameter.name)
    }
}

/// The name of the part that a parameter is read into, which is its path.
pub fn source(parameter: &Parameter) -> String {
    format!("{ROOT}/{}", parameter.name)
}

/// What a parameter decides; its name in the form of the `sysctl` tool, with `net.ipv4.conf.rp_filter` for one that every
/// link has.
pub fn decides(name: &str) -> Option<&'static str> {
    let dotted = |path: &str| format!("net.{}", path.replace('/', "."));
    let once = GLOBAL.iter().find(|parameter| dotted(parameter.name) == name);
    let of_links = || {
        PER_LINK.iter().find_map(|place| {
            let mut named = place.parameters.iter();
            named.find(|parameter| dotted(&format!("{}/{}", place.directory, parameter.name)) == name)
        })
    };
    once.or_else(of_links).map(|parameter| parameter.decides)
}

/// Decodes what the files hold.
///
/// # Errors
/// Where a parameter was not asked for.
pub fn lift(raw: &HostRaw) -> Result<Lifted, LiftError> {
    let parts = Parts(
        raw.parts
            .iter()
            .map(|part| (part.source.as_str(), &part.read))
            .collect(),
    );
    let mut out = Out::default();
    for parameter in GLOBAL {
        let key = vec![Text::from(format!("net.{}", parameter.name.replace('/', ".")))];
        let mut fact = Parameters::new(key);
        parts.take(&source(parameter), parameter.by, "value", &mut fact)?;
        out.push(fact);
    }
    for place in PER_LINK {
        let directory = format!("net.{}", place.directory.replace('/', "."));
        for link in place.names(&raw.links) {
            let mut fact = Parameters::new(vec![Text::from(directory.as_str()), link.clone()]);
            for parameter in place.parameters {
                let source = place.source(&link, parameter);
                parts.take(&source, parameter.by, parameter.name, &mut fact)?;
            }
            out.push(fact);
        }
    }
    Ok(Lifted {
        config: Facts::new(out.config),
        runtime: Facts::new(out.runtime),
        gaps: out.gaps,
        warnings: Vec::new(),
    })
}

/// What was read, by its source.
struct Parts<'a>(BTreeMap<&'a str, &'a PartRead>);

/// A fact in the making.
struct Parameters {
    key: Vec<Text>,
    config: Vec<Property>,
    runtime: Vec<Property>,
    unread: Vec<String>,
}

#[derive(Default)]
struct Out {
    config: Vec<Fact>,
    runtime: Vec<Fact>,
    gaps: Vec<Gap>,
}

impl Parts<'_> {
    /// Takes one parameter. One that is not there is not in this kernel, and says nothing.
    fn take(&self, source: &str, by: By, name: &str, to: &mut Parameters) -> Result<(), LiftError> {
        let wrong = |why: &str| LiftError::Part {
            part: source.to_owned(),
            why: why.to_owned(),
        };
        match self.0.get(source) {
            Some(PartRead::File { content }) => {
                let property = Property::new(name, value(content));
                match by {
                    By::Person => to.config.push(property),
                    By::Kernel => to.runtime.push(property),
                }
            }
            Some(PartRead::Absent { .. }) => {}
            Some(PartRead::Unreadable { why }) => to.unread.push(why.clone()),
            Some(PartRead::Messages { .. }) => return Err(wrong("messages where a file belongs")),
            None => return Err(wrong("it was not asked for")),
        }
        Ok(())
    }
}

impl Parameters {
    fn new(key: Vec<Text>) -> Self {
        Self {
            key,
            config: Vec::new(),
            runtime: Vec::new(),
            unread: Vec::new(),
        }
    }
}

impl Out {
    fn push(&mut self, read: Parameters) {
        let fact = |properties| Fact {
            properties,
            ..Fact::new("sysctl", read.key.clone())
        };
        if let Some(first) = read.unread.first() {
            let more = match read.unread.len() {
                1 => String::new(),
                several => format!(", and {} more", several - 1),
            };
            self.gaps.push(Gap {
                path: fact(Vec::new()).path(),
                why: format!("{first}{more}"),
            });
        }
        let some = |properties: Vec<Property>| (!properties.is_empty()).then(|| fact(properties));
        self.config.extend(some(read.config));
        self.runtime.extend(some(read.runtime));
    }
}

/// Numbers as numbers, several as a list; anything else as it stands, without the white space around it.
fn value(content: &Text) -> Value {
    let bytes = content.as_bytes().trim_ascii();
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Value::Text(Text::from(bytes));
    };
    let one = |word: &str| match word.parse::<u64>() {
        // Not `0x10` or `007`, of which the spelling would be lost.
        Ok(number) if number.to_string() == word => Value::Number(Big(number)),
        _ => Value::Text(Text::from(word)),
    };
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    match words.as_slice() {
        [] => Value::Text(Text::default()),
        [word] => one(word),
        several => Value::List(several.iter().map(|word| one(word)).collect()),
    }
}

#[cfg(test)]
mod tests;
