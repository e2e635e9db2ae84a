//! TLS tried from outside, with programs that are not ours; needs root for the lab, and Python's oracles.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    dead_code,
    reason = "tests state what they expect by failing, and show what the oracle said; not all of the operator's words are used"
)]

use std::path::{Path, PathBuf};

use netghost_lab::{Fleet, Kind};

use operator::{Answer, plan};

#[path = "support/operator.rs"]
mod operator;
#[path = "pypi/venv.rs"]
mod venv;

fn found() -> Fleet {
    Fleet::found(&plan(&[Kind::Netns])).unwrap()
}

/// The directory of the controller's authority, and the file of the admin's identity.
fn places(fleet: &Fleet) -> (PathBuf, PathBuf) {
    let home = fleet.controller_vm().unwrap().home();
    let contexts = home.join("ada/config/netghost/contexts");
    let mut all = std::fs::read_dir(&contexts)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let context = all.next().unwrap();
    assert!(all.next().is_none(), "one context");
    (
        fleet.controller_directory().unwrap().join("pki"),
        context.join("identity.pem"),
    )
}

/// Runs `openssl s_client` against the controller in its namespace, with a line to send; status and all that it said.
fn s_client(fleet: &Fleet, words: &[&str]) -> Answer {
    let address = fleet.address().to_string();
    let vm = fleet.controller_vm().unwrap();
    // A moment for what a server may send after the handshake: tickets come then.
    let script = "(sleep 1) | openssl s_client -connect \"$@\" 2>&1";
    let argv: Vec<&str> = ["sh", "-c", script, "sh", &address]
        .iter()
        .chain(words)
        .copied()
        .collect();
    Answer::from(vm.exec(&argv).unwrap())
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn root_openssl_finds_tls_1_3_and_no_resumption() {
    let fleet = found();
    let (pki, identity) = places(&fleet);
    let (ca, identity) = (text(&pki.join("ca.pem")), text(&identity));
    let us = [
        "-CAfile", &ca, "-cert", &identity, "-key", &identity, "-alpn", "h2",
    ];
    let session = text(&fleet.controller_vm().unwrap().home().join("session"));
    let with = |more: &[&str]| s_client(&fleet, &[&us[..], more].concat());
    let good = with(&["-tls1_3", "-sess_out", &session]);
    assert!(good.stdout.contains("New, TLSv1.3"), "{good:?}");
    assert!(good.stdout.contains("ALPN protocol: h2"), "{good:?}");
    assert!(good.stdout.contains("Verify return code: 0 (ok)"), "{good:?}");
    assert!(!good.stdout.contains("New Session Ticket"), "{good:?}");
    assert!(
        good.stdout.contains("Max Early Data: 0") || !good.stdout.contains("Early data was accepted"),
        "{good:?}"
    );
    // Without a ticket there is no session to go on with; whatever openssl kept, the next connection is new.
    if Path::new(&session).exists() {
        let again = with(&["-tls1_3", "-sess_in", &session]);
        assert!(
            again.stdout.contains("New, TLSv1.3") && !again.stdout.contains("Reused"),
            "{again:?}"
        );
    }
    let again = with(&["-tls1_3", "-reconnect"]);
    assert!(!again.stdout.contains("Reused"), "{again:?}");
    for older in ["-tls1_2", "-tls1_1", "-tls1"] {
        let refused = with(&[older, "-cipher", "ALL:@SECLEVEL=0"]);
        assert!(
            refused.stdout.contains("Cipher is (NONE)"),
            "{older}: {refused:?}"
        );
        assert!(
            !refused.stdout.contains("ALPN protocol: h2"),
            "{older}: {refused:?}"
        );
    }
}

#[test]
fn root_openssl_checks_the_name() {
    let fleet = found();
    let (pki, identity) = places(&fleet);
    let (ca, identity) = (text(&pki.join("ca.pem")), text(&identity));
    let us = [
        "-CAfile",
        &ca,
        "-cert",
        &identity,
        "-key",
        &identity,
        "-alpn",
        "h2",
        "-verify_return_error",
    ];
    let ip = fleet.address().ip().to_string();
    let right = s_client(&fleet, &[&us[..], &["-verify_ip", &ip]].concat());
    assert!(right.stdout.contains("Verify return code: 0 (ok)"), "{right:?}");
    for wrong in [
        ["-verify_ip", "10.77.0.99"],
        ["-verify_hostname", "elsewhere.example"],
    ] {
        let refused = s_client(&fleet, &[&us[..], &wrong].concat());
        assert!(refused.stdout.contains("mismatch"), "{refused:?}");
    }
    // Other protocols than HTTP/2 have nothing to say here.
    let other = s_client(
        &fleet,
        &[
            "-CAfile", &ca, "-cert", &identity, "-key", &identity, "-alpn", "http/1.1",
        ],
    );
    assert!(!other.stdout.contains("ALPN protocol: http/1.1"), "{other:?}");
}

#[test]
fn root_pypi_grpcio_is_refused_without_the_right_certificate() {
    let fleet = found();
    let (pki, identity) = places(&fleet);
    let python = text(venv::python());
    let script = text(&Path::new(env!("CARGO_MANIFEST_DIR")).join("python/grpc_outside.py"));
    let address = fleet.address().to_string();
    let (pki, identity) = (text(&pki), text(&identity));
    let argv = [&*python, &script, &address, &pki, &identity, "netghost.internal"];
    let limits = netghost_lab::Limits {
        time: std::time::Duration::from_secs(120),
        ..netghost_lab::Limits::default()
    };
    let answer = Answer::from(
        fleet
            .controller_vm()
            .unwrap()
            .exec_within(&argv, b"", limits)
            .unwrap(),
    );
    println!("{}", answer.said());
    assert_eq!(answer.status, 0, "{answer:?}");
    // The controller still has all its wits.
    Answer::from(fleet.netghost(&["controller", "status"]).unwrap()).with(0);
    Answer::from(fleet.netghost(&["audit", "verify"]).unwrap()).with(0);
}
