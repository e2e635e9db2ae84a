use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use netghost_core::artifact::certificate::Predicate;
use netghost_core::netfilter::model::{Family, Plane, Ruleset, RulesetRuntime, Table, TableRuntime};
use netghost_core::raw::{Raw, TextRaw};
use netghost_core::section::{Content, DECODER, Reader, Section, SectionName, State};
use netghost_core::snapshot::{Snapshot, Target};

use super::atomic::Made;
use super::*;

mod full_disk;
mod keys;

/// A directory of its own for each test, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("netghost-store-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn store(&self) -> Store {
        Store::open(self.0.join("state/netghost"))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn meta() -> SaveMeta {
    SaveMeta {
        now_us: 5,
        asked_by: Some("ada".into()),
        tool: "netghost 0.1.0".into(),
        ..SaveMeta::default()
    }
}

fn snapshot(comment: &str) -> Snapshot {
    let table = Table {
        family: Family::Inet,
        name: "t".into(),
        flags: vec![],
        comment: Some(comment.into()),
        chains: vec![],
        sets: vec![],
        objects: vec![],
        opaque: vec![],
    };
    let content = Content::Netfilter {
        config: Ruleset {
            plane: Plane::Nft,
            tables: vec![table],
            hook_order: vec![],
        },
        runtime: RulesetRuntime {
            tables: vec![TableRuntime::default()],
        },
    };
    let section = Section {
        name: SectionName::Nftables,
        state: State::Captured,
        reader: Reader::Kernel,
        decoder: DECODER,
        taken_at_us: 1,
        generation: Some(3),
        content: Some(content),
        raw: Some(Raw::Text(TextRaw { text: "raw".into() })),
        gaps: vec![],
        warnings: vec![],
    };
    Snapshot {
        namespaces: None,
        target: Target::File { name: "f".into() },
        tool: "netghost 0.1.0".into(),
        taken_at_us: 2,
        coverage: netghost_core::section::coverage::coverage(std::slice::from_ref(&section)),
        sections: vec![section],
    }
}

/// Every file below `path`, sorted.
fn files(path: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(path).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path))
        } else {
            all.push(path)
        }
    }
    all.sort();
    all
}

fn contents(store: &Store) -> Vec<(PathBuf, Vec<u8>)> {
    files(store.root())
        .into_iter()
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

#[test]
fn what_is_saved_comes_back_with_its_seal() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let saved = store.save(&name("before"), &snapshot("a"), &meta()).unwrap();
    assert_eq!(store.load(&name("before")).unwrap(), snapshot("a"));
    let sealed = store.sealed(&name("before")).unwrap();
    assert_eq!(
        saved.digest,
        netghost_core::artifact::json::Digest::of(&sealed.manifest_bytes)
    );
    assert_eq!(sealed.seal.keyid, store.signer(9).unwrap().public().id());
    let Predicate::Seal(seal) = &sealed.seal.statement.predicate else {
        panic!()
    };
    assert_eq!(
        (seal.sealed_at_us.0, seal.asked_by.clone()),
        (5, Some("ada".into()))
    );
    assert!(matches!(store.load(&name("other")), Err(Error::NotFound { .. })));
}

/// The oracle is `sha256sum`.
#[test]
fn the_sums_are_right() {
    let scratch = Scratch::new();
    let saved = scratch
        .store()
        .save(&name("before"), &snapshot("a"), &meta())
        .unwrap();
    let sha256sum = |directory: &Path| {
        let mut command = Command::new("sha256sum");
        command
            .args(["-c", "--strict", "SHA256SUMS"])
            .current_dir(directory);
        command.output().expect("sha256sum of coreutils").status.success()
    };
    assert!(sha256sum(&saved.path));
    let object = files(&scratch.store().root().join("objects")).remove(0);
    fs::write(object, "edited").unwrap();
    assert!(!sha256sum(&saved.path));
}

#[test]
fn equal_content_is_on_the_disk_once() {
    let scratch = Scratch::new();
    let store = scratch.store();
    store.save(&name("a"), &snapshot("same"), &meta()).unwrap();
    let before = files(&store.root().join("objects"));
    store.save(&name("b"), &snapshot("same"), &meta()).unwrap();
    assert_eq!(files(&store.root().join("objects")), before);
    assert_eq!(before.len(), 3);
    store.save(&name("c"), &snapshot("other"), &meta()).unwrap();
    assert_eq!(
        files(&store.root().join("objects")).len(),
        4,
        "only the configuration is new"
    );
}

#[test]
fn an_existing_name_is_never_overwritten() {
    let scratch = Scratch::new();
    let store = scratch.store();
    store.save(&name("before"), &snapshot("a"), &meta()).unwrap();
    let before = contents(&store);
    let error = store.save(&name("before"), &snapshot("b"), &meta()).unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    assert_eq!(contents(&store), before);
    // Nor is a link that leads nowhere.
    std::os::unix::fs::symlink("/nonexistent", store.root().join("baselines/link")).unwrap();
    assert!(matches!(
        store.save(&name("link"), &snapshot("b"), &meta()),
        Err(Error::Exists { .. })
    ));
}

#[test]
fn of_many_writers_of_one_name_one_wins() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let results: Vec<_> = std::thread::scope(|scope| {
        let save = |number: usize| {
            let store = &store;
            move || {
                store
                    .save(&name("before"), &snapshot(&number.to_string()), &meta())
                    .map(|_| number)
            }
        };
        let threads: Vec<_> = (0..8).map(|number| scope.spawn(save(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let won: Vec<usize> = results
        .iter()
        .filter_map(|result| result.as_ref().ok().copied())
        .collect();
    assert_eq!(won.len(), 1);
    assert!(
        results
            .iter()
            .flat_map(|r| r.as_ref().err())
            .all(|e| matches!(e, Error::Exists { .. }))
    );
    assert_eq!(
        store.load(&name("before")).unwrap(),
        snapshot(&won[0].to_string())
    );
    assert_eq!(
        store.published().unwrap().len(),
        1,
        "one key came of eight first uses"
    );
    assert!(
        !files(&scratch.0)
            .iter()
            .any(|path| path.to_string_lossy().contains(atomic::TEMPORARY))
    );
}

/// Each byte of every file of the baseline and of the key it is checked with. The key's period is a note for people that
/// nothing rests on.
#[test]
fn every_edited_byte_is_told() {
    let scratch = Scratch::new();
    let store = scratch.store();
    store.save(&name("before"), &snapshot("a"), &meta()).unwrap();
    for (path, original) in contents(&store) {
        if path.ends_with("signing.pem")
            || path.starts_with(store.root().join("keys")) && path.extension().is_some_and(|e| e == "json")
        {
            continue;
        }
        for at in 0..original.len() {
            let mut edited = original.clone();
            edited[at] ^= 1;
            fs::write(&path, &edited).unwrap();
            let loaded = store.load(&name("before"));
            // PEM may be spelt otherwise (white space around it); then nothing has changed.
            let same = path.extension().is_some_and(|e| e == "pem")
                && loaded.as_ref().is_ok_and(|read| *read == snapshot("a"));
            assert!(loaded.is_err() || same, "{} byte {at}", path.display());
        }
        fs::write(&path, &original[..original.len() / 2]).unwrap();
        assert!(
            store.load(&name("before")).is_err(),
            "{} cut in half",
            path.display()
        );
        fs::write(&path, b"").unwrap();
        assert!(store.load(&name("before")).is_err(), "{} empty", path.display());
        fs::remove_file(&path).unwrap();
        assert!(store.load(&name("before")).is_err(), "{} removed", path.display());
        fs::write(&path, &original).unwrap();
    }
    assert!(store.load(&name("before")).is_ok());
}

/// Sums that fit an edited manifest help nobody: the seal holds the digest of the one that was sealed.
#[test]
fn an_edited_manifest_with_new_sums_is_told() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let saved = store.save(&name("before"), &snapshot("a"), &meta()).unwrap();
    let path = |file: &str| saved.path.join(file);
    let manifest = fs::read_to_string(path("manifest.json")).unwrap();
    let edited = manifest.replace("\"state\":\"captured\",\"taken", "\"state\":\"torn\",\"taken");
    assert_ne!(edited, manifest);
    let digest = netghost_core::artifact::json::Digest::of(edited.as_bytes());
    let sums = fs::read_to_string(path("SHA256SUMS")).unwrap();
    fs::write(path("manifest.json"), edited).unwrap();
    fs::write(
        path("SHA256SUMS"),
        sums.replace(&saved.digest.to_string(), &digest.to_string()),
    )
    .unwrap();
    match store.sealed(&name("before")) {
        Err(Error::Edited { path, what }) => {
            assert!(
                path.ends_with("manifest.json") && what.contains("sealed"),
                "{what}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_baseline_under_another_name_is_told() {
    let scratch = Scratch::new();
    let store = scratch.store();
    store.save(&name("monday"), &snapshot("a"), &meta()).unwrap();
    fs::rename(
        store.root().join("baselines/monday"),
        store.root().join("baselines/friday"),
    )
    .unwrap();
    assert!(matches!(store.load(&name("friday")), Err(Error::Edited { .. })));
}

#[test]
fn a_seal_by_an_unpublished_key_is_told() {
    let scratch = Scratch::new();
    let (ours, theirs) = (scratch.store(), Store::open(scratch.0.join("theirs")));
    ours.save(&name("before"), &snapshot("a"), &meta()).unwrap();
    theirs.save(&name("before"), &snapshot("b"), &meta()).unwrap();
    for file in ["manifest.json", "seal.dsse.json", "SHA256SUMS"] {
        let inside = format!("baselines/before/{file}");
        fs::copy(theirs.root().join(&inside), ours.root().join(&inside)).unwrap();
    }
    assert!(matches!(ours.load(&name("before")), Err(Error::Seal { .. })));
}

#[test]
fn a_damaged_object_does_not_become_part_of_a_new_baseline() {
    let scratch = Scratch::new();
    let store = scratch.store();
    store.save(&name("a"), &snapshot("same"), &meta()).unwrap();
    fs::write(files(&store.root().join("objects")).remove(1), "edited").unwrap();
    assert!(matches!(
        store.save(&name("b"), &snapshot("same"), &meta()),
        Err(Error::Edited { .. })
    ));
    assert!(matches!(store.load(&name("b")), Err(Error::NotFound { .. })));
}

#[test]
fn the_list_shows_what_is_damaged_and_not_what_a_crash_left() {
    let scratch = Scratch::new();
    let store = scratch.store();
    assert!(
        store.list().unwrap().is_empty() && !store.root().exists(),
        "listing makes nothing"
    );
    store.save(&name("b"), &snapshot("b"), &meta()).unwrap();
    store.save(&name("a"), &snapshot("a"), &meta()).unwrap();
    fs::create_dir(store.root().join("baselines/.tmp-1-0")).unwrap();
    fs::write(store.root().join("baselines/a/manifest.json"), "{}").unwrap();
    let list = store.list().unwrap();
    let states: Vec<_> = list
        .iter()
        .map(|row| (row.name.as_str(), row.sealed.is_ok()))
        .collect();
    assert_eq!(states, [("a", false), ("b", true)]);
}

#[test]
fn a_writer_that_fails_leaves_nothing() {
    let scratch = Scratch::new();
    let path = scratch.0.join("file");
    let full = || io::Error::from(io::ErrorKind::StorageFull);
    let error = atomic::create(&path, 0o600, |out| out.write_all(b"half").and(Err(full()))).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    let directory = scratch.0.join("directory");
    let fill = |path: &Path| fs::write(path.join("half"), "half").and(Err(full()));
    assert!(atomic::create_directory(&directory, fill).is_err());
    assert!(files(&scratch.0).is_empty() && !directory.exists());
    assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 0);
}

#[test]
fn a_file_that_exists_stays_as_it_is() {
    let scratch = Scratch::new();
    let path = scratch.0.join("file");
    let create = |content: &'static [u8]| atomic::create(&path, 0o600, |out| out.write_all(content)).unwrap();
    assert_eq!((create(b"one"), create(b"two")), (Made::New, Made::Existed));
    assert_eq!(fs::read(&path).unwrap(), b"one");
    assert_eq!(files(&scratch.0).len(), 1);
}

#[test]
fn the_place_is_that_of_the_desktop_specification() {
    let place =
        |xdg: Option<&str>, home: Option<&str>| Store::place(xdg.map(Path::new), home.map(Path::new)).ok();
    assert_eq!(place(Some("/s"), Some("/h")), Some("/s/netghost".into()));
    assert_eq!(place(None, Some("/h")), Some("/h/.local/state/netghost".into()));
    assert_eq!(
        place(Some("relative"), Some("/h")),
        Some("/h/.local/state/netghost".into())
    );
    assert_eq!(place(Some(""), Some("h")), None);
}
