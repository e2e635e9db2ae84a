//! `kill -9` of agent and controller at random points of enrolment, baseline and drift check; needs root.
//!
//! `NETGHOST_KILLS` says how many (8 by default; `scripts/soak kills 200` runs the long series), `NETGHOST_SEED` repeats one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    dead_code,
    reason = "tests state what they expect by failing, and show what they measured; not all of the operator's words are used"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use netghost_lab::{Fault, Fleet, Kind};

use chance::Chance;
use operator::{Answer, changes, document, netghost, plan, seal};

#[path = "kills/chance.rs"]
mod chance;
#[path = "support/operator.rs"]
mod operator;
#[path = "kills/state.rs"]
mod state;

/// What is going on when something is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    Enrolment,
    Baseline,
    Drift,
}

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Victim {
    Agent,
    Controller,
    Both,
}

const WORKS: [Work; 3] = [Work::Enrolment, Work::Baseline, Work::Drift];
const VICTIMS: [Victim; 3] = [Victim::Agent, Victim::Controller, Victim::Both];

/// How long after the restart the work may take until it has ended: an agent waits up to a minute before it tries again.
const PATIENCE: Duration = Duration::from_secs(100);

/// The change that stands on `vm1` all the time.
const DRIFT: &str = "vm1 nftables table_added";

struct Series {
    fleet: Fleet,
    chance: Chance,
    /// How long each work takes when nobody is killed.
    spans: BTreeMap<Work, Duration>,
    done: BTreeMap<(Work, Victim), u32>,
    slowest: Duration,
}

impl Series {
    fn begin(seed: u64) -> Self {
        let mut fleet = Fleet::found(&plan(&[Kind::Netns; 2])).unwrap();
        fleet.join("vm1").unwrap();
        fleet.wait_connected(&["vm1"]).unwrap();
        seal(&fleet, "start");
        Fault::NftReject.inject(fleet.vm("vm1").unwrap()).unwrap();
        let mut series = Self {
            fleet,
            chance: Chance::new(seed),
            spans: BTreeMap::new(),
            done: BTreeMap::new(),
            slowest: Duration::ZERO,
        };
        for work in WORKS {
            let started = Instant::now();
            let mut running = series.start(work, &format!("calm-{work:?}").to_lowercase());
            running.daemon.wait(running.vm(&series.fleet), PATIENCE).unwrap();
            series.spans.insert(work, started.elapsed());
        }
        println!("without kills: {:?}", series.spans);
        series
    }

    /// Starts some work under a name of its own.
    fn start(&self, work: Work, name: &str) -> Running {
        let fleet = &self.fleet;
        match work {
            Work::Enrolment => {
                let vm = fleet.vm("vm2").unwrap();
                let token = fleet.token(1, "10m").unwrap();
                vm.must(&[
                    "sh",
                    "-c",
                    "rm -rf \"$1/state\"; install -d -m 700 -o 65534 -g 65534 \"$1/state\"",
                    "sh",
                    &vm.home().display().to_string(),
                ])
                .unwrap();
                vm.write(&vm.home().join("token"), &token).unwrap();
                let daemon = fleet
                    .agent_started("vm2", name, &borrowed(&enrol_words(fleet, name)))
                    .unwrap();
                Running {
                    work,
                    name: name.to_owned(),
                    daemon,
                    place: "vm2",
                }
            }
            Work::Baseline | Work::Drift => {
                let words: Vec<&str> = match work {
                    Work::Baseline => vec!["baseline", "create", name, "--vm", "vm1", "-o", "json"],
                    _ => vec![
                        "drift",
                        "check",
                        "--baseline",
                        "start",
                        "--vm",
                        "vm1",
                        "--ticket",
                        name,
                        "-o",
                        "json",
                    ],
                };
                let daemon = fleet.netghost_started(name, &words).unwrap();
                Running {
                    work,
                    name: name.to_owned(),
                    daemon,
                    place: netghost_lab::lab::CONTROLLER,
                }
            }
        }
    }

    /// Starts some work, kills something in it, starts that again, and looks at everything.
    fn kill(&mut self, number: u32) {
        let work = self.chance.of(&WORKS);
        let victim = self.chance.of(&VICTIMS);
        let span = self.spans[&work];
        let after = self.chance.up_to(span + span / 4);
        let name = format!("kill-{number}");
        println!(
            "{name}: {victim:?} in {work:?} after {:.1} ms",
            after.as_secs_f64() * 1e3
        );
        let mut running = self.start(work, &name);
        std::thread::sleep(after);
        if victim != Victim::Controller {
            match work {
                Work::Enrolment => {
                    let vm = self.fleet.vm("vm2").unwrap();
                    running.daemon.kill(vm).unwrap();
                }
                _ => self.fleet.kill_agent("vm1").unwrap(),
            }
        }
        if victim != Victim::Agent {
            self.fleet.kill_controller().unwrap();
            state::is_whole(&self.fleet);
            self.fleet.start_controller(&[]).unwrap();
        }
        if victim != Victim::Controller && work != Work::Enrolment {
            self.fleet.start_agent("vm1", &[]).unwrap();
        }
        let restarted = Instant::now();
        let running = self.asked_again_if_never_heard(running);
        self.ends(running, victim);
        self.slowest = self.slowest.max(restarted.elapsed());
        *self.done.entry((work, victim)).or_default() += 1;
        state::is_whole(&self.fleet);
    }

    /// A command that never reached the controller says so at once, since its user may have mistyped; then nothing was started, and
    /// the user asks again.
    fn asked_again_if_never_heard(&self, mut running: Running) -> Running {
        if running.work == Work::Enrolment {
            return running;
        }
        let vm = running.vm(&self.fleet);
        let ended = running.daemon.wait(vm, PATIENCE);
        let log = running.daemon.log(vm).unwrap();
        let ended = ended.unwrap_or_else(|error| panic!("{error}: {log}"));
        let unheard =
            ended.map(netghost_lab::Status::shell_code) == Some(4) && log.contains("\"unreachable\"");
        if !unheard {
            return running;
        }
        println!("  the command never reached the controller: asked again");
        state::job_once(&self.fleet, &running.name, false);
        self.start(running.work, &running.name)
    }

    /// The work comes to its right end, once.
    fn ends(&self, mut running: Running, victim: Victim) {
        let fleet = &self.fleet;
        let vm = running.vm(fleet);
        let ended = running.daemon.wait(vm, PATIENCE);
        let log = running.daemon.log(vm).unwrap();
        let ended = ended.unwrap_or_else(|error| panic!("{error}: {log}"));
        match running.work {
            Work::Enrolment => {
                if victim != Victim::Controller {
                    // As its unit would: asked for again, with the same token. It may have ended well just before.
                    let again = Answer::from(
                        fleet
                            .agent_command("vm2", &borrowed(&enrol_words(fleet, &running.name)), b"")
                            .unwrap(),
                    );
                    let done = again.status == 0 || again.said().contains("already");
                    assert!(done, "{again:?}\n{log}");
                }
                state::enrolled_once(fleet, &running.name);
            }
            Work::Baseline => {
                assert_eq!(ended.map(netghost_lab::Status::shell_code), Some(0), "{log}");
                let shown = document(fleet, &["baseline", "show", &running.name], 0);
                assert_eq!(
                    shown["baselines"][0]["members"].as_array().unwrap().len(),
                    1,
                    "{shown}"
                );
            }
            Work::Drift => {
                assert_eq!(ended.map(netghost_lab::Status::shell_code), Some(1), "{log}");
                let line = log
                    .lines()
                    .find(|line| line.contains("netghost.drift_check/v1"))
                    .unwrap_or_else(|| panic!("{log}"));
                let found = serde_json::from_str(line).unwrap();
                assert_eq!(changes(&found), [DRIFT]);
            }
        }
        state::job_once(fleet, &running.name, running.work != Work::Enrolment);
        netghost(fleet, &["audit", "verify"], 0);
    }
}

fn borrowed(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

fn enrol_words(fleet: &Fleet, name: &str) -> [String; 7] {
    let token = fleet
        .vm("vm2")
        .unwrap()
        .home()
        .join("token")
        .display()
        .to_string();
    let address = fleet.address().to_string();
    [
        "enroll",
        "--controller",
        &address,
        "--token-file",
        &token,
        "--name",
        name,
    ]
    .map(str::to_owned)
}

struct Running {
    work: Work,
    name: String,
    daemon: netghost_lab::Daemon,
    place: &'static str,
}

impl Running {
    fn vm<'a>(&self, fleet: &'a Fleet) -> &'a netghost_lab::Vm {
        fleet.vm(self.place).unwrap()
    }
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
fn root_kill_9_anywhere_leaves_whole_state() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let seed = number("NETGHOST_SEED", u64::from(now.subsec_nanos()));
    let kills = u32::try_from(number("NETGHOST_KILLS", 8)).unwrap();
    println!("NETGHOST_SEED={seed}");
    let mut series = Series::begin(seed);
    for number in 1..=kills {
        series.kill(number);
    }
    println!(
        "kills: {kills}, seed {seed}: {:?}; the slowest end came {:.1} s after the restart",
        series.done,
        series.slowest.as_secs_f64()
    );
}
