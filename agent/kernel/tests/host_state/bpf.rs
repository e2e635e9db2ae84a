//! Programs of two instructions, loaded and attached here.
#![allow(unsafe_code, reason = "bpf has no call in the standard library")]

use std::fs::{self, File};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::PathBuf;

use netghost_core::section::SectionName::Bpf;
use netghost_core::section::{Section, State};
use netghost_lab::Namespace;
use rustix::process::Uid;
use rustix::thread::set_thread_uid;

use super::{captured, changes, fact, facts, namespace, now_us, printed, shown};

const LOAD: libc::c_int = 5;
const ATTACH: libc::c_int = 8;
const DETACH: libc::c_int = 9;
const LINK: libc::c_int = 28;

const SCHED_CLS: u32 = 3;
const XDP: u32 = 6;
const CGROUP_SKB: u32 = 8;
const SK_LOOKUP: u32 = 30;
const NETFILTER: u32 = 32;

/// Fields of `union bpf_attr` by their offsets.
fn call(command: libc::c_int, fields: &[(usize, &[u8])]) -> i32 {
    let mut attributes = [0u8; 128];
    for (at, bytes) in fields {
        attributes[*at..*at + bytes.len()].copy_from_slice(bytes);
    }
    // SAFETY: the attributes are 128 bytes, and what they point to lives in the caller.
    let mut call =
        || unsafe { libc::syscall(libc::SYS_bpf, command, attributes.as_mut_ptr(), attributes.len()) };
    let mut result = call();
    // A link that was closed is let go of a little later.
    for _ in 0..100 {
        if result >= 0 || std::io::Error::last_os_error().raw_os_error() != Some(libc::EBUSY) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
        result = call();
    }
    assert!(result >= 0, "bpf {command}: {}", std::io::Error::last_os_error());
    i32::try_from(result).unwrap()
}

fn owned(fd: i32) -> OwnedFd {
    // SAFETY: the kernel just gave it to us.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

fn number(value: u32) -> [u8; 4] {
    value.to_ne_bytes()
}

fn handle(fd: &impl AsRawFd) -> [u8; 4] {
    fd.as_raw_fd().to_ne_bytes()
}

/// `return answer`.
fn program(kind: u32, attach_type: u32, name: &[u8], answer: u32) -> OwnedFd {
    let [first, second, third, fourth] = answer.to_ne_bytes();
    let code: [u8; 16] = [
        0xb7, 0, 0, 0, first, second, third, fourth, 0x95, 0, 0, 0, 0, 0, 0, 0,
    ];
    let license = b"GPL\0";
    let address = |bytes: &[u8]| u64::try_from(bytes.as_ptr().addr()).unwrap().to_ne_bytes();
    owned(call(
        LOAD,
        &[
            (0, &number(kind)),
            (4, &number(2)),
            (8, &address(&code)),
            (16, &address(license)),
            (48, name),
            (68, &number(attach_type)),
        ],
    ))
}

/// Attached for as long as the descriptor lives.
fn link(program: &OwnedFd, target: [u8; 4], attach_type: u32, further: &[(usize, &[u8])]) -> OwnedFd {
    let mut fields = vec![(0, handle(program)), (4, target), (8, number(attach_type))];
    let further: Vec<(usize, &[u8])> = further.to_vec();
    let mut all: Vec<(usize, &[u8])> = fields.iter().map(|(at, bytes)| (*at, bytes.as_slice())).collect();
    all.extend(further);
    let link = owned(call(LINK, &all));
    fields.clear();
    link
}

fn index(namespace: &Namespace) -> [u8; 4] {
    number(
        printed(namespace, "ip -o link show v0 | cut -d: -f1")
            .parse()
            .unwrap(),
    )
}

/// Without what another test attaches meanwhile where all namespaces share it.
fn own(before: &Section, after: &Section) -> Vec<String> {
    let mut own = changes(before, after);
    own.retain(|line| !line.contains("/cgroup/") && !line.contains("/netfilter/"));
    own
}

#[test]
fn root_reads_programs_at_links_and_in_the_namespace() {
    let namespace = namespace("ip link add v0 type veth peer name v1");
    let before = captured(&namespace, Bpf);
    let target = index(&namespace);
    let attach = || {
        let xdp = program(XDP, 0, b"pass_all", 2);
        let lookup = program(SK_LOOKUP, 36, b"lookup", 1);
        let own = File::open("/proc/thread-self/ns/net").unwrap();
        vec![
            link(&xdp, target, 37, &[(12, &number(2))]),
            link(&lookup, handle(&own), 36, &[]),
        ]
    };
    let held = namespace.enter(attach).unwrap();
    let after = captured(&namespace, Bpf);
    let config = facts(&after).0;
    let xdp = fact(config, "bpf/xdp/v0/generic").to_string();
    assert!(
        xdp.starts_with("bpf xdp v0 generic type xdp name pass_all tag "),
        "{xdp}"
    );
    let listed = printed(&namespace, "ip -d link show v0");
    let tag = xdp.rsplit(' ').next().unwrap();
    assert!(listed.contains(&format!("tag {tag}")), "{listed}");
    assert!(
        fact(config, "bpf/sk_lookup/1")
            .to_string()
            .contains("type sk_lookup name lookup")
    );
    let added = own(&before, &after);
    assert_eq!(
        added,
        ["fact_added bpf/sk_lookup/1", "fact_added bpf/xdp/v0/generic"]
    );
    drop(held);
    // Loaded again: another id, the same program.
    let held = namespace.enter(attach).unwrap();
    assert_eq!(own(&after, &captured(&namespace, Bpf)), [""; 0]);
    drop(held);
    let gone = || own(&before, &captured(&namespace, Bpf)).is_empty();
    assert!(soon(gone), "what was detached is gone");
}

/// True within two seconds: the kernel lets go of a closed link a little later.
fn soon(mut there: impl FnMut() -> bool) -> bool {
    (0..100).any(|_| {
        let there = there();
        if !there {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        there
    })
}

#[test]
fn root_reads_tcx_in_its_order() {
    let namespace = namespace("ip link add v0 type veth peer name v1");
    let target = index(&namespace);
    let attach = || {
        let one = program(SCHED_CLS, 46, b"one", 0);
        let two = program(SCHED_CLS, 46, b"two", u32::MAX);
        vec![link(&one, target, 46, &[]), link(&two, target, 46, &[])]
    };
    let held = namespace.enter(attach).unwrap();
    let section = captured(&namespace, Bpf);
    let config = facts(&section).0;
    assert!(
        fact(config, "bpf/tcx-ingress/v0/1")
            .to_string()
            .contains(" name one ")
    );
    assert!(
        fact(config, "bpf/tcx-ingress/v0/2")
            .to_string()
            .contains(" name two ")
    );
    drop(held);
}

/// Control groups and links of netfilter are the host's, whatever the namespace: only what bears our name is looked at.
#[test]
fn root_reads_programs_at_control_groups_and_in_netfilter() {
    let namespace = namespace("ip link set lo up");
    let root = printed(
        &namespace,
        "awk '$3 == \"cgroup2\" { print $2; exit }' /proc/mounts",
    );
    let name = format!("netghost-test-{}", std::process::id());
    let group = PathBuf::from(root).join(&name);
    fs::create_dir(&group).unwrap();
    let directory = File::open(&group).unwrap();
    let ours = |all: Vec<String>| -> Vec<String> {
        let mut all = all;
        all.retain(|line| line.contains(&name) || line.contains("name ng_test"));
        all
    };
    let pass = program(CGROUP_SKB, 1, b"ng_test", 1);
    let target = handle(&directory);
    call(
        ATTACH,
        &[
            (0, &target),
            (4, &handle(&pass)),
            (8, &number(1)),
            (12, &number(2)),
        ],
    );
    let filter = || {
        let accept = program(NETFILTER, 45, b"ng_test_nf", 1);
        link(
            &accept,
            number(0),
            45,
            &[(16, &number(2)), (20, &number(1)), (24, &(-77i32).to_ne_bytes())],
        )
    };
    let held = namespace.enter(filter).unwrap();
    let section = captured(&namespace, Bpf);
    let found = ours(shown(facts(&section).0));
    call(DETACH, &[(0, &target), (4, &handle(&pass)), (8, &number(1))]);
    drop(held);
    let gone = soon(|| ours(shown(facts(&captured(&namespace, Bpf)).0)).is_empty());
    fs::remove_dir(&group).unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    let expected = format!("bpf cgroup /{name} inet_egress 1 type cgroup_skb name ng_test tag ");
    assert!(
        found[0].starts_with(&expected) && found[0].ends_with(" below multi"),
        "{found:?}"
    );
    assert!(
        found[1].starts_with("bpf netfilter ipv4 input -77 type netfilter name ng_test_nf tag "),
        "{found:?}"
    );
    assert!(gone, "what was detached is gone");
}

#[test]
fn root_says_what_privilege_hides() {
    let namespace = namespace("ip link set lo up");
    let unprivileged = || {
        // Only this thread changes, and it ends with the closure.
        set_thread_uid(Uid::from_raw(65534)).unwrap();
        netghost_kernel::capture(&[Bpf], &now_us).remove(0)
    };
    let section = namespace.enter(unprivileged).unwrap();
    assert!(
        matches!(&section.state, State::Unreadable { why } if why.contains("run as root")),
        "{:?}",
        section.state
    );
}
