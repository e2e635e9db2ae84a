//! Queueing disciplines, with those that `tc` hides, classes, filters and chains.

use std::collections::BTreeSet;

use netghost_core::raw::attr::{attrs, take_at};
use netghost_core::raw::{NetlinkRaw, RawMessage};
use netghost_core::section::{Content, Section, SectionName};
use netghost_core::tc;
use netghost_core::tc::places::{GET_FILTER, Question, questions, request};

use crate::link_names;
use crate::netlink::{DumpError, Socket};
use crate::steady::{self, Pass, Source};

/// `RTM_GETQDISC`.
const GET_QDISC: u16 = 38;
/// `RTM_GETTCLASS`.
const GET_CLASS: u16 = 42;
/// `RTM_GETCHAIN`.
const GET_CHAIN: u16 = 102;
/// `sizeof(struct tcmsg)`.
const HEADER: usize = 20;
/// `TCA_KIND`.
const KIND: u16 = 1;
/// `TCA_DUMP_INVISIBLE`, a flag: a length of four and the type.
const DUMP_INVISIBLE: [u8; 4] = {
    let ([l0, l1], [t0, t1]) = (4u16.to_ne_bytes(), 10u16.to_ne_bytes());
    [l0, l1, t0, t1]
};

/// Kinds that never have classes; a device with nothing else is not asked for any.
const CLASSLESS: [&[u8]; 6] = [
    b"noqueue",
    b"pfifo_fast",
    b"pfifo",
    b"bfifo",
    b"ingress",
    b"clsact",
];

/// Reads the qdiscs, classes, filters and chains of every device and shared block. `now_us` gives microseconds since 1970 UTC.
pub fn read(now_us: &dyn Fn() -> u64) -> Section {
    let source = Source {
        name: SectionName::Tc,
        pass,
        lift: tc::lift,
        content: |lifted| Content::Tc {
            config: lifted.config,
            runtime: lifted.runtime,
        },
    };
    steady::read(&source, now_us)
}

fn pass(socket: &mut Socket) -> Result<Pass, DumpError> {
    let links = link_names::read(socket)?;
    let mut messages = socket.dump(GET_QDISC, &[&[0; HEADER], DUMP_INVISIBLE.as_slice()].concat())?;
    let mut classful = BTreeSet::new();
    for message in &messages {
        classful.extend(device_with_classes(message)?);
    }
    for index in classful {
        let mut body = [0; HEADER];
        if let Some(field) = body.get_mut(4..8) {
            field.copy_from_slice(&index);
        }
        messages.extend(socket.dump(GET_CLASS, &body)?);
    }
    let places =
        questions(&messages).map_err(|_| DumpError::Malformed("a qdisc or class without device or kind"))?;
    for place in places {
        messages.extend(hanging(socket, place)?);
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

/// The chains and filters of one place, behind the request for them.
fn hanging(socket: &mut Socket, place: Question) -> Result<Vec<RawMessage>, DumpError> {
    let request = request(place);
    let body = request.payload.0.clone();
    let mut messages = vec![request];
    match socket.dump(GET_CHAIN, &body) {
        // Linux before 4.19 has chains without a way to list them; their filters say the rest.
        Err(error) if error.errno() == Some(libc::EOPNOTSUPP) => {}
        chains => messages.extend(chains?),
    }
    messages.extend(socket.dump(GET_FILTER, &body)?);
    Ok(messages)
}

/// The index of the device, as its bytes, if this qdisc may have classes.
fn device_with_classes(message: &RawMessage) -> Result<Option<[u8; 4]>, DumpError> {
    let malformed = |_| DumpError::Malformed("a qdisc without device or kind");
    let index = take_at(&message.payload.0, 4, "struct tcmsg").map_err(malformed)?;
    for attr in attrs(message.payload.0.get(HEADER..).unwrap_or_default()) {
        let attr = attr.map_err(malformed)?;
        if attr.kind == KIND {
            let classless = CLASSLESS.contains(&attr.text().as_bytes());
            return Ok((!classless).then_some(index));
        }
    }
    Err(DumpError::Malformed("a qdisc without device or kind"))
}
