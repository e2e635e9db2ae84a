//! Generic netlink (`linux/genetlink.h`): which families the kernel has, and what they list.
//!
//! A family is looked for in the list of all of them: asking for one by name makes the kernel load a module for it.

use netghost_core::raw::PartRead;
use netghost_core::raw::RawMessage;
use netghost_core::raw::attr::{Malformed, attrs};

use crate::facts::part;
use crate::netlink::{DumpError, Protocol, Socket};

/// `GENL_ID_CTRL` and `CTRL_CMD_GETFAMILY`.
const CONTROL: u16 = 16;
const GET_FAMILY: u8 = 3;
/// `CTRL_ATTR_FAMILY_ID` and `CTRL_ATTR_FAMILY_NAME`.
const ID: u16 = 1;
const NAME: u16 = 2;
/// `sizeof(struct genlmsghdr)`: the command, the family's version, two bytes of nothing.
const HEADER: usize = 4;

/// A family that the kernel has.
pub(crate) struct Family {
    socket: Socket,
    id: u16,
}

impl Family {
    /// The family of this name; `None` if the kernel has none, now.
    pub(crate) fn find(name: &str) -> Result<Option<Self>, DumpError> {
        let mut socket = Socket::open(Protocol::Generic)?;
        for family in socket.dump(CONTROL, &header(GET_FAMILY))? {
            let (found, id) =
                named(&family).map_err(|_| DumpError::Malformed("a family without name or number"))?;
            if found == name.as_bytes() {
                return Ok(Some(Self { socket, id }));
            }
        }
        Ok(None)
    }

    /// Everything that a command lists. The family's number, which differs from start to start, is taken out of the messages.
    pub(crate) fn dump(&mut self, command: u8, attributes: &[u8]) -> Result<PartRead, DumpError> {
        let body = [header(command).as_slice(), attributes].concat();
        part(self.socket.dump(self.id, &body).map(numberless))
    }

    /// The answer to a command that lists nothing.
    pub(crate) fn request(&mut self, command: u8) -> Result<PartRead, DumpError> {
        part(self.socket.request(self.id, &header(command)).map(numberless))
    }
}

fn header(command: u8) -> [u8; HEADER] {
    [command, 1, 0, 0]
}

fn numberless(mut messages: Vec<RawMessage>) -> Vec<RawMessage> {
    for message in &mut messages {
        message.message_type = 0;
    }
    messages
}

fn named(message: &RawMessage) -> Result<(Vec<u8>, u16), Malformed> {
    let (mut name, mut id) = (None, None);
    for attr in attrs(message.payload.0.get(HEADER..).unwrap_or_default()) {
        let attr = attr?;
        match attr.kind {
            ID => id = Some(attr.ne16("CTRL_ATTR_FAMILY_ID")?),
            NAME => name = Some(attr.text().as_bytes().to_vec()),
            _ => {}
        }
    }
    name.zip(id).ok_or(Malformed::Missing {
        what: "CTRL_ATTR_FAMILY_ID or _NAME",
    })
}

/// Proof that the kernel has no family of this name. What stands in the way of the list is met again by who reads.
pub(crate) fn absent(name: &str) -> Option<String> {
    matches!(Family::find(name), Ok(None))
        .then(|| format!("the kernel has no generic netlink family {name}: its module is not there"))
}

/// The family that is there, or went since its absence was looked for.
pub(crate) fn found(name: &str) -> Result<Family, DumpError> {
    Family::find(name)?.ok_or(DumpError::Refused { errno: libc::ENOENT })
}
