//! The two processes as they are: what they do to this kernel, to servers and to packages, and what is left when they end.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::format_push_string,
    dead_code,
    reason = "tests state what they expect by failing; clippy.toml reaches test functions, not what they call; not each test uses all of a stand"
)]

use std::io::Write;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use netghost_act::frame;
use netghost_core::bytes::Text;
use netghost_core::gate::{
    ActionState, Answer, Demand, IpFamily, LONGEST_DEMAND, Operation, Package, RuleRef, Server,
};
use netghost_core::netfilter::model::Family;
use rustix::process::Uid;
use rustix::thread::set_thread_uid;

use stand::{PATIENCE, Stand, perform, stands};

#[path = "program/connections.rs"]
mod connections;
#[path = "stand/stand.rs"]
mod stand;

fn iperf(port: u16, lease_s: u32) -> Operation {
    Operation::ServerStart {
        server: Server::Iperf,
        port,
        lease_s,
    }
}

fn listens(stand: &Stand, port: u16) -> bool {
    stand
        .namespace
        .enter(|| TcpStream::connect(("127.0.0.1", port)).is_ok())
        .unwrap()
}

fn gone(stand: &Stand) {
    let begun = Instant::now();
    while !stand.strangers().is_empty() {
        assert!(begun.elapsed() < PATIENCE, "{:?}", stand.strangers());
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn root_a_server_ends_with_its_lease() {
    let mut stand = Stand::started();
    let (action, stood) = stand.perform(iperf(5001, 2));
    assert_eq!(stood.state, ActionState::Applied, "{stood:?}\n{}", stand.log());
    assert!(stood.ends_in_ms.unwrap() <= 2_000);
    assert!(listens(&stand, 5001));
    let ended = stands(stand.end(action));
    assert_eq!(ended.state, ActionState::Undone);
    gone(&stand);
    stand.is_clean();
}

#[test]
fn root_a_server_ends_with_the_guard_and_so_do_its_children() {
    let mut stand = Stand::started();
    let qperf = Operation::ServerStart {
        server: Server::Qperf,
        port: 19_765,
        lease_s: 600,
    };
    let (action, stood) = stand.perform(qperf);
    assert_eq!(stood.state, ActionState::Applied, "{stood:?}\n{}", stand.log());
    // A client that stays: the server forks for it.
    let mut client = stand
        .namespace
        .enter(|| TcpStream::connect(("127.0.0.1", 19_765)).unwrap())
        .unwrap();
    client.write_all(b"x").unwrap();
    thread::sleep(Duration::from_millis(200));
    assert!(stand.strangers().len() >= 2, "{:?}", stand.strangers());
    stand.kill_guard();
    gone(&stand);
    stand.restart();
    assert_eq!(stands(stand.end(action)).state, ActionState::Undone);
    stand.is_clean();
}

#[test]
fn root_a_server_is_ended_by_whoever_asks_and_by_an_action() {
    let mut stand = Stand::started();
    let (action, _) = stand.perform(iperf(5001, 600));
    assert_eq!(
        stands(stand.ask(&Demand::Undo { action })).state,
        ActionState::Undone
    );
    gone(&stand);
    let (server, _) = stand.perform(iperf(5001, 600));
    let (_, stopped) = stand.perform(Operation::ServerStop { action: server });
    assert_eq!(stopped.state, ActionState::Done, "{stopped:?}");
    gone(&stand);
    assert_eq!(stands(stand.standing(server)).state, ActionState::Undone);
    stand.is_clean();
}

#[test]
fn root_a_server_that_ends_by_itself_is_noted() {
    let mut stand = Stand::started();
    let (action, _) = stand.perform(iperf(5001, 600));
    let inner = std::fs::read_to_string(stand.path(&format!("state/records/{action}.process"))).unwrap();
    let pid = inner
        .rsplit("\"pid\":")
        .next()
        .unwrap()
        .split(',')
        .next()
        .unwrap();
    assert!(Command::new("kill").args(["-9", pid]).status().unwrap().success());
    let ended = stands(stand.end(action));
    assert_eq!(ended.state, ActionState::Undone);
    assert!(ended.why.unwrap().to_string().contains("by itself"));
    stand.is_clean();
}

#[test]
fn root_a_port_that_is_taken_is_said_before_anybody_approves() {
    let mut stand = Stand::started();
    let action = stand.propose(iperf(5001, 600));
    let _taken = stand
        .namespace
        .enter(|| std::net::TcpListener::bind("0.0.0.0:5001").unwrap())
        .unwrap();
    match stand.ask(&perform(&action)) {
        Answer::Refused { code, .. } => assert_eq!(code, "moved"),
        other => panic!("{other:?}"),
    }
    let asked = stand.asked(iperf(5001, 600));
    match stand.ask(&Demand::Propose(Box::new(asked))) {
        Answer::Refused { message, .. } => assert!(message.to_string().contains("5001"), "{message}"),
        other => panic!("{other:?}"),
    }
    assert!(stand.strangers().is_empty());
}

#[test]
fn root_a_package_is_installed_once_and_is_irreversible() {
    let mut stand = Stand::started();
    let install = Operation::PackageInstall {
        package: Package::parse("iperf").unwrap(),
    };
    let action = stand.propose(install.clone());
    assert!(action.effect.irreversible.is_some() && action.window_s == 0);
    let shown: Vec<String> = action.effect.change.iter().map(Text::to_string).collect();
    assert!(
        shown[0].starts_with("/usr/bin/apt-get ") && shown[0].ends_with(" -- iperf"),
        "{shown:?}"
    );
    assert_eq!(shown[1], "Inst iperf (9.9 Fake)");
    let done = stands(stand.ask(&perform(&action)));
    assert_eq!(done.state, ActionState::Done, "{done:?}");
    assert!(done.output.unwrap().to_string().contains("Setting up iperf"));
    let asked = stand.asked(install);
    match stand.ask(&Demand::Propose(Box::new(asked))) {
        Answer::Refused { code, message } => {
            assert_eq!(code, "not_there");
            assert!(message.to_string().contains("installed already"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    stand.is_clean();
}

fn drop_rule(chain: &str) -> Operation {
    Operation::NftDelete {
        family: Family::Inet,
        table: Text::from("t"),
        chain: Text::from(chain),
        rule: RuleRef {
            text: Text::from("tcp dport 5001 drop"),
            occurrence: 1,
        },
    }
}

fn with_a_rule(stand: &Stand) -> String {
    let rules = "table inet t { chain c { type filter hook input priority 0; tcp dport 5001 drop; }; }";
    let tool = ["nft", "-f", "-"];
    let output = stand.namespace.exec_with_input(&tool, rules.as_bytes()).unwrap();
    output.ok(&tool).unwrap();
    stand.configuration()
}

#[test]
fn root_nobody_confirms_and_the_guard_puts_the_rule_back() {
    let mut stand = Stand::started();
    stand.window_s = 12;
    let before = with_a_rule(&stand);
    let (action, stood) = stand.perform(drop_rule("c"));
    assert_eq!(stood.state, ActionState::Applied, "{stood:?}");
    assert!(!stand.configuration().contains("5001"));
    // Whoever did it may be dead.
    stand.kill_serve();
    stand.start_serve();
    let ended = stands(stand.end(action));
    assert_eq!(ended.state, ActionState::Undone);
    assert!(ended.why.unwrap().to_string().contains("in time"));
    assert_eq!(stand.configuration(), before);
    stand.is_clean();
}

#[test]
fn root_rules_that_somebody_changes_meanwhile_are_left_to_them() {
    for confirm in [true, false] {
        let mut stand = Stand::started();
        stand.window_s = if confirm { 60 } else { 12 };
        with_a_rule(&stand);
        let (action, _) = stand.perform(drop_rule("c"));
        let theirs = [
            "nft", "add", "rule", "inet", "t", "c", "udp", "dport", "53", "accept",
        ];
        stand.namespace.must(&theirs).unwrap();
        let left = stand.configuration();
        if confirm {
            stand.ask(&Demand::Confirm { action });
        }
        let ended = stands(stand.end(action));
        assert_eq!(ended.state, ActionState::Conflict, "{ended:?}");
        assert_eq!(stand.configuration(), left);
    }
    // Before it was done: then the approval is void.
    let mut stand = Stand::started();
    with_a_rule(&stand);
    let action = stand.propose(drop_rule("c"));
    stand
        .namespace
        .must(&["nft", "add", "rule", "inet", "t", "c", "accept"])
        .unwrap();
    let left = stand.configuration();
    match stand.ask(&perform(&action)) {
        Answer::Refused { code, .. } => assert_eq!(code, "moved"),
        other => panic!("{other:?}"),
    }
    assert_eq!(stand.configuration(), left);
}

/// In another namespace, by the name that `ip netns` knows it by; the two processes' own stays as it is.
#[test]
fn root_it_is_done_in_the_namespace_that_was_named() {
    let mut stand = Stand::started();
    stand.window_s = 60;
    let name = format!("ng-act-there-{}", std::process::id());
    let there = netghost_lab::Namespace::named(&name).unwrap();
    let before = with_a_rule(&stand);
    let rules = "table inet t { chain c { type filter hook input priority 0; tcp dport 5001 drop; }; }";
    there
        .exec_with_input(&["nft", "-f", "-"], rules.as_bytes())
        .unwrap();
    let mut asked = stand.asked(drop_rule("c"));
    asked.namespace = Text::from(name.as_str());
    let action = match stand.ask(&Demand::Propose(Box::new(asked.clone()))) {
        Answer::Proposed { document } => {
            netghost_core::gate::Action::from_bytes(document.as_bytes()).unwrap()
        }
        other => panic!("{other:?}"),
    };
    let stood = stands(stand.ask(&perform(&action)));
    assert_eq!(stood.state, ActionState::Applied, "{stood:?}");
    assert!(
        !there
            .must(&["nft", "list", "ruleset"])
            .unwrap()
            .text()
            .contains("5001")
    );
    assert_eq!(stand.configuration(), before);
    let undone = stand.ask(&Demand::Undo { action: stood.action });
    assert_eq!(stands(undone).state, ActionState::Undone);
    assert!(
        there
            .must(&["nft", "list", "ruleset"])
            .unwrap()
            .text()
            .contains("5001")
    );
    // A word is compared with names, and never opened as a file.
    for word in ["/proc/1/ns/net", "no-such", "../netns/x", ""] {
        asked.namespace = Text::from(word);
        match stand.ask(&Demand::Propose(Box::new(asked.clone()))) {
            Answer::Refused { code, .. } => assert_eq!(code, "not_there", "{word}"),
            other => panic!("{other:?}"),
        }
    }
}

/// Stopped for good, or taken off the machine: what waits is undone first.
#[test]
fn root_what_waits_is_undone_when_the_guard_is_stopped() {
    let mut stand = Stand::started();
    stand.window_s = 60;
    let before = with_a_rule(&stand);
    let (action, _) = stand.perform(drop_rule("c"));
    stand.kill_guard();
    let mut settle = Command::new(env!("CARGO_BIN_EXE_netghost-act"));
    settle.arg("settle").arg("--state").arg(stand.path("state"));
    assert!(stand.namespace.spawn(settle).unwrap().wait().unwrap().success());
    assert_eq!(stand.configuration(), before);
    assert_eq!(stands(stand.standing(action)).state, ActionState::Undone);
}

/// A program that was started for a change goes on when its starter is killed. Nothing is taken for final before it has ended.
#[test]
fn root_a_tool_that_outlives_its_starter_is_waited_for() {
    let mut stand = Stand::started();
    stand.window_s = 60;
    let add = [
        "iptables-legacy",
        "-w",
        "20",
        "-A",
        "INPUT",
        "-p",
        "tcp",
        "--dport",
        "5001",
        "-j",
        "DROP",
    ];
    stand.namespace.must(&add).unwrap();
    let before = stand.configuration();
    let action = stand.propose(Operation::LegacyDelete {
        family: IpFamily::Ip,
        table: Text::from("filter"),
        chain: Text::from("INPUT"),
        rule: RuleRef {
            text: Text::from("-p tcp -m tcp --dport 5001 -j DROP"),
            occurrence: 1,
        },
    });
    let held = std::fs::File::open(stand.path("xtables.lock")).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let asks = thread::spawn({
        let (socket, demand) = (stand.socket(), perform(&action));
        move || netghost_act::ask::ask(&socket, &demand)
    });
    let begun = Instant::now();
    while !stand.strangers().iter().any(|process| process.contains("-D")) {
        assert!(begun.elapsed() < PATIENCE, "{:?}", stand.strangers());
        thread::sleep(Duration::from_millis(5));
    }
    stand.kill_serve();
    assert!(asks.join().unwrap().is_err());
    // It still waits for the lock of xtables; now it has it, and deletes the rule.
    thread::sleep(Duration::from_millis(500));
    drop(held);
    stand.restart();
    let ended = stands(stand.end(action.digest().unwrap()));
    assert_eq!(stand.configuration(), before, "{ended:?}");
    assert_eq!(ended.state, ActionState::Undone, "{ended:?}");
    stand.is_clean();
}

/// A package manager whose starter is killed comes to its end: what it says then, nobody hears.
#[test]
fn root_a_package_manager_that_outlives_its_starter_is_not_cut_off() {
    let mut stand = Stand::started();
    let action = stand.propose(Operation::PackageInstall {
        package: Package::parse("iperf").unwrap(),
    });
    let asks = thread::spawn({
        let (socket, demand) = (stand.socket(), perform(&action));
        move || netghost_act::ask::ask(&socket, &demand)
    });
    let begun = Instant::now();
    while !stand.path("package").exists() {
        assert!(begun.elapsed() < PATIENCE);
        thread::sleep(Duration::from_millis(2));
    }
    stand.kill_serve();
    assert!(asks.join().unwrap().is_err());
    stand.restart();
    let ended = stands(stand.end(action.digest().unwrap()));
    assert_eq!(ended.state, ActionState::Done, "{ended:?}");
    assert_eq!(
        std::fs::read_to_string(stand.path("package")).unwrap(),
        "installed\n"
    );
    stand.is_clean();
}

/// Whoever had called the guard died right after its record was on the disk: the guard looks without having been armed.
#[test]
fn root_a_line_that_ends_is_looked_after() {
    let mut stand = Stand::started();
    stand.window_s = 60;
    let before = with_a_rule(&stand);
    let (action, _) = stand.perform(drop_rule("c"));
    assert_eq!(
        stands(stand.ask(&Demand::Confirm { action })).state,
        ActionState::Confirmed
    );
    let record = stand.path(&format!("state/records/{action}.json"));
    let text = std::fs::read_to_string(&record).unwrap();
    let begun = text.replace(r#""state":"confirmed""#, r#""state":"running""#);
    assert_ne!(begun, text);
    let mut line = UnixStream::connect(stand.path("guard.sock")).unwrap();
    frame::write(
        &mut line,
        format!(r#"{{"say":"hello","action":"{action}"}}"#).as_bytes(),
    )
    .unwrap();
    frame::read(&mut line, LONGEST_DEMAND).unwrap();
    std::fs::write(&record, begun).unwrap();
    drop(line);
    let ended = stands(stand.end(action));
    assert_eq!(ended.state, ActionState::Undone, "{ended:?}");
    assert!(ended.why.unwrap().to_string().contains("too early"));
    assert_eq!(stand.configuration(), before);
}

/// Nothing is started for somebody who has ended, and nothing before its number is on the disk.
#[test]
fn root_the_stage_before_a_package_manager_starts_nothing_for_the_dead() {
    let stand = Stand::new();
    let (trace, made) = (stand.path("trace"), stand.path("made"));
    let started_by = |parent: u32| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_netghost-act"));
        command.arg("exec").arg("--trace").arg(&trace);
        command.arg("--parent").arg(parent.to_string());
        command.args(["--", "/usr/bin/touch"]).arg(&made);
        command.output().unwrap().status.code()
    };
    assert_eq!(started_by(1), Some(4));
    assert!(trace.exists() && !made.exists());
    assert_eq!(started_by(std::process::id()), Some(0));
    assert!(made.exists());
}
