//! What the next boot loads against what runs.

use super::made;
use crate::diff::Kind;
use crate::diff::persisted::{Answer, AtReboot, Persisted, persisted};
use crate::host::persisted::tests::Disk;
use crate::host::persisted::{in_plane, lift};
use crate::netfilter::model::{Family, Plane, Ruleset};
use crate::netfilter::nft_file;
use crate::raw::{HostRaw, Raw};
use crate::section::{Content, DECODER, Section, SectionName, State};
use crate::snapshot::Snapshot;

mod hostile;

const FILE: &str = "table inet filter {\n chain input {\n  type filter hook input priority 0; policy drop;\n  tcp dport 22 accept\n  tcp dport 80 accept\n }\n}\n";
const SAVED: &str = "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n";

fn without_content(name: SectionName, state: State) -> Section {
    Section {
        state,
        content: None,
        ..rules(name, made::ruleset(Vec::new()))
    }
}

fn rules(name: SectionName, config: Ruleset) -> Section {
    Section {
        name,
        decoder: DECODER,
        ..made::section(config)
    }
}

fn nothing(name: SectionName) -> Section {
    let why = "not in this kernel".to_owned();
    without_content(name, State::NotApplicable { why })
}

fn nft(text: &str) -> Ruleset {
    match nft_file::parse_text(text.as_bytes(), &|_| None).unwrap().content {
        Some(Content::Netfilter { config, .. }) => config,
        other => panic!("{other:?}"),
    }
}

fn save(text: &str, family: Family, plane: Plane) -> Ruleset {
    in_plane(text.as_bytes(), family, plane).unwrap().config
}

fn files(raw: HostRaw) -> Section {
    let lifted = lift(&raw).unwrap();
    let content = Content::Facts {
        config: lifted.config,
        runtime: lifted.runtime,
    };
    Section {
        content: Some(content),
        raw: Some(Raw::Host(raw)),
        ..without_content(SectionName::Persisted, State::Captured)
    }
}

fn host(disk: &Disk, running: Vec<Section>) -> Snapshot {
    let mut sections = running;
    for name in crate::diff::persisted::SECTIONS {
        if name != SectionName::Persisted && !sections.iter().any(|section| section.name == name) {
            sections.push(nothing(name));
        }
    }
    sections.push(files(disk.read()));
    made::snapshot(sections)
}

/// A host that loads this file by nftables.service, and runs that.
fn by_nft(file: &str, runs: &str) -> Persisted {
    let mut disk = Disk::new();
    disk.service("nftables.service", "/usr/sbin/nft -f /etc/nftables.conf");
    disk.put("/etc/nftables.conf", file);
    persisted(&host(&disk, vec![rules(SectionName::Nftables, nft(runs))]))
}

fn by_netfilter_persistent(plane: &str) -> Disk {
    let mut disk = Disk::new();
    disk.service(
        "netfilter-persistent.service",
        "/usr/sbin/netfilter-persistent start",
    );
    disk.put("/usr/share/netfilter-persistent/plugins.d/15-ip4tables", "x");
    disk.put("/etc/iptables/rules.v4", SAVED);
    disk.restore(plane);
    disk
}

fn shown(found: &Persisted) -> Vec<(Vec<AtReboot>, Kind, &str)> {
    let findings = found.findings.iter();
    findings
        .map(|one| (one.at_reboot.clone(), one.kind, one.path.as_str()))
        .collect()
}

fn requested(found: &Persisted) -> Vec<String> {
    let rows = found.not_covered.iter().filter(|row| row.requested);
    rows.map(|row| format!("{} {}", row.path.as_deref().unwrap_or("*"), row.why))
        .collect()
}

#[test]
fn what_was_loaded_and_left_alone_survives() {
    let found = by_nft(&format!("flush ruleset\n{FILE}"), FILE);
    assert_eq!((found.verdict, found.survives_reboot), (Answer::Same, Some(true)));
    assert_eq!(requested(&found), [""; 0]);
    assert_eq!(found.compared.len(), 3);
}

#[test]
fn a_rule_that_only_runs_is_lost_and_one_that_was_deleted_comes_back() {
    let added = FILE.replace("tcp dport 80", "tcp dport 443 accept\n  tcp dport 80");
    let found = by_nft(FILE, &added);
    assert_eq!(found.verdict, Answer::Differs);
    assert_eq!(
        shown(&found),
        [(vec![AtReboot::Lost], Kind::RuleAdded, "inet/filter/input/rule[2]")]
    );
    let deleted = FILE.replace("  tcp dport 22 accept\n", "");
    assert_eq!(
        shown(&by_nft(FILE, &deleted)),
        [(
            vec![AtReboot::ComesBack],
            Kind::RuleRemoved,
            "inet/filter/input/rule[1]"
        )]
    );
    let opened = FILE.replace("policy drop", "policy accept");
    let both = vec![AtReboot::Lost, AtReboot::ComesBack];
    assert_eq!(
        shown(&by_nft(FILE, &opened)),
        [(both, Kind::PolicyChanged, "inet/filter/input")]
    );
}

#[test]
fn a_file_that_nobody_loads_is_not_what_a_reboot_brings() {
    let mut disk = Disk::new();
    disk.put("/etc/nftables.conf", FILE);
    let found = persisted(&host(&disk, vec![rules(SectionName::Nftables, nft(FILE))]));
    assert_eq!(
        shown(&found),
        [(vec![AtReboot::Lost], Kind::TableAdded, "inet/filter")]
    );
    assert_eq!(found.loads[0].why.as_deref(), Some("nothing loads it"));
}

#[test]
fn saved_rules_are_compared_with_the_plane_that_they_are_restored_to() {
    for (word, plane, name) in [
        ("legacy", Plane::Legacy, SectionName::XtablesLegacyIpv4),
        ("nft", Plane::Nft, SectionName::Nftables),
    ] {
        let runs = save(SAVED, Family::Ip, plane);
        let disk = by_netfilter_persistent(word);
        let found = persisted(&host(&disk, vec![rules(name, runs.clone())]));
        assert_eq!((found.verdict, found.loads[0].plane), (Answer::Same, Some(plane)));
        // The same rules in the other plane: these are lost, and those come back.
        let (other, moved) = match plane {
            Plane::Nft => (SectionName::XtablesLegacyIpv4, Plane::Legacy),
            _ => (SectionName::Nftables, Plane::Nft),
        };
        let runs = save(SAVED, Family::Ip, moved);
        let found = persisted(&host(&disk, vec![rules(other, runs)]));
        let mut all: Vec<Vec<AtReboot>> = shown(&found).into_iter().map(|(what, ..)| what).collect();
        all.sort();
        assert_eq!(all, [vec![AtReboot::Lost], vec![AtReboot::ComesBack]]);
    }
}

#[test]
fn an_unknown_program_restores_to_the_plane_that_holds_rules() {
    let mut disk = by_netfilter_persistent("nft");
    disk.put("/usr/sbin/iptables-restore", "ELF");
    let found = persisted(&host(
        &disk,
        vec![rules(
            SectionName::XtablesLegacyIpv4,
            save(SAVED, Family::Ip, Plane::Legacy),
        )],
    ));
    assert_eq!(
        (found.verdict, found.loads[0].plane),
        (Answer::Same, Some(Plane::Legacy))
    );
    assert!(
        found.loads[0]
            .plane_from
            .as_deref()
            .unwrap()
            .ends_with("rules of ip run there")
    );
    // With rules in neither, nothing can be said.
    let found = persisted(&host(&disk, Vec::new()));
    assert_eq!((found.verdict, found.survives_reboot), (Answer::Unknown, None));
}

#[test]
fn what_makers_make_is_set_apart_and_what_leads_to_it_too() {
    let runs = format!(
        "{FILE}table ip nat {{\n chain DOCKER {{\n }}\n chain PREROUTING {{\n  type nat hook prerouting priority -100;\n  fib daddr type local jump DOCKER\n }}\n}}\n"
    );
    let found = by_nft(FILE, &runs);
    assert_eq!(
        (found.verdict, shown(&found)),
        (Answer::Same, Vec::new()),
        "{:?}",
        found.findings
    );
    assert_eq!((found.muted[0].maker, found.muted.len()), ("docker", 1));
    let paths: Vec<&str> = found.muted[0]
        .findings
        .iter()
        .map(|one| one.path.as_str())
        .collect();
    assert_eq!(paths, ["ip/nat/DOCKER", "ip/nat/PREROUTING/rule[1]"]);
    // A rule of nobody's among them is lost.
    let runs = runs.replace("  fib daddr", "  tcp dport 5001 redirect to :22\n  fib daddr");
    assert_eq!(
        shown(&by_nft(FILE, &runs)),
        [(vec![AtReboot::Lost], Kind::RuleAdded, "ip/nat/PREROUTING/rule[1]")]
    );
}

#[test]
fn empty_built_in_chains_that_accept_are_nothing() {
    let disk = by_netfilter_persistent("legacy");
    let looked_at = format!("{SAVED}*nat\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n");
    let runs = save(&looked_at, Family::Ip, Plane::Legacy);
    let found = persisted(&host(&disk, vec![rules(SectionName::XtablesLegacyIpv4, runs)]));
    assert_eq!(found.verdict, Answer::Same);
}

#[test]
fn what_is_not_known_whole_is_unknown_and_says_which_side() {
    // The file can't be read to its end.
    let found = by_nft("table inet filter {{\n", FILE);
    assert_eq!(found.verdict, Answer::Unknown);
    assert!(
        requested(&found)[0].contains("what the next boot loads"),
        "{found:?}"
    );
    // An included file that is not there.
    let found = by_nft(&format!("include \"/etc/gone.nft\"\n{FILE}"), FILE);
    assert_eq!(found.verdict, Answer::Unknown);
    // What runs was torn.
    let mut disk = Disk::new();
    disk.service("nftables.service", "/usr/sbin/nft -f /etc/nftables.conf");
    disk.put("/etc/nftables.conf", FILE);
    let torn = State::Torn {
        why: "busy".to_owned(),
    };
    let found = persisted(&host(&disk, vec![without_content(SectionName::Nftables, torn)]));
    assert_eq!(found.verdict, Answer::Unknown);
    assert_eq!(requested(&found), ["* what runs: torn: busy"]);
    // A snapshot that does not hold what files say.
    let mut snapshot = host(&disk, vec![rules(SectionName::Nftables, nft(FILE))]);
    snapshot
        .sections
        .retain(|section| section.name != SectionName::Persisted);
    assert_eq!(persisted(&snapshot).verdict, Answer::Unknown);
    // Whether the service starts is not known.
    disk.put("/etc/systemd/system/nftables.service", "->");
    let mut raw = disk.read();
    for part in &mut raw.parts {
        if part.source.starts_with("list:/etc/systemd/system/") {
            part.read = crate::raw::PartRead::Unreadable {
                why: "refused".to_owned(),
            };
        }
    }
    let mut snapshot = host(&disk, vec![rules(SectionName::Nftables, nft(FILE))]);
    snapshot.sections.pop();
    snapshot.sections.push(files(raw));
    let found = persisted(&snapshot);
    assert_eq!((found.verdict, found.services[0].starts), (Answer::Unknown, None));
}

#[test]
fn services_whose_order_nobody_states_leave_open_what_one_flushes() {
    let mut disk = by_netfilter_persistent("nft");
    disk.service("nftables.service", "/usr/sbin/nft -f /etc/nftables.conf");
    disk.put("/etc/nftables.conf", &format!("flush ruleset\n{FILE}"));
    let mut runs = nft(FILE);
    runs.tables.extend(save(SAVED, Family::Ip, Plane::Nft).tables);
    runs.tables
        .sort_by(|a, b| (a.family, &a.name).cmp(&(b.family, &b.name)));
    let found = persisted(&host(&disk, vec![rules(SectionName::Nftables, runs)]));
    assert_eq!(found.verdict, Answer::Unknown);
    assert!(
        requested(&found)[0].starts_with("ip/filter nftables.service flushes"),
        "{found:?}"
    );
}

#[test]
fn firewalld_that_starts_is_not_compared_and_one_that_does_not_run_comes_back() {
    let mut disk = Disk::new();
    disk.service("firewalld.service", "/usr/sbin/firewalld --nofork --nopid");
    let own = "table inet firewalld {\n chain filter_INPUT {\n }\n}\n";
    let found = persisted(&host(&disk, vec![rules(SectionName::Nftables, nft(own))]));
    assert_eq!(found.verdict, Answer::Unknown);
    assert!(requested(&found)[0].contains("not comparable"), "{found:?}");
    let found = persisted(&host(&disk, Vec::new()));
    assert_eq!(
        shown(&found),
        [(vec![AtReboot::ComesBack], Kind::TableRemoved, "inet/firewalld")]
    );
}

#[test]
fn without_systemd_or_without_a_unit_nothing_is_said_to_be_lost() {
    let runs = || vec![rules(SectionName::Nftables, nft(FILE))];
    let mut disk = Disk::new();
    disk.put("/etc/nftables.conf", FILE);
    disk.remove("/usr/lib/systemd/systemd");
    let found = persisted(&host(&disk, runs()));
    assert_eq!((found.verdict, shown(&found)), (Answer::Unknown, Vec::new()));
    let mut disk = Disk::new();
    disk.service("nftables.service", "/usr/sbin/nft -f /etc/nftables.conf");
    let mut raw = disk.read();
    for part in &mut raw.parts {
        if part.source == "/usr/lib/systemd/system/nftables.service" {
            part.read = crate::raw::PartRead::Unreadable {
                why: "refused".to_owned(),
            };
        }
    }
    let mut snapshot = host(&disk, runs());
    snapshot.sections.pop();
    snapshot.sections.push(files(raw));
    let found = persisted(&snapshot);
    assert_eq!((found.verdict, shown(&found)), (Answer::Unknown, Vec::new()));
}

#[test]
fn a_rule_that_is_not_decoded_on_one_side_makes_its_chain_unknown() {
    let mut disk = by_netfilter_persistent("legacy");
    let unknown = SAVED.replace("COMMIT", "-A INPUT -m no_such --to it -j ACCEPT\nCOMMIT");
    disk.put("/etc/iptables/rules.v4", &unknown);
    let other = SAVED.replace(
        "COMMIT",
        "-A INPUT -p udp -j ACCEPT\n-A INPUT -p tcp -j LOG\nCOMMIT",
    );
    let runs = save(&other, Family::Ip, Plane::Legacy);
    let found = persisted(&host(&disk, vec![rules(SectionName::XtablesLegacyIpv4, runs)]));
    assert_eq!((found.verdict, shown(&found)), (Answer::Unknown, Vec::new()));
    assert!(
        requested(&found)
            .iter()
            .any(|row| row.contains("not decoded on one side")),
        "{found:?}"
    );
    // A file that leads to what it does not have would not load at all.
    let file = FILE.replace("  tcp dport 80 accept\n", "  tcp dport 80 jump gone\n");
    let found = by_nft(&file, FILE);
    assert_eq!(found.verdict, Answer::Unknown);
    assert!(requested(&found)[0].contains("it would not load"), "{found:?}");
}
