//! IPsec policies against `ip xfrm policy`. This kernel has no ESP, so associations are tested as bytes.

use netghost_core::section::SectionName;

use super::{config, lines, namespace, one_edit, run};

const NAME: SectionName = SectionName::Xfrm;
const POLICIES: &str = "
    ip xfrm policy add src 10.0.0.0/24 dst 10.1.0.0/16 proto tcp dport 443 dir out priority 100 tmpl src 192.0.2.1 dst 192.0.2.2 proto esp reqid 7 mode tunnel
    ip xfrm policy add src 10.1.0.0/16 dst 10.0.0.0/24 dir in mark 1 mask 0xff if_id 5 tmpl src 192.0.2.2 dst 192.0.2.1 proto esp reqid 7 mode tunnel level use
    ip xfrm policy add src 2001:db8::/32 dst ::/0 dir fwd action block priority 3
    ip xfrm policy add src 10.7.0.0/16 dst 10.8.0.0/16 dev lo dir out limit time-hard 3600
    ip xfrm policy setdefault in block fwd accept out accept
";

#[test]
fn root_reads_every_policy_as_it_was_given() {
    let namespace = namespace(POLICIES);
    assert_eq!(
        lines(&config(&namespace, NAME)),
        [
            "default in block fwd accept out accept",
            "policy fwd src 2001:db8::/32 dst ::/0 priority 3 action block ptype main",
            "policy in src 10.1.0.0/16 dst 10.0.0.0/24 priority 0 mark 0x1/0xff if_id 0x5 action allow ptype main \
             mark 0x1/0xff if_id 0x5 tmpl [{src 192.0.2.2 dst 192.0.2.1 proto esp reqid 7 mode tunnel level use}]",
            "policy out src 10.0.0.0/24 dst 10.1.0.0/16 proto tcp dport 443 priority 100 action allow ptype main \
             tmpl [{src 192.0.2.1 dst 192.0.2.2 proto esp reqid 7 mode tunnel}]",
            "policy out src 10.7.0.0/16 dst 10.8.0.0/16 dev lo priority 0 action allow time-hard 3600 ptype main",
        ]
    );
    let shown = namespace.must(&["ip", "xfrm", "policy"]).unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert_eq!(
        shown.lines().filter(|line| line.starts_with("src ")).count(),
        4,
        "{shown}"
    );
}

#[test]
fn root_finds_one_change_of_a_policy_and_none_after_a_reload() {
    let namespace = namespace(POLICIES);
    one_edit(
        &namespace,
        NAME,
        "ip xfrm policy update src 2001:db8::/32 dst ::/0 dir fwd action allow priority 3",
        "fact_changed policy/fwd/src 2001:db8::/32 dst ::/0/priority 3",
        "ip xfrm policy update src 2001:db8::/32 dst ::/0 dir fwd action block priority 3",
    );
    one_edit(
        &namespace,
        NAME,
        "ip xfrm policy setdefault in accept",
        "fact_changed default",
        "ip xfrm policy setdefault in block",
    );
    let before = config(&namespace, NAME);
    run(&namespace, "ip xfrm policy flush");
    assert_ne!(config(&namespace, NAME), before);
    run(&namespace, POLICIES);
    assert_eq!(lines(&config(&namespace, NAME)), lines(&before));
}
