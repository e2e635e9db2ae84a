//! A stored rule as messages: for the kernel, to be made, and for the decoder, to see what it would be.

use netghost_core::bytes::{Hex, Text};
use netghost_core::netfilter::model::ChainId;
use netghost_core::netfilter::nft::consts;
use netghost_core::netfilter::nft::message::family_number;
use netghost_core::raw::RawMessage;
use netghost_core::raw::attr::Malformed;

use super::attributes::Attributes;
use super::names::{ELEMENT, Instead, Kind, renamed};
use super::stored::{StoredChain, StoredRule, StoredSet};
use super::taken::as_taken;
use crate::netlink::batch::Part;

/// `NFT_MSG_DELRULE`.
const DELETE_RULE: u16 = consts::SUBSYSTEM | 8;

/// `NLM_F_CREATE`, `NLM_F_EXCL` and `NLM_F_APPEND` (`linux/netlink.h`).
const CREATE: u16 = 0x400;
const EXCLUSIVE: u16 = 0x200;
const APPEND: u16 = 0x800;

/// How the kernel is asked for a set's name of its own choice.
const UNNAMED_SET: &str = "__set%d";

/// So many bytes of elements go into one message; the kernel lists up to as many in one.
const ELEMENTS: usize = 30_000;

/// Where a rule goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    First,
    /// Behind the rule with this handle.
    Behind(u64),
}

/// What deletes a rule.
pub(super) fn delete(chain: &ChainId, handle: u64) -> Result<Part, Malformed> {
    let mut out = Attributes::message(family_number(chain.family));
    out.text(1, &chain.table);
    out.text(2, &chain.chain);
    out.be64(3, handle);
    part(DELETE_RULE, 0, out)
}

/// What makes a rule with all that is its own.
pub(super) fn insert(chain: &ChainId, rule: &StoredRule, at: At) -> Result<Vec<Part>, Malformed> {
    let mut batch = Batch {
        chain,
        parts: Vec::new(),
        numbered: 0,
    };
    let mut place = Attributes::default();
    place.text(2, &chain.chain);
    let flags = match at {
        At::First => CREATE,
        At::Behind(handle) => {
            place.be64(6, handle);
            CREATE | APPEND
        }
    };
    batch.rule(rule, &place.finish()?, flags)?;
    Ok(batch.parts)
}

fn part(message_type: u16, flags: u16, body: Attributes) -> Result<Part, Malformed> {
    Ok(Part {
        message_type,
        flags,
        body: body.finish()?,
    })
}

struct Batch<'c> {
    chain: &'c ChainId,
    parts: Vec<Part>,
    /// Sets and chains of the batch are known by numbers from 1.
    numbered: u32,
}

impl Batch<'_> {
    fn begin(&self) -> Attributes {
        let mut out = Attributes::message(family_number(self.chain.family));
        out.text(1, &self.chain.table);
        out
    }

    fn number(&mut self) -> u32 {
        self.numbered = self.numbered.saturating_add(1);
        self.numbered
    }

    fn push(&mut self, message_type: u16, flags: u16, body: Attributes) -> Result<(), Malformed> {
        self.parts.push(part(message_type, flags, body)?);
        Ok(())
    }

    /// The rule, behind what it uses. `place` names its chain.
    fn rule(&mut self, rule: &StoredRule, place: &[u8], flags: u16) -> Result<(), Malformed> {
        let mut ids = Vec::new();
        for set in &rule.sets {
            let id = self.set(set)?;
            let name = Some(Text::from(UNNAMED_SET));
            ids.push((Kind::Set, &set.name, Instead { name, id: Some(id) }));
        }
        for chain in &rule.chains {
            let id = self.chain(chain)?;
            let name = None;
            ids.push((Kind::Chain, &chain.name, Instead { name, id: Some(id) }));
        }
        let expressions = renamed(&as_taken(&rule.expressions.0)?, &|kind, name| {
            let mut all = ids.iter();
            let (_, _, instead) = all.find(|(of, known, _)| *of == kind && *known == name)?;
            Some(instead.clone())
        })?;
        let mut out = self.begin();
        out.raw(place);
        out.nest(4, &expressions);
        if let Some(compat) = &rule.compat {
            const INVERTED: u32 = 2;
            let mut inner = Attributes::default();
            inner.be32(1, compat.protocol);
            inner.be32(2, if compat.inverted { INVERTED } else { 0 });
            out.nest(5, &inner);
        }
        if let Some(data) = &rule.user_data {
            out.put(7, &data.0);
        }
        self.push(consts::NEW_RULE, flags, out)
    }

    fn set(&mut self, set: &StoredSet) -> Result<u32, Malformed> {
        let id = self.number();
        let mut out = self.begin();
        out.text(2, &UNNAMED_SET.into());
        out.raw(&set.attributes.0);
        out.be32(10, id);
        self.push(consts::NEW_SET, CREATE | EXCLUSIVE, out)?;
        for elements in lists(set)? {
            let mut out = self.begin();
            out.text(2, &UNNAMED_SET.into());
            out.nest(3, &elements);
            out.be32(4, id);
            self.push(consts::NEW_ELEMENTS, CREATE | EXCLUSIVE, out)?;
        }
        Ok(id)
    }

    /// Rules are taken only until another one leads to it.
    fn chain(&mut self, chain: &StoredChain) -> Result<u32, Malformed> {
        let id = self.number();
        let mut out = self.begin();
        out.be32(10, consts::CHAIN_BINDING);
        out.be32(11, id);
        if let Some(data) = &chain.user_data {
            out.put(12, &data.0);
        }
        self.push(consts::NEW_CHAIN, CREATE, out)?;
        let mut place = Attributes::default();
        place.be32(11, id);
        let place = place.finish()?;
        for rule in &chain.rules {
            self.rule(rule, &place, CREATE | APPEND)?;
        }
        Ok(id)
    }
}

/// The elements in lists that fit a message.
fn lists(set: &StoredSet) -> Result<Vec<Attributes>, Malformed> {
    let mut out = Vec::new();
    let mut list = Attributes::default();
    for Hex(element) in &set.elements {
        let mut one = Attributes::default();
        one.raw(element);
        if list.len() > 0 && list.len().saturating_add(element.len()) > ELEMENTS {
            out.push(std::mem::take(&mut list));
        }
        list.nest(ELEMENT, &one);
    }
    if list.len() > 0 {
        out.push(list);
    }
    Ok(out)
}

/// As the kernel would list the rule, with names that nothing else has: first what it uses, last the rule.
pub(super) fn listed(chain: &ChainId, rule: &StoredRule) -> Result<Vec<RawMessage>, Malformed> {
    let mut listing = Listing {
        chain,
        messages: Vec::new(),
        numbered: 0,
    };
    listing.rule(rule, &chain.chain)?;
    Ok(listing.messages)
}

struct Listing<'c> {
    chain: &'c ChainId,
    messages: Vec<RawMessage>,
    numbered: u32,
}

impl Listing<'_> {
    fn begin(&self) -> Attributes {
        let mut out = Attributes::message(family_number(self.chain.family));
        out.text(1, &self.chain.table);
        out
    }

    fn push(&mut self, message_type: u16, body: Attributes) -> Result<(), Malformed> {
        self.messages.push(RawMessage {
            message_type,
            payload: Hex(body.finish()?),
        });
        Ok(())
    }

    /// The kernel puts a number where the mark of it is in these.
    fn name(&mut self, what: &str) -> Text {
        self.numbered = self.numbered.saturating_add(1);
        Text::from(format!("__{what}%d {}", self.numbered))
    }

    fn rule(&mut self, rule: &StoredRule, chain: &Text) -> Result<(), Malformed> {
        let mut named = Vec::new();
        for set in &rule.sets {
            let name = self.name("set");
            self.set(set, &name)?;
            named.push((Kind::Set, &set.name, name));
        }
        for inner in &rule.chains {
            let name = self.name("chain");
            self.chain(inner, &name)?;
            named.push((Kind::Chain, &inner.name, name));
        }
        let expressions = renamed(&rule.expressions.0, &|kind, name| {
            let mut all = named.iter();
            let (_, _, instead) = all.find(|(of, known, _)| *of == kind && *known == name)?;
            Some(Instead {
                name: Some(instead.clone()),
                id: None,
            })
        })?;
        let mut out = self.begin();
        out.text(2, chain);
        out.nest(4, &expressions);
        if let Some(data) = &rule.user_data {
            out.put(7, &data.0);
        }
        self.push(consts::NEW_RULE, out)
    }

    fn set(&mut self, set: &StoredSet, name: &Text) -> Result<(), Malformed> {
        let mut out = self.begin();
        out.text(2, name);
        out.raw(&set.attributes.0);
        self.push(consts::NEW_SET, out)?;
        for elements in lists(set)? {
            let mut out = self.begin();
            out.text(2, name);
            out.nest(3, &elements);
            self.push(consts::NEW_ELEMENTS, out)?;
        }
        Ok(())
    }

    /// Its handle is larger than any: it would be the last that was made.
    fn chain(&mut self, chain: &StoredChain, name: &Text) -> Result<(), Malformed> {
        let mut out = self.begin();
        out.be64(2, u64::MAX - u64::from(u32::MAX) + u64::from(self.numbered));
        out.text(3, name);
        out.be32(10, consts::CHAIN_BINDING);
        if let Some(data) = &chain.user_data {
            out.put(12, &data.0);
        }
        self.push(consts::NEW_CHAIN, out)?;
        for rule in &chain.rules {
            self.rule(rule, name)?;
        }
        Ok(())
    }
}
