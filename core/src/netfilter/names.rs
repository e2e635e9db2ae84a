//! Numbers and the words that `nft` and `iptables` print for them.

/// Connection states with their bits as nf_tables and `xt_state` number them (`NF_CT_STATE_BIT`,
/// `linux/netfilter/nf_conntrack_common.h`): `invalid` 1, `established` 2, `related` 4, `new` 8, `untracked` 64.
pub const CT_STATES: [(u32, &str); 5] = [
    (1, "invalid"),
    (2, "established"),
    (4, "related"),
    (8, "new"),
    (64, "untracked"),
];

/// Bits of `xt_conntrack`'s `--ctstate` (`linux/netfilter/xt_conntrack.h`); above `new` they differ from [`CT_STATES`].
/// nf_tables reads `snat` and `dnat` from `ct status`, xtables treats them as states.
pub const CT_STATES_XT: [(u32, &str); 7] = [
    (1, "invalid"),
    (2, "established"),
    (4, "related"),
    (8, "new"),
    (64, "snat"),
    (128, "dnat"),
    (256, "untracked"),
];

/// `ct status` bits (`IPS_*`, `linux/netfilter/nf_conntrack_common.h`).
pub const CT_STATUS: [(u32, &str); 8] = [
    (1, "expected"),
    (2, "seen-reply"),
    (4, "assured"),
    (8, "confirmed"),
    (16, "snat"),
    (32, "dnat"),
    (256, "snat-done"),
    (512, "dying"),
];

/// TCP flags by bit (RFC 9293 §3.1).
pub const TCP_FLAGS: [(u32, &str); 8] = [
    (1, "fin"),
    (2, "syn"),
    (4, "rst"),
    (8, "psh"),
    (16, "ack"),
    (32, "urg"),
    (64, "ecn"),
    (128, "cwr"),
];

/// Transport protocols by number (IANA protocol numbers), in the words that `nft` and `iptables` share.
pub const PROTOCOLS: [(u32, &str); 14] = [
    (1, "icmp"),
    (2, "igmp"),
    (4, "ipencap"),
    (6, "tcp"),
    (17, "udp"),
    (33, "dccp"),
    (41, "ipv6"),
    (47, "gre"),
    (50, "esp"),
    (51, "ah"),
    (58, "ipv6-icmp"),
    (103, "pim"),
    (132, "sctp"),
    (136, "udplite"),
];

/// The word for a number.
pub fn name_of(table: &[(u32, &'static str)], number: u32) -> Option<&'static str> {
    table
        .iter()
        .find(|(value, _)| *value == number)
        .map(|(_, name)| *name)
}

/// The number for a word.
pub fn number_of(table: &[(u32, &'static str)], name: &str) -> Option<u32> {
    table
        .iter()
        .find(|(_, word)| *word == name)
        .map(|(value, _)| *value)
}

/// The words for the bits of `mask`, sorted; `None` if a bit has no word.
pub fn flag_names(table: &[(u32, &'static str)], mask: u32) -> Option<Vec<String>> {
    let known = table.iter().fold(0, |bits, (bit, _)| bits | bit);
    if mask & !known != 0 {
        return None;
    }
    let mut names: Vec<String> = table
        .iter()
        .filter(|(bit, _)| mask & bit != 0)
        .map(|(_, name)| (*name).to_owned())
        .collect();
    names.sort();
    Some(names)
}

/// The bits for some words; `None` if a word is not in the table.
pub fn flag_bits(table: &[(u32, &'static str)], names: &[String]) -> Option<u32> {
    names
        .iter()
        .try_fold(0, |bits, name| Some(bits | number_of(table, name)?))
}
