//! Kernel parameters against the files, read by another program in the same namespace.

use netghost_core::facts::Value;
use netghost_core::host::sysctls::table::{GLOBAL, Parameter};
use netghost_core::section::SectionName::Sysctls;

use super::{captured, changes, fact, facts, namespace, printed, run, shown};

const LINKS: &str = "
    ip link add v0 type veth peer name v1
    ip link add v0.7 type ifb
";

fn spaced(value: &Value) -> String {
    match value {
        Value::List(values) => values.iter().map(spaced).collect::<Vec<_>>().join(" "),
        value => value.to_string(),
    }
}

/// All parameters that are there once, as `cat` shows them.
#[test]
fn root_reads_parameters_as_the_files_show_them() {
    let namespace = namespace(LINKS);
    run(
        &namespace,
        "echo 5000 6000 > /proc/sys/net/ipv4/ip_local_port_range",
    );
    let section = captured(&namespace, Sysctls);
    let (config, runtime) = facts(&section);
    let mut compared = 0;
    for Parameter { name, .. } in GLOBAL {
        let path = format!("/proc/sys/net/{name}");
        let there = printed(
            &namespace,
            &format!("cat {path} 2>/dev/null | tr '\\t' ' ' || true"),
        );
        let expected = format!("sysctl/net.{}", name.replace('/', "."));
        let all = config.facts.iter().chain(&runtime.facts);
        let mut ours = all
            .filter(|fact| fact.path() == expected)
            .map(|fact| spaced(fact.property("value").unwrap()));
        let present = printed(&namespace, &format!("test -e {path} && echo yes || true"));
        let theirs = (present == "yes").then_some(there);
        assert_eq!(ours.next_back(), theirs, "{name}");
        compared += usize::from(present == "yes");
    }
    assert!(compared > 100, "{compared}");
    let range = fact(config, "sysctl/net.ipv4.ip_local_port_range");
    assert_eq!(
        range.to_string(),
        "sysctl net.ipv4.ip_local_port_range value [5000 6000]"
    );
}

#[test]
fn root_reads_the_parameters_of_each_link_in_its_own_namespace() {
    let one = namespace(LINKS);
    let other = namespace(LINKS);
    run(&one, "echo 2 > /proc/sys/net/ipv4/conf/v0.7/rp_filter");
    let (one_section, other_section) = (captured(&one, Sysctls), captured(&other, Sysctls));
    let filter = |section| {
        let (config, _) = facts(section);
        fact(config, "sysctl/net.ipv4.conf/v0.7")
            .property("rp_filter")
            .cloned()
    };
    assert_eq!(filter(&one_section), Some(Value::number(2u8)));
    assert_ne!(
        filter(&one_section),
        filter(&other_section),
        "a thread sees its own namespace"
    );
    for file in [
        "ipv4/conf/v0.7",
        "ipv6/conf/all",
        "ipv4/neigh/default",
        "ipv6/neigh/v1",
    ] {
        let (directory, link) = file.rsplit_once('/').unwrap();
        let path = format!("sysctl/net.{}/{link}", directory.replace('/', "."));
        let (config, runtime) = facts(&one_section);
        let all = config.facts.iter().chain(&runtime.facts);
        for property in all
            .filter(|fact| fact.path() == path)
            .flat_map(|fact| &fact.properties)
        {
            let theirs = printed(&one, &format!("cat /proc/sys/net/{file}/{}", property.name));
            assert_eq!(property.value.to_string(), theirs, "{file}/{}", property.name);
        }
    }
}

#[test]
fn root_finds_one_change_for_one_edit() {
    let namespace = namespace(LINKS);
    let before = captured(&namespace, Sysctls);
    assert_eq!(changes(&before, &captured(&namespace, Sysctls)), [""; 0]);
    for (line, expected) in [
        (
            "echo 1 > /proc/sys/net/ipv4/conf/v1/accept_local",
            "sysctl/net.ipv4.conf/v1",
        ),
        (
            "echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all",
            "sysctl/net.ipv4.icmp_echo_ignore_all",
        ),
        (
            "echo 53,8000-8100 > /proc/sys/net/ipv4/ip_local_reserved_ports",
            "sysctl/net.ipv4.ip_local_reserved_ports",
        ),
        (
            "echo reno > /proc/sys/net/ipv4/tcp_congestion_control",
            "sysctl/net.ipv4.tcp_congestion_control",
        ),
        (
            "echo 1 > /proc/sys/net/ipv6/conf/v0/disable_ipv6",
            "sysctl/net.ipv6.conf/v0",
        ),
    ] {
        let before = captured(&namespace, Sysctls);
        run(&namespace, line);
        let found = changes(&before, &captured(&namespace, Sysctls));
        assert_eq!(found.len(), 1, "{line}: {found:?}");
        assert!(found[0].ends_with(&format!(" {expected}")), "{found:?}");
    }
}

/// A link's MTU is a fact of the link; that the parameter follows is no second one.
#[test]
fn root_finds_no_change_in_what_follows_by_itself() {
    let namespace = namespace(LINKS);
    let before = captured(&namespace, Sysctls);
    run(&namespace, "ip link set v0 mtu 1400");
    let after = captured(&namespace, Sysctls);
    assert_eq!(changes(&before, &after), [""; 0]);
    let (_, runtime) = facts(&after);
    assert!(
        shown(runtime).contains(&"sysctl net.ipv6.conf v0 hop_limit 64 mc_forwarding 0 mtu 1400".to_owned())
    );
}
