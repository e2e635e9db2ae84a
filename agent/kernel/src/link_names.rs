//! Which name each interface index means. Other readers need it to keep indexes out of configurations.

use netghost_core::bytes::Text;
use netghost_core::raw::attr::{Malformed, attrs, take_at};
use netghost_core::raw::{LinkName, RawMessage};

use crate::netlink::{DumpError, Link, Socket};

/// `RTM_GETLINK`.
const GET_LINK: u16 = 18;
/// `RTM_NEWLINK`.
const NEW_LINK: u16 = 16;
/// `sizeof(struct ifinfomsg)`.
const HEADER: usize = 16;
/// `IFLA_IFNAME`.
const NAME: u16 = 3;

/// The links of this namespace by index.
pub fn read<L: Link>(socket: &mut Socket<L>) -> Result<Vec<LinkName>, DumpError> {
    let messages = socket.dump(GET_LINK, &[0; HEADER])?;
    let names: Result<Vec<_>, Malformed> = messages
        .iter()
        .filter(|message| message.message_type == NEW_LINK)
        .map(link_name)
        .collect();
    let mut names = names.map_err(|_| DumpError::Malformed("a link without index or name"))?;
    names.sort_by_key(|link| link.index);
    Ok(names)
}

fn link_name(message: &RawMessage) -> Result<LinkName, Malformed> {
    let payload = &message.payload.0;
    let index = u32::from_ne_bytes(take_at(payload, 4, "ifinfomsg")?);
    let mut name: Option<Text> = None;
    for attr in attrs(payload.get(HEADER..).unwrap_or_default()) {
        let attr = attr?;
        if attr.kind == NAME {
            name = Some(attr.text());
        }
    }
    Ok(LinkName {
        index,
        name: name.ok_or(Malformed::Missing { what: "IFLA_IFNAME" })?,
    })
}
