//! Approvals that are none, and states that moved. In each case nothing is changed.

use netghost_core::gate::{ActionState, Answer, Approval, Demand};

use super::*;

/// Nothing was changed, and for this reason.
fn is_refused(world: &World, demand: &Demand, code: &str) {
    let answer = world.ask(demand);
    assert_eq!(refused(&answer), code, "{answer:?}");
    assert_eq!(world.value(), "former");
}

#[test]
fn root_one_approval_is_good_for_one_action_once() {
    let world = World::new();
    let action = world.applied();
    assert_eq!(world.value(), "changed");
    assert_eq!(world.confirm(&action).state, ActionState::Confirmed);
    // Replayed: it says where it stands, and does not do it once more.
    world.put("value", "former");
    assert_eq!(
        stands(&world.ask(&perform(&action))).state,
        ActionState::Confirmed
    );
    assert_eq!(world.value(), "former");
    // Also where the record was lost.
    std::fs::remove_file(world.paths().record(digest(&action))).unwrap();
    is_refused(&world, &perform(&action), "used");
    // The same request is another action, with another nonce.
    let next = world.proposed();
    assert_ne!(next.nonce, action.nonce);
    let Demand::Perform { approval, roster, .. } = perform(&action) else {
        panic!()
    };
    let old_for_new = Demand::Perform {
        action: digest(&next),
        approval,
        roster,
    };
    is_refused(&world, &old_for_new, "other_action");
}

#[test]
fn root_an_approval_altered_by_one_byte_is_none() {
    let world = World::new();
    let action = world.proposed();
    let Demand::Perform {
        action: of,
        approval,
        roster,
    } = perform(&action)
    else {
        panic!()
    };
    let bytes = approval.as_bytes();
    for place in 0..bytes.len() {
        let mut altered = bytes.to_vec();
        altered[place] ^= 1;
        let demand = Demand::Perform {
            action: of,
            approval: text(altered),
            roster: roster.clone(),
        };
        let answer = world.ask(&demand);
        assert!(
            matches!(answer, Answer::Refused { .. }),
            "byte {place}: {answer:?}"
        );
    }
    assert_eq!(world.value(), "former");
    assert_eq!(stands(&world.ask(&perform(&action))).state, ActionState::Applied);
}

#[test]
fn root_a_late_approval_is_void() {
    let world = World::new();
    let action = world.proposed();
    world.later(600);
    is_refused(&world, &perform(&action), "expired");
}

/// A wall clock that is set back a day, or ahead, changes nothing: no program text of this crate asks one.
#[test]
fn no_wall_clock_is_asked() {
    let mut files = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut read = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(
                std::fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for word in [
            concat!("System", "Time"),
            concat!("UNIX_", "EPOCH"),
            concat!("Clock", "Id::Real"),
        ] {
            assert!(
                !text.contains(word),
                "{} asks a wall clock: {word}",
                path.display()
            );
        }
        read += 1;
    }
    assert!(read > 25, "{read}");
}

#[test]
fn root_an_approval_for_another_vm_or_namespace_is_none_here() {
    let (here, there) = (World::new(), World::new());
    let (action, other) = (here.proposed(), there.proposed());
    is_refused(&here, &perform(&other), "unknown_action");
    for demand in [perform(&other), {
        let mut elsewhere = action.clone();
        elsewhere.namespace = Text::from("blue");
        perform(&elsewhere)
    }] {
        let Demand::Perform { approval, roster, .. } = demand else {
            panic!()
        };
        let demand = Demand::Perform {
            action: digest(&action),
            approval,
            roster,
        };
        is_refused(&here, &demand, "other_action");
    }
}

#[test]
fn root_only_an_approver_approves_and_nobody_what_they_ask_for() {
    let world = World::new();
    let action = world.proposed();
    // A viewer has a key, but is not on the list.
    is_refused(
        &world,
        &perform_by(&action, "victor", &signer(7), &roster()),
        "no_approver",
    );
    // Alice asks for it.
    let with_alice = roster().with(name("alice"), signer(4).public()).unwrap();
    is_refused(
        &world,
        &perform_by(&action, "alice", &signer(4), &with_alice),
        "self_approval",
    );
    // Under another's name.
    is_refused(
        &world,
        &perform_by(&action, "carol", &signer(2), &with_alice),
        "other_action",
    );
    // Bob was revoked; the list of before counts no more, also after everything was started anew.
    let without = with_alice.without(&name("bob")).unwrap();
    is_refused(
        &world,
        &perform_by(&action, "bob", &signer(2), &without),
        "revoked",
    );
    is_refused(
        &world,
        &perform_by(&action, "bob", &signer(2), &roster()),
        "old_approvers",
    );
    // A list that somebody else signed.
    let Demand::Perform {
        action: of, approval, ..
    } = perform(&action)
    else {
        panic!()
    };
    let demand = Demand::Perform {
        action: of,
        approval,
        roster: text(without.sign(&signer(66)).unwrap()),
    };
    is_refused(&world, &demand, "bad_approvers");
    let stood = stands(&world.ask(&perform_by(&action, "carol", &signer(3), &without)));
    assert_eq!(stood.state, ActionState::Applied);
}

#[test]
fn root_four_eyes_are_the_owners_to_switch_off() {
    let world = World::new();
    world.put("policy.toml", "change = \"approve\"\nfour_eyes = false\n");
    let action = world.proposed();
    let with_alice = roster().with(name("alice"), signer(4).public()).unwrap();
    let demand = perform_by(&action, "alice", &signer(4), &with_alice);
    // Switched on again before it was done.
    world.put("policy.toml", "change = \"approve\"\n");
    is_refused(&world, &demand, "self_approval");
    world.put("policy.toml", "change = \"approve\"\nfour_eyes = false\n");
    let stood = stands(&world.ask(&demand));
    assert!(
        stood.self_approved && stood.state == ActionState::Applied,
        "{stood:?}"
    );
}

#[test]
fn root_a_state_that_moved_makes_the_approval_void() {
    let world = World::new();
    let action = world.proposed();
    world.put("value", "moved");
    let answer = world.ask(&perform(&action));
    assert_eq!(refused(&answer), "moved", "{answer:?}");
    assert_eq!(world.value(), "moved");
    // Also when it is back as it was.
    world.put("value", "former");
    is_refused(&world, &perform(&action), "void");
}

#[test]
fn root_a_new_ca_forgets_the_list_of_the_old_one() {
    let world = World::new();
    let action = world.proposed();
    let revoked = roster().without(&name("bob")).unwrap();
    is_refused(
        &world,
        &perform_by(&action, "bob", &signer(2), &revoked),
        "revoked",
    );
    world.put("approvers.pem", &signer(55).public().to_pem().unwrap());
    is_refused(&world, &perform(&action), "bad_approvers");
    let approval = Approval::new(&action, name("bob"))
        .unwrap()
        .sign(&signer(2))
        .unwrap();
    let demand = Demand::Perform {
        action: digest(&action),
        approval: text(approval),
        // Its first version, which under the old CA would be too old.
        roster: text(roster().sign(&signer(55)).unwrap()),
    };
    assert_eq!(stands(&world.ask(&demand)).state, ActionState::Applied);
}

#[test]
fn root_what_nobody_wants_any_more_is_void() {
    let world = World::new();
    let action = world.proposed();
    assert_eq!(world.standing(&action).state, ActionState::Waiting);
    let demand = Demand::Withdraw {
        action: digest(&action),
    };
    assert_eq!(stands(&world.ask(&demand)).state, ActionState::Closed);
    is_refused(&world, &perform(&action), "void");
}

/// Nobody ever answers: nothing happens, and room is made by time alone.
#[test]
fn root_proposals_fill_nothing_up() {
    let world = World::new();
    for seed in 0..64 {
        action_of(&world.ask(&Demand::Propose(Box::new(asked(seed)))));
    }
    is_refused(&world, &Demand::Propose(Box::new(asked(64))), "too_many");
    world.later(601);
    action_of(&world.ask(&Demand::Propose(Box::new(asked(64)))));
}

#[test]
fn root_while_another_action_goes_on_nothing_is_begun() {
    let world = World::new();
    let action = world.proposed();
    let site = world.site();
    let lock = crate::lock::take(&world.paths().lock(), Duration::ZERO).unwrap();
    let short = crate::lock::take(&world.paths().lock(), Duration::from_millis(50));
    assert_eq!(short.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    // Where it stands is said all the same.
    assert_eq!(
        stands(&site.answer(&Demand::Standing {
            action: digest(&action)
        }))
        .state,
        ActionState::Waiting
    );
    drop(lock);
    assert_eq!(
        stands(&site.answer(&perform(&action))).state,
        ActionState::Applied
    );
}

/// A list that came with an action is learnt also where nothing comes of that action: it may be what takes somebody's word back.
#[test]
fn root_a_newer_list_is_learnt_whatever_becomes_of_the_action() {
    type Spoil = fn(&World);
    let cases: [(&str, &str, Spoil); 2] = [
        ("the state moved", "moved", |world| world.put("value", "other")),
        ("no guard", "guard", |_| {}),
    ];
    for (case, word, spoil) in cases {
        let world = World::new();
        let (first, second) = (
            world.proposed(),
            action_of(&world.ask(&Demand::Propose(Box::new(asked(2))))),
        );
        let without_bob = roster().without(&name("bob")).unwrap();
        spoil(&world);
        let mut site = world.site();
        if word == "guard" {
            site.guard = ToyGuard {
                step: Arc::new(|| Err("nobody is there".to_owned())),
            };
        }
        let by_carol = perform_by(&first, "carol", &signer(3), &without_bob);
        assert_eq!(refused(&site.answer(&by_carol)), word, "{case}");
        world.put("value", "former");
        // Bob's word, under the list of when it counted.
        is_refused(&world, &perform(&second), "old_approvers");
        assert_eq!(world.value(), "former", "{case}");
    }
}
