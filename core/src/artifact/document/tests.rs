use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::artifact::manifest::store;
use crate::artifact::sample;
use crate::netfilter::model::{Plane, Verdict};
use crate::section::{Content, SectionName};

fn document() -> Value {
    to_document(&sample::snapshot(), &Meta::default()).unwrap()
}

fn read(document: &Value) -> Result<Snapshot, DocumentError> {
    from_document(&serde_json::to_vec_pretty(document).unwrap())
}

#[test]
fn what_is_shown_comes_back_whole() {
    assert_eq!(read(&document()).unwrap(), sample::snapshot());
    let compact = serde_json::to_vec(&document()).unwrap();
    assert_eq!(from_document(&compact).unwrap(), sample::snapshot());
}

#[test]
fn the_digests_are_those_of_the_stored_snapshot() {
    let snapshot = sample::snapshot();
    let stored = store(&snapshot, &Meta::default()).unwrap();
    let document = document();
    assert_eq!(
        document["digests"]["artifact"],
        stored.artifact_digest().to_string()
    );
    let entry = &crate::artifact::manifest::Manifest::read(&stored.manifest_bytes)
        .unwrap()
        .sections[0];
    assert_eq!(
        document["sections"][0]["config_digest"],
        entry.config_digest.unwrap().to_string()
    );
}

#[test]
fn rules_are_shown_with_what_they_decide() {
    let document = document();
    let chain = &document["sections"][1]["tables"][0]["chains"][0];
    assert_eq!(chain["name"], "INPUT");
    assert_eq!(
        (&chain["hook"], &chain["priority"]),
        (&json!("input"), &json!(-100))
    );
    let rules = chain["rules"].as_array().unwrap();
    let verdicts: Vec<_> = rules.iter().map(|rule| rule["verdict"].clone()).collect();
    assert_eq!(
        verdicts,
        [json!("drop"), json!("reject"), json!("jump user"), Value::Null]
    );
    assert_eq!(rules[0]["matches"][0]["field"], "tcp.dport");
    assert_eq!(rules[3]["opaque"][0]["name"], "hashlimit");
    assert_eq!(rules[0]["comment"]["hex"], "6e6f74207574662d383a20ff");
    assert_eq!(document["sections"][1]["tables"][0]["sets"][0]["name"], "blocked");
}

#[test]
fn not_counted_is_not_zero_and_no_digit_is_lost() {
    let document = document();
    let rules = &document["sections"][0]["tables"][0]["chains"][0]["rules"];
    let counted = json!({"packets": "9007199254740993", "bytes": "18446744073709551615"});
    assert_eq!(rules[0]["counters"], counted);
    assert_eq!(rules[1]["counters"], Value::Null);
    assert_eq!(rules[2]["counters"], json!({"packets": "0", "bytes": "0"}));
}

#[test]
fn a_policy_is_spelt_as_its_tools_spell_it() {
    let policy = |plane| {
        let content = sample::ruleset(plane, Verdict::Drop);
        let tables = serde_json::to_value(view::tables(&content)).unwrap();
        assert_eq!(tables[0]["chains"][1]["policy"], Value::Null);
        tables[0]["chains"][0]["policy"].clone()
    };
    assert_eq!(policy(Plane::Nft), "drop");
    assert_eq!(policy(Plane::Legacy), "DROP");
    assert_eq!(policy(Plane::Unstated), "DROP");
}

#[test]
fn what_was_not_read_is_null_never_empty() {
    let document = document();
    for (index, state) in [(2, "not_applicable"), (4, "unreadable")] {
        let section = &document["sections"][index];
        assert_eq!(section["state"], state);
        assert!(section["why"].is_string());
        for part in ["tables", "config", "runtime", "raw", "config_digest"] {
            assert_eq!(section[part], Value::Null, "{part}");
        }
    }
    let warnings = document["warnings"].as_array().unwrap();
    assert_eq!(
        warnings[0],
        json!({"section": "nftables", "code": "NOTED", "message": "something"})
    );
}

#[test]
fn counters_that_are_fewer_than_rules_do_not_hide_rules() {
    let mut content = sample::ruleset(Plane::Legacy, Verdict::Drop);
    if let Content::Netfilter { runtime, .. } = &mut content {
        runtime.tables.clear();
    }
    let tables = serde_json::to_value(view::tables(&content)).unwrap();
    assert_eq!(tables[0]["chains"][0]["rules"].as_array().unwrap().len(), 4);
}

#[test]
fn an_edited_section_is_named() {
    let text = serde_json::to_string(&document()).unwrap();
    let legacy = SectionName::XtablesLegacyIpv4.as_str();
    for (pointer, value) in [
        (
            "/sections/1/tables/0/chains/0/rules/0/text",
            json!("-A INPUT -j ACCEPT"),
        ),
        ("/sections/1/tables/0/chains/0/policy", json!("ACCEPT")),
        ("/sections/1/config/tables/0/chains/0/base/priority", json!(1.5)),
        ("/sections/1/config/tables/0/chains/0/rules", json!([])),
        ("/sections/1/runtime/tables", json!([])),
        ("/sections/1/raw/text", json!("")),
        ("/sections/1/state", json!("torn")),
        ("/sections/1/digest", json!("00")),
    ] {
        let mut edited: Value = serde_json::from_str(&text).unwrap();
        *edited.pointer_mut(pointer).unwrap() = value;
        match read(&edited) {
            Err(DocumentError::EditedSection { section }) => assert_eq!(section, legacy, "{pointer}"),
            other => panic!("{pointer}: {other:?}"),
        }
    }
}

/// Someone who also writes new digests still can't make an object differ from its address.
#[test]
fn an_object_under_a_wrong_address_is_named() {
    let mut edited = document();
    let section = edited.pointer_mut("/sections/1").unwrap();
    section["config"]["tables"] = json!([]);
    let mut fields = section.as_object().unwrap().clone();
    fields.remove(DIGEST);
    *section = seal(fields).unwrap();
    let mut fields = edited.as_object().unwrap().clone();
    fields.remove(DIGEST);
    let edited = seal(fields).unwrap();
    match read(&edited) {
        Err(DocumentError::Load(manifest::LoadError::Object {
            section,
            part: "config",
            ..
        })) => {
            assert_eq!(section, SectionName::XtablesLegacyIpv4);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_edit_outside_the_sections_is_told() {
    for (pointer, value) in [
        ("/tool", json!("other")),
        ("/taken_at_us", json!("1")),
        ("/coverage", json!([])),
        ("/warnings", json!([])),
        ("/digests/config", json!("")),
    ] {
        let mut edited = document();
        *edited.pointer_mut(pointer).unwrap() = value;
        assert!(matches!(read(&edited), Err(DocumentError::Edited)), "{pointer}");
    }
    let mut fewer = document();
    fewer["sections"].as_array_mut().unwrap().pop();
    assert!(matches!(read(&fewer), Err(DocumentError::Edited)));
}

#[test]
fn other_files_are_told() {
    let text = serde_json::to_string(&document()).unwrap();
    for bytes in ["", "{}", "[]", "*filter\nCOMMIT\n", &text[..text.len() / 2]] {
        assert!(from_document(bytes.as_bytes()).is_err(), "{bytes}");
    }
    let doubled = text.replacen("\"tool\":", "\"tool\":\"x\",\"tool\":", 1);
    assert!(matches!(
        from_document(doubled.as_bytes()),
        Err(DocumentError::Json(_))
    ));
    let other = text.replace(SCHEMA, "netghost.manifest/v1");
    let error = from_document(other.as_bytes()).unwrap_err();
    assert!(
        matches!(error, DocumentError::Load(manifest::LoadError::Schema { .. })),
        "{error}"
    );
}

proptest! {
    /// Whatever byte is changed, the result is the same snapshot (white space, another escape) or an error.
    #[test]
    fn a_changed_byte_never_makes_another_snapshot(at: prop::sample::Index, byte: u8) {
        let mut bytes = serde_json::to_vec(&document()).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = from_document(&bytes) {
            prop_assert_eq!(read, sample::snapshot());
        }
    }
}
