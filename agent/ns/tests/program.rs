//! The program as systemd starts it: a connection on its standard input.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what they expect by failing; clippy.toml reaches test functions, not what they call"
)]

use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use netghost_core::bytes::Text;
use netghost_core::namespace::Namespaces;
use netghost_core::section::SectionName::{Links, Nftables};
use netghost_lab::Namespace;
use netghost_ns::ask::{AskError, ask};
use netghost_ns::wire::{WireError, take, write_frame};
use rustix::process::Uid;
use rustix::thread::set_thread_uid;

/// Starts the program for a connection, as the socket unit does.
fn start(connection: UnixStream) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netghost-ns"));
    command.stdin(Stdio::from(OwnedFd::from(connection)));
    let mut child = command.spawn().unwrap();
    std::thread::spawn(move || child.wait());
}

fn said(bytes: &[u8]) -> Result<Namespaces, WireError> {
    let (mut here, there) = UnixStream::pair().unwrap();
    start(there);
    here.write_all(bytes).unwrap();
    take(&mut here)
}

fn asked(question: &str) -> Result<Namespaces, WireError> {
    let mut bytes = Vec::new();
    write_frame(&mut bytes, question.as_bytes()).unwrap();
    said(&bytes)
}

fn refused(question: &str) -> String {
    match asked(question) {
        Err(WireError::Refused { why }) => why,
        other => panic!("{question}: {other:?}"),
    }
}

fn question(sections: &str, namespaces: &str) -> String {
    format!(
        r#"{{"schema":"netghost.namespaces_request/v1","sections":{sections},"namespaces":{namespaces}}}"#
    )
}

/// A socket at which each connection starts the program.
fn listening(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("ng-ns-{name}-{}", std::process::id()));
    let listener = UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            start(connection.unwrap());
        }
    });
    path
}

#[test]
fn root_it_reads_a_namespace_for_whoever_asks_over_the_socket() {
    let name = format!("ng-ns-read-{}", std::process::id());
    let there = Namespace::named(&name).unwrap();
    there.must(&["nft", "add", "table", "inet", "inside_it"]).unwrap();
    let path = listening("read");
    let read = ask(&path, &[Links, Nftables]).unwrap();
    std::fs::remove_file(&path).unwrap();
    let found = read.find(&Text::from(name)).unwrap();
    assert_eq!(found.state.word(), "read");
    assert!(format!("{:?}", found.section(Nftables).unwrap().content).contains("inside_it"));
}

#[test]
fn root_nothing_else_is_answered() {
    let sections = r#"["links"]"#;
    for (question, words) in [
        (
            question(sections, r#"{"named":["/etc/passwd"]}"#),
            "no network namespace /etc/passwd",
        ),
        (
            question(sections, r#"{"named":["/proc/1/ns/net"]}"#),
            "no network namespace",
        ),
        (
            question(sections, r#"{"named":["no-such"]}"#),
            "no network namespace no-such",
        ),
        (
            question(r#"["security-labels"]"#, r#""all""#),
            "no section of a namespace",
        ),
        (question(r#"["shadow"]"#, r#""all""#), "not the question"),
        (question(sections, r#""all","path":"/x""#), "not the question"),
        (
            question(sections, r#""all""#).replace("v1", "v2"),
            "not a netghost",
        ),
        ("GET / HTTP/1.1".to_owned(), "not the question"),
        (String::new(), "not the question"),
    ] {
        let why = refused(&question);
        assert!(why.contains(words), "{question}: {why}");
    }
    let why = said(&u32::MAX.to_be_bytes()).unwrap_err().to_string();
    assert!(why.contains("more than"), "{why}");
}

#[test]
fn root_another_user_is_refused() {
    let path = listening("user");
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let other = std::thread::spawn({
        let path = path.clone();
        move || {
            // Of this thread alone, which ends here.
            set_thread_uid(Uid::from_raw(65_534)).unwrap();
            ask(&path, &[Links])
        }
    });
    let answer = other.join().unwrap();
    std::fs::remove_file(&path).unwrap();
    let said = answer.unwrap_err().to_string();
    assert!(said.contains("user 65534 may not ask"), "{said}");
}

#[test]
fn where_nobody_listens_it_is_not_enabled() {
    let error = ask(Path::new("/nonexistent/socket"), &[Links]).unwrap_err();
    assert!(matches!(error, AskError::NotEnabled), "{error:?}");
    let output = Command::new(env!("CARGO_BIN_EXE_netghost-ns"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}
