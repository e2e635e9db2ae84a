//! The name of a namespace: what it is matched by between two snapshots.
//!
//! | name | of | as stable as |
//! |---|---|---|
//! | `blue` | the name that `ip netns` gave | the name |
//! | `init` | the namespace of the first process | for ever |
//! | `machine:NAME`, `lxc:NAME` | a container with a name of its own | the container's name |
//! | `pod:UID` | a Kubernetes pod | the pod |
//! | `container:ID` | a container of Docker, containerd, CRI-O or Podman | the container, over restarts of it |
//! | `service:UNIT` | a unit with `PrivateNetwork` | the unit's name |
//! | `/path` | a file that it is mounted on, where no other name is known | the file's name |
//! | `inode:N` | anything else | this boot only |
//!
//! A bare word can only be a name of `ip netns`: one with a colon in it, or like a word of this table, is shown as its path.

use crate::bytes::Text;
use crate::host::namespaces::NAMES;

/// The namespace of the first process.
pub const INIT: &str = "init";
/// What begins the name of a namespace that has none but its inode.
const INODE: &str = "inode:";

/// What was seen of a namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen<'a> {
    /// Its inode.
    pub inode: u64,
    /// True if the first process is in it.
    pub first: bool,
    /// The files that it is mounted on, sorted.
    pub paths: Vec<&'a [u8]>,
    /// What holds its processes, as [`holder`] names it; only those that hold no older process of another namespace.
    pub holders: Vec<Holder>,
}

/// What holds a process, by its control group. The order is that in which they are preferred.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// A machine of systemd or an LXC container, by its name, with its kind before it.
    Machine(String),
    /// A pod, by its UID.
    Pod(String),
    /// A container, by its id.
    Container(String),
    /// A unit of systemd, by its name.
    Service(String),
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Machine(name) => f.write_str(name),
            Self::Pod(uid) => write!(f, "pod:{uid}"),
            Self::Container(id) => write!(f, "container:{id}"),
            Self::Service(unit) => write!(f, "service:{unit}"),
        }
    }
}

/// The name of a namespace.
pub fn of(seen: &Seen<'_>) -> Text {
    if seen.first {
        return INIT.into();
    }
    let named: Vec<Text> = seen.paths.iter().filter_map(|path| given(path)).collect();
    let holder = || {
        let first = seen.holders.iter().min();
        first.map(|holder| Text::from(holder.to_string()))
    };
    let by_people = || named.iter().find(|name| !made_by_program(name)).cloned();
    by_people()
        .or_else(holder)
        .or_else(|| named.first().cloned())
        .or_else(|| seen.paths.first().map(|path| Text::from(*path)))
        .unwrap_or_else(|| Text::from(format!("{INODE}{}", seen.inode)))
}

/// True for a name that says nothing after another start of the host.
pub fn is_of_this_boot(name: &Text) -> bool {
    name.as_bytes().starts_with(INODE.as_bytes())
}

/// The name that `ip netns` knows; the whole path where it could be taken for another kind of name.
fn given(path: &[u8]) -> Option<Text> {
    let name = path.strip_prefix(NAMES.as_bytes())?.strip_prefix(b"/")?;
    let plain = name != INIT.as_bytes() && !name.contains(&b':') && !name.contains(&b'/');
    Some(Text::from(if plain { name } else { path }))
}

/// Names that programs draw anew for each container: `cni-` and a UUID, or a UUID alone.
fn made_by_program(name: &Text) -> bool {
    let name = name.as_bytes();
    is_uuid(name.strip_prefix(b"cni-").unwrap_or(name))
}

fn is_uuid(word: &[u8]) -> bool {
    let dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    word.len() == 36
        && word.iter().enumerate().all(|(at, byte)| {
            if dash(at) {
                *byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        })
}

/// What holds a process, from its `/proc/PID/cgroup`: the innermost that is known, and of a container in a pod the pod.
pub fn holder(cgroup: &str) -> Option<Holder> {
    // `ID:CONTROLLERS:PATH`; the unified hierarchy has no controllers and says most.
    let path = |line: &str| line.splitn(3, ':').nth(2).map(str::to_owned);
    let lines = cgroup.lines().filter(|line| line.starts_with("0::"));
    let others = cgroup.lines().filter(|line| !line.starts_with("0::"));
    lines
        .chain(others)
        .filter_map(path)
        .find_map(|path| innermost(&path))
}

fn innermost(path: &str) -> Option<Holder> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let mut found: Option<(usize, Holder)> = None;
    for (at, part) in parts.iter().enumerate() {
        let Some(holder) = known(part) else { continue };
        let of_pod = matches!(
            (&holder, &found),
            (Holder::Container(_), Some((before, Holder::Pod(_)))) if before + 1 == at
        );
        if !of_pod {
            found = Some((at, holder));
        }
    }
    found.map(|(_, holder)| holder)
}

/// One directory of a control group's path.
fn known(part: &str) -> Option<Holder> {
    let machine = |kind: &str, name: &str| {
        let name = name.replace("\\x2d", "-");
        (!name.is_empty()).then(|| Holder::Machine(format!("{kind}:{name}")))
    };
    if let Some(name) = part
        .strip_prefix("lxc.payload.")
        .or_else(|| part.strip_prefix("lxc.payload:"))
    {
        return machine("lxc", name);
    }
    if let Some(name) = part
        .strip_prefix("machine-")
        .and_then(|rest| rest.strip_suffix(".scope"))
    {
        return machine("machine", name);
    }
    if let Some(uid) = pod(part) {
        return Some(Holder::Pod(uid));
    }
    let bare = part.strip_suffix(".scope").unwrap_or(part);
    let id = bare.rsplit_once('-').map_or(bare, |(_, id)| id);
    if id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(Holder::Container(id.to_ascii_lowercase()));
    }
    let unit = part.strip_suffix(".service").filter(|unit| !unit.is_empty());
    // One for each user holds all that a person starts: no namespace of its own.
    unit.filter(|unit| !unit.starts_with("user@"))
        .map(|_| Holder::Service(part.to_owned()))
}

/// `pod` and a UID, or systemd's `kubepods-burstable-podUID.slice`, in which its dashes are underscores.
fn pod(part: &str) -> Option<String> {
    let bare = part.strip_suffix(".slice").unwrap_or(part);
    let at = bare.rfind("pod")?;
    let uid = bare.get(at.saturating_add(3)..)?.replace('_', "-");
    let before = bare.get(..at)?;
    let kubernetes = before.is_empty() || before.starts_with("kubepods");
    (kubernetes && is_uuid(uid.as_bytes())).then_some(uid)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const UID: &str = "3b5c7a1e-0000-4000-8000-00000000000a";

    fn held(cgroup: &str) -> Option<String> {
        holder(cgroup).map(|holder| holder.to_string())
    }

    #[test]
    fn what_holds_a_process_is_told_by_its_control_group() {
        let under = UID.replace('-', "_");
        for (path, name) in [
            (
                format!("/system.slice/docker-{ID}.scope"),
                Some(format!("container:{ID}")),
            ),
            (format!("/docker/{ID}"), Some(format!("container:{ID}"))),
            (
                format!("/machine.slice/libpod-{ID}.scope/container"),
                Some(format!("container:{ID}")),
            ),
            (
                format!(
                    "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{under}.slice/cri-containerd-{ID}.scope"
                ),
                Some(format!("pod:{UID}")),
            ),
            (
                format!("/kubepods/besteffort/pod{UID}/{ID}"),
                Some(format!("pod:{UID}")),
            ),
            (
                format!("/kubepods/pod{UID}/{ID}/docker/{}", ID.replace('0', "f")),
                Some(format!("container:{}", ID.replace('0', "f"))),
            ),
            ("/lxc.payload.web/init.scope".into(), Some("lxc:web".into())),
            (
                "/machine.slice/machine-a\\x2db.scope/payload/init.scope".into(),
                Some("machine:a-b".into()),
            ),
            (
                "/system.slice/cups.service".into(),
                Some("service:cups.service".into()),
            ),
            ("/user.slice/user-0.slice/user@0.service/app.slice".into(), None),
            ("/user.slice/user-0.slice/session-4.scope".into(), None),
            ("/".into(), None),
            (format!("/docker/{}", &ID[1..]), None),
            ("/podman".into(), None),
            (format!("/tripod{UID}"), None),
        ] {
            assert_eq!(held(&format!("0::{path}\n")), name, "{path}");
        }
    }

    #[test]
    fn the_unified_hierarchy_is_asked_first_and_the_others_after_it() {
        let both = format!("4:memory:/docker/{ID}\n0::/system.slice/cups.service\n");
        assert_eq!(held(&both), Some("service:cups.service".to_owned()));
        let old = format!("4:memory:/docker/{ID}\n1:name=systemd:/\n0::/\n");
        assert_eq!(held(&old), Some(format!("container:{ID}")));
        assert_eq!(held("garbage\n:\n0::"), None);
    }

    fn named(paths: &[&'static str], holders: &[Holder]) -> String {
        let seen = Seen {
            inode: 7,
            first: false,
            paths: paths.iter().map(|path| path.as_bytes()).collect(),
            holders: holders.to_vec(),
        };
        of(&seen).to_string()
    }

    #[test]
    fn the_steadiest_name_is_taken() {
        let container = Holder::Container(ID.to_owned());
        let service = Holder::Service("a.service".to_owned());
        let pod = Holder::Pod(UID.to_owned());
        let given = "/run/netns/blue";
        let drawn = "/run/netns/cni-3b5c7a1e-0000-4000-8000-00000000000a";
        assert_eq!(
            named(&["/run/docker/netns/x", given], std::slice::from_ref(&container)),
            "blue"
        );
        assert_eq!(named(&[drawn], &[pod]), format!("pod:{UID}"));
        assert_eq!(named(&[drawn], &[]), &drawn["/run/netns/".len()..]);
        assert_eq!(
            named(&["/run/docker/netns/x"], &[service, container]),
            format!("container:{ID}")
        );
        assert_eq!(named(&["/run/docker/netns/x"], &[]), "/run/docker/netns/x");
        assert_eq!(named(&[], &[]), "inode:7");
        assert!(is_of_this_boot(&"inode:7".into()) && !is_of_this_boot(&"blue".into()));
    }

    #[test]
    fn no_given_name_passes_for_another_kind() {
        for path in ["/run/netns/init", "/run/netns/pod:1", "/run/netns/inode:9"] {
            assert_eq!(named(&[path], &[]), path);
        }
        let first = Seen {
            first: true,
            paths: vec![b"/run/netns/host"],
            ..Seen::default()
        };
        assert_eq!(of(&first).to_string(), "init");
    }
}
