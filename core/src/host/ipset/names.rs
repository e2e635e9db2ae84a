//! Which set each of the kernel's numbers means.

use super::{HEADER, INDEX, LIST, SETNAME, find};
use crate::raw::attr::{Malformed, attrs};
use crate::raw::lift::whole;
use crate::raw::{RawMessage, SetName};

/// The numbers and names in a listing of sets; a kernel older than Linux 4.20 tells no numbers.
///
/// # Errors
/// Where a message is malformed or of another type.
pub fn names(messages: &[RawMessage]) -> Result<Vec<SetName>, Malformed> {
    let mut out = Vec::new();
    for message in messages {
        if message.message_type != LIST {
            return Err(Malformed::Value {
                what: "the type of a message of ipset",
                value: message.message_type.into(),
            });
        }
        let all = whole(attrs(message.payload.0.get(HEADER..).unwrap_or_default()))?;
        let name = find(&all, SETNAME).ok_or(Malformed::Missing {
            what: "IPSET_ATTR_SETNAME",
        })?;
        // Further messages of a set bring elements only.
        if let Some(index) = find(&all, INDEX) {
            out.push(SetName {
                index: index.be16("IPSET_ATTR_INDEX")?,
                name: name.text(),
            });
        }
    }
    out.sort_by_key(|set| set.index);
    Ok(out)
}
