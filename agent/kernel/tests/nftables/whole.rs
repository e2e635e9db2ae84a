//! The completeness rules against the real kernel.

use std::time::Duration;

use netghost_core::artifact::manifest::redecode;
use netghost_core::netfilter::nft::consts;
use netghost_core::netfilter::text;
use netghost_core::section::{Content, Section, State};
use netghost_kernel::netlink::{Protocol, Socket};
use netghost_lab::Limits;
use netghost_lab::netns::Namespace;

use crate::reading::{config, load, read, read_once};

/// Rules of any size: each xtables comment is an expression of some 300 bytes.
fn comments(count: usize) -> String {
    let text = "x".repeat(250);
    (0..count)
        .map(|_| format!(" -m comment --comment {text}"))
        .collect()
}

/// Rules given as words, through `iptables-nft` itself: its restore takes at most 255 words a line.
fn with_rules(rules: &[String]) -> Namespace {
    let namespace = Namespace::new().unwrap();
    for rule in rules {
        let words: Vec<&str> = ["iptables-nft", "-A", "INPUT"]
            .into_iter()
            .chain(rule.split_whitespace())
            .collect();
        namespace.must(&words).unwrap();
    }
    namespace
}

/// A first rule of 5 KB does not fit the first dump of a fresh socket; the kernel then ends the dump without a word.
#[test]
fn root_a_rule_of_5_kb_is_read_on_a_fresh_socket() {
    let namespace = with_rules(&[format!("{} -j ACCEPT", comments(17)), " -j DROP".to_owned()]);
    let section = read(&namespace);
    assert_eq!(config(&section).tables[0].chains[0].rules.len(), 2);
}

/// The same by the socket alone, when the rules are the very first thing that it is asked for.
#[test]
fn root_the_first_dump_of_a_socket_is_whole() {
    let namespace = with_rules(&[format!("{} -j ACCEPT", comments(17)), " -j DROP".to_owned()]);
    let mut request = vec![2, 0, 0, 0];
    for (kind, name) in [(1u16, &b"filter\0"[..]), (2, b"INPUT\0")] {
        request.extend_from_slice(&u16::try_from(name.len() + 4).unwrap().to_ne_bytes());
        request.extend_from_slice(&kind.to_ne_bytes());
        request.extend_from_slice(name);
        request.resize(request.len().next_multiple_of(4), 0);
    }
    let rules = namespace
        .enter(|| {
            Socket::open(Protocol::Netfilter)
                .unwrap()
                .dump(consts::GET_RULE, &request)
                .unwrap()
        })
        .unwrap();
    assert_eq!(rules.len(), 2);
}

/// A rule above 32 KB ends the dump of its chain. What stands behind it is read by its handle, in order, and named as hidden;
/// the large rule alone is a gap, which names its handle.
#[test]
fn root_what_a_rule_of_40_kb_hides_is_read() {
    let namespace = with_rules(&[
        " -s 10.0.0.1 -j ACCEPT".to_owned(),
        format!("{} -j ACCEPT", comments(120)),
        " -s 10.0.0.2 -j ACCEPT".to_owned(),
        " -j DROP".to_owned(),
    ]);
    for tool in [&["nft", "list", "ruleset"][..], &["iptables-nft-save"]] {
        let listed = namespace.must(tool).unwrap();
        let listed = String::from_utf8_lossy(&listed.stdout).to_lowercase();
        assert!(
            listed.contains("10.0.0.1") && !listed.contains("drop"),
            "{tool:?} hides the DROP"
        );
    }
    let section = read(&namespace);
    assert_eq!(
        texts(&section),
        [
            "-A INPUT -s 10.0.0.1/32 -j ACCEPT",
            "[rule too large to be read]",
            "-A INPUT -s 10.0.0.2/32 -j ACCEPT",
            "-A INPUT -j DROP",
        ]
    );
    let [gap] = section.gaps.as_slice() else {
        panic!("{:?}", section.gaps)
    };
    assert_eq!(gap.path, "ip/filter/INPUT/rule[2]");
    assert!(gap.why.contains("too large to be read, handle 3"), "{}", gap.why);
    assert!(
        matches!(&section.state, State::Unreadable { why } if why.contains("too large to be read")),
        "{:?}",
        section.state
    );
    let named: Vec<&str> = section
        .warnings
        .iter()
        .map(|warning| warning.code.as_str())
        .collect();
    assert_eq!(named, ["HIDDEN_RULE"; 3]);
    let last = &section.warnings[2].message;
    assert!(last.contains("ip/filter/INPUT/rule[4] (handle 5)"), "{last}");
    assert!(last.ends_with(": -A INPUT -j DROP"), "{last}");
    let again = redecode(section.name, section.raw.as_ref().unwrap()).unwrap();
    assert_eq!((Some(again.content), again.gaps), (section.content, section.gaps));
}

/// The large rule may be the first, and the last; a rule of more than one page behind it can't be had either.
#[test]
fn root_every_rule_that_cannot_be_had_is_a_gap_in_its_place() {
    let namespace = with_rules(&[
        format!("{} -j ACCEPT", comments(120)),
        " -j DROP".to_owned(),
        format!("{} -j ACCEPT", comments(20)),
        " -s 10.0.0.2 -j ACCEPT".to_owned(),
        format!("{} -j ACCEPT", comments(120)),
    ]);
    let section = read(&namespace);
    let large = "[rule too large to be read]";
    assert_eq!(
        texts(&section),
        [
            large,
            "-A INPUT -j DROP",
            large,
            "-A INPUT -s 10.0.0.2/32 -j ACCEPT",
            large
        ]
    );
    let paths: Vec<&str> = section.gaps.iter().map(|gap| gap.path.as_str()).collect();
    assert_eq!(
        paths,
        [1, 3, 5].map(|place| format!("ip/filter/INPUT/rule[{place}]"))
    );
}

/// A chain that a rule jumps to which can't be read is short by that jump: nothing is hidden in it, and nothing proves that.
#[test]
fn root_a_jump_that_is_not_read_leaves_its_target_unread() {
    let namespace = Namespace::new().unwrap();
    namespace.must(&["iptables-nft", "-N", "target"]).unwrap();
    let large = format!("-A INPUT {} -j target", comments(120));
    for rule in [large.as_str(), "-A INPUT -j target", "-A target -j DROP"] {
        let words: Vec<&str> = ["iptables-nft"]
            .into_iter()
            .chain(rule.split_whitespace())
            .collect();
        namespace.must(&words).unwrap();
    }
    let section = read(&namespace);
    let gaps: Vec<(&str, bool)> = section
        .gaps
        .iter()
        .map(|gap| (gap.path.as_str(), gap.why.contains("(2 of 3 uses seen)")))
        .collect();
    assert_eq!(
        gaps,
        [("ip/filter/target", true), ("ip/filter/INPUT/rule[1]", false)]
    );
    let left = section
        .warnings
        .iter()
        .find(|warning| warning.code == "HIDDEN_RULES_LEFT");
    assert!(left.unwrap().message.contains("1 of its 3 uses"), "{left:?}");
}

fn texts(section: &Section) -> Vec<String> {
    let Some(Content::Netfilter { config, .. }) = &section.content else {
        panic!("what was read is shown")
    };
    let table = &config.tables[0];
    let rules = table.chains[0].rules.iter();
    rules
        .map(|rule| text::rule(config.plane, table, &table.chains[0], rule))
        .collect()
}

/// Jumps, gotos, verdict maps and bound chains all count as uses; none of them may look like a missing rule.
#[test]
fn root_every_kind_of_reference_is_counted() {
    let section = read(&load(
        "table inet t {
            map m { type inet_service : verdict; elements = { 1 : jump a, 2 : goto b } }
            map i { type inet_service : verdict; flags interval; elements = { 10-20 : jump a, 30-40 : goto b } }
            chain a { counter; jump b; }
            chain b { counter; }
            chain input {
                type filter hook input priority 0;
                jump a
                goto b
                tcp dport vmap @m
                tcp dport vmap { 3 : jump a, 4-9 : goto b }
                ip saddr 10.0.0.1 jump { counter; drop; }
            }
        }",
    ));
    assert_eq!(section.state, State::Captured, "{:?}", section.gaps);
}

/// A writer that never rests ends in torn after eight tries, with what was read, and not in an endless loop.
#[test]
fn root_a_writer_that_never_rests_ends_in_torn() {
    let namespace = load("table ip busy { chain c { counter; }\nchain d { counter; }\n}");
    let filler: String = (0..3000)
        .map(|n| format!("add rule ip busy c ip saddr 10.0.{}.{} drop\n", n / 250, n % 250))
        .collect();
    assert!(
        namespace
            .exec_with_input(&["nft", "-f", "-"], filler.as_bytes())
            .unwrap()
            .status
            .success()
    );
    // One process, one transaction a line: some thousand changes a second, until the reader has had enough.
    let stop = std::env::temp_dir().join(format!("netghost-torn-stop-{}", std::process::id()));
    let writer = format!(
        "while [ ! -e {} ]; do echo add rule ip busy d counter; echo flush chain ip busy d; done | nft -i",
        stop.display()
    );
    let torn = std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let limits = Limits {
                time: Duration::from_secs(600),
                ..Limits::default()
            };
            namespace
                .exec_within(&["sh", "-c", &writer], b"", limits)
                .unwrap()
        });
        // A reading can fall into a rest that a busy machine forces on the writer: then it is whole, and rightly so.
        let torn = (0..20)
            .map(|_| read_once(&namespace))
            .find(|section| matches!(section.state, State::Torn { .. }));
        std::fs::write(&stop, "").unwrap();
        assert!(writing.join().unwrap().status.success());
        std::fs::remove_file(&stop).unwrap();
        torn.expect("none of 20 readings was overtaken")
    });
    assert!(
        matches!(&torn.state, State::Torn { why } if why.contains("8 reads")),
        "{:?}",
        torn.state
    );
    assert!(torn.content.is_some(), "what was read is shown");
    assert_eq!(
        read(&namespace).state,
        State::Captured,
        "and when it rests, it is whole"
    );
}
