//! Links that are cut, VMs that are away, programs that are killed while something is asked of them.

use std::time::{Duration, Instant};

use crate::operator::{Answer, audit_is_good, check, document, fleet, seal, verdict};

/// How long a link is cut: 30 s, or what `NETGHOST_CUT_SECONDS` says (ten minutes in the soak).
fn cut_time() -> Duration {
    let seconds = std::env::var("NETGHOST_CUT_SECONDS").ok();
    Duration::from_secs(seconds.map_or(30, |seconds| seconds.parse().unwrap()))
}

#[test]
fn root_a_vm_that_is_cut_off_is_unknown_and_comes_back() {
    let fleet = fleet(2);
    seal(&fleet, "before");
    fleet.lab().cut("vm2").unwrap();
    let started = Instant::now();
    let words = [
        "drift",
        "check",
        "--baseline",
        "before",
        "--all",
        "--deadline",
        "8s",
    ];
    let found = document(&fleet, &words, 3);
    assert!(started.elapsed() < Duration::from_secs(25), "the deadline holds");
    assert_eq!(
        (verdict(&found, "vm1"), verdict(&found, "vm2")),
        ("no_drift".into(), "unknown".into())
    );
    assert_eq!(
        (&found["verdict"], found["drift_detected"].is_null()),
        (&"unknown".into(), true)
    );
    assert!(found["not_covered"].to_string().contains("vm2"), "{found}");
    fleet.lab().heal("vm2").unwrap();
    fleet.wait_connected(&["vm2"]).unwrap();
    assert_eq!(check(&fleet, "before", 0)["verdict"], "no_drift");
}

#[test]
fn root_a_link_that_is_cut_delays_a_baseline_and_nothing_else() {
    let fleet = fleet(2);
    fleet.lab().cut("vm2").unwrap();
    let deadline = format!("{}s", cut_time().as_secs() + 120);
    let words = [
        "baseline",
        "create",
        "before",
        "--all",
        "--deadline",
        &deadline,
        "-o",
        "json",
    ];
    let mut waiting = fleet.netghost_started("baseline", &words).unwrap();
    std::thread::sleep(cut_time());
    let vm = fleet.controller_vm().unwrap();
    assert!(waiting.is_running(vm).unwrap(), "{}", waiting.log(vm).unwrap());
    fleet.lab().heal("vm2").unwrap();
    let healed = Instant::now();
    // The agent tries again at most a minute later.
    let status = waiting.wait(vm, Duration::from_secs(110)).unwrap();
    println!(
        "{} s after the link was back: {status:?}",
        healed.elapsed().as_secs_f64()
    );
    assert!(
        status.is_some_and(netghost_lab::Status::success),
        "{}",
        waiting.log(vm).unwrap()
    );
    let shown = document(&fleet, &["baseline", "show", "before"], 0);
    assert_eq!(
        shown["baselines"][0]["members"].as_array().unwrap().len(),
        2,
        "{shown}"
    );
    assert_eq!(check(&fleet, "before", 0)["verdict"], "no_drift");
    audit_is_good(&fleet);
}

#[test]
fn root_no_target_and_no_such_target_are_said() {
    let fleet = fleet(1);
    seal(&fleet, "before");
    let none = Answer::from(
        fleet
            .netghost(&[
                "drift",
                "check",
                "--baseline",
                "before",
                "--vm",
                "vm9",
                "-o",
                "json",
            ])
            .unwrap(),
    );
    assert_eq!((none.status, none.stdout.as_str()), (2, ""), "{none:?}");
    assert!(none.stderr.contains("vm9"), "{none:?}");
    let none = Answer::from(
        fleet
            .netghost(&[
                "drift",
                "check",
                "--baseline",
                "before",
                "--tag",
                "role=none",
                "-o",
                "json",
            ])
            .unwrap(),
    );
    assert!([2, 3].contains(&none.status), "{none:?}");
    let none = Answer::from(
        fleet
            .netghost(&["drift", "check", "--baseline", "never", "--all", "-o", "json"])
            .unwrap(),
    );
    assert_eq!(none.status, 2, "{none:?}");
}
