//! A rule with all that goes when it goes: enough to make it again, byte for byte.

use netghost_core::bytes::{Hex, Text};
use netghost_core::netfilter::model::ChainId;
use netghost_core::netfilter::nft::consts;
use netghost_core::netfilter::nft::message::family_number;
use netghost_core::raw::attr::Malformed;
use netghost_core::raw::{NetlinkRaw, RawMessage};
use serde::{Deserialize, Serialize};

use super::attributes::{Attributes, Piece, be32, name, of_message, pieces, value};
use super::compat::{Compat, compat};
use super::names::{Kind, named};

/// A rule as it was listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredRule {
    /// `NFTA_RULE_EXPRESSIONS`, with counters and used quotas.
    pub(super) expressions: Hex,
    /// `NFTA_RULE_USERDATA`.
    pub(super) user_data: Option<Hex>,
    /// `NFTA_RULE_COMPAT`, which the kernel takes and does not list.
    pub(super) compat: Option<Compat>,
    /// The sets and maps in place, by the names that they had.
    pub(super) sets: Vec<StoredSet>,
    /// The chains in place.
    pub(super) chains: Vec<StoredChain>,
}

/// A set without a name of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredSet {
    pub(super) name: Text,
    /// All attributes but those by which it is known, and what the kernel only tells.
    pub(super) attributes: Hex,
    /// Each element's attributes, in the order listed.
    pub(super) elements: Vec<Hex>,
}

/// A chain without a name of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredChain {
    pub(super) name: Text,
    pub(super) user_data: Option<Hex>,
    pub(super) rules: Vec<StoredRule>,
}

/// Why a rule can't be stored.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    #[error("a message that can't be read")]
    Malformed(#[from] Malformed),
    #[error("{what} has an attribute ({number}) that this version does not know")]
    Unknown { what: &'static str, number: u16 },
    #[error("{0} was not listed")]
    Missing(String),
    #[error("chains in place lie too deep in one another")]
    Deep,
}

/// As deep as the kernel jumps (`NFT_JUMP_STACK_SIZE`).
const DEPTH: u32 = 16;

/// `enum nft_rule_attributes` without `NFTA_RULE_COMPAT`, which no kernel lists.
const RULE: [u16; 7] = [1, 2, 3, 4, 6, 7, 8];
/// `enum nft_set_attributes` that a new set is given: all but its names and handle, padding, and its store and count (Linux 6.16).
const SET: [u16; 13] = [3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 17, 18];
const SET_TOLD: [u16; 7] = [1, 2, 10, 14, 16, 19, 20];
/// `enum nft_set_elem_attributes` without padding.
const SET_ELEMENT: [u16; 10] = [1, 2, 3, 4, 5, 6, 7, 9, 10, 11];
/// `enum nft_chain_attributes` that a chain in place may have: names, handle, uses, flags, user data, padding.
const CHAIN: [u16; 8] = [1, 2, 3, 6, 9, 10, 11, 12];

/// The rules of a chain as they were listed.
pub(super) fn rules<'r>(raw: &'r NetlinkRaw, chain: &ChainId) -> Vec<&'r RawMessage> {
    let all = raw.messages.iter();
    all.filter(|message| is_rule_of(message, chain)).collect()
}

/// True for a rule of this chain.
pub(super) fn is_rule_of(message: &RawMessage, chain: &ChainId) -> bool {
    message.message_type == consts::NEW_RULE && is_named(message, chain, 2)
}

fn is_named(message: &RawMessage, chain: &ChainId, kind: u16) -> bool {
    let of_family = message.payload.0.first() == Some(&family_number(chain.family));
    let parts = of_message(&message.payload.0).unwrap_or_default();
    of_family
        && name(&parts, 1).as_ref() == Some(&chain.table)
        && name(&parts, kind).as_ref() == Some(&chain.chain)
}

impl StoredRule {
    /// The rule in this message; what it uses stands in `raw`.
    pub(super) fn of(raw: &NetlinkRaw, chain: &ChainId, message: &RawMessage) -> Result<Self, StoreError> {
        Self::within(raw, chain, message, DEPTH)
    }

    fn within(
        raw: &NetlinkRaw,
        chain: &ChainId,
        message: &RawMessage,
        depth: u32,
    ) -> Result<Self, StoreError> {
        let parts = of_message(&message.payload.0)?;
        known("the rule", &parts, &RULE)?;
        let expressions = value(&parts, 4).unwrap_or_default();
        let mut out = Self {
            expressions: Hex(expressions.to_vec()),
            user_data: value(&parts, 7).map(|data| Hex(data.to_vec())),
            compat: compat(chain.family, expressions)?,
            sets: Vec::new(),
            chains: Vec::new(),
        };
        for (kind, name) in named(expressions)? {
            let id = ChainId {
                chain: name,
                ..chain.clone()
            };
            match kind {
                Kind::Set if !out.sets.iter().any(|set| set.name == id.chain) => {
                    out.sets.extend(set(raw, &id)?);
                }
                Kind::Chain if !out.chains.iter().any(|chain| chain.name == id.chain) => {
                    out.chains.extend(bound(raw, &id, depth)?);
                }
                _ => {}
            }
        }
        Ok(out)
    }

    /// The names of the chains in place, in one another too.
    pub(super) fn bound(&self) -> Vec<&Text> {
        let inner = self.chains.iter().flat_map(|chain| &chain.rules);
        let inner = inner.flat_map(Self::bound);
        self.chains.iter().map(|chain| &chain.name).chain(inner).collect()
    }
}

fn known(what: &'static str, parts: &[Piece<'_>], kinds: &[u16]) -> Result<(), StoreError> {
    match parts.iter().find(|part| !kinds.contains(&part.kind)) {
        Some(part) => Err(StoreError::Unknown {
            what,
            number: part.kind,
        }),
        None => Ok(()),
    }
}

/// The one message of this type about the set or chain of this name.
fn one<'r>(raw: &'r NetlinkRaw, kind: u16, id: &ChainId) -> Option<&'r RawMessage> {
    let attribute = if kind == consts::NEW_CHAIN { 3 } else { 2 };
    let mut all = raw.messages.iter();
    all.find(|message| message.message_type == kind && is_named(message, id, attribute))
}

/// The set, if it has no name of its own.
fn set(raw: &NetlinkRaw, id: &ChainId) -> Result<Option<StoredSet>, StoreError> {
    let missing = || StoreError::Missing(format!("the set {}", id.chain));
    let message = one(raw, consts::NEW_SET, id).ok_or_else(missing)?;
    let parts = of_message(&message.payload.0)?;
    if be32(&parts, 3).unwrap_or(0) & consts::SET_ANONYMOUS == 0 {
        return Ok(None);
    }
    known("a set in place", &parts, &[SET.as_slice(), &SET_TOLD].concat())?;
    let mut attributes = Attributes::default();
    for part in parts.iter().filter(|part| SET.contains(&part.kind)) {
        attributes.raw(part.whole);
    }
    let mut elements = Vec::new();
    let lists = raw.messages.iter();
    let lists =
        lists.filter(|message| message.message_type == consts::NEW_ELEMENTS && is_named(message, id, 2));
    for list in lists {
        let parts = of_message(&list.payload.0)?;
        for listed in pieces(value(&parts, 3).unwrap_or_default())? {
            elements.push(element(listed)?);
        }
    }
    Ok(Some(StoredSet {
        name: id.chain.clone(),
        attributes: Hex(attributes.finish()?),
        elements,
    }))
}

fn element(listed: Piece<'_>) -> Result<Hex, StoreError> {
    const PADDING: u16 = 8;
    let parts = pieces(listed.value)?;
    known(
        "an element of a set in place",
        &parts,
        &[SET_ELEMENT.as_slice(), &[PADDING]].concat(),
    )?;
    let mut out = Attributes::default();
    for part in parts.iter().filter(|part| part.kind != PADDING) {
        out.raw(part.whole);
    }
    Ok(Hex(out.finish()?))
}

/// The chain, if it has no name of its own.
fn bound(raw: &NetlinkRaw, id: &ChainId, depth: u32) -> Result<Option<StoredChain>, StoreError> {
    let missing = || StoreError::Missing(format!("the chain {}", id.chain));
    let message = one(raw, consts::NEW_CHAIN, id).ok_or_else(missing)?;
    let parts = of_message(&message.payload.0)?;
    if !is_bound(&parts) {
        return Ok(None);
    }
    known("a chain in place", &parts, &CHAIN)?;
    let depth = depth.checked_sub(1).ok_or(StoreError::Deep)?;
    let rules: Result<Vec<StoredRule>, StoreError> = rules(raw, id)
        .into_iter()
        .map(|rule| StoredRule::within(raw, id, rule, depth))
        .collect();
    Ok(Some(StoredChain {
        name: id.chain.clone(),
        user_data: value(&parts, 12).map(|data| Hex(data.to_vec())),
        rules: rules?,
    }))
}

/// True for a chain that a rule holds.
pub(super) fn is_bound(chain: &[Piece<'_>]) -> bool {
    be32(chain, 10).unwrap_or(0) & consts::CHAIN_BINDING != 0
}
