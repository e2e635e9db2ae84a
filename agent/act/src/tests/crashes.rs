//! `kill -9` at every step, with and without a reboot.

use netghost_core::gate::{ActionState, Answer, Demand};

use super::*;

/// More than a perform has steps.
const MOST: u32 = 200;

impl World {
    fn dies_after(&self, steps: Option<u32>) {
        *self.steps.lock().unwrap() = steps;
    }
}

/// One action, killed after so many steps; true if it got through.
fn killed_after(steps: u32) -> (World, Action, bool) {
    let world = World::new();
    let action = world.proposed();
    world.dies_after(Some(steps));
    let answer = world.ask(&perform(&action));
    world.dies_after(None);
    let through = matches!(&answer, Answer::Stands(stands) if stands.state == ActionState::Applied);
    (world, action, through)
}

/// A process that was killed has written nothing of its own account either: what `answer` said after the last step is lost.
#[test]
fn root_killed_at_any_step_the_former_state_is_there_again() {
    let mut seen = std::collections::BTreeMap::<String, u32>::new();
    for steps in 0..MOST {
        let (world, action, through) = killed_after(steps);
        world.guard_starts();
        assert_eq!(world.value(), "former", "killed after {steps} steps");
        let again = world.ask(&perform(&action));
        let word = match &again {
            Answer::Stands(stands) => stands.state.as_str().to_owned(),
            Answer::Refused { code, .. } => code.clone(),
            Answer::Proposed { .. } => panic!(),
        };
        // Before it was spent it can be done; afterwards it never is.
        if word == "applied" {
            assert_eq!(world.value(), "changed");
            world.guard_starts();
        }
        assert_eq!(world.value(), "former", "killed after {steps} steps, asked again");
        *seen.entry(word).or_default() += 1;
        if through {
            assert!(steps > 10, "{seen:?}");
            let words: Vec<&str> = seen.keys().map(String::as_str).collect();
            assert_eq!(words, ["applied", "failed", "undone", "used"], "{seen:?}");
            return;
        }
    }
    panic!("{MOST} steps are not enough");
}

/// An undo that is killed at any step is done by the next guard.
#[test]
fn root_killed_at_any_step_of_the_undo_it_is_undone_by_the_next() {
    for steps in 0..MOST {
        let world = World::new();
        let action = world.applied();
        world.dies_after(Some(steps));
        let demand = Demand::Undo {
            action: digest(&action),
        };
        let answer = world.ask(&demand);
        world.dies_after(None);
        let through = matches!(answer, Answer::Stands(_));
        world.guard_starts();
        assert_eq!(world.value(), "former", "killed after {steps} steps");
        assert_eq!(world.standing(&action).state, ActionState::Undone);
        if through {
            assert!(steps > 4);
            return;
        }
    }
    panic!("{MOST} steps are not enough");
}

/// After a reboot nothing is touched: what is as before is `undone` or was never done, and everything else is reported.
#[test]
fn root_after_a_reboot_at_any_step_nothing_is_touched() {
    let mut conflicts = 0;
    for steps in 0..MOST {
        let (world, action, through) = killed_after(steps);
        world.put("boot_id", "boot-2\n");
        let left = world.value();
        world.guard_starts();
        assert_eq!(world.value(), left, "killed after {steps} steps");
        let stands = world.ask(&Demand::Standing {
            action: digest(&action),
        });
        match stands {
            Answer::Stands(stands) if left == "former" => assert_eq!(stands.state, ActionState::Undone),
            Answer::Stands(stands) => {
                assert_eq!(stands.state, ActionState::Conflict);
                conflicts += 1;
            }
            Answer::Refused { code, .. } => {
                assert!(["other_boot", "used"].contains(&code.as_str()), "{code}");
                assert_eq!(left, "former");
            }
            Answer::Proposed { .. } => panic!(),
        }
        if through {
            assert!(conflicts > 1);
            return;
        }
    }
    panic!("{MOST} steps are not enough");
}

/// The other order of a reboot: it took the change with it.
#[test]
fn root_what_a_reboot_took_back_is_undone_by_the_reboot() {
    let world = World::new();
    let action = world.applied();
    world.put("boot_id", "boot-2\n");
    world.put("value", "former");
    world.guard_starts();
    let stands = world.standing(&action);
    assert_eq!(stands.state, ActionState::Undone);
    assert_eq!(stands.why.unwrap().to_string(), "by the reboot");
}
