//! The repository's own rules.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests state what they expect by failing, and show what the oracle said"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

fn package(name: &str, licence: Option<&str>) -> Value {
    let source = "registry+https://github.com/rust-lang/crates.io-index";
    json!({"name": name, "version": "1.0.0", "license": licence, "source": source})
}

/// Runs the check on these packages, or on the workspace's own.
fn check_deps(name: &str, packages: Option<Vec<Value>>) -> Output {
    let mut command = Command::new(root().join("scripts/check-deps"));
    if let Some(packages) = packages {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("metadata-{name}.json"));
        std::fs::write(&file, json!({ "packages": packages }).to_string()).unwrap();
        command.arg("--metadata").arg(file);
    }
    command
        .output()
        .expect("scripts/check-deps needs python3 (3.11 or later)")
}

fn refused(name: &str, packages: Vec<Value>, why: &str) {
    let output = check_deps(name, Some(packages));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{name}: {said}");
    assert!(said.contains(why), "{name}: {said}");
}

#[test]
fn the_dependencies_are_allowed() {
    let output = check_deps("own", None);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_banned_crate_is_refused() {
    for name in [
        "aws-lc-rs",
        "aws-lc-sys",
        "openssl-sys",
        "native-tls",
        "rustables",
        "yash-syntax",
        "af_packet",
        "nftables",
    ] {
        refused(
            name,
            vec![package("serde", Some("MIT")), package(name, Some("MIT"))],
            "is banned",
        );
    }
}

#[test]
fn only_permissive_licences_pass() {
    let licences = [
        "GPL-3.0-or-later",
        "LGPL-2.1-only",
        "MIT AND GPL-2.0-only",
        "(MIT OR Apache-2.0) AND MPL-2.0",
        "GPL-2.0-only WITH Classpath-exception-2.0",
        "Proprietary",
    ];
    for (index, licence) in licences.iter().enumerate() {
        refused(
            &format!("licence-{index}"),
            vec![package("x", Some(licence))],
            "deny.toml does not allow",
        );
    }
    refused("no-licence", vec![package("x", None)], "no licence");
    let fine = [
        "MIT/GPL-2.0-only",
        "GPL-2.0-only OR (ISC AND MIT)",
        "Apache-2.0 WITH LLVM-exception",
        "Apache-2.0 / MIT",
    ];
    let output = check_deps(
        "fine",
        Some(fine.iter().map(|licence| package("x", Some(licence))).collect()),
    );
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn other_sources_are_refused() {
    let mut git = package("x", Some("MIT"));
    git["source"] = json!("git+https://example.org/x");
    refused("git", vec![git], "comes from");
}

#[test]
fn a_check_that_cannot_be_made_is_no_success() {
    for (name, packages) in [
        ("empty", vec![]),
        ("odd", vec![json!({})]),
        ("cut", vec![package("x", Some("(MIT"))]),
    ] {
        assert_eq!(check_deps(name, Some(packages)).status.code(), Some(2), "{name}");
    }
}

#[test]
fn the_licences_are_whole() {
    let apache = std::fs::read_to_string(root().join("LICENSE-APACHE")).unwrap();
    assert!(apache.contains("Version 2.0, January 2004") && apache.contains("END OF TERMS AND CONDITIONS"));
    let mit = std::fs::read_to_string(root().join("LICENSE-MIT")).unwrap();
    assert!(mit.contains("netghost contributors") && mit.contains("WITHOUT WARRANTY OF ANY KIND"));
}

/// The schema names that stand as whole strings in the sources under `directory`: `netghost.NAME/vN`, `urn:netghost:NAME:vN`.
fn schema_names(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            schema_names(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let strings = text.split('"');
            found.extend(strings.filter(|word| is_schema_name(word)).map(str::to_owned));
        }
    }
}

fn is_schema_name(word: &str) -> bool {
    let netghost = word
        .strip_prefix("netghost.")
        .and_then(|rest| rest.split_once("/v"));
    let urn = word
        .strip_prefix("urn:netghost:")
        .and_then(|rest| rest.split_once(":v"));
    netghost.or(urn).is_some_and(|(name, version)| {
        name.bytes()
            .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'_'))
            && !version.is_empty()
            && version.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[test]
fn every_document_has_a_schema_and_every_schema_a_document() {
    let mut emitted = BTreeSet::new();
    for directory in [
        "core/src",
        "agent/src",
        "agent/act/src",
        "agent/kernel/src",
        "controller/src",
        "cli/src",
    ] {
        schema_names(&root().join(directory), &mut emitted);
    }
    // Tests of the refusal of later versions name some.
    emitted.remove("netghost.manifest/v2");
    emitted.remove("netghost.action/v2");
    let mut described = BTreeSet::new();
    for entry in std::fs::read_dir(root().join("docs/schemas")).unwrap() {
        let path = entry.unwrap().path();
        let schema: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let title = schema["title"].as_str().unwrap().to_owned();
        let file = path.file_name().unwrap().to_str().unwrap();
        let name = file.strip_suffix(".schema.json").unwrap();
        let wanted = match name.strip_prefix("statement-") {
            Some(predicate) => format!("urn:netghost:{predicate}:v1"),
            None => format!("netghost.{name}/v1"),
        };
        assert_eq!(title, wanted, "{file}");
        described.insert(title);
    }
    assert!(emitted.len() > 5, "{emitted:?}");
    assert_eq!(emitted, described);
}

/// The text of every source file below `directory`.
fn sources(directory: &Path, out: &mut String) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// Rules of the design are held by tests that it names; one that is renamed or gone would leave its rule unheld.
#[test]
fn the_tests_that_the_design_names_exist() {
    let mut all = String::new();
    for directory in ["core", "proto", "agent", "controller", "cli", "tests"] {
        sources(&root().join(directory), &mut all);
    }
    let design = std::fs::read_to_string(root().join("docs/design.md")).unwrap();
    let is_test = |word: &&str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        word.bytes().all(plain) && word.matches('_').count() >= 3
    };
    let named: Vec<&str> = design.split('`').filter(is_test).collect();
    assert!(named.len() > 30, "{named:?}");
    for name in named {
        assert!(all.contains(&format!("fn {name}(")), "{name}");
    }
}
