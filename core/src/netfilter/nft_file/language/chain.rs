//! Chains and flowtables: where they are hooked in, and what stands in them.

use super::super::ast::{Base, Chain, Flowtable, Table};
use super::super::priority;
use super::hook;
use super::parser::{Parsed, Parser};
use crate::netfilter::model::Family;

impl Parser<'_> {
    pub(super) fn chain(&mut self, table: &mut Table, name: String) -> Parsed<()> {
        let family = table.family;
        let place = match table.chains.iter().position(|chain| chain.name == name) {
            Some(place) => place,
            None => {
                table.chains.push(Chain {
                    name,
                    ..Chain::default()
                });
                table.chains.len().saturating_sub(1)
            }
        };
        let Some(chain) = table.chains.get_mut(place) else {
            return self.wrong("a chain");
        };
        if !self.is_symbol("{") {
            return Ok(());
        }
        self.block(|parser| parser.chain_line(family, chain))
    }

    fn chain_line(&mut self, family: Family, chain: &mut Chain) -> Parsed<()> {
        match (self.word(), self.word_ahead(1)) {
            (Some("type"), _) => {
                self.keyword("type")?;
                let kind = self.any_word("the type of a chain")?;
                chain.base = Some(self.base(family, kind)?);
            }
            (Some("policy"), Some("accept" | "drop")) => {
                self.keyword("policy")?;
                let policy = self.any_word("accept or drop")?;
                match &mut chain.base {
                    Some(base) => base.policy = Some(policy),
                    None => return self.wrong("before a policy, the hook of the chain"),
                }
            }
            (Some("flags"), Some("offload")) => {
                self.keyword("flags")?;
                self.keyword("offload")?;
                chain.offload = true;
            }
            (Some("comment"), _) => {
                self.keyword("comment")?;
                chain.comment = Some(self.text("a comment")?);
            }
            (Some("devices"), _) if self.is_symbol_ahead(1, "=") => {
                let devices = self.devices()?;
                match &mut chain.base {
                    Some(base) => base.devices = devices,
                    None => return self.wrong("before devices, the hook of the chain"),
                }
            }
            _ => {
                let rule = self.rule()?;
                chain.rules.push(rule);
            }
        }
        Ok(())
    }

    fn base(&mut self, family: Family, kind: String) -> Parsed<Base> {
        self.keyword("hook")?;
        let place = self.mark();
        let word = self.any_word("a hook")?;
        let Some(hook) = hook(family, &word) else {
            self.back(place);
            return self.wrong("a hook that the family has");
        };
        let mut base = Base {
            kind,
            hook,
            priority: 0,
            policy: None,
            devices: Vec::new(),
        };
        loop {
            if self.take_word("device") {
                base.devices = vec![self.text("a device")?];
            } else if self.is_word("devices") {
                base.devices = self.devices()?;
            } else {
                break;
            }
        }
        self.keyword("priority")?;
        base.priority = self.priority(family)?;
        Ok(base)
    }

    /// `devices = { a, b }`.
    fn devices(&mut self) -> Parsed<Vec<String>> {
        self.keyword("devices")?;
        self.symbol("=")?;
        self.symbol("{")?;
        let mut out = Vec::new();
        loop {
            self.newlines();
            if self.take_symbol("}") {
                return Ok(out);
            }
            out.push(self.text("a device")?);
            self.newlines();
            if !self.take_symbol(",") && !self.is_symbol("}") {
                return self.wrong("a comma or }");
            }
        }
    }

    fn priority(&mut self, family: Family) -> Parsed<i32> {
        let mark = self.mark();
        let mut text = String::new();
        while !self.is_end() {
            if let Some(word) = self.word() {
                text.push_str(word);
                let word = word.to_owned();
                self.keyword(&word)?;
            } else if self.take_symbol("-") {
                text.push('-');
            } else if self.take_symbol("+") {
                text.push('+');
            } else {
                break;
            }
        }
        // `filter-10` is one word of the scanner's.
        match priority::number(family, &text) {
            Some(number) => Ok(number),
            None => {
                self.back(mark);
                self.wrong("a priority")
            }
        }
    }

    pub(super) fn flowtable_line(&mut self, family: Family, flowtable: &mut Flowtable) -> Parsed<()> {
        match self.word() {
            Some("hook") => {
                self.keyword("hook")?;
                self.keyword("ingress")?;
                self.keyword("priority")?;
                flowtable.priority = self.priority(family)?;
            }
            Some("devices") => flowtable.devices = self.devices()?,
            Some("flags") => {
                self.keyword("flags")?;
                flowtable.flags = self.words_in_list(&["offload", "counter"])?;
            }
            Some("counter") => {
                self.keyword("counter")?;
                flowtable.flags.push("counter".to_owned());
            }
            _ => return self.wrong("a part of a flowtable"),
        }
        Ok(())
    }
}
