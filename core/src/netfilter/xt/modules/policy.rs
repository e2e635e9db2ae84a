//! `-m policy`: how IPsec protects a packet. Its elements repeat options, so no table holds it.

use super::state::{find, part};
use super::words::ADDRESS;
use super::{Form, Opt, Shape};
use crate::netfilter::model::{Family, Item, Match, Op, Value};
use crate::netfilter::xt::forms;

const FIELD: &str = "policy";
const ELEMENT: &str = "element";
/// How many elements there are at most (`XT_POLICY_MAX_ELEM`, `linux/netfilter/xt_policy.h`).
pub(in crate::netfilter::xt) const ELEMENTS_MAX: usize = 4;

const OPTIONS: &[Opt] = &[
    Opt::new("--dir", "direction", Form::Word(&[("in", "in"), ("out", "out")])),
    Opt::new(
        "--pol",
        "policy",
        Form::Word(&[("none", "none"), ("ipsec", "ipsec")]),
    ),
    Opt::new("--strict", "strict", Form::Flag),
];

const OF_ELEMENT: &[Opt] = &[
    Opt::new("--reqid", "reqid", Form::Number { max: u32::MAX }).not(),
    Opt::new(
        "--spi",
        "spi",
        Form::Hex {
            max: u32::MAX,
            digits: 1,
        },
    )
    .not(),
    Opt::new(
        "--proto",
        "protocol",
        Form::Named(&[(50, "esp"), (51, "ah"), (108, "ipcomp")]),
    )
    .not(),
    Opt::new("--mode", "mode", Form::Word(&MODES)).not(),
    Opt::new("--tunnel-dst", "tunnel-destination", ADDRESS).not(),
    Opt::new("--tunnel-src", "tunnel-source", ADDRESS).not(),
];

/// `enum xt_policy_modes`, in order.
pub(in crate::netfilter::xt) const MODES: [(&str, &str); 2] =
    [("transport", "transport"), ("tunnel", "tunnel")];

const MODULE: super::Module = module(OPTIONS);
const ELEMENT_MODULE: super::Module = module(OF_ELEMENT);

const fn module(options: &'static [Opt]) -> super::Module {
    super::Module {
        name: FIELD,
        family: None,
        shape: Shape::Apart,
        options,
    }
}

/// The options in the order in which they were given.
#[derive(Default)]
pub(crate) struct Reading {
    parts: Vec<Match>,
    elements: Vec<Vec<Match>>,
    current: Vec<Match>,
}

impl Reading {
    /// Takes the next option.
    pub(crate) fn take(&mut self, family: Family, inverted: bool, word: &str, words: &[&[u8]]) -> Option<()> {
        if word == "--next" {
            self.elements.push(std::mem::take(&mut self.current));
            return (!inverted).then_some(());
        }
        if let Some(read) = MODULE.read(family, inverted, word, words) {
            return put(&mut self.parts, read);
        }
        put(
            &mut self.current,
            ELEMENT_MODULE.read(family, inverted, word, words)?,
        )
    }

    /// The whole of it; `None` if no tool accepts it.
    pub(crate) fn finish(mut self) -> Option<Vec<Item>> {
        if !self.current.is_empty() || !self.elements.is_empty() {
            self.elements.push(self.current);
        }
        item(self.parts, self.elements)
    }
}

fn put(parts: &mut Vec<Match>, one: Match) -> Option<()> {
    let is_new = find(parts, &one.field.0).is_none();
    parts.push(one);
    is_new.then_some(())
}

/// The condition from its parts and elements.
pub(in crate::netfilter::xt) fn item(mut parts: Vec<Match>, elements: Vec<Vec<Match>>) -> Option<Vec<Item>> {
    find(&parts, "direction").and(find(&parts, "policy"))?;
    let empty = elements.iter().any(Vec::is_empty);
    let is_strict = find(&parts, "strict").is_some();
    if empty || elements.len() > ELEMENTS_MAX || (elements.len() > 1 && !is_strict) {
        return None;
    }
    parts.sort_by_key(|part| MODULE.place(&part.field.0));
    for mut element in elements {
        element.sort_by_key(|part| ELEMENT_MODULE.place(&part.field.0));
        parts.push(part(ELEMENT, Op::Eq, Value::Parts(element)));
    }
    Some(vec![forms::matching(FIELD, Op::Eq, Value::Parts(parts))])
}

/// The options that ask for this.
pub(super) fn words(step: &Match) -> Option<(&'static str, u8, Vec<u8>)> {
    let (Op::Eq, Value::Parts(parts)) = (step.op, &step.value) else {
        return None;
    };
    if step.field.0 != FIELD {
        return None;
    }
    let mut words: Vec<Vec<u8>> = Vec::new();
    let mut has_element = false;
    for part in parts {
        match &part.value {
            Value::Parts(element) if part.field.0 == ELEMENT => {
                words.extend(has_element.then(|| b"--next".to_vec()));
                has_element = true;
                for option in element {
                    words.push(ELEMENT_MODULE.option_words(option)?);
                }
            }
            _ => words.push(MODULE.option_words(part)?),
        }
    }
    Some((FIELD, 0, words.join(&b' ')))
}
