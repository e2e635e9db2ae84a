//! A VM for the real programs: a network namespace, a directory, `serve` and `guard` as processes that can be killed.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use netghost_act::ask::ask;
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::key::Signer;
use netghost_core::artifact::name::Name;
use netghost_core::bytes::Text;
use netghost_core::fleet::Id;
use netghost_core::gate::{Action, ActionState, Answer, Approval, Asked, Demand, Operation, Roster, Stands};
use netghost_lab::Namespace;

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
const PROGRAM: &str = env!("CARGO_BIN_EXE_netghost-act");

/// Programs that stand in the place of the machine's own, in a mount namespace of the two processes: a package manager that writes
/// to a directory of the test.
const FAKES: [(&str, &str); 2] = [
    (
        "/usr/bin/apt-get",
        "#!/bin/sh
set -e
case \" $* \" in *' --simulate '*) echo 'Inst iperf (9.9 Fake)'; exit 0 ;; esac
echo half-configured >HOME/package; sleep 0.15
echo 'Setting up iperf (9.9)'
echo installed >HOME/package
",
    ),
    (
        "/usr/bin/dpkg-query",
        "#!/bin/sh
state=$(cat HOME/package 2>/dev/null) || exit 1
echo \"$state 9.9\"
",
    ),
];

pub(crate) struct Stand {
    pub(crate) namespace: Namespace,
    pub(crate) home: PathBuf,
    serve: Option<Child>,
    guard: Option<Child>,
    next: u8,
    /// Within how many seconds a change is confirmed; long enough for what a test does meanwhile on a busy machine.
    pub(crate) window_s: u32,
}

pub(crate) fn signer(seed: u8) -> Signer {
    Signer::from_seed(&[seed; 32]).unwrap()
}

pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

impl Stand {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let home = std::env::temp_dir().join(format!("ng-stand-{}-{number}", std::process::id()));
        fs::create_dir_all(home.join("fakes")).unwrap();
        let stand = Self {
            namespace: Namespace::new().unwrap(),
            home,
            serve: None,
            guard: None,
            next: 0,
            window_s: 5,
        };
        for (program, script) in FAKES {
            let fake = stand.fake(program);
            fs::write(&fake, script.replace("HOME", &stand.home.display().to_string())).unwrap();
            let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs::set_permissions(&fake, executable).unwrap();
        }
        fs::write(stand.path("xtables.lock"), b"").unwrap();
        let policy = "change = \"approve\"\ninstall = \"approve\"\n";
        fs::write(stand.path("policy.toml"), policy).unwrap();
        fs::write(stand.path("approvers.pem"), signer(1).public().to_pem().unwrap()).unwrap();
        stand
    }

    /// With both processes.
    pub(crate) fn started() -> Self {
        let mut stand = Self::new();
        stand.start_guard();
        stand.start_serve();
        stand
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    fn fake(&self, program: &str) -> PathBuf {
        self.home
            .join("fakes")
            .join(Path::new(program).file_name().unwrap())
    }

    /// The child *is* the program, in the end: its number can be killed.
    fn start(&self, job: &str, socket: &str) -> Child {
        let mut script = String::new();
        for (program, _) in FAKES {
            script.push_str(&format!(
                "mount --bind {} {program} && ",
                self.fake(program).display()
            ));
        }
        // A lock of its own: other tests hold the machine's.
        let lock = self.path("xtables.lock");
        script.push_str(&format!(
            "touch /run/xtables.lock && mount --bind {} /run/xtables.lock && ",
            lock.display()
        ));
        script.push_str("exec \"$@\"");
        let mut command = Command::new("unshare");
        command.args([
            "--mount",
            "--propagation",
            "slave",
            "sh",
            "-c",
            &script,
            "sh",
            PROGRAM,
            job,
            "--listen",
        ]);
        command.arg(self.path(socket));
        for (option, file) in [
            ("--state", "state"),
            ("--policy", "policy.toml"),
            ("--approvers", "approvers.pem"),
            ("--guard", "guard.sock"),
        ] {
            command.arg(option).arg(self.path(file));
        }
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path("log"))
            .unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        // A child that the one before had just forked may still hold its socket: what answers below is to be the new one.
        drop(fs::remove_file(self.path(socket)));
        let child = self.namespace.spawn(command).unwrap();
        let begun = Instant::now();
        while std::os::unix::net::UnixStream::connect(self.path(socket)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "{job}: {}", self.log());
            thread::sleep(Duration::from_millis(3));
        }
        child
    }

    pub(crate) fn start_serve(&mut self) {
        self.serve = Some(self.start("serve", "act.sock"));
    }

    pub(crate) fn start_guard(&mut self) {
        self.guard = Some(self.start("guard", "guard.sock"));
    }

    pub(crate) fn kill_serve(&mut self) {
        kill(self.serve.take());
    }

    pub(crate) fn kill_guard(&mut self) {
        kill(self.guard.take());
    }

    /// Starts again what was killed, the guard first.
    pub(crate) fn restart(&mut self) {
        if self.guard.is_none() {
            self.start_guard();
        }
        if self.serve.is_none() {
            self.start_serve();
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    pub(crate) fn note(&self, line: &str) {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path("log"));
        writeln!(log.unwrap(), "test: {line}").unwrap();
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("act.sock")
    }

    pub(crate) fn ask(&self, demand: &Demand) -> Answer {
        ask(&self.socket(), demand).unwrap()
    }

    pub(crate) fn asked(&mut self, operation: Operation) -> Asked {
        self.next = self.next.wrapping_add(1);
        Asked {
            id: Id::from_random([self.next; 16]),
            agent: None,
            namespace: Text::from("init"),
            requester: name("alice"),
            reason: Text::from("a test"),
            ticket: None,
            operation,
            checks: Vec::new(),
            window_s: self.window_s,
            lifetime_s: 600,
        }
    }

    pub(crate) fn propose(&mut self, operation: Operation) -> Action {
        let asked = self.asked(operation);
        match self.ask(&Demand::Propose(Box::new(asked))) {
            Answer::Proposed { document } => Action::from_bytes(document.as_bytes()).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn perform(&mut self, operation: Operation) -> (Digest, Stands) {
        let action = self.propose(operation);
        (action.digest().unwrap(), stands(self.ask(&perform(&action))))
    }

    pub(crate) fn standing(&self, action: Digest) -> Answer {
        self.ask(&Demand::Standing { action })
    }

    /// Waits until nothing more becomes of it.
    pub(crate) fn end(&self, action: Digest) -> Answer {
        let begun = Instant::now();
        loop {
            let answer = self.standing(action);
            match &answer {
                Answer::Stands(stands)
                    if !stands.state.has_ended() && stands.state != ActionState::Waiting =>
                {
                    assert!(begun.elapsed() < PATIENCE, "{stands:?}\n{}", self.log());
                    thread::sleep(Duration::from_millis(10));
                }
                _ => return answer,
            }
        }
    }

    /// What the ordinary tools say of this network namespace.
    pub(crate) fn configuration(&self) -> String {
        let tools: [&[&str]; 5] = [
            &["nft", "--stateless", "list", "ruleset"],
            &["iptables-legacy-save"],
            &["ip6tables-legacy-save"],
            &["tc", "qdisc", "show"],
            &["tc", "class", "show", "dev", "lo"],
        ];
        let said = tools.map(|words| self.namespace.must(words).unwrap().text());
        let all = said.join("\n");
        let lines = all.lines().filter(|line| !line.starts_with('#'));
        // A counter of htb: what the kernel says by itself when a link comes up counts.
        let lines = lines.map(|line| match line.split_once("direct_packets_stat ") {
            Some((before, after)) => format!(
                "{before}{}",
                after.trim_start_matches(|c: char| c.is_ascii_digit())
            ),
            None => line.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The numbers of all processes in this network namespace, but for the two.
    pub(crate) fn strangers(&self) -> Vec<String> {
        let own = self.namespace.enter(|| inode("thread-self")).unwrap();
        let known = [&self.serve, &self.guard].map(|child| child.as_ref().map(Child::id));
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap() {
            let pid = entry.unwrap().file_name().into_string().unwrap();
            let Ok(number) = pid.parse::<u32>() else { continue };
            if inode(&pid).is_some() && inode(&pid) == own && !known.contains(&Some(number)) {
                let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                found.push(format!(
                    "{pid} {}",
                    String::from_utf8_lossy(&line).replace('\0', " ")
                ));
            }
        }
        found
    }

    /// Nothing is left but what is remembered: no process, no temporary file, no control group.
    pub(crate) fn is_clean(&self) {
        // Whoever takes the lock next cleans up after the dead.
        self.ask(&Demand::Withdraw {
            action: Digest::of(b"no such action"),
        });
        // The guard may still be at it.
        let begun = Instant::now();
        loop {
            let left = [self.strangers(), self.files()].concat();
            if left.is_empty() {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{left:?}\n{}", self.log());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Files in the state directory that are no documents and no locks, and control groups.
    fn files(&self) -> Vec<String> {
        let mut left = Vec::new();
        for directory in ["state", "state/records"] {
            for entry in fs::read_dir(self.path(directory)).unwrap() {
                let file = entry.unwrap().file_name().into_string().unwrap();
                let known = file.ends_with(".json") || file.contains("lock") || file == "records";
                let action = file.strip_suffix(".json").and_then(Digest::parse);
                let group = action.and_then(netghost_act::cgroup::of);
                left.extend(
                    group
                        .filter(|group| group.exists())
                        .map(|group| group.display().to_string()),
                );
                if !known || file.starts_with(".tmp") {
                    left.push(format!("{directory}/{file}"));
                }
            }
        }
        left
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.kill_serve();
        self.kill_guard();
        if !thread::panicking() {
            drop(fs::remove_dir_all(&self.home));
        }
    }
}

fn inode(process: &str) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{process}/ns/net")).ok()
}

fn kill(child: Option<Child>) {
    if let Some(mut child) = child {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

pub(crate) fn perform(action: &Action) -> Demand {
    let roster = Roster::new().with(name("bob"), signer(2).public()).unwrap();
    let approval = Approval::new(action, name("bob")).unwrap();
    Demand::Perform {
        action: action.digest().unwrap(),
        approval: Text::from(approval.sign(&signer(2)).unwrap()),
        roster: Text::from(roster.sign(&signer(1)).unwrap()),
    }
}

pub(crate) fn stands(answer: Answer) -> Stands {
    match answer {
        Answer::Stands(stands) => stands,
        other => panic!("{other:?}"),
    }
}
