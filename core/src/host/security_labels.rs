//! Security modules that label packets or refuse sockets: SELinux, Smack, AppArmor, Tomoyo, BPF.
//!
//! Which are active, in which mode, and of AppArmor each profile with the kernel's digest of it. What they decide of one
//! packet stands in their policies, which are not read: where one is active that could refuse, that is a gap.

use std::collections::BTreeMap;

use crate::bytes::Text;
use crate::facts::{Fact, Facts, Lifted, Property, Value};
use crate::raw::lift::LiftError;
use crate::raw::{HostRaw, PartRead};
use crate::section::Gap;

/// The names of the active modules, divided by commas.
pub const MODULES: &str = "modules";
/// A message for each BPF program at a hook of the security modules.
pub const HOOKS: &str = "hooks";
/// Where SELinux tells of itself.
pub const SELINUX: &str = "/sys/fs/selinux";
/// Where AppArmor has a directory for each profile.
pub const PROFILES: &str = "/sys/kernel/security/apparmor/policy/profiles";

/// Modules that can label packets or refuse them or their sockets.
pub const DECIDING: [&str; 5] = ["apparmor", "bpf", "selinux", "smack", "tomoyo"];

/// What of SELinux decides about packets, below [`SELINUX`].
pub const SELINUX_FILES: [&str; 6] = [
    "deny_unknown",
    "enforce",
    "mls",
    "policy_capabilities/always_check_network",
    "policy_capabilities/extended_socket_class",
    "policy_capabilities/network_peer_controls",
];

/// What each profile's directory holds that is read; the digest's name depends on the kernel.
pub const PROFILE_FILES: [&str; 4] = ["mode", "name", "sha1", "sha256"];

/// The active modules that can label or refuse.
pub fn deciding(modules: &str) -> Vec<&str> {
    let active = modules.trim().split(',').map(str::trim);
    active.filter(|module| DECIDING.contains(module)).collect()
}

/// Decodes what was read.
///
/// # Errors
/// Where a part is missing or of another form.
pub fn lift(raw: &HostRaw) -> Result<Lifted, LiftError> {
    let mut out = Lifted::default();
    let Some(modules) = raw.file(MODULES, "module", &mut out.gaps)? else {
        return Ok(out);
    };
    let modules = trimmed(modules);
    let mut config = Vec::new();
    for module in deciding(&modules) {
        let mut fact = Fact::new("module", vec![Text::from(module)]);
        match module {
            "selinux" => fact.properties = selinux(raw, &mut out.gaps)?,
            "apparmor" => config.extend(profiles(raw, &mut out.gaps)),
            // Without a program it refuses nothing.
            "bpf" if raw.messages(HOOKS, "module/bpf", &mut out.gaps)?.is_empty() => {
                config.push(fact);
                continue;
            }
            _ => {}
        }
        config.push(fact);
        out.gaps.extend(unread(module));
    }
    out.config = Facts::new(config);
    Ok(out)
}

/// What no reader has of a module's policy.
fn unread(module: &str) -> Option<Gap> {
    let why = match module {
        // A profile is known by its digest, whatever it says.
        "apparmor" => return None,
        "selinux" => "no reader of its policy and of the labels of peers (netlabel)",
        "bpf" => "no reader of programs at security hooks",
        _ => "no reader of its policy",
    };
    Some(Gap {
        path: format!("module/{module}"),
        why: why.to_owned(),
    })
}

/// Without the line's end.
fn trimmed(content: &Text) -> String {
    String::from_utf8_lossy(content.as_bytes()).trim().to_owned()
}

fn selinux(raw: &HostRaw, gaps: &mut Vec<Gap>) -> Result<Vec<Property>, LiftError> {
    let mut properties = Vec::new();
    for file in SELINUX_FILES {
        let Some(content) = raw.file(&format!("{SELINUX}/{file}"), "module/selinux", gaps)? else {
            continue;
        };
        let content = trimmed(content);
        let name = file.rsplit('/').next().unwrap_or(file);
        properties.push(match (file, content.as_str()) {
            ("enforce", "0") => Property::new("mode", Value::word("permissive")),
            ("enforce", "1") => Property::new("mode", Value::word("enforcing")),
            (_, other) => Property::new(name, Value::Text(Text::from(other))),
        });
    }
    Ok(properties)
}

/// A profile for each directory that has files among the parts.
fn profiles(raw: &HostRaw, gaps: &mut Vec<Gap>) -> Vec<Fact> {
    let mut directories: BTreeMap<&str, Vec<Property>> = BTreeMap::new();
    for part in &raw.parts {
        let Some(below) = part.source.strip_prefix(PROFILES) else {
            continue;
        };
        match &part.read {
            PartRead::File { content } => {
                let (directory, file) = below.rsplit_once('/').unwrap_or(("", below));
                let value = Text::from(content.as_bytes().trim_ascii());
                let properties = directories.entry(directory).or_default();
                properties.push(Property::new(file, Value::Text(value)));
            }
            PartRead::Unreadable { why } => gaps.push(Gap {
                path: "profile".to_owned(),
                why: why.clone(),
            }),
            PartRead::Absent { .. } | PartRead::Messages { .. } => {}
        }
    }
    directories
        .into_iter()
        .map(|(directory, read)| profile(directory, read))
        .collect()
}

/// By its own name: its directory's ends in a number that the kernel chose.
fn profile(directory: &str, read: Vec<Property>) -> Fact {
    let named = read.iter().find(|property| property.name == "name");
    let name = match named.map(|property| &property.value) {
        Some(Value::Text(name)) => name.clone(),
        _ => Text::from(directory),
    };
    let depth = directory.matches("/profiles/").count();
    let mut fact = Fact::new("profile", vec![name]);
    fact.properties = read
        .into_iter()
        .filter(|property| property.name != "name")
        .collect();
    fact.with_flag("child", depth > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::Hex;
    use crate::raw::{HostPart, RawMessage};

    fn host(files: &[(&str, &str)]) -> HostRaw {
        let mut parts: Vec<HostPart> = files
            .iter()
            .map(|(source, content)| HostPart {
                source: (*source).to_owned(),
                read: PartRead::File {
                    content: (*content).into(),
                },
            })
            .collect();
        for file in SELINUX_FILES.map(|file| format!("{SELINUX}/{file}")) {
            if !parts.iter().any(|part| part.source == file) {
                parts.push(HostPart {
                    source: file,
                    read: PartRead::Absent {
                        why: "none".to_owned(),
                    },
                });
            }
        }
        parts.push(HostPart {
            source: HOOKS.to_owned(),
            read: PartRead::Messages { messages: Vec::new() },
        });
        HostRaw {
            links: Vec::new(),
            parts,
        }
    }

    #[test]
    fn a_program_at_a_security_hook_may_refuse() {
        let mut raw = host(&[(MODULES, "capability,bpf")]);
        let lifted = lift(&raw).unwrap();
        assert_eq!(
            (shown(&lifted.config), lifted.gaps.len()),
            (vec!["module bpf".to_owned()], 0)
        );
        let hook = RawMessage {
            message_type: 0,
            payload: Hex(vec![2, 0, 0, 0]),
        };
        let hooks = raw.parts.iter_mut().find(|part| part.source == HOOKS).unwrap();
        hooks.read = PartRead::Messages { messages: vec![hook] };
        assert_eq!(lift(&raw).unwrap().gaps[0].path, "module/bpf");
    }

    fn shown(facts: &Facts) -> Vec<String> {
        facts.facts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_modules_that_can_refuse_are_looked_at() {
        assert_eq!(deciding("lockdown,capability,landlock,yama\n"), [""; 0]);
        assert_eq!(deciding("capability,selinux,bpf\n"), ["selinux", "bpf"]);
        let lifted = lift(&host(&[(MODULES, "capability,yama\n")])).unwrap();
        assert_eq!(lifted, Lifted::default());
    }

    #[test]
    fn selinux_by_its_mode_and_what_is_not_read_of_it() {
        let lifted = lift(&host(&[
            (MODULES, "capability,selinux"),
            ("/sys/fs/selinux/enforce", "1\n"),
            ("/sys/fs/selinux/mls", "1"),
            ("/sys/fs/selinux/policy_capabilities/network_peer_controls", "0"),
        ]))
        .unwrap();
        assert_eq!(
            shown(&lifted.config),
            ["module selinux mode enforcing mls 1 network_peer_controls 0"]
        );
        assert_eq!(lifted.gaps[0].path, "module/selinux");
    }

    #[test]
    fn profiles_by_name_mode_and_digest() {
        let path = |below: &str| format!("{PROFILES}/{below}");
        let sources = [
            "man.3/name",
            "man.3/mode",
            "man.3/sha256",
            "man.3/profiles/filter.4/name",
            "man.3/profiles/filter.4/mode",
        ]
        .map(path);
        let contents = ["/usr/bin/man\n", "enforce\n", "ab12\n", "filter\n", "complain\n"];
        let mut files = vec![(MODULES, "capability,apparmor\n")];
        files.extend(sources.iter().map(String::as_str).zip(contents));
        let lifted = lift(&host(&files)).unwrap();
        assert_eq!(
            shown(&lifted.config),
            [
                "module apparmor",
                "profile /usr/bin/man mode enforce sha256 ab12",
                "profile filter mode complain child",
            ]
        );
        assert_eq!(lifted.gaps, []);
        let mut raw = host(&files);
        raw.parts[3].read = PartRead::Unreadable {
            why: "refused".to_owned(),
        };
        assert_eq!(lift(&raw).unwrap().gaps.len(), 1);
    }

    #[test]
    fn a_list_that_was_not_read_is_a_gap_and_one_not_asked_for_an_error() {
        let mut raw = host(&[(MODULES, "")]);
        raw.parts[0].read = PartRead::Unreadable {
            why: "refused".to_owned(),
        };
        assert_eq!(lift(&raw).unwrap().gaps[0].path, "module");
        raw.parts.remove(0);
        assert!(lift(&raw).is_err());
    }
}
