//! Translation.

use super::super::ast::{Expr, Nat, Statement};
use super::parser::{Parsed, Parser};

impl Parser<'_> {
    pub(super) fn nat(&mut self, kind: &str) -> Parsed<Statement> {
        let mut nat = Nat {
            kind: kind.to_owned(),
            family: None,
            address: None,
            port: None,
            flags: Vec::new(),
            prefix: false,
            pair: None,
        };
        if matches!(self.word(), Some("ip" | "ip6")) && !self.is_field() {
            nat.family = Some(self.any_word("a family")?);
        }
        // What a map gives is said before it.
        if self.take_word("prefix") {
            nat.prefix = true;
        } else if self.take_word("interval") {
            nat.pair = Some("interval".to_owned());
        } else if self.take_word("addr") {
            self.symbol(".")?;
            self.keyword("port")?;
            nat.pair = Some("concat".to_owned());
        }
        // An older spelling has no `to` before an address.
        if self.take_word("to") || (matches!(kind, "snat" | "dnat") && !self.is_end()) {
            self.destination(&mut nat)?;
        }
        while matches!(self.word(), Some("random" | "fully-random" | "persistent")) {
            nat.flags.push(self.any_word("a flag")?);
            if !self.take_symbol(",") {
                break;
            }
        }
        Ok(Statement::Nat(nat))
    }

    fn destination(&mut self, nat: &mut Nat) -> Parsed<()> {
        if !self.is_symbol(":") {
            let value = self.address()?;
            if matches!(nat.kind.as_str(), "masquerade" | "redirect") {
                nat.port = Some(value);
                return Ok(());
            }
            nat.address = Some(value);
        }
        if self.take_symbol(":") {
            nat.port = Some(self.address()?);
        }
        Ok(())
    }

    /// An address or port, a range of them, or a map.
    fn address(&mut self) -> Parsed<Expr> {
        if self.is_field() { self.any() } else { self.span() }
    }

    pub(super) fn tproxy(&mut self) -> Parsed<Statement> {
        let mut family = None;
        if matches!(self.word(), Some("ip" | "ip6")) && self.word_ahead(1) == Some("to") {
            family = Some(self.any_word("a family")?);
        }
        self.keyword("to")?;
        let address = if self.is_symbol(":") {
            None
        } else {
            Some(self.address()?)
        };
        let port = if self.take_symbol(":") {
            Some(self.address()?)
        } else {
            None
        };
        Ok(Statement::Tproxy {
            family,
            address,
            port,
        })
    }
}
