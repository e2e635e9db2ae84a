//! The files that decide: only root may have written them.

use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use netghost_core::gate::{ActionState, Demand, Policy};

use super::*;
use crate::policy::read;

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Each denies everything, and says why.
#[test]
fn root_a_policy_that_cannot_be_trusted_denies_everything() {
    type Spoil = fn(&World, &Path);
    let cases: [(&str, Spoil); 13] = [
        ("there is no", |_, path| std::fs::remove_file(path).unwrap()),
        ("can be written by others", |_, path| mode(path, 0o664)),
        ("can be written by others", |_, path| mode(path, 0o646)),
        ("belongs to user 65534", |_, path| {
            chown(path, Some(65_534), None).unwrap()
        }),
        ("belongs to user 65534", |world, _| {
            chown(&world.directory, Some(65_534), None).unwrap()
        }),
        ("can be written by others", |world, _| {
            mode(&world.directory, 0o775)
        }),
        ("can be written by others", |world, _| {
            mode(&world.directory, 0o1777)
        }),
        ("symbolic link", |world, path| {
            std::fs::rename(path, world.path("real.toml")).unwrap();
            symlink(world.path("real.toml"), path).unwrap();
        }),
        ("no policy", |world, _| {
            world.put("policy.toml", "change = \"allow\"\n")
        }),
        ("no policy", |world, _| {
            world.put("policy.toml", "chnage = \"approve\"\n")
        }),
        ("not UTF-8", |world, _| {
            std::fs::write(world.path("policy.toml"), [0xff, 0xfe]).unwrap()
        }),
        ("longer than", |world, _| {
            world.put(
                "policy.toml",
                &format!("change = \"approve\"\n#{}", "x".repeat(70_000)),
            );
        }),
        ("is no file", |_, path| {
            std::fs::remove_file(path).unwrap();
            std::fs::create_dir(path).unwrap();
        }),
    ];
    for (words, spoil) in cases {
        let world = World::new();
        let action = world.proposed();
        let path = world.path("policy.toml");
        assert_eq!(read(&path).why, None);
        spoil(&world, &path);
        let in_force = read(&path);
        assert_eq!(in_force.policy, Policy::nothing(), "{words}");
        assert!(in_force.why.as_ref().unwrap().contains(words), "{in_force:?}");
        for demand in [perform(&action), Demand::Propose(Box::new(asked(2)))] {
            let answer = world.ask(&demand);
            // A directory that others can write to spoils the CA's file as well.
            assert!(
                ["denied_by_policy", "no_authority"].contains(&refused(&answer)),
                "{answer:?}"
            );
            assert!(refused_because(&answer).contains(words), "{answer:?}");
        }
        assert_eq!(world.value(), "former");
    }
}

#[test]
fn root_a_pipe_in_the_place_of_a_file_is_not_waited_for() {
    let world = World::new();
    let path = world.path("policy.toml");
    std::fs::remove_file(&path).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    assert!(read(&path).why.unwrap().contains("is no file"));
}

#[test]
fn root_without_a_pinned_ca_nothing_is_done() {
    let world = World::new();
    let action = world.proposed();
    let path = world.path("approvers.pem");
    mode(&path, 0o622);
    assert_eq!(refused(&world.ask(&perform(&action))), "no_authority");
    mode(&path, 0o644);
    world.put(
        "approvers.pem",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    );
    assert_eq!(refused(&world.ask(&perform(&action))), "no_authority");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(refused(&world.ask(&perform(&action))), "no_authority");
    assert_eq!(world.value(), "former");
}

/// What is not asked for by the policy is not even looked at.
#[test]
fn root_the_default_policy_denies_changes() {
    let world = World::new();
    world.put("policy.toml", "");
    let answer = world.ask(&Demand::Propose(Box::new(asked(1))));
    assert_eq!(refused(&answer), "denied_by_policy");
    assert!(
        refused_because(&answer).contains("change = \"deny\""),
        "{answer:?}"
    );
}

/// The packaged one is the default, spelt out.
#[test]
fn the_packaged_policy_is_the_default() {
    let text = include_str!("../../../../packaging/policy.toml");
    let shown: String = text
        .lines()
        .map(|line| {
            line.strip_prefix('#')
                .filter(|rest| rest.contains(" = "))
                .unwrap_or(line)
        })
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(toml::from_str::<Policy>(text).unwrap(), Policy::default());
    assert_eq!(toml::from_str::<Policy>(&shown).unwrap(), Policy::default());
}

/// A damaged ledger is not taken for an empty one: who was revoked would be forgotten.
#[test]
fn root_a_damaged_ledger_stops_everything() {
    let world = World::new();
    let action = world.proposed();
    std::fs::write(world.paths().ledger(), b"{}").unwrap();
    assert_eq!(refused(&world.ask(&perform(&action))), "disk");
    assert_eq!(refused(&world.ask(&Demand::Propose(Box::new(asked(2))))), "disk");
    assert_eq!(world.value(), "former");
}

/// The disk is full before the undo record: nothing is done. The approval may be spent by then.
#[test]
fn root_on_a_full_disk_nothing_is_done() {
    for (full, then) in [
        ("ledger.json", ActionState::Applied),
        ("records", ActionState::Failed),
    ] {
        let world = World::new();
        let action = world.proposed();
        let mut site = world.site();
        site.disk = Disk::with_fault(move |_, path| match path.display().to_string().contains(full) {
            true => Err(std::io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        });
        let answer = site.answer(&perform(&action));
        assert_eq!(refused(&answer), "disk", "{answer:?}");
        assert_eq!(world.value(), "former");
        world.guard_starts();
        let again = world.ask(&perform(&action));
        match then {
            // Nothing was spent.
            ActionState::Applied => assert_eq!(stands(&again).state, then),
            _ => assert_eq!(refused(&again), "used"),
        }
    }
}

/// The disk is full when it is done: what can't be noted down does not stand.
#[test]
fn root_a_change_that_cannot_be_noted_down_does_not_stand() {
    let world = World::new();
    let action = world.proposed();
    let value = world.path("value");
    let mut site = world.site();
    site.disk = Disk::with_fault(
        move |_, _| match std::fs::read_to_string(&value).unwrap().as_str() {
            "changed" => Err(std::io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        },
    );
    let answer = site.answer(&perform(&action));
    assert_eq!(refused(&answer), "disk", "{answer:?}");
    assert!(refused_because(&answer).contains("undone"), "{answer:?}");
    assert_eq!(world.value(), "former");
    assert_eq!(world.standing(&action).state, ActionState::Undone);
}

/// What lies in the state directory is done by root without a further word: others must not be able to put anything there.
#[test]
fn root_a_state_directory_that_others_can_write_to_is_not_believed() {
    type Spoil = fn(&Path);
    let cases: [(&str, &str, Spoil); 4] = [
        ("state", "can be written by others", |path| mode(path, 0o770)),
        ("state", "can be written by others", |path| mode(path, 0o1777)),
        ("state/records", "can be written by others", |path| {
            mode(path, 0o702)
        }),
        ("state/records", "belongs to user 65534", |path| {
            chown(path, Some(65_534), None).unwrap()
        }),
    ];
    for (directory, words, spoil) in cases {
        let world = World::new();
        let (action, done) = (
            action_of(&world.ask(&Demand::Propose(Box::new(asked(2))))),
            world.applied(),
        );
        spoil(&world.path(directory));
        for demand in [
            perform(&action),
            Demand::Propose(Box::new(asked(3))),
            Demand::Confirm {
                action: digest(&done),
            },
            Demand::Undo {
                action: digest(&done),
            },
        ] {
            let answer = world.ask(&demand);
            assert_eq!(refused(&answer), "disk", "{directory}: {answer:?}");
            assert!(refused_because(&answer).contains(words), "{answer:?}");
        }
        // The guard neither undoes nor ends anything because of what it finds there.
        let error = crate::guard::finish(world.site()).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(world.value(), "changed");
    }
}

/// What was done last is kept, whatever the wall clock said of it.
#[test]
fn root_a_clock_set_back_makes_no_record_old() {
    let world = World::new();
    let mut done = Vec::new();
    for _ in 0..140 {
        world.put("value", "former");
        let action = world.applied();
        world.confirm(&action);
        let file = std::fs::File::options()
            .write(true)
            .open(world.paths().record(digest(&action)))
            .unwrap();
        // Each a day before the one before it.
        let days = u64::try_from(done.len()).unwrap();
        let written = file.metadata().unwrap().modified().unwrap() - Duration::from_secs(86_400 * days);
        file.set_modified(written).unwrap();
        done.push(action);
        world.later(1);
    }
    let kept = |action: &Action| world.paths().record(digest(action)).exists();
    assert!(done.iter().rev().take(120).all(kept), "the newest are there");
    assert!(!done.iter().take(5).any(kept), "and the oldest are not");
}
