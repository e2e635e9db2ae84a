//! Targets that divert, copy, report or label.

use super::{Options, Struct, flags, forms, given, number, word};
use crate::bytes::Text;
use crate::netfilter::model::{Family, Value};

/// A name that fills a field up to its first NUL.
fn name<const N: usize>(info: Struct<'_>, at: usize) -> Option<Text> {
    info.bytes::<N>(at).map(|field| Text::from_nul_padded(&field))
}

/// `struct xt_tproxy_target_info` and `_v1` (`linux/netfilter/xt_TPROXY.h`).
pub(super) fn tproxy(family: Family, revision: u8, payload: &[u8]) -> Options {
    let (size, port) = if revision == 0 { (14, 12) } else { (26, 24) };
    if revision == 0 && family != Family::Ip {
        return None;
    }
    let info = Struct::new(payload, size)
        // The compiler rounds the structures up to four.
        .or_else(|| Struct::new(payload, size + 2))?;
    Some(vec![
        given("on-port", number(info.be16(port)?)),
        given("on-ip", Value::Address(info.address(family, 8)?)),
        given("tproxy-mark", forms::masked(info.u32(4)?, info.u32(0)?)),
    ])
}

/// `struct xt_tee_tginfo` (`linux/netfilter/xt_TEE.h`); it ends in a pointer.
pub(super) fn tee(family: Family, payload: &[u8]) -> Options {
    let info = Struct::new(payload, 40)?;
    let oif = name::<16>(info, 16)?;
    let mut options = vec![given("gateway", Value::Address(info.address(family, 0)?))];
    options.extend((!oif.is_empty()).then(|| given("oif", Value::Text(oif))));
    Some(options)
}

/// `struct nf_synproxy_info` (`linux/netfilter/nf_synproxy.h`).
pub(super) fn synproxy(payload: &[u8]) -> Options {
    const MSS: u8 = 0x01;
    const WSCALE: u8 = 0x02;
    const SACK: u8 = 0x04;
    const TIMESTAMP: u8 = 0x08;
    const ECN: u8 = 0x10;
    let info = Struct::new(payload, 4)?;
    let asked = info.u8(0)?;
    if asked & !(MSS | WSCALE | SACK | TIMESTAMP | ECN) != 0 {
        return None;
    }
    let has = |bit| asked & bit != 0;
    let mut options = flags(&[(has(SACK), "sack-perm"), (has(TIMESTAMP), "timestamp")]);
    let (wscale, mss) = (info.u8(1)?, info.u16(2)?);
    if (!has(WSCALE) && wscale != 0) || (!has(MSS) && mss != 0) {
        return None;
    }
    options.extend(has(WSCALE).then(|| given("wscale", number(wscale))));
    options.extend(has(MSS).then(|| given("mss", number(mss))));
    options.extend(flags(&[(has(ECN), "ecn")]));
    Some(options)
}

/// `struct xt_audit_info` (`linux/netfilter/xt_AUDIT.h`).
pub(super) fn audit(payload: &[u8]) -> Options {
    let kind = Struct::new(payload, 1)?.u8(0)?;
    Some(vec![given("type", word(&forms::AUDIT_TYPES, kind.into())?)])
}

/// `struct idletimer_tg_info` and `_v1` (`linux/netfilter/xt_IDLETIMER.h`); both end in a pointer.
pub(super) fn idletimer(revision: u8, payload: &[u8]) -> Options {
    let info = Struct::new(payload, if revision == 0 { 40 } else { 48 })?;
    let alarm = match revision {
        0 => false,
        // Messages of the Android kernel have no word in the tool.
        _ if info.u8(32)? != 0 => return None,
        _ => info.flag8(33)?,
    };
    let mut options = vec![
        given("timeout", number(info.u32(0)?)),
        given("label", Value::Text(name::<28>(info, 4)?)),
    ];
    options.extend(flags(&[(alarm, "alarm")]));
    Some(options)
}

/// `struct xt_secmark_target_info` and `_v1` (`linux/netfilter/xt_SECMARK.h`); the number of the context is the kernel's.
pub(super) fn secmark(revision: u8, payload: &[u8]) -> Options {
    const SELINUX: u8 = 1;
    let info = Struct::new(payload, 264)?;
    let context = name::<256>(info, if revision == 0 { 8 } else { 1 })?;
    (info.u8(0)? == SELINUX).then(|| vec![given("selctx", Value::Text(context))])
}

/// `struct xt_connsecmark_target_info` (`linux/netfilter/xt_CONNSECMARK.h`).
pub(super) fn connsecmark(payload: &[u8]) -> Options {
    match Struct::new(payload, 1)?.u8(0)? {
        1 => Some(vec![given("save", None)]),
        2 => Some(vec![given("restore", None)]),
        _ => None,
    }
}

/// `struct xt_rateest_target_info` (`linux/netfilter/xt_RATEEST.h`): both times as powers of two; it ends in a pointer.
pub(super) fn rateest(payload: &[u8]) -> Options {
    const QUARTER: u32 = 250_000;
    let info = Struct::new(payload, 32)?;
    // From -2, a quarter of a second, to 3, eight seconds.
    let doublings = info.u8(16)?.wrapping_add(2);
    if doublings > 5 {
        return None;
    }
    let interval = QUARTER << doublings;
    let average = interval.checked_mul(1_u32.checked_shl(info.u8(17)?.into())?)?;
    Some(vec![
        given("rateest-name", Value::Text(name::<16>(info, 0)?)),
        given("rateest-interval", number(interval)),
        given("rateest-ewmalog", number(average)),
    ])
}

/// `struct xt_led_info` (`linux/netfilter/xt_LED.h`); it ends in a pointer.
pub(super) fn led(payload: &[u8]) -> Options {
    let info = Struct::new(payload, 40)?;
    let trigger = name::<27>(info, 0)?;
    let id = trigger.as_bytes().strip_prefix(b"netfilter-")?;
    let mut options = vec![given("led-trigger-id", Value::Text(id.into()))];
    let delay = info.u32(28)?;
    options.extend((delay != 0).then(|| given("led-delay", number(delay))));
    options.extend(flags(&[(info.flag8(27)?, "led-always-blink")]));
    Some(options)
}

/// `struct ipt_clusterip_tgt_info` (`linux/netfilter_ipv4/ipt_CLUSTERIP.h`); it ends in a pointer. A rule that is not the
/// first of its cluster says nothing else.
pub(super) fn clusterip(payload: &[u8]) -> Options {
    let info = Struct::new(payload, 64)?;
    match info.u32(0)? {
        0 => return Some(Vec::new()),
        1 => {}
        _ => return None,
    }
    // The tool can name one node only.
    if info.u16(12)? != 1 {
        return None;
    }
    Some(vec![
        given("new", None),
        given("hashmode", word(&forms::HASH_MODES, info.u32(48)?)?),
        given("clustermac", forms::mac(info.bytes(4)?)),
        given("total-nodes", number(info.u16(10)?)),
        given("local-node", number(info.u16(14)?)),
        given("hash-init", number(info.u32(52)?)),
    ])
}
