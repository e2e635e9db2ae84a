//! The connection table: its size from files, helpers and timeout policies from `nfct`, which says all only where there are none.

use super::messages::names;
use super::sysctls::Files;
use super::{Outcome, Presence, Stop, not_there, of_facts, part, presence, ran, stopped};
use crate::host::conntrack::{COUNT, EXPECTATIONS, HELPERS, MAX, STATISTICS, TIMEOUTS};
use crate::probe::parts::Parts;
use crate::raw::{HostRaw, PartRead};
use crate::section::{SectionName, State, Warning};

/// What changes by itself and was not asked for.
const NOT_READ: &str = "RUNTIME_NOT_READ";

pub(super) fn section(parts: &Parts) -> Outcome {
    if presence(parts, "nf_conntrack") == Presence::Absent {
        return Err(not_there("nf_conntrack"));
    }
    let links = names(parts)?;
    let files = Files::read(parts)?;
    let max = files.file(MAX.as_bytes());
    if let PartRead::Absent { why } = &max {
        return Err(State::NotApplicable {
            why: format!("the kernel tracks no connections: {why}"),
        });
    }
    let nothing = || PartRead::Messages { messages: Vec::new() };
    let rows = vec![
        part(COUNT, files.file(COUNT.as_bytes())),
        part(MAX, max),
        part(STATISTICS, nothing()),
        part(EXPECTATIONS, nothing()),
        part(HELPERS, none_listed(parts, "helpers")?),
        part(TIMEOUTS, none_listed(parts, "timeouts")?),
    ];
    let mut section = of_facts(SectionName::Conntrack, HostRaw { links, parts: rows })?;
    section.warnings.push(Warning {
        code: NOT_READ.to_owned(),
        message: "counters of the connection table and expected connections, which are no configuration, are not read \
                  without an agent"
            .to_owned(),
    });
    Ok(section)
}

/// No message where the tool lists nothing.
fn none_listed(parts: &Parts, name: &str) -> Result<PartRead, Stop> {
    match ran(parts, name) {
        Ok(listed) if listed.output.trim_ascii().is_empty() => {
            Ok(PartRead::Messages { messages: Vec::new() })
        }
        Ok(_) => Ok(PartRead::Unreadable {
            why: format!("there are {name}, and what nfct prints of them is not all of them"),
        }),
        // A kernel without the subsystem calls the request invalid.
        Err(State::Unreadable { why }) if why.contains("netlink error: Invalid argument") => {
            Ok(PartRead::Absent { why })
        }
        Err(stop) => stopped(stop),
    }
}
