use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::*;
use crate::bytes::{Big, Text};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Sample {
    zebra: Option<bool>,
    text: String,
    name: Text,
    count: Big,
    signed: i32,
    list: Vec<Inner>,
    a: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Inner {
    Plain { z: u8, b: String },
    Nested { list: Vec<Inner> },
    Empty,
}

fn inner() -> impl Strategy<Value = Inner> {
    let leaf = prop_oneof![
        Just(Inner::Empty),
        (any::<u8>(), any::<String>()).prop_map(|(z, b)| Inner::Plain { z, b })
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop::collection::vec(inner, 0..4).prop_map(|list| Inner::Nested { list })
    })
}

prop_compose! {
    fn sample()(zebra: Option<bool>, text: String, name: Vec<u8>, count: u64, signed: i32,
                list in prop::collection::vec(inner(), 0..4), a: u32) -> Sample {
        Sample { zebra, text, name: Text::from(name), count: Big(count), signed, list, a }
    }
}

proptest! {
    /// The oracle is a JCS implementation that we did not write.
    #[test]
    fn agrees_with_another_jcs(sample in sample()) {
        let ours = to_vec(&sample).unwrap();
        prop_assert_eq!(&ours, &serde_json_canonicalizer::to_vec(&sample).unwrap());
        prop_assert_eq!(from_slice::<Sample>(&ours).unwrap(), sample);
    }
}

/// Strings are looked through several bytes at a time.
#[test]
fn every_byte_is_escaped_wherever_it_stands() {
    for length in 1..20 {
        for place in 0..length {
            for byte in 0..0x80 {
                let mut text = "é".repeat(length);
                text.insert(place * 2, char::from(byte));
                let mut ascii = "a".repeat(length - 1);
                ascii.insert(place, char::from(byte));
                for text in [text, ascii] {
                    let theirs = serde_json_canonicalizer::to_vec(&text).unwrap();
                    assert_eq!(to_vec(&text).unwrap(), theirs, "{text:?}");
                }
            }
        }
    }
}

#[test]
fn what_could_lose_something_has_no_form() {
    assert!(to_vec(&1.5f64).is_err());
    assert!(to_vec(&9_007_199_254_740_993u64).is_err());
    assert_eq!(to_vec(&9_007_199_254_740_991u64).unwrap(), b"9007199254740991");
    assert!(to_vec(&std::collections::BTreeMap::from([("from outside", 1)])).is_err());
}

#[test]
fn keys_are_sorted_and_controls_escaped() {
    #[derive(Serialize)]
    struct Document {
        b: &'static str,
        a: Option<u8>,
    }
    assert_eq!(
        to_vec(&Document {
            b: "\u{1}\n\"é",
            a: None
        })
        .unwrap(),
        "{\"a\":null,\"b\":\"\\u0001\\n\\\"é\"}".as_bytes()
    );
}

#[test]
fn an_edited_spelling_is_refused() {
    #[derive(Debug, Serialize, Deserialize)]
    struct Document {
        a: u8,
    }
    assert!(from_slice::<Document>(b"{\"a\":1}").is_ok());
    for edited in [
        &b"{\"a\": 1}"[..],
        b"{\"a\":1}\n",
        b"{\"a\":1,\"b\":2}",
        b"{\"a\":1.0}",
    ] {
        assert!(
            from_slice::<Document>(edited).is_err(),
            "{}",
            String::from_utf8_lossy(edited)
        );
    }
}
