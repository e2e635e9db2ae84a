//! Documents that this program wrote itself: an edit of what counts is told, whatever it is.

use std::collections::BTreeMap;

use netghost_core::artifact::document::{from_document, to_document};
use netghost_core::artifact::json::{self, Digest};
use netghost_core::artifact::key::Signer;
use netghost_core::artifact::manifest::{self, Meta, ObjectError, redecode};
use netghost_core::artifact::{certificate, dsse};
use netghost_core::raw::Raw;
use netghost_core::section::{DECODER, Reader, Section, SectionName, State};
use netghost_core::snapshot::Snapshot;

use crate::captures::{self, Capture};
use crate::{cases, judge, text};

/// A snapshot of each section that is small.
fn snapshots() -> Vec<Snapshot> {
    let mut chosen: BTreeMap<SectionName, Capture> = BTreeMap::new();
    for capture in captures::whole() {
        let bytes = json::to_vec(&capture.raw).unwrap().len();
        if bytes < 9_000 && redecode(capture.name, &capture.raw).is_some() {
            chosen.insert(capture.name, capture);
        }
    }
    let all = chosen.into_values();
    all.map(|Capture { name, raw }| {
        let decoded = redecode(name, &raw).unwrap();
        let state = State::Unreadable { why: "x".to_owned() };
        judge::snapshot(Section {
            name,
            state: if decoded.gaps.is_empty() {
                State::Captured
            } else {
                state
            },
            reader: Reader::Kernel,
            decoder: DECODER,
            taken_at_us: 1,
            generation: None,
            content: Some(decoded.content),
            raw: Some(raw),
            gaps: decoded.gaps,
            warnings: Vec::new(),
        })
    })
    .collect()
}

/// What is taken after a change says what it said before: only its spelling was changed.
#[test]
fn changed_documents_are_refused_or_the_same() {
    let snapshots = snapshots();
    let written: Vec<Vec<u8>> = snapshots
        .iter()
        .map(|one| serde_json::to_vec(&to_document(one, &Meta::default()).unwrap()).unwrap())
        .collect();
    cases::run("documents", 600, |chance| {
        let at = chance.below(written.len());
        let mut bytes = written[at].clone();
        if !chance.one_in(10) {
            let lent = &written[chance.below(written.len())];
            text::change(chance, 4, &mut bytes, lent);
        }
        let Ok(read) = from_document(&bytes) else {
            return false;
        };
        // A line may be lent that is another document.
        let same = |one: &Snapshot| {
            (&one.sections, &one.coverage) == (&read.sections, &read.coverage)
                && (&one.target, &one.tool, one.taken_at_us) == (&read.target, &read.tool, read.taken_at_us)
        };
        assert!(snapshots.iter().any(same), "an edit was not told");
        true
    });
}

/// The same of a stored snapshot: a manifest and its objects.
#[test]
fn changed_manifests_and_objects_are_refused_or_the_same() {
    let snapshots = snapshots();
    cases::run("manifests", 600, |chance| {
        let snapshot = &snapshots[chance.below(snapshots.len())];
        let stored = manifest::store(snapshot, &Meta::default()).unwrap();
        let mut manifest = stored.manifest_bytes.clone();
        let mut objects: BTreeMap<Digest, Vec<u8>> = stored.objects.into_iter().collect();
        match chance.below(6) {
            0 => {}
            1 => {
                let place = chance.below(objects.len());
                let object = objects.values_mut().nth(place).unwrap();
                text::change(chance, 4, object, &manifest);
            }
            _ => {
                let lent = manifest.clone();
                text::change(chance, 4, &mut manifest, &lent);
            }
        }
        let get = |digest: &Digest| objects.get(digest).cloned().ok_or(ObjectError::Missing);
        let Ok(read) = manifest::load(&manifest, &get) else {
            return false;
        };
        // Who asked and when is not under a digest of its own: for that there is the seal.
        let contents = |snapshot: &Snapshot| -> Vec<_> {
            let sections = snapshot.sections.iter();
            sections.map(|section| section.content.clone()).collect()
        };
        assert_eq!(contents(&read), contents(snapshot));
        true
    });
}

#[test]
fn changed_envelopes_prove_nothing_else() {
    let signer = Signer::from_seed(&[7; 32]).unwrap();
    let keys = [signer.public().clone()];
    let payload =
        br#"{"_type":"https://in-toto.io/Statement/v1","predicate":{},"predicateType":"x","subject":[]}"#;
    let envelope = dsse::sign(payload, &signer).unwrap();
    cases::run("envelopes", 600, |chance| {
        let mut bytes = envelope.clone();
        if !chance.one_in(10) {
            text::change(chance, 4, &mut bytes, &envelope);
        }
        let _shown = certificate::peek(&bytes).is_ok();
        let _checked = certificate::verify(&bytes, &keys).is_ok();
        let Ok(opened) = dsse::open(&bytes, &keys) else {
            return false;
        };
        assert_eq!(opened.payload, payload);
        true
    });
}

/// The canonical form has one spelling: what is read is written again as the same bytes.
#[test]
fn changed_readings_on_paper_are_refused_or_written_alike() {
    let written: Vec<Vec<u8>> = captures::whole()
        .iter()
        .map(|capture| json::to_vec(&capture.raw).unwrap())
        .filter(|bytes| bytes.len() < 9_000)
        .collect();
    cases::run("readings on paper", 1_000, |chance| {
        let mut bytes = written[chance.below(written.len())].clone();
        if !chance.one_in(10) {
            let lent = &written[chance.below(written.len())];
            text::change(chance, 4, &mut bytes, lent);
        }
        let Ok(raw) = json::from_slice::<Raw>(&bytes) else {
            return false;
        };
        assert_eq!(json::to_vec(&raw).unwrap(), bytes);
        true
    });
}
