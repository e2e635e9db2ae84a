//! Links, addresses, routes, policy rules, neighbours, tc, kernel parameters.

use netghost_core::section::SectionName;

use super::super::{changes, namespace, read, run};
use super::{Edit, Plane};

const LINKS: &str = "
    ip link add v0 type veth peer name v1
    ip link set v0 addrgenmode none
    ip link set v1 addrgenmode none
    ip link set v0 up
    ip link set v1 up
    ip addr add 10.9.0.1/24 dev v0
    ip addr add fd00::1/64 dev v0 nodad
";

/// One mechanism upon those links.
fn judge(name: SectionName, more: &str, edits: &[Edit], noise: &[&str]) {
    let setup = format!("{LINKS}{more}");
    Plane {
        name,
        setup: &setup,
        edits,
        noise,
    }
    .judge();
}

#[test]
fn root_each_edit_of_a_link_is_one_change() {
    let edits: &[Edit] = &[
        (
            "ip link set v1 mtu 1400",
            "link_changed",
            "ip link set v1 mtu 1500",
        ),
        (
            "ip link set v1 address 02:00:00:00:00:07",
            "link_changed",
            "ip link set v1 address 02:00:00:00:00:01",
        ),
        (
            "ip link set v1 promisc on",
            "link_changed",
            "ip link set v1 promisc off",
        ),
        ("ip link set v1 arp off", "link_changed", "ip link set v1 arp on"),
        ("ip link set v1 group 5", "link_changed", "ip link set v1 group 0"),
        (
            "ip link set v1 alias up",
            "link_changed",
            "ip link set v1 alias ''",
        ),
        ("ip link add b0 type bridge", "link_added", "ip link del b0"),
    ];
    let noise = ["ping -c 1 -W 1 10.9.0.2 >/dev/null || true"];
    judge(
        SectionName::Links,
        "ip link set v1 address 02:00:00:00:00:01",
        edits,
        &noise,
    );
}

#[test]
fn root_each_edit_of_an_address_is_one_change() {
    let edits: &[Edit] = &[
        (
            "ip addr add 10.9.0.7/24 dev v0",
            "fact_added",
            "ip addr del 10.9.0.7/24 dev v0",
        ),
        (
            "ip addr add fd00::7/64 dev v0 nodad",
            "fact_added",
            "ip addr del fd00::7/64 dev v0",
        ),
        (
            "ip addr del 10.9.0.1/24 dev v0",
            "fact_removed",
            "ip addr add 10.9.0.1/24 dev v0",
        ),
        (
            "ip addr change 10.9.0.1/24 dev v0 metric 77",
            "fact_changed",
            "ip addr del 10.9.0.1/24 dev v0; ip addr add 10.9.0.1/24 dev v0",
        ),
        (
            "ip addr change fd00::1/64 dev v0 home",
            "fact_changed",
            "ip addr del fd00::1/64 dev v0; ip addr add fd00::1/64 dev v0 nodad",
        ),
    ];
    judge(SectionName::Addresses, "", edits, &["ip link set v0 mtu 1400"]);
}

const ROUTES: &[Edit] = &[
    (
        "ip route add 10.40.0.0/16 dev v0",
        "route_added",
        "ip route del 10.40.0.0/16",
    ),
    (
        "ip route del 10.30.0.0/16",
        "route_removed",
        "ip route add 10.30.0.0/16 via 10.9.0.2",
    ),
    (
        "ip route replace 10.30.0.0/16 via 10.9.0.3",
        "route_changed",
        "ip route replace 10.30.0.0/16 via 10.9.0.2",
    ),
    (
        "ip route replace 10.30.0.0/16 via 10.9.0.2 mtu 1400",
        "route_changed",
        "ip route replace 10.30.0.0/16 via 10.9.0.2",
    ),
    (
        "ip route replace 10.31.0.0/16 nexthop via 10.9.0.2 weight 1 nexthop via 10.9.0.3 weight 3",
        "route_changed",
        "ip route replace 10.31.0.0/16 nexthop via 10.9.0.2 weight 1 nexthop via 10.9.0.3 weight 2",
    ),
    (
        "ip route replace blackhole 10.32.0.0/16 metric 7",
        "route_changed",
        "ip route replace unreachable 10.32.0.0/16 metric 7",
    ),
    (
        "ip route add 10.30.0.0/16 via 10.9.0.4 table 99",
        "route_added",
        "ip route flush table 99",
    ),
    (
        "ip -6 route replace fd01::/64 via fd00::3 metric 5",
        "route_changed",
        "ip -6 route replace fd01::/64 via fd00::2 metric 5",
    ),
    (
        "ip -6 route add fd01::/64 via fd00::3 metric 6",
        "route_added",
        "ip -6 route del fd01::/64 metric 6",
    ),
    (
        "ip -6 route del fd02::/64 nexthop via fd00::3",
        "route_changed",
        "ip -6 route append fd02::/64 via fd00::3",
    ),
];

#[test]
fn root_each_edit_of_a_route_is_one_change() {
    let more = "
        ip route add 10.30.0.0/16 via 10.9.0.2
        ip route add 10.31.0.0/16 nexthop via 10.9.0.2 weight 1 nexthop via 10.9.0.3 weight 2
        ip route add unreachable 10.32.0.0/16 metric 7
        ip -6 route add fd01::/64 via fd00::2 metric 5
        ip -6 route add fd02::/64 nexthop via fd00::2 nexthop via fd00::3
    ";
    let noise = [
        "ping -c 1 -W 1 10.30.0.1 >/dev/null || true",
        "ip route del 10.30.0.0/16; ip route add 10.30.0.0/16 via 10.9.0.2",
    ];
    judge(SectionName::Routes, more, ROUTES, &noise);
}

#[test]
fn root_each_edit_of_a_policy_rule_is_one_change() {
    let more = "
        ip rule add from 10.9.0.0/24 table 99 pref 100
        ip -6 rule add iif v0 table 98 pref 100
    ";
    let edits: &[Edit] = &[
        (
            "ip rule add fwmark 7 table 5 pref 50",
            "fact_added",
            "ip rule del pref 50",
        ),
        (
            "ip rule del pref 100",
            "fact_removed",
            "ip rule add from 10.9.0.0/24 table 99 pref 100",
        ),
        (
            "ip rule add from 10.9.0.0/24 table 97 pref 100; ip rule del from 10.9.0.0/24 table 99 pref 100",
            "fact_changed",
            "ip rule add from 10.9.0.0/24 table 99 pref 100; ip rule del from 10.9.0.0/24 table 97 pref 100",
        ),
        (
            "ip -6 rule add iif v0 blackhole pref 101",
            "fact_added",
            "ip -6 rule del pref 101",
        ),
    ];
    judge(
        SectionName::PolicyRules,
        more,
        edits,
        &["ip rule del pref 100; ip rule add from 10.9.0.0/24 table 99 pref 100"],
    );
}

#[test]
fn root_each_edit_of_a_nexthop_is_one_change() {
    let more = "
        ip nexthop add id 1 via 10.9.0.2 dev v0
        ip nexthop add id 2 via 10.9.0.3 dev v0
        ip nexthop add id 10 group 1/2
    ";
    let edits: &[Edit] = &[
        (
            "ip nexthop add id 3 via 10.9.0.4 dev v0",
            "fact_added",
            "ip nexthop del id 3",
        ),
        (
            "ip nexthop replace id 2 via 10.9.0.5 dev v0",
            "fact_changed",
            "ip nexthop replace id 2 via 10.9.0.3 dev v0",
        ),
        (
            "ip nexthop replace id 10 group 1,3/2",
            "fact_changed",
            "ip nexthop replace id 10 group 1/2",
        ),
        (
            "ip nexthop del id 10",
            "fact_removed",
            "ip nexthop add id 10 group 1/2",
        ),
    ];
    judge(SectionName::Nexthops, more, edits, &[]);
}

#[test]
fn root_each_edit_of_a_neighbour_is_one_change() {
    let more = "ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev v0 nud permanent";
    let edits: &[Edit] = &[
        (
            "ip neigh add 10.9.0.3 lladdr 02:00:00:00:00:03 dev v0 nud permanent",
            "fact_added",
            "ip neigh del 10.9.0.3 dev v0",
        ),
        (
            "ip neigh change 10.9.0.2 lladdr 02:00:00:00:00:09 dev v0 nud permanent",
            "fact_changed",
            "ip neigh change 10.9.0.2 lladdr 02:00:00:00:00:02 dev v0 nud permanent",
        ),
        (
            "ip neigh add proxy 10.9.0.9 dev v0",
            "fact_added",
            "ip neigh del proxy 10.9.0.9 dev v0",
        ),
        (
            "ip neigh del 10.9.0.2 dev v0",
            "fact_removed",
            "ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev v0 nud permanent",
        ),
    ];
    judge(
        SectionName::Neighbours,
        more,
        edits,
        &["ping -c 1 -W 1 10.9.0.77 >/dev/null || true"],
    );
}

#[test]
fn root_each_edit_of_an_xfrm_policy_is_one_change() {
    let more = "ip xfrm policy add src 10.0.0.0/24 dst 10.1.0.0/24 dir out priority 5 tmpl src 10.9.0.1 dst 10.9.0.2 proto esp mode tunnel reqid 4";
    let edits: &[Edit] = &[
        (
            "ip xfrm policy add src 10.2.0.0/24 dst 10.1.0.0/24 dir in action block",
            "fact_added",
            "ip xfrm policy del src 10.2.0.0/24 dst 10.1.0.0/24 dir in",
        ),
        (
            "ip xfrm policy update src 10.0.0.0/24 dst 10.1.0.0/24 dir out priority 5 tmpl src 10.9.0.1 dst 10.9.0.2 proto esp mode tunnel reqid 5",
            "fact_changed",
            "ip xfrm policy update src 10.0.0.0/24 dst 10.1.0.0/24 dir out priority 5 tmpl src 10.9.0.1 dst 10.9.0.2 proto esp mode tunnel reqid 4",
        ),
        (
            "ip xfrm policy del src 10.0.0.0/24 dst 10.1.0.0/24 dir out",
            "fact_removed",
            "ip xfrm policy add src 10.0.0.0/24 dst 10.1.0.0/24 dir out priority 5 tmpl src 10.9.0.1 dst 10.9.0.2 proto esp mode tunnel reqid 4",
        ),
    ];
    judge(SectionName::Xfrm, more, edits, &[]);
}

#[test]
fn root_each_edit_of_a_kernel_parameter_is_one_change() {
    let edits: &[Edit] = &[
        (
            "sysctl -qw net.ipv4.conf.v0.forwarding=1",
            "fact_changed",
            "sysctl -qw net.ipv4.conf.v0.forwarding=0",
        ),
        (
            "sysctl -qw net.ipv4.tcp_syncookies=0",
            "fact_changed",
            "sysctl -qw net.ipv4.tcp_syncookies=1",
        ),
        (
            "sysctl -qw net.ipv4.conf.v0.rp_filter=2",
            "fact_changed",
            "sysctl -qw net.ipv4.conf.v0.rp_filter=0",
        ),
        (
            "sysctl -qw net.ipv6.conf.v0.accept_ra=2",
            "fact_changed",
            "sysctl -qw net.ipv6.conf.v0.accept_ra=1",
        ),
    ];
    let more = "
        sysctl -qw net.ipv4.conf.v0.forwarding=0
        sysctl -qw net.ipv4.tcp_syncookies=1
        sysctl -qw net.ipv4.conf.v0.rp_filter=0
        sysctl -qw net.ipv6.conf.v0.accept_ra=1
    ";
    judge(SectionName::Sysctls, more, edits, &[]);
}

/// `ip_forward` is one write, and to the kernel the forwarding of every link, and what redirects are taken: each is told.
#[test]
fn root_a_parameter_that_the_kernel_spreads_is_all_that_it_changes() {
    let namespace = namespace("sysctl -qw net.ipv4.ip_forward=0\n ip link add v0 type veth peer name v1");
    let before = read(&namespace, SectionName::Sysctls);
    run(&namespace, "sysctl -qw net.ipv4.ip_forward=1");
    let expected = [
        "conf/all",
        "conf/default",
        "conf/lo",
        "conf/v0",
        "conf/v1",
        "ip_forward",
    ];
    assert_eq!(
        changes(before, read(&namespace, SectionName::Sysctls)),
        expected.map(|path| format!("fact_changed sysctl/net.ipv4.{path}"))
    );
}

const SHAPING: &[Edit] = &[
    (
        "tc qdisc change dev v0 parent 1:20 handle 20: pfifo limit 60",
        "qdisc_changed",
        "tc qdisc change dev v0 parent 1:20 handle 20: pfifo limit 50",
    ),
    (
        "tc qdisc add dev v1 root handle 9: tbf rate 1mbit burst 32kbit latency 400ms",
        "qdisc_changed",
        "tc qdisc del dev v1 root",
    ),
    (
        "tc qdisc add dev v1 clsact",
        "qdisc_added",
        "tc qdisc del dev v1 clsact",
    ),
    (
        "tc class change dev v0 parent 1:1 classid 1:20 htb rate 6mbit quantum 2000",
        "class_changed",
        "tc class change dev v0 parent 1:1 classid 1:20 htb rate 5mbit quantum 2000",
    ),
    (
        "tc class add dev v0 parent 1:1 classid 1:30 htb rate 1mbit quantum 2000",
        "class_added",
        "tc class del dev v0 classid 1:30",
    ),
    (
        "tc filter add dev v0 parent 1: protocol ip pref 6 u32 match ip dport 23 0xffff flowid 1:20",
        "filter_added",
        "tc filter del dev v0 parent 1: protocol ip pref 6",
    ),
    (
        "tc filter del dev v0 egress protocol ip pref 7",
        "filter_removed",
        "tc filter add dev v0 egress protocol ip pref 7 u32 match ip dst 10.0.0.1 action mirred egress mirror dev v1",
    ),
    (
        "tc filter del dev v0 egress protocol ip pref 7; tc filter add dev v0 egress protocol ip pref 7 u32 match ip dst 10.0.0.2 action mirred egress mirror dev v1",
        "filter_changed",
        "tc filter del dev v0 egress protocol ip pref 7; tc filter add dev v0 egress protocol ip pref 7 u32 match ip dst 10.0.0.1 action mirred egress mirror dev v1",
    ),
    (
        "tc filter del dev v0 egress protocol ip pref 7; tc filter add dev v0 egress protocol ip pref 7 u32 match ip dst 10.0.0.1 action mirred egress redirect dev v1",
        "action_changed",
        "tc filter del dev v0 egress protocol ip pref 7; tc filter add dev v0 egress protocol ip pref 7 u32 match ip dst 10.0.0.1 action mirred egress mirror dev v1",
    ),
];

#[test]
fn root_each_edit_of_traffic_control_is_one_change() {
    let more = "
        tc qdisc add dev v0 root handle 1: htb default 20
        tc class add dev v0 parent 1: classid 1:1 htb rate 100mbit quantum 2000
        tc class add dev v0 parent 1:1 classid 1:20 htb rate 5mbit quantum 2000
        tc qdisc add dev v0 parent 1:20 handle 20: pfifo limit 50
        tc qdisc add dev v0 clsact
        tc filter add dev v0 parent 1: protocol ip pref 5 u32 match ip dport 22 0xffff flowid 1:20
        tc filter add dev v0 egress protocol ip pref 7 u32 match ip dst 10.0.0.1 action mirred egress mirror dev v1
    ";
    judge(
        SectionName::Tc,
        more,
        SHAPING,
        &["ping -c 1 -W 1 10.9.0.2 >/dev/null || true"],
    );
}
