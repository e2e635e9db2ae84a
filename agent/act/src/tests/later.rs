//! Between the action and its end.

use std::net::TcpListener;

use netghost_core::gate::{ActionState, Check, Demand, Operation};

use super::*;

#[test]
fn root_what_is_confirmed_stays() {
    let world = World::new();
    let action = world.applied();
    let waits = world.standing(&action);
    assert_eq!(waits.ends_in_ms, Some(60_000));
    assert_eq!(world.confirm(&action).state, ActionState::Confirmed);
    world.later(1_000);
    world.guard_starts();
    assert_eq!(world.value(), "changed");
}

#[test]
fn root_what_nobody_confirms_is_undone_and_can_not_be_confirmed_late() {
    let world = World::new();
    let action = world.applied();
    world.later(60);
    // The guard has not come to it yet.
    assert_eq!(world.confirm(&action).state, ActionState::Applied);
    world.guard_starts();
    assert_eq!(world.value(), "former");
    let stands = world.confirm(&action);
    assert_eq!(stands.state, ActionState::Undone);
}

#[test]
fn root_somebody_elses_change_meanwhile_is_left_and_reported() {
    for confirmed in [true, false] {
        let world = World::new();
        let action = world.applied();
        world.put("value", "theirs");
        if confirmed {
            assert_eq!(world.confirm(&action).state, ActionState::Conflict);
        }
        world.guard_starts();
        assert_eq!(world.value(), "theirs");
        let stands = world.standing(&action);
        assert_eq!(stands.state, ActionState::Conflict);
        assert!(stands.why.unwrap().to_string().contains("somebody else"));
    }
}

#[test]
fn root_a_change_is_kept_only_if_its_checks_pass() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    let mut asked = asked(1);
    asked.checks = vec![Check::TcpConnect { to }];
    let action = action_of(&world.ask(&Demand::Propose(Box::new(asked))));
    stands(&world.ask(&perform(&action)));
    drop(listener);
    let not_yet = world.confirm(&action);
    assert_eq!(not_yet.state, ActionState::Applied);
    assert!(not_yet.why.unwrap().to_string().contains(&to.to_string()));
    let _listener = TcpListener::bind(to).unwrap();
    assert_eq!(world.confirm(&action).state, ActionState::Confirmed);
}

#[test]
fn root_it_is_undone_at_once_when_somebody_asks() {
    let world = World::new();
    let action = world.applied();
    let undo = Demand::Undo {
        action: digest(&action),
    };
    assert_eq!(stands(&world.ask(&undo)).state, ActionState::Undone);
    assert_eq!(world.value(), "former");
    assert_eq!(stands(&world.ask(&undo)).state, ActionState::Undone);
    assert_eq!(world.confirm(&action).state, ActionState::Undone);
}

/// Once it was confirmed its undo is an action of its own, which needs an approval of its own.
#[test]
fn root_what_was_confirmed_is_undone_by_another_action() {
    let world = World::new();
    let action = world.applied();
    let mut undo = asked(2);
    undo.operation = Operation::Undo {
        action: digest(&action),
    };
    let propose = Demand::Propose(Box::new(undo));
    assert_eq!(refused(&world.ask(&propose)), "not_there");
    world.confirm(&action);
    let directly = world.ask(&Demand::Undo {
        action: digest(&action),
    });
    assert_eq!(refused(&directly), "confirmed");
    let undoing = action_of(&world.ask(&propose));
    assert_eq!(undoing.permission, action.permission);
    assert_eq!(stands(&world.ask(&perform(&undoing))).state, ActionState::Applied);
    assert_eq!(world.value(), "former");
    assert_eq!(world.confirm(&undoing).state, ActionState::Confirmed);
    assert_eq!(world.standing(&action).state, ActionState::Undone);
    // Nobody confirmed it: then the first action stands again.
    let world = World::new();
    let action = world.applied();
    world.confirm(&action);
    let mut undo = asked(2);
    undo.operation = Operation::Undo {
        action: digest(&action),
    };
    let undoing = action_of(&world.ask(&Demand::Propose(Box::new(undo))));
    stands(&world.ask(&perform(&undoing)));
    world.later(60);
    world.guard_starts();
    assert_eq!(world.value(), "changed");
    assert_eq!(world.standing(&action).state, ActionState::Confirmed);
}

/// A request that is made twice is one action.
#[test]
fn root_asked_twice_it_is_one_action() {
    let world = World::new();
    assert_eq!(world.proposed(), world.proposed());
}

/// Without a guard nothing is begun, and nothing is spent.
#[test]
fn root_without_a_guard_nothing_is_begun() {
    let world = World::new();
    let action = world.proposed();
    let mut site = world.site();
    site.guard.step = Arc::new(|| Err("there is none".to_owned()));
    assert_eq!(refused(&site.answer(&perform(&action))), "guard");
    assert_eq!(world.value(), "former");
    assert_eq!(stands(&world.ask(&perform(&action))).state, ActionState::Applied);
}

/// However much a program has said, the answer fits a message: what does not arrive is not known.
#[test]
fn root_an_answer_fits_a_message_whatever_was_said() {
    for said in ["x", "\"\\", "\u{1}", "é\n", "\u{1f600}"] {
        let world = World::new();
        let action = world.applied();
        let path = world.paths().record(digest(&action));
        let mut record: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        record["why"] = format!("it failed: {}", said.repeat(20_000)).into();
        record["output"] = (said.repeat(20_000) + "the end").into();
        std::fs::write(&path, serde_json::to_vec(&record).unwrap()).unwrap();
        let answer = world.ask(&Demand::Standing {
            action: digest(&action),
        });
        let length = netghost_core::artifact::json::to_vec(&answer).unwrap().len();
        assert!(
            length <= netghost_core::gate::LONGEST_DEMAND,
            "{said:?}: {length}"
        );
        let stands = stands(&answer);
        assert!(stands.why.unwrap().to_string().starts_with("it failed: "));
        assert!(stands.output.unwrap().to_string().ends_with("the end"));
    }
}
