//! Types of values: how words and numbers become bytes.

use super::words::{self, Words};

/// In which order the bytes of a number stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Network,
    Host,
}

/// How words of a type read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Number,
    /// Bits that may be joined.
    Flags,
    Ipv4,
    Ipv6,
    Mac,
    /// The name of a link, which may end in `*`.
    Link,
    /// The kernel's number of a link.
    LinkIndex,
    /// The path of a control group.
    Group,
    Text,
    /// `30s`; milliseconds.
    Time,
    /// `10:30`; seconds of the day in UTC.
    Hour,
    /// `2026-01-31 12:00:00`; nanoseconds since 1970 in UTC.
    Date,
    Day,
    /// `major:minor`, both hexadecimal.
    TcHandle,
    /// The number of a bit.
    Label,
}

/// A type as `nft` numbers it (`enum datatypes`, nftables `include/datatype.h`).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DataType {
    pub(super) name: &'static str,
    pub(super) number: u32,
    pub(super) order: Order,
    /// Nought: what it is used for says it.
    pub(super) bits: u32,
    pub(super) form: Form,
    pub(super) words: Words,
}

const fn row(name: &'static str, number: u32, order: Order, bits: u32, form: Form, words: Words) -> DataType {
    DataType {
        name,
        number,
        order,
        bits,
        form,
        words,
    }
}

use Order::{Host, Network};

static TYPES: [DataType; 48] = [
    row("nf_proto", 2, Network, 8, Form::Number, words::NFPROTO),
    row("integer", 4, Network, 0, Form::Number, &[]),
    row("host integer", 4, Host, 0, Form::Number, &[]),
    row("string", 5, Host, 0, Form::Text, &[]),
    row("ipv4_addr", 7, Network, 32, Form::Ipv4, &[]),
    row("ipv6_addr", 8, Network, 128, Form::Ipv6, &[]),
    row("ether_addr", 9, Network, 48, Form::Mac, &[]),
    row("ether_type", 10, Network, 16, Form::Number, words::ETHER_TYPES),
    row("arp_op", 11, Network, 16, Form::Number, words::ARP_OPERATIONS),
    row("inet_proto", 12, Network, 8, Form::Number, words::PROTOCOLS),
    row("inet_service", 13, Network, 16, Form::Number, words::SERVICES),
    row("icmp_type", 14, Network, 8, Form::Number, words::ICMP_TYPES),
    row("tcp_flag", 15, Network, 8, Form::Flags, words::TCP_FLAGS),
    row("dccp_pkttype", 16, Network, 4, Form::Number, words::DCCP_TYPES),
    row("mh_type", 17, Network, 8, Form::Number, words::MH_TYPES),
    row("time", 18, Host, 32, Form::Time, &[]),
    row("mark", 19, Host, 32, Form::Number, &[]),
    row("iface_index", 20, Host, 32, Form::LinkIndex, &[]),
    row("iface_type", 21, Host, 16, Form::Number, words::LINK_TYPES),
    row("realm", 22, Host, 32, Form::Number, words::REALMS),
    row("classid", 23, Host, 32, Form::TcHandle, words::TC_HANDLES),
    row("uid", 24, Host, 32, Form::Number, words::ROOT),
    row("gid", 25, Host, 32, Form::Number, words::ROOT),
    row("ct_state", 26, Host, 32, Form::Flags, words::CT_STATES),
    row("ct_dir", 27, Host, 8, Form::Number, words::CT_DIRECTIONS),
    row("ct_status", 28, Host, 32, Form::Flags, words::CT_STATUS),
    row("icmpv6_type", 29, Network, 8, Form::Number, words::ICMPV6_TYPES),
    row("ct_label", 30, Host, 128, Form::Label, &[]),
    row("pkt_type", 31, Host, 8, Form::Number, words::PACKET_TYPES),
    row("icmp_code", 32, Network, 8, Form::Number, words::ICMP_CODES),
    row("icmpv6_code", 33, Network, 8, Form::Number, words::ICMPV6_CODES),
    row("icmpx_code", 34, Network, 8, Form::Number, words::ICMPX_CODES),
    row("devgroup", 35, Host, 32, Form::Number, words::GROUPS),
    row("dscp", 36, Network, 6, Form::Number, words::DSCP),
    row("ecn", 37, Network, 2, Form::Number, words::ECN),
    row("fib_addrtype", 38, Host, 32, Form::Number, words::ADDRESS_TYPES),
    row("boolean", 39, Host, 8, Form::Number, words::BOOLEAN),
    row("ct_event", 40, Host, 32, Form::Flags, words::CT_EVENTS),
    row("ifname", 41, Host, 128, Form::Link, &[]),
    row("igmp_type", 42, Network, 8, Form::Number, words::IGMP_TYPES),
    row("time date", 43, Host, 64, Form::Date, &[]),
    row("hour", 44, Host, 32, Form::Hour, &[]),
    row("day", 45, Host, 8, Form::Day, words::DAYS),
    row("cgroupsv2", 46, Host, 64, Form::Group, &[]),
    row("link kind", 41, Host, 128, Form::Text, &[]),
    row("queue number", 4, Host, 16, Form::Number, &[]),
    row("present", 39, Host, 32, Form::Number, words::BOOLEAN),
    row("family number", 2, Network, 8, Form::Number, words::NFPROTO),
];

/// A type by its name; a name that is not known is nobody's.
pub(super) fn named(name: &str) -> Option<&'static DataType> {
    TYPES.iter().find(|ty| ty.name == name)
}

/// A type in use: with its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ty {
    pub(super) of: &'static DataType,
    pub(super) bits: u32,
    pub(super) order: Order,
}

impl Ty {
    pub(super) fn new(name: &str, bits: u32) -> Option<Self> {
        let of = named(name)?;
        let bits = if of.bits == 0 || bits != 0 { bits } else { of.bits };
        Some(Self {
            of,
            bits,
            order: of.order,
        })
    }

    pub(super) fn bytes(&self) -> usize {
        usize::try_from(self.bits.div_ceil(8)).unwrap_or_default()
    }

    /// True for names and other strings, whose bytes have no order.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.of.form, Form::Link | Form::Text)
    }

    /// True if bits are joined to values.
    pub(super) fn is_flags(&self) -> bool {
        matches!(self.of.form, Form::Flags | Form::Label)
    }
}
