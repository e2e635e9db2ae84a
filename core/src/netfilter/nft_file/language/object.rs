//! Named objects.

use super::super::ast::{Content, Object, Rate, Synproxy, Table};
use super::parser::{Parsed, Parser};

impl Parser<'_> {
    pub(super) fn object(&mut self, table: &mut Table, kind: &str) -> Parsed<()> {
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
        "limit" => Content::Limit(Rate {
            rate: 0,
            bytes: false,
            per: 1,
            burst: None,
            over: false,
        }),
        "secmark" => Content::Secmark(String::new()),
        "synproxy" => Content::Synproxy(Synproxy::default()),
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
