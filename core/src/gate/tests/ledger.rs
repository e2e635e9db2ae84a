//! One fault at a time.

use super::*;

type Edit = fn(&mut Action);

struct World {
    ledger: Ledger,
    roster: Vec<u8>,
    action: Action,
}

impl World {
    fn new() -> Self {
        let mut ledger = Ledger::default();
        let action = ledger.propose(action(7), &permissive(), &moment(100)).unwrap();
        Self {
            ledger,
            roster: roster().sign(&ca()).unwrap(),
            action,
        }
    }

    fn present(&mut self, approval: &[u8], policy: &Policy, now: &Moment) -> Result<Authorised, Refusal> {
        let presented = Presented {
            action: self.action.digest().unwrap(),
            approval,
            roster: &self.roster,
        };
        self.ledger.authorise(presented, ca().public(), policy, now)
    }

    fn by_bob(&self) -> Vec<u8> {
        approval(&self.action, "bob", &signer(2))
    }
}

#[test]
fn an_approved_action_is_authorised_once() {
    let mut world = World::new();
    let bob = world.by_bob();
    let authorised = world.present(&bob, &permissive(), &moment(699)).unwrap();
    assert_eq!(authorised.action(), &world.action);
    assert_eq!(authorised.approver(), &name("bob"));
    assert!(!authorised.self_approved());
    assert_eq!(
        world.present(&bob, &permissive(), &moment(699)),
        Err(Refusal::Used)
    );
    let carol = approval(&world.action, "carol", &signer(3));
    assert_eq!(
        world.present(&carol, &permissive(), &moment(699)),
        Err(Refusal::Used)
    );
}

#[test]
fn a_spent_approval_stays_spent_on_disk() {
    let mut world = World::new();
    let bob = world.by_bob();
    world.present(&bob, &permissive(), &moment(101)).unwrap();
    let bytes = crate::artifact::json::to_vec(&world.ledger).unwrap();
    world.ledger = crate::artifact::json::from_slice(&bytes).unwrap();
    assert_eq!(
        world.present(&bob, &permissive(), &moment(102)),
        Err(Refusal::Used)
    );
}

#[test]
fn an_approval_altered_by_one_byte_is_none() {
    let world = World::new();
    let whole = world.by_bob();
    for at in 0..whole.len() {
        for bit in [0x01, 0x20, 0x80] {
            let mut altered = whole.clone();
            altered[at] ^= bit;
            let mut ledger = world.ledger.clone();
            let presented = Presented {
                action: world.action.digest().unwrap(),
                approval: &altered,
                roster: &world.roster,
            };
            let answer = ledger.authorise(presented, ca().public(), &permissive(), &moment(101));
            assert!(answer.is_err(), "byte {at} ^ {bit:#x}");
        }
    }
}

#[test]
fn late_is_counted_from_when_the_vm_proposed_it() {
    let mut world = World::new();
    let bob = world.by_bob();
    assert_eq!(
        world.present(&bob, &permissive(), &moment(700)),
        Err(Refusal::Expired { lifetime_s: 600 })
    );
    assert_eq!(
        world.present(&bob, &permissive(), &moment(101)),
        Err(Refusal::Expired { lifetime_s: 600 }),
        "what expired stays so"
    );
}

#[test]
fn a_clock_before_the_proposal_is_no_time_for_it() {
    let mut world = World::new();
    let bob = world.by_bob();
    assert_eq!(
        world.present(&bob, &permissive(), &moment(99)),
        Err(Refusal::Expired { lifetime_s: 600 })
    );
}

#[test]
fn another_boot_voids_it() {
    let mut world = World::new();
    let bob = world.by_bob();
    let other = Moment {
        boot_id: "boot-2".to_owned(),
        ..moment(101)
    };
    assert_eq!(
        world.present(&bob, &permissive(), &other),
        Err(Refusal::OtherBoot)
    );
}

#[test]
fn an_approval_is_for_one_vm_one_namespace_one_requester_and_one_nonce() {
    let edits: [(&str, Edit); 6] = [
        ("agent", |action| {
            action.target.agent = Some(Id::from_random([8; 16]))
        }),
        ("host", |action| action.target.host = Text::from("vm-2")),
        ("namespace", |action| action.namespace = Text::from("blue")),
        ("requester", |action| action.requester = name("mallory")),
        ("nonce", |action| action.nonce = Hex(vec![1; 32])),
        ("lifetime_s", |action| action.lifetime_s = 601),
    ];
    for (field, edit) in edits {
        let mut world = World::new();
        let mut other = world.action.clone();
        edit(&mut other);
        let whole = approval(&other, "bob", &signer(2));
        assert_eq!(
            world.present(&whole, &permissive(), &moment(101)),
            Err(Refusal::Other { field: "action" }),
            "{field}"
        );
        // The digest alone is not enough either: the fields are held to the action one by one.
        let mut mixed = Approval::new(&other, name("bob")).unwrap();
        mixed.action = world.action.digest().unwrap();
        let mixed = mixed.sign(&signer(2)).unwrap();
        assert_eq!(
            world.present(&mixed, &permissive(), &moment(101)),
            Err(Refusal::Other { field })
        );
    }
}

#[test]
fn another_operation_under_the_same_nonce_is_another_action() {
    let mut world = World::new();
    let mut other = world.action.clone();
    other.operation = Operation::QdiscRemove {
        device: Text::from("eth0"),
        at: QdiscPlace::Root,
    };
    let whole = approval(&other, "bob", &signer(2));
    assert_eq!(
        world.present(&whole, &permissive(), &moment(101)),
        Err(Refusal::Other { field: "action" })
    );
}

#[test]
fn who_is_no_approver_consents_to_nothing() {
    let mut world = World::new();
    let stranger = approval(&world.action, "bob", &signer(66));
    assert_eq!(
        world.present(&stranger, &permissive(), &moment(101)),
        Err(Refusal::NoApprover)
    );
    let borrowed = approval(&world.action, "carol", &signer(2));
    assert_eq!(
        world.present(&borrowed, &permissive(), &moment(101)),
        Err(Refusal::Other { field: "approver" })
    );
}

#[test]
fn who_was_revoked_consents_to_nothing_and_the_list_does_not_go_back() {
    let mut world = World::new();
    let before = world.roster.clone();
    world.roster = roster().without(&name("bob")).unwrap().sign(&ca()).unwrap();
    let bob = world.by_bob();
    assert_eq!(
        world.present(&bob, &permissive(), &moment(101)),
        Err(Refusal::Revoked {
            approver: name("bob")
        })
    );
    world.roster = before;
    assert_eq!(
        world.present(&bob, &permissive(), &moment(101)),
        Err(Refusal::OldRoster { came: 3, seen: 4 })
    );
}

#[test]
fn a_list_of_another_ca_is_none() {
    let mut world = World::new();
    let bob = world.by_bob();
    world.roster = roster().sign(&signer(77)).unwrap();
    assert!(matches!(
        world.present(&bob, &permissive(), &moment(101)),
        Err(Refusal::BadRoster { .. })
    ));
    world.roster = Vec::new();
    assert!(matches!(
        world.present(&bob, &permissive(), &moment(101)),
        Err(Refusal::BadRoster { .. })
    ));
}

#[test]
fn two_lists_of_one_version_are_one_too_many() {
    let mut world = World::new();
    let bob = world.by_bob();
    world.ledger.learn(&world.roster, ca().public()).unwrap();
    let other = Roster::new()
        .with(name("bob"), signer(2).public())
        .unwrap()
        .with(name("mallory"), signer(66).public())
        .unwrap();
    world.roster = other.sign(&ca()).unwrap();
    assert!(matches!(
        world.present(&bob, &permissive(), &moment(101)),
        Err(Refusal::BadRoster { .. })
    ));
}

#[test]
fn who_asks_does_not_approve_unless_both_say_so() {
    let alice = signer(4);
    let with_alice = roster()
        .with(name("alice"), alice.public())
        .unwrap()
        .sign(&ca())
        .unwrap();
    let alone = Policy {
        four_eyes: false,
        ..permissive()
    };
    for (action_says, policy, allowed) in [
        (true, permissive(), false),
        (true, alone.clone(), false),
        (false, permissive(), false),
        (false, alone, true),
    ] {
        let mut ledger = Ledger::default();
        let action = Action {
            four_eyes: action_says,
            ..action(7)
        };
        ledger.propose(action.clone(), &policy, &moment(100)).unwrap();
        let whole = approval(&action, "alice", &alice);
        let presented = Presented {
            action: action.digest().unwrap(),
            approval: &whole,
            roster: &with_alice,
        };
        let answer = ledger.authorise(presented, ca().public(), &policy, &moment(101));
        match allowed {
            true => assert!(answer.unwrap().self_approved()),
            false => assert_eq!(
                answer,
                Err(Refusal::SelfApproval {
                    approver: name("alice")
                })
            ),
        }
    }
}

#[test]
fn the_policy_is_asked_before_and_after_the_approval() {
    let denied = |why: &str| Refusal::Denied { why: why.to_owned() };
    let mut world = World::new();
    let bob = world.by_bob();
    assert_eq!(
        world.present(&bob, &Policy::default(), &moment(101)),
        Err(denied("change = \"deny\"")),
        "the owner changed their mind"
    );
    world.present(&bob, &permissive(), &moment(102)).unwrap();
    let mut ledger = Ledger::default();
    assert_eq!(
        ledger.propose(action(7), &Policy::default(), &moment(100)),
        Err(denied("change = \"deny\""))
    );
    let install = Action {
        operation: Operation::PackageInstall {
            package: Package::parse("nmap").unwrap(),
        },
        permission: Permission::Install,
        effect: Effect {
            irreversible: Some(Text::from("scripts")),
            inverse: Vec::new(),
            ..action(7).effect
        },
        window_s: 0,
        ..action(7)
    };
    assert_eq!(
        ledger.propose(install.clone(), &permissive(), &moment(100)),
        Err(denied("packages does not list \"nmap\""))
    );
    let listed = Policy {
        packages: vec![Package::parse("nmap").unwrap()],
        ..permissive()
    };
    ledger.propose(install, &listed, &moment(100)).unwrap();
}

#[test]
fn what_was_never_proposed_here_is_unknown() {
    let mut world = World::new();
    let other = action(8);
    let whole = approval(&other, "bob", &signer(2));
    let presented = Presented {
        action: other.digest().unwrap(),
        approval: &whole,
        roster: &world.roster,
    };
    assert_eq!(
        world
            .ledger
            .authorise(presented, ca().public(), &permissive(), &moment(101)),
        Err(Refusal::Unknown)
    );
}

#[test]
fn what_was_taken_back_is_void() {
    let mut world = World::new();
    let bob = world.by_bob();
    assert!(world.ledger.withdraw(world.action.digest().unwrap()));
    assert!(!world.ledger.withdraw(world.action.digest().unwrap()));
    assert_eq!(
        world.present(&bob, &permissive(), &moment(101)),
        Err(Refusal::Void)
    );
}

#[test]
fn a_flood_of_questions_fills_nothing() {
    let mut ledger = Ledger::default();
    for seed in 0..64 {
        ledger.propose(action(seed), &permissive(), &moment(100)).unwrap();
    }
    assert_eq!(
        ledger.propose(action(64), &permissive(), &moment(100)),
        Err(Refusal::Full)
    );
    let again = ledger.propose(action(63), &permissive(), &moment(101)).unwrap();
    assert_eq!(again, action(63), "the same request is the same action");
    ledger.propose(action(64), &permissive(), &moment(700)).unwrap();
}

#[test]
fn an_action_has_one_spelling() {
    let bytes = action(7).to_bytes().unwrap();
    assert_eq!(Action::from_bytes(&bytes).unwrap(), action(7));
    let mut spaced = bytes.clone();
    spaced.push(b' ');
    assert!(Action::from_bytes(&spaced).is_err());
    let edits: [Edit; 6] = [
        |action| action.schema = "netghost.action/v2".to_owned(),
        |action| action.window_s = 0,
        |action| action.window_s = 901,
        |action| action.lifetime_s = 0,
        |action| action.nonce = Hex(vec![1; 31]),
        |action| action.effect.irreversible = Some(Text::from("x")),
    ];
    for edit in edits {
        let mut other = action(7);
        edit(&mut other);
        assert!(
            Action::from_bytes(&other.to_bytes().unwrap()).is_err(),
            "{other:?}"
        );
    }
}

#[test]
fn names_of_packages_are_no_options_versions_or_paths() {
    for good in ["iperf", "qperf", "libstdc++6", "python3.11", "0ad", "gcc-12"] {
        assert!(Package::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "-y",
        "--yes",
        "iperf-",
        "iperf+",
        "iperf=2",
        "iperf/sid",
        "./x.deb",
        "/tmp/x.deb",
        "a..b",
        "iperf;id",
        "iperf qperf",
        "$(id)",
        "`id`",
        "Iperf",
        "iperf\n",
        "iperf:i386",
        "ïperf",
        "a.",
    ] {
        assert!(Package::parse(bad).is_err(), "{bad:?}");
    }
}
