//! Security modules: the list of the active ones, and what those that can refuse packets tell of themselves.

use std::fs;
use std::io;
use std::path::Path;

use netghost_core::bytes::Text;
use netghost_core::host::security_labels::{
    self, HOOKS, MODULES, PROFILE_FILES, PROFILES, SELINUX, SELINUX_FILES, deciding,
};
use netghost_core::raw::PartRead;
use netghost_core::section::{Section, SectionName};

use crate::bpf;
use crate::facts::{Parts, Source, read as read_facts};
use crate::netlink::DumpError;

mod listed;

/// The list as securityfs shows it, where that is mounted.
const LIST: &str = "/sys/kernel/security/lsm";

/// Reads the modules. `now_us` gives microseconds since 1970 UTC.
pub(crate) fn read(now_us: &dyn Fn() -> u64) -> Section {
    let source = Source {
        name: SectionName::SecurityLabels,
        absent,
        pass,
        lift: security_labels::lift,
    };
    read_facts(&source, now_us)
}

fn absent() -> Option<String> {
    let (modules, from) = modules().ok()?;
    let none = deciding(&modules).is_empty();
    none.then(|| {
        format!(
            "no active security module labels or refuses packets: {} ({from})",
            modules.trim()
        )
    })
}

/// The active modules, and where that is from.
fn modules() -> Result<(String, &'static str), io::Error> {
    match fs::read_to_string(LIST) {
        Ok(list) => Ok((list, LIST)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            listed::modules().map(|list| (list, "lsm_list_modules"))
        }
        Err(error) => Err(error),
    }
}

fn pass(parts: &mut Parts) -> Result<(), DumpError> {
    match modules() {
        Ok((list, _)) => {
            parts.push(
                MODULES,
                PartRead::File {
                    content: Text::from(list),
                },
            );
        }
        Err(error) => parts.push(
            MODULES,
            PartRead::Unreadable {
                why: format!(
                    "cannot list the security modules: {error}: mount securityfs on /sys/kernel/security"
                ),
            },
        ),
    }
    for file in SELINUX_FILES {
        parts.file(&format!("{SELINUX}/{file}"));
    }
    profiles(parts, Path::new(PROFILES));
    parts.push(HOOKS, bpf::security_hooks()?);
    Ok(())
}

/// Each profile's files, and those of the profiles below it.
fn profiles(parts: &mut Parts, directory: &Path) {
    let shown = directory.display().to_string();
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => {
            let why = format!("cannot read {shown}: {error}: run as root");
            return parts.push(&shown, PartRead::Unreadable { why });
        }
    };
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for profile in paths {
        for file in PROFILE_FILES {
            let path = profile.join(file);
            parts.file_as(&path.display().to_string(), &path);
        }
        profiles(parts, &profile.join("profiles"));
    }
}
