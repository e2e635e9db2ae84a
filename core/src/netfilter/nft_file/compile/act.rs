//! Statements.

use super::super::ast::{Expr, Judgement, Log, Rate, Statement, Synproxy};
use super::super::attributes::Attributes;
use super::super::words;
use super::emit::{Emitter, register};
use super::{Compiled, Data, Fault, SetType, family_number, fault, object, set};
use crate::netfilter::model::Family;

/// `NF_LOG_*` (`linux/netfilter/nf_log.h`).
const LOG_FLAGS: [(&str, u32); 6] = [
    ("tcp sequence", 1),
    ("tcp options", 2),
    ("ip options", 4),
    ("skuid", 8),
    ("ether", 32),
    ("all", 0x2f),
];

impl Emitter<'_, '_> {
    pub(super) fn statement(&mut self, statement: &Statement) -> Compiled {
        match statement {
            Statement::Match(left, relation, right) => self.relation(left, *relation, right),
            Statement::Verdict(judgement) => {
                self.verdict(judgement);
                Ok(())
            }
            Statement::VerdictMap(key, map) => self.map(key, map, &Data::Verdict).map(drop),
            Statement::Counter(_)
            | Statement::Quota { .. }
            | Statement::Limit(_)
            | Statement::ConnLimit { .. } => {
                let (name, data) = stateful(statement)?;
                self.expression(name, &data);
                Ok(())
            }
            Statement::Log(log) => self.log(log),
            Statement::Reject { with, code } => self.reject(with.as_deref(), code.as_ref()),
            Statement::Nat(nat) => self.nat(nat),
            Statement::Set(field, value) => self.assign(field, value),
            Statement::Queue { number, flags } => self.queue(number.as_ref(), flags),
            Statement::Notrack => {
                self.expression("notrack", &Attributes::default());
                Ok(())
            }
            Statement::Dup { address, device } => self.dup(address.as_ref(), device.as_ref()),
            Statement::Fwd {
                family,
                address,
                device,
            } => self.fwd(family.as_deref(), address.as_ref(), device),
            Statement::Tproxy {
                family,
                address,
                port,
            } => self.tproxy(family.as_deref(), address.as_ref(), port.as_ref()),
            Statement::Synproxy(synproxy) => {
                self.expression("synproxy", &synproxy_data(synproxy));
                Ok(())
            }
            Statement::Dynset { .. } => self.dynset(statement),
            Statement::Object(kind, name) => self.object(kind, name),
            Statement::Offload(name) => {
                let mut data = Attributes::default();
                data.text(1, name);
                self.expression("flow_offload", &data);
                Ok(())
            }
            Statement::ResetOption(name) => self.reset_option(name),
            Statement::Unknown { name, words } => {
                self.words(name, words);
                Ok(())
            }
        }
    }

    fn verdict(&mut self, judgement: &Judgement) {
        let verdict = self.judgement(judgement);
        let mut data = Attributes::default();
        data.be32(1, 0);
        data.nest(2, &verdict);
        self.expression("immediate", &data);
    }

    fn log(&mut self, log: &Log) -> Compiled {
        let mut data = Attributes::default();
        if let Some(prefix) = &log.prefix {
            data.text(2, prefix);
        }
        if let Some(group) = log.group {
            data.be16(1, group);
            if let Some(snaplen) = log.snaplen {
                data.be32(3, snaplen);
            }
            if let Some(threshold) = log.threshold {
                data.be16(4, threshold);
            }
        } else {
            let level = match log.level.as_deref() {
                None => 4,
                Some(word) => {
                    let number = words::number(words::LOG_LEVELS, word);
                    number.ok_or_else(|| Fault(format!("there is no level {word}")))?
                }
            };
            data.be32(5, u32::try_from(level).unwrap_or(4));
            let mut bits = 0;
            for flag in &log.flags {
                let known = LOG_FLAGS.iter().find(|(word, _)| word == flag);
                bits |= known.ok_or_else(|| Fault(format!("there is no flag {flag}")))?.1;
            }
            if bits != 0 {
                data.be32(6, bits);
            }
        }
        self.expression("log", &data);
        Ok(())
    }

    /// `enum nft_reject_types` and `enum nft_reject_inet_code`.
    fn reject(&mut self, with: Option<&str>, code: Option<&Expr>) -> Compiled {
        let network = self.context.network();
        let (kind, ty) = match with {
            Some("tcp reset") => {
                self.need_tcp()?;
                return self.rejected(1, 0);
            }
            Some("icmp") => (0, "icmp_code"),
            Some("icmpv6") => (0, "icmpv6_code"),
            Some("icmpx") => (2, "icmpx_code"),
            Some(other) => return fault(format!("there is no answer {other}")),
            None => match network {
                Some("ip") => return self.rejected(0, 3),
                Some("ip6") => return self.rejected(0, 4),
                _ => return self.rejected(2, 1),
            },
        };
        match ty {
            "icmp_code" => self.need_network("ip")?,
            "icmpv6_code" => self.need_network("ip6")?,
            _ => {}
        }
        let default = if ty == "icmp_code" {
            3
        } else {
            u8::from(ty == "icmpx_code") + 4 * u8::from(ty == "icmpv6_code")
        };
        let code = match code {
            None => default,
            Some(code) => {
                let ty = super::super::datatype::Ty::new(ty, 8).ok_or_else(|| Fault("no type".to_owned()))?;
                u8::try_from(self.integer(code, ty)?).map_err(|_| Fault("no such code".to_owned()))?
            }
        };
        self.rejected(kind, code)
    }

    fn rejected(&mut self, kind: u32, code: u8) -> Compiled {
        let mut data = Attributes::default();
        data.be32(1, kind);
        if kind != 1 {
            data.byte(2, code);
        }
        self.expression("reject", &data);
        Ok(())
    }

    /// `NFT_QUEUE_FLAG_*`.
    fn queue(&mut self, number: Option<&Expr>, flags: &[String]) -> Compiled {
        let bits = flags.iter().fold(0, |bits, flag| {
            bits | match flag.as_str() {
                "bypass" => 1,
                "fanout" => 2,
                _ => 0,
            }
        });
        let mut data = Attributes::default();
        match number {
            None => {
                data.be16(1, 0);
                data.be16(2, 1);
            }
            Some(Expr::Range(from, to)) => {
                let (from, to) = (self.small(from)?, self.small(to)?);
                let more = to
                    .checked_sub(from)
                    .ok_or_else(|| Fault("a range from the greater to the less".to_owned()))?;
                data.be16(1, from);
                data.be16(2, more.saturating_add(1));
            }
            Some(number @ (Expr::Number(_) | Expr::Word(_))) => {
                data.be16(1, self.small(number)?);
                data.be16(2, 1);
            }
            Some(value) => {
                self.value(0, value, super::super::datatype::Ty::new("queue number", 16))?;
                if bits != 0 {
                    data.be16(3, bits);
                }
                data.be32(4, register(0));
                self.expression("queue", &data);
                return Ok(());
            }
        }
        if bits != 0 {
            data.be16(3, bits);
        }
        self.expression("queue", &data);
        Ok(())
    }

    fn small(&mut self, value: &Expr) -> Compiled<u16> {
        let ty =
            super::super::datatype::Ty::new("queue number", 16).ok_or_else(|| Fault("no type".to_owned()))?;
        u16::try_from(self.integer(value, ty)?).map_err(|_| Fault("no such number".to_owned()))
    }

    fn address_type(&self) -> &'static str {
        if self.family == Family::Ip6 || self.context.network() == Some("ip6") {
            "ipv6_addr"
        } else {
            "ipv4_addr"
        }
    }

    fn dup(&mut self, address: Option<&Expr>, device: Option<&Expr>) -> Compiled {
        let mut data = Attributes::default();
        let mut slot = 0;
        if let Some(address) = address {
            let ty = super::super::datatype::Ty::new(self.address_type(), 0);
            self.value(slot, address, ty)?;
            data.be32(1, register(slot));
            slot += 4;
        }
        if let Some(device) = device {
            self.value(slot, device, super::super::datatype::Ty::new("iface_index", 0))?;
            data.be32(2, register(slot));
        }
        self.expression("dup", &data);
        Ok(())
    }

    fn fwd(&mut self, family: Option<&str>, address: Option<&Expr>, device: &Expr) -> Compiled {
        let mut data = Attributes::default();
        self.value(0, device, super::super::datatype::Ty::new("iface_index", 0))?;
        data.be32(1, register(0));
        if let Some(address) = address {
            let six = family == Some("ip6");
            let ty = super::super::datatype::Ty::new(if six { "ipv6_addr" } else { "ipv4_addr" }, 0);
            self.value(4, address, ty)?;
            data.be32(2, register(4));
            data.be32(3, if six { 10 } else { 2 });
        }
        self.expression("fwd", &data);
        Ok(())
    }

    fn tproxy(&mut self, family: Option<&str>, address: Option<&Expr>, port: Option<&Expr>) -> Compiled {
        let number = match (family, self.family) {
            (Some("ip"), _) => 2,
            (Some("ip6"), _) => 10,
            (_, family @ (Family::Ip | Family::Ip6)) => family_number(family),
            _ => 0,
        };
        let mut data = Attributes::default();
        data.be32(1, number.into());
        let mut slot = 0;
        if let Some(address) = address {
            let ty = if number == 10 { "ipv6_addr" } else { "ipv4_addr" };
            self.value(slot, address, super::super::datatype::Ty::new(ty, 0))?;
            data.be32(2, register(slot));
            slot += 4;
        }
        if let Some(port) = port {
            self.value(slot, port, super::super::datatype::Ty::new("inet_service", 0))?;
            data.be32(3, register(slot));
        }
        self.expression("tproxy", &data);
        Ok(())
    }

    fn reset_option(&mut self, name: &str) -> Compiled {
        let row = super::super::header::TCP_OPTIONS.iter().find(|row| row.0 == name);
        let number = row.map(|row| row.1).or_else(|| name.parse().ok());
        let mut data = Attributes::default();
        data.byte(
            2,
            number.ok_or_else(|| Fault(format!("there is no option {name}")))?,
        );
        data.be32(6, 1);
        self.expression("exthdr", &data);
        Ok(())
    }

    fn dynset(&mut self, statement: &Statement) -> Compiled {
        let Statement::Dynset { op, set, element } = statement else {
            return fault("not of a set");
        };
        self.depend(&element.key)?;
        if let Some(value) = &element.data {
            self.depend(value)?;
        }
        if self.set_named(set).is_none() {
            let key = self.key_types(&element.key)?;
            let data = Data::None;
            self.phantom(
                set,
                SetType {
                    key,
                    data,
                    interval: false,
                },
            );
        }
        let length = self.load_key(0, &element.key, true)?;
        let mut data = Attributes::default();
        data.be32(4, register(0));
        if let Some(value) = &element.data {
            let slot = super::emit::slots(length).next_multiple_of(4);
            let types = match self.set_named(set).map(|set| set.data.clone()) {
                Some(Data::Value(types)) => types,
                _ => return fault("a value for a set that holds none"),
            };
            match types.as_slice() {
                [one] => self.value(slot, value, Some(*one))?,
                _ => drop(self.load_key(slot, value, true)?),
            }
            data.be32(5, register(slot));
        }
        let number = match op.as_str() {
            "add" => 0,
            "update" => 1,
            "delete" => 2,
            _ => return fault(format!("{op} is nothing to do with a set")),
        };
        data.be32(3, number);
        data.text(1, set);
        if let Some(timeout) = element.timeout_ms {
            data.be64(6, timeout);
        }
        let statements = self.element_statements(&element.statements)?;
        set::statement_attributes(&mut data, (7, 10), &statements);
        self.expression("dynset", &data);
        Ok(())
    }

    fn object(&mut self, kind: &str, name: &Expr) -> Compiled {
        let number = object::number(kind)?;
        let mut data = Attributes::default();
        match name {
            Expr::Word(name) | Expr::Quoted(name) => {
                data.be32(1, number);
                data.text(2, name);
            }
            Expr::Map { key, map } => {
                self.depend(key)?;
                let set = match &**map {
                    Expr::SetName(name) => {
                        if self.set_named(name).is_none() {
                            let ty = SetType {
                                key: self.key_types(key)?,
                                data: Data::Object(number),
                                interval: false,
                            };
                            self.phantom(name, ty);
                        }
                        self.load_key(0, key, true)?;
                        name.clone()
                    }
                    Expr::Set(elements) => {
                        let set = self.anonymous(key, elements, &Data::Object(number))?;
                        self.load_set_key(key, &set)?;
                        set.name
                    }
                    _ => return fault("not a map"),
                };
                data.be32(3, register(0));
                data.text(4, &set);
            }
            _ => return fault("not the name of an object"),
        }
        self.expression("objref", &data);
        Ok(())
    }
}

/// Statements that keep a state, which rules and elements both hold.
pub(super) fn stateful(statement: &Statement) -> Compiled<(&'static str, Attributes)> {
    let mut data = Attributes::default();
    Ok(match statement {
        Statement::Counter(numbers) => {
            let (packets, bytes) = numbers.unwrap_or_default();
            data.be64(1, bytes);
            data.be64(2, packets);
            ("counter", data)
        }
        Statement::Quota { bytes, used, over } => ("quota", quota_data(*bytes, *used, *over)),
        Statement::Limit(rate) => ("limit", limit_data(rate)?),
        Statement::ConnLimit { count, over } => {
            data.be32(1, *count);
            data.be32(2, u32::from(*over));
            ("connlimit", data)
        }
        _ => return fault("this can't stand in a set"),
    })
}

pub(super) fn quota_data(bytes: u64, used: u64, over: bool) -> Attributes {
    let mut data = Attributes::default();
    data.be64(1, bytes);
    data.be64(4, used);
    data.be32(2, u32::from(over));
    data
}

pub(super) fn limit_data(rate: &Rate) -> Compiled<Attributes> {
    let mut data = Attributes::default();
    // `nft` takes five packets where no burst is given.
    let burst = rate.burst.unwrap_or(if rate.bytes { 0 } else { 5 });
    data.be64(1, rate.rate);
    data.be64(2, rate.per);
    data.be32(
        3,
        u32::try_from(burst).map_err(|_| Fault("too large a burst".to_owned()))?,
    );
    data.be32(4, u32::from(rate.bytes));
    data.be32(5, u32::from(rate.over));
    Ok(data)
}

/// `NF_SYNPROXY_OPT_*` (`linux/netfilter/nf_synproxy.h`).
pub(super) fn synproxy_data(synproxy: &Synproxy) -> Attributes {
    let mut data = Attributes::default();
    let mut flags = 0;
    if synproxy.mss.is_some() {
        flags |= 1;
    }
    if synproxy.wscale.is_some() {
        flags |= 2;
    }
    if synproxy.sack {
        flags |= 4;
    }
    if synproxy.timestamp {
        flags |= 8;
    }
    data.be16(1, synproxy.mss.unwrap_or_default());
    data.byte(2, synproxy.wscale.unwrap_or_default());
    data.be32(3, flags);
    data
}
