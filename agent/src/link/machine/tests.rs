//! The machine against a model of everything around it: a disk, a controller, a connection, and ends of the process.

use std::collections::VecDeque;

use netghost_core::section::SectionName;
use proptest::prelude::*;

use super::*;

fn id(number: u8) -> Id {
    Id::from_random([number; 16])
}

/// Every third command is a demand to do something; the others want a snapshot.
fn order(id: Id) -> Order {
    if [self::id(0), self::id(3)].contains(&id) {
        let action = Digest::of(id.to_string().as_bytes());
        let demand = netghost_core::gate::Demand::Perform {
            action,
            approval: Text::from("approval"),
            roster: Text::from("roster"),
        };
        return Order::Act(Act {
            demand: Text::from(serde_json::to_vec(&demand).unwrap()),
            confirm: true,
        });
    }
    Order::Capture(Capture {
        sections: vec![SectionName::Tc],
        name: None,
        asked_by: None,
        ticket: None,
        note: None,
    })
}

/// Each capture gives another snapshot, so that one that is told twice would be seen.
fn snapshot(number: u32) -> Digest {
    Digest::of(&number.to_be_bytes())
}

#[derive(Debug, Clone)]
enum OnDisk {
    Accepted { deadline: Duration },
    Captured { deadline: Duration, manifest: Digest },
    Finished(Outcome),
}

/// A command as the controller sees it.
#[derive(Debug, Default)]
struct Wanted {
    told: Vec<Outcome>,
    uploaded: Option<Digest>,
    refused: bool,
}

impl Wanted {
    fn has_ended(&self) -> bool {
        self.refused || !self.told.is_empty()
    }
}

/// Everything around the machine.
struct World {
    machine: Machine,
    now: Duration,
    disk: BTreeMap<Id, OnDisk>,
    /// Actions that are under way in the process, and end with it.
    under_way: VecDeque<Action>,
    /// What the controller wants; never shrinks.
    wanted: BTreeMap<Id, Wanted>,
    /// Acknowledgements on their way.
    acks: VecDeque<Id>,
    connected: bool,
    dialling: bool,
    captures: u32,
    /// What the process that acts was told to do, which it does once.
    acts: BTreeMap<Id, u32>,
    /// Commands that were first demanded late.
    late: u32,
    full: bool,
    dials: u32,
}

impl World {
    fn new() -> Self {
        let now = Duration::from_secs(1_000);
        let mut world = Self {
            machine: Machine::new(Vec::new(), 1, now),
            now,
            disk: BTreeMap::new(),
            under_way: VecDeque::new(),
            wanted: BTreeMap::new(),
            acks: VecDeque::new(),
            connected: false,
            dialling: false,
            captures: 0,
            acts: BTreeMap::new(),
            late: 0,
            full: false,
            dials: 0,
        };
        world.event(Event::Tick);
        world
    }

    fn event(&mut self, event: Event) {
        for action in self.machine.handle(event, self.now) {
            self.act(action);
        }
        assert!(self.machine.in_hand().count() <= IN_HAND);
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Dial => {
                assert!(!self.connected && !self.dialling, "dialled twice");
                self.dialling = true;
                self.dials += 1;
            }
            Action::HangUp => self.cut(),
            Action::TellFinished(id, outcome) => self.told(id, outcome),
            Action::Upload(id) => {
                assert!(self.connected, "an upload without a connection");
                assert!(matches!(self.disk[&id], OnDisk::Captured { .. }));
                self.under_way.push_back(Action::Upload(id));
            }
            Action::StopUpload(id) => self.under_way.retain(|action| *action != Action::Upload(id)),
            Action::Capture(id, order) => {
                let capturing = |action: &Action| matches!(action, Action::Capture(..));
                assert!(!self.under_way.iter().any(capturing), "two captures at once");
                self.under_way.push_back(Action::Capture(id, order));
            }
            Action::Act { id, act, late } => {
                assert!(matches!(self.disk[&id], OnDisk::Accepted { .. }));
                let again = |action: &Action| matches!(action, Action::Act { id: other, .. } if *other == id);
                assert!(
                    !self.under_way.iter().any(again),
                    "passed on twice by one process"
                );
                if late {
                    self.late += 1;
                } else {
                    *self.acts.entry(id).or_default() += 1;
                }
                self.under_way.push_back(Action::Act { id, act, late });
            }
            Action::Accept { .. } | Action::Finish(..) | Action::Forget(_) => {
                self.under_way.push_back(action);
            }
            Action::Answer(_) | Action::TellStarted(_) => assert!(self.connected),
            Action::Renew => {}
        }
    }

    fn told(&mut self, id: Id, outcome: Outcome) {
        assert!(self.connected, "told without a connection");
        if let Outcome::Failed(failed) = &outcome
            && ["busy", "disk_full"].contains(&failed.code.as_str())
            && !self.disk.contains_key(&id)
        {
            // At the door: nothing was kept, and the controller's first word wins.
            self.wanted.get_mut(&id).unwrap().refused = true;
            return;
        }
        assert!(
            matches!(&self.disk[&id], OnDisk::Finished(kept) if *kept == outcome),
            "told before it was on the disk"
        );
        let wanted = self.wanted.get_mut(&id).unwrap();
        if let Outcome::Captured { manifest } = &outcome {
            assert_eq!(
                wanted.uploaded,
                Some(*manifest),
                "captured before it was uploaded"
            );
        }
        if let Outcome::Failed(failed) = &outcome
            && failed.code == "expired"
        {
            assert!(!self.acts.contains_key(&id), "done, and told that it was not");
        }
        wanted.told.push(outcome);
        assert!(
            wanted.told.windows(2).all(|pair| pair[0] == pair[1]),
            "two outcomes"
        );
        self.acks.push_back(id);
    }

    /// One thing that is under way is done. The disk's own order is kept; captures and uploads end when they do.
    fn complete(&mut self, pick: usize) {
        if self.under_way.is_empty() {
            return;
        }
        let slow = |action: &Action| {
            matches!(
                action,
                Action::Capture(..) | Action::Act { .. } | Action::Upload(_)
            )
        };
        let at = pick % self.under_way.len();
        let at = if slow(&self.under_way[at]) {
            at
        } else {
            self.under_way.iter().position(|action| !slow(action)).unwrap()
        };
        match self.under_way.remove(at).unwrap() {
            Action::Accept { id, deadline, .. } => {
                let result = if self.full {
                    Err(Failed::new("disk_full", ""))
                } else {
                    self.disk.entry(id).or_insert(OnDisk::Accepted { deadline });
                    Ok(())
                };
                self.event(Event::Accepted(id, result));
            }
            Action::Capture(id, _) => self.capture(id),
            Action::Act { id, late, .. } => {
                // What was never demanded is not done any more; what was, is what it is.
                let done = !late || self.acts.contains_key(&id);
                let answer = if done {
                    Ok(Text::from("done"))
                } else {
                    Err(Failed::expired())
                };
                self.event(Event::Acted(id, answer));
            }
            Action::Upload(id) => {
                if let Some(OnDisk::Captured { manifest, .. }) = self.disk.get(&id) {
                    let manifest = *manifest;
                    self.wanted.get_mut(&id).unwrap().uploaded = Some(manifest);
                    self.event(Event::Uploaded(id, Uploaded::Whole(manifest)));
                }
            }
            Action::Finish(id, outcome) => self.finish(id, outcome),
            Action::Forget(ids) => self.disk.retain(|id, _| !ids.contains(id)),
            other => panic!("{other:?} is not under way"),
        }
    }

    fn capture(&mut self, id: Id) {
        self.captures += 1;
        let result = match self.disk.get(&id) {
            _ if self.full => Err(Failed::new("disk_full", "")),
            Some(OnDisk::Accepted { deadline }) => {
                let (deadline, manifest) = (*deadline, snapshot(self.captures));
                self.disk.insert(id, OnDisk::Captured { deadline, manifest });
                Ok(manifest)
            }
            Some(OnDisk::Captured { manifest, .. }) => Ok(*manifest),
            Some(OnDisk::Finished(_)) | None => Err(Failed::new("internal", "no such command")),
        };
        self.event(Event::Captured(id, result));
    }

    fn finish(&mut self, id: Id, outcome: Outcome) {
        let result = match self.disk.get(&id) {
            Some(OnDisk::Finished(earlier)) => Ok(earlier.clone()),
            None => Err(Failed::new("internal", "no such command")),
            Some(_) if self.full => Err(Failed::new("disk_full", "")),
            Some(_) => {
                self.disk.insert(id, OnDisk::Finished(outcome.clone()));
                Ok(outcome)
            }
        };
        self.event(Event::Recorded(id, result));
    }

    fn cut(&mut self) {
        self.connected = false;
        self.dialling = false;
        self.acks.clear();
        self.under_way
            .retain(|action| !matches!(action, Action::Upload(_)));
    }

    fn lose(&mut self, kind: LossKind) {
        if self.connected || self.dialling {
            self.cut();
            self.event(Event::Lost(Loss {
                kind,
                why: "cut".to_owned(),
                hint: None,
            }));
        }
    }

    fn connect(&mut self) {
        if self.dialling {
            self.dialling = false;
            self.connected = true;
            self.event(Event::Connected);
            let open: Vec<Id> = self
                .wanted
                .iter()
                .filter(|(_, wanted)| !wanted.has_ended())
                .map(|(id, _)| *id)
                .collect();
            for id in open {
                self.ask(id);
            }
        }
    }

    fn ask(&mut self, id: Id) {
        if self.connected {
            self.wanted.entry(id).or_default();
            self.event(Event::Command {
                id,
                lifetime: Duration::from_secs(600),
                order: Ok(order(id)),
            });
        }
    }

    /// The process ends and another begins.
    fn restart(&mut self) {
        self.cut();
        self.under_way.clear();
        let kept = self
            .disk
            .iter()
            .map(|(id, on_disk)| {
                let kept = match on_disk.clone() {
                    OnDisk::Accepted { deadline } => Kept::Accepted {
                        deadline,
                        order: order(*id),
                    },
                    OnDisk::Captured { deadline, .. } => Kept::Captured { deadline },
                    OnDisk::Finished(outcome) => Kept::Finished(outcome),
                };
                (*id, kept)
            })
            .collect();
        self.machine = Machine::new(kept, u64::from(self.captures), self.now);
        self.event(Event::Tick);
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.event(Event::Tick);
    }

    fn acknowledge(&mut self) {
        if let Some(id) = self.acks.pop_front() {
            self.event(Event::Acknowledged(vec![id]));
        }
    }

    /// Everything works from now on: all that was wanted must come to its end.
    fn settle(&mut self) {
        self.full = false;
        for _ in 0..2_000 {
            if self.wanted.values().all(Wanted::has_ended)
                && self.disk.is_empty()
                && self.machine.in_hand().count() == 0
            {
                return;
            }
            self.connect();
            self.complete(0);
            self.acknowledge();
            self.pass(Duration::from_secs(2));
        }
        panic!(
            "it did not end: {:?} {:?} {:?}",
            self.machine, self.wanted, self.disk
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_command_is_lost_or_told_two_ways(steps in prop::collection::vec((0_u8..14, any::<u8>()), 0..200)) {
        let mut world = World::new();
        for (step, number) in steps {
            match step {
                0 | 1 => world.connect(),
                2 => world.lose(LossKind::Passing),
                3 => world.restart(),
                4..=6 => world.complete(usize::from(number)),
                // An outcome that a controller has it never asks for again.
                7 | 8 => {
                    let id = id(number % 6);
                    if !world.wanted.get(&id).is_some_and(Wanted::has_ended) {
                        world.ask(id);
                    }
                }
                9 => world.acknowledge(),
                10 => world.pass(Duration::from_secs(u64::from(number) * 3)),
                11 => world.full = number.is_multiple_of(3),
                12 => world.event(Event::Identity { renew_in: Duration::from_secs(60), other: number.is_multiple_of(2) }),
                _ => world.pass(Duration::from_millis(u64::from(number))),
            }
        }
        world.settle();
    }

    #[test]
    fn anything_at_any_time_is_survived(steps in prop::collection::vec((0_u8..12, 0_u8..4, any::<bool>()), 0..100)) {
        let mut now = Duration::from_secs(1);
        let mut machine = Machine::new(Vec::new(), 7, now);
        for (step, number, good) in steps {
            let id = id(number);
            let failed = Failed::new("internal", "");
            let event = match step {
                0 => Event::Connected,
                1 => Event::Lost(Loss { kind: LossKind::Passing, why: String::new(), hint: None }),
                2 => Event::Probe(1),
                3 => Event::Command { id, lifetime: Duration::from_secs(u64::from(number)), order: if good { Ok(order(id)) } else { Err(failed) } },
                4 => Event::Acknowledged(vec![id]),
                5 => Event::Revoked(String::new()),
                6 => Event::Closing(String::new()),
                7 => Event::Accepted(id, if good { Ok(()) } else { Err(failed) }),
                8 if number == 3 => Event::Acted(id, if good { Ok(Text::from("done")) } else { Err(failed) }),
                8 => Event::Captured(id, if good { Ok(snapshot(1)) } else { Err(failed) }),
                9 => Event::Uploaded(id, if good { Uploaded::Whole(snapshot(1)) } else { Uploaded::Cut }),
                10 => Event::Recorded(id, if good { Ok(Outcome::Failed(failed)) } else { Err(failed) }),
                _ => Event::Identity { renew_in: Duration::ZERO, other: good },
            };
            machine.handle(event, now);
            prop_assert!(machine.wake_at(now).is_none_or(|at| at > now), "a wake that is due already would spin");
            now += Duration::from_millis(100);
        }
    }
}

fn up() -> World {
    let mut world = World::new();
    world.connect();
    world
}

#[test]
fn a_command_goes_its_way() {
    let mut world = up();
    world.ask(id(1));
    for _ in 0..4 {
        world.complete(0);
    }
    assert!(
        matches!(&world.wanted[&id(1)].told[..], [Outcome::Captured { manifest }] if *manifest == snapshot(1))
    );
    assert_eq!(world.machine.in_hand().next().unwrap().state, "finished");
    world.acknowledge();
    world.complete(0);
    assert!(world.disk.is_empty());
}

#[test]
fn asked_again_it_is_told_again_and_not_done_again() {
    let mut world = up();
    world.ask(id(1));
    for _ in 0..4 {
        world.complete(0);
    }
    world.restart();
    world.connect();
    world.ask(id(1));
    assert_eq!(world.captures, 1);
    assert_eq!(
        world.wanted[&id(1)].told.len(),
        3,
        "told, told at the reconnect, told when asked"
    );
}

#[test]
fn a_lifetime_ends_it() {
    let mut world = up();
    world.ask(id(1));
    world.complete(0);
    world.pass(Duration::from_secs(601));
    world.complete(1);
    let told = &world.wanted[&id(1)].told;
    assert!(
        matches!(&told[..], [Outcome::Failed(failed)] if failed.code == "expired"),
        "{told:?}"
    );
    // The capture that still runs changes nothing.
    world.complete(0);
    world.settle();
}

#[test]
fn a_lifetime_is_not_counted_anew() {
    let mut world = up();
    world.ask(id(1));
    world.complete(0);
    world.pass(Duration::from_secs(599));
    world.ask(id(1));
    world.restart();
    world.pass(Duration::from_secs(2));
    world.settle();
    assert!(matches!(&world.wanted[&id(1)].told[0], Outcome::Failed(failed) if failed.code == "expired"));
}

#[test]
fn a_demand_that_was_passed_on_does_not_end_with_its_lifetime() {
    let mut world = up();
    world.ask(id(3));
    world.complete(0);
    assert_eq!(world.acts.len(), 1);
    world.pass(Duration::from_secs(601));
    assert!(world.wanted[&id(3)].told.is_empty());
    // The process that comes next asks what became of it, and does nothing.
    world.restart();
    world.connect();
    assert_eq!((world.late, world.acts[&id(3)]), (1, 1));
    world.settle();
    assert!(
        matches!(&world.wanted[&id(3)].told[0], Outcome::Acted { answer } if *answer == Text::from("done"))
    );
}

#[test]
fn a_demand_that_was_cut_off_is_made_again() {
    let mut world = up();
    world.ask(id(3));
    world.complete(0);
    world.restart();
    assert_eq!((world.late, world.acts[&id(3)]), (0, 2));
    world.settle();
}

#[test]
fn more_than_a_controller_asks_is_refused() {
    let mut world = up();
    for number in 0..=u8::try_from(IN_HAND).unwrap() {
        world.ask(id(number));
    }
    assert_eq!(world.machine.in_hand().count(), IN_HAND);
}

fn dials_within(world: &mut World, time: Duration) -> u32 {
    let (dials, end) = (world.dials, world.now + time);
    while world.now < end {
        world.lose(LossKind::Passing);
        world.pass(Duration::from_millis(100));
    }
    world.dials - dials
}

#[test]
fn a_controller_that_is_gone_is_not_pestered() {
    let mut world = World::new();
    dials_within(&mut world, Duration::from_secs(600));
    let dials = dials_within(&mut world, Duration::from_secs(3_600));
    assert!((60..240).contains(&dials), "{dials} in an hour");
}

#[test]
fn a_good_minute_forgets_earlier_failures() {
    let mut world = World::new();
    dials_within(&mut world, Duration::from_secs(600));
    while !world.dialling {
        world.pass(Duration::from_secs(1));
    }
    world.connect();
    world.pass(Duration::from_secs(61));
    world.lose(LossKind::Passing);
    world.pass(Duration::from_secs(1));
    assert!(world.dialling, "within a second");
}

#[test]
fn a_revoked_identity_does_not_come_back_but_another_does() {
    let mut world = up();
    world.event(Event::Revoked("lost VM".to_owned()));
    world.pass(Duration::from_secs(1_000_000));
    assert!(!world.dialling);
    assert_eq!(world.machine.standing().0, Standing::Revoked);
    assert_eq!(world.machine.wake_at(world.now), None);
    assert!(world.machine.trouble().unwrap().why.contains("lost VM"));
    world.event(Event::Identity {
        renew_in: Duration::from_secs(1),
        other: true,
    });
    assert!(world.dialling);
}

#[test]
fn a_refused_identity_waits_long() {
    for (kind, standing, least) in [
        (LossKind::Refused, Standing::Refused, 300),
        (LossKind::Contested, Standing::Contested, 60),
    ] {
        let mut world = World::new();
        world.lose(kind);
        assert_eq!(world.machine.standing().0, standing);
        world.pass(Duration::from_secs(least - 1));
        assert!(!world.dialling);
        world.pass(Duration::from_secs(1_000));
        assert!(world.dialling);
    }
}

#[test]
fn a_new_certificate_is_used_when_no_upload_is_cut() {
    let mut world = up();
    world.ask(id(1));
    world.complete(0);
    world.complete(0);
    assert!(world.under_way.contains(&Action::Upload(id(1))));
    world.event(Event::Identity {
        renew_in: Duration::from_secs(60),
        other: true,
    });
    assert!(world.connected, "the upload goes on");
    world.complete(0);
    assert!(world.dialling, "then the new certificate is used");
}

#[test]
fn a_certificate_is_renewed_once_at_its_time() {
    let now = Duration::from_secs(1);
    let mut machine = Machine::new(Vec::new(), 1, now);
    machine.handle(Event::Tick, now);
    let renew_in = Duration::from_secs(10);
    machine.handle(
        Event::Identity {
            renew_in,
            other: false,
        },
        now,
    );
    assert!(!machine.handle(Event::Connected, now).contains(&Action::Renew));
    let later = now + renew_in;
    assert_eq!(machine.wake_at(now), Some(later));
    assert_eq!(machine.handle(Event::Tick, later), [Action::Renew]);
    assert_eq!(machine.handle(Event::Tick, later), []);
    machine.handle(Event::RenewFailed("no".to_owned()), later);
    assert!(machine.wake_at(later).unwrap() >= later + Duration::from_secs(60));
}
