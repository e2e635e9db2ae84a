//! Addresses of the links, both families.

use netghost_core::host::addresses;
use netghost_core::section::{Section, SectionName};

use crate::facts::{Parts, Source, always_there, read as read_facts};
use crate::netlink::{DumpError, Protocol, Socket};

/// `RTM_GETADDR`.
const GET_ADDRESS: u16 = 22;

/// Reads the addresses of every link. `now_us` gives microseconds since 1970 UTC.
pub(crate) fn read(now_us: &dyn Fn() -> u64) -> Section {
    let source = Source {
        name: SectionName::Addresses,
        absent: always_there,
        pass,
        lift: addresses::lift,
    };
    read_facts(&source, now_us)
}

fn pass(parts: &mut Parts) -> Result<(), DumpError> {
    let mut socket = Socket::open(Protocol::Route)?;
    // `struct ifaddrmsg`: `AF_UNSPEC` asks for all families that the kernel has.
    parts.dump(&mut socket, addresses::SOURCE, GET_ADDRESS, &[0; 8])
}
