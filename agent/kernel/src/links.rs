//! Network interfaces.

use netghost_core::host::links;
use netghost_core::raw::NetlinkRaw;
use netghost_core::section::{Content, Section, SectionName};

use crate::netlink::{DumpError, Socket};
use crate::steady::{self, Pass, Source};

/// `RTM_GETLINK`.
const GET_LINK: u16 = 18;
/// `sizeof(struct ifinfomsg)`.
const HEADER: usize = 16;

/// Reads every link. `now_us` gives microseconds since 1970 UTC.
pub fn read(now_us: &dyn Fn() -> u64) -> Section {
    let source = Source {
        name: SectionName::Links,
        pass,
        lift: links::lift,
        content: |lifted| Content::Links {
            config: lifted.config,
            runtime: lifted.runtime,
        },
    };
    steady::read(&source, now_us)
}

/// The messages name the links themselves, so nothing else has to agree with them.
fn pass(socket: &mut Socket) -> Result<Pass, DumpError> {
    let messages = socket.dump(GET_LINK, &[0; HEADER])?;
    let links = links::names(&messages).map_err(|_| DumpError::Malformed("a link without index or name"))?;
    Ok(Pass {
        raw: NetlinkRaw {
            groups: Vec::new(),
            links,
            messages,
            ..NetlinkRaw::default()
        },
        links_agree: true,
    })
}
