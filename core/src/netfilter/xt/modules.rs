//! Matches as tables: the options of each module, the field that each option asks for, and the form of its words.
//!
//! One table serves both directions of the text: what a save tool prints is read by it, and what was decoded from a structure
//! is printed by it. The order of the options is that in which `iptables-save` 1.8.9 prints them.

use super::forms;
use crate::netfilter::model::{Family, Item, Match, Op, Value};

pub(super) mod bytecode;
pub(super) mod calendar;
pub(super) mod chunks;
mod content;
pub(super) mod extension_headers;
pub(super) mod fields;
mod form;
pub(crate) mod policy;
mod print;
pub(super) mod rate;
mod read;
pub(super) mod state;
pub(super) mod words;

pub(crate) use form::Form;

/// A module of matches.
pub(crate) struct Module {
    /// The word after `-m`.
    pub(crate) name: &'static str,
    /// The only family that has it.
    family: Option<Family>,
    shape: Shape,
    options: &'static [Opt],
}

/// How the options of a module belong together.
enum Shape {
    /// Each is a condition of its own.
    Apart,
    /// Each is a condition of its own, and one `-m` takes one of them.
    One,
    /// All of them are one condition on this field.
    Together {
        field: &'static str,
        /// The module asks something of a packet without any option.
        alone: bool,
        /// Puts in what goes without saying and takes out what need not be said; `None` if no tool accepts the parts.
        settle: fn(Family, &mut Vec<Match>) -> Option<()>,
    },
}

/// An option of a module. Further options for one field are further spellings.
pub(crate) struct Opt {
    /// With its dashes.
    pub(crate) word: &'static str,
    field: &'static str,
    op: Op,
    /// Its words.
    pub(crate) form: Form,
    /// Whether the tool takes a `!` before it.
    invertible: bool,
}

impl Opt {
    const fn new(word: &'static str, field: &'static str, form: Form) -> Self {
        Self {
            word,
            field,
            op: Op::Eq,
            form,
            invertible: false,
        }
    }

    const fn not(mut self) -> Self {
        self.invertible = true;
        self
    }

    const fn op(mut self, op: Op) -> Self {
        self.op = op;
        self
    }

    /// The option with its words, and a sign of negation where it needs one; `None` if it can't say this.
    fn words(&self, part: &Match) -> Option<Vec<u8>> {
        let inverted = match part.op {
            op if op == self.op => false,
            op if self.invertible && op == self.op.negated() => true,
            _ => return None,
        };
        let printed = print::value(&self.form, &part.value)?;
        let mut words = if inverted { b"! ".to_vec() } else { Vec::new() };
        words.extend_from_slice(self.word.as_bytes());
        if !printed.is_empty() {
            words.push(b' ');
            words.extend(printed);
        }
        Some(words)
    }
}

/// Every table.
fn all() -> impl Iterator<Item = &'static Module> {
    [
        fields::MODULES,
        extension_headers::MODULES,
        state::MODULES,
        content::MODULES,
    ]
    .into_iter()
    .flatten()
}

/// The module of this name in this family.
pub(crate) fn of_name(family: Family, name: &[u8]) -> Option<&'static Module> {
    let fits = |module: &&Module| module.family.is_none_or(|only| only == family);
    all().filter(fits).find(|module| module.name.as_bytes() == name)
}

/// True if some family has a module of this name.
pub(crate) fn knows(name: &[u8]) -> bool {
    all().any(|module| module.name.as_bytes() == name)
}

/// How many words follow this option of a module, if it is there in some family.
pub(crate) fn takes(name: &[u8], option: &str) -> Option<usize> {
    let mut named = all().filter(|module| module.name.as_bytes() == name);
    named.find_map(|module| Some(module.option(option)?.form.words()))
}

/// True for an option of any module.
pub(crate) fn is_option(option: &str) -> bool {
    all().any(|module| module.option(option).is_some())
}

/// A condition as a module asks for it: the module, the place of the option among those that one `-m` takes, the words.
pub(crate) fn words(step: &Match) -> Option<(&'static str, u8, Vec<u8>)> {
    all()
        .find_map(|module| module.words(step))
        .or_else(|| policy::words(step))
}

impl Module {
    fn option(&self, word: &str) -> Option<&'static Opt> {
        self.options.iter().find(|option| option.word == word)
    }

    /// The place of a field's first option.
    fn place(&self, field: &str) -> Option<usize> {
        self.options.iter().position(|option| option.field == field)
    }

    /// One option with the words that followed it.
    pub(crate) fn read(&self, family: Family, inverted: bool, word: &str, words: &[&[u8]]) -> Option<Match> {
        let option = self.option(word)?;
        if inverted && !option.invertible {
            return None;
        }
        Some(Match {
            field: option.field.into(),
            op: if inverted { option.op.negated() } else { option.op },
            value: read::value(&option.form, family, words)?,
        })
    }

    /// What the options ask, in canonical form; `None` if no tool accepts them together.
    pub(crate) fn items(&self, family: Family, mut parts: Vec<Match>) -> Option<Vec<Item>> {
        let Shape::Together { field, alone, settle } = &self.shape else {
            parts.sort_by_key(|part| self.place(&part.field.0));
            return parts
                .into_iter()
                .map(|part| self.apart(part))
                .collect::<Option<Vec<_>>>()
                .map(|items| items.into_iter().flatten().collect());
        };
        if parts.is_empty() && !alone {
            return None;
        }
        settle(family, &mut parts)?;
        parts.sort_by_key(|part| self.place(&part.field.0));
        let twice = parts
            .windows(2)
            .any(|pair| matches!(pair, [a, b] if a.field == b.field));
        (!twice).then(|| vec![forms::matching(field, Op::Eq, Value::Parts(parts))])
    }

    /// One condition; the inner `None` where it asks nothing.
    fn apart(&self, part: Match) -> Option<Option<Item>> {
        let option = self.options.get(self.place(&part.field.0)?)?;
        if let (Form::Ports, Some([from, to])) = (&option.form, read::ends(&part.value)) {
            let (from, to) = (from.try_into().ok()?, to.try_into().ok()?);
            return Some(forms::ports(&part.field.0, from, to, part.op == Op::Ne));
        }
        let is_all = match option.form {
            Form::Span { max, all: true } => part.op == Op::Eq && read::ends(&part.value) == Some([0, max]),
            _ => false,
        };
        Some((!is_all).then_some(Item::Match(part)))
    }

    fn words(&self, step: &Match) -> Option<(&'static str, u8, Vec<u8>)> {
        let words = match &self.shape {
            Shape::Together { field, .. } if *field == step.field.0 => {
                let (Op::Eq, Value::Parts(parts)) = (step.op, &step.value) else {
                    return None;
                };
                let all: Option<Vec<Vec<u8>>> = parts.iter().map(|part| self.option_words(part)).collect();
                return Some((self.name, 0, all?.join(&b' ')));
            }
            Shape::Together { .. } => return None,
            Shape::Apart | Shape::One => self.option_words(step)?,
        };
        let rank = match self.shape {
            Shape::One => 0,
            _ => u8::try_from(self.place(&step.field.0)?).ok()?,
        };
        Some((self.name, rank, words))
    }

    /// In the option that says it without a sign, if there is one.
    fn option_words(&self, part: &Match) -> Option<Vec<u8>> {
        let of_field = || self.options.iter().filter(|option| option.field == part.field.0);
        let plain = of_field()
            .filter(|option| option.op == part.op)
            .find_map(|option| option.words(part));
        plain.or_else(|| of_field().find_map(|option| option.words(part)))
    }
}
