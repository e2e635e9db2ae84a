//! The program beside a lab, driven by Microsoft's own libraries.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use netghost_lab::arm::State;
use netghost_lab::{Kind, Lab, Plan};
use serde_json::{Value, json};

use crate::client::{Client, scratch};

#[path = "../pypi/venv.rs"]
mod venv;

const PROGRAM: &str = env!("CARGO_BIN_EXE_netghost-lab");

/// The program while it serves.
struct Serving {
    child: Child,
    lines: Vec<String>,
}

impl Serving {
    fn start(state: &Path, tls: &Path) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["arm", "serve", "--identity-listen", "127.0.0.1:0", "--state"])
            .arg(state)
            .arg("--tls-dir")
            .arg(tls)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let lines = said.lines().take(3).map(Result::unwrap).collect();
        Self { child, lines }
    }

    fn said(&self, what: &str) -> String {
        let line = self.lines.iter().find_map(|line| line.strip_prefix(what));
        line.unwrap_or_else(|| panic!("no {what} in {:?}", self.lines))
            .trim()
            .to_owned()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A lab with a state file of its VMs.
fn lab() -> (Lab, std::path::PathBuf) {
    let lab = Lab::up(&Plan::new(&[Kind::Netns, Kind::Netns]).with_program(PROGRAM)).unwrap();
    let file = scratch().join("state.json");
    let made = Command::new(PROGRAM)
        .args(["arm", "new", "--name", lab.name(), "--state"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let again = Command::new(PROGRAM)
        .args(["arm", "new", "--name", lab.name(), "--state"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&again.stderr).contains("is there already"));
    (lab, file)
}

#[test]
fn root_the_program_serves_the_vms_of_a_lab_and_keeps_its_state() {
    let (lab, file) = lab();
    let tls = file.with_file_name("tls");
    let state = State::load(&file).unwrap();
    let nics = state
        .resources
        .iter()
        .filter(|(key, _)| key.contains("/networkinterfaces/"));
    let macs: Vec<&str> = nics
        .map(|(_, nic)| nic["properties"]["macAddress"].as_str().unwrap())
        .collect();
    assert!(
        macs.len() == 2 && macs.iter().all(|mac| mac.len() == 17 && mac.contains('-')),
        "{macs:?}"
    );
    let serving = Serving::start(&file, &tls);
    let address = serving
        .said("arm ")
        .trim_start_matches("https://")
        .parse()
        .unwrap();
    let client = Client::new(address, Path::new(&serving.said("ca ")));
    let door = |body: &str| {
        client
            .send("PATCH", "/__lab/state", &[], body.as_bytes())
            .with(200)
    };
    door("{\"settings\":{\"page\":3},\"note\":\"kept\"}");
    drop(serving);
    let kept = State::load(&file).unwrap();
    assert_eq!((kept.settings.page, &kept.more["note"]), (3, &"kept".into()));
    // The authority stays, so that whoever trusts it goes on.
    let ca = std::fs::read(tls.join("ca.pem")).unwrap();
    let serving = Serving::start(&file, &tls);
    let address = serving
        .said("arm ")
        .trim_start_matches("https://")
        .parse()
        .unwrap();
    Client::new(address, &tls.join("ca.pem"))
        .send("GET", "/__lab/state", &[], b"")
        .with(200);
    assert_eq!(std::fs::read(tls.join("ca.pem")).unwrap(), ca);
    drop(lab);
}

/// Takes a lab away, also when the test fails.
struct Gone<'a>(&'a str);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        let down = Command::new(PROGRAM).args(["down", "--name", self.0]).output();
        drop(down);
    }
}

/// A lab that came up with Azure beside it.
struct Up {
    name: String,
    said: String,
}

impl Up {
    fn new() -> Self {
        let mut up = Self {
            name: format!("{}-azure", std::process::id()),
            said: String::new(),
        };
        up.said = up.lab(&["up", "--vms", "2", "--azure"]);
        up
    }

    /// What the lab's program says of this lab.
    fn lab(&self, words: &[&str]) -> String {
        let mut command = Command::new(PROGRAM);
        let output = command.args(words).args(["--name", &self.name]).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What follows a word in what it said when it came up.
    fn line(&self, what: &str) -> String {
        let found = self.said.lines().find_map(|line| line.strip_prefix(what));
        let found = found.unwrap_or_else(|| panic!("no {what} in {}", self.said));
        found.trim().to_owned()
    }

    /// The operator.
    fn client(&self) -> Client {
        let address = self.line("arm ").trim_start_matches("https://").parse().unwrap();
        let client = Client::new(address, Path::new(&self.line("ca ")));
        let words: Vec<String> = self
            .line("operator")
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}&scope=https%3A%2F%2Fmanagement.azure.com%2F.default",
            words[1], words[3]
        );
        let path = format!("/{}/oauth2/v2.0/token", self.line("tenant "));
        let token = client.send("POST", &path, &[], form.as_bytes()).with(200).json();
        client.with_token(token["access_token"].as_str().unwrap())
    }

    /// Whether an echo comes back from the second VM to the first.
    fn passes(&self) -> bool {
        let ping = ["vm1", "--", "ping", "-c1", "-W1", "10.77.0.5"];
        let mut command = Command::new(PROGRAM);
        let output = command.args(["exec", "--name", &self.name]).args(ping).output();
        output.unwrap().status.success()
    }
}

#[test]
fn root_a_lab_comes_up_with_azure_whose_rules_and_routes_hold() {
    let up = Up::new();
    let _gone = Gone(&up.name);
    let client = up.client();
    let state = client.send("GET", "/__lab/state", &[], b"").with(200).json();
    let machines = state["vms"].as_object().unwrap();
    assert_eq!(machines.len(), 2, "{state}");
    let ours = |machine: &Value| machine["runsIn"]["lab"] == up.name.as_str();
    assert!(machines.values().all(ours), "{state}");
    assert!(up.passes(), "the default rules let the network talk");
    let subscription = up.line("subscription ").split(' ').next().unwrap().to_owned();
    let network = format!("/subscriptions/{subscription}/resourceGroups/lab/providers/Microsoft.Network");
    let rule = format!("{network}/networkSecurityGroups/default/securityRules/block");
    let deny = json!({"properties": {"protocol": "Icmp", "sourcePortRange": "*", "destinationPortRange": "*",
        "sourceAddressPrefix": "*", "destinationAddressPrefix": "*", "access": "Deny", "priority": 200, "direction": "Inbound"}});
    let made = client.call("PUT", &rule, &deny).with(201);
    client.poll(&made.must("Azure-AsyncOperation"));
    assert!(!up.passes(), "the rule holds");
    let gone = client.call("DELETE", &rule, &Value::Null).with(202);
    client.poll(&gone.must("Azure-AsyncOperation"));
    assert!(up.passes(), "the rule is gone");
    let route = format!("{network}/routeTables/default/routes/away");
    let away = json!({"properties": {"addressPrefix": "10.77.0.5/32", "nextHopType": "None"}});
    let made = client.call("PUT", &route, &away).with(201);
    client.poll(&made.must("Azure-AsyncOperation"));
    assert!(!up.passes(), "the route holds");
    let address = up.line("arm ").trim_start_matches("https://").to_owned();
    up.lab(&["down"]);
    assert!(
        std::net::TcpStream::connect(address).is_err(),
        "the simulator has gone with the lab"
    );
    assert!(!Path::new(&up.line("state ")).exists());
}

#[test]
fn root_pypi_microsofts_libraries_drive_the_simulator() {
    let (_lab, file) = lab();
    let state = State::load(&file).unwrap();
    let serving = Serving::start(&file, &file.with_file_name("tls"));
    let operator = state.principals[0].clone();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/arm_outside.py");
    let python = venv::python();
    let begun = Instant::now();
    let output = Command::new(python)
        .arg(script)
        .args([&serving.said("arm "), &serving.said("ca "), &state.tenant])
        .args([state.subscriptions.keys().next().unwrap(), &operator.client_id])
        .arg(operator.secret.unwrap())
        .env_remove("HTTPS_PROXY")
        .env_remove("https_proxy")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    println!("{said}\n{:?}", begun.elapsed());
    assert!(output.status.success(), "{said}");
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}
