//! Virtual services of the kernel's load balancer.

use netghost_core::host::ipvs;
use netghost_core::raw::PartRead;
use netghost_core::section::{Section, SectionName};

use crate::facts::{Parts, Source, read as read_facts};
use crate::generic;
use crate::netlink::DumpError;

// IPVS_CMD_GET_*.
const GET_SERVICE: u8 = 4;
const GET_DESTINATION: u8 = 8;
const GET_DAEMON: u8 = 11;
const GET_CONFIG: u8 = 13;
/// `sizeof(struct genlmsghdr)`.
const HEADER: usize = 4;

/// Reads the services and what belongs to them. `now_us` gives microseconds since 1970 UTC.
pub(crate) fn read(now_us: &dyn Fn() -> u64) -> Section {
    let source = Source {
        name: SectionName::Ipvs,
        absent: || generic::absent(ipvs::FAMILY),
        pass,
        lift: ipvs::lift,
    };
    read_facts(&source, now_us)
}

fn pass(parts: &mut Parts) -> Result<(), DumpError> {
    let mut family = generic::found(ipvs::FAMILY)?;
    let services = family.dump(GET_SERVICE, &[])?;
    if let PartRead::Messages { messages } = &services {
        for (place, service) in messages.iter().enumerate() {
            // The answer's only attribute is the service, and the question's too.
            let asked = service.payload.0.get(HEADER..).unwrap_or_default();
            let answer = family.dump(GET_DESTINATION, asked)?;
            parts.push(&ipvs::destinations(place), answer);
        }
    }
    parts.push(ipvs::SERVICES, services);
    let daemons = family.dump(GET_DAEMON, &[])?;
    parts.push(ipvs::DAEMONS, daemons);
    let timeouts = family.request(GET_CONFIG)?;
    parts.push(ipvs::TIMEOUTS, timeouts);
    Ok(())
}
