//! What the kernel attaches to a device by itself (`attach_default_qdiscs`, `net/sched/sch_generic.c`).

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;

use netghost_core::gate::QdiscPlace;
use netghost_core::raw::{NetlinkRaw, RawMessage};

use super::attributes::{Out, put_word};
use super::device::Device;
use super::message::{CREATE, Head, KIND, Message, NEW_CLASS, NEW_QDISC, REPLACE, ROOT};
use super::rehearsal;
use super::state::State;
use super::{WriteError, unsupported};

/// Kinds whose devices have no queue (`IFF_NO_QUEUE` in their setup functions).
const WITHOUT_QUEUE: [&str; 15] = [
    "bareudp",
    "bond",
    "bridge",
    "dummy",
    "geneve",
    "gtp",
    "ipvlan",
    "macvlan",
    "netkit",
    "team",
    "veth",
    "vlan",
    "vrf",
    "vxlan",
    "wireguard",
];
/// `ARPHRD_LOOPBACK`.
const LOOPBACK: u16 = 772;

/// What the kernel attaches when the root is removed.
pub(super) fn predicted(device: &Device) -> Result<NetlinkRaw, WriteError> {
    let unknown = |why: String| {
        unsupported(format!(
            "what the kernel attaches to {} when its root qdisc goes is not known for sure: {why}",
            device.name
        ))
    };
    if !device.is_up {
        return Err(unknown("it is down".to_owned()));
    }
    let kind = device
        .kind
        .as_ref()
        .and_then(|kind| kind.as_str())
        .unwrap_or_default();
    let messages = if WITHOUT_QUEUE.contains(&kind) || device.hardware_type == LOOPBACK {
        rehearsal::nothing(device)?
    } else if device.hardware_type != 1 {
        return Err(unknown("it is no Ethernet device".to_owned()));
    } else {
        let default = default_kind().map_err(|error| unknown(format!("net.core.default_qdisc: {error}")))?;
        let one = alone(device, &default)?;
        match device.queues {
            Some(1) => one,
            Some(queues) => {
                let used = queues_in_use(device).map_err(|error| unknown(error.to_string()))?;
                spread(device, &one, queues, used)?
            }
            None => return Err(unknown("its number of queues is not told".to_owned())),
        }
    };
    Ok(NetlinkRaw {
        links: rehearsal::links_of(device),
        messages,
        ..NetlinkRaw::default()
    })
}

/// Holds what stands at the root by itself to what would come back there.
pub(super) fn is_as_predicted(device: &Device, before: &State) -> Result<(), WriteError> {
    let has_none = before
        .at(QdiscPlace::Root)
        .is_some_and(|qdisc| qdisc.kind.as_str() == Some("noqueue"));
    let would_be = if has_none && device.is_up {
        // A device that has no queue by itself gets none again.
        rehearsal::nothing(device).map(|messages| NetlinkRaw {
            links: rehearsal::links_of(device),
            messages,
            ..NetlinkRaw::default()
        })?
    } else {
        predicted(device)?
    };
    let would_be = State::of(&device.name, would_be)?.part(QdiscPlace::Root);
    match would_be.config == before.part(QdiscPlace::Root).config {
        true => Ok(()),
        false => Err(unsupported(format!(
            "what stands at the root of {} by default is not what the kernel would attach now, so it could not be put back",
            device.name
        ))),
    }
}

/// The default qdisc with what it is told by default.
fn alone(device: &Device, kind: &str) -> Result<Vec<RawMessage>, WriteError> {
    let mut out = Out::default();
    let mut name = kind.as_bytes().to_vec();
    name.push(0);
    out.push(KIND, &name)?;
    let message = Message {
        message_type: NEW_QDISC,
        flags: CREATE | REPLACE,
        head: Head {
            index: 0,
            handle: 0,
            parent: ROOT,
            info: 0,
        },
        attributes: out.0,
        links: Vec::new(),
    };
    let mut made = rehearsal::made_of(device, &[message], &NetlinkRaw::default())?.messages;
    made.retain(|message| message.message_type == NEW_QDISC);
    for message in &mut made {
        set(message, 8, 0)?;
    }
    Ok(made)
}

/// `mq` at the root, a class for each queue that the device was made with, and the default qdisc for each that it uses.
fn spread(
    device: &Device,
    one: &[RawMessage],
    queues: u32,
    used: u32,
) -> Result<Vec<RawMessage>, WriteError> {
    let mut all = vec![bare(device, NEW_QDISC, 0, ROOT)?];
    for number in 1..=queues {
        if number <= used {
            for message in one {
                let mut message = message.clone();
                set(&mut message, 12, number)?;
                all.push(message);
            }
        }
        all.push(bare(device, NEW_CLASS, number, ROOT)?);
    }
    Ok(all)
}

fn bare(device: &Device, message_type: u16, handle: u32, parent: u32) -> Result<RawMessage, WriteError> {
    let mut payload: Vec<u8> = [0, device.index, handle, parent, 0]
        .iter()
        .flat_map(|number| number.to_ne_bytes())
        .collect();
    let mut out = Out::default();
    out.push(KIND, b"mq\0")?;
    payload.extend(out.0);
    Ok(RawMessage {
        message_type,
        payload: netghost_core::bytes::Hex(payload),
    })
}

fn set(message: &mut RawMessage, at: usize, value: u32) -> Result<(), WriteError> {
    put_word(&mut message.payload.0, at, value)
        .ok_or_else(|| unsupported("a message that is too short".to_owned()))
}

/// `net.core.default_qdisc`, which only the first network namespace shows.
fn default_kind() -> io::Result<String> {
    const SYSCTL: &str = "/proc/sys/net/core/default_qdisc";
    let read = || fs::read_to_string(SYSCTL).map(|text| text.trim().to_owned());
    match read() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            crate::namespaces::within_file(&File::open("/proc/1/ns/net")?, read)?
        }
        other => other,
    }
}

/// How many queues a device uses, which only sysfs tells, and that only of the namespace in which it was mounted.
fn queues_in_use(device: &Device) -> io::Result<u32> {
    let own = fs::metadata("/proc/thread-self/ns/net")?.ino();
    if own != fs::metadata("/proc/1/ns/net")?.ino() {
        return Err(io::Error::other(
            "how many queues it uses is not told in this network namespace",
        ));
    }
    let name = device
        .name
        .as_str()
        .ok_or_else(|| io::Error::other("its name is no text"))?;
    let mut used = 0u32;
    for entry in fs::read_dir(format!("/sys/class/net/{name}/queues"))? {
        let entry = entry?;
        let of_sending = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with("tx-"));
        used = used.saturating_add(u32::from(of_sending));
    }
    Ok(used)
}
