//! Targets and watchers.

use super::{Struct, forms};
use crate::bytes::Text;
use crate::netfilter::model::{Family, Statement, TargetOption, Value};
use crate::netfilter::names;
use crate::netfilter::xt::forms::given;

/// What is done; `None` if that can't be said exactly.
pub(super) type Done = Option<Statement>;

/// The four bits of a target's number that are its verdict, with all others set.
const VERDICT: u32 = 0xffff_fff0;

fn verdict(name: &str, number: u32) -> Option<TargetOption> {
    let word = names::name_of(&forms::EBT_VERDICTS, number | VERDICT)?;
    Some(given(name, Value::Symbol(word.to_owned())))
}

/// A number whose other bits say nothing must have them as the tools write them.
fn plain(name: &str, number: u32) -> Option<TargetOption> {
    verdict(name, number).filter(|_| number & VERDICT == VERDICT)
}

fn done(name: &str, options: Vec<TargetOption>) -> Done {
    Some(forms::target(Family::Bridge, name, options))
}

/// `struct ebt_arpreply_info`.
pub(super) fn arpreply(payload: &[u8]) -> Done {
    let info = Struct::new(payload, 12)?;
    let mac = given("arpreply-mac", forms::mac(info.bytes(0)?));
    done("arpreply", vec![mac, plain("arpreply-target", info.u32(8)?)?])
}

/// `struct ebt_nat_info` (`linux/netfilter_bridge/ebt_nat.h`).
pub(super) fn dnat(payload: &[u8]) -> Done {
    let info = Struct::new(payload, 12)?;
    let mac = given("to-dst", forms::mac(info.bytes(0)?));
    done("dnat", vec![mac, plain("dnat-target", info.u32(8)?)?])
}

/// The same structure; where `NAT_ARP_BIT` is clear, the address inside an ARP message is altered too.
pub(super) fn snat(payload: &[u8]) -> Done {
    const NOT_ARP: u32 = 0x10;
    let info = Struct::new(payload, 12)?;
    let number = info.u32(8)?;
    let mut options = vec![given("to-src", forms::mac(info.bytes(0)?))];
    options.extend((number & NOT_ARP == 0).then(|| given("snat-arp", None)));
    options.push(plain("snat-target", number | NOT_ARP)?);
    done("snat", options)
}

/// `struct ebt_redirect_info`.
pub(super) fn redirect(payload: &[u8]) -> Done {
    let number = Struct::new(payload, 4)?.u32(0)?;
    done("redirect", vec![plain("redirect-target", number)?])
}

/// `struct ebt_mark_t_info` (`linux/netfilter_bridge/ebt_mark_t.h`): what is done with the mark stands above the verdict.
pub(super) fn mark(payload: &[u8]) -> Done {
    let info = Struct::new(payload, 16)?;
    let number = info.u32(8)?;
    let action = match number & VERDICT {
        0xffff_fff0 => "mark-set",
        0xffff_ffe0 => "mark-or",
        0xffff_ffd0 => "mark-and",
        0xffff_ffc0 => "mark-xor",
        _ => return None,
    };
    let (mark, high) = (info.u32(0)?, info.u32(4)?);
    // A mark has 32 bits. `and` with an inverted number may come with the upper ones set.
    if high != 0 && action != "mark-and" {
        return None;
    }
    done(
        "mark",
        vec![
            given(action, Value::Number(mark)),
            verdict("mark-target", number)?,
        ],
    )
}

/// `struct ebt_log_info` (`linux/netfilter_bridge/ebt_log.h`).
pub(super) fn log(payload: &[u8]) -> Done {
    let info = Struct::new(payload, 36)?;
    let asked = info.u32(32)?;
    if asked & !0x0b != 0 {
        return None;
    }
    let level = names::name_of(&forms::LOG_LEVELS, info.u8(0)?.into())?;
    let mut options = vec![given("log-level", Value::Symbol(level.to_owned()))];
    options.extend(prefix("log-prefix", &info.bytes::<30>(1)?));
    let flags = [(0x01, "log-ip"), (0x02, "log-arp"), (0x08, "log-ip6")];
    let set = flags.iter().filter(|(bit, _)| asked & bit != 0);
    options.extend(set.map(|(_, name)| given(name, None)));
    done("log", options)
}

/// `struct ebt_nflog_info` (`linux/netfilter_bridge/ebt_nflog.h`).
pub(super) fn nflog(payload: &[u8]) -> Done {
    let info = Struct::new(payload, 76)?;
    let (range, group, threshold) = (info.u32(0)?, info.u16(4)?, info.u16(6)?);
    if info.u16(8)? != 0 {
        return None;
    }
    let mut options = Vec::new();
    options.extend(prefix("nflog-prefix", &info.bytes::<64>(12)?));
    options.push(given("nflog-group", Value::Number(group.into())));
    options.extend((range != 0).then(|| given("nflog-range", Value::Number(range))));
    options.push(given("nflog-threshold", Value::Number(threshold.into())));
    done("nflog", options)
}

fn prefix(name: &str, field: &[u8]) -> Option<TargetOption> {
    let text = Text::from_nul_padded(field);
    (!text.is_empty()).then(|| given(name, Value::Text(text)))
}
