//! Targets of arptables.

use super::Struct;
use super::forms::{self, given};
use crate::netfilter::model::{Family, Statement, Value};
use crate::netfilter::names;

const SOURCE_MAC: u8 = 0x01;
const TARGET_MAC: u8 = 0x02;
const SOURCE: u8 = 0x04;
const TARGET: u8 = 0x08;
/// `NF_ACCEPT`, which goes without saying.
const ACCEPT: u32 = 1;

/// `struct arpt_mangle` (`linux/netfilter_arp/arpt_mangle.h`).
pub(super) fn mangle(payload: &[u8]) -> Option<Statement> {
    let info = Struct::new(payload, 48)?;
    let (asked, verdict) = (info.u8(40)?, info.u32(44)?);
    if asked & !(SOURCE_MAC | TARGET_MAC | SOURCE | TARGET) != 0 {
        return None;
    }
    let address = |at| info.address(Family::Ip, at).map(Value::Address);
    let mac = |at| info.bytes(at).map(forms::mac);
    let all = [
        (SOURCE, "mangle-ip-s", address(32)?),
        (SOURCE_MAC, "mangle-mac-s", mac(0)?),
        (TARGET, "mangle-ip-d", address(36)?),
        (TARGET_MAC, "mangle-mac-d", mac(16)?),
    ];
    let set = all.into_iter().filter(|(bit, ..)| asked & bit != 0);
    let mut options: Vec<_> = set.map(|(_, name, value)| given(name, value)).collect();
    if verdict != ACCEPT {
        let word = names::name_of(&forms::MANGLE_VERDICTS, verdict)?;
        options.push(given("mangle-target", Value::Symbol(word.to_owned())));
    }
    Some(forms::target(Family::Arp, "mangle", options))
}
