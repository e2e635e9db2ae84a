//! The kernel's notices, as programs change things in a namespace.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests state what they expect by failing; clippy.toml reaches test functions, not what they call"
)]

use std::time::{Duration, Instant};

use netghost_core::section::SectionName;
use netghost_kernel::watch::{Heard, Watch};
use netghost_lab::netns::Namespace;

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

/// Waits for this section; what else is heard on the way, the neighbours of a new link say, does not matter.
fn hears(watch: &mut Watch, section: SectionName) -> Heard {
    let deadline = soon();
    loop {
        let heard = watch.wait(deadline).unwrap();
        if heard.sections.contains(&section) {
            return heard;
        }
        assert!(Instant::now() < deadline, "{section} was not heard of");
    }
}

#[test]
fn root_changes_are_heard_and_who_made_them() {
    let namespace = Namespace::new().unwrap();
    namespace
        .must(&["ip", "link", "add", "v0", "type", "veth", "peer", "name", "w0"])
        .unwrap();
    let mut watch = namespace.enter(|| Watch::open().unwrap()).unwrap();
    let silence = watch.wait(Instant::now() + Duration::from_millis(200)).unwrap();
    assert_eq!(silence, Heard::default());

    namespace.must(&["nft", "add", "table", "inet", "t"]).unwrap();
    let heard = hears(&mut watch, SectionName::Nftables);
    let programs: Vec<_> = heard
        .programs
        .iter()
        .map(|program| program.name.to_string())
        .collect();
    assert_eq!(programs, ["nft"]);
    assert!(heard.programs.iter().all(|program| program.pid > 1));

    for (argv, section) in [
        ("ip address add 10.0.0.1/24 dev v0", SectionName::Addresses),
        ("ip link set v0 up", SectionName::Links),
        ("ip route add 192.0.2.0/24 dev v0", SectionName::Routes),
        ("ip rule add from 10.9.0.0/16 table 7", SectionName::PolicyRules),
        (
            "ip neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev v0",
            SectionName::Neighbours,
        ),
        (
            "tc qdisc add dev v0 root tbf rate 1mbit burst 32kb latency 400ms",
            SectionName::Tc,
        ),
        ("ip nexthop add id 7 blackhole", SectionName::Nexthops),
    ] {
        let words: Vec<&str> = argv.split(' ').collect();
        namespace.must(&words).unwrap();
        hears(&mut watch, section);
    }
}

/// More notices than a socket holds: that some were lost is said.
#[test]
fn root_lost_notices_are_told() {
    let namespace = Namespace::new().unwrap();
    let mut watch = namespace.enter(|| Watch::open().unwrap()).unwrap();
    let rules: String = (0..4000)
        .map(|number| {
            format!(
                "add rule ip t c ip saddr 10.0.{}.{} counter accept\n",
                number / 256,
                number % 256
            )
        })
        .collect();
    let script = format!("add table ip t\nadd chain ip t c\n{rules}");
    let loaded = namespace
        .exec_with_input(&["nft", "-f", "-"], script.as_bytes())
        .unwrap();
    assert!(loaded.status.success());
    let heard = watch.wait(soon()).unwrap();
    assert!(heard.lost, "{heard:?}");
    // It goes on hearing.
    while !watch
        .wait(Instant::now() + Duration::from_millis(200))
        .unwrap()
        .sections
        .is_empty()
    {}
    namespace.must(&["nft", "delete", "table", "ip", "t"]).unwrap();
    hears(&mut watch, SectionName::Nftables);
}
