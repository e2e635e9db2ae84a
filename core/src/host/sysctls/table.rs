//! The parameters that are read, with what each decides. Names as under `/proc/sys/net`, which the kernel's
//! `Documentation/networking/ip-sysctl.rst`, `nf_conntrack-sysctl.rst` and `admin-guide/sysctl/net.rst` describe.

/// One parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Below its directory: `ipv4/ip_forward`, or `rp_filter` for one that every link has.
    pub name: &'static str,
    /// What it decides about packets and connections.
    pub decides: &'static str,
    /// Whether somebody sets it, or the kernel changes it by itself.
    pub by: By,
}

/// Whose hand a parameter's value shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Somebody's: it is configuration.
    Person,
    /// The kernel's: computed from free memory, learnt from a router, or set with a routing socket.
    Kernel,
}

const fn set(name: &'static str, decides: &'static str) -> Parameter {
    Parameter {
        name,
        decides,
        by: By::Person,
    }
}

const fn own(name: &'static str, decides: &'static str) -> Parameter {
    Parameter {
        name,
        decides,
        by: By::Kernel,
    }
}

/// Parameters that a network namespace, or the whole host, has once.
pub const GLOBAL: &[Parameter] = &[
    set(
        "bridge/bridge-nf-call-arptables",
        "whether bridged ARP passes arptables",
    ),
    set(
        "bridge/bridge-nf-call-ip6tables",
        "whether bridged IPv6 passes ip6tables",
    ),
    set(
        "bridge/bridge-nf-call-iptables",
        "whether bridged IPv4 passes iptables",
    ),
    set(
        "bridge/bridge-nf-filter-pppoe-tagged",
        "whether bridged PPPoE passes the filters",
    ),
    set(
        "bridge/bridge-nf-filter-vlan-tagged",
        "whether bridged VLAN frames pass the filters",
    ),
    set(
        "bridge/bridge-nf-pass-vlan-input-dev",
        "whether bridged VLAN frames are filtered as of the VLAN's link",
    ),
    set("core/bpf_jit_enable", "whether BPF programs are compiled"),
    set("core/busy_poll", "how long poll waits busily for packets, in µs"),
    set(
        "core/busy_read",
        "how long a read waits busily for packets, in µs",
    ),
    set("core/default_qdisc", "the queueing discipline of new links"),
    set("core/dev_weight", "how many packets one poll of a link takes"),
    set(
        "core/devconf_inherit_init_net",
        "which per-link defaults a new namespace begins with",
    ),
    set(
        "core/netdev_budget",
        "how many packets one round of receiving takes",
    ),
    set(
        "core/netdev_budget_usecs",
        "how long one round of receiving takes",
    ),
    set(
        "core/netdev_max_backlog",
        "how many received packets wait for a CPU before they are dropped",
    ),
    set(
        "core/optmem_max",
        "the memory for options of a socket: filters, multicast groups",
    ),
    set(
        "core/rmem_default",
        "the receive buffer of a socket that asks for none",
    ),
    set(
        "core/rmem_max",
        "the largest receive buffer that a socket may ask for",
    ),
    set(
        "core/rps_sock_flow_entries",
        "how many flows are steered to their reader's CPU",
    ),
    set(
        "core/somaxconn",
        "how many connections wait to be accepted before they are dropped",
    ),
    set(
        "core/wmem_default",
        "the send buffer of a socket that asks for none",
    ),
    set(
        "core/wmem_max",
        "the largest send buffer that a socket may ask for",
    ),
    set(
        "core/xfrm_acq_expires",
        "how long packets wait for a security association",
    ),
    set(
        "core/xfrm_larval_drop",
        "whether packets that wait for a security association are dropped",
    ),
    set(
        "ipv4/fib_multipath_hash_fields",
        "which fields choose among several next hops",
    ),
    set(
        "ipv4/fib_multipath_hash_policy",
        "how a flow is bound to one of several next hops",
    ),
    set(
        "ipv4/fib_multipath_use_neigh",
        "whether a dead neighbour is passed over among several next hops",
    ),
    set(
        "ipv4/fwmark_reflect",
        "whether answers without a socket carry the mark of what they answer",
    ),
    set(
        "ipv4/icmp_echo_enable_probe",
        "whether PROBE requests are answered",
    ),
    set("ipv4/icmp_echo_ignore_all", "whether pings are ignored"),
    set(
        "ipv4/icmp_echo_ignore_broadcasts",
        "whether pings to broadcast and multicast are ignored",
    ),
    set(
        "ipv4/icmp_errors_use_inbound_ifaddr",
        "the source address of ICMP errors",
    ),
    set(
        "ipv4/icmp_ignore_bogus_error_responses",
        "whether broken ICMP errors are logged",
    ),
    set(
        "ipv4/icmp_msgs_burst",
        "how many ICMP messages may be sent at once",
    ),
    set(
        "ipv4/icmp_msgs_per_sec",
        "how many ICMP messages are sent in a second",
    ),
    set(
        "ipv4/icmp_ratelimit",
        "the pause between ICMP messages to one host, in ms",
    ),
    set("ipv4/icmp_ratemask", "which ICMP messages are limited"),
    set(
        "ipv4/igmp_max_memberships",
        "how many multicast groups a socket may join",
    ),
    set(
        "ipv4/ip_autobind_reuse",
        "whether a port is shared when no other is left",
    ),
    set("ipv4/ip_default_ttl", "the time to live of packets sent"),
    set(
        "ipv4/ip_dynaddr",
        "whether a new address is taken by what connects",
    ),
    set(
        "ipv4/ip_early_demux",
        "whether a socket is found before the route",
    ),
    set("ipv4/ip_forward", "whether IPv4 is forwarded at all"),
    set(
        "ipv4/ip_forward_update_priority",
        "whether the priority follows the TOS of what is forwarded",
    ),
    set(
        "ipv4/ip_forward_use_pmtu",
        "whether what is forwarded heeds the learnt path MTU",
    ),
    set("ipv4/ip_local_port_range", "the source ports of connections made"),
    set(
        "ipv4/ip_local_reserved_ports",
        "ports that are never chosen as source",
    ),
    set(
        "ipv4/ip_no_pmtu_disc",
        "whether the path MTU is discovered, and whom an ICMP error convinces",
    ),
    set(
        "ipv4/ip_nonlocal_bind",
        "whether a socket may have an address that the host has not",
    ),
    set(
        "ipv4/ip_unprivileged_port_start",
        "the first port that needs no privilege",
    ),
    set(
        "ipv4/ipfrag_high_thresh",
        "the memory for fragments above which they are dropped",
    ),
    set(
        "ipv4/ipfrag_low_thresh",
        "the memory for fragments to which dropping goes",
    ),
    set(
        "ipv4/ipfrag_max_dist",
        "how many other packets of a sender a fragment may wait for",
    ),
    set(
        "ipv4/ipfrag_time",
        "how long a fragment waits for its others, in s",
    ),
    set(
        "ipv4/neigh/default/gc_interval",
        "how often old neighbours are dropped, in s",
    ),
    set(
        "ipv4/neigh/default/gc_thresh1",
        "the number of neighbours below which none is dropped",
    ),
    set(
        "ipv4/neigh/default/gc_thresh2",
        "the number of neighbours above which old ones are dropped",
    ),
    set(
        "ipv4/neigh/default/gc_thresh3",
        "the number of neighbours above which there are no new ones",
    ),
    set(
        "ipv4/nexthop_compat_mode",
        "how routes over nexthop objects are told",
    ),
    set("ipv4/ping_group_range", "which groups may ping without privilege"),
    set(
        "ipv4/raw_l3mdev_accept",
        "whether an unbound raw socket hears VRFs",
    ),
    set(
        "ipv4/route/error_burst",
        "how many unreachable messages may be sent at once",
    ),
    set("ipv4/route/error_cost", "the pause between unreachable messages"),
    set("ipv4/route/gc_thresh", "how many cached routes are kept"),
    set("ipv4/route/max_size", "how many cached routes there may be"),
    set("ipv4/route/min_adv_mss", "the smallest segment size offered"),
    set("ipv4/route/min_pmtu", "the smallest path MTU believed"),
    set("ipv4/route/mtu_expires", "how long a learnt path MTU holds, in s"),
    set(
        "ipv4/route/redirect_number",
        "how many redirects are sent to one host",
    ),
    set(
        "ipv4/tcp_abort_on_overflow",
        "whether a full accept queue answers with a reset",
    ),
    set(
        "ipv4/tcp_adv_win_scale",
        "which part of the buffer is offered as window",
    ),
    set(
        "ipv4/tcp_allowed_congestion_control",
        "congestion control that needs no privilege",
    ),
    set(
        "ipv4/tcp_app_win",
        "which part of the window is kept for the program",
    ),
    set("ipv4/tcp_autocorking", "whether small writes wait for each other"),
    set("ipv4/tcp_base_mss", "where probing for the path MTU begins"),
    set(
        "ipv4/tcp_challenge_ack_limit",
        "how many challenge ACKs are sent in a second",
    ),
    set("ipv4/tcp_comp_sack_delay_ns", "how long SACKs are gathered"),
    set("ipv4/tcp_comp_sack_nr", "how many SACKs are gathered"),
    set(
        "ipv4/tcp_congestion_control",
        "the congestion control of new connections",
    ),
    set("ipv4/tcp_dsack", "whether duplicates are reported to the sender"),
    set(
        "ipv4/tcp_early_demux",
        "whether a socket is found before the route",
    ),
    set("ipv4/tcp_early_retrans", "whether a lost tail is probed for"),
    set(
        "ipv4/tcp_ecn",
        "whether congestion is notified explicitly, which some paths drop",
    ),
    set(
        "ipv4/tcp_ecn_fallback",
        "whether a SYN that ECN may have lost is sent without",
    ),
    set("ipv4/tcp_ecn_option", "whether accurate ECN sends its option"),
    set("ipv4/tcp_fastopen", "whether data goes with the SYN"),
    set(
        "ipv4/tcp_fastopen_blackhole_timeout_sec",
        "how long fast open rests after a path dropped it, in s",
    ),
    set(
        "ipv4/tcp_fin_timeout",
        "how long an orphan waits for the other's end, in s",
    ),
    set("ipv4/tcp_frto", "whether spurious timeouts are told apart"),
    set(
        "ipv4/tcp_fwmark_accept",
        "whether a connection takes the mark of its SYN",
    ),
    set(
        "ipv4/tcp_invalid_ratelimit",
        "the pause between answers to segments out of place, in ms",
    ),
    set(
        "ipv4/tcp_keepalive_intvl",
        "the pause between keepalive probes, in s",
    ),
    set(
        "ipv4/tcp_keepalive_probes",
        "how many lost keepalive probes end a connection",
    ),
    set(
        "ipv4/tcp_keepalive_time",
        "how long a connection is idle before it is probed, in s",
    ),
    set("ipv4/tcp_l3mdev_accept", "whether an unbound listener hears VRFs"),
    set(
        "ipv4/tcp_limit_output_bytes",
        "how much one connection may have in the queues below",
    ),
    set(
        "ipv4/tcp_max_orphans",
        "how many connections without a program there may be",
    ),
    set(
        "ipv4/tcp_max_reordering",
        "how far segments may be out of order before they count as lost",
    ),
    set(
        "ipv4/tcp_max_syn_backlog",
        "how many half-open connections a listener has",
    ),
    set(
        "ipv4/tcp_max_tw_buckets",
        "how many closed connections are remembered",
    ),
    own(
        "ipv4/tcp_mem",
        "the memory of all connections above which none gets more; from free memory at the start",
    ),
    set(
        "ipv4/tcp_migrate_req",
        "whether half-open connections go to another listener of a group",
    ),
    set("ipv4/tcp_min_snd_mss", "the smallest segment size believed"),
    set(
        "ipv4/tcp_moderate_rcvbuf",
        "whether the receive buffer grows by itself",
    ),
    set(
        "ipv4/tcp_mtu_probe_floor",
        "the smallest segment that probing tries",
    ),
    set(
        "ipv4/tcp_mtu_probing",
        "whether a path that drops large packets silently is found out",
    ),
    set(
        "ipv4/tcp_no_metrics_save",
        "whether a connection leaves what it learnt to the next",
    ),
    set(
        "ipv4/tcp_notsent_lowat",
        "how much unsent data a program may write ahead",
    ),
    set("ipv4/tcp_orphan_retries", "how often an orphan is resent"),
    set(
        "ipv4/tcp_pacing_ca_ratio",
        "the pace in congestion avoidance, in %",
    ),
    set("ipv4/tcp_pacing_ss_ratio", "the pace in slow start, in %"),
    set(
        "ipv4/tcp_plb_enabled",
        "whether a congested connection changes its path",
    ),
    set(
        "ipv4/tcp_probe_interval",
        "how often a larger path MTU is tried, in s",
    ),
    set("ipv4/tcp_probe_threshold", "when probing for the path MTU ends"),
    set("ipv4/tcp_recovery", "how loss is told from reordering"),
    set(
        "ipv4/tcp_reflect_tos",
        "whether a connection takes the TOS of its SYN",
    ),
    set(
        "ipv4/tcp_reordering",
        "how far segments may be out of order at first",
    ),
    set(
        "ipv4/tcp_retries1",
        "after how many resends another route is looked for",
    ),
    set(
        "ipv4/tcp_retries2",
        "after how many resends a connection is given up",
    ),
    set("ipv4/tcp_rfc1337", "whether a reset ends the wait after a close"),
    set("ipv4/tcp_rmem", "the receive buffer: least, first, most"),
    set("ipv4/tcp_rto_max_ms", "the longest pause between resends, in ms"),
    set("ipv4/tcp_rto_min_us", "the shortest pause between resends, in µs"),
    set("ipv4/tcp_sack", "whether selective acknowledgement is offered"),
    set("ipv4/tcp_shrink_window", "whether an offered window may shrink"),
    set(
        "ipv4/tcp_slow_start_after_idle",
        "whether an idle connection starts slowly again",
    ),
    set("ipv4/tcp_stdurg", "how urgent data is understood"),
    set(
        "ipv4/tcp_syn_linear_timeouts",
        "how many SYNs are resent without a growing pause",
    ),
    set(
        "ipv4/tcp_syn_retries",
        "after how many SYNs a connection is given up",
    ),
    set(
        "ipv4/tcp_synack_retries",
        "after how many answers a half-open connection is given up",
    ),
    set(
        "ipv4/tcp_syncookies",
        "whether a flooded listener goes on without remembering",
    ),
    set("ipv4/tcp_timestamps", "whether timestamps are offered, and how"),
    set(
        "ipv4/tcp_tso_win_divisor",
        "which part of the window one large segment may be",
    ),
    set(
        "ipv4/tcp_tw_recycle",
        "whether closed connections are reused at once, which drops clients behind NAT",
    ),
    set(
        "ipv4/tcp_tw_reuse",
        "whether a port in its wait after a close serves a new connection",
    ),
    set("ipv4/tcp_tw_reuse_delay", "after how long, in ms"),
    set(
        "ipv4/tcp_window_scaling",
        "whether windows above 64 KiB are offered",
    ),
    set("ipv4/tcp_wmem", "the send buffer: least, first, most"),
    set(
        "ipv4/tcp_workaround_signed_windows",
        "whether windows above 32 KiB count as errors of the other side",
    ),
    set(
        "ipv4/udp_early_demux",
        "whether a socket is found before the route",
    ),
    set(
        "ipv4/udp_l3mdev_accept",
        "whether an unbound UDP socket hears VRFs",
    ),
    own(
        "ipv4/udp_mem",
        "the memory of all UDP sockets above which packets are dropped; from free memory at the start",
    ),
    set("ipv4/udp_rmem_min", "the least receive buffer of UDP"),
    set("ipv4/udp_wmem_min", "the least send buffer of UDP"),
    set("ipv4/xfrm4_gc_thresh", "how many IPsec routes are kept"),
    set(
        "ipv6/anycast_src_echo_reply",
        "whether anycast addresses answer pings",
    ),
    set("ipv6/auto_flowlabels", "whether packets get a flow label"),
    set("ipv6/bindv6only", "whether IPv6 sockets hear IPv4 too"),
    set(
        "ipv6/fib_multipath_hash_fields",
        "which fields choose among several next hops",
    ),
    set(
        "ipv6/fib_multipath_hash_policy",
        "how a flow is bound to one of several next hops",
    ),
    set("ipv6/flowlabel_consistency", "who may set flow labels"),
    set(
        "ipv6/flowlabel_reflect",
        "whether answers carry the flow label of what they answer",
    ),
    set(
        "ipv6/fwmark_reflect",
        "whether answers without a socket carry the mark of what they answer",
    ),
    set("ipv6/icmp/echo_ignore_all", "whether pings are ignored"),
    set(
        "ipv6/icmp/echo_ignore_anycast",
        "whether pings to anycast are ignored",
    ),
    set(
        "ipv6/icmp/echo_ignore_multicast",
        "whether pings to multicast are ignored",
    ),
    set(
        "ipv6/icmp/ratelimit",
        "the pause between ICMPv6 messages to one host, in ms",
    ),
    set("ipv6/icmp/ratemask", "which ICMPv6 messages are limited"),
    set(
        "ipv6/ip6frag_high_thresh",
        "the memory for fragments above which they are dropped",
    ),
    set(
        "ipv6/ip6frag_low_thresh",
        "the memory for fragments to which dropping goes",
    ),
    set(
        "ipv6/ip6frag_time",
        "how long a fragment waits for its others, in s",
    ),
    set(
        "ipv6/ip_nonlocal_bind",
        "whether a socket may have an address that the host has not",
    ),
    set("ipv6/max_dst_opts_length", "how long destination options may be"),
    set(
        "ipv6/max_dst_opts_number",
        "how many destination options there may be",
    ),
    set("ipv6/max_hbh_length", "how long hop-by-hop options may be"),
    set(
        "ipv6/max_hbh_opts_number",
        "how many hop-by-hop options there may be",
    ),
    set(
        "ipv6/neigh/default/gc_interval",
        "how often old neighbours are dropped, in s",
    ),
    set(
        "ipv6/neigh/default/gc_thresh1",
        "the number of neighbours below which none is dropped",
    ),
    set(
        "ipv6/neigh/default/gc_thresh2",
        "the number of neighbours above which old ones are dropped",
    ),
    set(
        "ipv6/neigh/default/gc_thresh3",
        "the number of neighbours above which there are no new ones",
    ),
    set("ipv6/route/gc_thresh", "how many cached routes are kept"),
    set("ipv6/route/max_size", "how many cached routes there may be"),
    set("ipv6/route/min_adv_mss", "the smallest segment size offered"),
    set("ipv6/route/mtu_expires", "how long a learnt path MTU holds, in s"),
    set("ipv6/seg6_flowlabel", "the flow label of segment routing"),
    set("ipv6/xfrm6_gc_thresh", "how many IPsec routes are kept"),
    set(
        "mptcp/allow_join_initial_addr_port",
        "whether further subflows may come to the first address",
    ),
    set("mptcp/checksum_enabled", "whether Multipath TCP checks its data"),
    set("mptcp/enabled", "whether Multipath TCP is offered"),
    set("mptcp/path_manager", "who manages subflows"),
    set("mptcp/pm_type", "who manages subflows"),
    set("mptcp/scheduler", "which subflow data goes to"),
    set("mptcp/stale_loss_cnt", "after how many losses a subflow is stale"),
    set(
        "mptcp/syn_retrans_before_tcp_fallback",
        "after how many SYNs Multipath TCP is given up",
    ),
    set("netfilter/nf_conntrack_acct", "whether connections count packets"),
    set(
        "netfilter/nf_conntrack_buckets",
        "the size of the connection table's index",
    ),
    set(
        "netfilter/nf_conntrack_checksum",
        "whether packets with a wrong checksum are tracked",
    ),
    set(
        "netfilter/nf_conntrack_dccp_loose",
        "whether DCCP connections are taken up in their midst",
    ),
    set(
        "netfilter/nf_conntrack_events",
        "whether changes of connections are told",
    ),
    set(
        "netfilter/nf_conntrack_expect_max",
        "how many expected connections there may be",
    ),
    set(
        "netfilter/nf_conntrack_frag6_high_thresh",
        "the memory for fragments above which they are dropped",
    ),
    set(
        "netfilter/nf_conntrack_frag6_low_thresh",
        "the memory for fragments to which dropping goes",
    ),
    set(
        "netfilter/nf_conntrack_frag6_timeout",
        "how long a fragment waits for its others, in s",
    ),
    set(
        "netfilter/nf_conntrack_generic_timeout",
        "when a connection of an unknown protocol is forgotten, in s",
    ),
    set(
        "netfilter/nf_conntrack_gre_timeout",
        "when GRE is forgotten, in s",
    ),
    set(
        "netfilter/nf_conntrack_gre_timeout_stream",
        "when GRE in both directions is forgotten, in s",
    ),
    set(
        "netfilter/nf_conntrack_helper",
        "whether helpers choose connections by their port",
    ),
    set(
        "netfilter/nf_conntrack_icmp_timeout",
        "when a ping is forgotten, in s",
    ),
    set(
        "netfilter/nf_conntrack_icmpv6_timeout",
        "when an IPv6 ping is forgotten, in s",
    ),
    set(
        "netfilter/nf_conntrack_log_invalid",
        "which invalid packets are logged",
    ),
    set(
        "netfilter/nf_conntrack_max",
        "how many connections there may be before packets are dropped",
    ),
    set(
        "netfilter/nf_conntrack_sctp_timeout_closed",
        "when SCTP in this state is forgotten, in s",
    ),
    set(
        "netfilter/nf_conntrack_sctp_timeout_cookie_echoed",
        "when SCTP in this state is forgotten, in s",
    ),
    set(
        "netfilter/nf_conntrack_sctp_timeout_cookie_wait",
        "when SCTP in this state is forgotten, in s",
    ),
    set(
        "netfilter/nf_conntrack_sctp_timeout_established",
        "when SCTP in this state is forgotten, in s",
    ),
    set(
        "netfilter/nf_conntrack_sctp_timeout_heartbeat_sent",
        "when SCTP in this state is forgotten, in s",
    ),
    set(
        "netfilter/nf_conntrack_sctp_timeout_shutdown_ack_sent",
        "when SCTP in this state is forgotten, in s",
    ),
    set(
        "netfilter/nf_conntrack_sctp_timeout_shutdown_recd",
        "when SCTP in this state is forgotten, in s",
    ),
    set(
        "netfilter/nf_conntrack_sctp_timeout_shutdown_sent",
        "when SCTP in this state is forgotten, in s",
    ),
    set(
        "netfilter/nf_conntrack_tcp_be_liberal",
        "whether only resets out of the window are invalid",
    ),
    set(
        "netfilter/nf_conntrack_tcp_ignore_invalid_rst",
        "whether resets out of the window are invalid",
    ),
    set(
        "netfilter/nf_conntrack_tcp_loose",
        "whether connections are taken up in their midst",
    ),
    set(
        "netfilter/nf_conntrack_tcp_max_retrans",
        "after how many resends a connection is soon forgotten",
    ),
    set(
        "netfilter/nf_conntrack_tcp_timeout_close",
        "when TCP in this state is forgotten, in s",
    ),
    set(
        "netfilter/nf_conntrack_tcp_timeout_close_wait",
        "when TCP in this state is forgotten, in s",
    ),
    set(
        "netfilter/nf_conntrack_tcp_timeout_established",
        "when an idle TCP connection is forgotten, in s",
    ),
    set(
        "netfilter/nf_conntrack_tcp_timeout_fin_wait",
        "when TCP in this state is forgotten, in s",
    ),
    set(
        "netfilter/nf_conntrack_tcp_timeout_last_ack",
        "when TCP in this state is forgotten, in s",
    ),
    set(
        "netfilter/nf_conntrack_tcp_timeout_max_retrans",
        "when TCP that is resent too often is forgotten, in s",
    ),
    set(
        "netfilter/nf_conntrack_tcp_timeout_syn_recv",
        "when TCP in this state is forgotten, in s",
    ),
    set(
        "netfilter/nf_conntrack_tcp_timeout_syn_sent",
        "when TCP in this state is forgotten, in s",
    ),
    set(
        "netfilter/nf_conntrack_tcp_timeout_time_wait",
        "when TCP in this state is forgotten, in s",
    ),
    set(
        "netfilter/nf_conntrack_tcp_timeout_unacknowledged",
        "when unanswered TCP is forgotten, in s",
    ),
    set(
        "netfilter/nf_conntrack_timestamp",
        "whether connections carry their times",
    ),
    set(
        "netfilter/nf_conntrack_udp_timeout",
        "when UDP is forgotten, in s",
    ),
    set(
        "netfilter/nf_conntrack_udp_timeout_stream",
        "when UDP in both directions is forgotten, in s",
    ),
    set(
        "netfilter/nf_flowtable_tcp_timeout",
        "when offloaded TCP goes back to the slow path, in s",
    ),
    set(
        "netfilter/nf_flowtable_udp_timeout",
        "when offloaded UDP goes back to the slow path, in s",
    ),
    set(
        "netfilter/nf_hooks_lwtunnel",
        "whether light tunnels pass netfilter",
    ),
    set("netfilter/nf_log/10", "who logs IPv6 packets"),
    set("netfilter/nf_log/2", "who logs IPv4 packets"),
    set("netfilter/nf_log/3", "who logs ARP packets"),
    set("netfilter/nf_log/5", "who logs packets at a link"),
    set("netfilter/nf_log/7", "who logs bridged packets"),
    set(
        "netfilter/nf_log_all_netns",
        "whether namespaces may log to the kernel's log",
    ),
    set("unix/max_dgram_qlen", "how many datagrams wait in a local socket"),
];

/// What every link has under `ipv4/conf`, and `all` and `default`.
pub const IPV4_LINK: &[Parameter] = &[
    set(
        "accept_local",
        "whether packets from the host's own addresses are taken from the wire",
    ),
    set("accept_redirects", "whether ICMP redirects are heeded"),
    set("accept_source_route", "whether packets may choose their way"),
    set("arp_accept", "whether unasked ARP makes new neighbours"),
    set("arp_announce", "which address ARP asks from"),
    set("arp_evict_nocarrier", "whether neighbours go with the carrier"),
    set("arp_filter", "whether only the link that routes back answers ARP"),
    set("arp_ignore", "which ARP requests are answered"),
    set("arp_notify", "whether new addresses are announced"),
    set("bc_forwarding", "whether directed broadcasts are forwarded"),
    set("bootp_relay", "whether packets from 0.0.0.0/8 are taken"),
    set(
        "disable_policy",
        "whether IPsec policies are passed by on the way in",
    ),
    set("disable_xfrm", "whether IPsec is passed by on the way out"),
    set("drop_gratuitous_arp", "whether unasked ARP is dropped"),
    set(
        "drop_unicast_in_l2_multicast",
        "whether unicast IP in multicast frames is dropped",
    ),
    set("force_igmp_version", "the version of IGMP"),
    set("forwarding", "whether what comes in here is forwarded"),
    set(
        "ignore_routes_with_linkdown",
        "whether routes over a link that is down are passed over",
    ),
    set("log_martians", "whether impossible addresses are logged"),
    own(
        "mc_forwarding",
        "whether multicast is forwarded, which a multicast router's socket sets",
    ),
    set("medium_id", "which links are on one medium"),
    set(
        "promote_secondaries",
        "whether a second address takes the place of a deleted first",
    ),
    set("proxy_arp", "whether ARP is answered for others"),
    set(
        "proxy_arp_pvlan",
        "whether ARP is answered for others on the same link",
    ),
    set("route_localnet", "whether 127.0.0.0/8 is routed"),
    set(
        "rp_filter",
        "whether packets must come from where their source is routed",
    ),
    set(
        "secure_redirects",
        "whether redirects are heeded only to known gateways",
    ),
    set("send_redirects", "whether ICMP redirects are sent"),
    set("shared_media", "whether other networks are on the same link"),
    set(
        "src_valid_mark",
        "whether the mark takes part in checking the source",
    ),
];

/// What every link has under `ipv6/conf`, and `all` and `default`.
pub const IPV6_LINK: &[Parameter] = &[
    set("accept_dad", "what a duplicate address leads to"),
    set("accept_ra", "whether router advertisements are heeded"),
    set("accept_ra_defrtr", "whether they give a default route"),
    set("accept_ra_from_local", "whether the host's own are heeded"),
    set("accept_ra_min_hop_limit", "the least hop limit taken from them"),
    set("accept_ra_min_lft", "the least lifetime taken from them"),
    set("accept_ra_mtu", "whether they give the MTU"),
    set("accept_ra_pinfo", "whether they give prefixes"),
    set(
        "accept_ra_rt_info_max_plen",
        "the longest prefix of routes taken from them",
    ),
    set(
        "accept_ra_rt_info_min_plen",
        "the shortest prefix of routes taken from them",
    ),
    set("accept_ra_rtr_pref", "whether their preference is heeded"),
    set("accept_redirects", "whether ICMPv6 redirects are heeded"),
    set("accept_source_route", "whether packets may choose their way"),
    set(
        "accept_untracked_na",
        "whether unasked advertisements make neighbours",
    ),
    set("addr_gen_mode", "how addresses are made"),
    set("autoconf", "whether addresses are made from prefixes"),
    set("dad_transmits", "how often a new address is asked for"),
    set("disable_ipv6", "whether the link has IPv6 at all"),
    set(
        "disable_policy",
        "whether IPsec policies are passed by on the way in",
    ),
    set(
        "drop_unicast_in_l2_multicast",
        "whether unicast IP in multicast frames is dropped",
    ),
    set(
        "drop_unsolicited_na",
        "whether unasked advertisements are dropped",
    ),
    set("enhanced_dad", "whether an own looped request is told apart"),
    set(
        "force_forwarding",
        "whether the link forwards whatever `all` says",
    ),
    set("force_mld_version", "the version of MLD"),
    set(
        "force_tllao",
        "whether advertisements always carry the link's address",
    ),
    set("forwarding", "whether what comes in here is forwarded"),
    own(
        "hop_limit",
        "the hop limit of packets sent, which a router may advertise",
    ),
    set(
        "ignore_routes_with_linkdown",
        "whether routes over a link that is down are passed over",
    ),
    set("ioam6_enabled", "whether in-situ measurement is taken part in"),
    set(
        "keep_addr_on_down",
        "whether addresses stay when the link goes down",
    ),
    set("max_addresses", "how many addresses are made"),
    own(
        "mc_forwarding",
        "whether multicast is forwarded, which a multicast router's socket sets",
    ),
    own(
        "mtu",
        "the MTU for IPv6, which follows the link's and a router may advertise",
    ),
    set("ndisc_evict_nocarrier", "whether neighbours go with the carrier"),
    set("ndisc_notify", "whether new addresses are announced"),
    set("ndisc_tclass", "the traffic class of neighbour discovery"),
    set(
        "optimistic_dad",
        "whether a new address is used before it is known to be free",
    ),
    set("proxy_ndp", "whether neighbours are answered for others"),
    set(
        "ra_defrtr_metric",
        "the metric of the default route from a router",
    ),
    set(
        "ra_honor_pio_life",
        "whether short lifetimes of prefixes are heeded",
    ),
    set(
        "ra_honor_pio_pflag",
        "whether a prefix may ask for delegation instead",
    ),
    set("router_probe_interval", "how often a lost router is tried, in s"),
    set("router_solicitations", "how often routers are asked for"),
    set("rpl_seg_enabled", "whether RPL source routes are taken"),
    set("seg6_enabled", "whether segment routes are taken"),
    set("seg6_require_hmac", "whether segment routes must be signed"),
    set(
        "suppress_frag_ndisc",
        "whether fragmented neighbour discovery is dropped",
    ),
    set(
        "use_oif_addrs_only",
        "whether the source is chosen among the link's addresses only",
    ),
    set(
        "use_optimistic",
        "whether a new address is preferred before it is known to be free",
    ),
    set(
        "use_tempaddr",
        "whether temporary addresses are made and preferred",
    ),
];

/// What every link has under `ipv4/neigh`, and `default`.
pub const IPV4_NEIGHBOUR: &[Parameter] = &[
    set("app_solicit", "how often a program is asked for a neighbour"),
    set(
        "base_reachable_time_ms",
        "how long a neighbour is believed, in ms",
    ),
    set("gc_stale_time", "when an unused neighbour may be dropped, in s"),
    set(
        "mcast_resolicit",
        "how often a lost neighbour is asked for by broadcast",
    ),
    set("mcast_solicit", "how often a neighbour is asked for by broadcast"),
    set("proxy_delay", "how long an answer for others waits"),
    set("proxy_qlen", "how many answers for others wait"),
    set("retrans_time_ms", "the pause between requests, in ms"),
    set("ucast_solicit", "how often a known neighbour is asked"),
    set(
        "unres_qlen_bytes",
        "how much waits for an unknown neighbour before it is dropped",
    ),
];

/// What every link has under `ipv6/neigh`, and `default`.
pub const IPV6_NEIGHBOUR: &[Parameter] = &[
    set("app_solicit", "how often a program is asked for a neighbour"),
    own(
        "base_reachable_time_ms",
        "how long a neighbour is believed, in ms, which a router may advertise",
    ),
    set("gc_stale_time", "when an unused neighbour may be dropped, in s"),
    set(
        "mcast_resolicit",
        "how often a lost neighbour is asked for by multicast",
    ),
    set("mcast_solicit", "how often a neighbour is asked for by multicast"),
    set("proxy_delay", "how long an answer for others waits"),
    set("proxy_qlen", "how many answers for others wait"),
    own(
        "retrans_time_ms",
        "the pause between requests, in ms, which a router may advertise",
    ),
    set("ucast_solicit", "how often a known neighbour is asked"),
    set(
        "unres_qlen_bytes",
        "how much waits for an unknown neighbour before it is dropped",
    ),
];
