//! Expressions that send a packet or its copy somewhere, or answer it.

use super::{Attributes, NotUnderstood, Reader, Symbol, Understood};
use crate::netfilter::model::{Family, Field, Statement, Value};
use crate::netfilter::nft::typed::Type;

/// `NF_SYNPROXY_OPT_*` (`linux/netfilter/nf_synproxy.h`): the first two are said by the numbers they belong to.
const SYNPROXY: [(u32, &str); 3] = [(4, "sack-perm"), (8, "timestamp"), (16, "ecn")];
const SYNPROXY_MSS: u32 = 1;
const SYNPROXY_WSCALE: u32 = 2;

impl<'a> Reader<'_, 'a> {
    /// `enum nft_queue_attributes`.
    pub(super) fn queue(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3, 4])?;
        let bits = u32::from(attributes.opt_be16(3)?.unwrap_or(0));
        let flags = words(&[(1, "bypass"), (2, "fanout")], bits)?;
        if let Some(register) = attributes.opt_be32(4)? {
            if attributes.has(1) || attributes.has(2) {
                return Err(NotUnderstood);
            }
            let number = self.taken(register, Type::Host, "queue.number")?;
            self.statement(Statement::QueueBy { number, flags });
            return Ok(());
        }
        let from = attributes.opt_be16(1)?.unwrap_or(0);
        let total = attributes.opt_be16(2)?.unwrap_or(1).max(1);
        let to = from.checked_add(total - 1).ok_or(NotUnderstood)?;
        self.statement(Statement::Queue { from, to, flags });
        Ok(())
    }

    /// `enum nft_tproxy_attributes`.
    pub(super) fn tproxy(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3])?;
        let (family, ty) = match attributes.opt_be32(1)?.unwrap_or(0) {
            // NFPROTO_UNSPEC and NFPROTO_INET leave it open.
            0 | 1 => (None, None),
            2 => (Some(Family::Ip), Some(Type::Ipv4)),
            10 => (Some(Family::Ip6), Some(Type::Ipv6)),
            _ => return Err(NotUnderstood),
        };
        let address = match attributes.opt_be32(2)? {
            Some(register) => Some(self.taken(register, ty.ok_or(NotUnderstood)?, "tproxy.address")?),
            None => None,
        };
        let port = attributes
            .opt_be32(3)?
            .map(|register| self.taken(register, Type::Network, "tproxy.port"))
            .transpose()?;
        let family = family.filter(|_| self.source.family == Family::Inet);
        self.statement(Statement::Tproxy {
            family,
            address,
            port,
        });
        Ok(())
    }

    /// `enum nft_synproxy_attributes`.
    pub(super) fn synproxy(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3])?;
        let bits = attributes.opt_be32(3)?.unwrap_or(0);
        let mss = attributes.opt_be16(1)?.filter(|_| bits & SYNPROXY_MSS != 0);
        let wscale = attributes.opt_u8(2)?.filter(|_| bits & SYNPROXY_WSCALE != 0);
        let said = mss.map_or(0, |_| SYNPROXY_MSS) | wscale.map_or(0, |_| SYNPROXY_WSCALE);
        let flags = words(&SYNPROXY, bits & !said)?;
        self.statement(Statement::Synproxy { mss, wscale, flags });
        Ok(())
    }

    /// `enum nft_dup_attributes`.
    pub(super) fn dup(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2])?;
        let ty = match self.source.family {
            Family::Ip6 => Type::Ipv6,
            _ => Type::Ipv4,
        };
        let address = attributes
            .opt_be32(1)?
            .map(|register| self.taken(register, ty, "dup.address"))
            .transpose()?;
        let device = attributes
            .opt_be32(2)?
            .map(|register| self.taken(register, Type::IfIndex, "dup.device"))
            .transpose()?;
        self.statement(Statement::Dup { address, device });
        Ok(())
    }

    /// `enum nft_fwd_attributes`.
    pub(super) fn fwd(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3])?;
        let family = match attributes.opt_be32(3)? {
            None => None,
            Some(2) => Some((Family::Ip, Type::Ipv4)),
            Some(10) => Some((Family::Ip6, Type::Ipv6)),
            Some(_) => return Err(NotUnderstood),
        };
        let device = self.taken(attributes.be32(1)?, Type::IfIndex, "fwd.device")?;
        let address = match attributes.opt_be32(2)? {
            Some(register) => Some(self.taken(register, family.ok_or(NotUnderstood)?.1, "fwd.address")?),
            None => None,
        };
        self.statement(Statement::Fwd {
            family: family.map(|(family, _)| family),
            address,
            device,
        });
        Ok(())
    }

    /// `enum nft_offload_attributes`.
    pub(super) fn flow_offload(&mut self, data: &'a [u8]) -> Understood {
        let flowtable = Attributes::read(data, &[1])?.text(1)?;
        self.statement(Statement::FlowOffload { flowtable });
        Ok(())
    }

    /// `enum nft_connlimit_attributes`.
    pub(super) fn connlimit(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2])?;
        self.statement(Statement::ConnLimit {
            count: attributes.be32(1)?,
            over: super::act::inverted(attributes.opt_be32(2)?)?,
        });
        Ok(())
    }

    /// What a register holds for a statement; a lookup that feeds it is written down before as one of `field`.
    pub(super) fn taken(&mut self, register: u32, ty: Type, field: &str) -> Understood<Value> {
        let Symbol::Mapped { key, map, entries } = self.loaded(register)?.clone() else {
            return self.value_in(register, ty);
        };
        let entries = entries.iter().map(|entry| self.retyped(entry, ty)).collect();
        self.statement(Statement::MapTo {
            key,
            field: field.into(),
            map,
            entries,
        });
        Ok(Value::Field(Field(field.to_owned())))
    }
}

fn words(table: &[(u32, &str)], bits: u32) -> Understood<Vec<String>> {
    let known = table.iter().fold(0, |all, (bit, _)| all | bit);
    if bits & !known != 0 {
        return Err(NotUnderstood);
    }
    let mut out: Vec<String> = table
        .iter()
        .filter(|(bit, _)| bits & bit != 0)
        .map(|(_, word)| (*word).to_owned())
        .collect();
    out.sort_unstable();
    Ok(out)
}
