//! Files below a directory of the test's own.

use std::os::unix::fs::{PermissionsExt, symlink};

use netghost_core::section::State;

use super::*;

/// A directory that goes with the test.
struct Root(PathBuf);

impl Root {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("netghost-persisted-{name}-{}", std::process::id()));
        fs::create_dir_all(path.join("etc/systemd/system/sysinit.target.wants")).unwrap();
        fs::create_dir_all(path.join("usr/lib/systemd/system")).unwrap();
        let root = Self(path);
        root.write("usr/lib/systemd/systemd", "");
        root.write(
            "usr/lib/systemd/system/nftables.service",
            "[Service]\nExecStart=/usr/sbin/nft -f /etc/nftables.conf\n",
        );
        root
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.0.join(path), text).unwrap();
    }

    fn enable(&self) {
        let link = "etc/systemd/system/sysinit.target.wants/nftables.service";
        symlink("/lib/systemd/system/nftables.service", self.0.join(link)).unwrap();
    }

    fn read(&self) -> Section {
        read_below(&self.0, &|| 0)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn facts(section: &Section) -> Vec<String> {
    match &section.content {
        Some(netghost_core::section::Content::Facts { config, .. }) => {
            config.facts.iter().map(ToString::to_string).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn a_file_is_read_with_what_it_includes() {
    let root = Root::new("include");
    fs::create_dir(root.0.join("etc/nftables.d")).unwrap();
    root.write(
        "etc/nftables.conf",
        "flush ruleset\ninclude \"/etc/nftables.d/*.nft\"\n",
    );
    root.write(
        "etc/nftables.d/b.nft",
        "table ip b {\n chain c {\n  tcp dport 22 accept\n }\n}\n",
    );
    root.write("etc/nftables.d/a.nft", "table ip a {\n}\n");
    root.write("etc/nftables.d/not", "nonsense\n");
    root.enable();
    let section = root.read();
    assert_eq!((&section.state, section.reader), (&State::Captured, Reader::Text));
    let facts = facts(&section);
    assert_eq!(facts.len(), 3, "{facts:#?}");
    assert_eq!(
        facts[0],
        "chain /etc/nftables.conf ip b c rules [tcp dport 22 accept]"
    );
    assert!(
        facts[1].starts_with(
            "file /etc/nftables.conf loaded-by nftables.service plane nft with [/etc/nftables.d/a.nft /etc/nftables.d/b.nft] digest "
        ),
        "{facts:#?}"
    );
    assert_eq!(
        facts[2],
        "service nftables.service start enabled runs [/usr/sbin/nft -f /etc/nftables.conf]"
    );
}

#[test]
fn what_can_not_be_read_is_never_absent() {
    let root = Root::new("hidden");
    root.write("etc/nftables.conf", "table ip a {\n}\n");
    assert_eq!(root.read().state, State::Captured);
    // A pipe that nobody writes to.
    fs::remove_file(root.0.join("etc/nftables.conf")).unwrap();
    let pipe = std::ffi::CString::new(root.0.join("etc/nftables.conf").as_os_str().as_bytes()).unwrap();
    assert!(
        std::process::Command::new("mkfifo")
            .arg(pipe.to_str().unwrap())
            .status()
            .unwrap()
            .success()
    );
    let section = root.read();
    assert!(
        matches!(&section.state, State::Unreadable { why } if why.contains("not a plain file")),
        "{:?}",
        section.state
    );
    // A link that leads nowhere.
    fs::remove_file(root.0.join("etc/nftables.conf")).unwrap();
    symlink("gone", root.0.join("etc/nftables.conf")).unwrap();
    assert!(matches!(&root.read().state, State::Unreadable { why } if why.contains("leads nowhere")));
    // A directory that is such a link, as of a file system that is not mounted.
    fs::remove_file(root.0.join("etc/nftables.conf")).unwrap();
    root.write("etc/nftables.conf", "");
    symlink("gone", root.0.join("etc/iptables")).unwrap();
    assert!(matches!(&root.read().state, State::Unreadable { why } if why.contains("behind")));
    // No `/etc` at all.
    fs::remove_dir_all(root.0.join("etc")).unwrap();
    assert!(matches!(&root.read().state, State::Unreadable { why } if why.contains("nothing below /etc")));
}

#[test]
fn a_large_file_and_a_full_directory_are_refused() {
    let root = Root::new("large");
    let file = fs::File::create(root.0.join("etc/nftables.conf")).unwrap();
    file.set_len(LARGEST + 1).unwrap();
    file.set_permissions(fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(&root.read().state, State::Unreadable { why } if why.contains("larger than")));
}
