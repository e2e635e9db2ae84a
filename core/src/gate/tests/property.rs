//! No sequence of events runs an action without a matching approval.
//!
//! The model beside the ledger knows nothing of signatures: it keeps who really consented to which action, and when.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    /// The VM proposes the action of this number.
    Propose(u8),
    /// An approver (or a stranger) signs the action of this number; `twist` alters what is signed.
    Sign { action: u8, signer: u8, twist: u8 },
    /// Somebody presents the envelope of this place for the action of that number, with this list of approvers.
    Present {
        envelope: usize,
        action: u8,
        list: u8,
        flip: Option<(usize, u8)>,
    },
    /// Somebody takes an action back.
    Withdraw(u8),
    /// Time goes by, or is set back.
    Clock(i64),
    /// The VM is started anew.
    Boot,
    /// The process is killed and reads its ledger again.
    Restart,
    /// The owner edits the policy.
    Policy(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..2u8).prop_map(Step::Propose),
        6 => (0..2u8, 2..6u8, prop_oneof![3 => Just(0u8), 1 => 1..4u8])
            .prop_map(|(action, signer, twist)| Step::Sign { action, signer, twist }),
        10 => (0..4usize, 0..2u8, prop_oneof![6 => Just(0u8), 1 => 1..4u8], prop::option::weighted(0.1, (0..600usize, 1..=255u8)))
            .prop_map(|(envelope, action, list, flip)| Step::Present { envelope, action, list, flip }),
        1 => (0..4u8).prop_map(Step::Withdraw),
        2 => (-700..700i64).prop_map(Step::Clock),
        1 => Just(Step::Boot),
        2 => Just(Step::Restart),
        1 => any::<bool>().prop_map(Step::Policy),
    ];
    prop::collection::vec(step, 10..60)
}

/// Signers 2 and 3 are Bob and Carol, 4 is Alice who asks for everything, 5 is a stranger.
const NAMES: [&str; 6] = ["", "", "bob", "carol", "alice", "mallory"];

/// What was signed, and, if it was signed as it should be, which action by whom.
type Envelope = (Vec<u8>, Option<(u8, u8)>);

struct World {
    ledger: Ledger,
    policy: Policy,
    boot: u32,
    clock: i64,
    envelopes: Vec<Envelope>,
    proposed: [Option<(u32, i64)>; 4],
    spent: BTreeSet<u8>,
    seen: u8,
    runs: usize,
}

impl World {
    fn new() -> Self {
        Self {
            ledger: Ledger::default(),
            policy: permissive(),
            boot: 1,
            clock: 1_000,
            envelopes: Vec::new(),
            proposed: [None; 4],
            spent: BTreeSet::new(),
            seen: 0,
            runs: 0,
        }
    }

    fn now(&self) -> Moment {
        Moment {
            boot_id: format!("boot-{}", self.boot),
            since_boot: Duration::from_secs(u64::try_from(self.clock).unwrap()),
        }
    }

    /// Lists 0 to 2 grow older in this order: in 1 Carol is revoked, in 2 Bob too; 3 is of another CA.
    fn list(number: u8) -> Vec<u8> {
        let first = roster().with(name("alice"), signer(4).public()).unwrap();
        let second = first.without(&name("carol")).unwrap();
        let third = second.without(&name("bob")).unwrap();
        match number {
            0 => first.sign(&ca()).unwrap(),
            1 => second.sign(&ca()).unwrap(),
            2 => third.sign(&ca()).unwrap(),
            _ => first.sign(&signer(77)).unwrap(),
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Propose(number) => {
                let done = self.ledger.propose(action(*number), &self.policy, &self.now());
                let slot = &mut self.proposed[usize::from(*number)];
                if done.is_ok() && slot.is_none() {
                    *slot = Some((self.boot, self.clock));
                }
            }
            Step::Sign {
                action: number,
                signer: seed,
                twist,
            } => {
                let whole = action(*number);
                let mut approval = Approval::new(&whole, name(NAMES[usize::from(*seed)])).unwrap();
                match twist {
                    1 => approval.nonce = Hex(vec![99; 32]),
                    2 => approval.namespace = Text::from("blue"),
                    3 => approval.action = Digest::of(b"another"),
                    _ => {}
                }
                let good = (*twist == 0).then_some((*number, *seed));
                self.envelopes
                    .push((approval.sign(&signer(*seed)).unwrap(), good));
            }
            Step::Present {
                envelope,
                action,
                list,
                flip,
            } => self.present(*envelope, *action, *list, *flip),
            Step::Withdraw(number) => {
                if self.ledger.withdraw(action(*number).digest().unwrap()) {
                    self.spent.insert(*number);
                }
            }
            Step::Clock(by) => self.clock = (self.clock + by).max(0),
            Step::Boot => {
                self.boot += 1;
                self.clock = 0;
            }
            Step::Restart => {
                let bytes = crate::artifact::json::to_vec(&self.ledger).unwrap();
                self.ledger = crate::artifact::json::from_slice(&bytes).unwrap();
            }
            Step::Policy(open) => self.policy = if *open { permissive() } else { Policy::default() },
        }
    }

    fn present(&mut self, envelope: usize, number: u8, list: u8, flip: Option<(usize, u8)>) {
        let Some((bytes, signed)) = self.envelopes.get(envelope).cloned() else {
            return;
        };
        let mut bytes = bytes;
        let mut altered = false;
        if let Some((at, bits)) = flip {
            let at = at % bytes.len();
            bytes[at] ^= bits;
            altered = true;
        }
        let roster = Self::list(list);
        let presented = Presented {
            action: action(number).digest().unwrap(),
            approval: &bytes,
            roster: &roster,
        };
        let answer = self
            .ledger
            .authorise(presented, ca().public(), &self.policy, &self.now());
        let believed = list != 3 && list >= self.seen;
        if believed {
            self.seen = list;
        }
        let revoked = |seed: u8| (list >= 1 && seed == 3) || (list >= 2 && seed == 2);
        let in_time = self.proposed[usize::from(number)]
            .is_some_and(|(boot, at)| boot == self.boot && (at..at + 600).contains(&self.clock));
        let consented = signed.is_some_and(|(of, by)| of == number && matches!(by, 2 | 3) && !revoked(by));
        let may = believed && !altered && consented && in_time && self.policy == permissive();
        match answer {
            Ok(authorised) => {
                assert!(may, "ran without a matching approval");
                assert!(!self.spent.contains(&number), "ran twice");
                assert_eq!(authorised.action(), &action(number));
                self.spent.insert(number);
                self.runs += 1;
            }
            // The ledger may refuse what the model lets pass only where it has ended the action before.
            Err(Refusal::Used | Refusal::Void | Refusal::Expired { .. } | Refusal::OtherBoot) => {}
            Err(refusal) => assert!(!may, "{refusal}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_events_runs_an_action_without_a_matching_approval(steps in steps()) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
        }
    }
}

/// The property would hold of a gate that never opens.
#[test]
fn a_sequence_that_ought_to_run_something_does() {
    let mut world = World::new();
    for step in [
        Step::Propose(1),
        Step::Sign {
            action: 1,
            signer: 3,
            twist: 0,
        },
        Step::Restart,
        Step::Clock(500),
        Step::Present {
            envelope: 0,
            action: 1,
            list: 0,
            flip: None,
        },
    ] {
        world.take(&step);
    }
    assert_eq!(world.runs, 1);
}
