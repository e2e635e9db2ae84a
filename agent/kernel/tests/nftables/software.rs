//! Rulesets that real software makes. How each was made stands at its head.

use netghost_core::artifact::json;
use netghost_core::diff::maker;
use netghost_core::netfilter::model::{Chain, Family, Item, Plane, Ruleset, Table};
use netghost_core::netfilter::{nft_file, save, text};
use netghost_core::section::{Content, Section};
use netghost_kernel::{nftables, xtables};
use netghost_lab::netns::Namespace;

use crate::reading::{assert_same, config, opaque};

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

/// The tables of one family: of the nft plane `iptables-nft` has those of IPv4.
fn of_family(ruleset: &Ruleset, family: Family) -> Vec<Table> {
    let mine = |table: &&Table| table.family == family;
    ruleset.tables.iter().filter(mine).cloned().collect()
}

/// A plane of `iptables`, and a family.
#[derive(Debug, Clone, Copy)]
struct Tool {
    nft: bool,
    family: Family,
}

impl Tool {
    fn program(self, what: &str) -> String {
        let family = if self.family == Family::Ip6 { "ip6tables" } else { "iptables" };
        format!("{family}-{}-{what}", if self.nft { "nft" } else { "legacy" })
    }

    fn load(self, text: &[u8]) -> Namespace {
        let namespace = surroundings();
        let restore = self.program("restore");
        let argv = [restore.as_str(), "-w", "20"];
        namespace.exec_with_input(&argv, text).unwrap().ok(&argv).unwrap();
        namespace
    }

    fn read(self, namespace: &Namespace) -> Vec<Table> {
        let section = namespace
            .enter(|| match (self.nft, self.family) {
                (true, _) => nftables::read(&|| 0),
                (false, Family::Ip6) => xtables::read_ipv6(&|| 0),
                (false, _) => xtables::read_ipv4(&|| 0),
            })
            .unwrap();
        let config = config(&section);
        assert_eq!(opaque(config), [""; 0]);
        of_family(config, self.family)
    }

    /// As the kernel has it, in the words of `iptables-save`.
    fn printed(tables: &[Table]) -> Vec<u8> {
        let texts = tables
            .iter()
            .flat_map(|table| text::iptables::table_save(table, None).as_bytes().to_vec());
        texts.collect()
    }

    fn check(self, made: &Made) {
        let first = self.load(made.text.as_bytes());
        let read = self.read(&first);
        let printed = Self::printed(&read);
        let saved = first.must(&[&self.program("save")]).unwrap().stdout;
        assert_lines(made.file, &printed, &saved);
        if !self.nft {
            assert_lines(made.file, &printed, made.text.as_bytes());
        }
        assert_tables(made.file, &read, &self.read(&self.load(&printed)));
        for (what, text) in [("save", saved.as_slice()), ("file", made.text.as_bytes())] {
            let section = save::parse(text, Some(self.family)).unwrap();
            assert_eq!(section.gaps, [], "{} {what}", made.file);
            if !self.nft {
                assert_tables(made.file, &read, &ruleset(&section).tables);
            }
        }
    }
}

fn assert_tables(file: &str, one: &[Table], other: &[Table]) {
    let ruleset = |tables: &[Table]| Ruleset {
        plane: Plane::Unstated,
        tables: tables.to_vec(),
        hook_order: Vec::new(),
    };
    let (one, other) = (ruleset(one), ruleset(other));
    println!("{file}");
    assert_same(&one, &other);
    assert_eq!(json::digest(&one).unwrap(), json::digest(&other).unwrap(), "{file}");
}

/// Every rule as a line of a save tool, after its table. Tools print tables and chains in orders of their own.
fn lines(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let mut table = "";
    let mut out = Vec::new();
    for line in text.lines() {
        match line.strip_prefix('*') {
            Some(name) => table = name,
            None if line.starts_with("-A ") => out.push(format!("{table} {line}")),
            None => {}
        }
    }
    // Stable by table and chain, so that rules stay in their order.
    out.sort_by_key(|line| line.split(' ').take(3).collect::<Vec<_>>().join(" "));
    out
}

fn assert_lines(file: &str, ours: &[u8], theirs: &[u8]) {
    let (ours, theirs) = (lines(ours), lines(theirs));
    let differing: Vec<String> = ours
        .iter()
        .zip(&theirs)
        .filter(|(one, other)| one != other)
        .map(|(one, other)| format!("ours   {one}\ntheirs {other}"))
        .collect();
    assert!(differing.is_empty(), "{file}:\n{}", differing.join("\n"));
    assert_eq!(ours.len(), theirs.len(), "{file}");
}

fn family(made: &Made) -> Family {
    if made.file.contains("ipv6") { Family::Ip6 } else { Family::Ip }
}

fn saved() -> impl Iterator<Item = &'static Made> {
    SAVED.iter().chain([&TAILSCALE])
}

#[test]
fn root_legacy_rules_of_software_are_read_whole_and_print_as_they_were_saved() {
    for made in saved() {
        Tool { nft: false, family: family(made) }.check(made);
    }
}

#[test]
fn root_iptables_nft_rules_of_software_are_read_whole_and_print_as_they_were_saved() {
    for made in saved() {
        Tool { nft: true, family: family(made) }.check(made);
    }
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
        assert_eq!((&written.gaps, &written.warnings), (&vec![], &vec![]), "{}", made.file);
        assert_same(read, ruleset(&written));
        let digest = |ruleset: &Ruleset| json::digest(ruleset).unwrap();
        assert_eq!(digest(read), digest(config(&again)), "{}", made.file);
        assert_eq!(digest(read), digest(ruleset(&written)), "{}", made.file);
    }
}
