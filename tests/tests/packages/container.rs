//! A machine with systemd: the root under `systemd-nspawn`, what changes in it kept in memory and gone with it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use netghost_lab::run::run;
use netghost_lab::{Limits, Output};
use rustix::process::{Pid, Signal, kill_process};

use super::root::root;

/// Started, with the packages at `/packages`, a network namespace of its own, and nothing of ours failed.
pub(crate) struct Container {
    nspawn: Child,
    /// Its process 1, as the machine outside numbers it.
    leader: u32,
    log: PathBuf,
}

impl Container {
    /// Boots one.
    pub(crate) fn boot(packages: &Path) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("netghost-{}-{number}", std::process::id());
        let log = std::env::temp_dir().join(format!("{name}.log"));
        let out = File::create(&log).unwrap();
        // It ends with the test's thread, also when that is killed.
        let nspawn = Command::new("setpriv")
            .args([
                "--pdeathsig",
                "TERM",
                "systemd-nspawn",
                "--quiet",
                "--volatile=overlay",
            ])
            .args([
                "--private-network",
                "--keep-unit",
                "--register=no",
                "--console=pipe",
                "--boot",
            ])
            .arg(format!("--machine={name}"))
            .arg(format!("--bind-ro={}:/packages", packages.display()))
            .arg("--directory")
            .arg(root())
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .expect("setpriv (util-linux) and systemd-nspawn (systemd-container)");
        let mut container = Self {
            nspawn,
            leader: 0,
            log,
        };
        container.wait_until_running();
        container.sh("echo '127.0.0.1 localhost controller.test' >/etc/hosts");
        container
    }

    fn wait_until_running(&mut self) {
        let children = format!("/proc/{0}/task/{0}/children", self.nspawn.id());
        let deadline = Instant::now() + Duration::from_mins(1);
        let mut state = String::new();
        // A unit of the root's own that failed to start makes it `degraded`; ours may not be among them.
        while !matches!(state.trim(), "running" | "degraded") {
            assert!(Instant::now() < deadline, "{state}\n{}", self.logged());
            let ended = self.nspawn.try_wait().unwrap();
            assert!(ended.is_none(), "{ended:?}\n{}", self.logged());
            thread::sleep(Duration::from_millis(50));
            let leader = fs::read_to_string(&children).unwrap_or_default();
            let Some(leader) = leader.split_ascii_whitespace().next() else {
                continue;
            };
            self.leader = leader.parse().unwrap();
            state = self.exec("systemctl is-system-running --wait").text();
        }
        let failed = self.sh("systemctl list-units --failed --plain --no-legend");
        assert!(!failed.contains("netghost"), "{failed}");
    }

    fn logged(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Runs a script by the machine's shell, as its root.
    pub(crate) fn exec(&self, script: &str) -> Output {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--target={}", self.leader))
            .args([
                "--all",
                "env",
                "-i",
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                "HOME=/root",
            ])
            .args([
                "DEBIAN_FRONTEND=noninteractive",
                "LC_ALL=C.UTF-8",
                "sh",
                "-euc",
                script,
            ]);
        let limits = Limits {
            time: Duration::from_mins(1),
            ..Limits::default()
        };
        run(command, b"", limits).unwrap()
    }

    /// Runs a script that must succeed; what it printed, without the last line's end.
    pub(crate) fn sh(&self, script: &str) -> String {
        self.ends(script, 0)
    }

    /// Runs a script that must end in this status.
    pub(crate) fn ends(&self, script: &str, status: i32) -> String {
        let output = self.exec(script);
        assert_eq!(
            output.status.shell_code(),
            status,
            "{script}\n{}{}\n{}",
            output.text(),
            String::from_utf8_lossy(&output.stderr),
            self.sh_journal()
        );
        output.text().trim_end().to_owned()
    }

    fn sh_journal(&self) -> String {
        self.exec("journalctl --no-pager --lines 60 --unit 'netghost*'")
            .text()
    }

    /// Waits until a script succeeds, at most 30 seconds.
    pub(crate) fn until(&self, script: &str) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let output = self.exec(script);
            if output.status.success() {
                return;
            }
            let seen = format!("{}{}", output.text(), String::from_utf8_lossy(&output.stderr));
            assert!(
                Instant::now() < deadline,
                "{script}\n{seen}\n{}",
                self.sh_journal()
            );
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// Every file's path, but those of the kernel's and memory's file systems.
    pub(crate) fn files(&self) -> Vec<String> {
        let listed = self.sh("find / -xdev -path /packages -prune -o -print | sort");
        listed.lines().map(str::to_owned).collect()
    }

    /// A property of a unit.
    pub(crate) fn property(&self, unit: &str, name: &str) -> String {
        self.sh(&format!("systemctl show --property {name} --value {unit}"))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // To nspawn this means an orderly end, in which it removes what it made.
        if let Some(pid) = Pid::from_raw(i32::try_from(self.nspawn.id()).unwrap_or(0)) {
            kill_process(pid, Signal::TERM).ok();
        }
        let deadline = Instant::now() + Duration::from_secs(30);
        while let Ok(None) = self.nspawn.try_wait() {
            if Instant::now() > deadline {
                self.nspawn.kill().ok();
                self.nspawn.wait().ok();
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
        fs::remove_file(&self.log).ok();
    }
}
