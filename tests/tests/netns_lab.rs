//! Labs of network namespaces: what they carry, and that nothing of them stays.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use netghost_lab::{Fault, Kind, Lab, LabError, Limits, Plan, Status, Vm, fault};

use traces::traces;

#[path = "support/traces.rs"]
mod traces;

const PROGRAM: &str = env!("CARGO_BIN_EXE_netghost-lab");

fn program(words: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(words).stdin(Stdio::null());
    command
}

fn says(vm: &Vm, argv: &[&str]) -> String {
    vm.must(argv)
        .map_or_else(|error| error.to_string(), |output| output.text())
}

#[test]
fn root_a_pair_pings_over_a_fabric_that_routes() {
    let lab = Lab::up(&Plan::new(&[Kind::Netns; 2])).unwrap();
    let [first, second] = lab.vms() else {
        panic!("two VMs")
    };
    assert_eq!((first.name(), second.name()), ("vm1", "vm2"));
    for (from, to) in [(first, second), (second, first)] {
        let output = says(
            from,
            &[
                "ping",
                "-c",
                "2",
                "-i",
                "0.2",
                "-W",
                "2",
                &to.address().to_string(),
            ],
        );
        assert!(output.contains(" 0% packet loss"), "{output}");
        assert!(output.contains("ttl=63"), "one router is on the way: {output}");
    }
    // Nobody answers for an address that no VM has, and there is no way out.
    for nowhere in ["10.77.0.99", "192.0.2.1"] {
        assert!(
            !first
                .exec(&["ping", "-c", "1", "-W", "1", nowhere])
                .unwrap()
                .status
                .success(),
            "{nowhere}"
        );
    }
    assert_eq!(
        says(first, &["ip", "-o", "link"]).lines().count(),
        2,
        "lo and eth0"
    );
}

#[test]
fn root_exec_gives_what_the_command_gave() {
    let lab = Lab::up(&Plan::new(&[Kind::Netns])).unwrap();
    let vm = lab.vm("vm1").unwrap();
    let output = vm
        .exec_with_input(&["sh", "-c", "cat; echo no >&2; exit 3"], b"\0\xff in")
        .unwrap();
    assert_eq!(
        (output.status, &*output.stdout, &*output.stderr),
        (Status::Exited(3), &b"\0\xff in"[..], &b"no\n"[..])
    );
    let limits = Limits {
        time: Duration::from_millis(300),
        ..Limits::default()
    };
    let error = vm.exec_within(&["sleep", "9"], b"", limits).unwrap_err();
    assert!(matches!(error, LabError::TimedOut { .. }), "{error}");
    assert!(matches!(lab.vm("vm2"), Err(LabError::NoVm { .. })));
}

#[test]
fn root_each_fault_comes_and_goes() {
    let lab = Lab::up(&Plan::new(&[Kind::Netns])).unwrap();
    let vm = lab.vm("vm1").unwrap();
    // An independent look at each, and a rule of somebody else's that must survive.
    vm.must(&[
        "iptables-legacy",
        "-A",
        "INPUT",
        "-p",
        "tcp",
        "--dport",
        "22",
        "-j",
        "DROP",
    ])
    .unwrap();
    let looks: [(Fault, &[&str], &str); 3] = [
        (
            Fault::LegacyDrop,
            &["iptables-legacy-save"],
            "-A INPUT -p tcp -m tcp --dport 5001 -j DROP",
        ),
        (
            Fault::NftReject,
            &["nft", "list", "ruleset"],
            "tcp dport 5001 reject with tcp reset",
        ),
        (
            Fault::TbfShaper,
            &["tc", "qdisc", "show", "dev", "eth0"],
            "qdisc tbf 7a01: root",
        ),
    ];
    for (fault, argv, seen) in looks {
        assert!(!says(vm, argv).contains(seen), "{fault} is not there yet");
        fault.inject(vm).unwrap();
        assert!(says(vm, argv).contains(seen), "{fault}: {}", says(vm, argv));
        assert!(fault.is_on(vm).unwrap());
        assert!(
            matches!(fault.inject(vm), Err(LabError::AlreadyInjected { .. })),
            "{fault} twice"
        );
        fault.clear(vm).unwrap();
        assert!(!says(vm, argv).contains(seen), "{fault}: {}", says(vm, argv));
        assert!(fault.clear(vm).is_err(), "{fault} is not there to be cleared");
    }
    assert!(says(vm, &["iptables-legacy-save"]).contains("--dport 22 -j DROP"));
    let error = Fault::NetemDelay.inject(vm).unwrap_err().to_string();
    assert!(
        error.contains("a netns VM can't carry it, only uml or qemu"),
        "{error}"
    );
    assert!(
        fault::ALL
            .iter()
            .all(|fault| fault.name().parse::<Fault>().is_ok_and(|same| same == *fault))
    );
}

#[test]
fn root_faults_stop_what_they_say() {
    let lab = Lab::up(&Plan::new(&[Kind::Netns; 2])).unwrap();
    let (near, far) = (lab.vm("vm1").unwrap(), lab.vm("vm2").unwrap());
    let far_inside = far.namespace().unwrap();
    let listener = far_inside
        .enter(|| std::net::TcpListener::bind("0.0.0.0:5001"))
        .unwrap()
        .unwrap();
    let address = std::net::SocketAddr::from((far.address(), listener.local_addr().unwrap().port()));
    let connect = || {
        let connect = || std::net::TcpStream::connect_timeout(&address, Duration::from_millis(500));
        near.namespace()
            .unwrap()
            .enter(connect)
            .unwrap()
            .map(drop)
            .map_err(|error| error.kind())
    };
    connect().unwrap();
    Fault::LegacyDrop.inject(far).unwrap();
    assert_eq!(connect(), Err(std::io::ErrorKind::TimedOut));
    Fault::LegacyDrop.clear(far).unwrap();
    Fault::NftReject.inject(far).unwrap();
    assert_eq!(connect(), Err(std::io::ErrorKind::ConnectionRefused));
    Fault::NftReject.clear(far).unwrap();
    connect().unwrap();
}

#[test]
fn root_a_lab_goes_with_its_value_and_its_name_is_its_own() {
    let plan = Plan::new(&[Kind::Netns; 2]);
    let lab = Lab::up(&plan).unwrap();
    assert_eq!(
        traces(&format!("ngl-{}-", plan.name)).len(),
        3,
        "{:?}",
        traces(&plan.name)
    );
    let again = Lab::up(&plan).unwrap_err();
    assert!(matches!(again, LabError::Taken(_)), "{again}");
    assert!(
        lab.vm("vm1").unwrap().exec(&["true"]).unwrap().status.success(),
        "the first one is still whole"
    );
    drop(lab);
    assert_eq!(traces(&format!("ngl-{}-", plan.name)), Vec::<String>::new());
    assert!(matches!(Lab::open(&plan.name), Err(LabError::NoLab(_))));
}

#[test]
fn root_a_killed_maker_leaves_nothing_after_down() {
    for (round, delay) in [5, 20, 60, 150, 600, 2500].into_iter().enumerate() {
        let name = format!("killed-{}-{round}", std::process::id());
        let mut up = program(&["up", "--kind", "uml", "--name", &name])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        sleep(Duration::from_millis(delay));
        up.kill().unwrap();
        up.wait().unwrap();
        let down = program(&["down", "--name", &name]).output().unwrap();
        let error = String::from_utf8_lossy(&down.stderr).into_owned();
        assert!(
            down.status.success() || error.contains("there is no lab named"),
            "{error}"
        );
        // A keeper that had just started finds no lab and ends by itself.
        let gone = (0..100).any(|_| {
            sleep(Duration::from_millis(20));
            traces(&name).is_empty()
        });
        assert!(gone, "killed after {delay} ms: {:?}", traces(&name));
    }
}

#[test]
fn root_the_next_up_removes_what_a_killed_maker_left() {
    let name = format!("left-{}", std::process::id());
    let mut up = program(&["up", "--kind", "uml", "--name", &name])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let started = (0..500).any(|_| {
        sleep(Duration::from_millis(10));
        Path::new("/run/netns")
            .join(format!("ngl-{name}-fabric"))
            .exists()
    });
    assert!(started);
    up.kill().unwrap();
    up.wait().unwrap();
    // Any lab that comes up meanwhile may have removed it already.
    let other = Lab::up(&Plan::new(&[Kind::Netns])).unwrap();
    sleep(Duration::from_millis(200));
    assert_eq!(traces(&name), Vec::<String>::new());
    drop(other);
}

#[test]
fn root_the_command_line_does_it_all() {
    let name = format!("cli-{}", std::process::id());
    let run = |words: &[&str]| program(words).output().unwrap();
    let up = run(&["up", "--name", &name]);
    assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
    let exec = run(&[
        "exec",
        "--name",
        &name,
        "vm2",
        "--",
        "sh",
        "-c",
        "ip -br addr; echo no >&2; exit 42",
    ]);
    assert_eq!(exec.status.code(), Some(42));
    assert!(String::from_utf8_lossy(&exec.stdout).contains("10.77.0.5/24"));
    assert_eq!(exec.stderr, b"no\n");
    assert_eq!(
        run(&["exec", "--name", &name, "vm9", "--", "true"]).status.code(),
        Some(125)
    );
    assert!(
        run(&["inject", "--name", &name, "vm1", "legacy-drop"])
            .status
            .success()
    );
    let wrong = run(&["inject", "--name", &name, "vm1", "netem-delay"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(
        run(&["clear", "--name", &name, "vm1", "legacy-drop"])
            .status
            .success()
    );
    let list = String::from_utf8_lossy(&run(&["list"]).stdout).into_owned();
    assert!(
        list.contains(&format!("{name}  vm1  netns  10.77.0.4")) && list.contains("netem-delay"),
        "{list}"
    );
    assert!(run(&["down", "--name", &name]).status.success());
    assert_eq!(traces(&name), Vec::<String>::new());
    assert_eq!(
        run(&["down", "--name", &name]).status.code(),
        Some(1),
        "nothing is there to remove"
    );
    assert_eq!(run(&["down", "--name", "../etc"]).status.code(), Some(1));
}
