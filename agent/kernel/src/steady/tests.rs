//! The rule against scripted passes; a configuration is the type of the first message.

use std::collections::VecDeque;

use netghost_core::bytes::Hex;
use netghost_core::raw::RawMessage;

use super::*;

type Ended = Outcome<Reading<NetlinkRaw, Lifted<u16, ()>>, DumpError>;

fn pass(config: u16, links_agree: bool) -> Result<Pass, DumpError> {
    let message = RawMessage {
        message_type: config,
        payload: Hex::default(),
    };
    let raw = NetlinkRaw {
        groups: Vec::new(),
        sets: Vec::new(),
        links: vec![],
        messages: vec![message],
    };
    Ok(Pass { raw, links_agree })
}

fn refused(errno: i32) -> Result<Pass, DumpError> {
    Err(DumpError::Refused { errno })
}

/// Types from 100 on decode to nothing.
fn lift(raw: &NetlinkRaw) -> Result<Lifted<u16, ()>, LiftError> {
    let (position, message_type) = (0, raw.messages[0].message_type);
    match message_type {
        100 => Err(LiftError::NoLink { position, index: 1 }),
        101.. => Err(LiftError::Type {
            position,
            message_type,
        }),
        config => Ok(Lifted { config, runtime: () }),
    }
}

/// The outcome, and how many of the passes were made.
fn run(passes: Vec<Result<Pass, DumpError>>) -> (Ended, usize) {
    let mut left = VecDeque::from(passes);
    let all = left.len();
    let outcome = settle(|| left.pop_front().unwrap(), lift, |_| {});
    (outcome, all - left.len())
}

fn config(outcome: &Ended) -> u16 {
    match outcome {
        Outcome::Done(reading) => reading.lifted.as_ref().unwrap().config,
        other => panic!("{other:?}"),
    }
}

#[test]
fn two_readings_alike_are_enough_and_one_is_not() {
    let (outcome, passes) = run(vec![pass(1, true), pass(1, true), pass(1, true)]);
    assert_eq!((config(&outcome), passes), (1, 2));
    let (outcome, passes) = run(vec![pass(1, true), pass(2, true), pass(1, true), pass(1, true)]);
    assert_eq!((config(&outcome), passes), (1, 4));
}

#[test]
fn links_that_changed_meanwhile_make_a_reading_worthless() {
    let (outcome, passes) = run(vec![pass(1, true), pass(1, false), pass(1, true), pass(1, true)]);
    assert_eq!((config(&outcome), passes), (1, 4));
}

#[test]
fn a_writer_that_never_rests_tears_it() {
    let (outcome, passes) = run((0..8).map(|number| pass(number, true)).collect());
    let Outcome::Torn(Some(last)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((last.lifted.unwrap().config, passes), (7, 8));
}

#[test]
fn an_interrupted_pass_is_repeated_and_breaks_the_row() {
    let (outcome, passes) = run(vec![
        pass(1, true),
        Err(DumpError::Interrupted { messages: Vec::new() }),
        pass(1, true),
        pass(1, true),
    ]);
    assert_eq!((config(&outcome), passes), (1, 4));
    let (outcome, _) = run(vec![refused(libc::ENODEV), pass(1, true), pass(1, true)]);
    assert_eq!(config(&outcome), 1);
}

#[test]
fn a_refusal_is_final() {
    let (outcome, passes) = run(vec![refused(libc::EPERM)]);
    assert!(matches!(outcome, Outcome::Failed(_)));
    assert_eq!(passes, 1);
}

#[test]
fn what_does_not_decode_is_never_captured() {
    let (outcome, passes) = run(vec![pass(101, true)]);
    assert!(matches!(outcome, Outcome::Done(Reading { lifted: Err(_), .. })));
    assert_eq!(passes, 1);
    let (outcome, passes) = run(vec![pass(100, true), pass(1, true), pass(1, true)]);
    assert_eq!((config(&outcome), passes), (1, 3));
}
