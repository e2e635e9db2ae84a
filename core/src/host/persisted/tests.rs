//! Files that stand in a map, read as the reader reads them.

use std::collections::BTreeMap;

use super::*;
use crate::raw::{HostPart, PartRead};

/// A host's files: contents, and links where the content begins with `->`.
#[derive(Debug, Clone)]
pub(crate) struct Disk(BTreeMap<String, String>);

impl Disk {
    /// A host with systemd and nothing else.
    pub(crate) fn new() -> Self {
        let mut disk = Self(BTreeMap::new());
        disk.put("/usr/lib/systemd/systemd", "ELF");
        disk
    }

    pub(crate) fn put(&mut self, path: &str, content: &str) {
        self.0.insert(path.to_owned(), content.to_owned());
    }

    pub(crate) fn remove(&mut self, path: &str) {
        self.0.remove(path);
    }

    /// The unit of a service, and a link that starts it.
    pub(crate) fn service(&mut self, name: &str, run: &str) {
        self.put(
            &format!("/usr/lib/systemd/system/{name}"),
            &format!("[Unit]\nDescription=x\n[Service]\nExecStart={run}\nExecStop=/bin/false\n"),
        );
        self.put(
            &format!("/etc/systemd/system/multi-user.target.wants/{name}"),
            &format!("->/lib/systemd/system/{name}"),
        );
    }

    /// `iptables-restore` of both families, of this plane.
    pub(crate) fn restore(&mut self, plane: &str) {
        for tool in ["iptables", "ip6tables"] {
            let name = format!("{tool}-restore");
            self.put(
                &format!("/usr/sbin/{name}"),
                &format!("->/etc/alternatives/{name}"),
            );
            self.put(
                &format!("/etc/alternatives/{name}"),
                &format!("->/usr/sbin/{tool}-{plane}-restore"),
            );
        }
    }

    fn answer(&self, ask: &Ask) -> PartRead {
        let absent = PartRead::Absent {
            why: "none".to_owned(),
        };
        let content = match ask {
            Ask::File(path) => self.0.get(path).cloned(),
            Ask::Link(path) => self
                .0
                .get(path)
                .map(|content| content.strip_prefix("->").unwrap_or_default().to_owned()),
            Ask::List { directory, pattern } => {
                let below = format!("{directory}/");
                let names = self.0.keys().filter_map(|path| path.strip_prefix(&below));
                let mut names: Vec<&str> = names.filter_map(|rest| rest.split('/').next()).collect();
                names.dedup();
                (!names.is_empty()).then(|| {
                    let fit = names.into_iter().filter(|name| matches(pattern, name));
                    fit.map(|name| format!("{name}\0")).collect()
                })
            }
        };
        content.map_or(absent, |content| PartRead::File {
            content: content.into(),
        })
    }

    /// Everything that is asked for, until nothing more is.
    pub(crate) fn read(&self) -> HostRaw {
        let mut raw = HostRaw::default();
        for _ in 0..16 {
            let asked = wanted(&raw);
            if asked.is_empty() {
                return raw;
            }
            raw.parts.extend(asked.iter().map(|ask| HostPart {
                source: ask.source(),
                read: self.answer(ask),
            }));
        }
        panic!("it asks without end");
    }
}

fn facts(raw: &HostRaw) -> (Vec<String>, Vec<String>) {
    let lifted = lift(raw).unwrap();
    let gaps = lifted.gaps.iter().map(|gap| format!("{}: {}", gap.path, gap.why));
    (
        lifted.config.facts.iter().map(ToString::to_string).collect(),
        gaps.collect(),
    )
}

const INCLUDING: &str = "flush ruleset\ndefine ssh = 22\ninclude \"/etc/nftables.d/*.nft\"\n";
const INCLUDED: &str = "table inet filter {\n chain input {\n  type filter hook input priority 0; policy drop;\n  tcp dport $ssh accept\n }\n}\n";

#[test]
fn a_service_names_its_file_and_the_file_what_it_includes() {
    let mut disk = Disk::new();
    disk.service("nftables.service", "/usr/sbin/nft -f /etc/my.conf");
    disk.put("/etc/my.conf", INCLUDING);
    disk.put("/etc/nftables.d/one.nft", INCLUDED);
    disk.put("/etc/nftables.d/.hidden.nft", "nonsense");
    let (facts, gaps) = facts(&disk.read());
    assert_eq!(gaps, [""; 0]);
    assert_eq!(
        facts[0],
        "chain /etc/my.conf inet filter input type filter hook input priority 0 policy drop rules [tcp dport 22 accept]"
    );
    assert!(
        facts[1].starts_with(
            "file /etc/my.conf loaded-by nftables.service plane nft with [/etc/nftables.d/one.nft] digest "
        ),
        "{facts:#?}"
    );
    assert_eq!(
        facts[2],
        "service nftables.service start enabled runs [/usr/sbin/nft -f /etc/my.conf]"
    );
}

#[test]
fn what_was_not_read_is_a_gap_and_never_empty() {
    let mut disk = Disk::new();
    disk.service("nftables.service", "/usr/sbin/nft -f /etc/nftables.conf");
    disk.put("/etc/nftables.conf", INCLUDING);
    disk.put("/etc/nftables.d/one.nft", INCLUDED);
    let whole = disk.read();
    let (told, _) = facts(&whole);
    let mut told_otherwise = 0;
    for part in 0..whole.parts.len() {
        let mut raw = whole.clone();
        let source = raw.parts[part].source.clone();
        raw.parts[part].read = PartRead::Unreadable {
            why: "refused".to_owned(),
        };
        let (facts_now, gaps) = facts(&raw);
        // What others prove needs it not: the same is told.
        if (&facts_now, gaps.len()) == (&told, 0) {
            continue;
        }
        // Of a file that includes, what was not read is named beside what was.
        let named = gaps
            .iter()
            .chain(&facts_now)
            .any(|line| line.contains("refused") || line.contains("not given"));
        let unknown = plan(&raw)
            .loads
            .iter()
            .any(|load| matches!(load.starts, Starts::Unknown(_)));
        assert!(named || unknown, "{source}: {facts_now:#?} {gaps:#?}");
        told_otherwise += 1;
    }
    assert!(told_otherwise >= 6, "{told_otherwise}");
    // A syntax that is not that of nft.
    disk.put("/etc/nftables.conf", "table ip x {{{\n");
    let (shown, gaps) = facts(&disk.read());
    assert!(gaps[0].starts_with("file//etc/nftables.conf: line 1"), "{gaps:?}");
    assert!(shown.iter().any(|fact| fact.contains("bytes ")), "{shown:?}");
}

#[test]
fn whether_a_service_starts_is_told_by_links() {
    let starts = |disk: &Disk| {
        let plan = plan(&disk.read());
        plan.services
            .into_iter()
            .find(|one| one.unit == "nftables.service")
            .unwrap()
            .starts
    };
    let mut disk = Disk::new();
    assert_eq!(starts(&disk), Starts::No("not installed"));
    disk.service("nftables.service", "/usr/sbin/nft -f /etc/nftables.conf");
    assert_eq!(starts(&disk), Starts::Yes);
    let mut masked = disk.clone();
    masked.put("/etc/systemd/system/nftables.service", "->/dev/null");
    assert_eq!(starts(&masked), Starts::No("masked"));
    let link = "/etc/systemd/system/multi-user.target.wants/nftables.service";
    let mut disabled = disk.clone();
    disabled.0.remove(link);
    assert_eq!(starts(&disabled), Starts::No("disabled"));
    disabled.put("/etc/systemd/system/mine.service.wants/nftables.service", "->x");
    assert!(matches!(starts(&disabled), Starts::Unknown(why) if why.contains("mine.service.wants")));
    let mut other = disk.clone();
    other.0.remove("/usr/lib/systemd/systemd");
    assert!(matches!(starts(&other), Starts::Unknown(why) if why.contains("no systemd")));
    // A drop-in that empties what runs, and says another.
    disk.put(
        "/etc/systemd/system/nftables.service.d/own.conf",
        "[Service]\nExecStart=\nExecStart=/usr/sbin/nft -f /etc/other.conf\n",
    );
    assert_eq!(
        plan(&disk.read()).services[0].runs,
        ["/usr/sbin/nft -f /etc/other.conf"]
    );
}

#[test]
fn netfilter_persistent_by_its_plug_ins_and_the_plane_of_the_program() {
    let mut disk = Disk::new();
    disk.service(
        "netfilter-persistent.service",
        "/usr/sbin/netfilter-persistent start",
    );
    disk.put(
        "/etc/systemd/system/iptables.service",
        "->/lib/systemd/system/netfilter-persistent.service",
    );
    for plugin in ["15-ip4tables", "25-ip6tables", "30-own"] {
        disk.put(
            &format!("/usr/share/netfilter-persistent/plugins.d/{plugin}"),
            "#!/bin/sh",
        );
    }
    disk.put("/etc/iptables/rules.v4", "*filter\n:INPUT DROP [0:0]\nCOMMIT\n");
    disk.restore("legacy");
    let plan = plan(&disk.read());
    let shown: Vec<(bool, Vec<String>)> = plan
        .loads
        .iter()
        .map(|load| (matches!(load.what, What::Unfollowed(_)), load.files.clone()))
        .collect();
    let rules = vec!["/etc/iptables/rules.v4".to_owned()];
    assert_eq!(shown, [(false, rules), (true, Vec::new())]);
    assert!(
        plan.loads
            .iter()
            .all(|load| load.unit == Some("netfilter-persistent.service"))
    );
    let What::Rules { into, rules, .. } = &plan.loads[0].what else {
        panic!("{plan:?}");
    };
    assert_eq!(*into, Into::Plane(crate::netfilter::model::Plane::Legacy));
    assert_eq!(rules.as_ref().unwrap().config.tables.len(), 1);
}

#[test]
fn a_file_that_nothing_loads_is_said_to_be_that() {
    let mut disk = Disk::new();
    disk.put("/etc/sysconfig/iptables", "*filter\n:INPUT DROP [0:0]\nCOMMIT\n");
    let plan = plan(&disk.read());
    assert_eq!(plan.loads.len(), 1);
    assert_eq!(
        (plan.loads[0].unit, &plan.loads[0].starts),
        (None, &Starts::No("nothing loads it"))
    );
}

#[test]
fn ufw_is_off_until_its_own_switch_says_otherwise() {
    let mut disk = Disk::new();
    disk.service("ufw.service", "/lib/ufw/ufw-init start quiet");
    disk.restore("nft");
    disk.put(
        "/etc/default/ufw",
        "IPV6=no\nDEFAULT_INPUT_POLICY=\"REJECT\"\nDEFAULT_OUTPUT_POLICY=\"ACCEPT\"\nDEFAULT_FORWARD_POLICY=\"DROP\"\n",
    );
    disk.put("/etc/ufw/ufw.conf", "ENABLED=no\n");
    disk.put(
        "/etc/ufw/before.rules",
        "*filter\n:ufw-before-input - [0:0]\n-A ufw-before-input -i lo -j ACCEPT\nCOMMIT\n",
    );
    disk.put(
        "/etc/ufw/user.rules",
        "*filter\n:ufw-user-input - [0:0]\n-A ufw-user-input -p tcp --dport 22 -j ACCEPT\nCOMMIT\n",
    );
    let loads = plan(&disk.read()).loads;
    assert_eq!(loads.len(), 2);
    assert!(
        loads
            .iter()
            .all(|load| load.starts == Starts::No("not enabled in /etc/ufw/ufw.conf"))
    );
    disk.put("/etc/ufw/ufw.conf", "ENABLED=yes\n");
    let (facts, gaps) = facts(&disk.read());
    assert_eq!(gaps, [""; 0]);
    let shown = |chain: &str| {
        let key = format!("chain /etc/ufw/user.rules ip filter {chain} ");
        let fact = facts.iter().find(|fact| fact.starts_with(&key));
        fact.unwrap_or_else(|| panic!("{facts:#?}")).clone()
    };
    assert!(
        shown("INPUT").contains(
            "policy drop rules [-A INPUT -j ufw-before-logging-input -A INPUT -j ufw-before-input "
        )
    );
    assert!(shown("ufw-reject-input").contains("-j REJECT"));
    assert!(
        shown("ufw-before-input")
            .ends_with("[-A ufw-before-input -i lo -j ACCEPT -A ufw-before-input -j ufw-user-input]")
    );
    assert!(shown("ufw-user-input").contains("--dport 22"));
    // A script of its own that may change rules.
    disk.put("/etc/ufw/before.init", "#!/bin/sh\niptables -I INPUT -j DROP\n");
    assert_eq!(self::facts(&disk.read()).1.len(), 2);
}

#[test]
fn firewalld_by_zones_with_everything_in_them() {
    let mut disk = Disk::new();
    disk.service("firewalld.service", "/usr/sbin/firewalld --nofork --nopid");
    disk.put(
        "/etc/firewalld/firewalld.conf",
        "# x\nDefaultZone=public\nFirewallBackend=nftables\n",
    );
    disk.put(
        "/usr/lib/firewalld/zones/public.xml",
        "<zone><short>P</short><service name=\"ssh\"/></zone>",
    );
    disk.put(
        "/etc/firewalld/zones/work.xml",
        "<zone target=\"DROP\"><service name=\"http\"/><rule family=\"ipv4\"><source address=\"10.0.0.0/8\"/><accept/></rule><port port=\"80\" protocol=\"tcp\"/></zone>",
    );
    let (facts, gaps) = facts(&disk.read());
    assert_eq!(gaps, [""; 0]);
    let zones: Vec<&String> = facts.iter().filter(|fact| fact.starts_with("zone")).collect();
    assert_eq!(
        zones,
        [
            "zone public holds [service name=ssh]",
            "zone work target DROP holds [port port=80 protocol=tcp rule family=ipv4 {source address=10.0.0.0/8; accept} service name=http]",
        ]
    );
    let direct = |disk: &Disk| match plan(&disk.read()).loads[0].what {
        What::Firewalld { iptables, .. } => iptables,
        _ => panic!(),
    };
    assert!(!direct(&disk));
    disk.put("/etc/firewalld/direct.xml", "<direct><rule ipv=\"ipv4\" table=\"filter\" chain=\"INPUT\" priority=\"0\">-j ACCEPT</rule></direct>");
    assert!(direct(&disk));
    disk.put("/etc/firewalld/zones/work.xml", "<zone>");
    assert_eq!(
        self::facts(&disk.read()).1,
        ["zone/work: /etc/firewalld/zones/work.xml: an element does not end"]
    );
}

#[test]
fn damaged_files_and_answers_crash_nothing() {
    let mut disk = Disk::new();
    disk.service("nftables.service", "/usr/sbin/nft -f /etc/nftables.conf");
    disk.service("ufw.service", "/lib/ufw/ufw-init start quiet");
    disk.restore("nft");
    disk.put("/etc/nftables.conf", INCLUDING);
    disk.put("/etc/nftables.d/one.nft", INCLUDED);
    disk.put(
        "/etc/sysconfig/iptables",
        "*filter\n:INPUT DROP [0:0]\n-I INPUT 1 -j LOG\nCOMMIT\n",
    );
    disk.put("/etc/ufw/ufw.conf", "ENABLED=yes\nIPV6=no\n");
    disk.put(
        "/etc/default/ufw",
        "DEFAULT_INPUT_POLICY=DROP\nDEFAULT_OUTPUT_POLICY=DROP\nDEFAULT_FORWARD_POLICY=DROP\n",
    );
    disk.put(
        "/etc/ufw/user.rules",
        "*filter\n:a - [0:0]\n-A a -j ACCEPT\nCOMMIT\n",
    );
    disk.put(
        "/etc/firewalld/zones/work.xml",
        "<zone target=\"DROP\"><rule><accept/></rule></zone>",
    );
    let whole = disk.read();
    for part in 0..whole.parts.len() {
        let PartRead::File { content } = whole.parts[part].read.clone() else {
            continue;
        };
        let length = content.as_bytes().len();
        for at in (0..length).step_by(1 + length / 24) {
            for byte in [b'{', b'"', b'\n', b'/', b'<', 0, 0xff] {
                let mut bytes = content.as_bytes().to_vec();
                bytes[at] = byte;
                let mut raw = whole.clone();
                raw.parts[part].read = PartRead::File {
                    content: bytes.into(),
                };
                lift(&raw).unwrap();
                wanted(&raw);
            }
        }
    }
}
