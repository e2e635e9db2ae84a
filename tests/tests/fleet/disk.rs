//! A disk that is full, on either side. It is a small tmpfs in a mount namespace of its own, which goes with the test.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::operator::{Answer, audit_is_good, check, document, fleet, netghost, seal};

/// A directory on a disk of its own, with what was in it before, for whoever enters by [`Small::wrapper`].
struct Small {
    holder: Child,
}

impl Small {
    fn on(directory: &Path, megabytes: u32) -> Self {
        let script = "set -e; owner=$(stat -c %u:%g \"$1\"); mode=$(stat -c %a \"$1\"); kept=$(mktemp -d)\n\
                      mount -t tmpfs kept \"$kept\"; cp -a \"$1/.\" \"$kept\"\n\
                      mount -t tmpfs -o size=\"$2\"m small \"$1\"; cp -a \"$kept/.\" \"$1\"\n\
                      umount \"$kept\"; rmdir \"$kept\"; chown \"$owner\" \"$1\"; chmod \"$mode\" \"$1\"\n\
                      echo ready; exec cat >/dev/null";
        let mut holder = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c", script, "sh"])
            .arg(directory)
            .arg(megabytes.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "ready\n");
        Self { holder }
    }

    fn wrapper(&self) -> [String; 4] {
        let target = self.holder.id().to_string();
        [
            "nsenter".to_owned(),
            "--mount".to_owned(),
            "--target".to_owned(),
            target,
        ]
    }

    /// Runs a script on the small disk.
    fn sh(&self, script: &str) -> String {
        let wrapper = self.wrapper();
        let output = Command::new(&wrapper[0])
            .args(&wrapper[1..])
            .args(["sh", "-c", script])
            .output()
            .unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// Fills what is left of it.
    fn fill(&self, directory: &Path) {
        let said = self.sh(&format!(
            "cat /dev/zero >'{}/filler'; df --output=avail '{0}'",
            directory.display()
        ));
        assert!(said.contains("No space left"), "{said}");
    }

    fn free(&self, directory: &Path) {
        self.sh(&format!("rm '{}/filler'", directory.display()));
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Its end is the end of the mount namespace; that it is gone is as good.
        self.holder.kill().ok();
        self.holder.wait().ok();
    }
}

fn words(wrapper: &[String]) -> Vec<&str> {
    wrapper.iter().map(String::as_str).collect()
}

#[test]
fn root_a_full_disk_of_the_controller_is_said_and_survived() {
    let mut fleet = fleet(1);
    seal(&fleet, "before");
    let (controller, vm) = fleet.controller().unwrap();
    controller.stop(vm, Duration::from_secs(20)).unwrap();
    let directory = fleet.controller_directory().unwrap();
    let small = Small::on(&directory, 8);
    fleet.start_controller(&words(&small.wrapper())).unwrap();
    fleet.wait_connected(&["vm1"]).unwrap();
    assert_eq!(check(&fleet, "before", 0)["verdict"], "no_drift");

    small.fill(&directory);
    let full = Answer::from(
        fleet
            .netghost(&[
                "baseline",
                "create",
                "full",
                "--all",
                "--deadline",
                "20s",
                "-o",
                "json",
            ])
            .unwrap(),
    );
    assert_eq!(full.status, 4, "{full:?}");
    assert!(
        full.said().contains("full") || full.said().contains("space"),
        "{full:?}"
    );
    println!("{}", full.said());
    small.free(&directory);

    // Nothing of the failed one is there under its name, and what was there is.
    let baselines = document(&fleet, &["baseline", "list"], 0);
    let names: Vec<&str> = baselines["baselines"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    assert_eq!(names, ["before"]);
    fleet.wait_connected(&["vm1"]).unwrap();
    assert_eq!(check(&fleet, "before", 0)["verdict"], "no_drift");
    seal(&fleet, "full");
    netghost(&fleet, &["audit", "verify"], 0);
}

#[test]
fn root_a_full_disk_of_an_agent_is_said_and_survived() {
    let mut fleet = fleet(2);
    seal(&fleet, "before");
    fleet.kill_agent("vm1").unwrap();
    let directory = fleet.agent_directory("vm1").unwrap();
    let small = Small::on(&directory, 4);
    fleet.start_agent("vm1", &words(&small.wrapper())).unwrap();
    fleet.wait_connected(&["vm1", "vm2"]).unwrap();
    small.fill(&directory);
    let full = document(&fleet, &["baseline", "create", "full", "--all"], 3);
    assert!(full.to_string().contains("disk"), "{full}");
    assert_eq!(full["verdict"], "partial", "vm2 was read: {full}");
    println!("{full}");
    small.free(&directory);
    assert_eq!(check(&fleet, "before", 0)["verdict"], "no_drift");
    seal(&fleet, "after");
    audit_is_good(&fleet);
}
