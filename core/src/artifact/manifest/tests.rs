use std::cell::Cell;
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::load::load_with;
use super::*;
use crate::artifact::sample;
use crate::netfilter::model::{Plane, Verdict};
use crate::section::{Content, DECODER};
use crate::snapshot::Snapshot;

fn stored(snapshot: &Snapshot) -> (Vec<u8>, BTreeMap<Digest, Vec<u8>>) {
    let meta = Meta {
        name: Some(Name::parse("before").unwrap()),
        ..Meta::default()
    };
    let stored = store(snapshot, &meta).unwrap();
    (stored.manifest_bytes, stored.objects.into_iter().collect())
}

fn loaded(manifest: &[u8], objects: &BTreeMap<Digest, Vec<u8>>) -> Result<Snapshot, LoadError> {
    load(manifest, &|digest| {
        objects.get(digest).cloned().ok_or(ObjectError::Missing)
    })
}

#[test]
fn what_is_stored_comes_back_whole() {
    let snapshot = sample::snapshot();
    let (manifest, objects) = stored(&snapshot);
    assert_eq!(loaded(&manifest, &objects).unwrap(), snapshot);
    let read = Manifest::read(&manifest).unwrap();
    assert_eq!(read.name.unwrap().as_str(), "before");
    assert_eq!(
        store(&snapshot, &Meta::default()).unwrap().objects.len(),
        objects.len()
    );
}

#[test]
fn equal_content_is_stored_once() {
    let mut snapshot = sample::snapshot();
    snapshot.sections.truncate(2);
    let same = sample::ruleset(Plane::Unstated, Verdict::Drop);
    for section in &mut snapshot.sections {
        section.content = Some(same.clone());
    }
    let (manifest, objects) = stored(&snapshot);
    // One configuration, one runtime, two raw.
    assert_eq!(objects.len(), 4);
    assert_eq!(loaded(&manifest, &objects).unwrap(), snapshot);
}

#[test]
fn a_missing_object_is_named() {
    let (manifest, mut objects) = stored(&sample::snapshot());
    let entry = Manifest::read(&manifest).unwrap().sections[1].clone();
    objects.remove(&entry.config_digest.unwrap());
    match loaded(&manifest, &objects) {
        Err(LoadError::Object {
            section,
            part: "config",
            source: ObjectError::Missing,
            ..
        }) => {
            assert_eq!(section, entry.name);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_edited_object_is_refused_and_named() {
    let (manifest, objects) = stored(&sample::snapshot());
    for digest in objects.keys() {
        let length = objects[digest].len();
        for at in [0, length / 2, length - 1] {
            let mut edited = objects.clone();
            edited.get_mut(digest).unwrap()[at] ^= 1;
            let error = loaded(&manifest, &edited).unwrap_err();
            assert!(matches!(error, LoadError::Edited { .. }), "{error}");
            assert!(error.to_string().contains("section "), "{error}");
        }
        let mut cut = objects.clone();
        cut.get_mut(digest).unwrap().pop();
        assert!(matches!(loaded(&manifest, &cut), Err(LoadError::Edited { .. })));
    }
}

#[test]
fn other_documents_are_named_as_what_they_are() {
    let objects = BTreeMap::new();
    let schema = |bytes: &[u8]| matches!(loaded(bytes, &objects), Err(LoadError::Schema { .. }));
    let document = |bytes: &[u8]| matches!(loaded(bytes, &objects), Err(LoadError::Document { .. }));
    assert!(schema(br#"{"schema":"netghost.manifest/v2"}"#));
    assert!(document(b"") && document(b"{}") && document(b"*filter\nCOMMIT\n"));
    let (manifest, _) = stored(&sample::snapshot());
    assert!(document(&manifest[..manifest.len() / 2]));
    assert!(document(&[&manifest[..], b"\n"].concat()));
}

#[test]
fn a_section_that_contradicts_itself_is_neither_stored_nor_loaded() {
    let mut snapshot = sample::snapshot();
    snapshot.sections[0].content = None;
    let error = store(&snapshot, &Meta::default()).unwrap_err();
    assert!(
        matches!(error, StoreError::Contradiction { .. }),
        "captured without content"
    );
    let mut snapshot = sample::snapshot();
    snapshot.sections[0].gaps = snapshot.sections[4].gaps.clone();
    assert!(store(&snapshot, &Meta::default()).is_err(), "captured with gaps");
    let mut snapshot = sample::snapshot();
    snapshot.sections[3].content = snapshot.sections[0].content.clone();
    assert!(
        store(&snapshot, &Meta::default()).is_err(),
        "rules in the tc section"
    );
    let mut snapshot = sample::snapshot();
    snapshot.sections.swap(0, 1);
    assert!(matches!(
        store(&snapshot, &Meta::default()),
        Err(StoreError::Order)
    ));

    let (manifest, objects) = stored(&sample::snapshot());
    let text = String::from_utf8(manifest).unwrap();
    let edits = [
        ("\"state\":\"captured\"", "\"state\":\"torn\""),
        (
            "\"why\":\"EPERM\"}],\"generation\"",
            "\"why\":null}],\"generation\"",
        ),
        (
            "\"state\":\"unreadable\",\"taken",
            "\"state\":\"captured\",\"taken",
        ),
        ("\"name\":\"nftables\"", "\"name\":\"routes\""),
    ];
    for (from, to) in edits {
        let (coverage, sections) = text.split_once("\"sections\":").unwrap();
        let edited = format!("{coverage}\"sections\":{}", sections.replacen(from, to, 1));
        assert_ne!(edited, text, "{from}");
        assert!(loaded(edited.as_bytes(), &objects).is_err(), "{to}");
    }
}

#[test]
fn an_older_section_that_cannot_be_decoded_again_is_unreadable() {
    let mut snapshot = sample::snapshot();
    for section in &mut snapshot.sections {
        section.decoder = DECODER + 1;
    }
    let (manifest, objects) = stored(&snapshot);
    let sections = loaded(&manifest, &objects).unwrap().sections;
    for name in [SectionName::Nftables, SectionName::Tc] {
        let section = sections.iter().find(|section| section.name == name).unwrap();
        assert!(
            section.state.why().unwrap().contains("decoder versions"),
            "{:?}",
            section.state
        );
        assert!(section.content.is_none() && section.raw.is_some() && !section.state.is_known());
    }
    assert_eq!(
        sections[2], snapshot.sections[2],
        "what was proven absent needs no decoder"
    );
    assert_eq!(sections[4], snapshot.sections[4]);
}

#[test]
fn an_older_section_is_decoded_again_from_raw() {
    let mut snapshot = sample::snapshot();
    snapshot.sections.truncate(1);
    snapshot.sections[0].decoder = DECODER - 1;
    let (manifest, objects) = stored(&snapshot);
    let get = |digest: &Digest| objects.get(digest).cloned().ok_or(ObjectError::Missing);
    let newer = sample::ruleset(Plane::Nft, Verdict::Accept);
    let calls = Cell::new(0);
    let decode = |gaps: Vec<Gap>| {
        load_with(&manifest, &get, &|name, raw| {
            calls.set(calls.get() + 1);
            assert_eq!(
                (name, Some(raw)),
                (SectionName::Nftables, snapshot.sections[0].raw.as_ref())
            );
            Some(Decoded {
                content: newer.clone(),
                gaps: gaps.clone(),
            })
        })
        .unwrap()
        .sections
        .remove(0)
    };
    let whole = decode(vec![]);
    assert_eq!(
        (whole.state, whole.decoder, whole.content.as_ref()),
        (State::Captured, DECODER, Some(&newer))
    );
    let partly = decode(vec![Gap {
        path: "ip/filter".into(),
        why: "cut".into(),
    }]);
    assert!(matches!(partly.state, State::Unreadable { .. }));
    assert_eq!(calls.get(), 2);
}

#[test]
fn the_configuration_digest_sees_configuration_only() {
    let snapshot = sample::snapshot();
    let digest = |snapshot: &Snapshot| snapshot_config_digest(snapshot).unwrap();
    let mut counted = snapshot.clone();
    counted.sections[0].taken_at_us += 1;
    if let Some(Content::Netfilter { runtime, .. }) = &mut counted.sections[0].content {
        runtime.tables[0].chains[0].rules[0].counters = None;
    }
    assert_eq!(digest(&counted), digest(&snapshot));
    let mut edited = snapshot.clone();
    edited.sections[0].content = Some(sample::ruleset(Plane::Nft, Verdict::Accept));
    assert_ne!(digest(&edited), digest(&snapshot));
    let mut unread = snapshot.clone();
    unread.sections[0].state = State::Unreadable { why: "EPERM".into() };
    assert_ne!(digest(&unread), digest(&snapshot));
}

proptest! {
    /// The manifest's own digest or seal tells every edit; this much it tells by itself: what loads is never another
    /// snapshot in silence where bytes were cut, doubled or respelt.
    #[test]
    fn a_cut_manifest_never_loads(at: prop::sample::Index) {
        let (manifest, objects) = stored(&sample::snapshot());
        prop_assert!(loaded(&manifest[..at.index(manifest.len())], &objects).is_err());
    }
}

/// A manifest that a version wrote which knew no namespaces.
const WITHOUT: &[u8] = include_bytes!("without_namespaces.json");

#[test]
fn a_manifest_without_namespaces_keeps_its_bytes() {
    let manifest = Manifest::read(WITHOUT).unwrap();
    let bytes = crate::artifact::json::to_vec(&manifest).unwrap();
    assert_eq!(bytes, WITHOUT);
    assert_eq!(
        Digest::of(&bytes).to_string(),
        "95377b10505ecb72b1fb4daa17c7a9adcd5352a73f61f5ffbfee24c257a9d0e1"
    );
    let (stored, _) = stored(&sample::snapshot());
    let stored = String::from_utf8(stored).unwrap();
    assert!(!stored.contains("\"namespace\":") && !stored.contains("\"namespaces\":"));
}

#[test]
fn a_configuration_without_namespaces_keeps_its_digest() {
    let mut snapshot = sample::snapshot();
    snapshot.sections.drain(..2);
    snapshot.sections.truncate(2);
    let rows = format!(
        r#"[{{"config_digest":null,"name":"xtables-legacy-ipv6","state":"not_applicable"}},{{"config_digest":"{}","name":"tc","state":"torn"}}]"#,
        crate::artifact::object::config_digest(snapshot.sections[1].content.as_ref().unwrap()).unwrap()
    );
    assert_eq!(
        snapshot_config_digest(&snapshot).unwrap(),
        Digest::of(rows.as_bytes())
    );
}

#[test]
fn namespaces_come_back_with_their_sections() {
    let snapshot = sample::with_namespaces();
    let (manifest, objects) = stored(&snapshot);
    assert_eq!(loaded(&manifest, &objects).unwrap(), snapshot);
    let read = Manifest::read(&manifest).unwrap();
    let places: Vec<_> = read
        .sections
        .iter()
        .map(|entry| entry.namespace.clone())
        .collect();
    assert!(places.is_sorted() && places.last() == Some(&Some("blue".into())));
    let own = snapshot_config_digest(&sample::snapshot()).unwrap();
    assert_ne!(snapshot_config_digest(&snapshot).unwrap(), own);
}

#[test]
fn what_contradicts_itself_among_namespaces_is_refused() {
    use crate::namespace::{Asked, Namespace, NamespaceState, Namespaces};
    let gone = || NamespaceState::Gone { why: "ended".into() };
    let refused = |all: Vec<Namespace>| {
        let mut snapshot = sample::with_namespaces();
        snapshot.namespaces = Some(Namespaces {
            asked: Asked::All,
            why: None,
            all,
        });
        matches!(
            store(&snapshot, &Meta::default()),
            Err(StoreError::Namespaces { .. })
        )
    };
    let blue = || Namespace::read("blue".into(), sample::snapshot().sections);
    assert!(!refused(vec![blue()]));
    assert!(refused(vec![blue(), blue()]));
    let with_sections = Namespace {
        state: gone(),
        ..blue()
    };
    assert!(refused(vec![with_sections]));
    let mut of_host = blue();
    of_host.sections[4].name = SectionName::Namespaces;
    assert!(refused(vec![of_host]));
}

#[test]
fn a_manifest_whose_namespaces_do_not_fit_is_refused() {
    let (manifest, objects) = stored(&sample::with_namespaces());
    let text = String::from_utf8(manifest).unwrap();
    let blue = r#""name":"blue","state":"read","why":null"#;
    assert!(text.contains(blue));
    for (old, new) in [
        (blue, r#""name":"red","state":"read","why":null"#),
        (blue, r#""name":"blue","state":"gone","why":"ended""#),
        (blue, r#""name":"blue","state":"gone","why":null"#),
        (r#""why":"the door is shut""#, r#""why":null"#),
    ] {
        let edited = text.replace(old, new);
        assert_ne!(edited, text);
        let error = loaded(edited.as_bytes(), &objects).unwrap_err();
        assert!(matches!(error, LoadError::Namespaces { .. }), "{new}: {error}");
    }
    let moved = text.replace(r#""namespace":"blue","raw"#, r#""namespace":"aaaa","raw"#);
    assert!(loaded(moved.as_bytes(), &objects).is_err());
}

#[test]
fn an_edited_section_of_a_namespace_is_named_with_it() {
    let (manifest, mut objects) = stored(&sample::with_namespaces());
    let own: Vec<_> = stored(&sample::snapshot()).1.into_keys().collect();
    let other = objects
        .keys()
        .find(|digest| !own.contains(digest))
        .copied()
        .unwrap();
    objects.get_mut(&other).unwrap()[0] ^= 1;
    let error = loaded(&manifest, &objects).unwrap_err();
    assert!(error.to_string().contains("blue"), "{error}");
    assert!(matches!(error.innermost(), LoadError::Edited { .. }), "{error:?}");
}
