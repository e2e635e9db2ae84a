//! Other namespaces of this host. Tests beside this one make some too: only our own is looked at.

use netghost_core::bytes::Text;
use netghost_core::namespace::{self as core, Asked, Namespaces};
use netghost_core::section::SectionName::{self, Links, Nftables};
use netghost_core::section::State;
use netghost_kernel::namespaces::{Doors, FindError, find, list, read_others, within};
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
    let section = read(&here, SectionName::Namespaces);
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
    assert!(!shown(facts(&read(&here, SectionName::Namespaces)).0).contains(&format!("namespace {name}")));
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

fn names(tail: &str) -> (String, Text) {
    let name = format!("ng-{tail}-{}", std::process::id());
    (name.clone(), Text::from(name))
}

fn others(asked: &Asked) -> Namespaces {
    read_others(asked, (&[Links, Nftables], Doors::Named), &now_us, &|| None)
}

fn shows(namespace: &core::Namespace, what: &str) -> bool {
    let section = namespace.section(Nftables).unwrap();
    assert_eq!(section.state, State::Captured, "{:?}", namespace.state);
    format!("{:?}", section.content).contains(what)
}

#[test]
fn root_each_namespace_is_read_with_its_own_rules() {
    let ((one, one_name), (two, two_name)) = (names("one"), names("two"));
    let (first, second) = (Namespace::named(&one).unwrap(), Namespace::named(&two).unwrap());
    first.must(&["nft", "add", "table", "inet", "of_one"]).unwrap();
    second.must(&["nft", "add", "table", "inet", "of_two"]).unwrap();
    let asked = find(&[one.clone(), format!("/run/netns/{two}")]).unwrap();
    assert_eq!(asked, Asked::named([one_name.clone(), two_name.clone()]));
    let read = others(&asked);
    assert_eq!(read.all.len(), 2);
    assert!(read.is_known() && read.why.is_none(), "{:?}", read.missing());
    assert!(shows(read.find(&one_name).unwrap(), "of_one"));
    assert!(!shows(read.find(&one_name).unwrap(), "of_two"));
    assert!(shows(read.find(&two_name).unwrap(), "of_two"));
    let all = others(&Asked::All);
    assert!(shows(all.find(&one_name).unwrap(), "of_one") && all.find(&two_name).is_some());
    let here = first.enter(|| (find(&[one]), others(&Asked::All))).unwrap();
    assert!(matches!(here.0, Err(FindError::Own { .. })));
    assert!(here.1.find(&one_name).is_none(), "it is the caller's own");
    let outer = list()
        .unwrap()
        .namespaces
        .into_iter()
        .find(|there| there.own)
        .unwrap();
    assert!(here.1.find(&outer.known_as).is_some(), "that of the host");
    drop(second);
    let fewer = others(&asked);
    assert_eq!(fewer.all.len(), 1);
    assert_eq!(fewer.why, None, "a name that is not there is not hidden either");
}

#[test]
fn root_a_namespace_that_goes_while_the_host_is_read_is_named_as_gone() {
    let ((early, early_name), (late, late_name)) = (names("gone-a"), names("gone-b"));
    let mut there = vec![
        Namespace::named(&early).unwrap(),
        Namespace::named(&late).unwrap(),
    ];
    let asked = find(&[early, late]).unwrap();
    let there = std::cell::RefCell::new(&mut there);
    let calls = std::cell::Cell::new(0);
    // Before the second is read, both are taken away: one was read, the other not yet.
    let stop = || {
        calls.set(calls.get() + 1);
        if calls.get() == 2 {
            there.borrow_mut().clear();
        }
        None
    };
    let read = read_others(&asked, (&[Links], Doors::Named), &now_us, &stop);
    assert_eq!(read.all.len(), 2, "never absent");
    for name in [early_name, late_name] {
        let namespace = read.find(&name).unwrap();
        assert_eq!(namespace.state.word(), "gone", "{:?}", namespace.state);
        assert!(namespace.sections.is_empty());
    }
    assert!(!read.is_known());
}

#[test]
fn root_what_is_not_read_says_why() {
    let (name, as_text) = names("unread");
    let _there = Namespace::named(&name).unwrap();
    let asked = find(&[name]).unwrap();
    let stop = || Some("the time is up".to_owned());
    let read = read_others(&asked, (&[Links], Doors::Named), &now_us, &stop);
    let namespace = read.find(&as_text).unwrap();
    assert_eq!(
        (namespace.state.word(), namespace.state.why()),
        ("unread", Some("the time is up"))
    );
}

#[test]
fn root_a_word_that_means_no_namespace_is_refused_with_what_there_is() {
    let (name, _) = names("known");
    let _there = Namespace::named(&name).unwrap();
    let error = find(&["no-such-namespace".to_owned()]).unwrap_err().to_string();
    assert!(
        error.contains("no-such-namespace") && error.contains(&name),
        "{error}"
    );
    for (word, expected) in [
        ("/etc/passwd", "NotOne"),
        ("/no/such/file", "File"),
        ("../run/netns/x", "File"),
    ] {
        let error = format!("{:?}", find(&[word.to_owned()]).unwrap_err());
        assert!(error.starts_with(expected), "{word}: {error}");
    }
}

/// A pipe waits for a writer, and a namespace of another kind holds no firewall.
#[test]
fn root_what_only_looks_like_a_namespace_is_refused_and_not_waited_for() {
    let pipe = std::env::temp_dir().join(format!("ng-pipe-{}", std::process::id()));
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let shown = pipe.display().to_string();
    let (told, wait) = std::sync::mpsc::channel();
    let words = [
        shown.as_str(),
        "/dev/ptmx",
        "/proc/self/ns/user",
        "/proc/self/ns/mnt",
        "/proc/self/fdinfo",
    ];
    let words = words.map(str::to_owned);
    let asked = Asked::named([Text::from(shown.as_str())]);
    std::thread::spawn(move || {
        for word in words {
            let found = format!("{:?}", find(std::slice::from_ref(&word)).unwrap_err());
            told.send((word, found)).unwrap();
        }
        let read = read_others(&asked, (&[Links], Doors::Named), &now_us, &|| None);
        told.send(("read".to_owned(), format!("{:?}", read.all))).unwrap();
    });
    let answers: Vec<(String, String)> = (0..6)
        .map_while(|_| wait.recv_timeout(std::time::Duration::from_secs(20)).ok())
        .collect();
    std::fs::remove_file(&pipe).unwrap();
    assert_eq!(answers.len(), 6, "{answers:?}");
    for (word, found) in &answers[..5] {
        assert!(found.starts_with("NotOne"), "{word}: {found}");
    }
    assert_eq!(answers[5].1, "[]");
}

/// A file that can't be looked at may be a namespace: the list without it is not whole.
#[test]
fn root_a_named_file_that_can_not_be_seen_is_not_absent() {
    let path = std::env::temp_dir().join(format!("ng-loop-{}", std::process::id()));
    std::os::unix::fs::symlink(&path, &path).unwrap();
    let name = Text::from(path.display().to_string());
    let read = |name: Text| {
        let asked = Asked::named([name]);
        read_others(&asked, (&[Links], Doors::Named), &now_us, &|| None)
    };
    let unseen = read(name);
    std::fs::remove_file(&path).unwrap();
    assert!(unseen.all.is_empty());
    assert!(unseen.why.is_some_and(|why| why.contains("processes or files")));
}

/// A name can go to another namespace between looking and entering.
#[test]
fn root_another_namespace_in_the_place_of_one_is_not_entered() {
    let (name, as_text) = names("place");
    let _there = Namespace::named(&name).unwrap();
    let mut all = list().unwrap().namespaces.into_iter();
    let found = all.find(|namespace| namespace.known_as == as_text).unwrap();
    assert!(within(&found, || ()).is_ok());
    let mut stale = found.clone();
    stale.inode += 1;
    let error = within(&stale, || ()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    // Something that is no namespace any more.
    stale.door = "/dev/null".into();
    assert_eq!(
        within(&stale, || ()).unwrap_err().kind(),
        std::io::ErrorKind::NotFound
    );
}

/// A caller whose words are not opened as files gets only what is on the list.
#[test]
fn root_no_file_is_opened_that_is_not_on_the_list() {
    let here = Namespace::new().unwrap();
    let path = std::env::temp_dir().join(format!("ng-door-{}", std::process::id()));
    std::fs::write(&path, b"").unwrap();
    let shown = path.display().to_string();
    let mount = format!("mount --bind /proc/self/ns/net {shown}");
    here.must(&["sh", "-c", &mount]).unwrap();
    drop(here);
    let asked = Asked::named([Text::from(shown.as_str())]);
    let read = |doors| read_others(&asked, (&[Links], doors), &now_us, &|| None);
    let (named, listed) = (read(Doors::Named), read(Doors::Listed));
    let unmounted = std::process::Command::new("umount").arg(&path).status().unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(unmounted.success());
    assert_eq!(named.all.len(), 1, "{named:?}");
    assert_eq!(named.all[0].state.word(), "read");
    assert!(listed.all.is_empty());
}
