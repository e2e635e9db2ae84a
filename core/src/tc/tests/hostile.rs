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

/// Decoding mutated captures ends, without panic, in an error or in something that can be written down.
fn survives(raw: &NetlinkRaw) {
    let _questions = places::questions(&raw.messages);
    let Ok(read) = lift(raw) else { return };
    let json = json::to_vec(&read.config).unwrap();
    assert_eq!(json::from_slice::<TcConfig>(&json).unwrap(), read.config);
    json::to_vec(&read.runtime).unwrap();
    assert_eq!(read.config.filters.len(), read.runtime.filters.len());
    let _text: Vec<_> = read.config.qdiscs.iter().map(ToString::to_string).collect();
    let _text: Vec<_> = read.config.classes.iter().map(ToString::to_string).collect();
    let _text: Vec<_> = read.config.filters.iter().map(ToString::to_string).collect();
    let _text: Vec<_> = read.config.chains.iter().map(ToString::to_string).collect();
}

/// Bytes changed, swapped, cut and doubled in every captured message, from a seed that is printed on failure.
#[test]
fn mutated_captures_never_panic_or_hang() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let rounds = std::env::var("ROUNDS")
        .ok()
        .and_then(|rounds| rounds.parse().ok());
    let mut state: u64 = seed.unwrap_or(0x1234_5678_9abc_def1);
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below.max(1)).unwrap()).unwrap()
    };
    let all: Vec<_> = [
        NETEM_PRIO,
        HTB_TBF,
        kinds::QDISCS,
        filters::FILTERS,
        filters::ACTIONS,
    ]
    .map(captured)
    .to_vec();
    for _ in 0..rounds.unwrap_or(20_000) {
        let from = &all[next(all.len())];
        let mut message = from.messages[next(from.messages.len())].clone();
        let bytes = &mut message.payload.0;
        for _ in 0..=next(4) {
            let (at, other) = (next(bytes.len()), next(bytes.len()));
            match next(5) {
                0 => bytes[at] = u8::try_from(next(256)).unwrap(),
                1 => bytes.swap(at, other),
                2 => bytes[at] ^= 1 << next(8),
                3 if at > 20 => bytes.truncate(at),
                _ => {
                    let part = bytes[at.min(other)..at.max(other)].to_vec();
                    bytes.extend(part);
                }
            }
        }
        survives(&NetlinkRaw {
            links: from.links.clone(),
            sets: Vec::new(),
            messages: vec![message],
        });
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(class in any::<bool>(), payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        let raw = NetlinkRaw { sets: Vec::new(), links: vec![], messages: vec![RawMessage {
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
