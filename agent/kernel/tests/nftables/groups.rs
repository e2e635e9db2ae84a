//! Rules on control groups: known by the path, as `nft` lists them, and not by a number that another host has for something else.

use std::fs;
use std::path::PathBuf;

use netghost_core::netfilter::{nft_file, text};
use netghost_core::section::{Content, State};
use netghost_lab::netns::Namespace;

use crate::reading::{config, read};

/// Where the hierarchy of version 2 is mounted.
fn hierarchy() -> PathBuf {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let mut mounts = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let mount = mounts.find(|fields| fields[2] == "cgroup2").unwrap();
    mount[1].into()
}

/// A group with another one in it; both go with the test.
struct Group(PathBuf);

impl Group {
    fn new() -> Self {
        let path = hierarchy().join(format!("ng-group-{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        let group = Self(path);
        group.make_inner();
        group
    }

    fn make_inner(&self) {
        fs::create_dir(self.0.join("in")).unwrap();
    }

    fn remove_inner(&self) {
        fs::remove_dir(self.0.join("in")).unwrap();
    }

    fn name(&self) -> &str {
        self.0.file_name().unwrap().to_str().unwrap()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        drop(fs::remove_dir(self.0.join("in")));
        drop(fs::remove_dir(&self.0));
    }
}

/// Runs `nft` where the hierarchy stands at the one place at which it looks for it.
fn nft(namespace: &Namespace, words: &str, script: &str) -> String {
    let root = hierarchy();
    let command = format!(
        "mount --bind {} /sys/fs/cgroup && exec nft {words}",
        root.display()
    );
    let done = namespace
        .exec_with_input(&["unshare", "-m", "sh", "-c", &command], script.as_bytes())
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn root_a_control_group_is_known_by_its_path() {
    let group = Group::new();
    let name = group.name().to_owned();
    let script = format!(
        "table inet t {{\n set s {{\n type cgroupsv2\n elements = {{ \"{name}\" }}\n }}\n chain c {{\n \
         socket cgroupv2 level 1 \"{name}\" drop\n socket cgroupv2 level 2 {{ \"{name}/in\", \"{name}\" }} accept\n }}\n}}\n"
    );
    let one = Namespace::new().unwrap();
    nft(&one, "-f -", &script);
    let first = read(&one);
    let ruleset = config(&first).clone();
    let table = &ruleset.tables[0];
    let shown = text::rule(ruleset.plane, table, &table.chains[0], &table.chains[0].rules[0]);
    assert_eq!(shown, format!("socket cgroupv2 level 1 \"{name}\" drop"));
    assert_eq!(table.sets[0].key_type, "cgroupsv2");

    let listed = nft_file::parse_text(nft(&one, "list ruleset", "").as_bytes(), &|_| None).unwrap();
    let Some(Content::Netfilter { config: listed, .. }) = listed.content else {
        panic!("not a ruleset");
    };
    assert_eq!(listed, ruleset, "the listing of nft says the same");

    // One that is no more has a number that says nothing.
    group.remove_inner();
    let stale = read(&one);
    assert!(
        matches!(stale.state, State::Unreadable { .. }),
        "{:?}",
        stale.state
    );
    let paths: Vec<&str> = stale.gaps.iter().map(|gap| gap.path.as_str()).collect();
    assert_eq!(paths, ["inet/t/c/rule[2]"]);

    // Another group of the same path, as after another start of the host, has another number and is the same.
    group.make_inner();
    let other = Namespace::new().unwrap();
    nft(&other, "-f -", &script);
    assert_eq!(config(&read(&other)), &ruleset);
}
