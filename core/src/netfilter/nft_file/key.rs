//! What is not in a header: keys of `meta`, `ct` and others, with their types.

/// Name, number, type, bits where the type leaves them open.
pub(super) type KeyRow = (&'static str, u32, &'static str, u32);

/// `enum nft_meta_keys`.
pub(super) const META: &[KeyRow] = &[
    ("length", 0, "host integer", 32),
    ("protocol", 1, "ether_type", 16),
    ("priority", 2, "classid", 32),
    ("mark", 3, "mark", 32),
    ("iif", 4, "iface_index", 32),
    ("oif", 5, "iface_index", 32),
    ("iifname", 6, "ifname", 128),
    ("oifname", 7, "ifname", 128),
    ("iiftype", 8, "iface_type", 16),
    ("oiftype", 9, "iface_type", 16),
    ("skuid", 10, "uid", 32),
    ("skgid", 11, "gid", 32),
    ("nftrace", 12, "host integer", 8),
    ("rtclassid", 13, "realm", 32),
    ("secmark", 14, "host integer", 32),
    ("nfproto", 15, "nf_proto", 8),
    ("l4proto", 16, "inet_proto", 8),
    ("ibrname", 17, "ifname", 128),
    ("ibriport", 17, "ifname", 128),
    ("obrname", 18, "ifname", 128),
    ("obriport", 18, "ifname", 128),
    ("pkttype", 19, "pkt_type", 8),
    ("cpu", 20, "host integer", 32),
    ("iifgroup", 21, "devgroup", 32),
    ("oifgroup", 22, "devgroup", 32),
    ("cgroup", 23, "host integer", 32),
    ("random", 24, "integer", 32),
    ("ipsec", 25, "boolean", 8),
    ("secpath", 25, "boolean", 8),
    ("iifkind", 26, "link kind", 128),
    ("oifkind", 27, "link kind", 128),
    ("ibrpvid", 28, "host integer", 16),
    ("ibrvproto", 29, "ether_type", 16),
    ("time", 30, "time date", 64),
    ("day", 31, "day", 8),
    ("hour", 32, "hour", 32),
    ("sdif", 33, "iface_index", 32),
    ("sdifname", 34, "ifname", 128),
    ("broute", 35, "host integer", 8),
];

/// `enum nft_ct_keys`. The addresses are chosen by family in [`ct_address`].
pub(super) const CT: &[KeyRow] = &[
    ("state", 0, "ct_state", 32),
    ("direction", 1, "ct_dir", 8),
    ("status", 2, "ct_status", 32),
    ("mark", 3, "mark", 32),
    ("secmark", 4, "host integer", 32),
    ("expiration", 5, "time", 32),
    ("helper", 6, "string", 128),
    ("l3proto", 7, "nf_proto", 8),
    ("protocol", 10, "inet_proto", 8),
    ("proto-src", 11, "inet_service", 16),
    ("proto-dst", 12, "inet_service", 16),
    ("label", 13, "ct_label", 128),
    ("packets", 14, "host integer", 64),
    ("bytes", 15, "host integer", 64),
    ("avgpkt", 16, "host integer", 64),
    ("zone", 17, "host integer", 16),
    ("event", 18, "ct_event", 32),
    ("ip saddr", 19, "ipv4_addr", 32),
    ("ip daddr", 20, "ipv4_addr", 32),
    ("ip6 saddr", 21, "ipv6_addr", 128),
    ("ip6 daddr", 22, "ipv6_addr", 128),
    ("id", 23, "integer", 32),
];

/// `enum nft_rt_keys`.
pub(super) const ROUTE: &[KeyRow] = &[
    ("classid", 0, "realm", 32),
    ("ip nexthop", 1, "ipv4_addr", 32),
    ("ip6 nexthop", 2, "ipv6_addr", 128),
    ("mtu", 3, "host integer", 16),
    ("ipsec", 4, "boolean", 8),
];

/// `enum nft_socket_keys`.
pub(super) const SOCKET: &[KeyRow] = &[
    ("transparent", 0, "host integer", 8),
    ("mark", 1, "mark", 32),
    ("wildcard", 2, "host integer", 8),
    ("cgroupv2", 3, "cgroupsv2", 64),
];

/// `enum nft_xfrm_keys`.
pub(super) const IPSEC: &[KeyRow] = &[
    ("ip daddr", 1, "ipv4_addr", 32),
    ("ip6 daddr", 2, "ipv6_addr", 128),
    ("ip saddr", 3, "ipv4_addr", 32),
    ("ip6 saddr", 4, "ipv6_addr", 128),
    ("reqid", 5, "host integer", 32),
    ("spi", 6, "integer", 32),
];

pub(super) fn find(rows: &'static [KeyRow], name: &str) -> Option<KeyRow> {
    rows.iter().find(|row| row.0 == name).copied()
}

/// `enum nft_fib_result` and the flags (`NFTA_FIB_F_*`) of a lookup's inputs.
pub(super) const FIB_INPUTS: &[(&str, u32)] =
    &[("saddr", 1), ("daddr", 2), ("mark", 4), ("iif", 8), ("oif", 16)];
/// `NFTA_FIB_F_PRESENT`.
pub(super) const FIB_PRESENT: u32 = 32;
