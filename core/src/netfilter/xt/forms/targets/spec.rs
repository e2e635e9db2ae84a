//! The targets that are said by their options: which options there are, and what stands behind each.

use crate::netfilter::model::Family;

/// What stands behind an option.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    /// Nothing.
    Flag,
    /// A decimal number.
    Number,
    /// A hexadecimal number of at least so many digits.
    Hex(usize),
    /// Two of them, `value/mask`.
    Masked(usize),
    /// A class of traffic control, `0001:0abc`.
    Class,
    /// A name, in quotes where it needs them.
    Name,
    /// An address of the table's family.
    Address,
    /// An address with a length or a mask.
    Prefix,
    /// A hardware address.
    Mac,
    /// One of these words.
    Word(&'static [(u32, &'static str)]),
    /// Some of these words, joined by commas; each stands for a bit.
    Words(&'static [(u32, &'static str)]),
    /// Numbers joined by commas, some of which have names.
    Numbers(&'static [(u32, &'static str)]),
    /// A decimal number, or the word for this one.
    NumberOr(u32, &'static str),
    /// A decimal number, or a word that is none.
    NumberOrWord(&'static str),
    /// A time in microseconds, `250.0ms`.
    Time,
    /// An ipset and its directions, `NAME src,dst`.
    Set,
}

/// One option.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice {
    /// Its word without dashes.
    pub(crate) name: &'static str,
    /// What stands behind it.
    pub(crate) form: Form,
    /// What it means not to say it, where that is a value like any other; empty where it is not.
    pub(crate) default: &'static str,
}

/// A target with its options, in the order in which `iptables-save` prints them.
#[derive(Debug)]
pub(crate) struct Spec {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its options.
    pub(crate) options: &'static [Choice],
}

const fn option(name: &'static str, form: Form) -> Choice {
    Choice {
        name,
        form,
        default: "",
    }
}

const fn or(name: &'static str, form: Form, default: &'static str) -> Choice {
    Choice { name, form, default }
}

/// The target of iptables of this name, if it is said so.
pub(crate) fn spec(name: &[u8]) -> Option<&'static Spec> {
    SPECS.iter().find(|spec| spec.name.as_bytes() == name)
}

/// The target of this name in a family's own tool.
pub(crate) fn spec_in(family: Family, name: &str) -> Option<&'static Spec> {
    let own: &[Spec] = match family {
        Family::Arp => &ARP,
        Family::Bridge => &BRIDGE,
        _ => &[],
    };
    let found = own.iter().find(|spec| spec.name == name);
    found.or_else(|| spec(name.as_bytes()))
}

/// What becomes of an ARP packet that was altered; accepted where nothing is said.
pub(crate) const MANGLE_VERDICTS: [(u32, &str); 2] = [(0, "DROP"), (u32::MAX, "CONTINUE")];

/// Targets of arptables, in the order in which `arptables-save` prints them.
static ARP: [Spec; 1] = [Spec {
    name: "mangle",
    options: &[
        option("mangle-ip-s", Form::Address),
        option("mangle-mac-s", Form::Mac),
        option("mangle-ip-d", Form::Address),
        option("mangle-mac-d", Form::Mac),
        option("mangle-target", Form::Word(&MANGLE_VERDICTS)),
    ],
}];

/// What becomes of a frame after the target did its work (`EBT_ACCEPT` …, `linux/netfilter_bridge/ebtables.h`).
pub(crate) const EBT_VERDICTS: [(u32, &str); 4] = [
    (u32::MAX, "ACCEPT"),
    (u32::MAX - 1, "DROP"),
    (u32::MAX - 2, "CONTINUE"),
    (u32::MAX - 3, "RETURN"),
];

/// Levels of the kernel's log (`syslog(3)`).
pub(crate) const LOG_LEVELS: [(u32, &str); 8] = [
    (0, "emerg"),
    (1, "alert"),
    (2, "crit"),
    (3, "error"),
    (4, "warning"),
    (5, "notice"),
    (6, "info"),
    (7, "debug"),
];

/// Targets and watchers of ebtables, in the order in which `ebtables-save` prints them.
static BRIDGE: [Spec; 7] = [
    Spec {
        // A watcher, as the next one.
        name: "log",
        options: &[
            option("log-level", Form::Word(&LOG_LEVELS)),
            option("log-prefix", Form::Name),
            option("log-ip", Form::Flag),
            option("log-arp", Form::Flag),
            option("log-ip6", Form::Flag),
        ],
    },
    Spec {
        name: "nflog",
        options: &[
            option("nflog-prefix", Form::Name),
            option("nflog-group", Form::Number),
            option("nflog-range", Form::Number),
            option("nflog-threshold", Form::Number),
        ],
    },
    Spec {
        name: "arpreply",
        options: &[
            option("arpreply-mac", Form::Mac),
            option("arpreply-target", Form::Word(&EBT_VERDICTS)),
        ],
    },
    Spec {
        name: "dnat",
        options: &[
            option("to-dst", Form::Mac),
            option("dnat-target", Form::Word(&EBT_VERDICTS)),
        ],
    },
    Spec {
        name: "mark",
        options: &[
            option("mark-set", Form::Hex(1)),
            option("mark-or", Form::Hex(1)),
            option("mark-and", Form::Hex(1)),
            option("mark-xor", Form::Hex(1)),
            option("mark-target", Form::Word(&EBT_VERDICTS)),
        ],
    },
    Spec {
        name: "redirect",
        options: &[option("redirect-target", Form::Word(&EBT_VERDICTS))],
    },
    Spec {
        name: "snat",
        options: &[
            option("to-src", Form::Mac),
            option("snat-arp", Form::Flag),
            option("snat-target", Form::Word(&EBT_VERDICTS)),
        ],
    },
];

/// Options that say the same as one of those above.
const ALIASES: [(&str, &str); 4] = [
    ("DSCP", "--set-dscp-class"),
    ("TOS", "--and-tos"),
    ("TOS", "--or-tos"),
    ("TOS", "--xor-tos"),
];

/// How many words follow an option, dashes and all, of such a target; `None` if it has none of this name.
pub(crate) fn words_after(target: &[u8], option: &str) -> Option<usize> {
    let name = option.strip_prefix("--")?;
    let is_alias = |(of, alias): &(&str, &str)| of.as_bytes() == target && *alias == option;
    if ALIASES.iter().any(is_alias) {
        return Some(1);
    }
    let choice = spec(target)?.options.iter().find(|choice| choice.name == name)?;
    Some(match choice.form {
        Form::Flag => 0,
        Form::Set => 2,
        _ => 1,
    })
}

/// True for an option of any such target.
pub(crate) fn any_takes(option: &str) -> bool {
    SPECS
        .iter()
        .any(|spec| words_after(spec.name.as_bytes(), option).is_some())
}

/// TCP options by kind (IANA) that `TCPOPTSTRIP` has words for.
const TCP_OPTIONS: [(u32, &str); 6] = [
    (2, "mss"),
    (3, "wscale"),
    (4, "sack-permitted"),
    (5, "sack"),
    (8, "timestamp"),
    (19, "md5"),
];

/// `XT_AUDIT_TYPE_*` (`linux/netfilter/xt_AUDIT.h`).
pub(crate) const AUDIT_TYPES: [(u32, &str); 3] = [(0, "accept"), (1, "drop"), (2, "reject")];

/// `enum clusterip_hashmode` (`linux/netfilter_ipv4/ipt_CLUSTERIP.h`).
pub(crate) const HASH_MODES: [(u32, &str); 3] = [
    (0, "sourceip"),
    (1, "sourceip-sourceport"),
    (2, "sourceip-sourceport-destport"),
];

/// Events of connections (`enum ip_conntrack_events`, `linux/netfilter/nf_conntrack_common.h`) as bits.
pub(crate) const CT_EVENTS: [(u32, &str); 10] = [
    (1, "new"),
    (1 << 1, "related"),
    (1 << 2, "destroy"),
    (1 << 3, "reply"),
    (1 << 4, "assured"),
    (1 << 5, "protoinfo"),
    (1 << 6, "helper"),
    (1 << 7, "mark"),
    (1 << 8, "natseqinfo"),
    (1 << 9, "secmark"),
];

/// Events of expected connections (`enum ip_conntrack_expect_events`).
pub(crate) const EXPECT_EVENTS: [(u32, &str); 1] = [(1, "new")];

static SPECS: [Spec; 26] = [
    Spec {
        name: "AUDIT",
        options: &[option("type", Form::Word(&AUDIT_TYPES))],
    },
    Spec {
        name: "CHECKSUM",
        options: &[option("checksum-fill", Form::Flag)],
    },
    Spec {
        name: "CLASSIFY",
        options: &[option("set-class", Form::Class)],
    },
    Spec {
        name: "CLUSTERIP",
        options: &[
            option("new", Form::Flag),
            option("hashmode", Form::Word(&HASH_MODES)),
            option("clustermac", Form::Mac),
            option("total-nodes", Form::Number),
            option("local-node", Form::Number),
            option("hash-init", Form::Number),
        ],
    },
    Spec {
        // Only what shifts: the rest is the setting of a field.
        name: "CONNMARK",
        options: &[
            option("set-xmark", Form::Masked(1)),
            option("save-mark", Form::Flag),
            option("restore-mark", Form::Flag),
            option("nfmask", Form::Hex(1)),
            option("ctmask", Form::Hex(1)),
            option("left-shift-mark", Form::Number),
            option("right-shift-mark", Form::Number),
        ],
    },
    Spec {
        name: "CONNSECMARK",
        options: &[option("save", Form::Flag), option("restore", Form::Flag)],
    },
    Spec {
        name: "CT",
        options: &[
            option("notrack", Form::Flag),
            option("helper", Form::Name),
            option("timeout", Form::Name),
            option("ctevents", Form::Words(&CT_EVENTS)),
            option("expevents", Form::Words(&EXPECT_EVENTS)),
            option("zone-orig", Form::NumberOrWord("mark")),
            option("zone-reply", Form::NumberOrWord("mark")),
            option("zone", Form::NumberOrWord("mark")),
        ],
    },
    Spec {
        name: "DNPT",
        options: &NPT,
    },
    Spec {
        name: "DSCP",
        options: &[option("set-dscp", Form::Hex(2))],
    },
    Spec {
        name: "ECN",
        options: &[
            option("ecn-tcp-remove", Form::Flag),
            option("ecn-tcp-ece", Form::Number),
            option("ecn-tcp-cwr", Form::Number),
            option("ecn-ip-ect", Form::Number),
        ],
    },
    Spec {
        name: "HL",
        options: &[
            option("hl-set", Form::Number),
            option("hl-dec", Form::Number),
            option("hl-inc", Form::Number),
        ],
    },
    Spec {
        name: "HMARK",
        options: &[
            option("hmark-src-prefix", Form::Number),
            option("hmark-dst-prefix", Form::Number),
            option("hmark-sport-mask", Form::Hex(4)),
            option("hmark-dport-mask", Form::Hex(4)),
            option("hmark-spi-mask", Form::Hex(8)),
            option("hmark-sport", Form::Hex(4)),
            option("hmark-dport", Form::Hex(4)),
            option("hmark-spi", Form::Hex(8)),
            option("hmark-proto-mask", Form::Hex(2)),
            option("hmark-rnd", Form::Hex(8)),
            option("hmark-mod", Form::Number),
            option("hmark-offset", Form::Number),
            option("hmark-tuple", Form::Words(&[(1, "ct")])),
        ],
    },
    Spec {
        name: "IDLETIMER",
        options: &[
            option("timeout", Form::Number),
            option("label", Form::Name),
            option("alarm", Form::Flag),
        ],
    },
    Spec {
        name: "LED",
        options: &[
            option("led-trigger-id", Form::Name),
            option("led-delay", Form::NumberOr(u32::MAX, "inf")),
            option("led-always-blink", Form::Flag),
        ],
    },
    Spec {
        name: "NETMAP",
        options: &[option("to", Form::Prefix)],
    },
    Spec {
        name: "RATEEST",
        options: &[
            option("rateest-name", Form::Name),
            option("rateest-interval", Form::Time),
            option("rateest-ewmalog", Form::Time),
        ],
    },
    Spec {
        name: "SECMARK",
        options: &[option("selctx", Form::Name)],
    },
    Spec {
        name: "SET",
        options: &[
            option("add-set", Form::Set),
            option("exist", Form::Flag),
            option("timeout", Form::Number),
            option("del-set", Form::Set),
            option("map-set", Form::Set),
            option("map-mark", Form::Flag),
            option("map-prio", Form::Flag),
            option("map-queue", Form::Flag),
        ],
    },
    Spec {
        name: "SNPT",
        options: &NPT,
    },
    Spec {
        name: "SYNPROXY",
        options: &[
            option("sack-perm", Form::Flag),
            option("timestamp", Form::Flag),
            option("wscale", Form::Number),
            option("mss", Form::Number),
            option("ecn", Form::Flag),
        ],
    },
    Spec {
        name: "TCPOPTSTRIP",
        options: &[option("strip-options", Form::Numbers(&TCP_OPTIONS))],
    },
    Spec {
        name: "TEE",
        options: &[option("gateway", Form::Address), option("oif", Form::Name)],
    },
    Spec {
        name: "TOS",
        options: &[option("set-tos", Form::Masked(2))],
    },
    Spec {
        name: "TPROXY",
        options: &[
            option("on-port", Form::Number),
            or("on-ip", Form::Address, "any"),
            or("tproxy-mark", Form::Masked(1), "0/0"),
        ],
    },
    Spec {
        name: "TRACE",
        options: &[],
    },
    Spec {
        name: "TTL",
        options: &[
            option("ttl-set", Form::Number),
            option("ttl-dec", Form::Number),
            option("ttl-inc", Form::Number),
        ],
    },
];

const NPT: [Choice; 2] = [option("src-pfx", Form::Prefix), option("dst-pfx", Form::Prefix)];
