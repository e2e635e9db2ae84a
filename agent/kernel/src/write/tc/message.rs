//! Messages of `RTM_*QDISC`, `RTM_*TCLASS` and `RTM_*TFILTER` (`linux/rtnetlink.h`), and the socket that they go by.

use netghost_core::raw::{NetlinkRaw, RawMessage};

use super::attributes::{self, word};
use super::device::Device;
use super::{WriteError, unsupported};
use crate::netlink::{DumpError, Protocol, Socket};

pub(super) const NEW_QDISC: u16 = 36;
pub(super) const DEL_QDISC: u16 = 37;
pub(super) const NEW_CLASS: u16 = 40;
pub(super) const NEW_FILTER: u16 = 44;

pub(super) const ROOT: u32 = 0xffff_ffff;
pub(super) const INGRESS: u32 = 0xffff_fff1;

/// `TCA_KIND` and `TCA_OPTIONS`.
pub(super) const KIND: u16 = 1;
pub(super) const OPTIONS: u16 = 2;
/// `TCA_CHAIN`.
pub(super) const CHAIN: u16 = 11;

/// `NLM_F_REPLACE`, `NLM_F_EXCL`, `NLM_F_CREATE`.
pub(super) const REPLACE: u16 = 0x100;
pub(super) const EXCL: u16 = 0x200;
pub(super) const CREATE: u16 = 0x400;

/// `sizeof(struct tcmsg)`.
const HEADER: usize = 20;

/// `struct tcmsg` without the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) index: u32,
    pub(super) handle: u32,
    pub(super) parent: u32,
    pub(super) info: u32,
}

impl Head {
    pub(super) fn read(message: &RawMessage) -> Result<Self, WriteError> {
        let bytes = &message.payload.0;
        let all = [4, 8, 12, 16].map(|at| word(bytes, at));
        let [Some(index), Some(handle), Some(parent), Some(info)] = all else {
            return Err(unsupported("a message that is too short".to_owned()));
        };
        Ok(Self {
            index,
            handle,
            parent,
            info,
        })
    }
}

/// The attributes of a message of a dump.
pub(super) fn attributes_of(message: &RawMessage) -> Result<Vec<attributes::Attribute<'_>>, WriteError> {
    attributes::split(message.payload.0.get(HEADER..).unwrap_or_default())
}

/// The kind that it names.
pub(super) fn kind(all: &[attributes::Attribute<'_>]) -> String {
    let value = attributes::find(all, KIND)
        .map(|kind| kind.value)
        .unwrap_or_default();
    let text = value.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

/// A message to be sent; the device is put in when it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) message_type: u16,
    pub(super) flags: u16,
    pub(super) head: Head,
    pub(super) attributes: Vec<u8>,
    /// Where in `attributes` indexes of links stand, which are those of the reading.
    pub(super) links: Vec<usize>,
}

/// Sends messages and waits for each.
pub(super) struct Sender {
    socket: Socket,
}

impl Sender {
    pub(super) fn open() -> Result<Self, WriteError> {
        let socket = Socket::open(Protocol::Route).map_err(|error| WriteError::Unreadable {
            what: "traffic control".to_owned(),
            why: error.chain(),
        })?;
        Ok(Self { socket })
    }

    /// Sends one. `of` has the names of the links in it.
    pub(super) fn send(&mut self, device: &Device, of: &NetlinkRaw, message: &Message) -> Result<(), String> {
        let mut attributes = message.attributes.clone();
        for at in &message.links {
            let index = word(&attributes, *at).unwrap_or_default();
            let name = of.link_name(index).ok_or("a link without a name")?;
            let now = device
                .index_of(name)
                .ok_or_else(|| format!("the device {name} is gone"))?;
            attributes::put_word(&mut attributes, *at, now).ok_or("a message that is too short")?;
        }
        let head = message.head;
        let mut body = Vec::with_capacity(HEADER.saturating_add(attributes.len()));
        for number in [0, device.index, head.handle, head.parent, head.info] {
            body.extend_from_slice(&number.to_ne_bytes());
        }
        body.extend_from_slice(&attributes);
        let sent = self.socket.change(message.message_type, message.flags, &body);
        sent.map_err(|error: DumpError| match error.errno() {
            Some(errno) => std::io::Error::from_raw_os_error(errno).to_string(),
            None => error.chain(),
        })
    }
}
