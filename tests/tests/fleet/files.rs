//! What lies on the disks: who can read it, and what never stands there.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use netghost_lab::Kind;

use crate::operator::{Answer, check, fleet, netghost, plan, seal};

/// Every regular file below.
fn files(below: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            found.extend(files(&path));
        } else if kind.is_file() {
            found.push(path);
        }
    }
    found
}

fn contains(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

#[test]
fn root_no_private_file_is_open_to_others() {
    let fleet = fleet(1);
    seal(&fleet, "before");
    let below = fleet.lab().directory().file("");
    let mut keys = 0;
    for path in files(&below) {
        let bytes = fs::read(&path).unwrap();
        let is_secret = contains(&bytes, b"PRIVATE KEY-----") && !path.ends_with("netghost-agent");
        if !is_secret {
            continue;
        }
        keys += 1;
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} {mode:o}", path.display());
    }
    // The authority's, the signing key, the agent's, the operator's.
    assert!(keys >= 4, "{keys}");
    // Neither rows nor objects of the controller can be reached by others.
    let directory = fleet.controller_directory().unwrap();
    let mode = fs::metadata(&directory).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
    let opened = fs::metadata(directory.join("netghost.db")).unwrap();
    assert!(opened.is_file());
}

#[test]
fn root_no_secret_is_written_anywhere() {
    let mut fleet = netghost_lab::Fleet::found(&plan(&[Kind::Netns])).unwrap();
    let token = fleet.token(1, "10m").unwrap();
    fleet.enrol("vm1", &token).unwrap().ok(&["enroll"]).unwrap();
    fleet.start_agent("vm1", &[]).unwrap();
    fleet.wait_connected(&["vm1"]).unwrap();
    let spent = fleet.token(1, "10m").unwrap();
    // Denials are written down too: a token that is spent, and one whose secret is another's.
    assert_ne!(Answer::from(fleet.enrol("vm1", &spent).unwrap()).status, 0);
    seal(&fleet, "before");
    check(&fleet, "before", 0);
    netghost(&fleet, &["audit", "verify"], 0);
    let below = fleet.lab().directory().file("");
    for token in [&token, &spent] {
        let secret = token.split('.').nth(2).unwrap().to_owned();
        assert_eq!(secret.len(), 64, "the secret half of the token");
        let raw = netghost_core::bytes::from_hex(&secret).unwrap();
        for path in files(&below) {
            let bytes = fs::read(&path).unwrap();
            assert!(!contains(&bytes, secret.as_bytes()), "{}", path.display());
            assert!(!contains(&bytes, &raw), "{}", path.display());
        }
    }
}
