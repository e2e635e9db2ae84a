//! Tables and what stands in them.

use super::super::ast::{Flowtable, Set, Table};
use super::parser::{Parsed, Parser};

impl Parser<'_> {
    /// Runs `inner` for each statement in braces.
    pub(super) fn block(&mut self, mut inner: impl FnMut(&mut Self) -> Parsed<()>) -> Parsed<()> {
        self.newlines();
        self.symbol("{")?;
        self.within(|parser| {
            loop {
                parser.separators();
                if parser.take_symbol("}") {
                    return Ok(());
                }
                if parser.token().is_none() {
                    return parser.wrong("}");
                }
                inner(parser)?;
                if !parser.is_end() {
                    return parser.wrong("the end of the statement");
                }
            }
        })
    }

    pub(super) fn table_block(&mut self, table: &mut Table) -> Parsed<()> {
        self.block(|parser| match parser.word().map(str::to_owned).as_deref() {
            Some("flags") => {
                parser.keyword("flags")?;
                table.flags = parser.words_in_list(&["dormant", "owner", "persist"])?;
                Ok(())
            }
            Some("comment") => {
                parser.keyword("comment")?;
                table.comment = Some(parser.text("a comment")?);
                Ok(())
            }
            Some(_) => parser.part(table),
            None => parser.wrong("a part of a table"),
        })
    }

    /// A chain, set, map, flowtable or object with its name and, in braces, what it is.
    pub(super) fn part(&mut self, table: &mut Table) -> Parsed<()> {
        let what = self.any_word("a part of a table")?;
        self.named_part(table, &what)
    }

    /// The same with its first word taken.
    pub(super) fn named_part(&mut self, table: &mut Table, what: &str) -> Parsed<()> {
        match what {
            "chain" => {
                let name = self.text("the name of a chain")?;
                self.chain(table, name)
            }
            "set" | "map" => {
                let name = self.text("the name of a set")?;
                let mut set = Set {
                    name,
                    is_map: what == "map",
                    ..Set::default()
                };
                self.block(|parser| parser.set_line(&mut set))?;
                table.sets.retain(|known| known.name != set.name);
                table.sets.push(set);
                Ok(())
            }
            "flowtable" => {
                let mut flowtable = Flowtable {
                    name: self.text("the name of a flowtable")?,
                    ..Flowtable::default()
                };
                let family = table.family;
                self.block(|parser| parser.flowtable_line(family, &mut flowtable))?;
                table.flowtables.push(flowtable);
                Ok(())
            }
            "counter" | "quota" | "limit" | "secmark" | "synproxy" => self.object(table, what),
            "ct" => {
                let kind = format!("ct {}", self.any_word("helper, timeout or expectation")?);
                self.object(table, &kind)
            }
            "ct helper" | "ct timeout" | "ct expectation" => self.object(table, what),
            _ => {
                let before = self.mark().saturating_sub(1);
                self.back(before);
                self.wrong("a part of a table")
            }
        }
    }

    /// The words of a list, each one of these.
    pub(super) fn words_in_list(&mut self, known: &[&str]) -> Parsed<Vec<String>> {
        let mut out = Vec::new();
        loop {
            if !self.word().is_some_and(|word| known.contains(&word)) {
                return self.wrong("a flag");
            }
            out.push(self.any_word("a flag")?);
            if !self.take_symbol(",") {
                return Ok(out);
            }
            self.newlines();
        }
    }
}
