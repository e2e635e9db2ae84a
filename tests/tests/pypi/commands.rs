//! Documents as the commands write them.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use netghost_cli::world::World;
use netghost_core::snapshot::Snapshot;

use super::sample;

/// Whether the host that is read has changed since it was sealed.
static CHANGED: AtomicBool = AtomicBool::new(false);

fn host() -> Snapshot {
    if CHANGED.load(Ordering::SeqCst) {
        sample::changed()
    } else {
        sample::snapshot()
    }
}

/// A world whose host is the sample and whose store is in `place`.
fn world(place: &Path) -> World {
    World {
        now_us: || 1_795_375_421_000_000,
        capture: Box::new(|names| {
            let mut sections = host().sections;
            sections.retain(|section| names.contains(&section.name));
            sections
        }),
        target: || host().target,
        state_home: Some(place.join("state")),
        home: None,
    }
}

/// Runs a command that must end with `status`; its document goes to `out`.
fn run(place: &Path, out: &Path, status: u8, line: &str) {
    let path = |word: &str| OsString::from(word.replace('@', &format!("{}/", place.display())));
    let words = ["netghost"].into_iter().chain(line.split_whitespace()).map(path);
    let output = ["-o", "json", "--out"].map(OsString::from);
    let all = words.chain(output).chain([out.as_os_str().to_owned()]).collect();
    let ended = netghost_cli::run(all, &world(place));
    assert_eq!(ended as u8, status, "{line}");
}

/// Writes one document of each kind and verdict into `directory`; `place` holds what the commands read and keep.
#[allow(clippy::too_many_lines, reason = "a list of commands, one after the other")]
pub(crate) fn write(place: &Path, directory: &Path) {
    let rules = |name: &str, text: &str| std::fs::write(place.join(name), text).unwrap();
    rules(
        "one.txt",
        "*filter\n:INPUT ACCEPT [0:0]\n:web - [0:0]\n-A INPUT -j web\nCOMMIT\n",
    );
    rules(
        "two.txt",
        "*filter\n:INPUT DROP [0:0]\n:own - [0:0]\n-A INPUT -p tcp -j own\nCOMMIT\n*raw\nCOMMIT\n",
    );
    rules("empty.txt", "");
    let number = std::cell::Cell::new(10);
    let run = |kind: &str, status, line: &str| {
        number.set(number.get() + 1);
        let name = format!("{kind}.{}.json", number.get());
        run(place, &directory.join(name), status, line);
    };
    CHANGED.store(false, Ordering::SeqCst);
    run(
        "snapshot",
        3,
        "host capture --save before --asked-by ada --ticket CHG-1 --note read",
    );
    let (whole, mute) = ("--section nftables", "--mute web* --mute INPUT");
    run(
        "diff",
        0,
        &format!("host diff before {whole} --certificate @same.dsse.json"),
    );
    run("diff", 3, "host diff before");
    CHANGED.store(true, Ordering::SeqCst);
    run(
        "diff",
        1,
        &format!("host diff before {mute} --save after --certificate @drift.dsse.json"),
    );
    run("diff", 1, "firewall diff @one.txt @two.txt");
    run("diff", 1, &format!("firewall diff @one.txt @two.txt {mute}"));
    run("diff", 3, "firewall diff @one.txt @empty.txt");
    run(
        "seal",
        0,
        "seal @one.txt @two.txt --name rules --note two --certificate @rules.dsse.json",
    );
    let key = std::fs::read_dir(place.join("state/netghost/keys")).unwrap();
    let mut keys = key.map(|entry| entry.unwrap().path().display().to_string());
    let key = keys.find(|path| path.ends_with(".pub.pem")).unwrap();
    run(
        "verification",
        0,
        &format!("verify @same.dsse.json --key {key} --require no_drift"),
    );
    run(
        "verification",
        1,
        &format!("verify @drift.dsse.json --key {key} --require no_drift"),
    );
    run(
        "verification",
        1,
        &format!("verify @rules.dsse.json --key {key} --subject @empty.txt"),
    );
    run("certificate", 0, "certificate show @drift.dsse.json");
    run("certificate", 0, "certificate show @rules.dsse.json");
    let other = place.join("other.pem");
    let signer = netghost_core::artifact::key::Signer::from_seed(&[9; 32]).unwrap();
    std::fs::write(&other, signer.public().to_pem().unwrap()).unwrap();
    run("verification", 1, "verify @drift.dsse.json --key @other.pem");
    error(
        &directory.join("error.1.json"),
        &["verify", "missing.json", "--key", "missing.pem"],
    );
    error(
        &directory.join("error.2.json"),
        &["host", "diff", "a/../b", "nope nope"],
    );
    error(&directory.join("error.3.json"), &["firewall"]);
}

/// What the program writes to standard error. It is built beside this test.
fn error(to: &Path, line: &[&str]) {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().unwrap().parent().unwrap().join("netghost");
    let output = Command::new(&program).args(line).args(["-o", "json"]).output();
    let output = output
        .unwrap_or_else(|error| panic!("{}: {error}: run `cargo build --bins` first", program.display()));
    assert!(!output.status.success() && output.stdout.is_empty(), "{line:?}");
    std::fs::write(to, output.stderr).unwrap();
}
