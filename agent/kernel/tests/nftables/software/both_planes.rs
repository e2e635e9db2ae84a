//! Software on both planes of one host.

use netghost_core::section::{Section, SectionName};

use super::{LISTED, saved, surroundings};

/// Old Docker beside firewalld: each on its plane, and the sections of both say what either side holds.
#[test]
fn root_a_host_with_rules_in_both_planes_says_so() {
    let namespace = surroundings();
    let docker = saved().find(|made| made.file == "docker-ipv4.save").unwrap();
    let firewalld = LISTED.iter().find(|made| made.file == "firewalld.nft").unwrap();
    let sections = [
        SectionName::Nftables,
        SectionName::XtablesLegacyIpv4,
        SectionName::XtablesLegacyIpv6,
    ];
    let warnings = || {
        let read = namespace
            .enter(|| netghost_kernel::capture(&sections, &crate::reading::now_us))
            .unwrap();
        let of = |section: Section| {
            let both = section
                .warnings
                .into_iter()
                .filter(|warning| warning.code == "BOTH_PLANES");
            both.map(|warning| warning.message).collect::<Vec<_>>()
        };
        read.into_iter().map(of).collect::<Vec<_>>()
    };
    let restore = ["iptables-legacy-restore", "-w", "20"];
    let done = namespace
        .exec_with_input(&restore, docker.text.as_bytes())
        .unwrap();
    done.ok(&restore).unwrap();
    assert_eq!(warnings(), vec![Vec::<String>::new(); 3]);
    let nft = ["nft", "-f", "-"];
    let done = namespace
        .exec_with_input(&nft, firewalld.text.as_bytes())
        .unwrap();
    done.ok(&nft).unwrap();
    let found = warnings();
    assert_eq!(found[0].len(), 1, "{found:?}");
    assert_eq!(found[0], found[1]);
    assert_eq!(found[2], [""; 0], "nothing legacy for IPv6");
    for part in [
        "iptables-legacy holds filter (7 chains, ",
        "policy drop at FORWARD",
        "nf_tables holds inet firewalld (",
    ] {
        assert!(found[0][0].contains(part), "{}", found[0][0]);
    }
}
