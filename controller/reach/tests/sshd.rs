//! The user's own ssh against Debian's sshd, in a network namespace, with keys that are thrown away.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what they expect by failing; clippy.toml reaches test functions, not what they call"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use netghost_core::probe::parts::{Part, Parts};
use netghost_core::probe::{ReadError, Script, read, sections};
use netghost_core::section::{SectionName, State};
use netghost_lab::netns::Namespace;
use netghost_reach::ssh::{Rights, Ssh, SshError};

/// Where sshd takes a login as it is.
const PLAIN: u16 = 4022;
/// Where the login is not root, and there is no sudo.
const NO_SUDO: u16 = 4023;
/// Where the login is not root, and sudo refuses.
const SUDO_ASKS: u16 = 4024;
/// Where a login shell greets.
const GREETS: u16 = 4025;
/// Where nothing ever comes back.
const HANGS: u16 = 4026;
/// Where the answer is altered on its way.
const ALTERS: u16 = 4027;
/// Where nobody listens.
const CLOSED: u16 = 4099;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// An sshd in a namespace of its own, and a client's files.
struct Stand {
    directory: PathBuf,
    namespace: Namespace,
    sshd: Child,
}

impl Stand {
    fn new() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("netghost-sshd-{}-{number}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let at = |name: &str| directory.join(name).display().to_string();
        for key in ["host", "other", "client", "stranger"] {
            shell(&format!("ssh-keygen -q -t ed25519 -N '' -f {}", at(key)));
        }
        fs::copy(directory.join("client.pub"), directory.join("authorized")).unwrap();
        fs::create_dir(directory.join("bin")).unwrap();
        let sudo = directory.join("bin/sudo");
        fs::write(
            &sudo,
            "#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n",
        )
        .unwrap();
        shell(&format!("chmod -R a+rx {}", directory.display()));
        shell(&format!(
            "chmod 600 {} {} {}",
            at("host"),
            at("client"),
            at("stranger")
        ));
        fs::write(directory.join("sshd_config"), sshd_config(&directory)).unwrap();
        known(&directory, "host");
        client(&directory, "client");
        // Its place for separated privileges, which a package makes at boot.
        fs::create_dir_all("/run/sshd").unwrap();
        let namespace = Namespace::new().unwrap();
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-D", "-e", "-f", &at("sshd_config")]);
        command
            .stdin(Stdio::null())
            .stderr(fs::File::create(directory.join("log")).unwrap());
        let sshd = namespace.spawn(command).unwrap();
        let stand = Self {
            directory,
            namespace,
            sshd,
        };
        stand.listens();
        stand
    }

    fn listens(&self) {
        let until = Instant::now() + Duration::from_secs(10);
        let last = format!(":{ALTERS} ");
        while !self
            .namespace
            .must(&["ss", "-Hltn"])
            .unwrap()
            .text()
            .contains(&last)
        {
            assert!(
                Instant::now() < until,
                "{}",
                fs::read_to_string(self.directory.join("log")).unwrap()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn ssh(&self, target: &str) -> Ssh {
        let ssh = Ssh::new(target.parse().unwrap());
        ssh.with_config(self.directory.join("ssh_config"))
            .unwrap()
            .within(Duration::from_secs(60))
    }

    fn at(&self, port: u16) -> Ssh {
        self.ssh(&format!("root@127.0.0.1:{port}"))
    }

    fn run(&self, ssh: &Ssh) -> Result<Vec<u8>, SshError> {
        self.namespace.enter(|| ssh.run_script(Script::Stream)).unwrap()
    }

    fn fails(&self, ssh: &Ssh) -> &'static str {
        self.run(ssh).unwrap_err().code()
    }

    fn read(&self, mut ssh: Ssh) -> Result<Parts, ReadError<SshError>> {
        let inside = || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .build()
                .unwrap();
            runtime.block_on(read(&mut ssh))
        };
        self.namespace.enter(inside).unwrap()
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.sshd.kill().ok();
        self.sshd.wait().ok();
        fs::remove_dir_all(&self.directory).ok();
    }
}

fn shell(line: &str) {
    assert!(
        Command::new("sh").args(["-ec", line]).status().unwrap().success(),
        "{line}"
    );
}

fn sshd_config(directory: &Path) -> String {
    let at = directory.display();
    // Somebody who is not root, by whatever name they came.
    let other = "exec setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs /bin/sh -c";
    format!(
        "ListenAddress 127.0.0.1
{}
HostKey {at}/host
AuthorizedKeysFile {at}/authorized
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
Match LocalPort {NO_SUDO}
    SetEnv PATH=/usr/bin:/bin
    ForceCommand {other} \"$SSH_ORIGINAL_COMMAND\"
Match LocalPort {SUDO_ASKS}
    SetEnv PATH={at}/bin:/usr/bin:/bin
    ForceCommand {other} \"$SSH_ORIGINAL_COMMAND\"
Match LocalPort {GREETS}
    ForceCommand echo Welcome to this host; echo Mind the gap >&2; exec sh -c \"$SSH_ORIGINAL_COMMAND\"
Match LocalPort {HANGS}
    ForceCommand sleep 60
Match LocalPort {ALTERS}
    ForceCommand sh -c \"$SSH_ORIGINAL_COMMAND\" | sed '1s/ gzip / gzip 1/'
",
        [PLAIN, NO_SUDO, SUDO_ASKS, GREETS, HANGS, ALTERS]
            .map(|port| format!("Port {port}"))
            .join("\n")
    )
}

/// Makes the client know this key of every port.
fn known(directory: &Path, key: &str) {
    let key = fs::read_to_string(directory.join(format!("{key}.pub"))).unwrap();
    let ports = [PLAIN, NO_SUDO, SUDO_ASKS, GREETS, HANGS, ALTERS];
    let lines: String = ports
        .iter()
        .map(|port| format!("[127.0.0.1]:{port} {key}"))
        .collect();
    fs::write(directory.join("known_hosts"), lines).unwrap();
}

/// Makes the client log in with this key. What else it says would ask questions, keep connections and run other commands.
fn client(directory: &Path, key: &str) {
    let at = directory.display();
    let config = format!(
        "Host named\n    HostName 127.0.0.1\n    Port {PLAIN}\n    User root\nHost *\n    IdentityFile {at}/{key}\n    IdentitiesOnly yes\n    \
         UserKnownHostsFile {at}/known_hosts\n    GlobalKnownHostsFile /dev/null\n    StrictHostKeyChecking no\n    BatchMode no\n    \
         RemoteCommand echo another\n    RequestTTY force\n    ControlMaster auto\n    ControlPath {at}/control-%C\n"
    );
    fs::write(directory.join("ssh_config"), config).unwrap();
}

fn assert_read(parts: &Parts) {
    let section = sections(parts, &[SectionName::Links]).remove(0);
    assert_eq!(section.state, State::Captured);
}

#[test]
fn root_a_host_is_read_by_ssh() {
    let stand = Stand::new();
    assert_read(&stand.read(stand.at(PLAIN)).unwrap());
    let by_name = stand.read(stand.ssh("named")).unwrap();
    assert!(matches!(by_name.get("user"), Some(Part::Ran(ran)) if ran.output == b"0 \n"));
    assert_read(&stand.read(stand.at(GREETS)).unwrap());
    let control = fs::read_dir(&stand.directory).unwrap();
    let left = control.filter(|entry| {
        entry
            .as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with("control")
    });
    assert_eq!(left.count(), 0, "no connection lives on");
}

#[test]
fn root_a_jump_host_is_under_the_same_rules() {
    let stand = Stand::new();
    let jump = || Some(format!("root@127.0.0.1:{PLAIN}").parse().unwrap());
    assert_read(&stand.read(stand.at(GREETS).by(jump())).unwrap());
    // Its key is another one, while the configuration says that this does not matter.
    let known = stand.directory.join("known_hosts");
    let lines = fs::read_to_string(&known).unwrap();
    let without: String = lines
        .lines()
        .filter(|line| !line.contains("4022"))
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(&known, &without).unwrap();
    assert_eq!(stand.fails(&stand.at(GREETS).by(jump())), "host_key_unknown");
    let other = fs::read_to_string(stand.directory.join("other.pub")).unwrap();
    fs::write(&known, format!("{without}[127.0.0.1]:{PLAIN} {other}")).unwrap();
    assert_eq!(stand.fails(&stand.at(GREETS).by(jump())), "host_key_changed");
}

#[test]
fn root_failures_are_told_apart() {
    let stand = Stand::new();
    assert_eq!(stand.fails(&stand.at(CLOSED)), "unreachable");
    assert_eq!(
        stand.fails(&stand.ssh("root@no-such-host.invalid")),
        "no_such_host"
    );
    assert_eq!(
        stand.fails(&stand.ssh("nobody-here@127.0.0.1:4022")),
        "login_refused"
    );
    client(&stand.directory, "stranger");
    assert_eq!(stand.fails(&stand.at(PLAIN)), "login_refused");
    client(&stand.directory, "client");
    known(&stand.directory, "other");
    assert_eq!(stand.fails(&stand.at(PLAIN)), "host_key_changed");
    fs::write(stand.directory.join("known_hosts"), "").unwrap();
    assert_eq!(stand.fails(&stand.at(PLAIN)), "host_key_unknown");
    assert_eq!(
        fs::read_to_string(stand.directory.join("known_hosts")).unwrap(),
        "",
        "no key is learnt"
    );
}

#[test]
fn root_rights_that_are_missing_are_named() {
    let stand = Stand::new();
    assert_eq!(stand.fails(&stand.at(NO_SUDO)), "no_sudo");
    assert_eq!(stand.fails(&stand.at(SUDO_ASKS)), "sudo_refused");
    let parts = stand.read(stand.at(NO_SUDO).with_rights(Rights::Login)).unwrap();
    assert!(matches!(parts.get("user"), Some(Part::Ran(ran)) if ran.output == b"65534 \n"));
    assert_read(&parts);
    let rules = sections(&parts, &[SectionName::Nftables]).remove(0);
    assert_eq!(rules.state.word(), "unreadable", "{:?}", rules.state);
}

#[test]
fn root_what_hangs_is_ended_and_what_was_altered_is_refused() {
    let stand = Stand::new();
    let began = Instant::now();
    assert_eq!(
        stand.fails(&stand.at(HANGS).within(Duration::from_secs(2))),
        "timed_out"
    );
    assert!(began.elapsed() < Duration::from_secs(10));
    let error = stand.read(stand.at(ALTERS)).unwrap_err();
    assert!(matches!(error, ReadError::Answer(_)), "{error:?}");
}
