//! The gate of one VM with a toy in the place of its kernel: every order of events, and every point at which it may all end.

mod crashes;
mod faults;
mod files;
mod later;
mod toy;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use netghost_core::artifact::json::Digest;
use netghost_core::artifact::key::Signer;
use netghost_core::artifact::name::Name;
use netghost_core::bytes::Text;
use netghost_core::fleet::Id;
use netghost_core::gate::{
    Action, ActionState, Answer, Approval, Asked, Check, Demand, Operation, QdiscPlace, Roster, Stands,
};

use crate::clock::Clock;
use crate::disk::Disk;
use crate::paths::Paths;
use crate::site::Site;
use toy::{Toy, ToyGuard};

type ToySite = Site<Toy, ToyGuard>;

/// A VM of its own: a directory, a clock that is set by hand, and a count of steps after which everything ends.
struct World {
    directory: PathBuf,
    /// Microseconds since boot.
    now: Arc<AtomicU64>,
    /// How many steps are left; every later one fails, as for a process that was killed.
    steps: Arc<Mutex<Option<u32>>>,
}

impl Drop for World {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

fn signer(seed: u8) -> Signer {
    Signer::from_seed(&[seed; 32]).unwrap()
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn ca() -> Signer {
    signer(1)
}

/// Bob and Carol approve.
fn roster() -> Roster {
    let one = Roster::new().with(name("bob"), signer(2).public()).unwrap();
    one.with(name("carol"), signer(3).public()).unwrap()
}

fn text(bytes: Vec<u8>) -> Text {
    Text::from(bytes)
}

impl World {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("ng-act-{}-{number}", std::process::id()));
        drop(std::fs::remove_dir_all(&directory));
        std::fs::create_dir_all(&directory).unwrap();
        let world = Self {
            directory,
            now: Arc::new(AtomicU64::new(1_000_000_000)),
            steps: Arc::new(Mutex::new(None)),
        };
        world.put("boot_id", "boot-1\n");
        world.put("policy.toml", "change = \"approve\"\n");
        world.put("approvers.pem", &ca().public().to_pem().unwrap());
        world.put("value", "former");
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn put(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).unwrap();
    }

    fn value(&self) -> String {
        std::fs::read_to_string(self.path("value")).unwrap()
    }

    fn paths(&self) -> Paths {
        Paths {
            state: self.path("state"),
            policy: self.path("policy.toml"),
            approvers: self.path("approvers.pem"),
            guard: self.path("guard.sock"),
        }
    }

    fn site(&self) -> ToySite {
        let steps = Arc::clone(&self.steps);
        let step = Arc::new(move || toy::step(&steps));
        let now = Arc::clone(&self.now);
        let on_disk = Arc::clone(&step);
        Site {
            paths: self.paths(),
            disk: Disk::with_fault(move |_, _| on_disk().map_err(std::io::Error::other)),
            clock: Clock::new(&self.path("boot_id"), move || {
                Duration::from_micros(now.load(Ordering::SeqCst))
            }),
            work: Toy {
                value: self.path("value"),
                step: step.clone(),
            },
            guard: ToyGuard { step },
        }
    }

    fn later(&self, seconds: u64) {
        self.now.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    /// What a guard does that is started now.
    fn guard_starts(&self) {
        assert!(
            crate::guard::finish(self.site()).unwrap(),
            "nothing is left to be undone"
        );
    }

    fn ask(&self, demand: &Demand) -> Answer {
        self.site().answer(demand)
    }

    fn proposed(&self) -> Action {
        action_of(&self.ask(&Demand::Propose(Box::new(asked(1)))))
    }

    fn applied(&self) -> Action {
        let action = self.proposed();
        assert_eq!(stands(&self.ask(&perform(&action))).state, ActionState::Applied);
        action
    }

    fn standing(&self, action: &Action) -> Stands {
        stands(&self.ask(&Demand::Standing {
            action: digest(action),
        }))
    }

    fn confirm(&self, action: &Action) -> Stands {
        stands(&self.ask(&Demand::Confirm {
            action: digest(action),
        }))
    }
}

fn digest(action: &Action) -> Digest {
    action.digest().unwrap()
}

fn asked(seed: u8) -> Asked {
    Asked {
        id: Id::from_random([seed; 16]),
        agent: Some(Id::from_random([9; 16])),
        namespace: Text::from("init"),
        requester: name("alice"),
        reason: Text::from("it is slow"),
        ticket: None,
        operation: Operation::QdiscRemove {
            device: Text::from("toy"),
            at: QdiscPlace::Root,
        },
        checks: Vec::<Check>::new(),
        window_s: 60,
        lifetime_s: 600,
    }
}

fn perform(action: &Action) -> Demand {
    perform_by(action, "bob", &signer(2), &roster())
}

fn perform_by(action: &Action, by: &str, key: &Signer, roster: &Roster) -> Demand {
    Demand::Perform {
        action: digest(action),
        approval: text(Approval::new(action, name(by)).unwrap().sign(key).unwrap()),
        roster: text(roster.sign(&ca()).unwrap()),
    }
}

fn action_of(answer: &Answer) -> Action {
    match answer {
        Answer::Proposed { document } => Action::from_bytes(document.as_bytes()).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn stands(answer: &Answer) -> Stands {
    match answer {
        Answer::Stands(stands) => stands.clone(),
        other => panic!("{other:?}"),
    }
}

fn refused(answer: &Answer) -> &str {
    match answer {
        Answer::Refused { code, .. } => code,
        other => panic!("{other:?}"),
    }
}

fn refused_because(answer: &Answer) -> String {
    match answer {
        Answer::Refused { message, .. } => message.to_string(),
        other => panic!("{other:?}"),
    }
}
