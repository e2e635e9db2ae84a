//! Protocol matches that `nft` adds by itself in front of what needs them, and so leaves out when it lists a rule.

use crate::netfilter::model::{Family, Item, Match, Op, RejectWith, Statement, Value};

/// The steps that are printed.
pub(super) fn left_out(family: Family, items: &[Item]) -> Vec<&Item> {
    let mut transport_known = false;
    let mut out = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let rest = items.get(index.saturating_add(1)..).unwrap_or_default();
        // What elements carry is printed inside the step behind it.
        let rest = match rest {
            [Item::Statement(Statement::Elements { .. }), behind @ ..] => behind,
            rest => rest,
        };
        // What an answer needs is put in front of the whole rule.
        let is_answer = matches!(rest.first(), Some(Item::Statement(Statement::Reject { .. })));
        let before = items.get(..index).unwrap_or_default();
        let again = before.iter().any(|earlier| says_the_same(earlier, item));
        if again || is_answer && index > 0 || !is_implied(family, item, rest, transport_known) {
            out.push(item);
        }
        transport_known |= is_transport(item);
    }
    out
}

/// True if both fix the protocol of one layer: what is known already `nft` does not add.
fn says_the_same(earlier: &Item, item: &Item) -> bool {
    let networks = ["meta.nfproto", "meta.protocol", "ether.type", "vlan.type"];
    let is_network =
        |item: &Item| matches!(item, Item::Match(one) if networks.contains(&one.field.0.as_str()));
    let fixes = matches!(
        earlier,
        Item::Match(Match {
            op: Op::Eq,
            value: Value::Number(_),
            ..
        })
    );
    fixes && (is_transport(earlier) && is_transport(item) || is_network(earlier) && is_network(item))
}

fn is_transport(item: &Item) -> bool {
    let names = ["meta.l4proto", "ip.protocol", "ip6.nexthdr"];
    matches!(item, Item::Match(one) if names.contains(&one.field.0.as_str()))
}

/// True if `nft` puts this very match before what follows. Once a transport is known it adds no other.
fn is_implied(family: Family, item: &Item, rest: &[Item], transport_known: bool) -> bool {
    let Item::Match(Match {
        field,
        op: Op::Eq,
        value: Value::Number(number),
    }) = item
    else {
        return false;
    };
    match (field.0.as_str(), family) {
        ("meta.l4proto", _) => rest
            .first()
            .is_some_and(|next| needs(next, transport_header(*number))),
        ("meta.nfproto", Family::Inet) => {
            network_implied(network_headers(*number, 2, 10), rest, transport_known)
        }
        ("meta.protocol", Family::Netdev) => {
            network_implied(network_headers(*number, 0x0800, 0x86dd), rest, transport_known)
        }
        ("meta.iiftype", _) => *number == 1 && rest.first().is_some_and(|next| needs(next, &["ether"])),
        _ => false,
    }
}

/// The transport's own match may stand between, if it is implied too.
fn network_implied(headers: &[&str], rest: &[Item], transport_known: bool) -> bool {
    match rest {
        [next, ..] if needs(next, headers) => true,
        [between, next, ..] => {
            is_implied(Family::Ip, between, std::slice::from_ref(next), transport_known)
                && needs(next, headers)
        }
        _ => false,
    }
}

fn transport_header(number: u32) -> &'static [&'static str] {
    match number {
        1 => &["icmp"],
        6 => &["tcp"],
        17 => &["udp"],
        33 => &["dccp"],
        2 => &["igmp"],
        50 => &["esp"],
        51 => &["ah"],
        58 => &["icmpv6"],
        108 => &["comp"],
        132 => &["sctp"],
        136 => &["udplite"],
        _ => &[],
    }
}

fn network_headers(number: u32, ipv4: u32, ipv6: u32) -> &'static [&'static str] {
    match number {
        _ if number == ipv4 => &["ip", "icmp", "igmp"],
        _ if number == ipv6 => &[
            "ip6", "icmpv6", "exthdr", "hbh", "rthdr", "rt0", "srh", "frag", "dst", "mh",
        ],
        _ => &[],
    }
}

/// True if the step looks at one of these headers.
fn needs(item: &Item, headers: &[&str]) -> bool {
    let fields: [&str; 2] = match item {
        Item::Match(one) => [&one.field.0, ""],
        // A translation of ports asks for their protocol to be named.
        Item::Statement(Statement::MapTo { field, .. }) if field.0 == "nat.port" => return false,
        Item::Statement(Statement::VerdictMap { key, .. } | Statement::Dynset { key, .. }) => [&key.0, ""],
        Item::Statement(Statement::MapTo { key, field, .. }) => [&key.0, &field.0],
        Item::Statement(Statement::Set { field, value }) => match value {
            Value::Field(from) => [&field.0, &from.0],
            _ => [&field.0, ""],
        },
        Item::Statement(Statement::Reject {
            with: RejectWith::Icmp { .. },
        }) => return headers.contains(&"ip"),
        Item::Statement(Statement::Reject {
            with: RejectWith::Icmpv6 { .. },
        }) => return headers.contains(&"ip6"),
        _ => return false,
    };
    let operands = fields.iter().flat_map(|field| field.split([' ', '(', ')']));
    operands
        .filter(|one| !is_option(one))
        .any(|one| headers.contains(&header(one)))
}

/// Options are read wherever they are, without a match on their protocol.
fn is_option(field: &str) -> bool {
    ["tcp.option.", "sctp.chunk.", "dccp.option."]
        .iter()
        .any(|prefix| field.starts_with(prefix))
}

/// The header that a field belongs to; the routing header of IPv6 is told from what the route says.
fn header(field: &str) -> &str {
    match field.split_once('.') {
        Some(("rt", "nexthdr" | "hdrlength" | "type" | "seg-left")) => "rthdr",
        Some((header, _)) => header,
        None => "",
    }
}
