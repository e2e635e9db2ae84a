//! Reading alters nothing that is read.

use super::site::Site;

/// All that the ordinary tools and the kernel's lists show.
const ALL: &str = "
    # A kernel without modules has no such list.
    cat /proc/modules 2>&1 || true
    for list in ip_tables_names ip6_tables_names arp_tables_names; do
        echo $list; cat /proc/thread-self/net/$list 2>&1 || true
    done
    iptables-legacy-save -c | sed '/^#/d'
    ip6tables-legacy-save -c | sed '/^#/d'
    nft -j list ruleset
    ip -j -details link show
    ip -j address show
    ip -j route show table all
    ip -j rule show
    tc -j qdisc show
    tc -j class show dev lo
";

fn stays(site: &Site) {
    let before = site.sh(ALL);
    site.capture();
    assert_eq!(site.sh(ALL), before, "after one capture");
    site.sh("$netghost host capture --save before; $netghost host diff before --certificate same.json");
    assert_eq!(site.sh(ALL), before, "after sealing and comparing");
}

#[test]
fn root_reading_an_empty_namespace_leaves_it_empty() {
    let site = Site::new();
    stays(&site);
    let names = site.sh("cat /proc/thread-self/net/ip_tables_names /proc/thread-self/net/ip6_tables_names");
    assert_eq!(names, "", "no table was made");
}

#[test]
fn root_reading_a_ruled_namespace_leaves_it_as_it_is() {
    stays(&Site::with(
        "iptables-legacy -t mangle -A PREROUTING -p tcp --dport 22 -j MARK --set-mark 7
         ip6tables-legacy -A INPUT -p tcp --dport 22 -j ACCEPT
         iptables-nft -A FORWARD -m limit --limit 5/min -j ACCEPT
         nft add table inet f
         nft add chain inet f c '{ type filter hook input priority 0; }'
         nft add rule inet f c tcp dport 22 counter packets 5 bytes 500 accept
         nft add set inet f s '{ type ipv4_addr; flags timeout; elements = { 10.0.0.1 timeout 1d } }'
         nft delete element inet f s '{ 10.0.0.1 }'
         ip link add v0 type veth peer name v1
         tc qdisc add dev v0 root tbf rate 1mbit burst 32kbit latency 400ms
         tc qdisc add dev v1 ingress",
    ));
}
