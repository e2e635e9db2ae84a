//! Where programs are attached.

use crate::bytes::Text;
use crate::facts::Value;
use crate::raw::HostRaw;
use crate::raw::attr::{Attr, Attrs, Malformed, attrs, take, take_at};
use crate::raw::lift::{Fault, Fields};

use super::{
    Attached, CGROUP_TYPES, CGROUPS, LINK_TYPES, LINKS, NAMESPACE, NAMESPACE_TYPES, NETFILTER, XDP, attached,
    words,
};

/// `sizeof(struct ifinfomsg)`.
pub(super) const LINK_HEADER: usize = 16;
/// `IFLA_XDP`.
pub(super) const XDP_ATTRIBUTE: u16 = 43;

// `IFLA_XDP_*`: how a program is attached, the only one, and those of each mode.
const XDP_MODE: u16 = 2;
const XDP_PROGRAM: u16 = 4;
const XDP_MODES: [(u16, &str); 3] = [(5, "native"), (6, "generic"), (7, "offload")];

/// `BPF_LINK_TYPE_NETFILTER`.
const NETFILTER_LINK: u32 = 10;

type Decode = fn(&HostRaw, &[u8]) -> Result<Vec<Attached>, Fault>;

/// Each part with how its messages are read.
pub(super) const PARTS: [(&str, Decode); 5] = [
    (XDP, xdp),
    (LINKS, |raw, payload| place(raw, payload, &LINK_TYPES)),
    (CGROUPS, |raw, payload| place(raw, payload, &CGROUP_TYPES)),
    (NAMESPACE, |raw, payload| place(raw, payload, &NAMESPACE_TYPES)),
    (NETFILTER, |_, payload| netfilter(payload)),
];

/// The programs that a message of this part names.
pub(super) fn programs(part: &str, payload: &[u8]) -> Result<Vec<u32>, Fault> {
    if part == XDP {
        let each =
            behind_link_header(payload)?.map(|attr| Ok(xdp_programs(attr?)?.into_iter().map(|(_, id)| id)));
        let each: Result<Vec<_>, Fault> = each.collect();
        return Ok(each?.into_iter().flatten().collect());
    }
    if part == NETFILTER {
        return Ok(netfilter(payload)?
            .iter()
            .map(|attached| attached.program)
            .collect());
    }
    Ok(vec![Place::read(payload)?.program()?])
}

/// The programs of a link by the word of their mode.
pub(super) fn xdp_programs(attr: Attr<'_>) -> Result<Vec<(&'static str, u32)>, Malformed> {
    let (mut mode, mut only, mut several) = (0, None, Vec::new());
    for inner in attr.nested() {
        let inner = inner?;
        match inner.kind {
            XDP_MODE => mode = inner.u8("IFLA_XDP_ATTACHED")?,
            XDP_PROGRAM => only = Some(inner.ne32("IFLA_XDP_PROG_ID")?),
            kind => {
                if let Some((_, word)) = XDP_MODES.iter().find(|(known, _)| *known == kind) {
                    several.push((*word, inner.ne32("IFLA_XDP_PROG_ID")?));
                }
            }
        }
    }
    match (mode, only) {
        (0, _) => Ok(Vec::new()),
        // Kernels before 4.19 name only the one program.
        (1, Some(id)) if several.is_empty() => Ok(vec![("native", id)]),
        (2, Some(id)) if several.is_empty() => Ok(vec![("generic", id)]),
        (3, Some(id)) if several.is_empty() => Ok(vec![("offload", id)]),
        _ if several.is_empty() => Err(Malformed::Value {
            what: "IFLA_XDP_ATTACHED",
            value: mode.into(),
        }),
        _ => Ok(several),
    }
}

/// The attributes of a link's message, which a cut within its header does not make none.
fn behind_link_header(payload: &[u8]) -> Result<Attrs<'_>, Malformed> {
    let _header: [u8; LINK_HEADER] = take(payload, "struct ifinfomsg")?;
    Ok(attrs(payload.get(LINK_HEADER..).unwrap_or_default()))
}

fn xdp(raw: &HostRaw, payload: &[u8]) -> Result<Vec<Attached>, Fault> {
    let index = take_at(payload, 4, "struct ifinfomsg").map(u32::from_ne_bytes)?;
    let device = raw.named(index)?;
    let mut all = Vec::new();
    for attr in behind_link_header(payload)? {
        for (mode, program) in xdp_programs(attr?)? {
            all.push(Attached {
                key: vec![Text::from("xdp"), device.clone(), Text::from(mode)],
                flags: None,
                program,
            });
        }
    }
    Ok(all)
}

/// What a message of ours says; see [`attached`].
#[derive(Default)]
struct Place {
    kind: Option<u32>,
    link: Option<u32>,
    path: Option<Text>,
    program: Option<u32>,
    place: Option<u32>,
    flags: u32,
}

impl Place {
    fn read(payload: &[u8]) -> Result<Self, Malformed> {
        let mut read = Self::default();
        for attr in attrs(payload) {
            let attr = attr?;
            match attr.kind {
                attached::TYPE => read.kind = Some(attr.ne32("attach_type")?),
                attached::LINK => read.link = Some(attr.ne32("target_ifindex")?),
                attached::PATH => read.path = Some(Text::from(attr.value)),
                attached::PROGRAM => read.program = Some(attr.ne32("prog_id")?),
                attached::PLACE => read.place = Some(attr.ne32("place")?),
                attached::FLAGS => read.flags = attr.ne32("attach_flags")?,
                other => {
                    return Err(Malformed::Value {
                        what: "attribute",
                        value: other.into(),
                    });
                }
            }
        }
        Ok(read)
    }

    fn program(&self) -> Result<u32, Malformed> {
        self.program.ok_or(Malformed::Missing { what: "prog_id" })
    }
}

fn place(raw: &HostRaw, payload: &[u8], types: &[(u32, &str)]) -> Result<Vec<Attached>, Fault> {
    let read = Place::read(payload)?;
    let kind = read.kind.ok_or(Malformed::Missing { what: "attach_type" })?;
    let word = types.iter().find(|(known, _)| *known == kind);
    let (_, word) = word.ok_or(Malformed::Value {
        what: "attach_type",
        value: kind.into(),
    })?;
    let mut key = match (read.link, &read.path) {
        (Some(index), _) => vec![Text::from(*word), raw.named(index)?],
        (None, Some(path)) => vec![Text::from("cgroup"), path.clone(), Text::from(*word)],
        (None, None) => vec![Text::from(*word)],
    };
    key.push(Text::from(read.place.unwrap_or(1).to_string()));
    // `BPF_F_ALLOW_OVERRIDE` and `BPF_F_ALLOW_MULTI`: what groups below may do.
    let flags = match read.flags {
        0 => None,
        1 => Some(("below", Value::word("override"))),
        2 => Some(("below", Value::word("multi"))),
        other => Some(("flags", Value::number(other))),
    };
    Ok(vec![Attached {
        key,
        flags,
        program: read.program()?,
    }])
}

/// `struct bpf_link_info` of a program in netfilter.
fn netfilter(payload: &[u8]) -> Result<Vec<Attached>, Fault> {
    let mut fields = Fields::new(payload, "struct bpf_link_info");
    let (kind, _id, program, _padding) = (fields.u32()?, fields.u32()?, fields.u32()?, fields.u32()?);
    if kind != NETFILTER_LINK {
        return Err(Malformed::Value {
            what: "struct bpf_link_info",
            value: kind.into(),
        }
        .into());
    }
    let (family, hook, priority, flags) = (fields.u32()?, fields.u32()?, fields.i32()?, fields.u32()?);
    let key = [
        "netfilter".to_owned(),
        words::family(family),
        words::hook(hook),
        priority.to_string(),
    ];
    Ok(vec![Attached {
        key: key.into_iter().map(Text::from).collect(),
        // `BPF_F_NETFILTER_IP_DEFRAG` is 1.
        flags: match flags {
            0 => None,
            1 => Some(("defrag", Value::Flag)),
            other => Some(("flags", Value::number(other))),
        },
        program,
    }])
}
