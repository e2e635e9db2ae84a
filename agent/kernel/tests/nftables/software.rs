//! Rulesets that real software makes. How each was made stands at its head.

use netghost_core::artifact::json;
use netghost_core::netfilter::model::{Family, Ruleset};
use netghost_core::netfilter::{nft_file, save, text};
use netghost_core::section::{Content, Section};
use netghost_lab::netns::Namespace;

use crate::reading::{assert_same, config, opaque};

mod both_planes;
mod makers;
mod saved;

/// A ruleset and who made it.
struct Made {
    file: &'static str,
    text: &'static str,
    maker: &'static str,
    /// Chains that are there for what people write: they have no maker.
    owners: &'static [&'static str],
}

macro_rules! made {
    ($file:literal, $maker:literal, $owners:expr) => {
        Made {
            file: $file,
            text: include_str!(concat!("../rulesets/software/", $file)),
            maker: $maker,
            owners: $owners,
        }
    };
}

const SAVED: [Made; 18] = [
    made!("calico-ipv4.save", "calico", &[]),
    made!("cilium-ipv4.save", "cilium", &[]),
    made!("cni-ipv4.save", "cni", &["CNI-ADMIN"]),
    made!("cni-ipv6.save", "cni", &["CNI-ADMIN"]),
    made!("docker-ipv4.save", "docker", &["DOCKER-USER"]),
    made!("docker-ipv6.save", "docker", &[]),
    made!("fail2ban-ipv4.save", "fail2ban", &[]),
    made!("firewalld-ipv4.save", "firewalld", &["mine"]),
    made!("firewalld-ipv6.save", "firewalld", &[]),
    made!("flannel-ipv4.save", "flannel", &[]),
    made!("istio-ipv4.save", "istio", &[]),
    made!("kube-proxy-ipv4.save", "kubernetes", &[]),
    made!("libvirt-ipv4.save", "libvirt", &[]),
    made!("libvirt-ipv6.save", "libvirt", &[]),
    made!("netavark-ipv4.save", "netavark", &[]),
    made!("netavark-ipv6.save", "netavark", &[]),
    made!("ufw-ipv4.save", "ufw", &[]),
    made!("ufw-ipv6.save", "ufw", &[]),
];

/// Tailscale's rules on the legacy plane, and where it has chains of its own in the tables of iptables-nft.
const TAILSCALE: Made = made!("tailscale-ipv4.save", "tailscale", &[]);

const LISTED: [Made; 10] = [
    made!("docker.nft", "docker", &[]),
    made!("fail2ban.nft", "fail2ban", &[]),
    made!("firewalld.nft", "firewalld", &[]),
    made!("flannel.nft", "flannel", &[]),
    made!("incus.nft", "incus", &[]),
    made!("kube-proxy.nft", "kubernetes", &[]),
    made!("libvirt.nft", "libvirt", &[]),
    made!("lxc.nft", "lxc", &[]),
    made!("netavark.nft", "netavark", &[]),
    made!("tailscale.nft", "tailscale", &["INPUT", "FORWARD", "POSTROUTING"]),
];

/// What rules of the fixtures name besides chains: ipsets, a counter of `nfacct`, and interfaces that `iif` needs.
fn surroundings() -> Namespace {
    let namespace = Namespace::new().unwrap();
    let ipsets = [
        ("hash:ip", ["f2b-set", "f2b-setall"].as_slice()),
        (
            "hash:net",
            &[
                "bad",
                "cali40all-hosts-net",
                "cali40all-ipam-pools",
                "cali40masq-ipam-pools",
                "cali40s:policyset",
                "cali40this-host",
            ],
        ),
    ];
    for (kind, names) in ipsets {
        for name in names {
            namespace.must(&["ipset", "create", name, kind]).unwrap();
        }
    }
    namespace
        .must(&["nfacct", "add", "localhost_nps_accepted_pkts"])
        .unwrap();
    for bridge in ["virbr1", "virbr2", "virbr9"] {
        namespace
            .must(&["ip", "link", "add", bridge, "type", "bridge"])
            .unwrap();
    }
    namespace
}

fn ruleset(section: &Section) -> &Ruleset {
    match &section.content {
        Some(Content::Netfilter { config, .. }) => config,
        other => panic!("not a ruleset: {other:?}"),
    }
}

fn family(made: &Made) -> Family {
    if made.file.contains("ipv6") {
        Family::Ip6
    } else {
        Family::Ip
    }
}

fn saved() -> impl Iterator<Item = &'static Made> {
    SAVED.iter().chain([&TAILSCALE])
}

fn parsed(made: &Made) -> Ruleset {
    let section = if made.file.ends_with(".nft") {
        nft_file::parse_text(made.text.as_bytes(), &|_| None).unwrap()
    } else {
        save::parse(made.text.as_bytes(), Some(family(made))).unwrap()
    };
    ruleset(&section).clone()
}

fn load(text: &str) -> Namespace {
    let namespace = surroundings();
    let argv = ["nft", "-f", "-"];
    let done = namespace.exec_with_input(&argv, text.as_bytes()).unwrap();
    done.ok(&argv).unwrap();
    namespace
}

#[test]
fn root_nft_tables_of_software_are_read_whole_and_print_as_what_loads_the_same() {
    for made in &LISTED {
        println!("{}", made.file);
        let section = crate::reading::read(&load(made.text));
        let read = config(&section);
        assert_eq!(opaque(read), [""; 0], "{}", made.file);
        let again = crate::reading::read(&load(&text::nft::ruleset(read)));
        assert_same(read, config(&again));
        let written = nft_file::parse_text(made.text.as_bytes(), &|_| None).unwrap();
        assert_eq!(
            (&written.gaps, &written.warnings),
            (&vec![], &vec![]),
            "{}",
            made.file
        );
        assert_same(read, ruleset(&written));
        let digest = |ruleset: &Ruleset| json::digest(ruleset).unwrap();
        assert_eq!(digest(read), digest(config(&again)), "{}", made.file);
        assert_eq!(digest(read), digest(ruleset(&written)), "{}", made.file);
    }
}
