//! Numbers of protocols by name (`linux/if_ether.h`), as `tc` names them.

const PROTOCOLS: &[(u16, &str)] = &[
    (0x0003, "all"),
    (0x0004, "802_2"),
    (0x0800, "ip"),
    (0x0806, "arp"),
    (0x8035, "rarp"),
    (0x8100, "802.1Q"),
    (0x86dd, "ipv6"),
    (0x8847, "mpls_uc"),
    (0x8848, "mpls_mc"),
    (0x8863, "ppp_disc"),
    (0x8864, "ppp_ses"),
    (0x88a8, "802.1ad"),
    (0x88cc, "LLDP"),
];

/// The name of a protocol, or its number.
pub(in crate::tc) fn protocol(number: u16) -> String {
    PROTOCOLS
        .iter()
        .find(|(value, _)| *value == number)
        .map_or_else(|| format!("{number:#06x}"), |(_, name)| (*name).to_owned())
}

/// As `flower` names what is inside.
pub(super) fn ether_type(number: u16) -> String {
    match number {
        0x0800 => "ipv4".to_owned(),
        _ => protocol(number),
    }
}

/// `IPPROTO_*` (`linux/in.h`).
pub(super) fn ip_protocol(number: u8) -> String {
    match number {
        1 => "icmp",
        6 => "tcp",
        17 => "udp",
        58 => "icmpv6",
        115 => "l2tp",
        132 => "sctp",
        _ => return number.to_string(),
    }
    .to_owned()
}

/// `PPP_*` (`linux/ppp_defs.h`).
pub(super) fn ppp_protocol(number: u16) -> String {
    match number {
        0x0021 => "ip".to_owned(),
        0x0057 => "ipv6".to_owned(),
        0x0281 => "mpls_uc".to_owned(),
        0x0283 => "mpls_mc".to_owned(),
        _ => number.to_string(),
    }
}
