//! Attributes that this version does not know are never dropped.

use super::{attr, be32, be64, chain, lifted, message, nest, rule, table, text};
use crate::artifact::json;
use crate::netfilter::model::{Item, Ruleset, Table};
use crate::netfilter::nft::{consts, lift};
use crate::raw::RawMessage;
use crate::raw::attr::Malformed;

fn set(more: &[Vec<u8>]) -> RawMessage {
    let known = [
        text(1, "t"),
        text(2, "s"),
        be32(3, consts::SET_INTERVAL),
        be32(4, 7),
        be32(5, 4),
    ];
    message(consts::NEW_SET, &[&known[..], more].concat())
}

fn elements(more: &[Vec<u8>], at_end: &[Vec<u8>]) -> RawMessage {
    let key = |address: [u8; 4]| nest(1, &[attr(1, &address)]);
    let first = nest(1, &[&[key([10, 0, 0, 0])], more].concat());
    let end = nest(1, &[&[key([11, 0, 0, 0]), be32(3, 1)], at_end].concat());
    message(
        consts::NEW_ELEMENTS,
        &[text(1, "t"), text(2, "s"), nest(3, &[first, end])],
    )
}

/// Everything of which an attribute is given, with one attribute more in the place of this number.
fn messages(place: usize, unknown: &[u8]) -> Vec<RawMessage> {
    let unknown = attr(99, unknown);
    let at = |number: usize| match number {
        number if number == place => vec![unknown.clone()],
        _ => Vec::new(),
    };
    let hook = nest(4, &[&[be32(1, 1), be32(2, 0)], &at(2)[..]].concat());
    let devices = nest(4, &[be32(1, 1), be32(2, 0), nest(4, &at(3))]);
    let description = nest(9, &[&[be32(1, 5)], &at(4)[..]].concat());
    vec![
        table(&at(0)),
        chain(
            1,
            &[&at(1)[..], &[if place == 3 { devices } else { hook }]].concat(),
        ),
        rule(2, 0, &at(5)),
        set(&[&at(6)[..], &[description]].concat()),
        elements(&at(7), &at(8)),
    ]
}

/// What holds an attribute that is not known.
fn owners(table: &Table) -> Vec<&'static str> {
    let [chain] = table.chains.as_slice() else {
        panic!()
    };
    let [set] = table.sets.as_slice() else { panic!() };
    let [rule] = chain.rules.as_slice() else { panic!() };
    let opaque = rule.items.iter().any(|item| matches!(item, Item::Opaque(_)));
    let all = [
        ("table", !table.opaque.is_empty()),
        ("chain", !chain.opaque.is_empty()),
        ("rule", opaque),
        ("set", !set.opaque.is_empty()),
        ("element", !set.elements[0].opaque.is_empty()),
    ];
    all.into_iter().filter(|row| row.1).map(|row| row.0).collect()
}

fn config(place: usize, unknown: &[u8]) -> Ruleset {
    lifted(&messages(place, unknown)).config
}

#[test]
fn an_unknown_attribute_stays_with_its_owner_and_another_value_is_another_configuration() {
    let expected = [
        "table", "chain", "chain", "chain", "set", "rule", "set", "element", "element",
    ];
    let plain = json::digest(&config(usize::MAX, &[])).unwrap();
    for (place, owner) in expected.into_iter().enumerate() {
        let one = config(place, &[1, 2, 3, 4]);
        assert_eq!(owners(&one.tables[0]), [owner], "place {place}");
        let digests =
            [&[1, 2, 3, 4], &[1, 2, 3, 5]].map(|value| json::digest(&config(place, value)).unwrap());
        assert_ne!(digests[0], digests[1], "place {place}");
        assert_ne!(digests[0], plain, "place {place}");
    }
    let whole = config(usize::MAX, &[]);
    assert_eq!(owners(&whole.tables[0]), [""; 0]);
    assert!(!serde_json::to_string(&whole).unwrap().contains("opaque"));
}

/// Bits of flags that have no word.
#[test]
fn an_unknown_flag_stays() {
    let flags = |bits| {
        let messages = [table(&[]), chain(0, &[be32(10, bits)])];
        lifted(&messages).config.tables[0].chains[0].opaque.clone()
    };
    assert_eq!(flags(1 | 2 | 4), []);
    assert_eq!(flags(8)[0].payload.to_string(), "00000008");
    let element = |bits: u32| {
        let messages = [table(&[]), set(&[]), elements(&[be32(3, bits)], &[])];
        lifted(&messages).config.tables[0].sets[0].elements[0]
            .opaque
            .clone()
    };
    assert_eq!(element(0), []);
    assert_eq!(element(8)[0].number, 3);
}

/// Inside what must be understood whole an unknown attribute is an error, and the section unread.
#[test]
fn an_unknown_attribute_around_elements_or_expressions_is_an_error() {
    let odd_list = message(
        consts::NEW_ELEMENTS,
        &[text(1, "t"), text(2, "s"), nest(3, &[]), attr(99, &[1])],
    );
    let odd_expression = message(
        consts::NEW_RULE,
        &[
            text(1, "t"),
            text(2, "c"),
            be64(3, 2),
            nest(4, &[nest(1, &[text(1, "counter"), attr(99, &[1])])]),
        ],
    );
    for odd in [odd_list, odd_expression] {
        let read = lift(&super::raw(&[table(&[]), chain(0, &[]), set(&[]), odd]));
        assert!(
            matches!(read, Err(Malformed::Value { value: 99, .. })),
            "{read:?}"
        );
    }
}

/// What tools leave for themselves decides nothing: only comments are read from it.
#[test]
fn user_data_of_tools_is_no_configuration() {
    let marked = |data: &[u8]| lifted(&[table(&[attr(6, data)])]).config;
    assert_eq!(marked(&[1, 2, 7, 8]), marked(&[]));
    let comment = marked(&[0, 3, b'h', b'i', 0]);
    assert_eq!(comment.tables[0].comment, Some("hi".into()));
}

/// Devices by name, by the beginning of a name, and one whose name ends in a star.
#[test]
fn a_chain_hangs_on_devices_by_name_and_by_beginning() {
    let devices = nest(4, &[text(2, "eth"), text(1, "lo"), text(1, "odd*")]);
    let hook = nest(4, &[be32(1, 0), be32(2, 0), devices]);
    let mut messages = [table(&[]), chain(0, &[hook])];
    for message in &mut messages {
        message.payload.0[0] = 5;
    }
    let read = lifted(&messages).config;
    let base = read.tables[0].chains[0].base.clone().unwrap();
    assert_eq!(base.devices, ["eth*".into(), "lo".into(), "odd\\*".into()]);
}
