//! The text of `ipset save`, into the facts that the kernel's messages make of the same sets.

use std::collections::BTreeMap;

use crate::bytes::Text;
use crate::facts::{Fact, Facts, Lifted, Value};
use crate::raw::{Raw, TextRaw};
use crate::section::{Content, DECODER, Gap, Reader, Section, SectionName, State, Warning};

mod element;
mod options;
mod words;

use words::words;

/// There is no set in the text. Whoever compares takes it as unknown: a tool that failed prints nothing too.
const EMPTY_INPUT: &str = "EMPTY_INPUT";

/// Why a text could not be read as what `ipset save` prints.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not the output of ipset save: {text}")]
pub struct NotIpsetText {
    /// The first line that does not belong, from 1.
    pub line: usize,
    /// Its beginning.
    pub text: Text,
}

/// True if the first line that says something makes a set.
pub fn is_save(text: &[u8]) -> bool {
    let mut lines = text.split(|byte| *byte == b'\n');
    let first = lines.find_map(|line| words(line).filter(|words| !words.is_empty()));
    first.is_some_and(|words| match words.as_slice() {
        [create, _, kind, ..] => create == "create" && is_kind(kind),
        _ => false,
    })
}

fn is_kind(word: &str) -> bool {
    let method = word.split_once(':').map(|(method, _)| method);
    matches!(method, Some("hash" | "bitmap" | "list"))
}

/// A set while its lines are read.
struct Set {
    config: Fact,
    runtime: Fact,
    kind: String,
    members: Vec<Value>,
}

#[derive(Default)]
struct Reading {
    sets: BTreeMap<Text, Set>,
    elements: Vec<(Text, Fact, Vec<crate::facts::Property>)>,
    gaps: Vec<Gap>,
}

/// Reads the text of `ipset save`. What is not understood is a gap of its set, and the section unreadable; a last line
/// without its end makes it torn. The time of the reading is not known here: `taken_at_us` is 0.
///
/// # Errors
/// If a line is no command of `ipset restore`.
pub fn parse(text: &[u8]) -> Result<Section, NotIpsetText> {
    let lifted = read(text)?;
    let cut = !text.is_empty() && !text.ends_with(b"\n");
    let state = if cut {
        State::Torn {
            why: "the text ends within a line: it may be cut".to_owned(),
        }
    } else if lifted.gaps.is_empty() {
        State::Captured
    } else {
        let count = lifted.gaps.len();
        State::Unreadable {
            why: format!("{count} of its lines are not understood"),
        }
    };
    Ok(Section {
        name: SectionName::Ipset,
        // Nothing may stand beside a torn reading.
        gaps: if cut { Vec::new() } else { lifted.gaps },
        state,
        reader: Reader::Text,
        decoder: DECODER,
        taken_at_us: 0,
        generation: None,
        content: Some(Content::Facts {
            config: lifted.config,
            runtime: lifted.runtime,
        }),
        raw: Some(Raw::Text(TextRaw {
            text: Text::from(text),
        })),
        warnings: lifted.warnings,
    })
}

fn read(text: &[u8]) -> Result<Lifted, NotIpsetText> {
    let mut reading = Reading::default();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let foreign = || NotIpsetText {
            line: index.saturating_add(1),
            text: Text::from(line.get(..line.len().min(80)).unwrap_or_default()),
        };
        let words = words(line).ok_or_else(foreign)?;
        reading.line(&words).ok_or_else(foreign)?;
    }
    let mut warnings = Vec::new();
    if reading.sets.is_empty() {
        warnings.push(Warning {
            code: EMPTY_INPUT.to_owned(),
            message: "there is no set in the text".to_owned(),
        });
    }
    Ok(Lifted {
        warnings,
        ..reading.facts()
    })
}

impl Reading {
    /// `None` for a line that `ipset save` does not print.
    fn line(&mut self, words: &[String]) -> Option<()> {
        match words {
            [] => Some(()),
            [command, name, kind, rest @ ..] if command == "create" && is_kind(kind) => {
                self.create(name, kind, rest);
                Some(())
            }
            [command, name, element, rest @ ..] if command == "add" => self.add(name, element, rest),
            _ => None,
        }
    }

    fn gap(&mut self, path: String, why: &str) {
        self.gaps.push(Gap {
            path,
            why: why.to_owned(),
        });
    }

    fn create(&mut self, name: &str, kind: &str, rest: &[String]) {
        let key = vec![Text::from(name), Text::from(kind)];
        let path = Fact::new("create", key.clone()).path();
        let Some(options) = options::of_set(kind, rest) else {
            // What is in it may depend on what was not understood.
            self.gap(path, "an option of the set is not understood");
            return;
        };
        if self.sets.contains_key(&Text::from(name)) {
            self.gap(path, "the set stands in the text more than once");
            return;
        }
        let mut config = Fact::new("create", key.clone());
        config.properties = options.config;
        let mut runtime = Fact::new("create", key);
        runtime.properties = options.runtime;
        let set = Set {
            config,
            runtime,
            kind: kind.to_owned(),
            members: Vec::new(),
        };
        self.sets.insert(Text::from(name), set);
    }

    /// `None` where no line before has made the set.
    fn add(&mut self, name: &str, text: &str, rest: &[String]) -> Option<()> {
        let set_name = Text::from(name);
        let Some(set) = self.sets.get_mut(&set_name) else {
            let known = format!("create/{name}/");
            return self
                .gaps
                .iter()
                .any(|gap| gap.path.starts_with(&known))
                .then_some(());
        };
        let canonical = element::canonical(&set.kind, text);
        let decoded = canonical.zip(options::of_element(rest));
        let Some((text, options)) = decoded else {
            self.gap(format!("add/{name}/{text}"), "the element is not understood");
            return Some(());
        };
        let mut fact = Fact::new("add", vec![set_name.clone(), Text::from(text)]);
        fact.properties = options.config;
        if set.kind == "list:set" {
            set.members.push(super::element::member(&fact));
        }
        self.elements.push((set_name, fact, options.runtime));
        Some(())
    }

    fn facts(self) -> Lifted {
        let (mut config, mut runtime) = (Vec::new(), Vec::new());
        for (name, mut fact, state) in self.elements {
            let Some(set) = self.sets.get(&name) else { continue };
            let expires = set.config.property(super::TIMEOUT).is_some();
            let mut state_fact = Fact::new("add", fact.key.clone());
            state_fact.properties = state;
            let stays = expires.then(|| super::permanent(&mut state_fact)).flatten();
            if expires && stays.is_none() {
                state_fact.properties.splice(..0, fact.properties);
                runtime.push(state_fact);
                continue;
            }
            let listed = set.kind == "list:set" && !expires;
            fact.properties.extend(stays);
            if !state_fact.properties.is_empty() {
                runtime.push(state_fact);
            }
            if !listed {
                config.push(fact);
            }
        }
        for set in self.sets.into_values() {
            let lists = set.kind == "list:set" && set.config.property("timeout").is_none();
            config.push(match lists {
                true => set.config.with("members", Value::List(set.members)),
                false => set.config,
            });
            runtime.push(set.runtime);
        }
        Lifted {
            config: Facts::new(config),
            runtime: Facts::new(runtime),
            gaps: self.gaps,
            warnings: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
