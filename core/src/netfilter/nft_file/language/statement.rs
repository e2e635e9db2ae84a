//! Statements and rules.

use super::super::ast::{Element, Expr, Log, Rate, Rule, Sourced, Statement, Synproxy};
use super::parser::{Parsed, Parser};

impl Parser<'_> {
    /// The statements of a rule up to its end.
    pub(super) fn rule(&mut self) -> Parsed<Rule> {
        let mut rule = Rule {
            place: self.place(),
            ..Rule::default()
        };
        while !self.is_end() {
            if self.take_word("comment") {
                rule.comment = Some(self.text("a comment")?);
                continue;
            }
            let mark = self.mark();
            let statement = self.within(Self::statement)?;
            rule.statements.push(Sourced {
                statement,
                words: self.words_since(mark),
            });
        }
        Ok(rule)
    }

    pub(super) fn statement(&mut self) -> Parsed<Statement> {
        if let Some(judgement) = self.judgement()? {
            return Ok(Statement::Verdict(judgement));
        }
        let mark = self.mark();
        let Some(word) = self.word().map(str::to_owned) else {
            return self.matched();
        };
        match word.as_str() {
            "counter" | "limit" | "quota" | "log" | "reject" | "queue" | "notrack" | "synproxy" | "dup"
            | "fwd" | "tproxy" | "flow" | "reset" | "xt" | "meter" => {
                self.keyword(&word)?;
                self.simple(&word, mark)
            }
            "snat" | "dnat" | "masquerade" | "redirect" => {
                self.keyword(&word)?;
                self.nat(&word)
            }
            "add" | "update" | "delete" if self.is_symbol_ahead(1, "@") => {
                self.keyword(&word)?;
                self.symbol("@")?;
                let set = self.any_word("the name of a set")?;
                let element = self.braced_element()?;
                Ok(Statement::Dynset {
                    op: word,
                    set,
                    element,
                })
            }
            "set" => {
                self.keyword("set")?;
                let op = self.any_word("add, update or delete")?;
                let key = self.fields()?;
                let element = self.element_with(key)?;
                self.symbol("@")?;
                let set = self.any_word("the name of a set")?;
                Ok(Statement::Dynset { op, set, element })
            }
            "ct" if self.word_ahead(1) == Some("count") => {
                self.keyword("ct")?;
                self.keyword("count")?;
                let over = self.take_word("over");
                Ok(Statement::ConnLimit {
                    count: self.number("a count")?,
                    over,
                })
            }
            _ => self.object_of(),
        }
    }

    /// `ct helper set "x"` and its like give a packet a named object.
    fn object_of(&mut self) -> Parsed<Statement> {
        let (first, second) = (
            self.word().unwrap_or_default(),
            self.word_ahead(1).unwrap_or_default(),
        );
        let kind = match (first, second) {
            ("ct", "helper" | "timeout" | "expectation") => format!("ct {second}"),
            ("meta", "secmark") => "secmark".to_owned(),
            _ => return self.matched(),
        };
        if self.word_ahead(2) != Some("set") {
            return self.matched();
        }
        for _ in 0..3 {
            self.any_word("an object")?;
        }
        match self.any()? {
            value @ Expr::Ct { .. } if kind == "secmark" => {
                Ok(Statement::Set(Expr::Meta("secmark".to_owned()), value))
            }
            value => Ok(Statement::Object(kind, value)),
        }
    }

    /// A field with what is asked of it or done to it.
    fn matched(&mut self) -> Parsed<Statement> {
        if !self.is_field() && !self.is_symbol("(") && self.word().is_none() {
            return self.wrong("a statement");
        }
        let field = self.fields()?;
        if self.take_word("set") {
            return Ok(Statement::Set(field, self.any()?));
        }
        if self.take_word("vmap") {
            return Ok(Statement::VerdictMap(field, self.map()?));
        }
        let relation = self.relation();
        Ok(Statement::Match(field, relation, self.right()?))
    }

    fn simple(&mut self, word: &str, mark: usize) -> Parsed<Statement> {
        match word {
            "counter" => self.counter(),
            "limit" => {
                if self.take_word("name") {
                    return Ok(Statement::Object("limit".to_owned(), self.any()?));
                }
                self.rate().map(Statement::Limit)
            }
            "quota" => {
                if self.take_word("name") {
                    return Ok(Statement::Object("quota".to_owned(), self.any()?));
                }
                let (bytes, used, over) = self.quota()?;
                Ok(Statement::Quota { bytes, used, over })
            }
            "log" => self.log(),
            "reject" => self.reject(),
            "queue" => self.queue(),
            "notrack" => Ok(Statement::Notrack),
            "synproxy" => {
                if self.take_word("name") {
                    return Ok(Statement::Object("synproxy".to_owned(), self.any()?));
                }
                self.synproxy().map(Statement::Synproxy)
            }
            "dup" => {
                self.keyword("to")?;
                let first = self.any()?;
                let device = self.take_word("device").then(|| self.any()).transpose()?;
                // At a device alone, where no address could be.
                Ok(match device {
                    None if is_device(&first) => Statement::Dup {
                        address: None,
                        device: Some(first),
                    },
                    device => Statement::Dup {
                        address: Some(first),
                        device,
                    },
                })
            }
            "fwd" => self.fwd(),
            "tproxy" => self.tproxy(),
            "flow" => {
                if !self.take_word("add") {
                    self.keyword("offload")?;
                }
                self.symbol("@")?;
                self.any_word("the name of a flowtable").map(Statement::Offload)
            }
            "reset" => {
                self.keyword("tcp")?;
                self.keyword("option")?;
                self.any_word("the name of an option").map(Statement::ResetOption)
            }
            "meter" => self.meter(),
            _ => self.extension_of_xtables(mark),
        }
    }

    /// `nft` names xtables extensions and does not say what they do.
    fn extension_of_xtables(&mut self, mark: usize) -> Parsed<Statement> {
        self.any_word("match or target")?;
        self.text("the name of an extension")?;
        let words = self.words_since(mark);
        let why = format!("nft does not tell the parameters of xtables extensions: {words}");
        self.notes.gap("xt", &why);
        Ok(Statement::Unknown {
            name: "xt".to_owned(),
            words,
        })
    }

    fn counter(&mut self) -> Parsed<Statement> {
        if self.take_word("name") {
            return Ok(Statement::Object("counter".to_owned(), self.any()?));
        }
        if !self.is_word("packets") {
            return Ok(Statement::Counter(None));
        }
        self.counts().map(Some).map(Statement::Counter)
    }

    pub(super) fn counts(&mut self) -> Parsed<(u64, u64)> {
        self.keyword("packets")?;
        let packets = self.number("a number of packets")?;
        self.keyword("bytes")?;
        Ok((packets, self.number("a number of bytes")?))
    }

    /// `rate [over] 10/second burst 5 packets`.
    pub(super) fn rate(&mut self) -> Parsed<Rate> {
        self.keyword("rate")?;
        let over = self.take_word("over");
        if !over {
            self.take_word("until");
        }
        let number: u64 = self.number("a rate")?;
        let (unit, per) = if self.take_symbol("/") {
            (None, self.any_word("a period")?)
        } else {
            let both = self.any_word("a unit and a period")?;
            match both.split_once('/') {
                Some((unit, per)) => (Some(unit.to_owned()), per.to_owned()),
                None => {
                    self.symbol("/")?;
                    (Some(both), self.any_word("a period")?)
                }
            }
        };
        let unit = unit.filter(|unit| unit != "packets");
        let mut burst = None;
        if self.take_word("burst") {
            let number: u64 = self.number("a burst")?;
            let unit = match self.word() {
                Some("packets" | "bytes" | "kbytes" | "mbytes") => self.any_word("a unit")?,
                _ => "packets".to_owned(),
            };
            burst = Some(number.saturating_mul(self.unit(&unit)?));
        }
        let scale = unit.as_deref().map_or(Ok(1), |unit| self.unit(unit))?;
        let per = match per.as_str() {
            "second" => 1,
            "minute" => 60,
            "hour" => 3_600,
            "day" => 86_400,
            "week" => 604_800,
            _ => return self.wrong("after a rate, a period"),
        };
        Ok(Rate {
            rate: number.saturating_mul(scale),
            bytes: unit.is_some(),
            per,
            burst,
            over,
        })
    }

    fn unit(&self, unit: &str) -> Parsed<u64> {
        match unit {
            "packets" | "bytes" => Ok(1),
            "kbytes" => Ok(1 << 10),
            "mbytes" => Ok(1 << 20),
            _ => self.wrong("after a unit that is known, what"),
        }
    }

    /// Bytes, bytes used, and whether it is `over`.
    pub(super) fn quota(&mut self) -> Parsed<(u64, u64, bool)> {
        let over = self.take_word("over");
        if !over {
            self.take_word("until");
        }
        let bytes = self.amount()?;
        let used = if self.take_word("used") { self.amount()? } else { 0 };
        Ok((bytes, used, over))
    }

    fn amount(&mut self) -> Parsed<u64> {
        let number: u64 = self.number("an amount")?;
        let unit = self.any_word("a unit")?;
        Ok(number.saturating_mul(self.unit(&unit)?))
    }

    fn log(&mut self) -> Parsed<Statement> {
        let mut log = Log::default();
        loop {
            match self.word() {
                Some("prefix") => {
                    self.keyword("prefix")?;
                    log.prefix = Some(self.text("a prefix")?);
                }
                Some("level") => {
                    self.keyword("level")?;
                    log.level = Some(self.any_word("a level")?);
                }
                Some("group") => {
                    self.keyword("group")?;
                    log.group = Some(self.number("a group")?);
                }
                Some("snaplen") => {
                    self.keyword("snaplen")?;
                    log.snaplen = Some(self.number("a length")?);
                }
                Some("queue-threshold") => {
                    self.keyword("queue-threshold")?;
                    log.threshold = Some(self.number("a threshold")?);
                }
                Some("flags") => {
                    self.keyword("flags")?;
                    self.log_flags(&mut log.flags)?;
                }
                _ => return Ok(Statement::Log(log)),
            }
        }
    }

    fn log_flags(&mut self, flags: &mut Vec<String>) -> Parsed<()> {
        let first = self.any_word("a flag")?;
        if !matches!(first.as_str(), "tcp" | "ip") {
            flags.push(first);
            return Ok(());
        }
        loop {
            let flag = self.any_word("a flag")?;
            flags.push(format!("{first} {flag}"));
            if !self.take_symbol(",") {
                return Ok(());
            }
        }
    }

    fn reject(&mut self) -> Parsed<Statement> {
        if !self.take_word("with") {
            return Ok(Statement::Reject {
                with: None,
                code: None,
            });
        }
        let kind = self.any_word("an answer")?;
        if kind == "tcp" {
            self.keyword("reset")?;
            return Ok(Statement::Reject {
                with: Some("tcp reset".to_owned()),
                code: None,
            });
        }
        self.take_word("type");
        let code = Some(self.span()?);
        Ok(Statement::Reject {
            with: Some(kind),
            code,
        })
    }

    fn flags(&mut self) -> Parsed<Vec<String>> {
        let mut out = vec![self.any_word("a flag")?];
        while self.take_symbol(",") {
            out.push(self.any_word("a flag")?);
        }
        Ok(out)
    }

    fn queue(&mut self) -> Parsed<Statement> {
        let mut flags = Vec::new();
        let mut number = None;
        if self.take_word("flags") {
            flags = self.flags()?;
        }
        if self.take_word("to") {
            number = Some(if self.is_field() {
                self.any()?
            } else {
                self.span()?
            });
        } else if self.take_word("num") {
            number = Some(self.span()?);
        }
        if matches!(self.word(), Some("bypass" | "fanout")) {
            flags = self.flags()?;
        }
        Ok(Statement::Queue { number, flags })
    }

    pub(super) fn synproxy(&mut self) -> Parsed<Synproxy> {
        let mut out = Synproxy::default();
        loop {
            if self.take_word("mss") {
                out.mss = Some(self.number("a size")?);
            } else if self.take_word("wscale") {
                out.wscale = Some(self.number("a scale")?);
            } else if self.take_word("timestamp") {
                out.timestamp = true;
            } else if self.take_word("sack-perm") {
                out.sack = true;
            } else {
                return Ok(out);
            }
        }
    }

    fn fwd(&mut self) -> Parsed<Statement> {
        let mut family = None;
        if matches!(self.word(), Some("ip" | "ip6")) && self.word_ahead(1) == Some("to") {
            family = Some(self.any_word("a family")?);
        }
        self.keyword("to")?;
        let first = self.any()?;
        if self.take_word("device") {
            return Ok(Statement::Fwd {
                family,
                address: Some(first),
                device: self.any()?,
            });
        }
        Ok(Statement::Fwd {
            family,
            address: None,
            device: first,
        })
    }

    fn braced_element(&mut self) -> Parsed<Element> {
        self.symbol("{")?;
        self.newlines();
        let key = if self.is_field() {
            self.fields()?
        } else {
            self.concat()?
        };
        let mut element = self.element_options(key)?;
        self.newlines();
        // What a packet fills in may come from the packet.
        if self.take_symbol(":") {
            self.newlines();
            element.data = Some(if self.is_field() {
                self.fields()?
            } else {
                self.datum()?
            });
            self.newlines();
        }
        self.symbol("}")?;
        Ok(element)
    }

    /// An older spelling of a set that packets fill.
    fn meter(&mut self) -> Parsed<Statement> {
        let set = self.any_word("the name of a meter")?;
        if self.take_word("size") {
            self.number::<u32>("a size")?;
        }
        let element = self.braced_element()?;
        let op = if element.timeout_ms.is_some() {
            "update"
        } else {
            "add"
        };
        Ok(Statement::Dynset {
            op: op.to_owned(),
            set,
            element,
        })
    }
}

fn is_device(value: &Expr) -> bool {
    match value {
        Expr::Quoted(word) | Expr::Word(word) => word.parse::<std::net::IpAddr>().is_err(),
        _ => false,
    }
}
