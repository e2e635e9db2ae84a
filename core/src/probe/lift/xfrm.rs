//! IPsec: counts from `ip xfrm`, which say all where they are zero. What there is is not listed: a listing holds keys.

use super::messages::names;
use super::{Outcome, Presence, Stop, of_facts, part, presence, ran, stopped, unreadable};
use crate::bytes::Hex;
use crate::host::xfrm::{ASSOCIATIONS, DEFAULTS, POLICIES};
use crate::probe::parts::Parts;
use crate::raw::{HostRaw, PartRead, RawMessage};
use crate::section::{SectionName, State};

/// `XFRM_MSG_GETDEFAULT`, which is the type of its answer too.
const GET_DEFAULT: u16 = 0x28;

pub(super) fn section(parts: &Parts) -> Outcome {
    match (presence(parts, "xfrm_user"), presence(parts, "af_key")) {
        (Presence::Absent, Presence::Absent) => {
            return Err(State::NotApplicable {
                why: "neither xfrm_user nor af_key is loaded or built in (/proc/modules, modules.builtin): no policy was set"
                    .to_owned(),
            });
        }
        (Presence::Absent, _) => {
            return Err(unreadable(
                "xfrm_user is not loaded, and af_key may have policies",
            ));
        }
        _ => {}
    }
    let rows = vec![
        part(
            POLICIES,
            none_counted(parts, "xfrm-policies", &["SPD", "IN", "OUT", "FWD"])?,
        ),
        part(
            ASSOCIATIONS,
            none_counted(parts, "xfrm-states", &["SAD", "count"])?,
        ),
        part(DEFAULTS, defaults(parts)?),
    ];
    let raw = HostRaw {
        links: names(parts)?,
        parts: rows,
    };
    of_facts(SectionName::Xfrm, raw)
}

/// No message where the tool counts nothing. `words` are all that it prints beside numbers.
fn none_counted(parts: &Parts, name: &str, words: &[&str]) -> Result<PartRead, Stop> {
    let read = match ran(parts, name) {
        Ok(read) => read,
        Err(stop) => return stopped(stop),
    };
    let text = String::from_utf8_lossy(&read.output);
    let (numbers, others): (Vec<&str>, Vec<&str>) = text
        .split_ascii_whitespace()
        .partition(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
    let expected = words.len().saturating_sub(1);
    if others != words || numbers.len() != expected {
        return Ok(PartRead::Unreadable {
            why: format!("{} xfrm printed something else", read.tool),
        });
    }
    if numbers.iter().all(|number| *number == "0") {
        return Ok(PartRead::Messages { messages: Vec::new() });
    }
    Ok(PartRead::Unreadable {
        why: "there are some, and they are not listed without an agent: a listing holds keys".to_owned(),
    })
}

/// ` in:  accept`, and so for `fwd` and `out`.
fn defaults(parts: &Parts) -> Result<PartRead, Stop> {
    let read = match ran(parts, "xfrm-defaults") {
        Ok(read) => read,
        Err(stop) => return stopped(stop),
    };
    let text = String::from_utf8_lossy(&read.output);
    let action = |direction: &str| {
        let word = text.lines().find_map(|line| line.trim().strip_prefix(direction));
        match word.map(str::trim) {
            Some("block") => Some(1),
            Some("accept") => Some(2),
            _ => None,
        }
    };
    let all: Option<Vec<u8>> = ["in:", "fwd:", "out:"].into_iter().map(action).collect();
    Ok(match all {
        Some(payload) => PartRead::Messages {
            messages: vec![RawMessage {
                message_type: GET_DEFAULT,
                payload: Hex(payload),
            }],
        },
        None => PartRead::Unreadable {
            why: format!("{} xfrm policy getdefault printed something else", read.tool),
        },
    })
}
