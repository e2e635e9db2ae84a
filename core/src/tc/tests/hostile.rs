//! Messages that are cut, changed or random.

use super::*;
use crate::raw::captured::every_cut_is_an_error;

#[test]
fn a_cut_message_is_an_error() {
    for text in [NETEM_PRIO, HTB_TBF] {
        every_cut_is_an_error(&captured(text), 20, |raw| lift(raw).is_err());
    }
}

/// The attribute `TCA_OPTIONS` cut, with a length that fits: what the kind needs is then missing or opaque, never a default.
#[test]
fn cut_options_are_an_error_or_opaque() {
    let raw = captured(NETEM_PRIO);
    let whole = raw
        .messages
        .iter()
        .find(|m| m.payload.0.windows(5).any(|w| w == b"netem"))
        .unwrap();
    let attrs: Vec<_> = crate::raw::attr::attrs(&whole.payload.0[20..])
        .map(Result::unwrap)
        .collect();
    let told = attrs.iter().find(|attr| attr.kind == 2).unwrap().value;
    for kind in ["netem", "tbf", "htb", "prio", "pfifo", "bfifo", "pfifo_fast"] {
        for cut in 0..4 {
            let outcome = options::decode(&Text::from(kind), false, Some(&told[..cut]));
            assert!(outcome.is_err(), "{kind} with {cut} bytes");
        }
        assert!(
            options::decode(&Text::from(kind), false, None).is_err(),
            "{kind} without options"
        );
    }
    let longer = [&told[..20], &[0; 8]].concat();
    let read = options::decode(&Text::from("prio"), false, Some(&longer)).unwrap();
    assert!(matches!(read.options, Options::Opaque { payload, .. } if payload.0 == longer));
}

#[test]
fn an_attribute_that_is_not_known_makes_options_opaque() {
    let mut told = vec![0; 24];
    told.extend([8, 0, 99, 0, 1, 2, 3, 4]);
    let read = options::decode(&Text::from("netem"), false, Some(&told)).unwrap();
    let Options::Opaque { payload, why, .. } = read.options else {
        panic!()
    };
    assert_eq!(payload.0, told);
    assert!(why.contains("99"), "{why}");
}

#[test]
fn an_unknown_attribute_beside_the_options_is_kept() {
    let mut raw = captured(HTB_TBF);
    raw.messages.truncate(1);
    raw.messages[0].payload.0.extend([8, 0, 77, 0, 1, 2, 3, 4]);
    let read = lift(&raw).unwrap();
    assert_eq!(read.config.qdiscs[0].other[0].number, 77);
}

#[test]
fn an_index_without_a_name_is_an_error() {
    let mut raw = captured(HTB_TBF);
    raw.links.retain(|link| link.index != 3);
    assert!(matches!(lift(&raw), Err(LiftError::NoLink { index: 3, .. })));
}

#[test]
fn a_message_of_another_type_is_an_error() {
    let mut raw = captured(HTB_TBF);
    raw.messages[2].message_type = 37;
    assert!(matches!(
        lift(&raw),
        Err(LiftError::Type {
            position: 2,
            message_type: 37
        })
    ));
}

#[test]
fn a_circle_of_parents_ends() {
    let mut raw = captured(HTB_TBF);
    for message in &mut raw.messages {
        message.payload.0[8..16].copy_from_slice(&[1, 0, 1, 0x80, 1, 0, 1, 0x80]);
    }
    assert_eq!(lift(&raw).unwrap().config.qdiscs.len(), 13);
}

proptest! {
    #[test]
    fn random_bytes_never_panic(class in any::<bool>(), payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        let raw = NetlinkRaw { groups: Vec::new(), sets: Vec::new(), links: vec![], messages: vec![RawMessage {
            message_type: if class { 40 } else { 36 },
            payload: Hex(payload),
        }] };
        prop_assert!(lift(&raw).is_err());
    }

    #[test]
    fn random_options_never_panic(
        kind in proptest::sample::select(vec!["netem", "tbf", "htb", "prio", "pfifo", "sfq", "x"]),
        class in any::<bool>(),
        payload in proptest::collection::vec(any::<u8>(), 0..120),
    ) {
        if let Ok(read) = options::decode(&Text::from(kind), class, Some(&payload)) {
            json::to_vec(&read.options).unwrap();
            let _text = read.options.to_string();
        }
    }

    #[test]
    fn one_changed_byte_never_panics(which in 0usize..36, at in 0usize..400, value in any::<u8>()) {
        let mut raw = captured(NETEM_PRIO);
        raw.messages.extend(captured(HTB_TBF).messages);
        let message = which % raw.messages.len();
        let length = raw.messages[message].payload.0.len();
        raw.messages[message].payload.0[at % length] = value;
        if let Ok(read) = lift(&raw) {
            json::to_vec(&read.config).unwrap();
            json::to_vec(&read.runtime).unwrap();
            for qdisc in &read.config.qdiscs {
                let _text = qdisc.to_string();
            }
        }
    }
}
