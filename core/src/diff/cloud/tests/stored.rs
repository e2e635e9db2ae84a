//! What was stored is compared by its digests first, with the same answer.

use std::collections::BTreeMap;

use super::*;
use crate::artifact::json::Digest;
use crate::artifact::manifest::{Manifest, Meta, ObjectError, load, store};
use crate::diff::{Loaded, compare_stored};

fn there_and_back(snapshot: &Snapshot) -> (Manifest, Snapshot) {
    let stored = store(snapshot, &Meta::default()).unwrap();
    let objects: BTreeMap<Digest, Vec<u8>> = stored.objects.into_iter().collect();
    let get = |digest: &Digest| objects.get(digest).cloned().ok_or(ObjectError::Missing);
    let manifest = Manifest::read(&stored.manifest_bytes).unwrap();
    (manifest, load(&stored.manifest_bytes, &get).unwrap())
}

fn both(before: &World, after: &World) -> [Comparison; 2] {
    let (from, before) = there_and_back(&before.snapshot());
    let (to, after) = there_and_back(&after.snapshot());
    let side = |manifest, snapshot| Loaded { manifest, snapshot };
    [
        compare(&before, &after, &SectionName::AZURE),
        compare_stored(side(&from, &before), side(&to, &after), &SectionName::AZURE, &[]),
    ]
}

#[test]
fn digests_first_is_the_same_answer() {
    let world = world();
    let edits: [fn(&mut World); 5] = [
        |_| {},
        |world| world.nic["etag"] = json!("W/2"),
        |world| world.rules["value"][0]["effectiveSecurityRules"][0]["access"] = json!("Deny"),
        |world| world.routes["value"][4]["nextHopType"] = json!("None"),
        |world| world.admin = None,
    ];
    for (at, edit) in edits.into_iter().enumerate() {
        let [plain, stored] = both(&world, &world.with(edit));
        assert_eq!(plain, stored, "edit {at}");
    }
}

#[test]
fn a_section_that_was_decoded_again_is_not_what_its_manifest_says() {
    let (mut from, before) = there_and_back(&world().snapshot());
    let edited = world().with(|world| world.routes["value"][4]["nextHopType"] = json!("None"));
    let (to, after) = there_and_back(&edited.snapshot());
    for (entry, other) in from.sections.iter_mut().zip(&to.sections) {
        entry.config_digest = other.config_digest;
        entry.decoder += 1;
    }
    let side = |manifest, snapshot| Loaded { manifest, snapshot };
    let found = compare_stored(side(&from, &before), side(&to, &after), &SectionName::AZURE, &[]);
    assert_eq!(found, compare(&before, &after, &SectionName::AZURE));
    assert_eq!(found.verdict, Verdict::Drift);
}
