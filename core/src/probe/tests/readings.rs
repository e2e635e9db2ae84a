//! One script after the other, by ways that cut, lose and mix answers.

use super::*;

/// A host that keeps `payload`, and a way to it that keeps the end of each answer.
struct Host {
    payload: Vec<u8>,
    keeps: Keeps,
    /// The scripts that ran.
    ran: Vec<Script>,
    /// How many answers to a script are lost from their beginning, from the first on.
    cuts: Vec<Script>,
    /// What is kept becomes this before the second piece.
    replaced: Option<Vec<u8>>,
    /// What the way itself fails at.
    dead: Option<Script>,
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("no way")]
struct NoWay;

impl Host {
    fn new(keeps: Keeps) -> Self {
        Self {
            payload: gzip(&sample()),
            keeps,
            ran: Vec::new(),
            cuts: Vec::new(),
            replaced: None,
            dead: None,
        }
    }

    fn scripts(&self) -> Vec<Script> {
        self.ran.clone()
    }
}

impl Carrier for Host {
    type Error = NoWay;

    fn keeps(&self) -> Keeps {
        self.keeps
    }

    async fn run(&mut self, script: Script) -> Result<Vec<u8>, NoWay> {
        self.ran.push(script);
        if self.dead == Some(script) {
            return Err(NoWay);
        }
        if script == Script::Piece(piece(2))
            && let Some(payload) = self.replaced.take()
        {
            self.payload = payload;
        }
        let mut output = kept(&self.payload, script);
        if let Some(at) = self.cuts.iter().position(|cut| *cut == script) {
            self.cuts.remove(at);
            output.drain(..40);
        }
        if let Keeps::Tail(most) = self.keeps {
            output.drain(..output.len().saturating_sub(most));
        }
        Ok(output)
    }
}

fn piece(number: u8) -> PieceNumber {
    PieceNumber::new(number).unwrap()
}

const TAIL: Keeps = Keeps::Tail(4_096);

#[test]
fn a_way_that_keeps_everything_needs_one_script() {
    let mut host = Host::new(Keeps::Everything);
    let parts = now(read(&mut host)).unwrap();
    assert_eq!(parts, Parts::parse(&sample()).unwrap());
    assert_eq!(host.scripts(), [Script::Stream]);
}

#[test]
fn a_way_that_keeps_the_end_reads_in_pieces_and_removes_them() {
    let mut host = Host::new(TAIL);
    assert_eq!(now(read(&mut host)).unwrap(), Parts::parse(&sample()).unwrap());
    let pieces = u8::try_from(host.payload.len().div_ceil(2_600)).unwrap();
    let mut expected = vec![Script::Keep];
    expected.extend((1..=pieces).map(|number| Script::Piece(piece(number))));
    expected.push(Script::Remove);
    assert_eq!(host.scripts(), expected);
}

#[test]
fn a_cut_answer_is_asked_for_again_and_not_for_ever() {
    let second = Script::Piece(piece(2));
    let mut host = Host::new(TAIL);
    host.cuts = vec![Script::Keep, second, second, Script::Remove];
    assert_eq!(now(read(&mut host)).unwrap(), Parts::parse(&sample()).unwrap());
    let mut host = Host::new(TAIL);
    host.cuts = vec![second; 3];
    let error = now(read(&mut host)).unwrap_err();
    assert!(
        matches!(
            error,
            ReadError::Answer(ReadingError::Frame(FrameError::BeginningCut))
        ),
        "{error:?}"
    );
    assert_eq!(
        host.scripts().last(),
        Some(&Script::Remove),
        "nothing is left behind"
    );
}

#[test]
fn what_was_replaced_meanwhile_is_not_mixed() {
    let mut host = Host::new(TAIL);
    let mut other = sample();
    other.extend(b"more");
    host.replaced = Some(gzip(&other));
    let error = now(read(&mut host)).unwrap_err();
    assert!(
        matches!(error, ReadError::Answer(ReadingError::Replaced)),
        "{error:?}"
    );
    assert_eq!(host.scripts().last(), Some(&Script::Remove));
}

#[test]
fn a_way_that_fails_is_told_and_cleaned_up_after() {
    for dead in [Script::Keep, Script::Piece(piece(2))] {
        let mut host = Host::new(TAIL);
        host.dead = Some(dead);
        assert!(matches!(now(read(&mut host)), Err(ReadError::Carrier(NoWay))));
        assert_eq!(host.scripts().last(), Some(&Script::Remove));
    }
    let mut host = Host::new(TAIL);
    host.dead = Some(Script::Remove);
    assert!(matches!(now(read(&mut host)), Err(ReadError::Carrier(NoWay))));
}

#[test]
fn what_does_not_fit_is_refused() {
    assert!(matches!(
        Reading::new(Keeps::Tail(4_095)),
        Err(ReadingError::TooNarrow { kept: 4_095 })
    ));
    let mut reading = Reading::new(TAIL).unwrap();
    let large = vec![0; 2_600 * 64 + 1];
    let error = reading.take(&kept(&large, Script::Keep)).unwrap_err();
    assert_eq!(error, ReadingError::TooLarge { pieces: 65 });
    assert!(
        reading.take(&kept(&[], Script::Keep)).is_err(),
        "nothing in no pieces"
    );
    assert_eq!(reading.script(), Some(Script::Keep));
    assert!(reading.take(&kept(&large[1..], Script::Keep)).is_ok());
}

#[test]
fn an_answer_to_another_script_is_not_taken() {
    let payload = gzip(&sample());
    let mut reading = Reading::new(TAIL).unwrap();
    for wrong in [Script::Stream, Script::Remove, Script::Piece(piece(1))] {
        assert_eq!(
            reading.take(&kept(&payload, wrong)),
            Err(ReadingError::OtherScript)
        );
    }
    reading.take(&kept(&payload, Script::Keep)).unwrap();
    for wrong in [Script::Keep, Script::Piece(piece(2))] {
        assert_eq!(
            reading.take(&kept(&payload, wrong)),
            Err(ReadingError::OtherScript)
        );
    }
    assert_eq!(reading.script(), Some(Script::Piece(piece(1))));
    assert!(matches!(reading.into_parts(), Err(ReadingError::NotEnded)));
}

#[test]
fn pieces_that_are_whole_and_not_the_whole_are_no_reading() {
    let payload = gzip(&sample());
    let mut other = payload.clone();
    *other.last_mut().unwrap() ^= 1;
    let mut reading = Reading::new(TAIL).unwrap();
    reading.take(&kept(&payload, Script::Keep)).unwrap();
    while let Some(script @ Script::Piece(_)) = reading.script() {
        // Each piece agrees with itself, and says that it is of what was kept.
        let forged = String::from_utf8(kept(&other, script)).unwrap();
        let forged = forged.replace(&Digest::of(&other).to_string(), &Digest::of(&payload).to_string());
        reading.take(forged.as_bytes()).unwrap();
    }
    reading.take(&kept(&payload, Script::Remove)).unwrap();
    assert!(matches!(reading.into_parts(), Err(ReadingError::Parts(_))));
}
