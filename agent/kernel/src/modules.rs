//! Kernel modules: reading must load none, and where one is loaded all the same, that is said.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use netghost_core::section::Warning;

/// Where a kernel tells of its modules.
#[derive(Debug, Clone)]
pub struct Modules {
    /// `/proc/modules`; missing in a kernel that can load none.
    loaded: PathBuf,
    /// `modules.builtin` of the running release.
    builtin: PathBuf,
}

/// What is known of a module without asking for it, which would load it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Loaded, built in, or in a kernel that loads nothing: asking changes nothing.
    CanAsk,
    /// Neither loaded nor built in.
    Absent,
    /// The list of what is built in can't be read.
    Unknown,
}

impl Modules {
    /// Those of the running kernel.
    pub fn of_this_kernel() -> Self {
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            loaded: PathBuf::from("/proc/modules"),
            builtin: Path::new("/lib/modules")
                .join(release.trim_end())
                .join("modules.builtin"),
        }
    }

    /// The loaded modules by name; empty for a kernel without modules.
    pub fn loaded(&self) -> BTreeSet<String> {
        let text = fs::read_to_string(&self.loaded).unwrap_or_default();
        text.lines()
            .filter_map(|line| line.split_whitespace().next())
            .map(str::to_owned)
            .collect()
    }

    /// Whether `module` is there.
    pub fn presence(&self, module: &str) -> Presence {
        if !self.loaded.exists() || self.loaded().contains(module) {
            return Presence::CanAsk;
        }
        // Lines such as `kernel/net/netfilter/nf_tables.ko`.
        match fs::read_to_string(&self.builtin) {
            Ok(list) if list.lines().any(|line| is_module(line, module)) => Presence::CanAsk,
            Ok(_) => Presence::Absent,
            Err(_) => Presence::Unknown,
        }
    }
}

fn is_module(path: &str, module: &str) -> bool {
    Path::new(path)
        .file_name()
        .is_some_and(|name| *name == *format!("{module}.ko"))
}

/// Says which modules came while something was read.
pub fn came(before: &BTreeSet<String>, after: &BTreeSet<String>) -> Option<Warning> {
    let new: Vec<&str> = after.difference(before).map(String::as_str).collect();
    (!new.is_empty()).then(|| Warning {
        code: "MODULES_LOADED".to_owned(),
        message: format!("while this was read the kernel loaded {}", new.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modules(name: &str, loaded: Option<&str>, builtin: Option<&str>) -> (PathBuf, Modules) {
        let directory = std::env::temp_dir().join(format!("netghost-modules-{name}-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let write = |file: &str, text: Option<&str>| {
            let path = directory.join(file);
            if let Some(text) = text {
                fs::write(&path, text).unwrap();
            }
            path
        };
        let modules = Modules {
            loaded: write("loaded", loaded),
            builtin: write("builtin", builtin),
        };
        (directory, modules)
    }

    #[test]
    fn a_module_is_there_if_loaded_or_built_in() {
        let cases = [
            ("none", None, None, Presence::CanAsk),
            (
                "loaded",
                Some("nf_tables 300000 0 - Live 0x0\n"),
                None,
                Presence::CanAsk,
            ),
            (
                "builtin",
                Some("overlay 1 0\n"),
                Some("kernel/net/netfilter/nf_tables.ko\n"),
                Presence::CanAsk,
            ),
            (
                "absent",
                Some("nf_tables_x 1 0\n"),
                Some("kernel/net/netfilter/not_nf_tables.ko\n"),
                Presence::Absent,
            ),
            ("unknown", Some("overlay 1 0\n"), None, Presence::Unknown),
        ];
        for (name, loaded, builtin, expected) in cases {
            let (directory, modules) = modules(name, loaded, builtin);
            assert_eq!(modules.presence("nf_tables"), expected, "{name}");
            fs::remove_dir_all(directory).unwrap();
        }
    }

    #[test]
    fn what_was_loaded_meanwhile_is_named() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(came(&set(&["a"]), &set(&["a"])), None);
        assert_eq!(
            came(&set(&["a", "b"]), &set(&["a"])),
            None,
            "what went is not ours"
        );
        assert!(
            came(&set(&["a"]), &set(&["a", "nf_tables"]))
                .unwrap()
                .message
                .contains("nf_tables")
        );
    }
}
