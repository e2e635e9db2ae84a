//! Named sets and maps, and their elements.

use super::{Lift, flag_words};
use crate::bytes::{Big, Text};
use crate::netfilter::model::{Element, ElementRuntime, Family, Set, SetRuntime};
use crate::netfilter::nft::consts;
use crate::netfilter::nft::expr::{self, Read};
use crate::netfilter::nft::set::{Entry, SetMessage, milliseconds};
use crate::raw::attr::{Attr, Malformed};

/// `NFT_SET_*` that a person chooses. What follows from the use of a set (map, anonymous, concatenation) is left out.
const SET_FLAGS: [(u32, &str); 4] = [
    (consts::SET_CONSTANT, "constant"),
    (consts::SET_INTERVAL, "interval"),
    (consts::SET_TIMEOUT, "timeout"),
    (consts::SET_EVAL, "dynamic"),
];

/// Flags that say what the other attributes say already; the last is `NFT_SET_EXPR`.
const SET_IMPLIED: u32 =
    consts::SET_ANONYMOUS | consts::SET_MAP | consts::SET_OBJECT | consts::SET_CONCAT | 0x100;

impl<'a> Lift<'a> {
    /// A set; `filled` is true where rules add elements to it.
    pub(super) fn set(
        &self,
        (family, table, name): (Family, &Text, &Text),
        message: &SetMessage<'a>,
        filled: bool,
    ) -> Result<(Set, SetRuntime), Malformed> {
        let (elements, mut states) = self.elements(family, table, message)?;
        if states.iter().all(|state| *state == ElementRuntime::default()) {
            states.clear();
        }
        let dynamic = filled || message.flags & consts::SET_EVAL != 0;
        let (elements, packets) = if dynamic {
            (Vec::new(), elements)
        } else {
            (elements, Vec::new())
        };
        let mut flags = flag_words(&SET_FLAGS, SET_IMPLIED, message.flags);
        if message.auto_merge {
            flags.insert(0, "auto-merge".to_owned());
        }
        let set = Set {
            name: name.clone(),
            key_type: message.key_name(),
            data_type: message.data_name(),
            flags,
            timeout_ms: milliseconds(message.timeout),
            gc_interval_ms: message.gc_interval.filter(|interval| *interval != 0),
            size: message.size.filter(|size| *size != 0),
            policy: policy(message.policy)?,
            comment: message.comment.clone(),
            elements,
            statements: self.statements(family, table, &message.expressions)?.items,
            opaque: message.opaque.clone(),
        };
        let runtime = SetRuntime {
            handle: message.handle.map(Big),
            elements: packets,
            states,
        };
        Ok((set, runtime))
    }

    fn elements(
        &self,
        family: Family,
        table: &Text,
        message: &SetMessage<'a>,
    ) -> Result<(Vec<Element>, Vec<ElementRuntime>), Malformed> {
        let entries = message.entries(&message.key_parts(), self.links)?;
        let both: Result<Vec<_>, Malformed> = entries
            .into_iter()
            .map(|entry| self.element(family, table, message, entry))
            .collect();
        Ok(both?.into_iter().unzip())
    }

    fn element(
        &self,
        family: Family,
        table: &Text,
        message: &SetMessage<'a>,
        entry: Entry<'_, 'a>,
    ) -> Result<(Element, ElementRuntime), Malformed> {
        let read = self.statements(family, table, &entry.element.expressions)?;
        let state = ElementRuntime {
            expires_ms: entry.element.expires.map(Big),
            counters: read.counters,
        };
        let element = Element {
            data: message.data_of(entry.element, self.links),
            // Nought is "never" where the set has a timeout; the kernel leaves the set's own out.
            timeout_ms: entry.element.timeout.map(Big),
            comment: entry.element.comment.clone(),
            statements: read.items,
            opaque: entry.opaque(),
            key: entry.key,
        };
        Ok((element, state))
    }

    fn statements(&self, family: Family, table: &Text, expressions: &[Attr<'a>]) -> Result<Read, Malformed> {
        expr::read(self.source(family, table), expressions.iter().copied().map(Ok))
    }
}

/// `enum nft_set_policies`; performance is what is meant when nothing is said.
fn policy(number: Option<u32>) -> Result<Option<String>, Malformed> {
    match number.unwrap_or(0) {
        0 => Ok(None),
        1 => Ok(Some("memory".to_owned())),
        other => Err(Malformed::Value {
            what: "NFTA_SET_POLICY",
            value: other.into(),
        }),
    }
}
