//! Which handles of a table are given to what.

use std::collections::{BTreeMap, BTreeSet};

use super::{consts, open};
use crate::bytes::Text;
use crate::netfilter::model::Family;
use crate::raw::RawMessage;
use crate::raw::attr::Malformed;

/// The handles in a table: chains, rules, sets, objects and flowtables are numbered from one counter.
#[derive(Debug, Clone, Default)]
pub struct Handles {
    /// All of them.
    pub all: BTreeSet<u64>,
    /// The last rule of each chain; the chain itself where it has none.
    last: BTreeMap<Text, u64>,
}

impl Handles {
    /// The last rule of a chain; the chain itself where it has none.
    pub fn last_of(&self, chain: &Text) -> u64 {
        self.last.get(chain).copied().unwrap_or(0)
    }
}

/// The handles that these messages give to what is in a table.
pub fn handles(messages: &[RawMessage], family: Family, table: &Text) -> Result<Handles, Malformed> {
    let mut out = Handles::default();
    for message in messages {
        let (handle_kind, chain_kind) = match message.message_type {
            consts::NEW_CHAIN => (2, Some(3)),
            consts::NEW_RULE => (3, Some(2)),
            consts::NEW_SET => (16, None),
            consts::NEW_OBJECT => (6, None),
            consts::NEW_FLOWTABLE => (5, None),
            _ => continue,
        };
        let (of, attributes) = open(message)?;
        let (mut within, mut chain, mut handle) = (None, None, None);
        for attr in attributes {
            let attr = attr?;
            match attr.kind {
                1 => within = Some(attr.text()),
                kind if kind == handle_kind => handle = Some(attr.be64("a handle")?),
                kind if Some(kind) == chain_kind => chain = Some(attr.text()),
                _ => {}
            }
        }
        if of == family && within.as_ref() == Some(table) {
            out.all.extend(handle);
            out.last.extend(chain.zip(handle));
        }
    }
    Ok(out)
}
