//! Modules whose options are conditions of their own, each on one field.

use super::bytecode::{BYTECODE, U32};
use super::chunks::CHUNKS;
use super::{Form, Module, Opt, Shape};
use crate::netfilter::model::{Family, Op};

const ANY32: Form = Form::Span {
    max: u32::MAX,
    all: true,
};
const SPAN16: Form = Form::Span {
    max: 0xffff,
    all: false,
};
const BYTE: Form = Form::Number { max: 0xff };
const NUMBER: Form = Form::Number { max: u32::MAX };

const fn apart(name: &'static str, options: &'static [Opt]) -> Module {
    Module {
        name,
        family: None,
        shape: Shape::Apart,
        options,
    }
}

const fn one(name: &'static str, options: &'static [Opt]) -> Module {
    Module {
        name,
        family: None,
        shape: Shape::One,
        options,
    }
}

const fn only(family: Family, module: Module) -> Module {
    Module {
        family: Some(family),
        ..module
    }
}

const SPORT: &str = "--sport";
const DPORT: &str = "--dport";

pub(super) const MODULES: &[Module] = &[
    apart(
        "sctp",
        &[
            Opt::new(SPORT, "sctp.sport", Form::Ports).not(),
            Opt::new(DPORT, "sctp.dport", Form::Ports).not(),
            Opt::new("--chunk-types", "sctp.chunk", CHUNKS).not(),
            Opt::new("--source-port", "sctp.sport", Form::Ports).not(),
            Opt::new("--destination-port", "sctp.dport", Form::Ports).not(),
        ],
    ),
    apart(
        "dccp",
        &[
            Opt::new(SPORT, "dccp.sport", Form::Ports).not(),
            Opt::new(DPORT, "dccp.dport", Form::Ports).not(),
            Opt::new("--dccp-types", "dccp.type", Form::List(&DCCP_TYPES))
                .op(Op::In)
                .not(),
            Opt::new("--dccp-option", "dccp.option", BYTE).not(),
            Opt::new("--source-port", "dccp.sport", Form::Ports).not(),
            Opt::new("--destination-port", "dccp.dport", Form::Ports).not(),
        ],
    ),
    only(
        Family::Ip,
        apart("ah", &[Opt::new("--ahspi", "ah.spi", ANY32).not()]),
    ),
    apart("esp", &[Opt::new("--espspi", "esp.spi", ANY32).not()]),
    apart(
        "ipcomp",
        &[
            Opt::new("--ipcompspi", "comp.cpi", ANY32).not(),
            Opt::new("--compres", "comp.reserved-zero", Form::Flag),
        ],
    ),
    only(
        Family::Ip6,
        one(
            "mh",
            &[Opt::new("--mh-type", "mh.type", Form::Span { max: 0xff, all: true }).not()],
        ),
    ),
    one("length", &[Opt::new("--length", "length", SPAN16).not()]),
    one("tcpmss", &[Opt::new("--mss", "tcp.mss", SPAN16).not()]),
    only(Family::Ip, one("dscp", &dscp("ip.dscp"))),
    only(Family::Ip6, one("dscp", &dscp("ip6.dscp"))),
    only(Family::Ip, one("tos", &tos("ip.tos"))),
    only(Family::Ip6, one("tos", &tos("ip6.tclass"))),
    only(
        Family::Ip,
        one(
            "ttl",
            &[
                Opt::new("--ttl-eq", "ip.ttl", BYTE).not(),
                Opt::new("--ttl-lt", "ip.ttl", BYTE).op(Op::Lt),
                Opt::new("--ttl-gt", "ip.ttl", BYTE).op(Op::Gt),
                Opt::new("--ttl", "ip.ttl", BYTE).not(),
            ],
        ),
    ),
    only(
        Family::Ip6,
        one(
            "hl",
            &[
                Opt::new("--hl-eq", "ip6.hoplimit", BYTE).not(),
                Opt::new("--hl-lt", "ip6.hoplimit", BYTE).op(Op::Lt),
                Opt::new("--hl-gt", "ip6.hoplimit", BYTE).op(Op::Gt),
            ],
        ),
    ),
    only(Family::Ip, apart("ecn", &ecn("ip.ecn"))),
    only(Family::Ip6, apart("ecn", &ecn("ip6.ecn"))),
    one("cpu", &[Opt::new("--cpu", "meta.cpu", NUMBER).not()]),
    one(
        "cgroup",
        &[
            Opt::new("--path", "cgroup.path", Form::Text).not(),
            Opt::new("--cgroup", "meta.cgroup", NUMBER).not(),
        ],
    ),
    apart(
        "devgroup",
        &[
            Opt::new("--src-group", "meta.iifgroup", Form::Masked { zero: "default" }).not(),
            Opt::new("--dst-group", "meta.oifgroup", Form::Masked { zero: "default" }).not(),
        ],
    ),
    only(
        Family::Ip,
        one(
            "realm",
            &[Opt::new("--realm", "meta.rtclassid", Form::Masked { zero: "cosmos" }).not()],
        ),
    ),
    one("helper", &[Opt::new("--helper", "ct.helper", Form::Text).not()]),
    one("nfacct", &[Opt::new("--nfacct-name", "nfacct", Form::Text)]),
    one("u32", &[Opt::new("--u32", "u32", U32).not()]),
    one(
        "bpf",
        &[
            Opt::new("--bytecode", "bpf.bytecode", BYTECODE),
            Opt::new("--object-pinned", "bpf.pinned", Form::Text),
        ],
    ),
    apart(
        "ipvs",
        &[
            Opt::new("--ipvs", "ipvs", Form::Flag).not(),
            Opt::new("--vproto", "ipvs.vproto", BYTE).not(),
            Opt::new("--vaddr", "ipvs.vaddr", super::words::ADDRESS).not(),
            Opt::new("--vport", "ipvs.vport", Form::Number { max: 0xffff }).not(),
            Opt::new(
                "--vdir",
                "ipvs.vdir",
                Form::Word(&[("ORIGINAL", "ORIGINAL"), ("REPLY", "REPLY")]),
            ),
            Opt::new("--vmethod", "ipvs.vmethod", Form::Word(&IPVS_METHODS)).not(),
            Opt::new("--vportctl", "ipvs.vportctl", Form::Number { max: 0xffff }).not(),
        ],
    ),
];

const fn dscp(field: &'static str) -> [Opt; 2] {
    [
        Opt::new("--dscp", field, Form::Hex { max: 0x3f, digits: 2 }).not(),
        Opt::new("--dscp-class", field, Form::Named(&DSCP_CLASSES)).not(),
    ]
}

const fn tos(field: &'static str) -> [Opt; 1] {
    [Opt::new("--tos", field, super::words::TOS).not()]
}

const fn ecn(field: &'static str) -> [Opt; 3] {
    [
        Opt::new("--ecn-tcp-ece", "ecn.ece", Form::Flag).not(),
        Opt::new("--ecn-tcp-cwr", "ecn.cwr", Form::Flag).not(),
        Opt::new("--ecn-ip-ect", field, Form::Number { max: 3 }).not(),
    ]
}

/// DCCP packet types by number (RFC 4340 §5.1); `INVALID` are all that have none.
pub(in crate::netfilter::xt) const DCCP_TYPES: [(&str, &str); 11] = [
    ("REQUEST", "REQUEST"),
    ("RESPONSE", "RESPONSE"),
    ("DATA", "DATA"),
    ("ACK", "ACK"),
    ("DATAACK", "DATAACK"),
    ("CLOSEREQ", "CLOSEREQ"),
    ("CLOSE", "CLOSE"),
    ("RESET", "RESET"),
    ("SYNC", "SYNC"),
    ("SYNCACK", "SYNCACK"),
    ("INVALID", "INVALID"),
];

/// How IPVS forwards (`IP_VS_CONN_F_*`, `linux/ip_vs.h`).
const IPVS_METHODS: [(&str, &str); 3] = [("GATE", "GATE"), ("IPIP", "IPIP"), ("MASQ", "MASQ")];

/// Classes of RFC 2474, 2597 and 3246.
const DSCP_CLASSES: [(u32, &str); 22] = [
    (0x00, "CS0"),
    (0x08, "CS1"),
    (0x10, "CS2"),
    (0x18, "CS3"),
    (0x20, "CS4"),
    (0x28, "CS5"),
    (0x30, "CS6"),
    (0x38, "CS7"),
    (0x00, "BE"),
    (0x0a, "AF11"),
    (0x0c, "AF12"),
    (0x0e, "AF13"),
    (0x12, "AF21"),
    (0x14, "AF22"),
    (0x16, "AF23"),
    (0x1a, "AF31"),
    (0x1c, "AF32"),
    (0x1e, "AF33"),
    (0x22, "AF41"),
    (0x24, "AF42"),
    (0x26, "AF43"),
    (0x2e, "EF"),
];
