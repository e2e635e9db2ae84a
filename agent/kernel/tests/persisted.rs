//! What the next boot loads against what runs: rules that the ordinary tools loaded from the very files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what they expect by failing; clippy.toml reaches test functions, not what they call"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use netghost_core::diff::persisted::{Answer, AtReboot, Persisted, SECTIONS, persisted};
use netghost_core::section::SectionName;
use netghost_core::snapshot::{Snapshot, Target};
use netghost_lab::netns::Namespace;

#[path = "persisted/ufw.rs"]
mod ufw;

/// A root directory of a host that starts with systemd; it goes with the test.
struct Root(PathBuf);

impl Root {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("netghost-boot-{}-{number}", std::process::id()));
        let root = Self(path);
        root.write("usr/lib/systemd/systemd", "");
        root
    }

    fn path(&self, path: &str) -> String {
        self.0.join(path).display().to_string()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn link(&self, path: &str, target: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }

    /// A service that starts at every boot.
    fn service(&self, name: &str, run: &str) {
        self.write(
            &format!("usr/lib/systemd/system/{name}"),
            &format!("[Service]\nType=oneshot\nExecStart={run}\n"),
        );
        self.link(
            &format!("etc/systemd/system/multi-user.target.wants/{name}"),
            &format!("/lib/systemd/system/{name}"),
        );
    }

    /// `iptables-restore` of both families, of this plane.
    fn restore(&self, plane: &str) {
        for tool in ["iptables", "ip6tables"] {
            self.link(
                &format!("usr/sbin/{tool}-restore"),
                &format!("{tool}-{plane}-restore"),
            );
            self.link(
                &format!("usr/sbin/{tool}-{plane}-restore"),
                &format!("xtables-{plane}-multi"),
            );
        }
    }

    /// The files against what runs in a namespace.
    fn compare(&self, namespace: &Namespace) -> Persisted {
        let running: Vec<SectionName> = SECTIONS
            .into_iter()
            .filter(|name| *name != SectionName::Persisted)
            .collect();
        let read = || netghost_kernel::capture(&running, &|| 0);
        let mut sections = namespace.enter(read).unwrap();
        sections.push(netghost_kernel::persisted::read_below(&self.0, &|| 0));
        persisted(&Snapshot {
            target: Target::File { name: "host".into() },
            tool: "test".to_owned(),
            taken_at_us: 0,
            sections,
            coverage: Vec::new(),
            namespaces: None,
        })
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn shell(namespace: &Namespace, line: &str) {
    namespace.must(&["sh", "-c", line]).unwrap();
}

/// What differs: `lost` and `back`, with the path.
fn shown(found: &Persisted) -> Vec<String> {
    let word = |what: &AtReboot| match what {
        AtReboot::Lost => "lost",
        AtReboot::ComesBack => "back",
    };
    let one = |finding: &netghost_core::diff::persisted::Finding| {
        let words: Vec<&str> = finding.at_reboot.iter().map(word).collect();
        format!("{} {}", words.join(" "), finding.path)
    };
    found.findings.iter().map(one).collect()
}

fn same(found: &Persisted) {
    assert_eq!(found.verdict, Answer::Same, "{found:#?}");
}

const NFT: &str = r#"#!/usr/sbin/nft -f
flush ruleset
define office = { 192.0.2.0/24, 198.51.100.7 }
table inet filter {
    set blocked {
        type ipv4_addr
        flags interval
        elements = { 203.0.113.0/24 }
    }
    chain input {
        type filter hook input priority filter; policy drop;
        ct state established,related accept
        iifname "lo" accept
        ip saddr @blocked counter drop
        ip saddr $office tcp dport { 22, 443 } accept comment "the office"
        limit rate 5/second log prefix "gone: "
    }
}
include "/etc/nftables.d/*.nft"
"#;

const MORE: &str = "table ip nat {\n chain postrouting {\n  type nat hook postrouting priority srcnat\n  oifname \"eth0\" masquerade\n }\n}\n";

#[test]
fn root_a_file_of_nft_its_deleted_rule_and_an_added_one() {
    let namespace = Namespace::new().unwrap();
    let root = Root::new();
    root.service("nftables.service", "/usr/sbin/nft -f /etc/nftables.conf");
    root.write("etc/nftables.conf", NFT);
    root.write("etc/nftables.d/more.nft", MORE);
    // The tool looks below the real root; what is included is the same text.
    let whole = format!(
        "{}\n{MORE}",
        NFT.replace("include \"/etc/nftables.d/*.nft\"\n", "")
    );
    root.write("whole.nft", &whole);
    shell(&namespace, &format!("nft -f {}", root.path("whole.nft")));
    same(&root.compare(&namespace));
    // Counters, handles and elements that packets made are no difference; a rule is.
    shell(
        &namespace,
        "nft insert rule inet filter input tcp dport 5001 drop",
    );
    assert_eq!(
        shown(&root.compare(&namespace)),
        ["lost inet/filter/input/rule[1]"]
    );
    shell(&namespace, &format!("nft -f {}", root.path("whole.nft")));
    shell(
        &namespace,
        "nft delete rule inet filter input handle $(nft -a list chain inet filter input | sed -n 's/.*blocked.*handle //p')",
    );
    assert_eq!(
        shown(&root.compare(&namespace)),
        ["back inet/filter/input/rule[3]"]
    );
    shell(&namespace, &format!("nft -f {}", root.path("whole.nft")));
    shell(
        &namespace,
        "nft delete element inet filter blocked '{ 203.0.113.0/24 }'",
    );
    assert_eq!(shown(&root.compare(&namespace)).len(), 1);
    shell(&namespace, "nft flush ruleset");
    assert_eq!(
        shown(&root.compare(&namespace)),
        ["back ip/nat", "back inet/filter"]
    );
}

const FOUR: &str = "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:web - [0:0]\n\
-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n\
-A INPUT -s 192.0.2.0/24 -p tcp -m tcp --dport 22 -m comment --comment \"the office\" -j ACCEPT\n\
-A INPUT -p tcp -m multiport --dports 80,443 -j web\n-A INPUT ! -i eth0 -p udp -m udp --sport 53 -j ACCEPT\n\
-A INPUT -m limit --limit 5/min -j LOG --log-prefix \"gone: \"\n-A INPUT -j REJECT --reject-with icmp-host-prohibited\n\
-A web -m hashlimit --hashlimit-upto 10/sec --hashlimit-mode srcip --hashlimit-name web -j ACCEPT\nCOMMIT\n\
*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n\
-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.0.5:80\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n";
const SIX: &str = "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n\
-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j ACCEPT\n-A INPUT -s fe80::/10 -p udp -m udp --dport 546 -j ACCEPT\nCOMMIT\n";

fn saved(plane: &str) -> (Root, Namespace) {
    let namespace = Namespace::new().unwrap();
    let root = Root::new();
    root.service(
        "netfilter-persistent.service",
        "/usr/sbin/netfilter-persistent start",
    );
    root.write("usr/share/netfilter-persistent/plugins.d/15-ip4tables", "");
    root.write("usr/share/netfilter-persistent/plugins.d/25-ip6tables", "");
    root.restore(plane);
    root.write("etc/iptables/rules.v4", FOUR);
    root.write("etc/iptables/rules.v6", SIX);
    load(&root, &namespace, plane);
    (root, namespace)
}

fn load(root: &Root, namespace: &Namespace, plane: &str) {
    for (tool, file) in [("iptables", "rules.v4"), ("ip6tables", "rules.v6")] {
        let path = root.path(&format!("etc/iptables/{file}"));
        shell(namespace, &format!("{tool}-{plane}-restore < {path}"));
    }
}

#[test]
fn root_saved_rules_in_either_plane() {
    for plane in ["nft", "legacy"] {
        let (root, namespace) = saved(plane);
        same(&root.compare(&namespace));
        // As the tool saves them, with counters and its header.
        let path = root.path("etc/iptables/rules.v4");
        shell(&namespace, &format!("iptables-{plane}-save -c > {path}"));
        same(&root.compare(&namespace));
        shell(
            &namespace,
            &format!("iptables-{plane} -w 5 -D INPUT -j REJECT --reject-with icmp-host-prohibited"),
        );
        assert_eq!(
            shown(&root.compare(&namespace)),
            ["back ip/filter/INPUT/rule[7]"],
            "{plane}"
        );
        shell(
            &namespace,
            &format!("ip6tables-{plane} -w 5 -A INPUT -p tcp --dport 22 -j ACCEPT"),
        );
        let found = shown(&root.compare(&namespace));
        assert!(
            found.contains(&"lost ip6/filter/INPUT/rule[3]".to_owned()),
            "{plane} {found:?}"
        );
        // A table that looking at it made is nothing.
        load(&root, &namespace, plane);
        shell(&namespace, &format!("iptables-{plane} -w 5 -t mangle -L -n"));
        same(&root.compare(&namespace));
    }
}

#[test]
fn root_the_plane_that_the_files_go_to_decides() {
    let (root, namespace) = saved("legacy");
    for tool in ["iptables", "ip6tables"] {
        fs::remove_file(root.0.join(format!("usr/sbin/{tool}-restore"))).unwrap();
    }
    root.restore("nft");
    let mut found = shown(&root.compare(&namespace));
    found.sort();
    assert_eq!(
        found,
        [
            "back ip/filter",
            "back ip/nat",
            "back ip6/filter",
            "lost ip/filter",
            "lost ip/nat",
            "lost ip6/filter"
        ]
    );
}

#[test]
fn root_a_service_that_is_switched_off_brings_nothing() {
    let (root, namespace) = saved("nft");
    let link = "etc/systemd/system/multi-user.target.wants/netfilter-persistent.service";
    fs::remove_file(root.0.join(link)).unwrap();
    let found = root.compare(&namespace);
    assert_eq!(
        shown(&found),
        ["lost ip/filter", "lost ip/nat", "lost ip6/filter"]
    );
    assert_eq!(found.services[0].why.as_deref(), Some("disabled"));
    assert!(Path::new(&root.path("etc/iptables/rules.v4")).exists());
}
