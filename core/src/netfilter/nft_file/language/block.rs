//! Tables and what stands in them.

use super::super::ast::{Base, Chain, Content, Flowtable, Kind, Object, Set, Table};
use super::super::priority;
use super::hook;
use super::parser::{Parsed, Parser};
use crate::netfilter::model::Family;

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

    fn flowtable_line(&mut self, family: Family, flowtable: &mut Flowtable) -> Parsed<()> {
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

    fn set_line(&mut self, set: &mut Set) -> Parsed<()> {
        let Some(word) = self.word().map(str::to_owned) else {
            return self.wrong("a part of a set");
        };
        match word.as_str() {
            "counter" | "limit" | "quota" | "ct" => {
                let statement = self.statement()?;
                set.statements.push(statement);
                return Ok(());
            }
            _ => self.keyword(&word)?,
        }
        match word.as_str() {
            "type" => {
                set.key = Some(Kind::Named(self.type_names()?));
                if self.take_symbol(":") {
                    set.data = Some(self.data_kind()?);
                }
            }
            "typeof" => {
                set.key = Some(Kind::Of(self.fields()?));
                if self.take_symbol(":") {
                    self.take_word("interval");
                    set.data = Some(if self.is_field() {
                        Kind::Of(self.fields()?)
                    } else {
                        self.data_kind()?
                    });
                }
            }
            "flags" => set.flags = self.words_in_list(&["constant", "interval", "timeout", "dynamic"])?,
            "timeout" => set.timeout_ms = Some(self.time()?),
            "gc-interval" => set.gc_interval_ms = u32::try_from(self.time()?).ok(),
            "size" => set.size = Some(self.number("a size")?),
            "policy" => set.policy = Some(self.any_word("performance or memory")?),
            "auto-merge" => set.auto_merge = true,
            "comment" => set.comment = Some(self.text("a comment")?),
            "elements" => {
                self.symbol("=")?;
                self.newlines();
                set.elements.extend(self.within(Self::set)?);
            }
            _ => {
                let before = self.mark().saturating_sub(1);
                self.back(before);
                return self.wrong("a part of a set");
            }
        }
        Ok(())
    }

    fn type_names(&mut self) -> Parsed<Vec<String>> {
        let mut out = vec![self.any_word("a type")?];
        while self.take_symbol(".") {
            out.push(self.any_word("a type")?);
        }
        Ok(out)
    }

    fn data_kind(&mut self) -> Parsed<Kind> {
        self.take_word("interval");
        match (self.word(), self.word_ahead(1)) {
            (Some("verdict"), _) => {
                self.keyword("verdict")?;
                Ok(Kind::Verdict)
            }
            (Some(word @ ("counter" | "quota" | "limit" | "synproxy" | "secmark")), _) => {
                let kind = word.to_owned();
                self.keyword(&kind)?;
                Ok(Kind::Object(kind))
            }
            (Some("ct"), Some(of)) => {
                let kind = format!("ct {of}");
                self.keyword("ct")?;
                self.any_word("an object")?;
                Ok(Kind::Object(kind))
            }
            _ => self.type_names().map(Kind::Named),
        }
    }

    fn object(&mut self, table: &mut Table, kind: &str) -> Parsed<()> {
        let name = self.text("the name of an object")?;
        let mut object = Object {
            name,
            handle: None,
            comment: None,
            content: empty(kind),
        };
        if self.is_symbol("{") {
            self.block(|parser| {
                if parser.take_word("comment") {
                    object.comment = Some(parser.text("a comment")?);
                    return Ok(());
                }
                parser.object_line(&mut object.content)
            })?;
        } else if !self.is_end() {
            self.object_line(&mut object.content)?;
        }
        table.objects.push(object);
        Ok(())
    }

    fn object_line(&mut self, content: &mut Content) -> Parsed<()> {
        match content {
            Content::Counter(numbers) => *numbers = Some(self.counts()?),
            Content::Quota { .. } => {
                let (bytes, used, over) = self.quota()?;
                *content = Content::Quota { bytes, used, over };
            }
            Content::Limit(_) => *content = Content::Limit(self.rate()?),
            Content::Secmark(context) => *context = self.text("a context")?,
            Content::Synproxy(synproxy) => {
                let more = self.synproxy()?;
                synproxy.mss = more.mss.or(synproxy.mss);
                synproxy.wscale = more.wscale.or(synproxy.wscale);
                synproxy.timestamp |= more.timestamp;
                synproxy.sack |= more.sack;
                if !self.is_end() {
                    return self.wrong("a part of a synproxy");
                }
            }
            _ => return self.connection_line(content),
        }
        Ok(())
    }

    /// A line of `ct helper`, `ct timeout` or `ct expectation`.
    fn connection_line(&mut self, content: &mut Content) -> Parsed<()> {
        let word = self.any_word("a part of the object")?;
        match (word.as_str(), content) {
            ("type", Content::Helper { kind, protocol, .. }) => {
                *kind = self.text("the type of a helper")?;
                self.keyword("protocol")?;
                *protocol = self.any_word("a protocol")?;
            }
            (
                "l3proto",
                Content::Helper { l3proto, .. }
                | Content::Timeout { l3proto, .. }
                | Content::Expectation { l3proto, .. },
            ) => *l3proto = Some(self.any_word("a family")?),
            ("protocol", Content::Timeout { protocol, .. } | Content::Expectation { protocol, .. }) => {
                *protocol = self.any_word("a protocol")?;
            }
            ("policy", Content::Timeout { policy, .. }) => {
                self.symbol("=")?;
                self.symbol("{")?;
                loop {
                    self.newlines();
                    if self.take_symbol("}") {
                        break;
                    }
                    let state = self.any_word("a state")?;
                    self.symbol(":")?;
                    policy.push((state, self.time()? / 1000));
                    self.newlines();
                    if !self.take_symbol(",") && !self.is_symbol("}") {
                        return self.wrong("a comma or }");
                    }
                }
            }
            ("dport", Content::Expectation { port, .. }) => *port = self.number("a port")?,
            ("timeout", Content::Expectation { timeout_ms, .. }) => *timeout_ms = self.time()?,
            ("size", Content::Expectation { size, .. }) => *size = self.number("a size")?,
            _ => {
                let before = self.mark().saturating_sub(1);
                self.back(before);
                return self.wrong("a part of the object");
            }
        }
        Ok(())
    }
}

/// What an object of this kind is before its lines are read.
fn empty(kind: &str) -> Content {
    match kind {
        "counter" => Content::Counter(None),
        "quota" => Content::Quota {
            bytes: 0,
            used: 0,
            over: false,
        },
        "limit" => Content::Limit(super::super::ast::Rate {
            rate: 0,
            bytes: false,
            per: 1,
            burst: None,
            over: false,
        }),
        "secmark" => Content::Secmark(String::new()),
        "synproxy" => Content::Synproxy(super::super::ast::Synproxy::default()),
        "ct helper" => Content::Helper {
            kind: String::new(),
            protocol: String::new(),
            l3proto: None,
        },
        "ct timeout" => Content::Timeout {
            protocol: String::new(),
            l3proto: None,
            policy: Vec::new(),
        },
        "ct expectation" => Content::Expectation {
            protocol: String::new(),
            l3proto: None,
            port: 0,
            timeout_ms: 0,
            size: 0,
        },
        other => Content::Unknown {
            kind: other.to_owned(),
            words: String::new(),
        },
    }
}
