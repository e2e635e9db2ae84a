//! Matches on one field.

use super::Struct;
use crate::netfilter::model::{Family, Item, Op, Value};
use crate::netfilter::xt::forms::{self, equals};
use crate::netfilter::xt::modules::bytecode::{self, BPF_MAX, Instruction, U32_MAX, U32Test};
use crate::netfilter::xt::modules::words;

/// The field of a family.
fn of(family: Family, ip: &'static str, ip6: &'static str) -> &'static str {
    if family == Family::Ip6 { ip6 } else { ip }
}

/// `struct xt_dscp_info` (`linux/netfilter/xt_dscp.h`).
pub(super) fn dscp(family: Family, payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 2)?;
    let value = info.u8(0).filter(|value| *value <= 0x3f)?;
    let field = of(family, "ip.dscp", "ip6.dscp");
    Some(vec![equals(field, info.flag8(1)?, Value::Number(value.into()))])
}

/// `struct xt_tos_match_info`; before it `struct ipt_tos_info`, a value and whether it is inverted.
pub(super) fn tos(family: Family, revision: u8, payload: &[u8]) -> Option<Vec<Item>> {
    let field = of(family, "ip.tos", "ip6.tclass");
    let (value, mask, inverted) = if revision == 0 {
        let info = Struct::new(payload, 2)?;
        (info.u8(0)?, 0xff, info.flag8(1)?)
    } else {
        let info = Struct::new(payload, 3)?;
        (info.u8(1)?, info.u8(0)?, info.flag8(2)?)
    };
    Some(vec![equals(
        field,
        inverted,
        words::tos(value.into(), mask.into()),
    )])
}

/// `struct xt_cpu_info` (`linux/netfilter/xt_cpu.h`) and `struct xt_cgroup_info_v0`, laid out alike.
pub(super) fn number(field: &str, payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 8)?;
    Some(vec![equals(field, info.flag32(4)?, Value::Number(info.u32(0)?))])
}

/// `struct xt_cgroup_info_v1` and `_v2` (`linux/netfilter/xt_cgroup.h`), which differ in the size of the path.
pub(super) fn cgroup(revision: u8, payload: &[u8]) -> Option<Vec<Item>> {
    let (info, class_at) = if revision == 1 {
        (Struct::new(payload, 4112)?, 4100)
    } else {
        (Struct::new(payload, 528)?, 4)
    };
    let path = || {
        let text = if revision == 1 {
            info.text::<4096>(4)
        } else {
            info.text::<512>(4)
        };
        text.map(Value::Text)
    };
    let item = match (info.flag8(0)?, info.flag8(1)?) {
        (true, false) => equals("cgroup.path", info.flag8(2)?, path()?),
        (false, true) => equals("meta.cgroup", info.flag8(3)?, Value::Number(info.u32(class_at)?)),
        _ => return None,
    };
    Some(vec![item])
}

/// `struct xt_devgroup_info` (`linux/netfilter/xt_devgroup.h`).
pub(super) fn devgroup(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 20)?;
    let flags = info.u32(0)?;
    if flags & !0x0f != 0 {
        return None;
    }
    let mut items = Vec::new();
    for (asked, inverted, at, field) in [(1, 2, 4, "meta.iifgroup"), (4, 8, 12, "meta.oifgroup")] {
        if flags & asked != 0 {
            let group = forms::masked(info.u32(at)?, info.u32(at + 4)?);
            items.push(equals(field, flags & inverted != 0, group));
        }
    }
    Some(items)
}

/// `struct xt_realm_info` (`linux/netfilter/xt_realm.h`).
pub(super) fn realm(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 12)?;
    let realm = forms::masked(info.u32(0)?, info.u32(4)?);
    Some(vec![equals("meta.rtclassid", info.flag8(8)?, realm)])
}

/// `struct xt_helper_info` (`linux/netfilter/xt_helper.h`).
pub(super) fn helper(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 36)?;
    Some(vec![equals(
        "ct.helper",
        info.flag32(0)?,
        Value::Text(info.text::<30>(4)?),
    )])
}

/// `struct xt_nfacct_match_info` and `_v1` (`linux/netfilter/xt_nfacct.h`).
pub(super) fn nfacct(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 40)?;
    Some(vec![equals("nfacct", false, Value::Text(info.text::<32>(0)?))])
}

/// `struct xt_quota_info` (`linux/netfilter/xt_quota.h`); what is left is the kernel's own.
pub(super) fn quota(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 24)?;
    Some(vec![forms::quota(info.u64(8)?, info.flag32(0)?)])
}

/// `struct xt_u32` (`linux/netfilter/xt_u32.h`).
pub(super) fn u32(payload: &[u8]) -> Option<Vec<Item>> {
    const TEST: usize = 180;
    let info = Struct::new(payload, 1984)?;
    let count = usize::from(info.u8(1980)?);
    if count == 0 || count > U32_MAX {
        return None;
    }
    let tests: Option<Vec<U32Test>> = (0..count).map(|place| u32_test(info, place * TEST)).collect();
    Some(vec![equals(
        "u32",
        info.flag8(1981)?,
        bytecode::u32_words(&tests?)?,
    )])
}

fn u32_test(info: Struct<'_>, at: usize) -> Option<U32Test> {
    let within = |count: u8| Some(usize::from(count)).filter(|count| (1..=U32_MAX).contains(count));
    let (numbers, values) = (within(info.u8(at + 176)?)?, within(info.u8(at + 177)?)?);
    let location = |place| Some((info.u8(at + 8 * place + 4)?, info.u32(at + 8 * place)?));
    let value = |place| Some((info.u32(at + 88 + 8 * place)?, info.u32(at + 92 + 8 * place)?));
    Some(U32Test {
        location: (0..numbers).map(location).collect::<Option<_>>()?,
        values: (0..values).map(value).collect::<Option<_>>()?,
    })
}

/// `struct xt_bpf_info` and `_v1` (`linux/netfilter/xt_bpf.h`); the descriptor by which a pinned program was found says nothing.
pub(super) fn bpf(revision: u8, payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 528)?;
    let (mode, count, at) = match revision {
        0 => (0, info.u16(0)?, 4),
        _ => (info.u16(0)?, info.u16(2)?, 8),
    };
    if mode == 1 {
        return Some(vec![equals(
            "bpf.pinned",
            false,
            Value::Text(info.text::<512>(8)?),
        )]);
    }
    let count = usize::from(count);
    if mode != 0 || count == 0 || count > BPF_MAX {
        return None;
    }
    let instruction = |place: usize| {
        Some(Instruction {
            code: info.u16(at + 8 * place)?,
            jumps: info.bytes(at + 8 * place + 2)?,
            operand: info.u32(at + 8 * place + 4)?,
        })
    };
    let program: Option<Vec<Instruction>> = (0..count).map(instruction).collect();
    Some(vec![forms::matching(
        "bpf.bytecode",
        Op::Eq,
        bytecode::classic_bpf(&program?),
    )])
}
