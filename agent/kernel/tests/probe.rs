//! A host read by the static probe with the ordinary tools, and from the kernel: one configuration, one digest; and what the probe
//! leaves on the host.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what they expect by failing; clippy.toml reaches test functions, not what they call"
)]

use netghost_core::diff::{Comparison, Verdict, compare};
use netghost_core::probe::frame::{Answer, answer};
use netghost_core::probe::parts::Parts;
use netghost_core::probe::{Keeps, PieceNumber, Reading, Script, sections};
use netghost_core::section::coverage::coverage;
use netghost_core::section::{Section, SectionName, State};
use netghost_core::snapshot::{Snapshot, Target};
use netghost_lab::netns::Namespace;

#[path = "shared/in_namespace.rs"]
mod in_namespace;

use in_namespace::{namespace, now_us, run};

/// What text shows whole.
const EQUAL: [SectionName; 13] = [
    SectionName::Nftables,
    SectionName::XtablesLegacyIpv4,
    SectionName::XtablesLegacyIpv6,
    SectionName::ArptablesLegacy,
    SectionName::Links,
    SectionName::Routes,
    SectionName::Ipset,
    SectionName::Addresses,
    SectionName::PolicyRules,
    SectionName::Nexthops,
    SectionName::Neighbours,
    SectionName::Mptcp,
    SectionName::Sysctls,
];

/// Something of everything, at rest: the kernel tries its own addresses first. Groups of nexthops are left out: an older `ip` does
/// not show all of them.
const HOST: &str = r#"
    ip link add eth0 type veth peer name eth1
    ip link set eth0 address 02:00:00:00:00:05 mtu 1400 alias "the way out"
    ip link set eth0 up
    ip link set eth1 up
    ip link add br0 type bridge
    ip link set eth1 master br0
    ip addr add 10.0.0.5/24 dev eth0
    ip addr add 10.0.0.6/32 peer 10.0.1.6 dev eth0 label eth0:x
    ip addr add 2001:db8::5/64 dev eth0 nodad
    ip route add 192.0.2.0/24 via 10.0.0.2 table 300 mtu lock 1300
    ip route add 198.51.100.0/24 nexthop via 10.0.0.3 weight 3 nexthop via 10.0.0.4 onlink dev eth0
    ip route add blackhole 203.0.113.0/24
    ip -6 route add 2001:db8:1::/48 via 2001:db8::1 dev eth0 metric 50 pref high
    ip rule add from 10.9.0.0/16 fwmark 0x1/0xff lookup 300 priority 100
    ip rule add to 10.8.0.0/16 sport 5-9 ipproto tcp prohibit priority 100
    ip -6 rule add iif eth0 lookup 300
    ip nexthop add id 1 via 10.0.0.1 dev eth0 proto static
    ip nexthop add id 3 dev eth0
    ip nexthop add id 4 blackhole
    ip nexthop add id 6 via 10.9.9.9 dev eth0 onlink
    ip nexthop add id 12 via 10.0.0.7 fdb
    ip neigh add 10.0.0.2 lladdr 00:11:22:33:44:55 dev eth0 nud permanent
    ip neigh add 10.0.0.3 lladdr 00:11:22:33:44:56 dev eth0 nud noarp router
    ip neigh add 2001:db8::9 dev eth0 managed
    ip neigh add proxy 10.0.0.77 dev eth0
    ip neigh add proxy 10.0.0.78
    ip mptcp endpoint add 10.0.0.5 dev eth0 signal backup port 7000
    ip mptcp endpoint add 2001:db8::5 subflow fullmesh
    ip mptcp limits set subflows 4 add_addr_accepted 3
    ipset create hosts hash:ip comment
    ipset add hosts 10.0.0.9 comment "nine"
    ipset create nets hash:net,port family inet6 timeout 0 hashsize 64
    ipset add nets 2001:db8::/32,tcp:80
    nft add table inet f
    nft add set inet f ports '{ type inet_service; flags interval; elements = { 80, 443, 8000-8100 }; }'
    nft add chain inet f input '{ type filter hook input priority 0; policy drop; }'
    nft add rule inet f input ct state established,related counter accept comment '"old"'
    nft add rule inet f input tcp dport @ports meta mark set 5 accept
    nft add rule inet f input iifname eth0 ip saddr '{ 10.0.0.0/8, 192.0.2.1 }' limit rate 5/second log prefix '"x "' drop
    iptables-nft -A INPUT -p tcp --dport 22 -m conntrack --ctstate NEW -m comment --comment "the way in" -j ACCEPT
    iptables-nft -A INPUT -s 10.0.0.0/8 -m limit --limit 5/sec -j LOG --log-prefix "in: "
    iptables-nft -A INPUT -p udp -m multiport --dports 53,123 -j REJECT
    iptables-nft -t nat -A POSTROUTING -o eth0 -j MASQUERADE
    ip6tables-nft -A FORWARD -p ipv6-icmp -m hl --hl-lt 5 -j DROP
    iptables-legacy -A INPUT -s 192.0.2.0/24 -p tcp --dport 22 -m conntrack --ctstate NEW -j DROP
    iptables-legacy -t mangle -A PREROUTING -i eth0 -j MARK --set-mark 7
    ip6tables-legacy -P FORWARD DROP
    sysctl -qw net.ipv4.conf.eth0.rp_filter=2
    sysctl -qw net.ipv6.conf.eth0.accept_ra=0
    sysctl -qw net.ipv4.ip_forward=1
    sleep 2.5
"#;

fn prints(namespace: &Namespace, script: Script) -> Vec<u8> {
    let output = namespace
        .exec_with_input(&["sh", "-s"], script.text().as_bytes())
        .unwrap();
    assert_eq!(output.stderr, b"", "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn probed(namespace: &Namespace) -> Parts {
    let mut reading = Reading::new(Keeps::Everything).unwrap();
    reading
        .take(&prints(namespace, reading.script().unwrap()))
        .unwrap();
    reading.into_parts().unwrap()
}

fn snapshot(sections: Vec<Section>) -> Snapshot {
    Snapshot {
        target: Target::File { name: "test".into() },
        tool: "test".to_owned(),
        taken_at_us: 0,
        coverage: coverage(&sections),
        sections,
        namespaces: None,
    }
}

fn from_kernel(namespace: &Namespace, names: &[SectionName]) -> Snapshot {
    let names = names.to_vec();
    let mut sections = namespace
        .enter(move || netghost_kernel::capture(&names, &now_us))
        .unwrap();
    sections.sort_by_key(|section| section.name);
    snapshot(sections)
}

fn from_text(namespace: &Namespace, names: &[SectionName]) -> Snapshot {
    snapshot(sections(&probed(namespace), names))
}

fn assert_same(found: &Comparison, names: &[SectionName]) {
    let rows: Vec<_> = found.not_covered.iter().filter(|row| row.requested).collect();
    assert_eq!(found.verdict, Verdict::NoDrift, "{rows:#?}\n{:#?}", found.changes);
    for name in names {
        let covered = found
            .covered
            .iter()
            .find(|covered| covered.section == *name)
            .unwrap();
        assert_eq!(
            covered.baseline_config_digest, covered.current_config_digest,
            "{name}"
        );
    }
}

#[test]
fn root_text_and_kernel_have_one_digest_of_everything_that_text_shows() {
    let namespace = namespace(HOST);
    let (kernel, text) = (from_kernel(&namespace, &EQUAL), from_text(&namespace, &EQUAL));
    for section in &text.sections {
        assert_eq!(
            section.state,
            State::Captured,
            "{} {:?}",
            section.name,
            section.gaps
        );
    }
    assert_same(&compare(&kernel, &text, &EQUAL), &EQUAL);
    assert_same(&compare(&text, &kernel, &EQUAL), &EQUAL);
}

#[test]
fn root_an_idle_host_is_the_same_both_ways_too() {
    let namespace = namespace("");
    let mut names = EQUAL.to_vec();
    names.push(SectionName::Xfrm);
    let (kernel, text) = (from_kernel(&namespace, &names), from_text(&namespace, &names));
    assert_same(&compare(&kernel, &text, &names), &names);
}

/// Edits, each of which is drift of its section.
const EDITS: &[&[(&str, SectionName)]] = &[
    &[
        (
            "nft insert rule inet f input tcp dport 5001 drop",
            SectionName::Nftables,
        ),
        ("iptables-legacy -D INPUT 1", SectionName::XtablesLegacyIpv4),
        (
            "ip6tables-legacy -P FORWARD ACCEPT",
            SectionName::XtablesLegacyIpv6,
        ),
        ("ip link set eth0 mtu 1300", SectionName::Links),
        ("ip route add 192.0.2.1 via 10.0.0.9", SectionName::Routes),
        ("ipset add hosts 10.0.0.10", SectionName::Ipset),
        ("ip addr add 10.0.0.99/32 dev eth0", SectionName::Addresses),
        ("ip rule add from 10.9.9.9 blackhole", SectionName::PolicyRules),
        (
            "ip nexthop replace id 4 via 10.0.0.44 dev eth0",
            SectionName::Nexthops,
        ),
        (
            "ip neigh replace 10.0.0.2 lladdr 00:11:22:33:44:99 dev eth0 nud permanent",
            SectionName::Neighbours,
        ),
        ("ip mptcp limits set subflows 5", SectionName::Mptcp),
        ("sysctl -qw net.ipv4.conf.eth0.rp_filter=1", SectionName::Sysctls),
    ],
    &[(
        "iptables-nft -R INPUT 2 -s 10.0.0.0/8 -m limit --limit 6/sec -j LOG --log-prefix 'in: '",
        SectionName::Nftables,
    )],
];

#[test]
fn root_each_edit_is_drift_from_what_the_kernel_said() {
    let namespace = namespace(HOST);
    // One edit of a section at a time; those of different sections at once.
    for edits in EDITS {
        let before = from_kernel(&namespace, &EQUAL);
        edits.iter().for_each(|(edit, _)| run(&namespace, edit));
        let after = from_text(&namespace, &EQUAL);
        for (edit, section) in *edits {
            let found = compare(&before, &after, &[*section]);
            assert_eq!(found.verdict, Verdict::Drift, "{edit}: {:#?}", found.not_covered);
        }
    }
}

#[test]
fn root_what_nobody_reads_as_text_is_unknown() {
    let namespace = namespace(HOST);
    let parts = probed(&namespace);
    for name in SectionName::HOST.into_iter().filter(|name| !EQUAL.contains(name)) {
        let section = sections(&parts, &[name]).remove(0);
        // Where the kernel has no such thing, that is a proof; where nothing is set, the counts say so.
        if let State::Unreadable { why } = &section.state {
            assert!(!why.is_empty(), "{name}");
            assert!(section.content.is_none() || !section.gaps.is_empty(), "{name}");
        } else {
            let proven = [
                SectionName::Xfrm,
                SectionName::Conntrack,
                SectionName::Ipvs,
                SectionName::EbtablesLegacy,
            ];
            assert!(proven.contains(&name), "{name} {:?}", section.state);
        }
    }
}

#[test]
fn root_secrets_never_leave_the_host() {
    let namespace =
        namespace("ip xfrm policy add src 10.0.0.0/24 dst 10.1.0.0/16 dir out tmpl proto esp mode tunnel");
    let section = sections(&probed(&namespace), &[SectionName::Xfrm]).remove(0);
    assert_eq!(
        section.state.word(),
        "unreadable",
        "there is one, which is not listed"
    );
    let text = Script::Stream.text();
    let asked: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("ip xfrm"))
        .map(str::trim)
        .collect();
    assert_eq!(asked.len(), 3);
    // A listing of associations holds keys.
    assert!(
        asked
            .iter()
            .all(|line| line.ends_with(" count") || line.ends_with(" getdefault"))
    );
    let Ok(Answer::Stream { bytes, .. }) = answer(&prints(&namespace, Script::Stream)) else {
        panic!()
    };
    let unpacked = namespace
        .exec_with_input(&["gzip", "-dc"], &bytes)
        .unwrap()
        .stdout;
    let unpacked = String::from_utf8_lossy(&unpacked);
    assert!(unpacked.contains("SPD IN  0 OUT 1 FWD 0"));
    for secret in ["tcp_fastopen_key", "stable_secret"] {
        assert!(!unpacked.contains(secret), "{secret}");
    }
}

/// Runs `rest` where `/run` is empty and nobody else's; `$1` … are directories with the scripts.
fn kept(rest: &str) -> (String, tempdir::Dir) {
    let directory = tempdir::Dir::new();
    for script in [Script::Keep, Script::Remove, Script::Stream] {
        let name = format!("{script:?}").to_lowercase();
        std::fs::write(directory.path().join(name), script.text()).unwrap();
    }
    for number in 1..=64 {
        let script = Script::Piece(PieceNumber::new(number).unwrap());
        std::fs::write(directory.path().join(number.to_string()), script.text()).unwrap();
    }
    let namespace = Namespace::new().unwrap();
    let whole = format!(
        "mount -t tmpfs none /run && cd {} && {rest}",
        directory.path().display()
    );
    let output = namespace.must(&["unshare", "-m", "sh", "-ec", &whole]).unwrap();
    (String::from_utf8(output.stdout).unwrap(), directory)
}

mod tempdir {
    //! A directory that goes with its value.

    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicU32, Ordering};

    static NEXT: AtomicU32 = AtomicU32::new(0);

    pub(super) struct Dir(PathBuf);

    impl Dir {
        pub(super) fn new() -> Self {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("netghost-probe-{}-{number}", std::process::id()));
            std::fs::create_dir(&path).unwrap();
            Self(path)
        }

        pub(super) fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).ok();
        }
    }
}

#[test]
fn root_what_is_kept_is_roots_alone_and_is_read_in_pieces() {
    let (said, directory) = kept(
        "sh keep >a.keep
         stat -c '%a %U %F' /run/netghost-probe /run/netghost-probe/*
         setpriv --reuid 65534 --regid 65534 --clear-groups ls /run/netghost-probe >seen 2>&1 || echo hidden
         for n in $(seq 1 64); do sh $n >a.$n || true; done
         sh 1 >again; cmp a.1 again && echo same
         sh remove >a.remove; ls -A /run | wc -l
         sh 1 || true",
    );
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "700 root directory", "{said}");
    assert!(
        lines.contains(&"600 root regular file") && !said.contains("644"),
        "{said}"
    );
    let end = [
        "hidden",
        "same",
        "0",
        "netghost-probe 1 failed nothing is kept",
        "netghost-probe-end failed nothing is kept",
    ];
    assert!(said.ends_with(&format!("{}\n", end.join("\n"))), "{said}");
    let mut reading = Reading::new(Keeps::Tail(4_096)).unwrap();
    let mut runs = 0;
    while let Some(script) = reading.script() {
        let name = match script {
            Script::Piece(number) => number.get().to_string(),
            other => format!("{other:?}").to_lowercase(),
        };
        let answer = std::fs::read(directory.path().join(format!("a.{name}"))).unwrap();
        assert!(answer.len() < 4_096, "{script:?} {}", answer.len());
        reading.take(&answer).unwrap();
        runs += 1;
    }
    assert!(runs > 3);
    let parts = reading.into_parts().unwrap();
    assert_eq!(sections(&parts, &[SectionName::Links])[0].state, State::Captured);
}

#[test]
fn root_a_place_that_is_not_roots_is_not_used() {
    let (said, _directory) = kept(
        "mkdir /run/elsewhere; echo mine >/run/elsewhere/payload; ln -s /run/elsewhere /run/netghost-probe
         sh keep || echo refused; sh 1 || echo refused; sh remove || echo refused; cat /run/elsewhere/payload
         rm /run/netghost-probe; mkdir /run/netghost-probe; chown 65534 /run/netghost-probe
         sh keep || echo refused; sh remove || echo refused; ls -d /run/netghost-probe",
    );
    assert_eq!(said.matches("refused").count(), 5, "{said}");
    assert!(
        said.contains("\nmine\n") && said.ends_with("/run/netghost-probe\n"),
        "{said}"
    );
}

#[test]
fn root_a_broken_reading_leaves_nothing_behind() {
    let (said, _directory) = kept(
        "export TMPDIR=$PWD/tmp; mkdir tmp
         for s in keep stream; do sh $s >/dev/null & sleep 0.7; kill -TERM $!; wait $! || echo ended; done
         ls -A /run tmp | grep -c netghost || true; ls -A tmp | wc -l",
    );
    assert_eq!(said.lines().filter(|line| *line == "ended").count(), 2, "{said}");
    assert!(said.ends_with("0\n0\n"), "{said}");
}

#[test]
fn root_tools_that_are_not_there_are_named() {
    let directory = tempdir::Dir::new();
    for tool in [
        "sh",
        "sha256sum",
        "timeout",
        "mktemp",
        "cut",
        "head",
        "tr",
        "wc",
        "cat",
        "id",
        "stat",
        "grep",
        "find",
        "rm",
        "date",
        "uname",
        "mv",
    ] {
        std::os::unix::fs::symlink(format!("/usr/bin/{tool}"), directory.path().join(tool)).unwrap();
    }
    let text = Script::Stream.text();
    let line = text.lines().find(|line| line.starts_with("PATH=")).unwrap();
    let text = text.replace(line, &format!("PATH={}", directory.path().display()));
    let namespace = namespace("");
    let output = namespace.exec_with_input(&["sh", "-s"], text.as_bytes()).unwrap();
    let mut reading = Reading::new(Keeps::Everything).unwrap();
    reading.take(&output.stdout).unwrap();
    let parts = reading.into_parts().unwrap();
    for (name, tool) in [
        (SectionName::Nftables, "nft"),
        (SectionName::Ipset, "ipset"),
        (SectionName::Links, "ip"),
        (SectionName::Routes, "ip"),
    ] {
        let section = sections(&parts, &[name]).remove(0);
        assert_eq!(
            section.state.why(),
            Some(format!("{tool} is not installed").as_str()),
            "{name}"
        );
    }
    std::fs::remove_file(directory.path().join("sha256sum")).unwrap();
    let output = namespace.exec_with_input(&["sh", "-s"], text.as_bytes()).unwrap();
    let error = answer(&output.stdout).unwrap_err();
    assert!(
        error.to_string().contains("sha256sum is not installed"),
        "{error}"
    );
}
