//! BPF programs at links, control groups, the namespace and in netfilter.
//!
//! What is attached where is told to `CAP_NET_ADMIN`; what a program is, and what is in netfilter, only to `CAP_SYS_ADMIN`.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use netghost_core::bytes::Hex;
use netghost_core::host::bpf::{
    self, CGROUPS, LINK_TYPES, LINKS, LSM, NAMESPACE, NAMESPACE_TYPES, NETFILTER, PROGRAMS, XDP, attached,
};
use netghost_core::raw::{PartRead, RawMessage};
use netghost_core::section::{Section, SectionName};

use crate::facts::{Parts, Source, part, read as read_facts};
use crate::link_names;
use crate::netlink::{DumpError, Protocol, Socket};

mod call;
mod cgroups;

/// `RTM_GETLINK`.
const GET_LINK: u16 = 18;
/// `BPF_LINK_TYPE_NETFILTER`.
const NETFILTER_LINK: u32 = 10;
/// `BPF_LINK_TYPE_TRACING`.
const TRACING_LINK: u32 = 2;
/// `BPF_LSM_MAC`.
const SECURITY_HOOK: u32 = 27;

/// Reads the programs. `now_us` gives microseconds since 1970 UTC.
pub(crate) fn read(now_us: &dyn Fn() -> u64) -> Section {
    let source = Source {
        name: SectionName::Bpf,
        absent,
        pass,
        lift: bpf::lift,
    };
    read_facts(&source, now_us)
}

fn absent() -> Option<String> {
    (!call::is_there()).then(|| "the kernel has no system call bpf (ENOSYS)".to_owned())
}

fn pass(parts: &mut Parts) -> Result<(), DumpError> {
    let mut route = Socket::open(Protocol::Route)?;
    let read = [
        (XDP, xdp(&mut route)?),
        (LINKS, links(&mut route)?),
        (CGROUPS, cgroups::read()?),
        (NAMESPACE, outcome(namespace())?),
        (NETFILTER, outcome(netfilter())?),
    ];
    let mut ids = BTreeSet::new();
    for (name, read) in read {
        if let PartRead::Messages { messages } = &read {
            let named = bpf::programs(name, messages);
            ids.extend(named.map_err(|_| DumpError::Malformed("a program's place that can't be decoded"))?);
        }
        parts.push(name, read);
    }
    parts.push(PROGRAMS, outcome(programs(&ids))?);
    Ok(())
}

fn xdp(route: &mut Socket) -> Result<PartRead, DumpError> {
    let links = route.dump(GET_LINK, &[0; 16]);
    let kept = links.and_then(|links| {
        let each = links.iter().map(bpf::xdp_only);
        let kept: Result<Vec<_>, _> = each.collect();
        kept.map_err(|_| DumpError::Malformed("a link that can't be decoded"))
    });
    part(kept.map(|kept| kept.into_iter().flatten().collect()))
}

fn links(route: &mut Socket) -> Result<PartRead, DumpError> {
    let mut messages = Vec::new();
    for link in link_names::read(route)? {
        for (attach_type, _) in LINK_TYPES {
            let place = [(attached::LINK, link.index.to_ne_bytes().to_vec())];
            match query(link.index, attach_type, &place) {
                Ok(found) => messages.extend(found),
                Err(error) => return outcome(Err(error)),
            }
        }
    }
    Ok(PartRead::Messages { messages })
}

fn namespace() -> io::Result<Vec<RawMessage>> {
    let namespace = File::open("/proc/thread-self/ns/net")?;
    let target = u32::try_from(namespace.as_raw_fd()).map_err(io::Error::other)?;
    let mut messages = Vec::new();
    for (attach_type, _) in NAMESPACE_TYPES {
        messages.extend(query(target, attach_type, &[])?);
    }
    Ok(messages)
}

/// What is attached to one place; nothing where the kernel has no such place.
fn query(target: u32, attach_type: u32, place: &[(u16, Vec<u8>)]) -> io::Result<Vec<RawMessage>> {
    let found = match call::query(target, attach_type, attach_type == LSM) {
        Ok(found) => found,
        Err(error) => {
            return match error.raw_os_error() {
                // An attach type that this kernel, or this kind of link, does not have.
                Some(libc::EINVAL | libc::ENXIO | libc::EOPNOTSUPP | libc::E2BIG) => Ok(Vec::new()),
                _ => Err(error),
            };
        }
    };
    let numbered = found.programs.iter().zip(1u32..);
    let message = |(program, place_number): (&u32, u32)| {
        let fields = [
            (attached::TYPE, attach_type),
            (attached::PROGRAM, *program),
            (attached::PLACE, place_number),
            (attached::FLAGS, found.flags),
        ];
        let fields = fields.map(|(kind, value)| attribute(kind, &value.to_ne_bytes()));
        let place = place.iter().map(|(kind, value)| attribute(*kind, value));
        RawMessage {
            message_type: 0,
            payload: Hex(fields.into_iter().chain(place).flatten().collect()),
        }
    };
    Ok(numbered.map(message).collect())
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len().saturating_add(4)).unwrap_or(u16::MAX);
    let mut out = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

/// Programs at the hooks of security modules (`BPF_LSM_MAC`), as `struct bpf_link_info`.
pub(crate) fn security_hooks() -> Result<PartRead, DumpError> {
    let hooked = links_of(|information| {
        information.starts_with(&TRACING_LINK.to_ne_bytes())
            && information.get(16..20) == Some(SECURITY_HOOK.to_ne_bytes().as_slice())
    });
    outcome(hooked)
}

fn netfilter() -> io::Result<Vec<RawMessage>> {
    links_of(|information| information.starts_with(&NETFILTER_LINK.to_ne_bytes()))
}

/// `struct bpf_link_info` of every link that is wanted.
fn links_of(wanted: impl Fn(&[u8]) -> bool) -> io::Result<Vec<RawMessage>> {
    let mut messages = Vec::new();
    let mut id = 0;
    while let Some(next) = call::link_after(id)? {
        id = next;
        match call::link(id) {
            Ok(information) if wanted(&information) => messages.push(RawMessage {
                message_type: 0,
                payload: Hex(information),
            }),
            Ok(_) => {}
            // Gone since it was listed.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(messages)
}

fn programs(ids: &BTreeSet<u32>) -> io::Result<Vec<RawMessage>> {
    let described = ids.iter().map(|id| {
        Ok(RawMessage {
            message_type: 0,
            payload: Hex(call::program(*id)?),
        })
    });
    described.collect()
}

/// What came of a call, as a part. What went while it was looked at may be there, or not, next time.
fn outcome(read: io::Result<Vec<RawMessage>>) -> Result<PartRead, DumpError> {
    let error = match read {
        Ok(messages) => return Ok(PartRead::Messages { messages }),
        Err(error) => error,
    };
    match error.raw_os_error() {
        Some(libc::ENOENT | libc::ENODEV) => Err(DumpError::Interrupted { messages: Vec::new() }),
        Some(libc::EPERM | libc::EACCES) => Ok(PartRead::Unreadable {
            why: "the kernel tells of BPF programs to CAP_SYS_ADMIN and CAP_NET_ADMIN: run as root"
                .to_owned(),
        }),
        _ => Ok(PartRead::Unreadable {
            why: format!("ask for BPF programs: {error}"),
        }),
    }
}
