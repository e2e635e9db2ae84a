//! One frame, one list of parts.

use proptest::prelude::*;

use super::*;

fn parts(output: &[u8]) -> Result<Parts, String> {
    match answer(output) {
        Ok(Answer::Stream { about, bytes }) => {
            Parts::unpack(&about, &bytes).map_err(|error| error.to_string())
        }
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn what_was_packed_comes_out() {
    for packing in ["gzip", "plain"] {
        let payload = if packing == "gzip" {
            gzip(&sample())
        } else {
            sample()
        };
        let read = parts(&stream(&payload, packing)).unwrap();
        assert!(matches!(read.get("hostname"), Some(Part::Ran(ran)) if ran.output == b"vm-1\n"));
        assert!(
            matches!(read.get("links"), Some(Part::Ran(ran)) if ran.output.len() == 9_600 && ran.error == b"a word\n")
        );
        assert!(matches!(read.get("nft"), Some(Part::Missing { tool }) if tool.as_str() == Some("nft")));
        assert!(matches!(read.get("ipset"), Some(Part::Skipped { .. })));
        assert_eq!(read.get("other"), None);
    }
}

#[test]
fn a_login_shell_may_speak_first_and_nobody_last() {
    let answer = stream(&gzip(&sample()), "gzip");
    let whole = parts(&answer);
    assert!(whole.is_ok());
    assert_eq!(
        parts(&[b"Welcome to vm-1\nnetghost is here\n".as_slice(), &answer].concat()),
        whole
    );
    assert_eq!(parts(&[answer.as_slice(), b"\n \n"].concat()), whole);
    for behind in ["bye\n", "netghost-probe 1 removed\nnetghost-probe-end removed\n"] {
        assert!(
            parts(&[answer.as_slice(), behind.as_bytes()].concat()).is_err(),
            "{behind}"
        );
    }
    // On the same line it is not in front of it.
    assert!(parts(&[b"$ ".as_slice(), &answer].concat()).is_err());
    assert!(parts(&[vec![b'\n'; 70_000], answer].concat()).is_err());
}

#[test]
fn nothing_is_not_an_empty_host() {
    for nothing in ["", "\n", "sh: 1: sh: not found\n", "netghost-probe", "{}"] {
        assert!(
            matches!(answer(nothing.as_bytes()), Err(FrameError::Nothing { .. })),
            "{nothing:?}"
        );
    }
    assert!(parts(&stream(b"", "plain")).is_err());
    assert!(parts(&stream(&gzip(b""), "gzip")).is_err());
    assert!(parts(&stream(b"netghost-probe-parts 1\n", "plain")).is_err());
    assert!(parts(&stream(&all(&[]), "plain")).is_ok());
}

#[test]
fn the_probe_says_that_it_failed() {
    let said = b"netghost-probe 1 failed sha256sum is not installed\nnetghost-probe-end failed sha256sum is not installed\n";
    let why = "sha256sum is not installed".into();
    assert_eq!(answer(said), Err(FrameError::Failed { why }));
    assert_eq!(answer(&said[..said.len() - 9]), Err(FrameError::EndCut));
}

#[test]
fn a_later_form_is_not_guessed() {
    let later = String::from_utf8(stream(&sample()[..50], "plain")).unwrap();
    for (from, to) in [
        (" 1 ", " 2 "),
        ("stream", "flood"),
        ("plain", "zstd"),
        (" 50 ", " +50 "),
        (" 50 ", " 050 "),
    ] {
        let altered = later.replacen(from, to, 1);
        assert!(
            matches!(answer(altered.as_bytes()), Err(FrameError::Unknown { .. })),
            "{to}"
        );
    }
}

#[test]
fn a_cut_is_seen_at_either_end() {
    let answer_of = |script| kept(&gzip(&sample()), script);
    let piece = PieceNumber::new(2).unwrap();
    for script in [Script::Stream, Script::Keep, Script::Piece(piece), Script::Remove] {
        let whole = answer_of(script);
        assert!(answer(&whole).is_ok());
        // The line feed at the end is nothing that could be missed.
        for end in 0..whole.len() - 1 {
            assert!(answer(&whole[..end]).is_err(), "{script:?} up to {end}");
        }
        for begin in 1..whole.len() {
            assert!(answer(&whole[begin..]).is_err(), "{script:?} from {begin}");
        }
    }
    // Run-command keeps the last 4,096 bytes.
    let whole = answer_of(Script::Stream);
    let tail = &whole[whole.len() - 4_096..];
    assert_eq!(answer(tail), Err(FrameError::BeginningCut));
}

#[test]
fn a_piece_fits_into_what_is_kept() {
    let payload = gzip(&sample());
    assert!(payload.len() > 2_600);
    // With the widest numbers that a frame can hold.
    let widest =
        kept(&payload, Script::Piece(PieceNumber::FIRST)).len() + 4 * "64".len() + 2 * "166400".len();
    assert!(widest + 100 < 4_096, "{widest}");
}

#[test]
fn parts_that_are_twice_gone_or_elsewhere_are_errors() {
    let one = |number| ran(number, "one", 0, b"1", "");
    let two = |number| ran(number, "two", 0, b"2", "");
    let good = |parts: &[Vec<u8>]| Parts::parse(&all(parts));
    assert!(good(&[one(1), two(2)]).is_ok());
    assert!(good(&[two(2), one(1)]).is_err(), "out of order");
    assert!(good(&[one(1), one(2)]).is_err(), "twice");
    assert!(good(&[one(1), two(3)]).is_err(), "one is gone");
    assert!(good(&[two(2)]).is_err(), "the first is gone");
    let mut short = all(&[one(1), two(2)]);
    short.truncate(short.len() - "parts-end 2\n".len());
    assert!(Parts::parse(&short).is_err(), "no end");
    assert!(
        Parts::parse(&[short.as_slice(), b"parts-end 3\n"].concat()).is_err(),
        "another count"
    );
    assert!(
        Parts::parse(&[all(&[one(1)]), two(2)].concat()).is_err(),
        "behind the end"
    );
}

#[test]
fn what_unpacks_badly_is_an_error() {
    let packed = gzip(&sample());
    for end in [0, 1, 10, packed.len() / 2, packed.len() - 1] {
        assert!(parts(&stream(&packed[..end], "gzip")).is_err(), "{end}");
    }
    assert!(parts(&stream(&[packed.as_slice(), b"x"].concat(), "gzip")).is_err());
    assert!(parts(&stream(&[packed.as_slice(), &packed].concat(), "gzip")).is_err());
    assert!(parts(&stream(&sample(), "gzip")).is_err());
    assert!(parts(&stream(&packed, "plain")).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// No byte of an answer can be another one: it is an error, or it says the same.
    #[test]
    fn an_altered_byte_is_seen(at in any::<prop::sample::Index>(), value in any::<u8>(), piece in any::<bool>()) {
        let script = if piece { Script::Piece(PieceNumber::FIRST) } else { Script::Stream };
        let whole = kept(&gzip(&sample()), script);
        let mut altered = whole.clone();
        let at = at.index(whole.len());
        altered[at] = value;
        if let Ok(read) = answer(&altered) {
            prop_assert_eq!(Ok(read), answer(&whole));
        }
    }

    /// Nor of the parts, where nothing around them would tell.
    #[test]
    fn an_altered_part_is_seen(at in any::<prop::sample::Index>(), value in any::<u8>()) {
        let whole = sample();
        let mut altered = whole.clone();
        let at = at.index(whole.len());
        altered[at] = value;
        if altered != whole && let (Ok(read), Ok(right)) = (Parts::parse(&altered), Parts::parse(&whole)) {
            // Names, statuses and words stand in lines that the frame around all of them guards.
            let same = |name: &str| match (read.get(name), right.get(name)) {
                (Some(Part::Ran(one)), Some(Part::Ran(other))) => one.output == other.output && one.error == other.error,
                _ => true,
            };
            prop_assert!(same("hostname") && same("links"));
        }
    }

    #[test]
    fn nothing_that_comes_back_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        drop(answer(&bytes));
        drop(Parts::parse(&bytes));
        drop(answer(&[b"netghost-probe 1 ".as_slice(), &bytes].concat()));
        drop(Parts::parse(&[b"netghost-probe-parts 1\npart 1 ".as_slice(), &bytes].concat()));
    }
}
