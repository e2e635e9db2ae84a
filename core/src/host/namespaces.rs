//! The other network namespaces of a host: each has links, rules and sockets of its own, which a snapshot of one namespace
//! says nothing about. So each is a gap, named with what reads it.
//!
//! Names that `ip netns` gave are configuration. Namespaces of processes and containers come and go: they are runtime.

use std::collections::BTreeMap;

use crate::bytes::{Big, Text};
use crate::facts::{Fact, Facts, Lifted, Value};
use crate::raw::HostRaw;
use crate::raw::attr::{Malformed, attrs};
use crate::raw::lift::{Fault, LiftError};
use crate::section::Gap;

/// The part with one message for each namespace, this one among them.
pub const SOURCE: &str = "namespaces";
/// The part that says whether all processes were seen.
pub const PROCESSES: &str = "processes";
/// Where `ip netns` keeps names.
pub const NAMES: &str = "/run/netns";

/// The attributes of a message.
pub mod attribute {
    /// The inode by which the kernel knows the namespace, `u64`.
    pub const INODE: u16 = 1;
    /// Present: it is the one that was read.
    pub const OWN: u16 = 2;
    /// The path of a file that it is mounted on; may be repeated.
    pub const PATH: u16 = 3;
    /// How many processes are in it, `u32`.
    pub const PROCESSES: u16 = 4;
}

#[derive(Default)]
struct Namespace {
    inode: u64,
    own: bool,
    paths: Vec<Text>,
    processes: u32,
}

/// Decodes what was found.
///
/// # Errors
/// Where a message is malformed.
pub fn lift(raw: &HostRaw) -> Result<Lifted, LiftError> {
    let mut gaps = Vec::new();
    let (mut config, mut runtime) = (Vec::new(), Vec::new());
    let mut others: BTreeMap<String, u64> = BTreeMap::new();
    raw.messages(PROCESSES, "namespace", &mut gaps)?;
    for (position, message) in raw.messages(SOURCE, "namespace", &mut gaps)?.iter().enumerate() {
        let namespace = read(&message.payload.0).map_err(|fault| fault.at(position))?;
        let names = namespace.paths.iter().filter_map(name);
        config.extend(names.map(|name| {
            let fact = Fact::new("namespace", vec![name]);
            fact.with_flag("this", namespace.own)
        }));
        if !namespace.own {
            *others.entry(namespace.holder()).or_default() += 1;
        }
        runtime.push(namespace.state());
    }
    gaps.extend(others.into_iter().map(|(held, count)| Gap {
        path: format!("namespace/{held}"),
        why: format!(
            "{}its sections are in no section of this namespace: not enabled; as root read it with `--netns`",
            if count > 1 {
                format!("{count} of them: ")
            } else {
                String::new()
            }
        ),
    }));
    Ok(Lifted {
        config: Facts::new(config),
        runtime: Facts::new(runtime),
        gaps,
        warnings: Vec::new(),
    })
}

/// The name that `ip netns` gave.
fn name(path: &Text) -> Option<Text> {
    let below = path
        .as_bytes()
        .strip_prefix(NAMES.as_bytes())?
        .strip_prefix(b"/")?;
    Some(Text::from(below))
}

impl Namespace {
    /// By what people know it: its name, another file, or that processes are in it.
    fn holder(&self) -> String {
        let named = self.paths.iter().find_map(name);
        match named.as_ref().or(self.paths.first()) {
            Some(name) => name.to_string(),
            None => "of-processes".to_owned(),
        }
    }

    fn state(&self) -> Fact {
        let paths = self.paths.iter().cloned().map(Value::Text).collect::<Vec<_>>();
        Fact::new("namespace", vec![Text::from(self.inode.to_string())])
            .with_flag("this", self.own)
            .with_some("mounted", (!paths.is_empty()).then_some(Value::List(paths)))
            .with("processes", Value::Number(Big(self.processes.into())))
    }
}

fn read(payload: &[u8]) -> Result<Namespace, Fault> {
    let mut namespace = Namespace::default();
    let mut inode = None;
    for attr in attrs(payload) {
        let attr = attr?;
        match attr.kind {
            attribute::INODE => inode = Some(attr.ne64("inode")?),
            attribute::OWN => namespace.own = true,
            attribute::PATH => namespace.paths.push(Text::from(attr.value)),
            attribute::PROCESSES => namespace.processes = attr.ne32("processes")?,
            other => {
                return Err(Malformed::Value {
                    what: "attribute",
                    value: other.into(),
                }
                .into());
            }
        }
    }
    namespace.inode = inode.ok_or(Malformed::Missing { what: "inode" })?;
    Ok(namespace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::Hex;
    use crate::raw::{HostPart, PartRead, RawMessage};

    fn field(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(value.len() + 4).unwrap();
        let mut out = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
        out.extend_from_slice(value);
        out.resize(out.len().next_multiple_of(4), 0);
        out
    }

    fn namespace(inode: u64, own: bool, paths: &[&str], processes: u32) -> RawMessage {
        let mut payload = field(attribute::INODE, &inode.to_ne_bytes());
        payload.extend(if own {
            field(attribute::OWN, &[])
        } else {
            Vec::new()
        });
        payload.extend(
            paths
                .iter()
                .flat_map(|path| field(attribute::PATH, path.as_bytes())),
        );
        payload.extend(field(attribute::PROCESSES, &processes.to_ne_bytes()));
        RawMessage {
            message_type: 0,
            payload: Hex(payload),
        }
    }

    fn host(messages: Vec<RawMessage>) -> HostRaw {
        let part = |source: &str, messages| HostPart {
            source: source.to_owned(),
            read: PartRead::Messages { messages },
        };
        HostRaw {
            links: Vec::new(),
            parts: vec![part(PROCESSES, Vec::new()), part(SOURCE, messages)],
        }
    }

    fn shown(facts: &Facts) -> Vec<String> {
        facts.facts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_are_configuration_and_each_other_namespace_is_a_gap() {
        let lifted = lift(&host(vec![
            namespace(1, true, &[], 90),
            namespace(2, false, &["/run/docker/netns/ab12", "/run/netns/blue"], 3),
            namespace(3, false, &["/run/docker/netns/cd34"], 1),
            namespace(4, false, &[], 1),
            namespace(5, false, &[], 2),
        ]))
        .unwrap();
        assert_eq!(shown(&lifted.config), ["namespace blue"]);
        assert_eq!(
            shown(&lifted.runtime),
            [
                "namespace 1 this processes 90",
                "namespace 2 mounted [/run/docker/netns/ab12 /run/netns/blue] processes 3",
                "namespace 3 mounted [/run/docker/netns/cd34] processes 1",
                "namespace 4 processes 1",
                "namespace 5 processes 2",
            ]
        );
        let paths: Vec<_> = lifted.gaps.iter().map(|gap| gap.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "namespace//run/docker/netns/cd34",
                "namespace/blue",
                "namespace/of-processes"
            ]
        );
        assert!(lifted.gaps[2].why.starts_with("2 of them: "));
    }

    #[test]
    fn a_host_with_one_namespace_is_known_whole() {
        let lifted = lift(&host(vec![namespace(1, true, &["/run/netns/me"], 90)])).unwrap();
        assert_eq!(shown(&lifted.config), ["namespace me this"]);
        assert_eq!(lifted.gaps, []);
    }

    #[test]
    fn what_was_not_seen_is_a_gap_and_what_is_malformed_an_error() {
        let mut raw = host(vec![namespace(1, true, &[], 1)]);
        raw.parts[0].read = PartRead::Unreadable {
            why: "refused".to_owned(),
        };
        assert_eq!(lift(&raw).unwrap().gaps[0].path, "namespace");
        let whole = namespace(1, true, &["/run/netns/me"], 90);
        for cut in 0..12 {
            let mut short = whole.clone();
            short.payload.0.truncate(cut);
            assert!(lift(&host(vec![short])).is_err(), "{cut}");
        }
        for at in 0..whole.payload.0.len() {
            let mut changed = whole.clone();
            changed.payload.0[at] = 0xff;
            lift(&host(vec![changed])).ok();
        }
    }
}
