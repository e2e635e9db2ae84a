//! The threat model's promises are held by tests that exist.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests state what they expect by failing"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where a test stands and what it is called.
type Held = (String, String);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

/// The number of a paragraph that begins `**P7. …`.
fn promise(paragraph: &str) -> Option<u32> {
    let number = paragraph.strip_prefix("**P")?.split_once('.')?.0;
    number.parse().ok()
}

/// The tests of `- held by: `FILE`: `NAME`, `NAME`; `FILE`: `NAME`` in a paragraph, which may be broken over lines.
fn held_by(paragraph: &str) -> Vec<Held> {
    let Some((_, list)) = paragraph.split_once("- held by:") else {
        return Vec::new();
    };
    let mut file = None;
    let mut held = Vec::new();
    for word in list.split('`').skip(1).step_by(2) {
        if word.contains('/') {
            file = Some(word.to_owned());
        } else {
            held.push((
                file.clone().expect("a file stands before its tests"),
                word.to_owned(),
            ));
        }
    }
    held
}

fn promises(text: &str) -> BTreeMap<u32, Vec<Held>> {
    text.split("\n\n")
        .filter_map(|paragraph| Some((promise(paragraph)?, held_by(paragraph))))
        .collect()
}

#[test]
fn every_promise_is_held_by_tests_that_exist() {
    let text = std::fs::read_to_string(root().join("docs/threat-model.md")).unwrap();
    let promises = promises(&text);
    let numbers: Vec<u32> = promises.keys().copied().collect();
    let wanted: Vec<u32> = (1..=u32::try_from(numbers.len()).unwrap()).collect();
    assert_eq!(numbers, wanted, "numbers are never given twice, nor left out");
    assert!(numbers.len() > 20);
    for (number, held) in &promises {
        assert!(!held.is_empty(), "P{number} is held by nothing");
        for (file, name) in held {
            let source = std::fs::read_to_string(root().join(file))
                .unwrap_or_else(|error| panic!("P{number}: {file}: {error}"));
            let (before, _) = source
                .split_once(&format!("fn {name}("))
                .unwrap_or_else(|| panic!("P{number}: {file} has no test {name}"));
            let attributes = before.rsplit("\n\n").next().unwrap();
            assert!(
                ["test]", "#[tokio::test("]
                    .iter()
                    .any(|mark| attributes.contains(mark))
                    || before.trim_end().ends_with('{'),
                "P{number}: {file}: {name} is no test"
            );
        }
    }
    for paragraph in text
        .split("\n\n")
        .filter(|paragraph| promise(paragraph).is_some())
    {
        assert!(
            paragraph.contains("\n- limit:"),
            "a limit is missing: {paragraph}"
        );
    }
}

/// `(P17)` and `: P17` in the text name promises that are there.
#[test]
fn the_promises_that_the_text_refers_to_are_there() {
    let text = std::fs::read_to_string(root().join("docs/threat-model.md")).unwrap();
    let promises = promises(&text);
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let named: Vec<u32> = words
        .filter_map(|word| word.strip_prefix('P')?.parse().ok())
        .collect();
    assert!(named.len() > promises.len());
    for number in named {
        assert!(promises.contains_key(&number), "P{number}");
    }
}

#[test]
fn a_list_over_two_lines_with_two_files_is_read() {
    let paragraph =
        "**P3. It holds.** Always.\n- limit: none\n- held by: `a/b.rs`: `one`,\n  `two`; `c/d.rs`: `three`";
    let held = |file: &str, name: &str| (file.to_owned(), name.to_owned());
    assert_eq!(promise(paragraph), Some(3));
    assert_eq!(
        held_by(paragraph),
        [
            held("a/b.rs", "one"),
            held("a/b.rs", "two"),
            held("c/d.rs", "three")
        ]
    );
}
