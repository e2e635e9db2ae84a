//! One rule: its words sorted into header, matches and target, then decoded.

use std::collections::BTreeSet;

use super::extension::{Extension, is_plain_name};
use super::tokens::{self, Token};
use super::{options, protocols, values};
use crate::bytes::Text;
use crate::netfilter::model::{Family, Item, Rule, Statement, Value, Verdict};
use crate::netfilter::xt::{self, forms};

/// Where a rule leads.
#[derive(Debug)]
enum Action {
    Verdict(Verdict),
    /// `-j` with a word that is a chain or an extension.
    Jump(Text),
    Goto(Text),
}

/// A rule before its jump is resolved.
#[derive(Debug)]
pub(super) struct RuleText {
    /// Source, destination, interfaces, protocol, fragment: in canonical order.
    header: [Vec<Item>; 6],
    protocol: Vec<u8>,
    extensions: Vec<Extension>,
    action: Option<Action>,
    /// `-c PACKETS BYTES`.
    pub(super) counters: Option<[u64; 2]>,
}

/// Why a rule could not be cut into its parts.
#[derive(Debug, thiserror::Error)]
pub(super) enum RuleError {
    #[error("a word is missing after {0}")]
    Missing(String),
    #[error("the word {0} does not belong here")]
    Stray(Text),
    #[error("{0} stands twice")]
    Twice(String),
}

impl RuleText {
    /// The rule that the words after `-A CHAIN` say.
    pub(super) fn parse(family: Family, words: &[Token]) -> Result<Self, RuleError> {
        let mut rule = Self {
            header: Default::default(),
            protocol: protocol_of(words),
            extensions: Vec::new(),
            action: None,
            counters: None,
        };
        let mut rest = words;
        while let Some((first, after)) = rest.split_first() {
            let (inverted, option, after) = match first.is_not() {
                true => {
                    let (option, after) = after
                        .split_first()
                        .ok_or_else(|| RuleError::Missing("!".to_owned()))?;
                    (true, option, after)
                }
                false => (false, first, after),
            };
            let name = option
                .option()
                .ok_or_else(|| RuleError::Stray(Text::from(option.bytes.clone())))?;
            rest = match rule.own(family, name, inverted, after)? {
                Some(left) => left,
                None => rule.extension_option(option, name, inverted, after)?,
            };
        }
        Ok(rule)
    }

    /// An option that belongs to no extension; what is left after it.
    fn own<'a>(
        &mut self,
        family: Family,
        name: &str,
        inverted: bool,
        after: &'a [Token],
    ) -> Result<Option<&'a [Token]>, RuleError> {
        let place = match name {
            "-s" | "--source" | "--src" => 0,
            "-d" | "--destination" | "--dst" => 1,
            "-i" | "--in-interface" => 2,
            "-o" | "--out-interface" => 3,
            // A policy has an option of this name.
            "--proto"
                if self
                    .extensions
                    .last()
                    .is_some_and(|last| last.name.as_bytes() == b"policy") =>
            {
                return Ok(None);
            }
            "-p" | "--protocol" | "--proto" => 4,
            "-f" | "--fragment" => {
                self.put(5, name, vec![forms::fragment(inverted)])?;
                return Ok(Some(after));
            }
            "-c" | "--set-counters" => return self.count(after).map(Some),
            "-m" | "--match" | "-j" | "--jump" | "-g" | "--goto" => {
                let (word, left) = argument(name, after)?;
                self.open(name, word)?;
                return Ok(Some(left));
            }
            _ => return Ok(None),
        };
        let (inverted, after) = late_not(inverted, after);
        let (word, left) = argument(name, after)?;
        let items = header_items(family, place, word, inverted).unwrap_or_else(|| {
            let mut extension = Extension::new(false, name.trim_start_matches('-').as_bytes());
            extension.words = vec![word.clone()];
            vec![extension.opaque()]
        });
        self.put(place, name, items)?;
        Ok(Some(left))
    }

    fn put(&mut self, place: usize, name: &str, items: Vec<Item>) -> Result<(), RuleError> {
        let twice = || RuleError::Twice(name.to_owned());
        let slot = self.header.get_mut(place).ok_or_else(twice)?;
        if !slot.is_empty() {
            return Err(twice());
        }
        *slot = items;
        Ok(())
    }

    fn count<'a>(&mut self, after: &'a [Token]) -> Result<&'a [Token], RuleError> {
        let (packets, after) = argument("-c", after)?;
        let (bytes, left) = argument("-c", after)?;
        let number = |token: &Token| token.word().and_then(|word| word.parse().ok());
        match (number(packets), number(bytes)) {
            (Some(packets), Some(bytes)) => self.counters = Some([packets, bytes]),
            _ => return Err(RuleError::Stray(Text::from(packets.bytes.clone()))),
        }
        Ok(left)
    }

    /// `-m`, `-j`, `-g`.
    fn open(&mut self, option: &str, word: &Token) -> Result<(), RuleError> {
        if matches!(option, "-m" | "--match") {
            self.extensions.push(Extension::new(false, &word.bytes));
            return Ok(());
        }
        if self.action.is_some() {
            return Err(RuleError::Twice(option.to_owned()));
        }
        let name = Text::from(word.bytes.clone());
        self.action = Some(match word.bytes.as_slice() {
            _ if option == "-g" || option == "--goto" => Action::Goto(name),
            b"ACCEPT" => Action::Verdict(Verdict::Accept),
            b"DROP" => Action::Verdict(Verdict::Drop),
            b"RETURN" => Action::Verdict(Verdict::Return),
            b"QUEUE" => Action::Verdict(Verdict::Queue),
            bytes => {
                self.extensions.push(Extension::new(true, bytes));
                Action::Jump(name)
            }
        });
        Ok(())
    }

    /// An option of an extension: of the last one if that is unknown, else of the latest that has it, else of the match
    /// that the protocol brings along; what is left after it.
    fn extension_option<'a>(
        &mut self,
        option: &Token,
        name: &str,
        inverted: bool,
        after: &'a [Token],
    ) -> Result<&'a [Token], RuleError> {
        let place = self.owner(name);
        let stray = || RuleError::Stray(Text::from(option.bytes.clone()));
        let extension = place
            .and_then(|place| self.extensions.get_mut(place))
            .ok_or_else(stray)?;
        let known = extension.takes(name);
        let (inverted, after) = match known {
            // The sign belongs to the next option.
            Some(0) => (inverted, after),
            _ => late_not(inverted, after),
        };
        let free = after
            .iter()
            .take_while(|token| token.option().is_none() && !token.is_not())
            .count();
        let count = known.unwrap_or(free);
        let missing = || RuleError::Missing(name.to_owned());
        let arguments = after.get(..count).ok_or_else(missing)?;
        extension.is_known &= known.is_some();
        if inverted {
            extension.words.push(tokens::not());
        }
        extension.words.push(option.clone());
        extension.words.extend_from_slice(arguments);
        extension
            .asked
            .0
            .push((inverted, name.to_owned(), arguments.to_vec()));
        Ok(after.get(count..).unwrap_or_default())
    }

    fn owner(&mut self, option: &str) -> Option<usize> {
        let last = self.extensions.len().checked_sub(1);
        let is_unknown = |extension: &Extension| !extension.is_known;
        if self.extensions.last().is_some_and(is_unknown) {
            return last;
        }
        let has = |extension: &Extension| extension.takes(option).is_some();
        if let Some(place) = self.extensions.iter().rposition(has) {
            return Some(place);
        }
        let implied = protocols::module(&self.protocol);
        let brings =
            |module: &&[u8]| options::of_match(module, option).is_some() || !options::knows_match(module);
        if let Some(module) = implied.filter(brings) {
            self.extensions.push(Extension::new(false, module));
            return self.extensions.len().checked_sub(1);
        }
        // An option that this version does not know may be the last extension's; one of another extension is not.
        last.filter(|_| !options::is_known(option))
    }

    /// The rule, now that the chains of its table are known; and the chain it leads to if that is not one of them.
    pub(super) fn resolve(self, family: Family, chains: &BTreeSet<Text>) -> (Rule, Option<Text>) {
        let mut items: Vec<Item> = self.header.into_iter().flatten().collect();
        let (targets, matches): (Vec<_>, Vec<_>) = self.extensions.into_iter().partition(|e| e.is_target);
        items.extend(matches.iter().flat_map(|extension| extension.items(family)));
        let comment = xt::take_comment(&mut items);
        let target = targets.first();
        // A chain takes no options: with any, the words are kept as they are.
        let bare = target.is_none_or(|target| target.words.is_empty());
        let is_chain = |name: &Text| bare && (chains.contains(name) || target.is_some_and(is_plain_name));
        let verdict = match self.action {
            None => None,
            Some(Action::Verdict(verdict)) => Some(verdict),
            Some(Action::Goto(chain)) => Some(Verdict::Goto { chain }),
            Some(Action::Jump(chain)) if is_chain(&chain) => Some(Verdict::Jump { chain }),
            Some(Action::Jump(_)) => {
                items.extend(target.map(|target| target.items(family)).unwrap_or_default());
                None
            }
        };
        let missing = match &verdict {
            Some(Verdict::Jump { chain } | Verdict::Goto { chain }) => Some(chain.clone()),
            _ => None,
        };
        items.extend(verdict.map(|verdict| Item::Statement(Statement::Verdict(verdict))));
        let missing = missing.filter(|chain| !chains.contains(chain));
        (Rule { items, comment }, missing)
    }
}

/// The word after `-p`, wherever that stands; an option `--proto` after `-m policy` is the policy's.
fn protocol_of(words: &[Token]) -> Vec<u8> {
    let policy = words
        .iter()
        .position(|token| token.bytes == b"policy")
        .unwrap_or(words.len());
    let is_protocol = |(place, token): &(usize, &Token)| match token.option() {
        Some("-p" | "--protocol") => true,
        Some("--proto") => *place < policy,
        _ => false,
    };
    let found = words
        .iter()
        .enumerate()
        .find(is_protocol)
        .map_or(words.len(), |(place, _)| place);
    let word = words.iter().skip(found).skip(1).find(|token| !token.is_not());
    word.map(|token| token.bytes.clone()).unwrap_or_default()
}

/// The old place of negation: `-s ! ADDRESS`.
fn late_not(inverted: bool, after: &[Token]) -> (bool, &[Token]) {
    match after {
        [first, second, ..] if first.is_not() && second.option().is_none() && !inverted => {
            (true, after.get(1..).unwrap_or_default())
        }
        _ => (inverted, after),
    }
}

fn argument<'a>(option: &str, after: &'a [Token]) -> Result<(&'a Token, &'a [Token]), RuleError> {
    after
        .split_first()
        .ok_or_else(|| RuleError::Missing(option.to_owned()))
}

/// What an option of the header asks; `None` if its value is not understood.
fn header_items(family: Family, place: usize, word: &Token, inverted: bool) -> Option<Vec<Item>> {
    let text = || std::str::from_utf8(&word.bytes).ok();
    let [source, destination] = forms::address_fields(family)?;
    let item = match place {
        0 => values::masked_address(family, source, text()?, inverted)?,
        1 => values::masked_address(family, destination, text()?, inverted)?,
        2 => values::interface("meta.iifname", &word.bytes, inverted)?,
        3 => values::interface("meta.oifname", &word.bytes, inverted)?,
        _ => match protocols::number(text()?)? {
            0 if !inverted => None,
            number => Some(forms::equals("meta.l4proto", inverted, Value::Number(number))),
        },
    };
    Some(item.into_iter().collect())
}
