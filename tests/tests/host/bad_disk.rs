//! A store that was edited is refused, and a disk that fills up leaves nothing half-made.

use std::fs;
use std::path::{Path, PathBuf};

use super::site::Site;

fn ruled() -> Site {
    Site::with(
        "nft add table inet f; nft add chain inet f c; nft add rule inet f c tcp dport 22 counter drop
         iptables-legacy -A INPUT -p tcp --dport 22 -j DROP",
    )
}

fn files(below: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The same bytes with one bit of the one in the middle changed: as when someone edits a number.
fn flipped(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bytes
}

#[test]
fn root_any_edited_file_of_a_baseline_is_refused() {
    let site = ruled();
    site.save("before");
    site.is_as("before", "untouched");
    let store = site.path("state/netghost");
    // The secret key takes no part in reading.
    let is_read = |path: &PathBuf| {
        !path.starts_with(store.join("keys")) || path.to_string_lossy().ends_with(".pub.pem")
    };
    let all: Vec<PathBuf> = files(&store).into_iter().filter(is_read).collect();
    assert!(all.len() > 10, "{all:?}");
    for path in all {
        let bytes = fs::read(&path).unwrap();
        let damages = [
            Some(flipped(&bytes)),
            Some(bytes[..bytes.len() / 2].to_vec()),
            Some(Vec::new()),
            None,
        ];
        for damage in damages {
            match &damage {
                Some(damage) => fs::write(&path, damage).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let answer = site.netghost("host diff before -o json");
            let what = format!(
                "{} as {:?} bytes: {answer:?}",
                path.display(),
                damage.map(|bytes| bytes.len())
            );
            assert!(matches!(answer.status, 2 | 4), "{what}");
            assert!(!answer.error().is_empty(), "{what}");
        }
        fs::write(&path, &bytes).unwrap();
    }
    site.is_as("before", "all as it was");
}

#[test]
fn root_a_baseline_under_another_name_is_refused() {
    let site = ruled();
    site.save("before");
    site.sh("cp -r state/netghost/baselines/before state/netghost/baselines/after");
    let answer = site.netghost("host diff after -o json");
    assert_eq!(
        (answer.status, answer.error().as_str()),
        (4, "edited"),
        "{answer:?}"
    );
}

/// Runs a script where the store is on a disk of its own, of `$size`.
const TINY: &str = r#"
    mkdir -p disk
    unshare --mount --propagation private sh -euc '
        mount -t tmpfs -o size=$size tmpfs disk
        XDG_STATE_HOME=$PWD/disk
        set +e
        eval "$script"
    '
"#;

fn on_a_tiny_disk(site: &Site, kib: u32, script: &str) -> String {
    site.sh(&format!("export size={kib}k script='{script}'\n{TINY}"))
}

#[test]
fn root_a_full_disk_is_said_and_leaves_no_baseline() {
    let site = ruled();
    let mut seen = [0, 0];
    for kib in [4, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 1024] {
        let printed = on_a_tiny_disk(
            &site,
            kib,
            "$netghost host capture --save full -o json >out 2>err; echo status $?
             $netghost host diff full -o json >diff.out 2>diff.err; echo status $?
             find disk -name \"*tmp*\" -o -name \".*\" | sed \"s/^/left /\"
             mount -o remount,size=2m disk
             $netghost host capture --save full >out2 2>err2; echo status $?
             $netghost host diff full >/dev/null; echo status $?",
        );
        let lines: Vec<&str> = printed.lines().collect();
        if lines == ["status 0", "status 0", "status 2", "status 0"] {
            seen[0] += 1;
            continue;
        }
        seen[1] += 1;
        let (out, error) = (
            fs::read(site.path("out")).unwrap(),
            fs::read_to_string(site.path("err")).unwrap(),
        );
        // With room again the same name is free and the same words succeed.
        assert_eq!(
            lines,
            ["status 4", "status 2", "status 0", "status 0"],
            "{kib} KiB: {error}"
        );
        assert_eq!(out, b"", "{kib} KiB");
        assert!(error.contains("No space left on device"), "{kib} KiB: {error}");
    }
    assert!(seen[0] > 0 && seen[1] > 3, "both were seen: {seen:?}");
}

#[test]
fn root_a_full_disk_leaves_no_answer_and_no_certificate() {
    let site = ruled();
    site.sh("$netghost host capture -o json >before.json");
    for words in [
        "host capture -o json --out disk/answer.json",
        "host diff ./before.json --certificate disk/answer.json -o json",
    ] {
        let printed = on_a_tiny_disk(
            &site,
            8,
            &format!(
                "XDG_STATE_HOME=$PWD/elsewhere
                 dd if=/dev/zero of=disk/filler bs=4096 2>/dev/null
                 $netghost {words} 2>err; echo status $?; ls -A disk"
            ),
        );
        let lines: Vec<&str> = printed.lines().collect();
        assert_eq!(lines, ["status 4", "filler"], "{words}");
        let error = fs::read_to_string(site.path("err")).unwrap();
        assert!(error.contains("No space left on device"), "{words}: {error}");
    }
}
