//! Names of the kernel's numbers, as `ip route` has them (`linux/rtnetlink.h`).

/// `RTN_*`.
const KINDS: [(u8, &str); 11] = [
    (1, "unicast"),
    (2, "local"),
    (3, "broadcast"),
    (4, "anycast"),
    (5, "multicast"),
    (6, "blackhole"),
    (7, "unreachable"),
    (8, "prohibit"),
    (9, "throw"),
    (10, "nat"),
    (11, "xresolve"),
];

/// `RTPROT_*`.
const PROTOCOLS: [(u8, &str); 24] = [
    (0, "unspec"),
    (1, "redirect"),
    (2, "kernel"),
    (3, "boot"),
    (4, "static"),
    (8, "gated"),
    (9, "ra"),
    (10, "mrt"),
    (11, "zebra"),
    (12, "bird"),
    (13, "dnrouted"),
    (14, "xorp"),
    (15, "ntk"),
    (16, "dhcp"),
    (17, "mrouted"),
    (18, "keepalived"),
    (42, "babel"),
    (99, "openr"),
    (186, "bgp"),
    (187, "isis"),
    (188, "ospf"),
    (189, "rip"),
    (192, "eigrp"),
    (254, "rest"),
];

/// `RT_SCOPE_*`.
const SCOPES: [(u8, &str); 5] = [
    (0, "global"),
    (200, "site"),
    (253, "link"),
    (254, "host"),
    (255, "nowhere"),
];

/// `RTAX_*`; 16 is a name and stands apart.
const METRICS: [(u16, &str); 15] = [
    (2, "mtu"),
    (3, "window"),
    (4, "rtt"),
    (5, "rttvar"),
    (6, "ssthresh"),
    (7, "cwnd"),
    (8, "advmss"),
    (9, "reordering"),
    (10, "hoplimit"),
    (11, "initcwnd"),
    (12, "features"),
    (13, "rto_min"),
    (14, "initrwnd"),
    (15, "quickack"),
    (17, "fastopen_no_cookie"),
];

/// `RTNH_F_*` and `RTM_F_*` that people or protocols set.
const CONFIG_FLAGS: [(u32, &str); 4] = [
    (2, "pervasive"),
    (4, "onlink"),
    (0x400, "equalize"),
    (0x800, "prefix"),
];

/// Those that the kernel sets from what it sees, or that speak of the message alone.
const RUNTIME_FLAGS: [(u32, &str); 12] = [
    (1, "dead"),
    (8, "offload"),
    (16, "linkdown"),
    (32, "unresolved"),
    (64, "trap"),
    (0x100, "notify"),
    (0x200, "cloned"),
    (0x1000, "lookup_table"),
    (0x2000, "fib_match"),
    (0x4000, "rt_offload"),
    (0x8000, "rt_trap"),
    (0x2000_0000, "rt_offload_failed"),
];

fn word<N: Copy + PartialEq + ToString>(number: N, table: &[(N, &str)]) -> String {
    match table.iter().find(|(known, _)| *known == number) {
        Some((_, word)) => (*word).to_owned(),
        None => number.to_string(),
    }
}

pub(crate) fn kind(number: u8) -> String {
    word(number, &KINDS)
}

pub(crate) fn protocol(number: u8) -> String {
    word(number, &PROTOCOLS)
}

pub(crate) fn scope(number: u8) -> String {
    word(number, &SCOPES)
}

pub(crate) fn metric(number: u16) -> String {
    word(number, &METRICS)
}

/// `ICMPV6_ROUTER_PREF_*` of `linux/icmpv6.h`.
pub(crate) fn preference(number: u8) -> String {
    word(number, &[(0, "medium"), (1, "high"), (3, "low")])
}

/// Names of tables that the kernel knows.
pub(crate) fn table(number: u32) -> String {
    word(number, &[(253, "default"), (254, "main"), (255, "local")])
}

/// Flags that are configuration, sorted; bits without a word as `0x80`.
pub(crate) fn config_flags(flags: u32) -> Vec<String> {
    let known = |bit: &u32| RUNTIME_FLAGS.iter().any(|(runtime, _)| runtime == bit);
    let mut words: Vec<String> = (0..u32::BITS)
        .map(|bit| 1 << bit)
        .filter(|bit| flags & bit != 0 && !known(bit))
        .map(|bit| match CONFIG_FLAGS.iter().find(|(flag, _)| *flag == bit) {
            Some((_, word)) => (*word).to_owned(),
            None => format!("{bit:#x}"),
        })
        .collect();
    words.sort();
    words
}

/// Flags that are runtime.
pub(crate) fn runtime_flags(flags: u32) -> Vec<String> {
    let set = RUNTIME_FLAGS.iter().filter(|(bit, _)| flags & bit != 0);
    set.map(|(_, word)| (*word).to_owned()).collect()
}
