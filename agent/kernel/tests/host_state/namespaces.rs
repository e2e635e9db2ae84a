//! Other namespaces of this host. Tests beside this one make some too: only our own is looked at.

use netghost_core::section::SectionName::{Links, Namespaces};
use netghost_core::section::State;
use netghost_kernel::namespaces::{list, within};
use netghost_lab::Namespace;

use super::{facts, now_us, printed, read, shown};

#[test]
fn root_finds_a_named_namespace_and_reads_inside_it() {
    let name = format!("ng-test-{}", std::process::id());
    let named = Namespace::named(&name).unwrap();
    named
        .must(&["ip", "link", "add", "inside0", "type", "ifb"])
        .unwrap();
    let here = Namespace::new().unwrap();
    let section = read(&here, Namespaces);
    assert!(
        shown(facts(&section).0).contains(&format!("namespace {name}")),
        "{section:?}"
    );
    assert!(
        section
            .gaps
            .iter()
            .any(|gap| gap.path == format!("namespace/{name}")),
        "what is not read is not nothing: {:?}",
        section.gaps
    );
    assert!(matches!(section.state, State::Unreadable { .. }));
    let listed = list().unwrap();
    let found = listed
        .namespaces
        .iter()
        .find(|found| found.name() == Some(name.as_ref()))
        .unwrap();
    assert!(!found.own && listed.namespaces.iter().filter(|found| found.own).count() == 1);
    let inode = printed(&here, &format!("stat -L -c %i /run/netns/{name}"));
    assert_eq!(found.inode.to_string(), inode);
    let inside = || netghost_kernel::capture(&[Links], &now_us).remove(0);
    let links = within(found, inside).unwrap();
    assert!(format!("{:?}", links.content).contains("inside0"));
    let outside = read(&here, Links);
    assert!(
        !format!("{:?}", outside.content).contains("inside0"),
        "only a thread of its own moved"
    );
    drop(named);
    assert!(within(found, || ()).is_err(), "it is gone");
    assert!(!shown(facts(&read(&here, Namespaces)).0).contains(&format!("namespace {name}")));
}

#[test]
fn root_finds_the_namespace_of_a_process() {
    let here = Namespace::new().unwrap();
    let mut command = std::process::Command::new("sleep");
    command.arg("30");
    let mut sleeper = here.spawn(command).unwrap();
    let inode = printed(&here, "stat -L -c %i /proc/self/ns/net");
    let listed = list().unwrap();
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    let found = listed
        .namespaces
        .iter()
        .find(|found| found.inode.to_string() == inode)
        .unwrap();
    assert_eq!((found.processes, found.name()), (1, None));
}
