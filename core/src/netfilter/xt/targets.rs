//! Targets.

use super::forms;
use super::read::Struct;
use crate::netfilter::model::{Family, Item, LogFlag, Statement, Value, Verdict};

mod nat;

/// What a target does; `None` if that can't be said exactly.
pub(super) fn decode(family: Family, name: &[u8], revision: u8, payload: &[u8]) -> Option<Vec<Item>> {
    let statement = match (name, revision) {
        (b"", 0) => verdict(Struct::new(payload, 4)?.u32(0)?),
        (b"REJECT", 0) => reject(family, payload),
        (b"LOG", 0) => log(payload),
        (b"NFLOG", 0) => nflog(payload),
        (b"SNAT" | b"DNAT" | b"MASQUERADE" | b"REDIRECT", _) => nat::decode(family, name, revision, payload),
        (b"MARK", 2) => mark(payload),
        (b"CONNMARK", 1 | 2) => connmark(revision, payload),
        (b"TCPMSS", 0) => tcpmss(payload),
        (b"NOTRACK", 0) => payload.is_empty().then_some(Statement::Notrack),
        (b"CT", 0) => notrack(payload, 32),
        (b"CT", 1 | 2) => notrack(payload, 64),
        (b"NFQUEUE", 0..=3) => nfqueue(revision, payload),
        _ => None,
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

/// `struct xt_connmark_tginfo1` and `2` (`linux/netfilter/xt_connmark.h`); a shift is not decoded.
fn connmark(revision: u8, payload: &[u8]) -> Option<Statement> {
    let info = Struct::new(payload, 16)?;
    let mode = if revision == 1 {
        info.u8(12)?
    } else if info.u8(13)? == 0 {
        info.u8(14)?
    } else {
        return None;
    };
    let (value, ct_mask, nf_mask) = (info.u32(0)?, info.u32(4)?, info.u32(8)?);
    match mode {
        0 => Some(forms::set_mark("ct.mark", value, ct_mask)),
        1 => Some(forms::copy_mark("meta.mark", nf_mask, "ct.mark", ct_mask)),
        2 => Some(forms::copy_mark("ct.mark", ct_mask, "meta.mark", nf_mask)),
        _ => None,
    }
}

/// `struct xt_tcpmss_info` (`linux/netfilter/xt_TCPMSS.h`).
fn tcpmss(payload: &[u8]) -> Option<Statement> {
    let mss = Struct::new(payload, 2)?.u16(0)?;
    Some(Statement::TcpMss {
        mss: (mss != u16::MAX).then_some(mss),
    })
}

/// `struct xt_ct_target_info` and `_v1` (`linux/netfilter/xt_CT.h`) that ask for no tracking and nothing else.
fn notrack(payload: &[u8], public: usize) -> Option<Statement> {
    let info = Struct::new(payload, public + 8)?;
    let untracked = matches!(info.u16(0)?, 1 | 3);
    let nothing_else = payload.get(2..public)?.iter().all(|byte| *byte == 0);
    (untracked && nothing_else).then_some(Statement::Notrack)
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
