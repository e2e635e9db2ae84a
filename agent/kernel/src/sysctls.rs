//! Kernel parameters, from `/proc/sys/net`, which shows the network namespace of the thread that opens a file.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use netghost_core::host::sysctls::{self, PER_LINK, ROOT, table::GLOBAL};
use netghost_core::section::{Section, SectionName};

use crate::facts::{Parts, Source, always_there, read as read_facts};
use crate::link_names;
use crate::netlink::{DumpError, Protocol, Socket};

/// Reads the parameters. `now_us` gives microseconds since 1970 UTC.
pub(crate) fn read(now_us: &dyn Fn() -> u64) -> Section {
    let source = Source {
        name: SectionName::Sysctls,
        absent: always_there,
        pass,
        lift: sysctls::lift,
    };
    read_facts(&source, now_us)
}

fn pass(parts: &mut Parts) -> Result<(), DumpError> {
    let links = link_names::read(&mut Socket::open(Protocol::Route)?)?;
    for parameter in GLOBAL {
        parts.file(&sysctls::source(parameter));
    }
    for place in PER_LINK {
        for name in place.names(&links) {
            let directory = Path::new(ROOT)
                .join(place.directory)
                .join(OsStr::from_bytes(name.as_bytes()));
            for parameter in place.parameters {
                parts.file_as(&place.source(&name, parameter), &directory.join(parameter.name));
            }
        }
    }
    Ok(())
}
