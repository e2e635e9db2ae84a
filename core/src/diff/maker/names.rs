//! The names that programs give to their chains and tables, each as the program's source or documentation has it.

/// What follows the beginning of a name that a program makes up.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rest {
    /// Anything: the beginning is the program's own.
    Any,
    /// So many of `A` to `Z` and `2` to `7`: a digest in base 32.
    Base32(usize),
    /// So many hexadecimal digits of one case.
    Hex(usize),
    /// Decimal digits.
    Number,
}

impl Rest {
    /// True if `rest` has this form.
    pub(super) fn fits(self, rest: &str) -> bool {
        let all = |of: fn(&u8) -> bool| !rest.is_empty() && rest.as_bytes().iter().all(of);
        match self {
            Self::Any => !rest.is_empty(),
            Self::Base32(length) => {
                rest.len() == length && all(|byte| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(byte))
            }
            Self::Hex(length) => {
                let one_case = !rest.contains(|c: char| c.is_ascii_lowercase())
                    || !rest.contains(|c: char| c.is_ascii_uppercase());
                rest.len() == length && one_case && all(u8::is_ascii_hexdigit)
            }
            Self::Number => all(u8::is_ascii_digit),
        }
    }
}

/// A program and its chains.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) maker: &'static str,
    /// Whole names.
    pub(super) chains: &'static [&'static str],
    /// Beginnings, and what follows.
    pub(super) made: &'static [(&'static str, Rest)],
}

/// Chains that a name alone proves. `DOCKER-USER` and `CNI-ADMIN` are not among them: programs make them and people fill them.
#[rustfmt::skip]
pub(super) const PROGRAMS: &[Program] = &[
    Program {
        maker: "kubernetes",
        chains: &[
            "KUBE-EXTERNAL-SERVICES", "KUBE-FIREWALL", "KUBE-FORWARD", "KUBE-HOSTPORTS", "KUBE-IPTABLES-HINT",
            "KUBE-IPVS-FILTER", "KUBE-IPVS-OUT-FILTER", "KUBE-KUBELET-CANARY", "KUBE-LOAD-BALANCER", "KUBE-MARK-DROP",
            "KUBE-MARK-MASQ", "KUBE-NODE-PORT", "KUBE-NODEPORT-NON-LOCAL", "KUBE-NODEPORTS", "KUBE-POSTROUTING",
            "KUBE-PROXY-CANARY", "KUBE-PROXY-FIREWALL", "KUBE-SERVICES", "KUBE-SOURCE-RANGES-FIREWALL",
        ],
        made: &[
            ("KUBE-EXT-", Rest::Base32(16)), ("KUBE-FW-", Rest::Base32(16)), ("KUBE-HP-", Rest::Base32(16)),
            ("KUBE-SEP-", Rest::Base32(16)), ("KUBE-SVC-", Rest::Base32(16)), ("KUBE-SVL-", Rest::Base32(16)),
            ("KUBE-XLB-", Rest::Base32(16)),
        ],
    },
    Program {
        maker: "kube-router",
        chains: &["KUBE-NWPLCY-DEFAULT", "KUBE-ROUTER-FORWARD", "KUBE-ROUTER-INPUT", "KUBE-ROUTER-OUTPUT", "KUBE-ROUTER-SERVICES"],
        made: &[("KUBE-NWPLCY-", Rest::Base32(16)), ("KUBE-POD-FW-", Rest::Base32(16))],
    },
    Program { maker: "ip-masq-agent", chains: &["IP-MASQ", "IP-MASQ-AGENT"], made: &[] },
    Program { maker: "kind", chains: &["KIND-MASQ-AGENT"], made: &[] },
    Program {
        maker: "azure-npm",
        chains: &[
            "AZURE-NPM", "AZURE-NPM-ACCEPT", "AZURE-NPM-EGRESS", "AZURE-NPM-EGRESS-DROPS", "AZURE-NPM-EGRESS-PORT",
            "AZURE-NPM-EGRESS-TO", "AZURE-NPM-INGRESS", "AZURE-NPM-INGRESS-ALLOW-MARK", "AZURE-NPM-INGRESS-DROPS",
            "AZURE-NPM-INGRESS-FROM", "AZURE-NPM-INGRESS-PORT", "AZURE-NPM-KUBE-SYSTEM", "AZURE-NPM-TARGET-SETS",
        ],
        made: &[("AZURE-NPM-EGRESS-", Rest::Number), ("AZURE-NPM-INGRESS-", Rest::Number)],
    },
    Program { maker: "azure-cns", chains: &["SWIFT-POSTROUTING"], made: &[] },
    Program { maker: "aws-vpc-cni", chains: &[], made: &[("AWS-CONNMARK-CHAIN-", Rest::Number), ("AWS-SNAT-CHAIN-", Rest::Number)] },
    Program {
        maker: "docker",
        chains: &[
            "DOCKER", "DOCKER-BRIDGE", "DOCKER-CT", "DOCKER-FORWARD", "DOCKER-INGRESS", "DOCKER-INTERNAL", "DOCKER-ISOLATION",
            "DOCKER-ISOLATION-STAGE-1", "DOCKER-ISOLATION-STAGE-2", "DOCKER_OUTPUT", "DOCKER_POSTROUTING",
        ],
        made: &[],
    },
    Program {
        maker: "cni",
        chains: &[
            "CNI-FORWARD", "CNI-HOSTPORT-DNAT", "CNI-HOSTPORT-MASQ", "CNI-HOSTPORT-SETMARK", "CNI-HOSTPORT-SNAT",
            "CNI-ISOLATION-STAGE-1", "CNI-ISOLATION-STAGE-2",
        ],
        made: &[("CNI-", Rest::Hex(24)), ("CNI-DN-", Rest::Hex(21)), ("CNI-SN-", Rest::Hex(21))],
    },
    Program {
        maker: "netavark",
        chains: &[
            "NETAVARK-HOSTPORT-DNAT", "NETAVARK-HOSTPORT-MASQ", "NETAVARK-HOSTPORT-SETMARK", "NETAVARK_FORWARD",
            "NETAVARK_INPUT", "NETAVARK_ISOLATION_1", "NETAVARK_ISOLATION_2", "NETAVARK_ISOLATION_3",
        ],
        made: &[("NETAVARK-", Rest::Hex(13)), ("NETAVARK-DN-", Rest::Hex(13))],
    },
    Program {
        maker: "calico",
        chains: &[
            "cali-FORWARD", "cali-INPUT", "cali-OUTPUT", "cali-POSTROUTING", "cali-PREROUTING", "cali-cidr-block",
            "cali-failsafe-in", "cali-failsafe-out", "cali-fip-dnat", "cali-fip-snat", "cali-forward-check",
            "cali-forward-endpoint-mark", "cali-from-endpoint-mark", "cali-from-hep-forward", "cali-from-host-endpoint",
            "cali-from-wl-dispatch", "cali-nat-outgoing", "cali-rpf-skip", "cali-set-endpoint-mark", "cali-to-hep-forward",
            "cali-to-host-endpoint", "cali-to-wl-dispatch", "cali-wl-to-host",
        ],
        made: &[
            ("cali-fh-", Rest::Any), ("cali-fhfw-", Rest::Any), ("cali-from-hep-forward-", Rest::Any),
            ("cali-from-host-endpoint-", Rest::Any), ("cali-from-wl-dispatch-", Rest::Any), ("cali-fw-", Rest::Any),
            ("cali-gi-", Rest::Any), ("cali-go-", Rest::Any), ("cali-pi-", Rest::Any), ("cali-po-", Rest::Any),
            ("cali-pri-", Rest::Any), ("cali-pro-", Rest::Any), ("cali-set-endpoint-mark-", Rest::Any),
            ("cali-sm-", Rest::Any), ("cali-th-", Rest::Any), ("cali-thfw-", Rest::Any), ("cali-to-hep-forward-", Rest::Any),
            ("cali-to-host-endpoint-", Rest::Any), ("cali-to-wl-dispatch-", Rest::Any), ("cali-tw-", Rest::Any),
        ],
    },
    Program {
        maker: "cilium",
        chains: &[
            "CILIUM_FORWARD", "CILIUM_INPUT", "CILIUM_OUTPUT", "CILIUM_OUTPUT_nat", "CILIUM_OUTPUT_raw", "CILIUM_POST_mangle",
            "CILIUM_POST_nat", "CILIUM_PRE_mangle", "CILIUM_PRE_nat", "CILIUM_PRE_raw", "CILIUM_TRANSIENT_FORWARD",
        ],
        made: &[("OLD_CILIUM_", Rest::Any)],
    },
    Program { maker: "flannel", chains: &["FLANNEL-FWD", "FLANNEL-POSTRTG"], made: &[] },
    Program {
        maker: "istio",
        chains: &[
            "ISTIO_DIVERT", "ISTIO_DROP", "ISTIO_INBOUND", "ISTIO_IN_REDIRECT", "ISTIO_OUTPUT", "ISTIO_OUTPUT_DNS",
            "ISTIO_POSTRT", "ISTIO_PRERT", "ISTIO_REDIRECT", "ISTIO_TPROXY",
        ],
        made: &[],
    },
    Program {
        maker: "weave",
        chains: &[
            "WEAVE", "WEAVE-CANARY", "WEAVE-EXPOSE", "WEAVE-IPSEC-IN", "WEAVE-IPSEC-IN-MARK", "WEAVE-IPSEC-OUT",
            "WEAVE-IPSEC-OUT-MARK", "WEAVE-NPC", "WEAVE-NPC-DEFAULT", "WEAVE-NPC-EGRESS", "WEAVE-NPC-EGRESS-ACCEPT",
            "WEAVE-NPC-EGRESS-CUSTOM", "WEAVE-NPC-EGRESS-DEFAULT", "WEAVE-NPC-INGRESS",
        ],
        made: &[],
    },
    Program { maker: "fail2ban", chains: &[], made: &[("f2b-", Rest::Any), ("fail2ban-", Rest::Any)] },
    Program {
        maker: "ufw",
        chains: &["ufw-not-local", "ufw6-not-local"],
        made: &[
            ("ufw-after-", Rest::Any), ("ufw-before-", Rest::Any), ("ufw-logging-", Rest::Any), ("ufw-reject-", Rest::Any),
            ("ufw-skip-to-policy-", Rest::Any), ("ufw-track-", Rest::Any), ("ufw-user-", Rest::Any),
            ("ufw6-after-", Rest::Any), ("ufw6-before-", Rest::Any), ("ufw6-logging-", Rest::Any), ("ufw6-reject-", Rest::Any),
            ("ufw6-skip-to-policy-", Rest::Any), ("ufw6-track-", Rest::Any), ("ufw6-user-", Rest::Any),
        ],
    },
    Program {
        maker: "libvirt",
        chains: &["LIBVIRT_FWI", "LIBVIRT_FWO", "LIBVIRT_FWX", "LIBVIRT_INP", "LIBVIRT_OUT", "LIBVIRT_PRT"],
        made: &[],
    },
    Program { maker: "tailscale", chains: &["ts-forward", "ts-input", "ts-postrouting"], made: &[] },
    Program {
        maker: "nixos",
        chains: &[
            "nixos-drop", "nixos-fw", "nixos-fw-accept", "nixos-fw-log-refuse", "nixos-fw-refuse", "nixos-fw-rpfilter",
            "nixos-nat-out", "nixos-nat-post", "nixos-nat-pre",
        ],
        made: &[],
    },
    Program {
        maker: "sshuttle",
        chains: &[],
        made: &[("sshuttle-", Rest::Number), ("sshuttle-d-", Rest::Number), ("sshuttle-m-", Rest::Number), ("sshuttle-t-", Rest::Number)],
    },
    Program { maker: "crowdsec", chains: &["CROWDSEC_CHAIN"], made: &[] },
    Program {
        maker: "firewalld",
        chains: &[
            "FORWARD_IN_ZONES", "FORWARD_IN_ZONES_SOURCE", "FORWARD_OUT_ZONES", "FORWARD_OUT_ZONES_SOURCE",
            "FORWARD_POLICIES_post", "FORWARD_POLICIES_pre", "FORWARD_ZONES", "FORWARD_ZONES_SOURCE", "INPUT_POLICIES_post",
            "INPUT_POLICIES_pre", "INPUT_ZONES", "INPUT_ZONES_SOURCE", "OUTPUT_POLICIES_post", "OUTPUT_POLICIES_pre",
            "OUTPUT_ZONES", "POSTROUTING_POLICIES_post", "POSTROUTING_POLICIES_pre", "POSTROUTING_ZONES",
            "POSTROUTING_ZONES_SOURCE", "PREROUTING_POLICIES_post", "PREROUTING_POLICIES_pre", "PREROUTING_ZONES",
            "PREROUTING_ZONES_SOURCE", "RFC3964_IPv4",
        ],
        made: &[],
    },
];

/// Tables that belong to one program as a whole.
pub(super) const TABLES: &[(&str, &str)] = &[
    ("calico", "calico"),
    ("crowdsec", "crowdsec"),
    ("crowdsec6", "crowdsec"),
    ("docker-bridges", "docker"),
    ("f2b-table", "fail2ban"),
    ("firewalld", "firewalld"),
    ("flannel-ipv4", "flannel"),
    ("flannel-ipv6", "flannel"),
    ("incus", "incus"),
    ("kube-proxy", "kubernetes"),
    ("libvirt_network", "libvirt"),
    ("lxc", "lxc"),
    ("lxd", "lxd"),
    ("netavark", "netavark"),
    ("nixos-fw", "nixos"),
];

/// Where firewalld's zones and policies have a chain each: `IN_public`, `FWDO_home`, `POST_allow-host-ipv6`.
pub(super) const FIREWALLD: &[&str] = &["IN_", "FWDI_", "FWDO_", "FWD_", "PRE_", "POST_", "OUT_"];
