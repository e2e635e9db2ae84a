//! What an agent costs, and what a large snapshot does to it. `scripts/soak` runs these on what is packed and released, longer and larger.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use netghost_lab::Fleet;

use crate::operator::{check, fleet, seal};

/// A number from the environment, for the soak.
fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

/// What `/proc/PID/status` says in KiB.
fn kib(pid: &str, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

/// The processor time that a process has used, in ms: fields 14 and 15 of `/proc/PID/stat`, in ticks of 10 ms.
fn used_ms(pid: &str) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks.map(|ticks| ticks.parse::<u64>().unwrap() * 10).sum()
}

fn agent_pid(fleet: &mut Fleet) -> String {
    fleet.agent("vm1").unwrap().0.pid().to_owned()
}

#[test]
fn root_an_idle_agent_is_small() {
    let mut fleet = fleet(1);
    let pid = agent_pid(&mut fleet);
    let fresh = kib(&pid, "VmRSS:");
    seal(&fleet, "before");
    check(&fleet, "before", 0);
    let seconds = number("NETGHOST_IDLE_SECONDS", 10);
    // What the last command left to do is done by then.
    std::thread::sleep(Duration::from_secs(1));
    let before = used_ms(&pid);
    std::thread::sleep(Duration::from_secs(seconds));
    let used = used_ms(&pid) - before;
    let (resident, most) = (kib(&pid, "VmRSS:"), kib(&pid, "VmHWM:"));
    println!(
        "idle agent: {fresh} KiB resident after the start, {resident} KiB after a baseline and a check (at most {most}), \
         {used} ms of processor time in {seconds} s"
    );
    // What is promised is promised of the agent as it is packed (docs/validation.md). The code of an unoptimised one is several
    // times as large, so that of it what it allocated counts.
    let (factor, counted) = if std::env::var_os("NETGHOST_AGENT").is_some() {
        (1, resident)
    } else {
        (2, kib(&pid, "RssAnon:"))
    };
    assert!(counted < 15 * 1024, "{counted} of {resident} KiB");
    // 0.1 % of a core, and one tick for the clock's grain.
    assert!(used <= factor * seconds + 10, "{used} ms in {seconds} s");
}

/// The largest file below.
fn largest(below: &Path) -> (u64, PathBuf) {
    let mut found = (0, PathBuf::new());
    for entry in std::fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        let one = if path.is_dir() {
            largest(&path)
        } else {
            (path.metadata().unwrap().len(), path)
        };
        found = found.max(one);
    }
    found
}

#[test]
fn root_a_large_snapshot_goes_through() {
    let mut fleet = fleet(1);
    let rules = number("NETGHOST_RULES", 2000);
    let mut text = "table inet large {\n".to_owned();
    for chain in 0..rules.div_ceil(1000) {
        writeln!(text, "chain c{chain} {{").unwrap();
        for rule in 0..1000.min(rules - chain * 1000) {
            let (high, low) = (rule / 250, rule % 250);
            writeln!(
                text,
                "ip saddr 10.{chain}.{high}.{low} tcp dport {} counter accept",
                1000 + rule
            )
            .unwrap();
        }
        text += "}\n";
    }
    text += "}\n";
    let vm = fleet.vm("vm1").unwrap();
    vm.exec_with_input(&["nft", "-f", "-"], text.as_bytes())
        .unwrap()
        .ok(&["nft"])
        .unwrap();
    let started = Instant::now();
    seal(&fleet, "large");
    let sealed = started.elapsed();
    let (size, _) = largest(&fleet.controller_directory().unwrap().join("objects"));
    let started = Instant::now();
    assert_eq!(check(&fleet, "large", 0)["verdict"], "no_drift");
    let pid = agent_pid(&mut fleet);
    println!(
        "{rules} rules: the largest object has {size} bytes; sealed in {:.1} s, checked in {:.1} s; the agent took {} KiB at \
         most and has {} KiB now",
        sealed.as_secs_f64(),
        started.elapsed().as_secs_f64(),
        kib(&pid, "VmHWM:"),
        kib(&pid, "VmRSS:")
    );
}
