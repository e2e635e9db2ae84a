//! VMs with kernels of their own: the same calls, and what only they can do.

use std::net::Ipv4Addr;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use netghost_lab::{Fault, Kind, Lab, LabError, Limits, Plan, Status, Vm};

use traces::traces;

#[path = "support/traces.rs"]
mod traces;

const PROGRAM: &str = env!("CARGO_BIN_EXE_netghost-lab");

fn up(vms: &[Kind]) -> Result<Lab, LabError> {
    Lab::up(&Plan::new(vms).with_program(PROGRAM))
}

fn says(vm: &Vm, argv: &[&str]) -> String {
    vm.must(argv)
        .map_or_else(|error| error.to_string(), |output| output.text())
}

/// Round trip times in ms of five pings, from the lines that ping prints; the first, which waits for ARP, is left out.
fn round_trips(vm: &Vm, to: Ipv4Addr) -> Vec<f64> {
    let output = says(vm, &["ping", "-c", "5", "-i", "0.2", &to.to_string()]);
    let times = output
        .lines()
        .filter_map(|line| line.split_once("time=")?.1.strip_suffix(" ms")?.parse().ok());
    times.skip(1).collect()
}

/// What every kind must do alike.
fn behaves(vm: &Vm) {
    let big: Vec<u8> = (0..1_000_000_u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3])
        .collect();
    let echoed = vm.exec_with_input(&["cat"], &big);
    assert!(
        echoed.is_ok_and(|output| output.stdout == big),
        "a megabyte of all bytes comes back as it was"
    );
    let output = vm.exec(&["sh", "-c", "echo out; echo err >&2; exit 3"]);
    assert!(
        output.is_ok_and(|output| {
            (output.status, &*output.stdout, &*output.stderr)
                == (Status::Exited(3), &b"out\n"[..], &b"err\n"[..])
        }),
        "status and streams"
    );
    let killed = vm.exec(&["sh", "-c", "kill -9 $$"]);
    assert!(
        killed.is_ok_and(|output| output.status == Status::Signalled(9)),
        "a signal"
    );
    assert!(
        matches!(vm.exec(&["/nonexistent"]), Err(LabError::Start { .. })),
        "a missing program"
    );
    let short = Limits {
        time: Duration::from_millis(500),
        output: 1000,
    };
    let started = Instant::now();
    assert!(
        matches!(
            vm.exec_within(&["sleep", "30"], b"", short),
            Err(LabError::TimedOut { .. })
        ),
        "time"
    );
    assert!(started.elapsed() < Duration::from_secs(15), "the limit holds");
    let much = vm.exec_within(&["head", "-c", "1001", "/dev/zero"], b"", short);
    assert!(
        matches!(much, Err(LabError::TooMuchOutput { .. })),
        "output: {much:?}"
    );
    // Programs built on the machine run inside; what is written inside stays there.
    assert!(
        says(vm, &[PROGRAM, "--version"]).starts_with("netghost-lab"),
        "a program from outside"
    );
    let mark = format!("netghost-lab-mark-{}", std::process::id());
    for dir in ["/etc", "/var", "/tmp", "/usr", "/run", "/root"] {
        let file = format!("{dir}/{mark}");
        assert_eq!(
            says(vm, &["sh", "-c", &format!("echo x >{file}; cat {file}")]),
            "x\n",
            "{dir} can be written"
        );
        assert!(
            !std::path::Path::new(&file).exists(),
            "{file} must not reach the machine"
        );
    }
}

/// Ends the machine from inside; nothing may look like an empty answer afterwards.
fn dies(vm: &Vm) {
    let last = vm.exec(&["/bin/busybox", "poweroff", "-f"]);
    assert!(matches!(last, Err(LabError::Died { .. })), "{last:?}");
    let after = vm.exec(&["true"]).map_err(|error| error.to_string());
    assert!(
        after
            .as_ref()
            .is_err_and(|error| error.contains("vm1 is not running")),
        "{after:?}"
    );
    let text = after.err().unwrap_or_default();
    assert!(
        text.to_lowercase().contains("system halted") || text.to_lowercase().contains("power down"),
        "{text}"
    );
}

#[test]
fn root_uml_pair_pings_and_netem_delays() {
    let lab = up(&[Kind::Uml, Kind::Uml]).unwrap();
    let (near, far) = (lab.vm("vm1").unwrap(), lab.vm("vm2").unwrap());
    let before = round_trips(near, far.address());
    assert!(
        before.len() == 4 && before.iter().all(|time| *time < 30.0),
        "{before:?}"
    );
    near.must(&[
        "tc",
        "qdisc",
        "add",
        "dev",
        near.nic(),
        "root",
        "netem",
        "delay",
        "30ms",
    ])
    .unwrap();
    let seen = says(near, &["tc", "-j", "qdisc", "show", "dev", near.nic()]);
    assert!(
        seen.contains(r#""kind":"netem""#) && seen.contains(r#""delay":0.03"#),
        "{seen}"
    );
    let after = round_trips(near, far.address());
    assert!(
        after.len() == 4 && after.iter().all(|time| *time >= 30.0),
        "{after:?}"
    );
}

#[test]
fn root_uml_behaves_and_carries_its_faults() {
    let lab = up(&[Kind::Uml]).unwrap();
    let vm = lab.vm("vm1").unwrap();
    behaves(vm);
    for fault in [Fault::LegacyDrop, Fault::TbfShaper, Fault::NetemDelay] {
        fault.inject(vm).unwrap();
        assert!(fault.is_on(vm).unwrap(), "{fault}");
        fault.clear(vm).unwrap();
        assert!(!fault.is_on(vm).unwrap(), "{fault}");
    }
    let error = Fault::NftReject.inject(vm).unwrap_err().to_string();
    assert!(error.contains("only netns or qemu"), "{error}");
    assert!(
        vm.exec(&["tc", "qdisc", "add", "dev", "lo", "root", "handle", "1:", "prio"])
            .unwrap()
            .status
            .success()
    );
    dies(vm);
}

#[test]
fn root_qemu_has_nft_and_netem() {
    let lab = up(&[Kind::Qemu, Kind::Netns]).unwrap();
    let (near, far) = (lab.vm("vm1").unwrap(), lab.vm("vm2").unwrap());
    assert_eq!(says(near, &["nft", "list", "tables"]), "");
    Fault::NftReject.inject(near).unwrap();
    assert_eq!(
        says(near, &["nft", "list", "tables"]),
        "table inet netghost_lab\n"
    );
    assert_eq!(says(far, &["nft", "list", "tables"]), "", "another kernel");
    Fault::LegacyDrop.inject(near).unwrap();
    assert!(says(near, &["iptables-legacy-save"]).contains("--dport 5001 -j DROP"));
    Fault::NetemDelay.inject(near).unwrap();
    assert!(says(near, &["tc", "-j", "qdisc"]).contains(r#""delay":0.03"#));
    let delayed = round_trips(near, far.address());
    assert!(
        delayed.len() == 4 && delayed.iter().all(|time| *time >= 30.0),
        "{delayed:?}"
    );
    for fault in [Fault::NftReject, Fault::LegacyDrop, Fault::NetemDelay] {
        fault.clear(near).unwrap();
        assert!(!fault.is_on(near).unwrap(), "{fault}");
    }
}

#[test]
fn root_qemu_behaves() {
    let lab = up(&[Kind::Qemu]).unwrap();
    let vm = lab.vm("vm1").unwrap();
    behaves(vm);
    dies(vm);
}

#[test]
fn root_a_machine_outlives_up_and_ends_with_down() {
    let name = format!("stays-{}", std::process::id());
    let run = |words: &[&str]| -> Output {
        let (task, rest) = words.split_first().unwrap();
        Command::new(PROGRAM)
            .args([*task, "--name", &name])
            .args(rest)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    let up = run(&["up", "--kind", "uml", "--vms", "1"]);
    assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
    std::thread::sleep(Duration::from_millis(2500));
    let exec = run(&["exec", "vm1", "--", "sh", "-c", "uname -r; exit 5"]);
    assert_eq!(
        exec.status.code(),
        Some(5),
        "{}",
        String::from_utf8_lossy(&exec.stderr)
    );
    let own = Command::new("uname").arg("-r").output().unwrap().stdout;
    assert!(
        !exec.stdout.is_empty() && exec.stdout != own,
        "a kernel of its own"
    );
    assert!(
        traces(&name).iter().any(|trace| trace.contains("linux")),
        "{:?}",
        traces(&name)
    );
    assert!(run(&["down"]).status.success());
    // The processes are ended when `down` returns; the kernel may take a moment to be rid of them.
    let deadline = Instant::now() + Duration::from_secs(2);
    while !traces(&name).is_empty() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(traces(&name), Vec::<String>::new(), "by itself");
}
