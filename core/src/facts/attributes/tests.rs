//! Each form, its cuts, and what is longer than it.

use super::*;
use crate::raw::LinkName;
use crate::raw::attr::attrs;

const INNER: &[Spec] = &[set(1, "in", Form::U16), moves(2, "out", Form::U16)];

const TABLE: &[Spec] = &[
    set(1, "flag", Form::Flag),
    set(2, "switch", Form::Switch),
    set(3, "two", Form::Be16),
    set(4, "signed", Form::I32).unless(0),
    set(5, "word", Form::Word(Width::One, &[(1, "one")])),
    set(6, "bits", Form::Bits(Width::Four, &[(1, "low"), (2, "high")])),
    set(7, "mask", Form::Mask(Width::Four)),
    set(8, "via", Form::Ip),
    set(9, "mac", Form::Mac),
    set(10, "name", Form::Text),
    set(11, "dev", Form::Link),
    set(12, "bytes", Form::Bytes),
    set(13, "nest", Form::Nested(INNER)),
    moves(14, "count", Form::U64),
    apart(15),
];

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    crate::raw::captured::attribute(kind, value)
}

fn raw() -> HostRaw {
    HostRaw {
        links: vec![LinkName {
            index: 2,
            name: "eth0".into(),
        }],
        parts: Vec::new(),
    }
}

fn read(bytes: &[u8]) -> Result<Decoded, Fault> {
    let all: Vec<_> = attrs(bytes).collect::<Result<_, _>>()?;
    decode(&raw(), TABLE, &all)
}

fn line(kind: u16, value: &[u8]) -> String {
    let decoded = read(&attribute(kind, value)).unwrap();
    let show = |properties: &[Property]| {
        let words: Vec<_> = properties.iter().map(ToString::to_string).collect();
        words.join(" ")
    };
    let other = decoded.other.len();
    format!("{}|{}|{other}", show(&decoded.config), show(&decoded.runtime))
}

#[test]
fn each_form_reads_as_its_table_says() {
    let nested = [attribute(1, &[5, 0]), attribute(2, &[6, 0]), attribute(9, &[1])].concat();
    let cases: [(u16, &[u8], &str); 21] = [
        (1, &[], "flag||0"),
        (1, &[1], "||1"),
        (2, &[0], "||0"),
        (2, &[1], "switch||0"),
        (2, &[1, 0], "||1"),
        (3, &[1, 2], "two 258||0"),
        (4, &(-7i32).to_ne_bytes(), "signed -7||0"),
        (4, &[0; 4], "||0"),
        (5, &[1], "word one||0"),
        (5, &[9], "word 9||0"),
        (6, &7u32.to_ne_bytes(), "bits [low high 0x4]||0"),
        (7, &255u32.to_ne_bytes(), "mask 0xff||0"),
        (8, &[10, 0, 0, 1], "via 10.0.0.1||0"),
        (8, &[0; 20], "||1"),
        (9, &[2, 0, 0, 0, 0, 1], "mac 02:00:00:00:00:01||0"),
        (10, b"a name\0", "name a name||0"),
        (11, &2u32.to_ne_bytes(), "dev eth0||0"),
        (12, &[1, 2], "bytes 0102||0"),
        (13, &nested, "nest {in 5 attribute 9 01}|nest {out 6}|0"),
        (14, &9u64.to_ne_bytes(), "|count 9|0"),
        (15, &[1], "||0"),
    ];
    for (kind, value, expected) in cases {
        assert_eq!(line(kind, value), expected, "{kind} {value:?}");
    }
}

#[test]
fn what_is_shorter_than_its_form_is_an_error() {
    for (kind, length) in [
        (2, 1),
        (3, 2),
        (4, 4),
        (5, 1),
        (6, 4),
        (7, 4),
        (8, 4),
        (11, 4),
        (14, 8),
    ] {
        for short in 0..length {
            assert!(
                read(&attribute(kind, &[1; 8][..short])).is_err(),
                "{kind} of {short}"
            );
        }
    }
    assert!(read(&attribute(8, &[1; 7])).is_err());
    assert_eq!(read(&attribute(11, &9u32.to_ne_bytes())), Err(Fault::NoLink(9)));
    assert!(read(&attribute(13, &[9, 0, 1, 0, 1])).is_err());
}
