//! `struct xfrm_usersa_info`.

use super::structs::{
    ATTRIBUTES, MODES, PROTOCOLS, address, current, extended_window, limits, raw_address, selector,
};
use crate::bytes::Text;
use crate::facts::attributes::{bits, decode, word};
use crate::facts::{Fact, Value};
use crate::raw::HostRaw;
use crate::raw::attr::{Malformed, attrs};
use crate::raw::lift::{Fault, Fields, whole};

/// `sizeof(struct xfrm_usersa_info)`.
const HEADER: usize = 224;

/// `XFRM_STATE_*`.
const FLAGS: &[(u64, &str)] = &[
    (1, "noecn"),
    (2, "decap-dscp"),
    (4, "nopmtudisc"),
    (8, "wildrecv"),
    (16, "icmp"),
    (32, "af-unspec"),
    (64, "align4"),
    (128, "esn"),
];

pub(super) fn association(raw: &HostRaw, payload: &[u8]) -> Result<(Option<Fact>, Fact), Fault> {
    let rest = payload.get(HEADER..).ok_or(Malformed::Short {
        what: "struct xfrm_usersa_info",
        have: payload.len(),
        need: HEADER,
    })?;
    let all = whole(attrs(rest))?;
    let mut fields = Fields::new(payload, "struct xfrm_usersa_info");
    let (selector, _) = selector(raw, &mut fields)?;
    let to = raw_address(&mut fields)?;
    let (spi, protocol) = (u32::from_be(fields.u32()?), fields.u8()?);
    let _padding = (fields.u8()?, fields.u16()?);
    let from = raw_address(&mut fields)?;
    let (limits, ends) = limits(&mut fields)?;
    let mut runtime = current(Fact::new("state", Vec::new()), &mut fields)?;
    for name in ["stats_replay_window", "stats_replay", "stats_failed", "seq"] {
        runtime = runtime.with(name, Value::number(fields.u32()?));
    }
    let (reqid, family, mode, window, flags) = (
        fields.u32()?,
        fields.u16()?,
        fields.u8()?,
        fields.u8()?,
        fields.u8()?,
    );
    let key: Vec<Text> = vec![
        address(from, family).to_string().into(),
        address(to, family).to_string().into(),
        word(protocol.into(), PROTOCOLS).into(),
        format!("{spi:#010x}").into(),
    ];
    let decoded = decode(raw, ATTRIBUTES, &all)?;
    // Where numbers are extended, the window stands with them.
    let window = u32::from(window).max(extended_window(&all)?);
    let mut config = Fact::new("state", key.clone())
        .with("reqid", Value::number(reqid))
        .with("mode", Value::Word(word(mode.into(), MODES)))
        .with_some("replay-window", (window != 0).then(|| Value::number(window)))
        .with_some("flag", (flags != 0).then(|| bits(flags.into(), FLAGS)))
        .with("sel", Value::Word(selector));
    config.properties.extend(limits);
    config.properties.extend(decoded.config);
    config.other = decoded.other;
    runtime.key = key;
    runtime.properties.extend(decoded.runtime);
    if ends {
        runtime.properties.extend(config.properties);
        runtime.other = config.other;
        return Ok((None, runtime));
    }
    Ok((Some(config), runtime))
}
