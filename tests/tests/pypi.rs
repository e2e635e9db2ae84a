//! Certificates and documents against implementations that we did not write, from the Python Package Index.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests state what they expect by failing, and show what the oracle said"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use netghost_core::artifact::certificate::{
    self, Changes, Comparison, CoveredSection, Drift, Muted, NotCovered, Predicate, Seal, SealKind,
    ShortChange, Statement, Subject,
};
use netghost_core::artifact::document::to_document;
use netghost_core::artifact::json::{self, Digest};
use netghost_core::artifact::key::Signer;
use netghost_core::artifact::manifest::{Meta, store};
use netghost_core::artifact::name::Name;
use netghost_core::bytes::{Big, Text};
use netghost_core::section::{Reader, SectionName};

#[path = "pypi/actions.rs"]
mod actions;
#[path = "pypi/azure.rs"]
mod azure;
#[path = "support/cloud.rs"]
mod cloud;
#[path = "pypi/commands.rs"]
mod commands;
#[path = "pypi/fleet.rs"]
mod fleet;
#[path = "pypi/programs.rs"]
mod programs;
#[path = "pypi/sample.rs"]
mod sample;
#[path = "pypi/venv.rs"]
mod venv;

/// An empty directory of this name under the build directory.
fn scratch(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(std::fs::remove_dir_all(&path));
    std::fs::create_dir_all(&path).unwrap();
    path
}

fn comparison(current: &[u8]) -> Comparison {
    let change = ShortChange {
        namespace: None,
        target: "vm-a".into(),
        section: SectionName::Nftables,
        kind: "rule_added".into(),
        path: "ip/filter/INPUT".into(),
    };
    Comparison {
        covered: vec![CoveredSection {
            namespace: None,
            way: None,
            target: Text::from(&b"vm\xff"[..]),
            section: SectionName::Nftables,
            reader: Reader::Kernel,
            baseline_config_digest: Some(Digest::of(b"a")),
            current_config_digest: Some(Digest::of(current)),
        }],
        not_covered: vec![NotCovered {
            namespace: None,
            target: "vm-a".into(),
            section: "xdp".into(),
            why: "no reader".into(),
            requested: false,
        }],
        changes: Changes {
            count: 1,
            digest: json::digest(&[&change]).unwrap(),
            list: vec![change],
        },
        muted: vec![Muted {
            namespace: None,
            maker: "docker".into(),
            target: "vm-a".into(),
            section: SectionName::Tc,
            count: 2,
        }],
        baseline_at_us: 1_700_000_000_000_000,
        current_at_us: u64::MAX,
        asked_by: Some("ada".into()),
        ticket: Some("CHG-1".into()),
        tool: "netghost 0.1.0".into(),
    }
}

fn statements() -> [(&'static str, Statement); 3] {
    let subject = vec![
        Subject::new("before", Digest::of(b"1")),
        Subject::new("after", Digest::of(b"2")),
    ];
    let drift = |current| Statement {
        subject: subject.clone(),
        predicate: Predicate::Drift(Box::new(Drift::new(comparison(current)))),
    };
    let seal = Seal {
        name: Name::parse("before").unwrap(),
        kind: SealKind::Baseline,
        sealed_at_us: Big(1),
        asked_by: None,
        ticket: None,
        note: Some("é \"quoted\"\n".into()),
        tool: "netghost 0.1.0".into(),
    };
    let seal = Statement {
        subject: subject.clone(),
        predicate: Predicate::Seal(seal),
    };
    [
        ("statement-drift.1", drift(b"b")),
        ("statement-drift.2", drift(b"a")),
        ("statement-seal.1", seal),
    ]
}

fn run(script: &str, arguments: &[&Path], more: &[String]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(script);
    let output = Command::new(venv::python())
        .arg(&script)
        .args(arguments)
        .args(more)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    println!("{}", String::from_utf8_lossy(&said));
}

#[test]
fn pypi_certificate_verified_by_securesystemslib() {
    let directory = scratch("certificates");
    let (ours, other) = (
        Signer::from_seed(&[1; 32]).unwrap(),
        Signer::from_seed(&[2; 32]).unwrap(),
    );
    for (name, signer) in [("key.pem", &ours), ("other.pem", &other)] {
        std::fs::write(directory.join(name), signer.public().to_pem().unwrap()).unwrap();
    }
    for (name, statement) in statements() {
        let certificate = certificate::sign(&statement, &ours).unwrap();
        std::fs::write(directory.join(format!("{name}.dsse.json")), certificate).unwrap();
    }
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    run("verify_dsse.py", &[&directory], &[now.subsec_nanos().to_string()]);
}

#[test]
fn pypi_documents_match_their_schemas() {
    let directory = scratch("documents");
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(directory.join(name), bytes).unwrap();
    let meta = Meta {
        name: Some(Name::parse("before").unwrap()),
        note: Some("a note".into()),
        ..Meta::default()
    };
    for (number, meta) in [meta, Meta::default()].iter().enumerate() {
        let snapshot = sample::snapshot();
        write(
            &format!("manifest.{number}.json"),
            store(&snapshot, meta).unwrap().manifest_bytes,
        );
        let document = to_document(&snapshot, meta).unwrap();
        write(
            &format!("snapshot.{number}.json"),
            serde_json::to_vec_pretty(&document).unwrap(),
        );
    }
    for (name, statement) in statements() {
        let signer = Signer::from_seed(&[1; 32]).unwrap();
        let envelope: serde_json::Value =
            serde_json::from_slice(&certificate::sign(&statement, &signer).unwrap()).unwrap();
        let payload = envelope["payload"].as_str().unwrap();
        let payload = base64::engine::general_purpose::STANDARD.decode(payload).unwrap();
        write(&format!("{name}.json"), payload);
    }
    let store = netghost_cli::store::Store::open(scratch("store"));
    store.rotate(1).unwrap();
    for (number, (key, _)) in store.published().unwrap().iter().enumerate() {
        let period = store.root().join(format!("keys/{}.json", key.id()));
        write(&format!("key.{number}.json"), std::fs::read(period).unwrap());
    }
    commands::write(&scratch("commands"), &directory);
    fleet::write(&directory);
    actions::write(&directory);
    programs::write(&scratch("programs"), &directory);
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schemas");
    run("check_schemas.py", &[&schemas, &directory], &[]);
}
