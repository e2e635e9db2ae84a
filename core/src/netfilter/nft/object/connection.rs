//! Objects of connection tracking: helpers, timeouts, expectations.

use super::fields::Fields;
use super::states;
use crate::netfilter::model::{Definition, Family, StateTimeout};
use crate::netfilter::names;
use crate::raw::attr::attrs;

/// `NFPROTO_*` of a layer 3 protocol; in the attribute it is 16 bits wide and in network order.
fn family(number: u16) -> Option<Family> {
    match number {
        1 => Some(Family::Inet),
        2 => Some(Family::Ip),
        10 => Some(Family::Ip6),
        3 => Some(Family::Arp),
        5 => Some(Family::Netdev),
        7 => Some(Family::Bridge),
        _ => None,
    }
}

/// `enum nft_ct_helper_attributes`.
pub(super) fn helper(data: &[u8]) -> Option<Definition> {
    let fields = Fields::read(data, &[1, 2, 3])?;
    Some(Definition::CtHelper {
        helper: fields.text(1)?,
        family: family(fields.be16(2)?)?,
        protocol: fields.u8(3)?,
    })
}

/// `enum nft_ct_expectation_attributes`; the timeout comes in host order (`nft_ct_expect_obj_dump`).
pub(super) fn expectation(data: &[u8]) -> Option<Definition> {
    let fields = Fields::read(data, &[1, 2, 3, 4, 5])?;
    Some(Definition::CtExpectation {
        family: family(fields.be16(1)?)?,
        protocol: fields.u8(2)?,
        port: fields.be16(3)?,
        timeout_ms: fields.ne32(4)?,
        size: fields.u8(5)?,
    })
}

/// `enum nft_ct_timeout_timeout_attributes`.
pub(super) fn timeout(data: &[u8]) -> Option<Definition> {
    let fields = Fields::read(data, &[1, 2, 3])?;
    let protocol = fields.u8(2)?;
    let states = states::of(protocol)?;
    let mut policy = Vec::new();
    for attr in attrs(fields.bytes(3)?) {
        let attr = attr.ok()?;
        let state = names::name_of(states, attr.kind.into())?;
        let seconds = u32::from_be_bytes(attr.value.try_into().ok()?);
        policy.push((attr.kind, state, seconds));
    }
    policy.sort_unstable();
    let twice = policy.windows(2).any(|pair| matches!(pair, [a, b] if a.0 == b.0));
    (!twice).then_some(())?;
    Some(Definition::CtTimeout {
        family: family(fields.be16(1)?)?,
        protocol,
        policy: policy
            .into_iter()
            .map(|(_, state, seconds)| StateTimeout {
                state: state.to_owned(),
                seconds,
            })
            .collect(),
    })
}
