//! Objects that few kernels have, by the attributes of `linux/netfilter/nf_tables.h`.

use super::{attr, be32, be64, lifted, message, nest, table, text as text_attr};
use crate::netfilter::model::{Definition, Hook, Object, ObjectRuntime};
use crate::netfilter::nft::consts;
use crate::netfilter::text;

fn both(kind: u32, data: &[Vec<u8>], more: &[Vec<u8>]) -> (Object, ObjectRuntime) {
    let known = [
        text_attr(1, "t"),
        text_attr(2, "o"),
        be32(3, kind),
        nest(4, data),
        be32(5, 0),
        be64(6, 7),
    ];
    let object = message(consts::NEW_OBJECT, &[&known[..], more].concat());
    let mut lifted = lifted(&[table(&[]), object]);
    (
        lifted.config.tables.remove(0).objects.remove(0),
        lifted.runtime.tables.remove(0).objects.remove(0),
    )
}

fn object(kind: u32, data: &[Vec<u8>]) -> Object {
    both(kind, data, &[]).0
}

fn printed(kind: u32, data: &[Vec<u8>]) -> String {
    text::nft::object(&object(kind, data))
}

#[test]
fn a_secmark_is_its_context() {
    let context = "system_u:object_r:ssh_server_packet_t:s0";
    assert_eq!(
        printed(8, &[text_attr(1, context)]),
        format!("secmark o \"{context}\"")
    );
}

#[test]
fn a_count_of_connections_may_be_over() {
    assert_eq!(
        object(5, &[be32(1, 20), be32(2, 1)]).definition,
        Some(Definition::CtCount {
            count: 20,
            over: true
        })
    );
}

#[test]
fn a_tunnel_has_addresses_ports_and_the_options_of_its_kind() {
    let common = [
        be32(1, 10),
        nest(2, &[attr(1, &[192, 0, 2, 1]), attr(2, &[192, 0, 2, 2])]),
        be32(4, 6),
        attr(5, &[16]),
        attr(6, &[64]),
        attr(7, &[0, 0]),
        attr(8, &[0x12, 0xb5]),
    ];
    let start = "tunnel o id 10 ip saddr 192.0.2.1 ip daddr 192.0.2.2 dport 4789 tos 16 ttl 64";
    let end = " # and, which nft can't say: flags dont-fragment,sequence";
    let options: [(Vec<u8>, &str); 4] = [
        (nest(1, &[be32(1, 200)]), "vxlan { gbp 200; }"),
        (
            nest(2, &[be32(1, 1), be32(2, 3)]),
            "erspan { version 1; index 3; }",
        ),
        (
            nest(2, &[be32(1, 2), attr(3, &[4]), attr(4, &[1])]),
            "erspan { version 2; direction egress; id 4; }",
        ),
        (
            [
                nest(
                    3,
                    &[
                        attr(1, &[1, 2]),
                        attr(2, &[3]),
                        attr(3, &[0x12, 0x34, 0x56, 0x78]),
                    ],
                ),
                nest(3, &[attr(1, &[0, 1]), attr(2, &[0]), attr(3, &[9, 9, 9, 9])]),
            ]
            .concat(),
            "geneve { class 0x102 opt-type 0x3 data \"0x12345678\"; class 0x1 opt-type 0x0 data \"0x09090909\"; }",
        ),
    ];
    for (option, words) in options {
        let all = [&common[..], &[nest(9, &[option])]].concat();
        assert_eq!(printed(6, &all), format!("{start} {words}{end}"));
    }
    let ipv6 = nest(3, &[attr(1, &[0xfe; 16]), attr(2, &[0xfd; 16]), be32(3, 5)]);
    let Some(Definition::Tunnel(tunnel)) = object(6, &[be32(1, 1), ipv6]).definition else {
        panic!("not a tunnel")
    };
    assert_eq!((tunnel.flow_label, tunnel.options), (Some(5), None));
    let mixed = [nest(1, &[be32(1, 200)]), nest(2, &[be32(1, 1), be32(2, 3)])];
    assert_eq!(object(6, &[be32(1, 1), nest(9, &mixed)]).definition, None);
}

/// What is not known makes the object whole and opaque: another value in it is another configuration.
#[test]
fn an_object_with_anything_unknown_in_it_is_kept_whole() {
    let cases: [(u32, Vec<Vec<u8>>); 9] = [
        (77, vec![be32(1, 5)]),
        (1, vec![be64(1, 5), be64(2, 6), be32(9, 7)]),
        (2, vec![be64(1, 5), be32(2, 4)]),
        (2, vec![be64(1, 5), be32(1, 5)]),
        (3, vec![text_attr(1, "ftp"), attr(2, &[0, 99]), attr(3, &[6])]),
        (4, vec![be64(1, 5), be64(2, 7)]),
        (7, vec![attr(1, &[0, 2]), attr(2, &[6]), nest(3, &[be32(12, 5)])]),
        (10, vec![attr(1, &[5, 0xb4]), attr(2, &[7]), be32(3, 16)]),
        (10, vec![attr(1, &[5, 0xb4]), attr(2, &[7]), be32(3, 2)]),
    ];
    for (kind, data) in cases {
        let read = object(kind, &data);
        assert_eq!(read.definition, None, "{kind} {data:?}");
        assert!(!read.payload.0.is_empty());
        assert!(text::nft::object(&read).contains(&read.payload.to_string()));
    }
    assert_eq!(object(77, &[]).kind, "object:77");
}

/// The runtime of a counter and of a quota never reaches the configuration, decoded or not.
#[test]
fn what_was_counted_is_never_configuration() {
    let counter = |bytes, unknown: &[Vec<u8>]| {
        let known = [be64(1, bytes), be64(2, bytes)];
        object(1, &[&known[..], unknown].concat())
    };
    assert_eq!(counter(5, &[]), counter(6, &[]));
    assert_eq!(counter(5, &[be32(9, 1)]), counter(6, &[be32(9, 1)]));
    assert_ne!(counter(5, &[be32(9, 1)]), counter(5, &[be32(9, 2)]));
    let quota = |flags, used| object(2, &[be64(1, 100), be32(2, flags), be64(4, used)]);
    assert_eq!(quota(1, 0), quota(1 | 2, 200));
    assert_ne!(quota(1, 0), quota(0, 0));
    let (_, runtime) = both(2, &[be64(1, 100), be32(2, 3), be64(4, 200)], &[]);
    assert_eq!(runtime.used.unwrap().0, 200);
    assert_eq!(runtime.handle.unwrap().0, 7);
}

/// `NFTA_OBJ_*` beyond those known.
#[test]
fn an_unknown_attribute_of_an_object_stays_with_it() {
    let (object, _) = both(1, &[], &[attr(99, &[1, 2, 3])]);
    assert_eq!(object.definition, Some(Definition::Counter));
    assert_eq!(
        (object.opaque[0].number, object.opaque[0].payload.to_string()),
        (99, "010203".into())
    );
}

fn flowtable(hook: &[Vec<u8>], flags: u32) -> Object {
    let all = [
        text_attr(1, "t"),
        text_attr(2, "f"),
        nest(3, hook),
        be32(4, 1),
        be64(5, 3),
        be32(7, flags),
    ];
    let mut lifted = lifted(&[table(&[]), message(consts::NEW_FLOWTABLE, &all)]);
    assert_eq!(lifted.runtime.tables[0].objects[0].handle.unwrap().0, 3);
    lifted.config.tables.remove(0).objects.remove(0)
}

#[test]
fn a_flowtable_has_a_place_devices_and_flags() {
    let devices = nest(
        3,
        &[text_attr(1, "eth1"), text_attr(1, "eth0"), text_attr(2, "wan")],
    );
    let hook = [be32(1, 0), be32(2, 0xffff_fff6), devices];
    let read = flowtable(&hook, 3);
    assert_eq!(
        read.definition,
        Some(Definition::Flowtable {
            hook: Hook::Ingress,
            priority: -10,
            devices: vec!["eth0".into(), "eth1".into(), "wan*".into()],
            flags: vec!["counter".into(), "offload".into()],
        })
    );
    assert_eq!(
        text::nft::object(&read),
        "flowtable f hook ingress priority -10; devices = { \"eth0\", \"eth1\", \"wan*\" }; flags offload; counter"
    );
    let strange = [
        (hook.to_vec(), 4),
        (vec![be32(1, 0), be32(2, 0), be32(9, 1)], 0),
        (vec![be32(1, 7), be32(2, 0)], 0),
        (vec![be32(1, 0), be32(2, 0), nest(3, &[text_attr(9, "eth0")])], 0),
    ];
    for (hook, flags) in strange {
        let read = flowtable(&hook, flags);
        assert_eq!(read.definition, None, "{hook:?}");
        assert!(!read.payload.0.is_empty());
    }
}
