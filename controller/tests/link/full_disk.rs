//! A disk that is full.

use std::path::PathBuf;
use std::process::Command;

use netghost_core::artifact::json::Digest;
use tonic::Code;

use crate::harness::{Site, directory, says, timings};
use crate::snapshots::{missing, send, start};

const MIB: usize = 1024 * 1024;

/// A file system of a few megabytes, until this is dropped.
struct Small(PathBuf);

impl Small {
    fn mount(mib: usize) -> Self {
        let directory = directory();
        std::fs::create_dir_all(&directory).unwrap();
        let size = format!("size={mib}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "netghost-test"])
            .arg(&directory)
            .status();
        assert!(
            mounted.unwrap().success(),
            "run this test as root: it mounts a tmpfs"
        );
        Self(directory)
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
        drop(std::fs::remove_dir(&self.0));
    }
}

#[tokio::test]
async fn root_a_full_disk_is_said_and_leaves_nothing_half() {
    let small = Small::mount(12);
    let site = Site::at(small.0.join("site"), timings()).await;
    let vm1 = site.agent("vm1").await;
    let mut client = site.connect(&vm1).await;
    // The partial file alone does not fit; then it does, but not a second time as an object.
    for size in [16 * MIB, 7 * MIB] {
        let bytes = vec![size.to_le_bytes()[2]; size];
        let status = send(&mut client, start(&bytes, None), &bytes).await.unwrap_err();
        says(&status, Code::ResourceExhausted, "the controller's disk is full");
        assert_eq!(site.files("objects"), Vec::<String>::new(), "{size}");
        assert_eq!(site.files("uploads"), Vec::<String>::new(), "{size}");
        assert_eq!(missing(&mut client, &Digest::of(&bytes)).await, Some(0));
    }
    // There is room again, since nothing was left; and it still serves.
    let bytes = vec![1; MIB];
    assert_eq!(
        send(&mut client, start(&bytes, None), &bytes).await.unwrap(),
        MIB as u64
    );
    assert_eq!(
        site.controller
            .store
            .get_object(&Digest::of(&bytes))
            .await
            .unwrap(),
        bytes
    );
    site.welcomed(&vm1, "p1").await;
}
