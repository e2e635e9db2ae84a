//! `struct xfrm_userpolicy_info` and the templates of what a packet needs.

use super::find;
use super::structs::{ATTRIBUTES, MODES, PROTOCOLS, address, current, limits, raw_address, selector};
use crate::bytes::Text;
use crate::facts::attributes::{bits, decode, word};
use crate::facts::{Fact, Property, Value};
use crate::raw::HostRaw;
use crate::raw::attr::{Malformed, attrs};
use crate::raw::lift::{Fault, Fields, whole};

/// `sizeof(struct xfrm_userpolicy_info)` and of `struct xfrm_user_tmpl`.
const HEADER: usize = 168;
const TEMPLATE: usize = 64;
/// `XFRMA_TMPL`, `XFRMA_MARK`, `XFRMA_IF_ID`.
const TEMPLATES: u16 = 5;
const MARK: u16 = 21;
const IF_ID: u16 = 31;

pub(super) fn policy(raw: &HostRaw, payload: &[u8]) -> Result<(Option<Fact>, Fact), Fault> {
    let rest = payload.get(HEADER..).ok_or(Malformed::Short {
        what: "struct xfrm_userpolicy_info",
        have: payload.len(),
        need: HEADER,
    })?;
    let all = whole(attrs(rest))?;
    let mut fields = Fields::new(payload, "struct xfrm_userpolicy_info");
    let (selector, _family) = selector(raw, &mut fields)?;
    let (limits, _) = limits(&mut fields)?;
    let used = current(Fact::new("policy", Vec::new()), &mut fields)?;
    let (priority, index) = (fields.u32()?, fields.u32()?);
    let (direction, action, flags, share) = (fields.u8()?, fields.u8()?, fields.u8()?, fields.u8()?);
    let decoded = decode(raw, ATTRIBUTES, &all)?;
    let mut key: Vec<Text> = vec![
        word(direction.into(), &[(0, "in"), (1, "out"), (2, "fwd")]).into(),
        selector.into(),
        format!("priority {priority}").into(),
    ];
    // Policies for one selector and priority are told apart by these.
    for (kind, name) in [(MARK, "mark"), (IF_ID, "if_id")] {
        let told = find(&all, kind).and(decoded.config.iter().find(|one| one.name == name));
        key.extend(told.map(|told| Text::from(told.to_string())));
    }
    let mut config = Fact::new("policy", key.clone())
        .with(
            "action",
            Value::Word(word(action.into(), &[(0, "allow"), (1, "block")])),
        )
        .with_some(
            "flag",
            (flags != 0).then(|| bits(flags.into(), &[(1, "localok"), (2, "icmp"), (4, "cpu_acquire")])),
        )
        .with_some("share", (share != 0).then(|| Value::number(share)));
    config.properties.extend(limits);
    config.properties.extend(decoded.config);
    for attr in all.iter().filter(|attr| attr.kind == TEMPLATES) {
        config = config.with("tmpl", templates(attr.value)?);
    }
    config.other = decoded.other;
    let mut runtime = Fact {
        key,
        ..used.with("index", Value::number(index))
    };
    runtime.properties.extend(decoded.runtime);
    // Directions beyond these are those of a socket's own policies.
    if direction > 2 {
        runtime.properties.extend(config.properties);
        runtime.other = config.other;
        return Ok((None, runtime));
    }
    Ok((Some(config), runtime))
}

/// `struct xfrm_user_tmpl`, one after the other; their order is that in which a packet is wrapped.
fn templates(bytes: &[u8]) -> Result<Value, Fault> {
    if !bytes.len().is_multiple_of(TEMPLATE) {
        return Err(Fault::Malformed(Malformed::Short {
            what: "struct xfrm_user_tmpl",
            have: bytes.len(),
            need: bytes.len().next_multiple_of(TEMPLATE),
        }));
    }
    let all = bytes
        .chunks(TEMPLATE)
        .map(template)
        .collect::<Result<_, Malformed>>()?;
    Ok(Value::List(all))
}

fn template(bytes: &[u8]) -> Result<Value, Malformed> {
    let mut fields = Fields::new(bytes, "struct xfrm_user_tmpl");
    let to = raw_address(&mut fields)?;
    let (spi, protocol) = (u32::from_be(fields.u32()?), fields.u8()?);
    let _padding = (fields.u8()?, fields.u16()?);
    let family = fields.u16()?;
    let _padding = fields.u16()?;
    let from = raw_address(&mut fields)?;
    let (reqid, mode, share, optional) = (fields.u32()?, fields.u8()?, fields.u8()?, fields.u8()?);
    let _padding = fields.u8()?;
    let mut out = vec![
        Property::new("src", Value::word(address(from, family))),
        Property::new("dst", Value::word(address(to, family))),
        Property::new("proto", Value::Word(word(protocol.into(), PROTOCOLS))),
        Property::new("reqid", Value::number(reqid)),
        Property::new("mode", Value::Word(word(mode.into(), MODES))),
    ];
    if spi != 0 {
        out.push(Property::new("spi", Value::Word(format!("{spi:#010x}"))));
    }
    if share != 0 {
        out.push(Property::new("share", Value::number(share)));
    }
    if optional != 0 {
        out.push(Property::new("level", Value::word("use")));
    }
    for name in ["aalgos", "ealgos", "calgos"] {
        let mask = fields.u32()?;
        if mask != u32::MAX {
            out.push(Property::new(name, Value::Word(format!("{mask:#x}"))));
        }
    }
    Ok(Value::Group(out))
}
