//! `-m conntrack`: `struct xt_conntrack_mtinfo1`, `2` and `3` (`linux/netfilter/xt_conntrack.h`).

use super::Struct;
use crate::netfilter::model::{Family, Item, Value};
use crate::netfilter::names::{self, CT_STATES_XT};
use crate::netfilter::xt::forms::{self, equals};

const STATE: u16 = 1;
const PROTOCOL: u16 = 1 << 1;
const STATUS: u16 = 1 << 6;
const EXPIRES: u16 = 1 << 7;
const DIRECTION: u16 = 1 << 12;
/// Set by `-m state`; says nothing about packets.
const STATE_ALIAS: u16 = 1 << 13;
const KNOWN: u16 = (STATE_ALIAS << 1) - 1;

/// Offsets that all three revisions share.
const EXPIRES_AT: usize = 128;
const PROTOCOL_AT: usize = 136;
const PORTS_AT: usize = 138;
const FLAGS_AT: usize = 146;
const MASKS_AT: usize = 150;
const HIGH_PORTS_AT: usize = 154;

/// Addresses in the order of the structure, with the bit of each.
const ADDRESSES: [(u16, &str); 4] = [
    (1 << 2, "ct.original.saddr"),
    (1 << 3, "ct.original.daddr"),
    (1 << 4, "ct.reply.saddr"),
    (1 << 5, "ct.reply.daddr"),
];

/// Ports likewise.
const PORTS: [(u16, &str); 4] = [
    (1 << 8, "ct.original.proto-src"),
    (1 << 9, "ct.original.proto-dst"),
    (1 << 10, "ct.reply.proto-src"),
    (1 << 11, "ct.reply.proto-dst"),
];

/// The structure of one revision.
struct Info<'a> {
    data: Struct<'a>,
    revision: u8,
    asked: u16,
    inverted: u16,
}

pub(super) fn decode(family: Family, revision: u8, payload: &[u8]) -> Option<Vec<Item>> {
    let size = match revision {
        1 => 152,
        2 => 156,
        _ => 164,
    };
    let data = Struct::new(payload, size)?;
    let info = Info {
        data,
        revision,
        asked: data.u16(FLAGS_AT)?,
        inverted: data.u16(FLAGS_AT + 2)?,
    };
    if (info.asked | info.inverted) & !KNOWN != 0 {
        return None;
    }
    let mut items = Vec::new();
    info.state(&mut items)?;
    info.protocol(&mut items)?;
    info.addresses(family, &mut items)?;
    info.ports(&mut items)?;
    info.status(&mut items)?;
    info.expires(&mut items)?;
    info.direction(&mut items);
    Some(items)
}

impl Info<'_> {
    /// Whether this is asked, and if so whether inverted.
    fn asks(&self, bit: u16) -> Option<bool> {
        (self.asked & bit != 0).then_some(self.inverted & bit != 0)
    }

    fn masks(&self) -> Option<[u16; 2]> {
        if self.revision == 1 {
            let [state, status] = self.data.bytes::<2>(MASKS_AT)?;
            return Some([state.into(), status.into()]);
        }
        Some([self.data.u16(MASKS_AT)?, self.data.u16(MASKS_AT + 2)?])
    }

    fn state(&self, items: &mut Vec<Item>) -> Option<()> {
        if let Some(inverted) = self.asks(STATE) {
            let words = names::flag_names(&CT_STATES_XT, self.masks()?[0].into())?;
            items.push(forms::flags("ct.state", words, inverted));
        }
        Some(())
    }

    fn protocol(&self, items: &mut Vec<Item>) -> Option<()> {
        if let Some(inverted) = self.asks(PROTOCOL) {
            let number = self.data.u16(PROTOCOL_AT)?;
            items.push(equals("ct.protocol", inverted, Value::Number(number.into())));
        }
        Some(())
    }

    fn addresses(&self, family: Family, items: &mut Vec<Item>) -> Option<()> {
        for (place, (bit, field)) in ADDRESSES.iter().enumerate() {
            if let Some(inverted) = self.asks(*bit) {
                let address = self.data.address(family, place * 32)?;
                let mask = self.data.address(family, place * 32 + 16)?;
                items.extend(forms::address(field, address, mask, inverted));
            }
        }
        Some(())
    }

    /// Revisions before 3 hold one port in network order, 3 holds a range in host order.
    fn ports(&self, items: &mut Vec<Item>) -> Option<()> {
        for (place, (bit, field)) in PORTS.iter().enumerate() {
            if let Some(inverted) = self.asks(*bit) {
                let offset = PORTS_AT + 2 * place;
                let (from, to) = if self.revision < 3 {
                    (self.data.be16(offset)?, self.data.be16(offset)?)
                } else {
                    (self.data.u16(offset)?, self.data.u16(HIGH_PORTS_AT + 2 * place)?)
                };
                items.push(equals(field, inverted, forms::numbers(from.into(), to.into())));
            }
        }
        Some(())
    }

    fn status(&self, items: &mut Vec<Item>) -> Option<()> {
        if let Some(inverted) = self.asks(STATUS) {
            let words = names::flag_names(&names::CT_STATUS, self.masks()?[1].into())?;
            items.push(forms::flags("ct.status", words, inverted));
        }
        Some(())
    }

    fn expires(&self, items: &mut Vec<Item>) -> Option<()> {
        if let Some(inverted) = self.asks(EXPIRES) {
            let seconds = forms::numbers(self.data.u32(EXPIRES_AT)?, self.data.u32(EXPIRES_AT + 4)?);
            items.push(equals("ct.expiration-seconds", inverted, seconds));
        }
        Some(())
    }

    /// Asked plainly it means the original direction, inverted the reply.
    fn direction(&self, items: &mut Vec<Item>) {
        if let Some(inverted) = self.asks(DIRECTION) {
            items.push(forms::direction(inverted));
        }
    }
}
