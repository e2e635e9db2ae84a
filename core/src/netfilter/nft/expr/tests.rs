//! Expressions that this machine's kernel or `nft` does not have, built attribute by attribute, and what must stay opaque.

use super::{Source, read};
use crate::bytes::Text;
use crate::netfilter::model::{Family, Item, Rule, Statement};
use crate::netfilter::nft::set::Sets;
use crate::netfilter::text;
use crate::raw::NetlinkRaw;
use crate::raw::attr::attrs;

type Bytes = Vec<u8>;

fn attr(kind: u16, payload: &[u8]) -> Bytes {
    let length = u16::try_from(payload.len() + 4).unwrap();
    let mut out = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    out.extend_from_slice(payload);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

fn be32(kind: u16, number: u32) -> Bytes {
    attr(kind, &number.to_be_bytes())
}

/// `NFTA_DATA_VALUE` in an attribute.
fn data(kind: u16, value: &[u8]) -> Bytes {
    attr(kind, &attr(1, value))
}

fn expression(name: &str, attributes: &[Bytes]) -> Bytes {
    let name = [name.as_bytes(), b"\0"].concat();
    attr(1, &[attr(1, &name), attr(2, &attributes.concat())].concat())
}

fn cmp(op: u32, value: &[u8]) -> Bytes {
    expression("cmp", &[be32(1, 1), be32(2, op), data(3, value)])
}

fn meta(key: u32) -> Bytes {
    expression("meta", &[be32(1, 1), be32(2, key)])
}

fn payload(base: u32, offset: u32, length: u32) -> Bytes {
    expression(
        "payload",
        &[be32(1, 1), be32(2, base), be32(3, offset), be32(4, length)],
    )
}

fn items(family: Family, expressions: &[Bytes]) -> Vec<Item> {
    let (sets, links, table) = (Sets::new(), NetlinkRaw::default(), Text::from("t"));
    let source = Source {
        family,
        table: &table,
        sets: &sets,
        links: &links,
    };
    read(source, attrs(&expressions.concat())).unwrap().items
}

fn said(family: Family, expressions: &[Bytes]) -> String {
    let rule = Rule {
        items: items(family, expressions),
        comment: None,
    };
    text::nft::rule(family, &rule)
}

fn is_opaque(expressions: &[Bytes]) -> bool {
    let items = items(Family::Inet, expressions);
    matches!(items.last(), Some(Item::Opaque(_)))
}

/// `NFTA_INNER_NUM`, `_TYPE`, `_FLAGS`, `_HDRSIZE`, `_EXPR`.
fn inner(kind: (u32, u32, u32), expression: &[u8]) -> Bytes {
    let (kind, flags, size) = kind;
    // The nested expression has the attributes of one, under the number of the outer's attribute.
    let nested = attr(5, &expression[4..]);
    self::expression(
        "inner",
        &[be32(1, 0), be32(2, kind), be32(3, flags), be32(4, size), nested],
    )
}

const VXLAN: (u32, u32, u32) = (1, 0xf, 8);

#[test]
fn what_is_inside_a_tunnel_is_read_by_its_own_headers() {
    let outside = [
        meta(16),
        cmp(0, &[17]),
        payload(2, 2, 2),
        cmp(0, &4789_u16.to_be_bytes()),
    ];
    let inside = [
        inner(VXLAN, &payload(0, 12, 2)),
        cmp(0, &[8, 0]),
        inner(VXLAN, &payload(1, 12, 4)),
        cmp(0, &[10, 0, 0, 1]),
        inner(VXLAN, &payload(4, 4, 3)),
        cmp(0, &[0, 0, 7]),
        inner(VXLAN, &meta(16)),
        cmp(0, &[6]),
        inner(VXLAN, &payload(2, 2, 2)),
        cmp(0, &[0, 80]),
    ];
    assert_eq!(
        said(Family::Inet, &[outside.concat(), inside.concat()]),
        "udp dport 4789 vxlan ether type ip vxlan ip saddr 10.0.0.1 vxlan vni 7 \
         vxlan meta l4proto tcp vxlan tcp dport 80"
    );
    let gre = [
        inner((0, 0xc, 4), &meta(1)),
        cmp(0, &[8, 0]),
        inner((0, 0xc, 4), &payload(1, 8, 1)),
        cmp(0, &[9]),
    ];
    assert_eq!(said(Family::Inet, &gre), "gre meta protocol ip gre ip ttl 9");
    assert!(
        is_opaque(&[inner((1, 0x1f, 8), &payload(1, 12, 4))]),
        "a flag without a name"
    );
    assert!(is_opaque(&[inner(
        VXLAN,
        &expression("ct", &[be32(1, 1), be32(2, 0)])
    )]));
}

#[test]
fn tunnels_flowtables_and_queues() {
    let tunnel = |key: u32, mode: u32| expression("tunnel", &[be32(1, key), be32(2, 1), be32(3, mode)]);
    assert_eq!(
        said(Family::Inet, &[tunnel(1, 0), cmp(0, &7_u32.to_le_bytes())]),
        "tunnel id 7"
    );
    assert_eq!(
        said(Family::Inet, &[tunnel(0, 1), cmp(0, &[1])]),
        "tunnel rx path 1"
    );
    assert!(is_opaque(&[tunnel(1, 3)]));
    assert_eq!(
        said(Family::Ip, &[expression("flow_offload", &[attr(1, b"ft\0")])]),
        "flow add @ft"
    );
    let number = |kind, number: u16| attr(kind, &number.to_be_bytes());
    let queue = expression("queue", &[number(1, 2), number(2, 3), number(3, 3)]);
    assert_eq!(said(Family::Ip, &[queue]), "queue num 2-4 bypass,fanout");
    let symhash = expression("hash", &[be32(2, 1), be32(4, 4), be32(7, 1)]);
    let by = expression("queue", &[be32(4, 1), number(3, 1)]);
    assert_eq!(
        said(Family::Ip, &[symhash, by]),
        "queue flags bypass to symhash mod 4"
    );
    assert!(is_opaque(&[expression("queue", &[number(1, 2), number(3, 4)])]));
}

/// `NFT_BITWISE_AND`, `_OR` and `_XOR`, of Linux 6.12 on.
#[test]
fn two_registers_are_joined() {
    let ct_mark = expression("ct", &[be32(1, 2), be32(2, 3)]);
    let to_mark = expression("meta", &[be32(3, 1), be32(2, 3)]);
    let bitwise = |op: u32, second: Bytes| {
        expression(
            "bitwise",
            &[be32(1, 1), be32(2, 1), be32(3, 4), be32(6, op), second],
        )
    };
    let rule = |op| {
        said(
            Family::Ip,
            &[meta(3), ct_mark.clone(), bitwise(op, be32(8, 2)), to_mark.clone()],
        )
    };
    assert_eq!(rule(3), "meta mark set meta mark & ct mark");
    assert_eq!(rule(4), "meta mark set meta mark | ct mark");
    assert_eq!(rule(5), "meta mark set meta mark ^ ct mark");
    let constant = [meta(3), bitwise(4, data(7, &[5, 0, 0, 0])), to_mark];
    assert_eq!(
        said(Family::Ip, &constant),
        "meta mark set meta mark | 0x00000005"
    );
    assert!(is_opaque(&[meta(3), bitwise(6, be32(8, 2))]));
}

#[test]
fn a_part_of_two_bytes_is_turned_before_it_is_shifted() {
    let bitwise = |attributes: &[Bytes]| {
        expression(
            "bitwise",
            &[&[be32(1, 1), be32(2, 1), be32(3, 2)], attributes].concat(),
        )
    };
    let mask = bitwise(&[data(4, &[0x0f, 0xc0]), data(5, &[0, 0])]);
    let shift = bitwise(&[be32(6, 2), data(7, &6_u32.to_le_bytes())]);
    let turn = expression(
        "byteorder",
        &[be32(1, 1), be32(2, 1), be32(3, 0), be32(4, 2), be32(5, 2)],
    );
    let compare = cmp(0, &[8, 0]);
    let turned = [
        payload(1, 0, 2),
        mask.clone(),
        turn,
        shift.clone(),
        compare.clone(),
    ];
    assert_eq!(said(Family::Ip6, &turned), "ip6 dscp cs1");
    let unturned = [payload(1, 0, 2), mask, shift, compare];
    assert!(
        is_opaque(&unturned),
        "the kernel would shift it across its bytes the wrong way"
    );
}

#[test]
fn options_of_dccp_and_others_that_no_kernel_has() {
    let exthdr = |op: u32, flags: u32| {
        let place = [be32(1, 1), attr(2, &[7]), be32(3, 0), be32(4, 1)];
        expression("exthdr", &[place.concat(), be32(5, flags), be32(6, op)])
    };
    assert_eq!(
        said(Family::Ip, &[exthdr(4, 1), cmp(0, &[1])]),
        "dccp option 7 exists"
    );
    assert!(is_opaque(&[exthdr(5, 1)]));
    assert!(is_opaque(&[exthdr(4, 2)]));
}

#[test]
fn numbers_of_the_host_compare_only_after_they_are_turned() {
    assert_eq!(
        said(Family::Ip, &[meta(3), cmp(0, &[5, 0, 0, 0])]),
        "meta mark 0x00000005"
    );
    assert!(is_opaque(&[meta(3), cmp(4, &[5, 0, 0, 0])]));
    let turn = expression(
        "byteorder",
        &[be32(1, 1), be32(2, 1), be32(3, 1), be32(4, 4), be32(5, 4)],
    );
    assert_eq!(
        said(Family::Ip, &[meta(3), turn, cmp(4, &[0, 0, 0, 5])]),
        "meta mark > 0x00000005"
    );
}

#[test]
fn a_write_keeps_the_checksums_that_nft_keeps() {
    let write = |checksum: [u32; 3]| {
        let [kind, offset, flags] = checksum;
        let place = [be32(5, 1), be32(2, 1), be32(3, 16), be32(4, 4)];
        let checksum = [be32(6, kind), be32(7, offset), be32(8, flags)];
        [
            expression("immediate", &[be32(1, 1), data(2, &[10, 0, 0, 1])]),
            expression("payload", &[place.concat(), checksum.concat()]),
        ]
    };
    assert_eq!(said(Family::Ip, &write([1, 10, 1])), "ip daddr set 10.0.0.1");
    let without = items(Family::Ip, &write([0, 0, 0]));
    assert!(
        matches!(without.last(), Some(Item::Opaque(_))),
        "the packet would be thrown away as damaged"
    );
}

/// What a new kernel may say of an expression that is known otherwise.
#[test]
fn an_attribute_without_a_name_makes_any_expression_opaque() {
    let names = [
        "payload",
        "meta",
        "ct",
        "fib",
        "exthdr",
        "rt",
        "socket",
        "osf",
        "xfrm",
        "tunnel",
        "inner",
        "byteorder",
        "numgen",
        "hash",
        "cmp",
        "range",
        "bitwise",
        "lookup",
        "immediate",
        "counter",
        "limit",
        "quota",
        "log",
        "reject",
        "nat",
        "masq",
        "redir",
        "notrack",
        "last",
        "queue",
        "tproxy",
        "synproxy",
        "dup",
        "fwd",
        "flow_offload",
        "connlimit",
        "objref",
        "dynset",
        "match",
        "target",
        "something new",
    ];
    for name in names {
        assert!(is_opaque(&[expression(name, &[be32(60, 1)])]), "{name}");
    }
    // Where every other attribute is there and known.
    let limit = [attr(1, &1_u64.to_be_bytes()), attr(2, &1_u64.to_be_bytes())];
    assert!(!is_opaque(&[expression("limit", &limit)]));
    assert!(is_opaque(&[expression("limit", &[limit.concat(), be32(7, 1)])]));
}

#[test]
fn when_a_packet_last_came_by_is_runtime() {
    let at = |milliseconds: u64| expression("last", &[be32(1, 1), attr(2, &milliseconds.to_be_bytes())]);
    assert_eq!(items(Family::Ip, &[at(5)]), items(Family::Ip, &[at(6)]));
    assert_eq!(items(Family::Ip, &[at(5)]), [Item::Statement(Statement::Last)]);
    let count = |flags: u32| {
        said(
            Family::Ip,
            &[expression("connlimit", &[be32(1, 5), be32(2, flags)])],
        )
    };
    assert_eq!(
        (count(0).as_str(), count(1).as_str()),
        ("ct count 5", "ct count over 5")
    );
}
