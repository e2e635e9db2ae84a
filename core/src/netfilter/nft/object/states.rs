//! The states of connections in which a timeout can be set (`linux/netfilter/nfnetlink_cttimeout.h`), in `nft`'s words where it
//! has them (TCP, UDP), else in the header's.

type States = [(u32, &'static str)];

const TCP: [(u32, &str); 11] = [
    (1, "syn_sent"),
    (2, "syn_recv"),
    (3, "established"),
    (4, "fin_wait"),
    (5, "close_wait"),
    (6, "last_ack"),
    (7, "time_wait"),
    (8, "close"),
    (9, "syn_sent2"),
    (10, "retrans"),
    (11, "unack"),
];

/// UDP, UDP-Lite and GRE.
const REPLIES: [(u32, &str); 2] = [(1, "unreplied"), (2, "replied")];

/// ICMP and ICMPv6.
const ONE: [(u32, &str); 1] = [(1, "timeout")];

const DCCP: [(u32, &str); 7] = [
    (1, "request"),
    (2, "respond"),
    (3, "partopen"),
    (4, "open"),
    (5, "closereq"),
    (6, "closing"),
    (7, "timewait"),
];

const SCTP: [(u32, &str); 9] = [
    (1, "closed"),
    (2, "cookie_wait"),
    (3, "cookie_echoed"),
    (4, "established"),
    (5, "shutdown_sent"),
    (6, "shutdown_recd"),
    (7, "shutdown_ack_sent"),
    (8, "heartbeat_sent"),
    (9, "heartbeat_acked"),
];

/// The states of a transport protocol by its number; `None` for one whose states are not known.
pub(super) fn of(protocol: u8) -> Option<&'static States> {
    Some(match protocol {
        1 | 58 => &ONE,
        6 => &TCP,
        17 | 47 | 136 => &REPLIES,
        33 => &DCCP,
        132 => &SCTP,
        _ => return None,
    })
}
