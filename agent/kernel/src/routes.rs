//! Routes of both families, all tables.

use netghost_core::host::routes;
use netghost_core::raw::{NetlinkRaw, RawMessage};
use netghost_core::section::{Content, Section, SectionName};

use crate::link_names;
use crate::netlink::{DumpError, Socket};
use crate::steady::{self, Pass, Source};

/// `RTM_GETROUTE`.
const GET_ROUTE: u16 = 26;
/// `sizeof(struct rtmsg)`; its first byte is the family.
const HEADER: usize = 12;
/// `AF_INET` and `AF_INET6`.
const FAMILIES: [u8; 2] = [2, 10];

/// Reads every route. `now_us` gives microseconds since 1970 UTC.
pub fn read(now_us: &dyn Fn() -> u64) -> Section {
    let source = Source {
        name: SectionName::Routes,
        pass,
        lift: routes::lift,
        content: |lifted| Content::Routes {
            config: lifted.config,
            runtime: lifted.runtime,
        },
    };
    steady::read(&source, now_us)
}

fn pass(socket: &mut Socket) -> Result<Pass, DumpError> {
    let links = link_names::read(socket)?;
    let mut messages = Vec::new();
    for family in FAMILIES {
        let mut body = [0; HEADER];
        if let Some(first) = body.first_mut() {
            *first = family;
        }
        let answer = socket.dump(GET_ROUTE, &body)?;
        messages.extend(answer.into_iter().filter(|message| is_of(message, family)));
    }
    let links_agree = link_names::read(socket)? == links;
    Ok(Pass {
        raw: NetlinkRaw {
            groups: Vec::new(),
            links,
            messages,
            ..NetlinkRaw::default()
        },
        links_agree,
    })
}

/// A kernel that runs without a family answers for all the others instead (`rtnl_dump_all`); those are asked for by
/// themselves. A message without a first byte is kept, so that decoding refuses it.
fn is_of(message: &RawMessage, family: u8) -> bool {
    message.payload.0.first().is_none_or(|first| *first == family)
}
