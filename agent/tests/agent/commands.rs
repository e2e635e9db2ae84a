//! The binary: its command line, and a whole life of it.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use netghost_core::fleet::{Id, Secret, Token};
use serde_json::Value;
use tonic::Status;

use crate::controller::{Controller, SOON};
use crate::site::{Site, id};

pub(crate) fn agent(config: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netghost-agent"));
    command.args(words).arg("--config").arg(config);
    command.stdin(Stdio::null());
    command
}

pub(crate) async fn ran(mut command: Command, input: String) -> Output {
    let run = move || {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A process that ends before it reads is the test's to judge.
        drop(stdin.write_all(input.as_bytes()));
        drop(stdin);
        child.wait_with_output().unwrap()
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

pub(crate) fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn token(controller: &Controller) -> Token {
    Token {
        id: Id::from_random([1; 16]),
        secret: Secret([0xab; 32]),
        ca: controller.authority.fingerprint(),
        approvers: Some(netghost_core::artifact::json::Digest::of(b"approvers")),
    }
}

#[tokio::test]
async fn help_and_wrong_use() {
    let controller = Controller::start().await;
    let site = Site::empty(&controller);
    let config = site.config();
    for words in [&["--help"][..], &["run", "--help"], &["--version"]] {
        let output = ran(agent(&config, words), String::new()).await;
        assert_eq!(code(&output), 0, "{words:?}");
        assert!(!output.stdout.is_empty());
    }
    for words in [
        &["nonsense"][..],
        &["enroll", "--token", "x"],
        &["enroll", "--controller", "x"],
    ] {
        let output = ran(agent(&config, words), String::new()).await;
        assert_eq!(code(&output), 2, "{words:?}");
        assert!(output.stdout.is_empty());
    }
    for words in [&["completions", "bash"][..], &["man"]] {
        let output = ran(agent(&config, words), String::new()).await;
        assert_eq!(code(&output), 0);
        assert!(output.stdout.len() > 500, "{words:?}");
    }
    let pages = site.directory.join("man");
    std::fs::create_dir(&pages).unwrap();
    let output = ran(agent(&config, &["man", pages.to_str().unwrap()]), String::new()).await;
    assert_eq!(code(&output), 0);
    assert!(pages.join("netghost-agent.8").exists() && pages.join("netghost-agent-enroll.8").exists());
}

#[tokio::test]
async fn a_wrong_configuration_is_named() {
    let controller = Controller::start().await;
    let site = Site::empty(&controller);
    let config = site.config();
    let good = ran(agent(&config, &["run", "--check-config"]), String::new()).await;
    assert_eq!(code(&good), 0, "{}", error(&good));
    std::fs::write(&config, "controler = \"x:1\"\n").unwrap();
    let output = ran(
        agent(&config, &["run", "--check-config", "-o", "json"]),
        String::new(),
    )
    .await;
    assert_eq!(code(&output), 2);
    let document: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(document["schema"], "netghost.error/v1");
    assert!(document["message"].as_str().unwrap().contains("controler"));
    let output = ran(agent(Path::new("/nonexistent.toml"), &["check"]), String::new()).await;
    assert_eq!(code(&output), 2);
}

#[tokio::test]
async fn what_is_not_there_is_said_with_what_to_do() {
    let controller = Controller::start().await;
    let site = Site::empty(&controller);
    let config = site.config();
    let status = ran(agent(&config, &["status"]), String::new()).await;
    assert_eq!(code(&status), 4);
    assert!(error(&status).contains("systemctl start"), "{}", error(&status));
    let run = ran(agent(&config, &["run"]), String::new()).await;
    assert_eq!(code(&run), 2);
    assert!(error(&run).contains("netghost-agent enroll"), "{}", error(&run));
    let check = ran(agent(&config, &["check", "-o", "json"]), String::new()).await;
    assert_eq!(code(&check), 1);
    let document: Value = serde_json::from_slice(&check.stdout).unwrap();
    assert_eq!(document["schema"], "netghost.agent_check/v1");
    assert_eq!(document["ok"], false);
}

#[tokio::test]
async fn enrolment_survives_a_lost_reply_and_happens_once() {
    let controller = Controller::start().await;
    let site = Site::empty(&controller);
    let config = site.config();
    let text = token(&controller).reveal();
    controller
        .script()
        .lost_replies
        .push_back(Status::unavailable("lost"));
    let output = ran(agent(&config, &["enroll", "--name", "vm1"]), text.clone()).await;
    assert_eq!(code(&output), 0, "{}", error(&output));
    {
        let script = controller.script();
        let [first, second] = &script.enrolments[..] else {
            panic!("{} tries", script.enrolments.len());
        };
        assert_eq!(spki(&first.csr), spki(&second.csr), "by the same key");
        assert_eq!(first.name, "vm1");
        assert_eq!(first.secret, vec![0xab; 32]);
    }
    let shown = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert!(!shown.contains("abab"), "the secret is nowhere");
    let identity = netghost_client::Files::new(&site.directory)
        .load()
        .unwrap()
        .unwrap();
    assert_eq!(identity.spiffe.id, id(9));
    let pin = std::fs::read_to_string(site.directory.join("approvers.json")).unwrap();
    assert!(
        pin.contains(&netghost_core::artifact::json::Digest::of(b"approvers").to_string()),
        "{pin}"
    );
    for name in ["identity.pem", "approvers.json", "enrolment.json"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(site.directory.join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let again = ran(agent(&config, &["enroll"]), text.clone()).await;
    assert_eq!(code(&again), 2);
    assert!(error(&again).contains("--replace"), "{}", error(&again));
    let replaced = ran(
        agent(&config, &["enroll", "--replace", "--name", "vm1", "-o", "json"]),
        text,
    )
    .await;
    assert_eq!(code(&replaced), 0, "{}", error(&replaced));
    let document: Value = serde_json::from_slice(&replaced.stdout).unwrap();
    assert_eq!(document["name"], "vm1");
}

/// The public key in a certificate request.
pub(crate) fn spki(csr: &[u8]) -> Vec<u8> {
    use x509_parser::prelude::FromDer;
    let (_, request) = x509_parser::certification_request::X509CertificationRequest::from_der(csr).unwrap();
    request.certification_request_info.subject_pki.raw.to_vec()
}

#[tokio::test]
async fn the_approvers_ca_is_pinned_only_if_the_token_names_it() {
    use netghost_core::artifact::key::Signer;
    let key = |seed: u8| Signer::from_seed(&[seed; 32]).unwrap().public().clone();
    let controller = Controller::start().await;
    let token = |approvers| {
        Token {
            approvers,
            ..token(&controller)
        }
        .reveal()
    };
    let args = ["enroll", "--replace", "--name", "vm1"];
    let site = Site::empty(&controller);
    let (config, file) = (site.config(), site.directory.join("approvers.pem"));
    controller.script().approvers = key(1).to_pem().unwrap();
    // A token that names none: nothing is believed.
    let output = ran(agent(&config, &args), token(None)).await;
    assert_eq!((code(&output), file.exists()), (0, false), "{}", error(&output));
    // One that names another: the controller is not believed.
    let output = ran(agent(&config, &args), token(Some(key(2).id()))).await;
    assert_eq!((code(&output), file.exists()), (4, false), "{}", error(&output));
    for digest in [key(1).id(), key(2).id()] {
        assert!(error(&output).contains(&digest.to_string()), "{}", error(&output));
    }
    // One that names this one.
    let output = ran(agent(&config, &args), token(Some(key(1).id()))).await;
    assert_eq!(code(&output), 0, "{}", error(&output));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), key(1).to_pem().unwrap());
    let output = ran(agent(&config, &args), token(Some(key(1).id()))).await;
    assert_eq!(code(&output), 0, "it may lie there already: {}", error(&output));
    // What lies there stays, whatever token and controller say.
    controller.script().approvers = key(2).to_pem().unwrap();
    let output = ran(agent(&config, &args), token(Some(key(2).id()))).await;
    assert_eq!(code(&output), 4);
    for digest in [key(1).id(), key(2).id()] {
        assert!(error(&output).contains(&digest.to_string()), "{}", error(&output));
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), key(1).to_pem().unwrap());
}

#[tokio::test]
async fn enrolment_that_cannot_be_says_why() {
    let controller = Controller::start().await;
    let other = Controller::start().await;
    let site = Site::empty(&controller);
    let config = site.config();
    let altered = token(&controller).reveal().replace("abab", "abac");
    let output = ran(agent(&config, &["enroll", "--name", "vm1"]), altered).await;
    assert_eq!(code(&output), 2);
    assert!(error(&output).contains("altered or cut"), "{}", error(&output));

    let foreign = token(&other).reveal();
    let output = ran(agent(&config, &["enroll", "--name", "vm1"]), foreign).await;
    assert_eq!(code(&output), 4);
    assert!(
        error(&output).contains("not the controller that was trusted"),
        "{}",
        error(&output)
    );
    assert!(controller.script().enrolments.is_empty(), "no secret was sent");

    let refused = Status::unauthenticated("the token was used up at noon");
    controller.script().lost_replies.push_back(refused);
    let output = ran(
        agent(&config, &["enroll", "--name", "vm1"]),
        token(&controller).reveal(),
    )
    .await;
    assert_eq!(code(&output), 4);
    assert!(error(&output).contains("used up at noon"), "{}", error(&output));
    assert!(
        netghost_client::Files::new(&site.directory)
            .load()
            .unwrap()
            .is_none()
    );
}

/// A process that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn start(config: &Path) -> Running {
    Running(agent(config, &["run"]).stderr(Stdio::null()).spawn().unwrap())
}

async fn asked(config: &Path) -> Option<Value> {
    let output = ran(agent(config, &["status", "-o", "json"]), String::new()).await;
    serde_json::from_slice(&output.stdout).ok()
}

async fn connected(config: &Path) -> Value {
    let end = Instant::now() + SOON;
    loop {
        if let Some(status) = asked(config).await
            && status["state"] == "connected"
        {
            return status;
        }
        assert!(Instant::now() < end, "it never connected");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn resident_kib(process: &Running) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", process.0.id())).unwrap();
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn killed_at_any_moment_it_goes_on_where_it_was() {
    let mut controller = Controller::start().await;
    let site = Site::new(&controller);
    let config = site.config();
    let mut told = Vec::new();
    for delay in [0, 5, 20, 60, 150] {
        let process = start(&config);
        let stage = controller.stage().await;
        if told.is_empty() {
            stage.ask(id(1), 60_000, &["links", "routes"]).await;
        }
        tokio::time::sleep(Duration::from_millis(delay)).await;
        // As by kill -9: without a word.
        drop(process);
        let process = start(&config);
        let mut stage = controller.stage().await;
        stage.ask(id(1), 60_000, &["links", "routes"]).await;
        told.push(stage.captured().await);
        drop(process);
    }
    told.dedup();
    assert_eq!(told.len(), 1, "one outcome, however often it was killed");
    assert!(controller.script().whole.contains_key(&told[0]));
}

#[tokio::test]
async fn it_runs_and_answers_and_stops() {
    let mut controller = Controller::start().await;
    let site = Site::new(&controller);
    let config = site.config();
    let mut process = start(&config);
    let mut stage = controller.stage().await;
    let status = connected(&config).await;
    assert_eq!(status["schema"], "netghost.agent_status/v1");
    assert_eq!(status["name"], "vm1");
    stage.ask(id(1), 60_000, &["links"]).await;
    stage.captured().await;
    stage.acknowledge(id(1)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    println!("resident after a capture: {} KiB", resident_kib(&process));

    let second = ran(agent(&config, &["run"]), String::new()).await;
    assert_eq!(code(&second), 4);
    assert!(
        error(&second).contains("another netghost-agent"),
        "{}",
        error(&second)
    );

    let pid = rustix::process::Pid::from_child(&process.0);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let end = tokio::task::spawn_blocking(move || process.0.wait().unwrap());
    let end = tokio::time::timeout(Duration::from_secs(5), end).await;
    assert!(end.expect("it did not stop").unwrap().success());
    assert!(!site.directory.join("run/status.sock").exists());
}
