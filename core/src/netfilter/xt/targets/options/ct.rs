//! `CT` (`linux/netfilter/xt_CT.h`).

use super::{Options, Struct, flags, forms, given, number};
use crate::bytes::Text;
use crate::netfilter::model::Value;
use crate::netfilter::names;

const NOTRACK: u16 = 1;
/// The rule was spelt `NOTRACK`.
const ALIAS: u16 = 1 << 1;
const ORIGINAL: u16 = 1 << 2;
const REPLY: u16 = 1 << 3;
const ZONE_MARK: u16 = 1 << 4;

/// The name of a timeout policy, unless it may have been cut: the kernel hands out of all revisions what the first had, so that
/// four bytes of the name are seen at most.
fn whole_name(field: &[u8; 32]) -> Option<&[u8]> {
    let (seen, rest) = field.split_at(4);
    (seen.contains(&0) || rest.iter().any(|byte| *byte != 0)).then_some(field.as_slice())
}

/// `struct xt_ct_target_info` and `_v1`, which has the name of a timeout policy; both end in a pointer.
pub(super) fn tracking(revision: u8, payload: &[u8]) -> Options {
    let info = Struct::new(payload, if revision == 0 { 40 } else { 72 })?;
    let asked = info.u16(0)?;
    let known = [NOTRACK, NOTRACK | ALIAS, 0x1f, 0x1f];
    // The first revisions know fewer flags.
    if asked & !known.get(usize::from(revision) + 1)? != 0 {
        return None;
    }
    let has = |bit| asked & bit != 0;
    let mut options = flags(&[(has(NOTRACK), "notrack")]);
    let named = |name, field: &[u8]| {
        let text = Text::from_nul_padded(field);
        (!text.is_empty()).then(|| given(name, Value::Text(text)))
    };
    options.extend(named("helper", &info.bytes::<16>(12)?));
    if revision > 0 {
        options.extend(named("timeout", whole_name(&info.bytes::<32>(28)?)?));
    }
    let events = |name, bits: u32, table| {
        let words = names::flag_names(table, bits)?;
        Some((bits != 0).then(|| given(name, Value::Flags(words))))
    };
    options.extend(events("ctevents", info.u32(4)?, &forms::CT_EVENTS)?);
    options.extend(events("expevents", info.u32(8)?, &forms::EXPECT_EVENTS)?);
    let name = match (has(ORIGINAL), has(REPLY)) {
        (false, false) => "zone",
        (true, false) => "zone-orig",
        (false, true) => "zone-reply",
        (true, true) => return None,
    };
    let zone = match (has(ZONE_MARK), info.u16(2)?) {
        (true, 0) => Some(Value::Symbol("mark".to_owned())),
        (true, _) => return None,
        (false, 0) if name == "zone" => None,
        (false, zone) => Some(number(zone)),
    };
    options.extend(zone.map(|zone| given(name, zone)));
    Some(options)
}
