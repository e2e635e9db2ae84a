//! The connection table, by files and `NETLINK_NETFILTER`.

use netghost_core::host::conntrack::{self, COUNT, EXPECTATIONS, HELPERS, MAX, STATISTICS, TIMEOUTS};
use netghost_core::raw::PartRead;
use netghost_core::section::{Section, SectionName};

use crate::facts::{Parts, Source, lacks, part, read as read_facts};
use crate::modules::{Modules, Presence};
use crate::netlink::{DumpError, Protocol, Socket};

/// `struct nfgenmsg`: all families.
const ANY: [u8; 4] = [0; 4];

/// What is dumped: the part, the module that answers, and `nfnl_subsys << 8 | message`. A module that is not there holds
/// nothing of its own, and asking would load it.
const DUMPS: [(&str, &str, u16); 4] = [
    (STATISTICS, "nf_conntrack_netlink", 1 << 8 | 4),
    (EXPECTATIONS, "nf_conntrack_netlink", 2 << 8 | 1),
    (HELPERS, "nfnetlink_cthelper", 9 << 8 | 1),
    (TIMEOUTS, "nfnetlink_cttimeout", 8 << 8 | 1),
];

/// Reads the use of the connection table. `now_us` gives microseconds since 1970 UTC.
pub(crate) fn read(now_us: &dyn Fn() -> u64) -> Section {
    let source = Source {
        name: SectionName::Conntrack,
        absent,
        pass,
        lift: conntrack::lift,
    };
    read_facts(&source, now_us)
}

fn absent() -> Option<String> {
    if Modules::of_this_kernel().presence("nf_conntrack") == Presence::Absent {
        return Some(
            "nf_conntrack is neither loaded nor built in (/proc/modules, modules.builtin)".to_owned(),
        );
    }
    lacks(MAX).then(|| format!("the kernel tracks no connections: there is no {MAX}"))
}

fn pass(parts: &mut Parts) -> Result<(), DumpError> {
    parts.file(COUNT);
    parts.file(MAX);
    let modules = Modules::of_this_kernel();
    for (source, module, request) in DUMPS {
        let read = match modules.presence(module) {
            Presence::Absent => PartRead::Absent {
                why: format!("{module} is neither loaded nor built in (/proc/modules, modules.builtin)"),
            },
            Presence::CanAsk | Presence::Unknown => dump(request)?,
        };
        parts.push(source, read);
    }
    Ok(())
}

fn dump(request: u16) -> Result<PartRead, DumpError> {
    match Socket::open(Protocol::Netfilter)?.dump(request, &ANY) {
        // No such subsystem.
        Err(DumpError::Refused { errno: libc::EINVAL }) => Ok(PartRead::Absent {
            why: "the kernel does not have it (EINVAL)".to_owned(),
        }),
        answer => part(answer),
    }
}
