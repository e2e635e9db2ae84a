//! Throw-away namespaces, as other crates' tests use them.

use std::net::{TcpListener, TcpStream};

use netghost_lab::netns::Namespace;
use netghost_lab::run::Status;

fn own_link() -> String {
    format!("{:?}", std::fs::read_link("/proc/thread-self/ns/net"))
}

#[test]
fn root_a_new_namespace_holds_only_lo() {
    let namespace = Namespace::new().unwrap();
    let links = namespace.must(&["ip", "-o", "link"]).unwrap().text();
    assert_eq!(links.lines().count(), 1, "{links}");
    assert!(links.contains("lo: <LOOPBACK,UP"), "{links}");
}

#[test]
fn root_exec_gives_status_and_streams() {
    let namespace = Namespace::new().unwrap();
    let output = namespace
        .exec_with_input(&["sh", "-c", "cat; echo no >&2; exit 3"], b"in")
        .unwrap();
    assert_eq!(
        (output.status, &*output.stdout, &*output.stderr),
        (Status::Exited(3), &b"in"[..], &b"no\n"[..])
    );
    assert!(namespace.must(&["false"]).is_err());
    assert!(namespace.exec(&["/nonexistent"]).is_err());
}

#[test]
fn root_enter_moves_a_thread_and_only_that() {
    let namespace = Namespace::new().unwrap();
    let before = own_link();
    assert!(before.contains("net:["), "{before}");
    let inside = namespace.enter(own_link).unwrap();
    assert_ne!(before, inside);
    assert_eq!(before, own_link());
    let listener = namespace
        .enter(|| TcpListener::bind("127.0.0.1:5001"))
        .unwrap()
        .unwrap();
    let address = listener.local_addr().unwrap();
    assert!(TcpStream::connect(address).is_err(), "the socket is inside only");
    assert!(namespace.enter(|| TcpStream::connect(address)).unwrap().is_ok());
}

#[test]
#[should_panic(expected = "seen outside")]
fn root_a_panic_inside_is_seen_outside() {
    let namespace = Namespace::new().unwrap();
    namespace.enter(|| panic!("seen outside")).unwrap();
}

#[test]
fn root_namespaces_do_not_share_rules() {
    let (first, second) = (Namespace::new().unwrap(), Namespace::new().unwrap());
    let rules = "table inet t { chain c { type filter hook input priority 0; drop; }; }\n";
    first
        .exec_with_input(&["nft", "-f", "-"], rules.as_bytes())
        .unwrap()
        .ok(&["nft"])
        .unwrap();
    assert!(
        first
            .must(&["nft", "list", "ruleset"])
            .unwrap()
            .text()
            .contains("table inet t")
    );
    assert_eq!(second.must(&["nft", "list", "ruleset"]).unwrap().text(), "");
}

#[test]
fn root_a_named_namespace_goes_with_its_value() {
    let name = format!("ngl-test-{}", std::process::id());
    let namespace = Namespace::named(&name).unwrap();
    assert!(Namespace::named(&name).is_err(), "the name is taken");
    assert!(std::path::Path::new("/run/netns").join(&name).exists());
    drop(namespace);
    assert!(!std::path::Path::new("/run/netns").join(&name).exists());
}
