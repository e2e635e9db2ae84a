//! The language of `nft`.

use super::ast::{Chain, Table};
use super::{EMPTY_INPUT, NftFileError, Notes};
use crate::netfilter::model::{Family, Hook};

mod block;
mod chain;
mod field;
mod lexer;
mod macros;
mod nat;
mod object;
mod parser;
mod set;
mod statement;
mod value;

use macros::Macros;
use parser::{Parsed, Parser};

/// The hook of this name, if the family has it.
pub(super) fn hook(family: Family, word: &str) -> Option<Hook> {
    let hook = match word {
        "prerouting" => Hook::Prerouting,
        "input" => Hook::Input,
        "forward" => Hook::Forward,
        "output" => Hook::Output,
        "postrouting" => Hook::Postrouting,
        "ingress" => Hook::Ingress,
        "egress" => Hook::Egress,
        _ => return None,
    };
    let has = match (family, hook) {
        (Family::Netdev, Hook::Ingress | Hook::Egress) | (Family::Inet, Hook::Ingress) => true,
        (Family::Netdev, _) | (_, Hook::Ingress | Hook::Egress) => false,
        (Family::Arp, Hook::Prerouting | Hook::Postrouting) => false,
        _ => true,
    };
    has.then_some(hook)
}

/// The tables that a text leaves when it is loaded into an empty kernel.
pub(super) fn tables(
    text: &[u8],
    include: &dyn Fn(&str) -> Option<Vec<u8>>,
    notes: &mut Notes,
) -> Result<Vec<Table>, NftFileError> {
    let tokens = Macros::expand(include, notes, text)?;
    let mut parser = Parser::new(tokens, notes);
    let mut tables = Vec::new();
    parser.separators();
    while parser.token().is_some() {
        parser.command(&mut tables)?;
        if parser.token().is_some() && !parser.is_end() {
            return parser.wrong("the end of the command");
        }
        if parser.is_symbol("}") {
            return parser.wrong("a command");
        }
        parser.separators();
    }
    if tables.is_empty() {
        notes.warn(EMPTY_INPUT, "there is no table in the text".to_owned());
    }
    Ok(tables)
}

impl Parser<'_> {
    fn command(&mut self, tables: &mut Vec<Table>) -> Parsed<()> {
        let Some(word) = self.word().map(str::to_owned) else {
            return self.wrong("a command");
        };
        match word.as_str() {
            "add" | "create" | "insert" | "replace" => {
                self.keyword(&word)?;
                let what = self.any_word("what is added")?;
                match (word.as_str(), what.as_str()) {
                    ("insert" | "add", "rule") => self.rule_command(tables, word == "insert"),
                    ("add" | "create", _) => self.object_command(tables, &what),
                    _ => self.wrong("a command that is read here"),
                }
            }
            "flush" | "delete" | "destroy" => {
                self.keyword(&word)?;
                self.remove(tables, word == "flush")
            }
            "rule" => {
                self.keyword("rule")?;
                self.rule_command(tables, false)
            }
            _ => {
                self.keyword(&word)?;
                self.object_command(tables, &word)
            }
        }
    }

    /// A family if one stands here, else IPv4's.
    fn family(&mut self) -> Parsed<Family> {
        let all = [
            Family::Ip,
            Family::Ip6,
            Family::Inet,
            Family::Arp,
            Family::Bridge,
            Family::Netdev,
        ];
        match all.into_iter().find(|family| self.is_word(family.as_str())) {
            // A table may be called like a family.
            Some(family) if self.is_text_ahead() => {
                self.keyword(family.as_str())?;
                Ok(family)
            }
            _ => Ok(Family::Ip),
        }
    }

    fn place_of(&mut self, tables: &mut Vec<Table>, make: bool) -> Parsed<usize> {
        let family = self.family()?;
        let mark = self.mark();
        let name = self.text("the name of a table")?;
        if let Some(place) = tables
            .iter()
            .position(|table| table.family == family && table.name == name)
        {
            return Ok(place);
        }
        if !make {
            self.back(mark);
            return self.wrong("the name of a table that is there");
        }
        tables.push(Table::new(family, &name));
        Ok(tables.len().saturating_sub(1))
    }

    fn object_command(&mut self, tables: &mut Vec<Table>, what: &str) -> Parsed<()> {
        if what == "table" {
            let place = self.place_of(tables, true)?;
            let Some(table) = tables.get_mut(place) else {
                return self.wrong("a table");
            };
            self.newline_before_block();
            return if self.is_symbol("{") {
                self.table_block(table)
            } else {
                Ok(())
            };
        }
        let what = match what {
            "ct" => format!("ct {}", self.any_word("helper, timeout or expectation")?),
            "chain" | "set" | "map" | "flowtable" | "counter" | "quota" | "limit" | "secmark"
            | "synproxy" | "element" => what.to_owned(),
            _ => {
                let before = self.mark().saturating_sub(1);
                self.back(before);
                return self.wrong("a command that is read here");
            }
        };
        let place = self.place_of(tables, false)?;
        let Some(table) = tables.get_mut(place) else {
            return self.wrong("a table");
        };
        match what.as_str() {
            "chain" => {
                let name = self.text("the name of a chain")?;
                self.chain(table, name)
            }
            "element" => {
                let name = self.text("the name of a set")?;
                let elements = self.within(Self::set)?;
                match table.sets.iter_mut().find(|set| set.name == name) {
                    Some(set) => set.elements.extend(elements),
                    None => return self.wrong("elements of a set that is there"),
                }
                Ok(())
            }
            other => self.named_part(table, other),
        }
    }

    /// A line may end between the name of a table and its block.
    fn newline_before_block(&mut self) {
        let mark = self.mark();
        self.newlines();
        if !self.is_symbol("{") {
            self.back(mark);
        }
    }

    fn rule_command(&mut self, tables: &mut Vec<Table>, first: bool) -> Parsed<()> {
        let place = self.place_of(tables, false)?;
        let mark = self.mark();
        let name = self.text("the name of a chain")?;
        let mut index: Option<usize> = None;
        if self.take_word("index") {
            index = Some(self.number("the index of a rule")?);
        } else if matches!(self.word(), Some("position" | "handle")) {
            return self.wrong("a rule; a place by handle can't be told from a file, so that what");
        }
        let rule = self.rule()?;
        let chain: Option<&mut Chain> = tables
            .get_mut(place)
            .and_then(|table| table.chains.iter_mut().find(|chain| chain.name == name));
        let Some(chain) = chain else {
            self.back(mark);
            return self.wrong("the name of a chain that is there");
        };
        let at = match (index, first) {
            (None, true) => 0,
            (None, false) => chain.rules.len(),
            (Some(index), true) => index,
            (Some(index), false) => index.saturating_add(1),
        };
        if at > chain.rules.len() {
            self.back(mark);
            return self.wrong("the index of a rule that is there, not one behind the last,");
        }
        chain.rules.insert(at, rule);
        Ok(())
    }

    /// Takes away what is named: in a file that is loaded into an empty kernel, what the file itself made.
    fn remove(&mut self, tables: &mut Vec<Table>, flush: bool) -> Parsed<()> {
        let what = self.any_word("what is taken away")?;
        match what.as_str() {
            "ruleset" if flush => tables.clear(),
            "table" => {
                let family = self.family()?;
                let name = self.text("the name of a table")?;
                if flush {
                    let of = tables
                        .iter_mut()
                        .filter(|table| table.family == family && table.name == name);
                    of.flat_map(|table| &mut table.chains)
                        .for_each(|chain| chain.rules.clear());
                } else {
                    tables.retain(|table| table.family != family || table.name != name);
                }
            }
            "chain" | "set" | "map" => {
                let place = self.place_of(tables, false)?;
                let name = self.text("a name")?;
                if let Some(table) = tables.get_mut(place) {
                    drop_part(table, &what, &name, flush);
                }
            }
            _ => return self.wrong("a command that is read here"),
        }
        Ok(())
    }
}

fn drop_part(table: &mut Table, what: &str, name: &str, flush: bool) {
    match (what, flush) {
        ("chain", true) => {
            let chains = table.chains.iter_mut().filter(|chain| chain.name == name);
            chains.for_each(|chain| chain.rules.clear());
        }
        ("chain", false) => table.chains.retain(|chain| chain.name != name),
        (_, true) => {
            let sets = table.sets.iter_mut().filter(|set| set.name == name);
            sets.for_each(|set| set.elements.clear());
        }
        (_, false) => table.sets.retain(|set| set.name != name),
    }
}
