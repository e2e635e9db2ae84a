//! A network namespace in which a tree is made to see what the kernel makes of it.

use std::io;
use std::thread;

use netghost_core::bytes::Text;
use netghost_core::raw::{LinkName, NetlinkRaw, RawMessage};

use super::attributes::{Out, put_word};
use super::device::Device;
use super::message::{Message, Sender};
use super::state::State;
use super::{WriteError, build, unsupported};
use crate::netlink::{Protocol, Socket};

/// The loopback device, which every namespace has, with this index.
const LOOPBACK: &[u8] = b"lo";
const INDEX: u32 = 1;

/// `RTM_NEWLINK`, `IFLA_MTU`, `IFLA_TXQLEN`.
const NEW_LINK: u16 = 16;
const MTU: u16 = 4;
const QUEUE_LENGTH: u16 = 13;
/// `IFF_UP`.
const UP: u32 = 1;

/// Makes the tree there, and holds it to what it is to be.
pub(super) fn can_be_made(device: &Device, tree: &State) -> Result<(), WriteError> {
    let messages = build::messages(tree)?;
    let made = made(device, &messages, &tree.raw)?;
    let is = made.part(place(tree));
    let expected = renamed(tree)?;
    match is.config == expected.config {
        true => Ok(()),
        false => Err(unsupported(format!(
            "{} could not be put back exactly: made again it reads otherwise{}",
            tree.object(),
            differing(&is, &expected)
        ))),
    }
}

/// What the kernel makes of these messages at the root, as messages of the device.
pub(super) fn made_of(
    device: &Device,
    messages: &[Message],
    of: &NetlinkRaw,
) -> Result<NetlinkRaw, WriteError> {
    let mut made = made(device, messages, of)?
        .part(netghost_core::gate::QdiscPlace::Root)
        .raw;
    for message in &mut made.messages {
        put_word(&mut message.payload.0, 4, device.index)
            .ok_or_else(|| unsupported("a message that is too short".to_owned()))?;
    }
    Ok(made)
}

/// What the kernel has by itself on a device without a queue, as messages of the device.
pub(super) fn nothing(device: &Device) -> Result<Vec<RawMessage>, WriteError> {
    made_of(device, &[], &NetlinkRaw::default()).map(|raw| raw.messages)
}

fn place(tree: &State) -> netghost_core::gate::QdiscPlace {
    use netghost_core::gate::QdiscPlace::{Ingress, Root};
    if tree.at(Root).is_some() { Root } else { Ingress }
}

fn differing(is: &State, expected: &State) -> String {
    let qdiscs = expected
        .config
        .qdiscs
        .iter()
        .find(|one| !is.config.qdiscs.contains(one));
    let classes = expected
        .config
        .classes
        .iter()
        .find(|one| !is.config.classes.contains(one));
    let filters = expected
        .config
        .filters
        .iter()
        .find(|one| !is.config.filters.contains(one));
    match (qdiscs, classes, filters) {
        (Some(qdisc), _, _) => format!(" (qdisc {} {})", qdisc.kind, qdisc.handle),
        (_, Some(class), _) => format!(" (class {} {})", class.kind, class.id),
        (_, _, Some(filter)) => format!(" (filter {} of priority {})", filter.kind, filter.priority),
        _ => String::new(),
    }
}

/// The tree as if all links were the one.
fn renamed(tree: &State) -> Result<State, WriteError> {
    let mut raw = tree.raw.clone();
    for link in &mut raw.links {
        link.name = Text::from(LOOPBACK);
    }
    State::of(&Text::from(LOOPBACK), raw)
}

fn made(device: &Device, messages: &[Message], of: &NetlinkRaw) -> Result<State, WriteError> {
    let mut of = of.clone();
    for link in &mut of.links {
        link.name = Text::from(LOOPBACK);
    }
    let failed = |why: String| WriteError::Unreadable {
        what: "a network namespace to rehearse in".to_owned(),
        why,
    };
    apart(|| {
        prepare(device).map_err(&failed)?;
        let there = Device::read(&Text::from(LOOPBACK))?;
        let mut sender = Sender::open()?;
        for message in messages {
            sender.send(&there, &of, message).map_err(|why| {
                unsupported(format!(
                    "traffic control of {} could not be put back exactly: made again it is refused: {why}",
                    device.name
                ))
            })?;
        }
        State::read(&there.name)
    })
    .map_err(|error| failed(error.to_string()))?
}

/// Gives the loopback device what qdiscs take from theirs.
fn prepare(device: &Device) -> Result<(), String> {
    let mut body = vec![0; 16];
    // It is put up (`ifi_flags` and which of them are meant), since a device that is down has no qdisc by itself.
    for (at, value) in [(4, INDEX), (8, UP), (12, UP)] {
        put_word(&mut body, at, value).ok_or("a message that is too short")?;
    }
    let mut out = Out::default();
    let told = [(MTU, Some(device.mtu)), (QUEUE_LENGTH, device.queue_length)];
    for (number, value) in told {
        if let Some(value) = value {
            out.push(number, &value.to_ne_bytes())
                .map_err(|error| error.to_string())?;
        }
    }
    body.extend(out.0);
    let mut socket = Socket::open(Protocol::Route).map_err(|error| error.chain())?;
    socket.change(NEW_LINK, 0, &body).map_err(|error| error.chain())
}

/// Runs something in a new network namespace, on a thread of its own; the namespace ends with it.
fn apart<T: Send>(inside: impl FnOnce() -> T + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let moved = || {
            leave()?;
            Ok(inside())
        };
        let thread = thread::Builder::new().spawn_scoped(scope, moved)?;
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[allow(unsafe_code, reason = "the standard library has no unshare")]
fn leave() -> io::Result<()> {
    // SAFETY: takes a number; only the calling thread moves, which is used for nothing else.
    match unsafe { libc::unshare(libc::CLONE_NEWNET) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// A device's messages under its own name and index.
pub(super) fn links_of(device: &Device) -> Vec<LinkName> {
    vec![LinkName {
        index: device.index,
        name: device.name.clone(),
    }]
}
