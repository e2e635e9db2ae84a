//! What a field is: its type, its length, and where its bytes come from.

use super::super::ast::{Binary, Expr, Extension, Kind};
use super::super::datatype::{Order, Ty};
use super::super::header::{self, ExtensionRow};
use super::super::key::{self, KeyRow};
use super::{Compiled, Fault, fault};
use crate::netfilter::model::Family;

/// Where bytes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Load {
    Payload {
        base: u32,
        offset: u32,
    },
    Extension {
        /// `enum nft_exthdr_op`.
        op: u32,
        number: u8,
        offset: u32,
        present: bool,
    },
    Meta(u32),
    Ct {
        key: u32,
        direction: Option<u8>,
    },
    Fib {
        result: u32,
        flags: u32,
    },
    Route(u32),
    Socket {
        key: u32,
        level: Option<u32>,
    },
    Fingerprint {
        ttl: u8,
        version: bool,
    },
    NumberGenerator {
        random: bool,
        modulus: u32,
        offset: u32,
    },
    Hash {
        key: Option<Box<Expr>>,
        modulus: u32,
        seed: Option<u32>,
        offset: u32,
    },
    Ipsec {
        key: u32,
        direction: u8,
        number: u32,
    },
    /// Another load, then operations on its bits, the first first.
    Operations {
        of: Box<Shape>,
        steps: Vec<(Binary, Expr)>,
    },
}

/// A field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) load: Load,
    pub(super) ty: Ty,
    /// Bytes loaded; more than the type's where the field is a part of them.
    pub(super) bytes: usize,
    /// Bits below the field in the bytes loaded.
    pub(super) shift: u32,
}

impl Shape {
    /// True if the field does not fill the bytes that are loaded.
    pub(super) fn is_part(&self) -> bool {
        u32::try_from(self.bytes.saturating_mul(8)).is_ok_and(|bits| bits != self.ty.bits)
            && !self.ty.is_text()
    }

    /// The same type, whole and unshifted: as it stands in named sets.
    pub(super) fn is_number_of_host(&self) -> bool {
        self.ty.order == Order::Host && !self.ty.is_text() && self.bytes > 1
    }
}

fn whole(load: Load, (_, _, ty, bits): KeyRow) -> Compiled<Shape> {
    let ty = Ty::new(ty, bits).ok_or_else(|| Fault(format!("no type {ty}")))?;
    Ok(Shape {
        load,
        bytes: ty.bytes(),
        ty,
        shift: 0,
    })
}

fn find(rows: &'static [KeyRow], what: &str, name: &str) -> Compiled<KeyRow> {
    key::find(rows, name).ok_or_else(|| Fault(format!("{what} has no key {name}")))
}

fn typed(name: &str, bits: u32) -> Compiled<Ty> {
    Ty::new(name, bits).ok_or_else(|| Fault(format!("there is no type {name}")))
}

/// A field of `bits` bits from bit `offset` on: whole bytes are loaded.
fn bits_at(ty: Ty, offset: u32, load: impl FnOnce(u32) -> Load) -> Shape {
    let end = offset.saturating_add(ty.bits);
    let first = offset / 8;
    let bytes = end.div_ceil(8).saturating_sub(first);
    Shape {
        load: load(first),
        ty,
        bytes: usize::try_from(bytes).unwrap_or_default(),
        shift: end.div_ceil(8).saturating_mul(8).saturating_sub(end),
    }
}

/// Bytes of the Ethernet header, behind which the tag of a VLAN begins.
const ETHERNET: u32 = 14;

fn payload(protocol: &str, field: &str) -> Compiled<Shape> {
    let header = header::header(protocol).ok_or_else(|| Fault(format!("there is no header {protocol}")))?;
    let (_, offset, bits, ty) = header
        .field(field)
        .ok_or_else(|| Fault(format!("the header {protocol} has no field {field}")))?;
    let before = if protocol == "vlan" { ETHERNET * 8 } else { 0 };
    let base = header.base;
    Ok(bits_at(typed(ty, bits)?, offset + before, |offset| {
        Load::Payload { base, offset }
    }))
}

fn extension(kind: Extension, name: &str, field: Option<&str>) -> Compiled<Shape> {
    let (rows, op): (&[ExtensionRow], u32) = match kind {
        Extension::Ip6 => (header::IP6_EXTENSIONS, 0),
        Extension::TcpOption => (header::TCP_OPTIONS, 1),
        Extension::IpOption => (header::IP_OPTIONS, 2),
        Extension::SctpChunk => (header::SCTP_CHUNKS, 3),
    };
    let row = rows.iter().find(|row| row.0 == name);
    let number = match (row, name.parse::<u8>()) {
        (Some(row), _) => row.1,
        (None, Ok(number)) if kind == Extension::TcpOption => number,
        _ => return fault(format!("there is no extension {name}")),
    };
    let load = |offset, present| Load::Extension {
        op,
        number,
        offset,
        present,
    };
    let Some(field) = field else {
        return whole(load(0, true), ("", 0, "boolean", 8));
    };
    if let Some(offset) = header::routing_address(name, field) {
        let ty = typed("ipv6_addr", 128)?;
        return Ok(bits_at(ty, offset, |offset| load(offset, false)));
    }
    let fields = row.map_or(&[][..], |row| row.2);
    let (_, offset, bits, ty) = fields
        .iter()
        .find(|row| row.0 == field)
        .ok_or_else(|| Fault(format!("{name} has no field {field}")))?;
    Ok(bits_at(typed(ty, *bits)?, *offset, |offset| load(offset, false)))
}

fn raw(base: &str, offset: u32, bits: u32) -> Compiled<Shape> {
    let base = match base {
        "ll" => 0,
        "nh" => 1,
        "th" => 2,
        "ih" => 3,
        _ => return fault(format!("there is no base {base}")),
    };
    if bits == 0 || bits > 128 || offset > 1 << 16 {
        return fault("a raw field of this length is not read here");
    }
    let ty = typed("integer", bits)?;
    Ok(bits_at(ty, offset, |offset| Load::Payload { base, offset }))
}

fn connection(family: Family, direction: Option<&str>, of: Option<&str>, name: &str) -> Compiled<Shape> {
    let direction = match direction {
        None => None,
        Some("original") => Some(0),
        Some("reply") => Some(1),
        Some(other) => return fault(format!("there is no direction {other}")),
    };
    let of = of.or(match family {
        Family::Ip => Some("ip"),
        Family::Ip6 => Some("ip6"),
        _ => None,
    });
    let qualified = match (name, of) {
        ("saddr" | "daddr", Some(of)) => format!("{of} {name}"),
        _ => name.to_owned(),
    };
    let row = find(key::CT, "ct", &qualified)?;
    whole(
        Load::Ct {
            key: row.1,
            direction,
        },
        row,
    )
}

fn fib(inputs: &[String], result: &str) -> Compiled<Shape> {
    let mut flags = 0;
    for input in inputs {
        let bit = key::FIB_INPUTS.iter().find(|(word, _)| word == input);
        flags |= bit.ok_or_else(|| Fault(format!("fib has no input {input}")))?.1;
    }
    let (result, row) = match result {
        "oif" => (1, ("", 0, "iface_index", 32)),
        "present" => (1, ("", 0, "present", 32)),
        "oifname" => (2, ("", 0, "ifname", 128)),
        "type" => (3, ("", 0, "fib_addrtype", 32)),
        other => return fault(format!("fib has no result {other}")),
    };
    if row.2 == "present" {
        flags |= key::FIB_PRESENT;
    }
    whole(Load::Fib { result, flags }, row)
}

fn route(family: Family, of: Option<&str>, name: &str) -> Compiled<Shape> {
    let of = of.unwrap_or(if family == Family::Ip6 { "ip6" } else { "ip" });
    let qualified = match name {
        "nexthop" => format!("{of} nexthop"),
        _ => name.to_owned(),
    };
    let row = find(key::ROUTE, "rt", &qualified)?;
    whole(Load::Route(row.1), row)
}

fn ipsec(direction: &str, number: u32, of: Option<&str>, name: &str) -> Compiled<Shape> {
    let qualified = match (name, of) {
        ("saddr" | "daddr", Some(of)) => format!("{of} {name}"),
        _ => name.to_owned(),
    };
    let row = find(key::IPSEC, "ipsec", &qualified)?;
    let direction = match direction {
        "in" => 0,
        "out" => 1,
        other => return fault(format!("there is no direction {other}")),
    };
    let load = Load::Ipsec {
        key: row.1,
        direction,
        number,
    };
    whole(load, row)
}

const INTEGER: KeyRow = ("", 0, "host integer", 32);

/// The field that an expression reads.
pub(super) fn shape(family: Family, expr: &Expr) -> Compiled<Shape> {
    match expr {
        Expr::Payload { protocol, field } => payload(protocol, field),
        Expr::Raw { base, offset, bits } => raw(base, *offset, *bits),
        Expr::Extension { kind, name, field } => extension(*kind, name, field.as_deref()),
        Expr::RawTcpOption { number, offset, bits } if (1..=128).contains(bits) => {
            let ty = typed("integer", *bits)?;
            Ok(bits_at(ty, *offset, |offset| Load::Extension {
                op: 1,
                number: *number,
                offset,
                present: false,
            }))
        }
        Expr::Meta(name) => {
            let row = find(key::META, "meta", name)?;
            whole(Load::Meta(row.1), row)
        }
        Expr::Ct {
            direction,
            family: of,
            key,
        } => connection(family, direction.as_deref(), of.as_deref(), key),
        Expr::Fib { flags, result } => fib(flags, result),
        Expr::Route { family: of, key } => route(family, of.as_deref(), key),
        Expr::Socket { key: name, level } => {
            let row = find(key::SOCKET, "socket", name)?;
            whole(
                Load::Socket {
                    key: row.1,
                    level: *level,
                },
                row,
            )
        }
        Expr::Ipsec {
            direction,
            number,
            family: of,
            key,
        } => ipsec(direction, *number, of.as_deref(), key),
        _ => computed(family, expr),
    }
}

/// Fields that are computed rather than read.
fn computed(family: Family, expr: &Expr) -> Compiled<Shape> {
    match expr {
        Expr::Fingerprint { ttl, key } => {
            let ttl = match ttl.as_deref() {
                None => 0,
                Some("loose") => 1,
                Some("skip") => 2,
                Some(other) => return fault(format!("osf has no ttl {other}")),
            };
            let load = Load::Fingerprint {
                ttl,
                version: key == "version",
            };
            whole(load, ("", 0, "string", 128))
        }
        Expr::NumberGenerator {
            mode,
            modulus,
            offset,
        } => whole(
            Load::NumberGenerator {
                random: mode == "random",
                modulus: *modulus,
                offset: *offset,
            },
            INTEGER,
        ),
        Expr::Hash {
            key,
            modulus,
            seed,
            offset,
        } => whole(
            Load::Hash {
                key: key.clone(),
                modulus: *modulus,
                seed: *seed,
                offset: *offset,
            },
            INTEGER,
        ),
        Expr::Binary(..) => operations(family, expr),
        _ => fault("this is no field"),
    }
}

/// The longest chain of operations that is followed.
const MOST_STEPS: usize = 64;

fn operations(family: Family, expr: &Expr) -> Compiled<Shape> {
    let mut steps = Vec::new();
    let mut inner = expr;
    while let Expr::Binary(binary, left, right) = inner {
        steps.push((*binary, (**right).clone()));
        inner = left;
        if steps.len() > MOST_STEPS {
            return fault("too many operations");
        }
    }
    steps.reverse();
    let of = shape(family, inner)?;
    if of.is_part() {
        return fault("operations on a part of a byte are not read here");
    }
    Ok(Shape {
        ty: of.ty,
        bytes: of.bytes,
        shift: 0,
        load: Load::Operations {
            of: Box::new(of),
            steps,
        },
    })
}

/// The types of a set's keys or values.
pub(super) fn types(family: Family, kind: &Kind) -> Compiled<Vec<Ty>> {
    match kind {
        Kind::Named(names) => names
            .iter()
            .map(|name| {
                let ty = typed(name, 0)?;
                if ty.bits == 0 {
                    return fault(format!("the type {name} needs a length: use typeof"));
                }
                Ok(ty)
            })
            .collect(),
        Kind::Of(expr) => {
            let parts = match expr {
                Expr::Concat(parts) => parts.as_slice(),
                one => std::slice::from_ref(one),
            };
            parts.iter().map(|part| Ok(shape(family, part)?.ty)).collect()
        }
        Kind::Verdict | Kind::Object(_) => fault("this can't be a key"),
    }
}
