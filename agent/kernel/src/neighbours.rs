//! Neighbours, and addresses that are answered for.

use netghost_core::host::neighbours;
use netghost_core::section::{Section, SectionName};

use crate::facts::{Parts, Source, always_there, read as read_facts};
use crate::netlink::{DumpError, Protocol, Socket};

/// `RTM_GETNEIGH`.
const GET_NEIGHBOUR: u16 = 30;
/// `RTM_GETLINK`.
const GET_LINK: u16 = 18;
/// `NTF_PROXY`.
const PROXY: u8 = 8;

/// Reads the neighbours of every link. `now_us` gives microseconds since 1970 UTC.
pub(crate) fn read(now_us: &dyn Fn() -> u64) -> Section {
    let source = Source {
        name: SectionName::Neighbours,
        absent: always_there,
        pass,
        lift: neighbours::lift,
    };
    read_facts(&source, now_us)
}

fn pass(parts: &mut Parts) -> Result<(), DumpError> {
    let mut socket = Socket::open(Protocol::Route)?;
    // `struct ndmsg`: every family; its flags ask for the entries or for what is answered for others.
    let ask = |flags: u8| [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, flags, 0];
    parts.dump(&mut socket, neighbours::ENTRIES, GET_NEIGHBOUR, &ask(0))?;
    parts.dump(&mut socket, neighbours::PROXIES, GET_NEIGHBOUR, &ask(PROXY))?;
    // `struct ifinfomsg`.
    parts.dump(&mut socket, neighbours::LINKS, GET_LINK, &[0; 16])
}
