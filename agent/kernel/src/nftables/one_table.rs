//! One table, for a change in it: whole, and of one generation.

use netghost_core::bytes::Text;
use netghost_core::netfilter::model::Family;
use netghost_core::netfilter::nft::{consts, message};
use netghost_core::raw::attr::attrs;
use netghost_core::raw::{NetlinkRaw, RawMessage};

use super::{Reading, Unread, all_of, beyond, generation, header, sockets};
use crate::modules::{Modules, Presence};
use crate::netlink::{DumpError, Socket};
use crate::{groups, ipset, link_names};

/// What a table held in one generation.
#[derive(Debug, Clone)]
pub(crate) struct OneTable {
    /// The messages of this table and no other; none where it is not there.
    pub(crate) raw: NetlinkRaw,
    pub(crate) generation: u32,
}

/// The sockets of one reading after another.
#[derive(Debug)]
pub(crate) struct Reader {
    netfilter: Socket,
    route: Socket,
}

impl Reader {
    /// `None` for a kernel without nf_tables, which is not made to load it.
    pub(crate) fn open() -> Result<Option<Self>, DumpError> {
        if Modules::of_this_kernel().presence("nf_tables") == Presence::Absent {
            return Ok(None);
        }
        match sockets() {
            Ok((netfilter, route)) => Ok(Some(Self { netfilter, route })),
            Err(Unread::Absent) => Ok(None),
            Err(Unread::Failed(error)) => Err(error),
        }
    }

    /// One pass; `None` if something changed meanwhile. `beside` is what else may name an ipset.
    pub(crate) fn pass(
        &mut self,
        family: Family,
        table: &Text,
        beside: &[&[u8]],
    ) -> Result<Option<OneTable>, DumpError> {
        let links = link_names::read(&mut self.route)?;
        let before = generation(&mut self.netfilter)?;
        let mut reading = Reading {
            socket: &mut self.netfilter,
            moved: false,
        };
        let mut messages = reading.table(message::family_number(family), table)?;
        let moved = reading.moved;
        let bytes = messages.iter().map(|message| message.payload.0.as_slice());
        let sets = ipset::names_for(bytes.chain(beside.iter().copied()))?;
        if moved {
            return Ok(None);
        }
        messages.extend(beyond::complete(&mut self.netfilter, &messages)?.messages);
        let after = generation(&mut self.netfilter)?;
        let links_after = link_names::read(&mut self.route)?;
        let stable = before == after && links == links_after && all_of(&messages, before)?;
        let groups = groups::paths_for(messages.iter().map(|message| message.payload.0.as_slice()));
        let raw = NetlinkRaw {
            links,
            sets,
            groups,
            messages,
        };
        Ok(stable.then_some(OneTable {
            raw,
            generation: after,
        }))
    }
}

impl Reading<'_, crate::netlink::KernelLink> {
    /// As `all`, of one table.
    fn table(&mut self, family: u8, table: &Text) -> Result<Vec<RawMessage>, DumpError> {
        let mut of = |request| -> Result<Vec<RawMessage>, DumpError> {
            let listed = self.dump(request, &header(family))?;
            let its = listed.into_iter();
            Ok(its.filter(|message| is_of(message, family, table)).collect())
        };
        let mut out = of(consts::GET_TABLE)?;
        let chains = of(consts::GET_CHAIN)?;
        let sets = of(consts::GET_SET)?;
        let objects = of(consts::GET_OBJECT)?;
        let flowtables = of(consts::GET_FLOWTABLE)?;
        let rules = self.each(&chains, consts::GET_RULE)?;
        let elements = self.each(&sets, consts::GET_ELEMENTS)?;
        for part in [chains, rules, sets, elements, objects, flowtables] {
            out.extend(part);
        }
        Ok(out)
    }
}

/// Whatever is in a table names it in its first attribute.
fn is_of(message: &RawMessage, family: u8, table: &Text) -> bool {
    let payload = &message.payload.0;
    let mut attributes = attrs(payload.get(4..).unwrap_or_default()).flatten();
    payload.first() == Some(&family)
        && attributes.any(|attribute| attribute.kind == 1 && attribute.text() == *table)
}
