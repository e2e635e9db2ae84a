//! Expressions that do something.

use super::{Attributes, NotUnderstood, Reader, Source, Symbol, Understood};
use crate::bytes::{Big, Text};
use crate::netfilter::model::{Family, Field, LimitUnit, LogFlag, RejectWith, Statement};
use crate::netfilter::nft::message::{self, Data};
use crate::netfilter::nft::object::object_kind;

/// `NFT_LOGLEVEL_AUDIT` and below.
const MAX_LEVEL: u32 = 8;
/// `NFT_LOGLEVEL_WARNING`, what `nft` and the kernel take where none is given.
const DEFAULT_LEVEL: u8 = 4;

/// `NF_LOG_*` (`linux/netfilter/nf_log.h`).
const LOG_FLAGS: [(u32, LogFlag); 5] = [
    (1, LogFlag::TcpSequence),
    (2, LogFlag::TcpOptions),
    (4, LogFlag::IpOptions),
    (8, LogFlag::Uid),
    (32, LogFlag::Macdecode),
];

const UNITS: [(u64, LimitUnit); 5] = [
    (1, LimitUnit::Second),
    (60, LimitUnit::Minute),
    (3_600, LimitUnit::Hour),
    (86_400, LimitUnit::Day),
    (604_800, LimitUnit::Week),
];

impl<'a> Reader<'_, 'a> {
    /// `enum nft_immediate_attributes`.
    pub(super) fn immediate(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2])?;
        match message::data(attributes.attr(2)?)? {
            Data::Verdict(verdict) => self.statement(Statement::Verdict(verdict)),
            Data::Value(bytes) => {
                self.store(attributes.be32(1)?, bytes.len(), Symbol::Constant(bytes.to_vec()))?;
            }
        }
        Ok(())
    }

    /// `enum nft_counter_attributes`; the numbers are runtime.
    pub(super) fn counter(&mut self, data: &'a [u8]) -> Understood {
        Attributes::read(data, &[1, 2, 3])?;
        let read = message::counters(crate::raw::attr::attrs(data))?;
        self.counters.get_or_insert(super::counters(read));
        self.statement(Statement::Counter { name: None });
        Ok(())
    }

    /// `enum nft_limit_attributes`.
    pub(super) fn limit(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3, 4, 5, 6])?;
        let seconds = attributes.be64(2)?;
        let unit = UNITS
            .iter()
            .find(|(length, _)| *length == seconds)
            .ok_or(NotUnderstood)?
            .1;
        let bytes = match attributes.opt_be32(4)?.unwrap_or(0) {
            0 => false,
            1 => true,
            _ => return Err(NotUnderstood),
        };
        self.statement(Statement::Limit {
            rate: Big(attributes.be64(1)?),
            unit,
            burst: attributes.opt_be32(3)?.unwrap_or(0),
            bytes,
            over: inverted(attributes.opt_be32(5)?)?,
        });
        Ok(())
    }

    /// `enum nft_quota_attributes`; what is used up is runtime.
    pub(super) fn quota(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3, 4])?;
        // NFT_QUOTA_F_DEPLETED tells what has happened, not what was asked for.
        let over = inverted(attributes.opt_be32(2)?.map(|flags| flags & !2))?;
        self.statement(Statement::Quota {
            bytes: Big(attributes.be64(1)?),
            over,
        });
        Ok(())
    }

    /// `enum nft_log_attributes`.
    pub(super) fn log(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3, 4, 5, 6])?;
        let group = attributes.opt_be16(1)?;
        let level = attributes.opt_be32(5)?.filter(|_| group.is_none());
        let level = match level {
            Some(level) if level > MAX_LEVEL => return Err(NotUnderstood),
            Some(level) => Some(u8::try_from(level).map_err(|_| NotUnderstood)?),
            None => group.is_none().then_some(DEFAULT_LEVEL),
        };
        self.statement(Statement::Log {
            prefix: attributes.opt_text(2).filter(|prefix| !prefix.is_empty()),
            level,
            flags: log_flags(attributes.opt_be32(6)?.unwrap_or(0))?,
            group,
            snaplen: attributes.opt_be32(3)?.filter(|bytes| *bytes != 0),
            threshold: attributes.opt_be16(4)?.filter(|packets| *packets != 0),
        });
        Ok(())
    }

    /// `enum nft_reject_attributes` and `enum nft_reject_types`.
    pub(super) fn reject(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2])?;
        let code = attributes.opt_u8(2)?;
        let with = match (attributes.be32(1)?, self.network_family()) {
            (0, Some(Family::Ip)) => RejectWith::Icmp {
                code: code.ok_or(NotUnderstood)?,
            },
            (0, Some(Family::Ip6)) => RejectWith::Icmpv6 {
                code: code.ok_or(NotUnderstood)?,
            },
            (1, _) => RejectWith::TcpReset,
            (2, _) => RejectWith::Icmpx {
                code: code.ok_or(NotUnderstood)?,
            },
            _ => return Err(NotUnderstood),
        };
        self.statement(Statement::Reject { with });
        Ok(())
    }

    fn network_family(&self) -> Option<Family> {
        match self.context.network? {
            "ip" => Some(Family::Ip),
            "ip6" => Some(Family::Ip6),
            _ => None,
        }
    }

    /// `enum nft_objref_attributes`: an object by name, or one that a map chooses.
    pub(super) fn object(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3, 4, 5])?;
        let Some(name) = attributes.opt_text(2) else {
            let map = attributes.text(4)?;
            let (key, parts) = self.key(attributes.be32(3)?, &map)?;
            let kind = self.set_named(&map)?.data_name().ok_or(NotUnderstood)?;
            let (map, entries) = self.map(&map, &parts)?;
            self.statement(Statement::MapTo {
                key,
                field: Field(format!("object.{kind}")),
                map,
                entries,
            });
            return Ok(());
        };
        let statement = match object_kind(attributes.be32(1)?) {
            kind if kind == "counter" => Statement::Counter { name: Some(name) },
            object => Statement::Object { object, name },
        };
        self.statement(statement);
        Ok(())
    }

    /// `enum nft_dynset_attributes`.
    pub(super) fn dynset(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10])?;
        let set = attributes.text(1)?;
        // NFT_DYNSET_F_EXPR follows from the expressions; NFT_DYNSET_F_INV has no words.
        if attributes.opt_be32(9)?.unwrap_or(0) & !2 != 0 {
            return Err(NotUnderstood);
        }
        let op = match attributes.be32(3)? {
            0 => "add",
            1 => "update",
            2 => "delete",
            _ => return Err(NotUnderstood),
        };
        let (key, _) = self.key(attributes.be32(4)?, &set)?;
        let data = attributes
            .opt_be32(5)?
            .map(|register| self.element_data(register, &set))
            .transpose()?;
        let statements = self.element_statements(&attributes)?;
        let timeout_ms = attributes.opt_be64(6)?.filter(|timeout| *timeout != 0).map(Big);
        self.statement(Statement::Dynset {
            op: op.to_owned(),
            set,
            key,
            data,
            timeout_ms,
            statements,
        });
        Ok(())
    }

    /// What an element of a map gets from the registers.
    fn element_data(&self, register: u32, set: &Text) -> Understood<Field> {
        let set = self.set_named(set)?;
        let symbols = self.registers.concatenation(register, set.data_length());
        let symbols = symbols.ok_or(NotUnderstood)?;
        if let [Symbol::Constant(bytes)] = symbols.as_slice() {
            let value = set.data_value(bytes, self.source.links);
            return super::lookup::constant(&value).map(Field).ok_or(NotUnderstood);
        }
        let fields: Vec<String> = symbols
            .into_iter()
            .map(|symbol| Ok(super::compute::in_natural_order(&self.expression_of(symbol)?)))
            .collect::<Understood<_>>()?;
        Ok(Field(fields.join(" . ")))
    }

    fn element_statements(&self, attributes: &Attributes<'a>) -> Understood<Vec<super::Item>> {
        // One expression stands in NFTA_DYNSET_EXPR; NFTA_DYNSET_EXPRESSIONS has all where there are several.
        let source: Source<'_, 'a> = self.source;
        let read = if attributes.has(10) {
            super::read(source, attributes.nested(10)?)?
        } else if attributes.has(7) {
            super::read(source, std::iter::once(Ok(*attributes.attr(7)?)))?
        } else {
            return Ok(Vec::new());
        };
        Ok(read.items)
    }
}

/// `NFT_LIMIT_F_INV`, `NFT_QUOTA_F_INV`: the only flag there is.
pub(super) fn inverted(flags: Option<u32>) -> Understood<bool> {
    match flags.unwrap_or(0) {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(NotUnderstood),
    }
}

fn log_flags(bits: u32) -> Understood<Vec<LogFlag>> {
    let known = LOG_FLAGS.iter().fold(0, |all, (bit, _)| all | bit);
    if bits & !known != 0 {
        return Err(NotUnderstood);
    }
    let mut out: Vec<LogFlag> = LOG_FLAGS
        .iter()
        .filter(|(bit, _)| bits & bit != 0)
        .map(|(_, flag)| *flag)
        .collect();
    out.sort_unstable();
    Ok(out)
}
