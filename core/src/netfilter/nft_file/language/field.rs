//! Fields.

use super::super::ast::{Expr, Extension};
use super::super::header;
use super::super::key;
use super::parser::{Parsed, Parser};

/// Keys of `meta` that need no `meta` before them.
const BARE: [&str; 19] = [
    "mark",
    "iif",
    "oif",
    "iifname",
    "oifname",
    "iiftype",
    "oiftype",
    "skuid",
    "skgid",
    "nftrace",
    "rtclassid",
    "ibrname",
    "obrname",
    "pkttype",
    "cpu",
    "iifgroup",
    "oifgroup",
    "cgroup",
    "ibriport",
];

fn is_ip6_extension(name: &str) -> bool {
    header::IP6_EXTENSIONS.iter().any(|row| row.0 == name)
}

impl Parser<'_> {
    /// True if a field begins here, and no value that happens to have its name.
    pub(super) fn is_field(&self) -> bool {
        if self.is_symbol("@") {
            return matches!(self.word_ahead(1), Some("ll" | "nh" | "th" | "ih"))
                && self.is_symbol_ahead(2, ",");
        }
        let (Some(word), next) = (self.word(), self.word_ahead(1)) else {
            return false;
        };
        match word {
            "meta" => next.is_some_and(|next| key::find(key::META, next).is_some()),
            "ct" | "fib" | "socket" | "osf" | "numgen" | "jhash" | "symhash" | "ipsec" | "exthdr" => {
                next.is_some() || self.is_symbol_ahead(1, "(")
            }
            "rt" => next.is_some(),
            "tcp" | "ip" if next == Some("option") => true,
            "sctp" if next == Some("chunk") => true,
            _ => {
                BARE.contains(&word)
                    || (is_ip6_extension(word) && next.is_some())
                    || header::header(word).is_some_and(|header| {
                        next.is_some_and(|next| {
                            header.field(next).is_some()
                                || (word == "arp" && matches!(next, "saddr" | "daddr"))
                        })
                    })
            }
        }
    }

    /// A field, with operations on its bits, or several side by side.
    pub(super) fn fields(&mut self) -> Parsed<Expr> {
        let first = self.operated()?;
        if !self.is_symbol(".") {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.take_symbol(".") {
            parts.push(self.operated()?);
        }
        Ok(Expr::Concat(parts))
    }

    fn operated(&mut self) -> Parsed<Expr> {
        let mut left = if self.take_symbol("(") {
            self.within(|parser| {
                let inner = parser.operated()?;
                parser.symbol(")")?;
                Ok(inner)
            })?
        } else {
            self.field()?
        };
        // To the left stands a field, so operators apply as they come; tighter ones to their right are in the operand.
        while let Some((rank, binary)) = (0..4).find_map(|rank| Some((rank, self.operator(rank)?))) {
            left = Expr::Binary(binary, Box::new(left), Box::new(self.operand(rank)?));
        }
        Ok(left)
    }

    fn field(&mut self) -> Parsed<Expr> {
        if self.take_symbol("@") {
            let base = self.any_word("a base")?;
            self.symbol(",")?;
            let offset = self.number("an offset in bits")?;
            self.symbol(",")?;
            let bits = self.number("a length in bits")?;
            return Ok(Expr::Raw { base, offset, bits });
        }
        let word = self.any_word("a field")?;
        match word.as_str() {
            "meta" => self.any_word("a key of meta").map(Expr::Meta),
            "ct" => self.connection(),
            "fib" => self.fib(),
            "rt" => self.route(),
            "socket" => {
                let key = self.any_word("a key of socket")?;
                let level = self
                    .take_word("level")
                    .then(|| self.number("a level"))
                    .transpose()?;
                Ok(Expr::Socket { key, level })
            }
            "osf" => {
                let ttl = self
                    .take_word("ttl")
                    .then(|| self.any_word("loose or skip"))
                    .transpose()?;
                let key = self.any_word("name or version")?;
                Ok(Expr::Fingerprint { ttl, key })
            }
            "numgen" => {
                let mode = self.any_word("inc or random")?;
                self.keyword("mod")?;
                let modulus = self.number("a modulus")?;
                let offset = self.offset()?;
                Ok(Expr::NumberGenerator {
                    mode,
                    modulus,
                    offset,
                })
            }
            "jhash" | "symhash" => self.hash(word == "jhash"),
            "ipsec" => self.ipsec(),
            "exthdr" => {
                let name = self.any_word("an extension header")?;
                Ok(Expr::Extension {
                    kind: Extension::Ip6,
                    name,
                    field: None,
                })
            }
            _ => self.header_field(word),
        }
    }

    fn offset(&mut self) -> Parsed<u32> {
        if self.take_word("offset") {
            return self.number("an offset");
        }
        Ok(0)
    }

    fn connection(&mut self) -> Parsed<Expr> {
        let mut direction = None;
        if matches!(self.word(), Some("original" | "reply")) {
            direction = Some(self.any_word("a direction")?);
        }
        let mut family = None;
        if matches!(self.word(), Some("ip" | "ip6")) {
            family = Some(self.any_word("a family")?);
        }
        let key = self.any_word("a key of ct")?;
        Ok(Expr::Ct {
            direction,
            family,
            key,
        })
    }

    fn fib(&mut self) -> Parsed<Expr> {
        let mut flags = vec![self.any_word("an input of fib")?];
        while self.take_symbol(".") {
            flags.push(self.any_word("an input of fib")?);
        }
        let result = self.any_word("a result of fib")?;
        Ok(Expr::Fib { flags, result })
    }

    /// `rt` is the routing of a packet, and a header of IPv6.
    fn route(&mut self) -> Parsed<Expr> {
        if matches!(self.word(), Some("ip" | "ip6")) {
            let family = Some(self.any_word("a family")?);
            let key = self.any_word("a key of rt")?;
            return Ok(Expr::Route { family, key });
        }
        let key = self.any_word("a key of rt")?;
        if matches!(key.as_str(), "classid" | "nexthop" | "mtu" | "ipsec") {
            return Ok(Expr::Route { family: None, key });
        }
        Ok(Expr::Extension {
            kind: Extension::Ip6,
            name: "rt".to_owned(),
            field: Some(key),
        })
    }

    fn hash(&mut self, keyed: bool) -> Parsed<Expr> {
        let key = if keyed {
            Some(Box::new(self.within(Self::fields)?))
        } else {
            None
        };
        self.keyword("mod")?;
        let modulus = self.number("a modulus")?;
        let seed = self
            .take_word("seed")
            .then(|| self.number("a seed"))
            .transpose()?;
        let offset = self.offset()?;
        Ok(Expr::Hash {
            key,
            modulus,
            seed,
            offset,
        })
    }

    fn ipsec(&mut self) -> Parsed<Expr> {
        let direction = self.any_word("in or out")?;
        let number = if self.take_word("spnum") {
            self.number("a number")?
        } else {
            0
        };
        let mut family = None;
        if matches!(self.word(), Some("ip" | "ip6")) {
            family = Some(self.any_word("a family")?);
        }
        let key = self.any_word("a key of ipsec")?;
        Ok(Expr::Ipsec {
            direction,
            number,
            family,
            key,
        })
    }

    fn header_field(&mut self, word: String) -> Parsed<Expr> {
        let extension = match word.as_str() {
            "tcp" if self.take_word("option") => Some(Extension::TcpOption),
            "ip" if self.take_word("option") => Some(Extension::IpOption),
            "sctp" if self.take_word("chunk") => Some(Extension::SctpChunk),
            _ => None,
        };
        if let Some(kind) = extension {
            return self.extension(kind);
        }
        if BARE.contains(&word.as_str()) {
            return Ok(Expr::Meta(word));
        }
        if is_ip6_extension(&word) {
            let mut field = self.any_word("a field of the header")?;
            if self.take_symbol("[") {
                let index = self.any_word("an index")?;
                self.symbol("]")?;
                field = format!("{field}[{index}]");
            }
            return Ok(Expr::Extension {
                kind: Extension::Ip6,
                name: word,
                field: Some(field),
            });
        }
        if header::header(&word).is_none() {
            let before = self.mark().saturating_sub(1);
            self.back(before);
            return self.wrong("a statement");
        }
        let mut field = self.any_word("a field of the header")?;
        if word == "arp"
            && matches!(self.word(), Some("ip" | "ether"))
            && matches!(field.as_str(), "saddr" | "daddr")
        {
            let of = self.any_word("ip or ether")?;
            field = format!("{field} {of}");
        }
        Ok(Expr::Payload {
            protocol: word,
            field,
        })
    }

    fn extension(&mut self, kind: Extension) -> Parsed<Expr> {
        if kind == Extension::TcpOption && self.take_symbol("@") {
            let number = self.number("the number of an option")?;
            self.symbol(",")?;
            let offset = self.number("an offset in bits")?;
            self.symbol(",")?;
            let bits = self.number("a length in bits")?;
            return Ok(Expr::RawTcpOption { number, offset, bits });
        }
        let name = self.any_word("the name of an option")?;
        let rows = match kind {
            Extension::TcpOption => header::TCP_OPTIONS,
            Extension::IpOption => header::IP_OPTIONS,
            Extension::SctpChunk => header::SCTP_CHUNKS,
            Extension::Ip6 => header::IP6_EXTENSIONS,
        };
        let fields = rows.iter().find(|row| row.0 == name).map_or(&[][..], |row| row.2);
        let field = self
            .word()
            .filter(|word| fields.iter().any(|row| row.0 == *word))
            .map(str::to_owned);
        if let Some(field) = &field {
            self.keyword(field)?;
        }
        Ok(Expr::Extension { kind, name, field })
    }
}
