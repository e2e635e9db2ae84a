//! Nexthop objects.

use netghost_core::host::nexthops;
use netghost_core::section::{Section, SectionName};

use crate::facts::{Parts, Source, always_there, read as read_facts};
use crate::netlink::{DumpError, Protocol, Socket};

/// `RTM_GETNEXTHOP`; Linux 5.3 has it first, and others refuse it.
const GET_NEXTHOP: u16 = 106;

/// Reads every nexthop object. `now_us` gives microseconds since 1970 UTC.
pub(crate) fn read(now_us: &dyn Fn() -> u64) -> Section {
    let source = Source {
        name: SectionName::Nexthops,
        absent: always_there,
        pass,
        lift: nexthops::lift,
    };
    read_facts(&source, now_us)
}

fn pass(parts: &mut Parts) -> Result<(), DumpError> {
    let mut socket = Socket::open(Protocol::Route)?;
    // `struct nhmsg`: every family.
    parts.dump(&mut socket, nexthops::SOURCE, GET_NEXTHOP, &[0; 8])
}
