//! Names of what the kernel numbers.

/// `enum bpf_prog_type`, as `bpftool` names them, of the programs that packets and sockets meet.
pub(super) fn program(kind: u32) -> String {
    let word = match kind {
        1 => "socket_filter",
        3 => "sched_cls",
        4 => "sched_act",
        6 => "xdp",
        8 => "cgroup_skb",
        9 => "cgroup_sock",
        13 => "sock_ops",
        18 => "cgroup_sock_addr",
        22 => "flow_dissector",
        25 => "cgroup_sockopt",
        28 => "ext",
        29 => "lsm",
        30 => "sk_lookup",
        32 => "netfilter",
        other => return other.to_string(),
    };
    word.to_owned()
}

/// `NFPROTO_*`.
pub(super) fn family(family: u32) -> String {
    match family {
        2 => "ipv4".to_owned(),
        10 => "ipv6".to_owned(),
        other => other.to_string(),
    }
}

/// `enum nf_inet_hooks`.
pub(super) fn hook(hook: u32) -> String {
    match hook {
        0 => "prerouting".to_owned(),
        1 => "input".to_owned(),
        2 => "forward".to_owned(),
        3 => "output".to_owned(),
        4 => "postrouting".to_owned(),
        other => other.to_string(),
    }
}
