//! Rules that choose the routing table, of both families and of multicast routing.

use netghost_core::host::policy_rules;
use netghost_core::section::{Section, SectionName};

use crate::facts::{Parts, Source, always_there, read as read_facts};
use crate::netlink::{DumpError, Protocol, Socket};

/// `RTM_GETRULE`.
const GET_RULE: u16 = 34;

/// Reads the rules of every family. `now_us` gives microseconds since 1970 UTC.
pub(crate) fn read(now_us: &dyn Fn() -> u64) -> Section {
    let source = Source {
        name: SectionName::PolicyRules,
        absent: always_there,
        pass,
        lift: policy_rules::lift,
    };
    read_facts(&source, now_us)
}

fn pass(parts: &mut Parts) -> Result<(), DumpError> {
    for (source, family, _) in policy_rules::SOURCES {
        // `struct fib_rule_hdr`. A family that the kernel does not route refuses, which says that it has no rules.
        let body = [family, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        parts.dump(&mut Socket::open(Protocol::Route)?, source, GET_RULE, &body)?;
    }
    Ok(())
}
