//! Documents as the programs of the controller and of the agent write them: a small fleet on the loopback address.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use netghost_core::artifact::key::Signer;

use super::venv;

/// How long a program may take to be ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program that is built beside this test.
pub(crate) fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().unwrap().parent().unwrap().join(name);
    assert!(
        program.exists(),
        "{}: run `cargo build --bins` first",
        program.display()
    );
    program
}

/// A process that ends with this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

struct Fleet {
    place: PathBuf,
    directory: PathBuf,
    address: String,
}

impl Fleet {
    fn new(place: &Path, directory: &Path) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let fleet = Self {
            place: place.to_path_buf(),
            directory: directory.to_path_buf(),
            address: free.to_string(),
        };
        let below = |name: &str| place.join(name).display().to_string();
        let controller = format!(
            "directory = \"{}\"\nlisten = \"{free}\"\n[http]\nlisten = \"127.0.0.1:0\"\n",
            below("state")
        );
        let agent = format!(
            "state_directory = \"{}\"\nruntime_directory = \"{}\"\n",
            below("agent"),
            below("run")
        );
        std::fs::write(place.join("controller.toml"), controller).unwrap();
        std::fs::write(place.join("agent.toml"), agent).unwrap();
        std::fs::create_dir(place.join("run")).unwrap();
        fleet
    }

    /// A line whose first word is `controller`, `agent` or `netghost`; `@` stands for a path in this place.
    fn command(&self, line: &str) -> Command {
        let at = format!("{}/", self.place.display());
        let mut words = line.split_whitespace().map(|word| word.replace('@', &at));
        let who = words.next().unwrap();
        let mut command = match who.as_str() {
            "netghost" => Command::new(program("netghost")),
            who => {
                let mut command = Command::new(program(&format!("netghost-{who}")));
                command
                    .arg("--config")
                    .arg(self.place.join(format!("{who}.toml")));
                command
            }
        };
        command.args(words).stdin(Stdio::null());
        for home in ["XDG_CONFIG_HOME", "XDG_STATE_HOME", "HOME"] {
            command.env(home, self.place.join("home"));
        }
        command
    }

    fn run(&self, line: &str) -> Output {
        self.command(line).args(["-o", "json"]).output().unwrap()
    }

    /// Runs a line that must end with `status`. Its document is kept under `name`, and handed back.
    fn keep(&self, name: &str, status: i32, line: &str) -> serde_json::Value {
        let output = self.run(line);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{line}: {said}");
        std::fs::write(self.directory.join(format!("{name}.json")), &output.stdout).unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Likewise, tried again until the programs that it needs are there.
    fn eventually(&self, line: &str, done: impl Fn(&serde_json::Value) -> bool) -> Vec<u8> {
        let until = Instant::now() + PATIENCE;
        loop {
            let output = self.run(line);
            let good = output.status.success()
                && serde_json::from_slice(&output.stdout).is_ok_and(|document| done(&document));
            if good {
                return output.stdout;
            }
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(Instant::now() < until, "{line}: {said}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn start(&self, line: &str) -> Running {
        let log = std::fs::File::create(self.place.join(format!("{}.log", line.replace(' ', "-")))).unwrap();
        let mut command = self.command(line);
        Running(command.stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }

    /// Keeps a file of this place as a document.
    fn copy(&self, from: &str, name: &str) {
        let to = self.directory.join(format!("{name}.json"));
        std::fs::copy(self.place.join(from), to).unwrap_or_else(|error| panic!("{from}: {error}"));
    }
}

/// Writes one document of each kind into `directory`; what the programs keep is in `place`.
pub(crate) fn write(place: &Path, directory: &Path) {
    let fleet = Fleet::new(place, directory);
    founded(&fleet);
    let controller = fleet.start("controller serve");
    joined(&fleet);
    fleet.keep("user_revocation.1", 0, "controller user revoke ada --reason left");
    fleet.keep("users.2", 0, "controller user list");
    fleet.keep("backup.1", 0, "controller backup @backup");
    fleet.copy("backup/backup.json", "backup.2");
    drop(controller);
    fleet.keep("audit_check.1", 0, "controller audit verify");
    edit(&place.join("state/netghost.db"));
    fleet.keep("audit_check.2", 1, "controller audit verify");
}

fn founded(fleet: &Fleet) {
    let missing = fleet.run("controller user list");
    assert!(!missing.status.success());
    std::fs::write(fleet.directory.join("error.controller.json"), missing.stderr).unwrap();
    fleet.keep("agent_check.1", 1, "agent check");
    let missing = fleet.run("agent status");
    std::fs::write(fleet.directory.join("error.agent.json"), missing.stderr).unwrap();
    fleet.keep("init.1", 0, "controller init --name 127.0.0.1");
    fleet.keep("config_check.1", 0, "controller serve --check-config");
    fleet.keep("key_rotation.1", 0, "controller key rotate");
    let other = Signer::from_seed(&[5; 32]).unwrap();
    std::fs::write(fleet.place.join("other.pem"), other.public().to_pem().unwrap()).unwrap();
    fleet.keep("key_trust.1", 0, "controller key trust @other.pem");
}

/// A person logs in, an agent enrols, connects and says how it is.
fn joined(fleet: &Fleet) {
    let text = |document: &serde_json::Value, field: &str| document[field].as_str().unwrap().to_owned();
    let token = fleet.keep("login_token.1", 0, "controller user add ada --role admin");
    std::fs::write(fleet.place.join("ada.token"), text(&token, "token")).unwrap();
    let address = &fleet.address;
    fleet.eventually(
        &format!("netghost login --controller {address} --token-file @ada.token"),
        |_| true,
    );
    fleet.keep("users.1", 0, "controller user list");
    let token = fleet.keep("token.2", 0, "netghost token create --uses 1 --lifetime 10m");
    std::fs::write(fleet.place.join("vm1.token"), text(&token, "text")).unwrap();
    fleet.keep(
        "agent_enrolled.1",
        0,
        &format!("agent enroll --controller {address} --name vm1 --token-file @vm1.token"),
    );
    fleet.copy("agent/enrolment.json", "enrolment.1");
    let _agent = fleet.start("agent run");
    let connected = |status: &serde_json::Value| status["state"] == "connected" && !status["head"].is_null();
    let status = fleet.eventually("agent status", connected);
    std::fs::write(fleet.directory.join("agent_status.1.json"), status).unwrap();
    fleet.copy("agent/head.json", "seen_head.1");
}

/// Takes a record out of the audit log.
fn edit(database: &Path) {
    let script = "import sqlite3, sys\n\
                  rows = sqlite3.connect(sys.argv[1])\n\
                  assert rows.execute('DELETE FROM audit_records WHERE sequence = 2').rowcount == 1\n\
                  rows.commit()\n";
    let arguments = [OsStr::new("-c"), OsStr::new(script), database.as_os_str()];
    let done = Command::new(venv::python()).args(arguments).status().unwrap();
    assert!(done.success());
}
