use super::*;
use crate::netfilter::model::{Op, Value};

fn eq(context: &mut Context, field: &str, number: u32) {
    learn(context, field, Op::Eq, &Value::Number(number));
}

#[test]
fn the_protocol_decides_what_bytes_mean() {
    let mut context = Context::default();
    assert_eq!(payload(&context, TRANSPORT, 2, 2).name, "th.dport");
    assert_eq!(payload(&context, NETWORK, 12, 4).name, "@nh,96,32");
    eq(&mut context, "meta.nfproto", 2);
    eq(&mut context, "meta.l4proto", 6);
    assert_eq!(payload(&context, NETWORK, 12, 4).name, "ip.saddr");
    assert_eq!(payload(&context, TRANSPORT, 13, 1).name, "tcp.flags");
    assert_eq!(payload(&context, TRANSPORT, 12, 1).name, "@th,96,8");
}

#[test]
fn a_load_over_two_fields_is_both() {
    let context = Context {
        network: Some("ip"),
        transport: Some("tcp"),
        ..Context::default()
    };
    let fields = split(&context, TRANSPORT, 0, 4).unwrap();
    assert_eq!(
        fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(),
        ["tcp.sport", "tcp.dport"]
    );
    assert!(split(&context, TRANSPORT, 0, 3).is_none());
    assert!(split(&context, NETWORK, 16, 8).is_none(), "beyond the header");
    assert!(split(&context, NETWORK, 0, 4).is_none(), "parts of bytes");
}

#[test]
fn the_type_of_an_icmp_message_decides_what_its_rest_is() {
    let mut context = Context::default();
    eq(&mut context, "meta.l4proto", 1);
    assert_eq!(payload(&context, TRANSPORT, 4, 2).name, "@th,32,16");
    let both = Value::Set(vec![Value::Number(0), Value::Number(8)]);
    learn(&mut context, "icmp.type", Op::In, &both);
    assert_eq!(payload(&context, TRANSPORT, 4, 2).name, "icmp.id");
    let mixed = Value::Set(vec![Value::Number(3), Value::Number(8)]);
    learn(&mut context, "icmp.type", Op::In, &mixed);
    assert_eq!(payload(&context, TRANSPORT, 4, 2).name, "@th,32,16");
    eq(&mut context, "icmp.type", 5);
    assert_eq!(payload(&context, TRANSPORT, 4, 4).name, "icmp.gateway");
}

#[test]
fn a_tag_stands_behind_the_addresses_of_a_frame() {
    let mut context = Context {
        link: Some("ether"),
        ..Context::default()
    };
    assert_eq!(payload(&context, LINK, 16, 2).name, "@ll,128,16");
    eq(&mut context, "ether.type", 0x8100);
    assert_eq!(payload(&context, LINK, 16, 2).name, "vlan.type");
    let place = Place {
        origin: Origin::Payload(LINK),
        bit: 116,
    };
    assert_eq!(part(&context, place, 12).unwrap().0, "vlan.id");
}

#[test]
fn options_are_named_by_kind_and_place() {
    let name = |op, number, offset, length| option(op, number, offset, length).unwrap().name;
    assert_eq!(name(1, 2, 2, 2), "tcp.option.maxseg.size");
    assert_eq!(name(1, 5, 10, 4), "tcp.option.sack1.left");
    assert_eq!(name(1, 42, 2, 1), "tcp.option.@42,16,8");
    assert_eq!(name(0, 43, 24, 16), "rt0.addr[2]");
    assert_eq!(name(3, 0, 8, 2), "sctp.chunk.data.stream");
    assert_eq!(presence(0, 44).unwrap().name, "exthdr.frag present");
    assert_eq!(presence(1, 42).unwrap().name, "tcp.option.42 present");
    assert_eq!(option(9, 0, 0, 1), None);
}

#[test]
fn every_name_leads_back_to_its_type() {
    for (prefix, rows) in header::ALL {
        for (_, length, name, ty) in rows {
            assert_eq!(
                named(&format!("{prefix}.{name}")),
                Some((*ty, *length)),
                "{prefix}.{name}"
            );
        }
    }
    for (op, number) in [(0, 44), (1, 2), (1, 5), (2, 7), (3, 193)] {
        for (prefix, rows) in option::rows(op, number) {
            for (_, length, name, ty) in rows {
                assert_eq!(
                    named(&format!("{prefix}.{name}")),
                    Some((*ty, *length)),
                    "{prefix}.{name}"
                );
            }
        }
    }
    for key in 0..=36 {
        let field = meta(key).unwrap();
        assert_eq!(
            named(&field.name),
            Some((field.ty, bits(field.width))),
            "{}",
            field.name
        );
    }
    let field = xfrm(5, 1, 3).unwrap();
    assert_eq!(named(&field.name), Some((field.ty, 32)), "{}", field.name);
    assert_eq!(named("@nh,8,6"), Some((Type::Network, 6)));
    assert_eq!(named("tcp.nothing"), None);
}
