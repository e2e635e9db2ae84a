//! Endpoints and limits of Multipath TCP.

use netghost_core::host::mptcp;
use netghost_core::section::{Section, SectionName};

use crate::facts::{Parts, Source, read as read_facts};
use crate::generic;
use crate::netlink::DumpError;

/// `MPTCP_PM_CMD_GET_ADDR` and `MPTCP_PM_CMD_GET_LIMITS`.
const GET_ADDRESS: u8 = 3;
const GET_LIMITS: u8 = 6;

/// Reads the endpoints and the limits. `now_us` gives microseconds since 1970 UTC.
pub(crate) fn read(now_us: &dyn Fn() -> u64) -> Section {
    let source = Source {
        name: SectionName::Mptcp,
        absent: || generic::absent(mptcp::FAMILY),
        pass,
        lift: mptcp::lift,
    };
    read_facts(&source, now_us)
}

fn pass(parts: &mut Parts) -> Result<(), DumpError> {
    let mut family = generic::found(mptcp::FAMILY)?;
    let endpoints = family.dump(GET_ADDRESS, &[])?;
    parts.push(mptcp::ENDPOINTS, endpoints);
    let limits = family.request(GET_LIMITS)?;
    parts.push(mptcp::LIMITS, limits);
    Ok(())
}
