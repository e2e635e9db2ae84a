//! The options of the extensions that are decoded, and how many words each takes.

use crate::netfilter::xt::{forms, modules};

/// How many words follow this option of a match; `None` if the match is not decoded or has no such option.
pub(super) fn of_match(module: &[u8], option: &str) -> Option<usize> {
    let one: &[&str] = match module {
        b"tcp" if option == "--tcp-flags" => return Some(2),
        b"tcp" if option == "--syn" => return Some(0),
        b"tcp" => &[
            "--sport",
            "--source-port",
            "--dport",
            "--destination-port",
            "--tcp-option",
        ],
        b"udp" => &["--sport", "--source-port", "--dport", "--destination-port"],
        b"icmp" => &["--icmp-type"],
        b"icmp6" | b"icmpv6" | b"ipv6-icmp" => &["--icmpv6-type"],
        b"multiport" => &[
            "--sports",
            "--source-ports",
            "--dports",
            "--destination-ports",
            "--ports",
        ],
        b"conntrack" => &CONNTRACK,
        b"state" => &["--state"],
        b"comment" => &["--comment"],
        b"limit" => &["--limit", "--limit-burst"],
        b"mark" | b"connmark" => &["--mark"],
        b"addrtype" if option.starts_with("--limit-iface-") => return Some(0),
        b"addrtype" => &["--src-type", "--dst-type"],
        b"owner" if matches!(option, "--socket-exists" | "--suppl-groups") => return Some(0),
        b"owner" => &["--uid-owner", "--gid-owner"],
        b"iprange" => &["--src-range", "--dst-range"],
        b"mac" => &["--mac-source"],
        b"pkttype" => &["--pkt-type"],
        b"physdev" if option.starts_with("--physdev-is-") => return Some(0),
        b"physdev" => &["--physdev-in", "--physdev-out"],
        b"quota" => &["--quota"],
        b"policy" if matches!(option, "--strict" | "--next") => return Some(0),
        b"policy" => &POLICY,
        _ => return modules::takes(module, option),
    };
    one.contains(&option).then_some(1)
}

const POLICY: [&str; 8] = [
    "--dir",
    "--pol",
    "--reqid",
    "--spi",
    "--proto",
    "--mode",
    "--tunnel-src",
    "--tunnel-dst",
];

const CONNTRACK: [&str; 13] = [
    "--ctstate",
    "--ctproto",
    "--ctorigsrc",
    "--ctorigdst",
    "--ctreplsrc",
    "--ctrepldst",
    "--ctorigsrcport",
    "--ctorigdstport",
    "--ctreplsrcport",
    "--ctrepldstport",
    "--ctstatus",
    "--ctexpire",
    "--ctdir",
];

/// The same for a target.
pub(super) fn of_target(target: &[u8], option: &str) -> Option<usize> {
    let (one, none): (&[&str], &[&str]) = match target {
        b"REJECT" => (&["--reject-with"], &[]),
        b"LOG" => (&["--log-prefix", "--log-level"], &LOG_FLAGS),
        b"NFLOG" => (
            &[
                "--nflog-group",
                "--nflog-prefix",
                "--nflog-size",
                "--nflog-threshold",
            ],
            &[],
        ),
        b"SNAT" => (&["--to-source"], &NAT_FLAGS),
        b"DNAT" => (&["--to-destination"], &NAT_FLAGS),
        b"MASQUERADE" | b"REDIRECT" => (&["--to-ports"], &NAT_FLAGS),
        b"MARK" => (&SET_MARK, &[]),
        b"CONNMARK" => (&CONNMARK, &["--save-mark", "--restore-mark"]),
        b"TCPMSS" => (&["--set-mss"], &["--clamp-mss-to-pmtu"]),
        b"NFQUEUE" => (
            &["--queue-num", "--queue-balance"],
            &["--queue-bypass", "--queue-cpu-fanout"],
        ),
        _ => return forms::words_after(target, option),
    };
    if none.contains(&option) {
        return Some(0);
    }
    one.contains(&option).then_some(1)
}

const LOG_FLAGS: [&str; 5] = [
    "--log-tcp-sequence",
    "--log-tcp-options",
    "--log-ip-options",
    "--log-uid",
    "--log-macdecode",
];

const NAT_FLAGS: [&str; 3] = ["--random", "--random-fully", "--persistent"];

const SET_MARK: [&str; 5] = [
    "--set-xmark",
    "--set-mark",
    "--and-mark",
    "--or-mark",
    "--xor-mark",
];

const CONNMARK: [&str; 10] = [
    "--left-shift-mark",
    "--right-shift-mark",
    "--set-xmark",
    "--set-mark",
    "--and-mark",
    "--or-mark",
    "--xor-mark",
    "--nfmask",
    "--ctmask",
    "--mask",
];

/// The matches whose options are all known here.
const MATCHES: [&[u8]; 21] = [
    b"tcp",
    b"udp",
    b"icmp",
    b"icmp6",
    b"icmpv6",
    b"ipv6-icmp",
    b"multiport",
    b"conntrack",
    b"state",
    b"comment",
    b"limit",
    b"mark",
    b"connmark",
    b"addrtype",
    b"owner",
    b"iprange",
    b"mac",
    b"pkttype",
    b"physdev",
    b"policy",
    b"quota",
];

/// The targets that are decoded.
const TARGETS: [&[u8]; 12] = [
    b"REJECT",
    b"LOG",
    b"NFLOG",
    b"SNAT",
    b"DNAT",
    b"MASQUERADE",
    b"REDIRECT",
    b"MARK",
    b"CONNMARK",
    b"TCPMSS",
    b"NOTRACK",
    b"NFQUEUE",
];

/// True for a match whose options are known here.
pub(super) fn knows_match(module: &[u8]) -> bool {
    MATCHES.contains(&module) || modules::knows(module)
}

/// True for a target that is decoded.
pub(super) fn knows_target(target: &[u8]) -> bool {
    TARGETS.contains(&target) || forms::spec(target).is_some()
}

/// True for an option of any extension known here.
pub(super) fn is_known(option: &str) -> bool {
    MATCHES.iter().any(|module| of_match(module, option).is_some())
        || modules::is_option(option)
        || TARGETS.iter().any(|target| of_target(target, option).is_some())
        || forms::any_takes(option)
}
