//! Targets.

use super::forms::{self, given};
use super::read::Struct;
use crate::netfilter::model::{Family, Item, LogFlag, Statement, Value, Verdict};

mod arp;
mod nat;
mod options;
pub(in crate::netfilter::xt) mod set;

/// What a target does; `None` if that can't be said exactly.
pub(super) fn decode(family: Family, name: &[u8], revision: u8, payload: &[u8]) -> Option<Vec<Item>> {
    if (family, name, revision) == (Family::Arp, b"mangle", 0) {
        return Some(vec![Item::Statement(arp::mangle(payload)?)]);
    }
    let statement = match (name, revision) {
        (b"", 0) => verdict(Struct::new(payload, 4)?.u32(0)?),
        (b"REJECT", 0) => reject(family, payload),
        (b"LOG", 0) => log(payload),
        (b"NFLOG", 0) => nflog(payload),
        (b"SNAT" | b"DNAT" | b"MASQUERADE" | b"REDIRECT", _) => nat::decode(family, name, revision, payload),
        (b"MARK", 1) => mark1(payload),
        (b"MARK", 2) => mark(payload),
        (b"CONNMARK", 1 | 2) => connmark(revision, payload),
        (b"TCPMSS", 0) => tcpmss(payload),
        (b"NOTRACK", 0) => payload.is_empty().then_some(Statement::Notrack),
        (b"NFQUEUE", 0..=3) => nfqueue(revision, payload),
        _ => options::decode(family, name, revision, payload),
    }?;
    Some(vec![Item::Statement(statement)])
}

/// The verdict of a standard target that does not jump: `-NF_* - 1` (`linux/netfilter/x_tables.h`).
pub(super) fn verdict(code: u32) -> Option<Statement> {
    let verdict = match code.cast_signed() {
        -1 => Verdict::Drop,
        -2 => Verdict::Accept,
        -4 => Verdict::Queue,
        -5 => Verdict::Return,
        _ => return None,
    };
    Some(Statement::Verdict(verdict))
}

/// `struct ipt_reject_info`, `struct ip6t_reject_info`.
fn reject(family: Family, payload: &[u8]) -> Option<Statement> {
    let with = forms::reject(family, Struct::new(payload, 4)?.u32(0)?)?;
    Some(Statement::Reject { with })
}

/// `struct xt_log_info` (`linux/netfilter/xt_LOG.h`).
fn log(payload: &[u8]) -> Option<Statement> {
    let info = Struct::new(payload, 32)?;
    let bits = info.u8(1)?;
    let known = LOG_FLAGS.iter().fold(0, |all, (bit, _)| all | bit);
    if bits & !known != 0 {
        return None;
    }
    let set = LOG_FLAGS.iter().filter(|(bit, _)| bits & bit != 0);
    let flags = set.map(|(_, flag)| *flag).collect();
    Some(forms::log(&info.bytes::<30>(2)?, info.u8(0)?, flags))
}

/// `XT_LOG_*` bits, in the order of [`LogFlag`].
const LOG_FLAGS: [(u8, LogFlag); 5] = [
    (0x01, LogFlag::TcpSequence),
    (0x02, LogFlag::TcpOptions),
    (0x04, LogFlag::IpOptions),
    (0x08, LogFlag::Uid),
    (0x20, LogFlag::Macdecode),
];

/// `struct xt_nflog_info` (`linux/netfilter/xt_NFLOG.h`).
fn nflog(payload: &[u8]) -> Option<Statement> {
    let info = Struct::new(payload, 80)?;
    let snaplen = match (info.u16(8)?, info.u32(0)?) {
        (0, 0) => None,
        (1, length) => Some(length),
        // A length without the flag is the old `--nflog-range`, which the kernel ignores.
        _ => return None,
    };
    Some(forms::nflog(
        &info.bytes::<64>(12)?,
        info.u16(4)?,
        info.u16(6)?,
        snaplen,
    ))
}

/// `struct xt_mark_tginfo2` (`linux/netfilter/xt_mark.h`).
fn mark(payload: &[u8]) -> Option<Statement> {
    let info = Struct::new(payload, 8)?;
    Some(forms::set_mark("meta.mark", info.u32(0)?, info.u32(4)?))
}

/// `struct xt_mark_target_info_v1` of kernels before 2.6.36: a `long`, then whether it is set, and-ed or or-ed.
fn mark1(payload: &[u8]) -> Option<Statement> {
    let info = Struct::new(payload, 16)?;
    let bits = u32::try_from(info.u64(0)?).ok()?;
    let (value, mask) = match info.u8(8)? {
        0 => (bits, u32::MAX),
        1 => (0, !bits),
        2 => (bits, bits),
        _ => return None,
    };
    Some(forms::set_mark("meta.mark", value, mask))
}

/// `struct xt_connmark_tginfo1` and `2` (`linux/netfilter/xt_connmark.h`).
fn connmark(revision: u8, payload: &[u8]) -> Option<Statement> {
    let info = Struct::new(payload, 16)?;
    let mode = info.u8(if revision == 1 { 12 } else { 14 })?;
    if revision == 2 && info.u8(13)? != 0 {
        return shifted(info, mode);
    }
    let (value, ct_mask, nf_mask) = (info.u32(0)?, info.u32(4)?, info.u32(8)?);
    match mode {
        0 => Some(forms::set_mark("ct.mark", value, ct_mask)),
        1 => Some(forms::copy_mark("meta.mark", nf_mask, "ct.mark", ct_mask)),
        2 => Some(forms::copy_mark("ct.mark", ct_mask, "meta.mark", nf_mask)),
        _ => None,
    }
}

/// A mark that is shifted on its way between packet and connection, or before it is set.
fn shifted(info: Struct<'_>, mode: u8) -> Option<Statement> {
    let (value, ct_mask, nf_mask) = (info.u32(0)?, info.u32(4)?, info.u32(8)?);
    let masks = [
        given("nfmask", Value::Number(nf_mask)),
        given("ctmask", Value::Number(ct_mask)),
    ];
    let mut options = match mode {
        0 => vec![given("set-xmark", forms::masked(value, ct_mask))],
        1 => vec![given("save-mark", None)],
        2 => vec![given("restore-mark", None)],
        _ => return None,
    };
    options.extend(masks.into_iter().filter(|_| mode != 0));
    let direction = match info.u8(12)? {
        0 => "left-shift-mark",
        1 => "right-shift-mark",
        _ => return None,
    };
    options.push(given(direction, Value::Number(info.u8(13)?.into())));
    Some(Statement::Target {
        name: "CONNMARK".to_owned(),
        options,
    })
}

/// `struct xt_tcpmss_info` (`linux/netfilter/xt_TCPMSS.h`).
fn tcpmss(payload: &[u8]) -> Option<Statement> {
    let mss = Struct::new(payload, 2)?.u16(0)?;
    Some(Statement::TcpMss {
        mss: (mss != u16::MAX).then_some(mss),
    })
}

/// `struct xt_NFQ_info` and `_v1` to `_v3` (`linux/netfilter/xt_NFQUEUE.h`).
fn nfqueue(revision: u8, payload: &[u8]) -> Option<Statement> {
    let info = Struct::new(payload, [2, 4, 6, 6].get(usize::from(revision)).copied()?)?;
    let total = if revision == 0 { 1 } else { info.u16(2)? };
    let flags = if revision < 2 { 0 } else { info.u16(4)? };
    if flags > 3 || (revision == 2 && flags > 1) {
        return None;
    }
    forms::queue(info.u16(0)?, total, flags & 1 != 0, flags & 2 != 0)
}

/// A port or range of ports.
fn ports(from: u16, to: u16) -> Value {
    forms::numbers(from.into(), to.into())
}

#[cfg(test)]
mod tests;
