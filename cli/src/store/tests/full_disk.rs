//! A disk that fills up.

use super::*;

const TINY: &str = "NETGHOST_TEST_TINY_DISK";

/// Runs itself again in a mount namespace of its own, on file systems of 16 to 128 KiB, so that each write in turn is the
/// one that finds the disk full.
#[test]
fn root_full_disk_leaves_nothing_half_made() {
    if let Some(root) = std::env::var_os(TINY) {
        return on_a_tiny_disk(&Store::open(root));
    }
    let scratch = Scratch::new();
    for kib in [16, 24, 32, 40, 48, 64, 96, 128] {
        let script = "mount -t tmpfs -o size=\"$1\" tmpfs \"$2\" && exec \"$3\" --exact --nocapture \"$4\"";
        let status = Command::new("unshare")
            .args([
                "--mount",
                "--propagation",
                "private",
                "sh",
                "-c",
                script,
                "sh",
                &format!("{kib}k"),
            ])
            .args([&scratch.0, &std::env::current_exe().unwrap()])
            .arg("store::tests::full_disk::root_full_disk_leaves_nothing_half_made")
            .env(TINY, &scratch.0)
            .stdout(std::process::Stdio::null())
            .status()
            .expect("unshare of util-linux");
        assert!(
            status.success(),
            "with {kib} KiB (needs root: run `sudo make test`)"
        );
    }
}

fn on_a_tiny_disk(store: &Store) {
    let mut saved = Vec::new();
    for number in 0..64 {
        let name = name(&format!("n{number}"));
        match store.save(&name, &snapshot(&format!("{number}").repeat(2_000)), &meta()) {
            Ok(_) => saved.push((name, number)),
            Err(Error::File { source, .. }) => {
                assert_eq!(source.kind(), io::ErrorKind::StorageFull, "{source}");
                assert!(matches!(store.load(&name), Err(Error::NotFound { .. })));
                break;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(saved.len() < 64, "the disk was never full");
    for (name, number) in &saved {
        assert_eq!(
            store.load(name).unwrap(),
            snapshot(&format!("{number}").repeat(2_000))
        );
    }
    assert!(store.list().unwrap().iter().all(|row| row.sealed.is_ok()));
    let left = files(store.root());
    assert!(
        !left
            .iter()
            .any(|path| path.to_string_lossy().contains(atomic::TEMPORARY)),
        "{left:?}"
    );
}
