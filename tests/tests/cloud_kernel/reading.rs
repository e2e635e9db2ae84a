//! Everything that is read in the machine, once for all tests.

use std::sync::LazyLock;

use netghost_core::facts::Facts;
use netghost_core::host::ipset;
use netghost_core::netfilter::model::Ruleset;
use netghost_core::netfilter::text;
use netghost_core::section::{Content, Section, SectionName, State};
use netghost_core::snapshot::Snapshot;

use super::guest::{Guest, Steps};
use super::{match_lines, target_lines};

/// What came of one machine.
pub(crate) struct Reading {
    /// Rules, sets and all the rest.
    pub(crate) first: Snapshot,
    /// What was printed of `first`, loaded into a fresh namespace and read again.
    pub(crate) again: Snapshot,
    /// Every match and target that the core has captured, in the legacy tables of both families.
    pub(crate) legacy: Snapshot,
    /// The same by `iptables-nft`.
    pub(crate) compat: Snapshot,
    /// What the tools there show.
    pub(crate) steps: Steps,
}

pub(crate) static READING: LazyLock<Reading> = LazyLock::new(read);

const FIRST: &str = "
    step load sh $scripts/load.sh $scripts $ebtables
    step capture $netghost host capture --save first
    step release uname -r
    step nft nft list ruleset
    step nft-json nft -j list ruleset
    step legacy-4 iptables-legacy-save
    step legacy-6 ip6tables-legacy-save
    step ipset ipset save
    step ipvs ipvsadm -Sn
    step ipvs-timeouts ipvsadm -L --timeout
    step vlans bridge -j vlan
    step fdb bridge -j fdb
    step mdb bridge -j mdb
    step nexthops ip -j nexthop
    step mptcp ip mptcp endpoint
    step states ip xfrm state
    step policies ip xfrm policy
    step connections conntrack -L
    step timeouts nfct list timeout
    step helpers nfct list helper
";

/// A namespace with what rules name, then what the script loads there, then a reading of some sections. `nsenter`, since
/// `ip netns exec` hides the control groups.
const FURTHER: &str = "
    further() {
        name=$1 loaded=$2; shift 2
        ip netns add $name
        nsenter --net=/run/netns/$name sh -euc \"
            sh $scripts/links.sh
            nfacct add http
            nfct add timeout udp inet udp unreplied 5
            $loaded
            $netghost host capture --save $name $*\" sh
    }
";

const AGAIN: &str = "
    step again further again '
        ipset restore -file /run/ipset
        nft -f /run/nft
        iptables-legacy-restore /run/legacy-4
        ip6tables-legacy-restore /run/legacy-6
        ebtables-legacy-restore </run/ebtables
    ' --section nftables --section xtables-legacy-ipv4 --section xtables-legacy-ipv6 --section ebtables-legacy --section ipset
    step legacy further legacy '
        for family in 4 6; do
            tool=iptables-legacy; [ $family = 4 ] || tool=ip6tables-legacy
            $tool-restore /run/matches-$family
            $tool-restore -n /run/targets-$family
        done
        iptables-legacy-save >/run/saved-legacy-4
        ip6tables-legacy-save >/run/saved-legacy-6
    ' --section xtables-legacy-ipv4 --section xtables-legacy-ipv6
    step compat further compat '
        iptables-nft-restore /run/matches-4
        iptables-nft-restore -n /run/targets-4
        ip6tables-nft-restore /run/matches-6
        ip6tables-nft-restore -n /run/targets-6
        iptables-nft-save >/run/saved-compat-4
        ip6tables-nft-save >/run/saved-compat-6
    ' --section nftables
    step saved-legacy-4 cat /run/saved-legacy-4
    step saved-legacy-6 cat /run/saved-legacy-6
    step saved-compat-4 cat /run/saved-compat-4
    step saved-compat-6 cat /run/saved-compat-6
";

fn read() -> Reading {
    let guest = Guest::up();
    let mut steps = guest.steps(FIRST);
    let first = guest.snapshot("first");
    for (name, text) in printed(&first) {
        guest.write(&format!("/run/{name}"), &text);
    }
    for (family, own) in [(4, target_lines::IPV4), (6, target_lines::IPV6)] {
        let matches = match_lines::ruleset(family == 6);
        guest.write(&format!("/run/matches-{family}"), matches.as_bytes());
        let targets = target_lines::ruleset(&[target_lines::BOTH, own].concat());
        guest.write(&format!("/run/targets-{family}"), targets.as_bytes());
    }
    steps.extend(guest.steps(&format!("{FURTHER}{AGAIN}")));
    let [again, legacy, compat] = ["again", "legacy", "compat"].map(|name| guest.snapshot(name));
    Reading {
        first,
        again,
        legacy,
        compat,
        steps,
    }
}

/// What is printed for each tool to load.
fn printed(snapshot: &Snapshot) -> [(&'static str, Vec<u8>); 5] {
    let legacy = |name| saved(ruleset(snapshot, name));
    [
        (
            "nft",
            text::nft::ruleset(&loadable(ruleset(snapshot, SectionName::Nftables))).into_bytes(),
        ),
        ("legacy-4", legacy(SectionName::XtablesLegacyIpv4)),
        ("legacy-6", legacy(SectionName::XtablesLegacyIpv6)),
        (
            "ebtables",
            saved_by_ebtables(ruleset(snapshot, SectionName::EbtablesLegacy)),
        ),
        (
            "ipset",
            ipset::save(facts(snapshot, SectionName::Ipset)).into_bytes(),
        ),
    ]
}

/// All but the table of `cgroup.nft`, which `nft` loads only where the control groups are that it names.
pub(crate) fn loadable(ruleset: &Ruleset) -> Ruleset {
    let mut out = ruleset.clone();
    out.tables.retain(|table| table.name != "groups".into());
    out
}

pub(crate) fn saved(ruleset: &Ruleset) -> Vec<u8> {
    let tables = ruleset.tables.iter();
    let texts = tables.map(|table| text::iptables::table_save(table, None).as_bytes().to_vec());
    texts.collect::<Vec<_>>().concat()
}

pub(crate) fn saved_by_ebtables(ruleset: &Ruleset) -> Vec<u8> {
    let tables = ruleset.tables.iter();
    let texts = tables.map(|table| text::ebtables::table_save(table, None).as_bytes().to_vec());
    texts.collect::<Vec<_>>().concat()
}

/// A section that must have been read whole.
pub(crate) fn section(snapshot: &Snapshot, name: SectionName) -> &Section {
    let section = snapshot.section(name).unwrap();
    assert_eq!(section.state, State::Captured, "{name:?}: {:?}", section.gaps);
    section
}

pub(crate) fn ruleset(snapshot: &Snapshot, name: SectionName) -> &Ruleset {
    match section(snapshot, name).content.as_ref().unwrap() {
        Content::Netfilter { config, .. } => config,
        other => panic!("not a ruleset: {other:?}"),
    }
}

pub(crate) fn facts(snapshot: &Snapshot, name: SectionName) -> &Facts {
    match section(snapshot, name).content.as_ref().unwrap() {
        Content::Facts { config, .. } => config,
        other => panic!("not facts: {other:?}"),
    }
}
