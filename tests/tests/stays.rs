//! Programs that stay in the lab's VMs, and links that are cut.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what they expect by failing"
)]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use netghost_lab::{Kind, Lab, LabError, Plan, Status, Vm};

use traces::traces;

#[path = "support/traces.rs"]
mod traces;

const PROGRAM: &str = env!("CARGO_BIN_EXE_netghost-lab");

/// Says something, stays, and ends well when asked to.
const STAYS: &str = "trap 'echo bye; exit 0' TERM; echo \"hello $1\"; while :; do sleep 0.05; done";

fn says_soon(vm: &Vm, daemon: &netghost_lab::Daemon, text: &str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while daemon.log(vm).unwrap() != text {
        assert!(Instant::now() < deadline, "{}", daemon.log(vm).unwrap());
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn stays(vm: &Vm) {
    let mut daemon = vm.start("greeter", &["sh", "-c", STAYS, "sh", "you"]).unwrap();
    says_soon(vm, &daemon, "hello you\n");
    assert!(daemon.is_running(vm).unwrap());
    let status = daemon.stop(vm, Duration::from_secs(10)).unwrap();
    assert!(status.is_none_or(Status::success), "{status:?}");
    assert!(!daemon.is_running(vm).unwrap());
    assert_eq!(daemon.log(vm).unwrap(), "hello you\nbye\n");
    // Started again, its log goes on.
    let mut daemon = vm.start("greeter", &["sh", "-c", STAYS, "sh", "me"]).unwrap();
    says_soon(vm, &daemon, "hello you\nbye\nhello me\n");
    daemon.kill(vm).unwrap();
    assert!(!daemon.is_running(vm).unwrap());
    daemon.kill(vm).unwrap();
    assert!(
        matches!(daemon.signal(vm, "TERM"), Err(LabError::Failed { .. })),
        "it is gone"
    );
}

#[test]
fn root_a_program_stays_in_a_namespace_until_it_is_ended() {
    let lab = Lab::up(&Plan::new(&[Kind::Netns]).with_program(PROGRAM)).unwrap();
    let name = lab.name().to_owned();
    let vm = lab.vm("vm1").unwrap();
    stays(vm);
    // It sees its own network, and ends with its lab.
    let mut listed = vm.start("links", &["ip", "-o", "link"]).unwrap();
    listed.wait(vm, Duration::from_secs(10)).unwrap();
    assert!(listed.log(vm).unwrap().contains("eth0"));
    let kept = vm.start("kept", &["sleep", "300"]).unwrap();
    let process = format!("/proc/{}/cmdline", kept.pid());
    let runs = || std::fs::read(&process).unwrap_or_default() == b"sleep\x00300\0";
    // What starts it becomes it, and the kernel ends what is left in a namespace in its own time.
    let until = |wanted: bool| {
        let deadline = Instant::now() + Duration::from_secs(5);
        while runs() != wanted {
            assert!(Instant::now() < deadline, "running: {}", !wanted);
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    until(true);
    lab.down().unwrap();
    until(false);
    assert_eq!(traces(&name), Vec::<String>::new());
}

#[test]
fn root_a_program_stays_in_a_machine_until_it_is_ended() {
    let lab = Lab::up(&Plan::new(&[Kind::Uml]).with_program(PROGRAM)).unwrap();
    stays(lab.vm("vm1").unwrap());
}

#[test]
fn root_what_a_killed_maker_started_goes_too() {
    let name = format!("stays-{}-killed", std::process::id());
    let run = |words: &[&str]| {
        Command::new(PROGRAM)
            .args(words)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    assert!(run(&["up", "--name", &name, "--vms", "1"]).status.success());
    let started = run(&[
        "start", "--name", &name, "--label", "sleeper", "vm1", "--", "sleep", "4711",
    ]);
    assert!(
        started.status.success(),
        "{}",
        String::from_utf8_lossy(&started.stderr)
    );
    assert!(traces(&name).len() > 1);
    let sleeps = || {
        let listed = Command::new("pgrep")
            .args(["-f", "^sleep 4711$"])
            .output()
            .unwrap();
        !listed.stdout.is_empty()
    };
    let deadline = Instant::now() + Duration::from_secs(5);
    while !sleeps() {
        assert!(Instant::now() < deadline, "it does not run");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(run(&["down", "--name", &name]).status.success());
    assert!(!sleeps());
    assert_eq!(traces(&name), Vec::<String>::new());
}

#[test]
fn root_a_cut_link_carries_nothing_until_it_is_healed() {
    let lab = Lab::up(
        &Plan::new(&[Kind::Netns; 2])
            .with_controller()
            .with_program(PROGRAM),
    )
    .unwrap();
    let controller = lab.vm("controller").unwrap();
    let reaches = |vm: &Vm| {
        let address = vm.address().to_string();
        let ping = controller
            .exec(&["ping", "-c", "1", "-W", "1", &address])
            .unwrap();
        ping.status.success()
    };
    let (near, far) = (lab.vm("vm1").unwrap(), lab.vm("vm2").unwrap());
    assert!(reaches(near) && reaches(far));
    lab.cut("vm2").unwrap();
    assert!(reaches(near) && !reaches(far));
    assert!(lab.cut("vm2").is_err(), "it is cut already");
    assert!(lab.heal("vm1").is_err(), "it was not cut");
    lab.heal("vm2").unwrap();
    assert!(reaches(near) && reaches(far));
    assert!(matches!(lab.cut("vm9"), Err(LabError::NoVm { .. })));
}
