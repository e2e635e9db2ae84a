//! The spool on a disk that fails, or on which the process ends, at each step.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::disk::Step;
use crate::testing::Scratch;

const BOOT: &str = "boot-1";
const LIMIT: u64 = 1 << 20;
const DEADLINE: Duration = Duration::from_secs(100);

fn id(number: u8) -> Id {
    Id::from_random([number; 16])
}

fn order() -> Order {
    Order::Capture(crate::order::Capture::try_from(&netghost_proto::v1::Capture::default()).unwrap())
}

fn stored(text: &str) -> Stored {
    let object = |text: String| (Digest::of(text.as_bytes()), text.into_bytes());
    Stored {
        manifest_bytes: format!("manifest {text}").into_bytes(),
        objects: vec![object("shared".to_owned()), object(format!("object {text}"))],
    }
}

fn open(scratch: &Scratch, disk: Disk) -> Result<(Spool, Vec<(Id, Kept)>), Error> {
    Spool::open(&scratch.0, LIMIT, disk, BOOT)
}

fn whole(scratch: &Scratch) -> (Spool, Vec<(Id, Kept)>) {
    open(scratch, Disk::default()).unwrap()
}

fn failed(code: &str) -> Outcome {
    Outcome::Failed(Failed::new(code, ""))
}

/// Every object in the spool is what its name says, and every captured command has all of its.
fn consistent(spool: &Spool) {
    for (path, name) in list(&spool.root.join("objects")).unwrap() {
        assert_eq!(Digest::of(&fs::read(&path).unwrap()).to_string(), name);
    }
    for id in spool.ids().unwrap() {
        if let State::Captured { manifest, objects } = spool.read(id).unwrap().unwrap().state {
            for digest in objects.iter().chain([&manifest]) {
                assert!(spool.object(*digest).exists(), "{id} lacks {digest}");
            }
        }
    }
}

#[test]
fn a_command_goes_on_and_never_back() {
    let scratch = Scratch::new();
    let (spool, kept) = whole(&scratch);
    assert!(kept.is_empty());
    spool.accept(id(1), BOOT, DEADLINE, order()).unwrap();
    let manifest = spool.keep(id(1), &stored("a")).unwrap();
    assert_eq!(
        spool.keep(id(1), &stored("b")).unwrap(),
        manifest,
        "the first stands"
    );
    assert_eq!(spool.parcel(id(1)).unwrap().objects.len(), 2);
    let captured = Outcome::Captured { manifest };
    assert_eq!(spool.finish(id(1), captured.clone()).unwrap(), captured);
    assert_eq!(
        spool.finish(id(1), failed("expired")).unwrap(),
        captured,
        "the first stands"
    );
    assert!(matches!(spool.keep(id(1), &stored("a")), Err(Error::Gone { .. })));
    assert_eq!(spool.used().unwrap(), 0, "what is uploaded takes no room");
    drop(spool);
    let (spool, kept) = whole(&scratch);
    assert_eq!(kept, [(id(1), Kept::Finished(captured))]);
    spool.forget(&[id(1), id(2)]).unwrap();
    drop(spool);
    assert!(whole(&scratch).1.is_empty());
}

#[test]
fn equal_objects_stay_while_one_needs_them() {
    let scratch = Scratch::new();
    let (spool, _) = whole(&scratch);
    for (number, text) in [(1, "a"), (2, "b")] {
        spool.accept(id(number), BOOT, DEADLINE, order()).unwrap();
        spool.keep(id(number), &stored(text)).unwrap();
    }
    spool.forget(&[id(1)]).unwrap();
    consistent(&spool);
    assert_eq!(spool.parcel(id(2)).unwrap().objects.len(), 2);
}

#[test]
fn one_process_at_a_time() {
    let scratch = Scratch::new();
    let (spool, _) = whole(&scratch);
    assert!(matches!(
        open(&scratch, Disk::default()),
        Err(Error::Locked { .. })
    ));
    drop(spool);
    whole(&scratch);
}

#[test]
fn the_limit_is_kept_and_said() {
    let scratch = Scratch::new();
    let (spool, _) = Spool::open(&scratch.0, 60, Disk::default(), BOOT).unwrap();
    for number in [1, 2] {
        spool.accept(id(number), BOOT, DEADLINE, order()).unwrap();
    }
    spool.keep(id(1), &stored("a")).unwrap();
    let used = spool.used().unwrap();
    let error = spool.keep(id(2), &stored(&"b".repeat(30))).unwrap_err();
    assert!(error.to_string().contains(&format!("{used} of 60")), "{error}");
    assert_eq!(Failed::from(error).code, "spool_full");
    assert_eq!(spool.used().unwrap(), used, "nothing of it was left");
    spool.finish(id(1), failed("expired")).unwrap();
    spool.keep(id(2), &stored("b")).unwrap();
}

#[test]
fn another_boots_deadlines_mean_nothing() {
    let scratch = Scratch::new();
    let (spool, _) = whole(&scratch);
    for number in [1, 2, 3] {
        spool.accept(id(number), BOOT, DEADLINE, order()).unwrap();
    }
    spool.keep(id(2), &stored("a")).unwrap();
    spool.finish(id(3), failed("expired")).unwrap();
    drop(spool);
    let (spool, kept) = Spool::open(&scratch.0, LIMIT, Disk::default(), "boot-2").unwrap();
    assert_eq!(kept, [(id(3), Kept::Finished(failed("expired")))]);
    consistent(&spool);
}

#[test]
fn a_snapshot_of_another_boot_is_dropped() {
    let scratch = Scratch::new();
    let (spool, _) = whole(&scratch);
    spool.accept(id(1), BOOT, DEADLINE, order()).unwrap();
    spool.keep(id(1), &stored("a")).unwrap();
    drop(spool);
    let (spool, kept) = Spool::open(&scratch.0, LIMIT, Disk::default(), "boot-2").unwrap();
    assert!(kept.is_empty(), "{kept:?}");
    assert_eq!(spool.used().unwrap(), 0);
    spool.accept(id(1), "boot-2", DEADLINE, order()).unwrap();
    let manifest = spool.keep(id(1), &stored("b")).unwrap();
    assert_eq!(manifest, stored("b").artifact_digest(), "asked again, read again");
    consistent(&spool);
}

#[test]
fn a_damaged_command_is_a_failed_one() {
    for damage in [&b""[..], b"{", b"{}", b"\xff"] {
        let scratch = Scratch::new();
        let (spool, _) = whole(&scratch);
        spool.accept(id(1), BOOT, DEADLINE, order()).unwrap();
        spool.keep(id(1), &stored("a")).unwrap();
        fs::write(spool.command(id(1)), damage).unwrap();
        drop(spool);
        let (spool, kept) = whole(&scratch);
        assert!(
            matches!(&kept[..], [(_, Kept::Finished(Outcome::Failed(failed)))] if failed.code == "internal"),
            "{kept:?}"
        );
        assert_eq!(spool.used().unwrap(), 0);
    }
}

/// Takes a snapshot in, unless an earlier life had come further.
fn keep(spool: &Spool, number: u8, text: &str) -> Result<(), Error> {
    match spool.keep(id(number), &stored(text)) {
        Ok(_) | Err(Error::Gone { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// A life of two commands, up to the first error.
fn life(spool: &Spool) -> Result<(), Error> {
    spool.accept(id(1), BOOT, DEADLINE, order())?;
    keep(spool, 1, "a")?;
    spool.accept(id(2), BOOT, DEADLINE, order())?;
    keep(spool, 2, "b")?;
    let manifest = stored("a").artifact_digest();
    spool.finish(id(1), Outcome::Captured { manifest })?;
    spool.finish(id(2), failed("expired"))?;
    spool.forget(&[id(1)])?;
    spool.forget(&[id(2)])
}

/// The number of steps that a whole life takes.
fn steps() -> u32 {
    let scratch = Scratch::new();
    let count = Arc::new(AtomicU32::new(0));
    let counter = count.clone();
    let disk = Disk::with_fault(move |_, _| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(())
    });
    life(&open(&scratch, disk).unwrap().0).unwrap();
    count.load(Ordering::Relaxed)
}

#[test]
fn an_end_at_any_step_leaves_what_can_be_gone_on_with() {
    let all = steps();
    assert!(all > 40, "{all}");
    for end in 0..all {
        let scratch = Scratch::new();
        let count = AtomicU32::new(0);
        // From the step on nothing is done any more, as if the process had ended; every other time with a file half written.
        let disk = Disk::with_fault(move |step, path| {
            let at = count.fetch_add(1, Ordering::Relaxed);
            if at < end {
                return Ok(());
            }
            if at == end && step == Step::Write && end % 2 == 0 {
                fs::write(path, b"half")?;
            }
            Err(io::Error::other("ended"))
        });
        if let Ok((spool, _)) = open(&scratch, disk) {
            life(&spool).unwrap_err();
        }
        let (spool, kept) = whole(&scratch);
        consistent(&spool);
        for part in ["objects", "commands"] {
            let files = list(&spool.root.join(part)).unwrap();
            assert!(
                files.iter().all(|(_, name)| !name.starts_with(TEMPORARY)),
                "after step {end}"
            );
        }
        assert!(kept.len() <= 2);
        // The life can be lived again from here to its end.
        life(&spool).unwrap_or_else(|error| panic!("after step {end}: {error}"));
        assert_eq!(spool.used().unwrap(), 0);
        assert!(spool.ids().unwrap().is_empty());
    }
}

#[test]
fn a_full_disk_at_any_step_is_said_and_leaves_nothing() {
    for full_at in 0..steps() {
        let scratch = Scratch::new();
        let count = AtomicU32::new(0);
        let disk = Disk::with_fault(move |step, _| {
            let at = count.fetch_add(1, Ordering::Relaxed);
            if at == full_at && matches!(step, Step::Create | Step::Write | Step::SyncFile) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            Ok(())
        });
        let (spool, _) = open(&scratch, disk).unwrap();
        if let Err(error) = life(&spool) {
            assert_eq!(Failed::from(error).code, "disk_full");
            consistent(&spool);
            for (path, name) in list(&spool.root.join("objects")).unwrap() {
                assert!(!name.starts_with(TEMPORARY), "{path:?} after {full_at}");
            }
            life(&spool).unwrap();
        }
    }
}
