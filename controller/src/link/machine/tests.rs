use netghost_proto::v1;
use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn said(kind: Kind) -> Event {
    Event::Said(Some(Box::new(kind)))
}

fn hello() -> Kind {
    Kind::Hello(v1::Hello {
        protocol_min: 1,
        protocol_max: 1,
        process_id: "p".to_owned(),
        ..v1::Hello::default()
    })
}

fn opened() -> Machine {
    let mut machine = Machine::new(Timings::default(), Duration::MAX);
    let actions = machine.handle(said(hello()), SECOND);
    assert!(matches!(actions[..], [Action::Admit(_)]), "{actions:?}");
    assert!(machine.handle(Event::Admitted, SECOND).is_empty());
    machine
}

fn end(actions: &[Action]) -> tonic::Code {
    match actions {
        [Action::End(status)] => status.code(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_stream_that_says_nothing_ends_after_ten_seconds() {
    let mut machine = Machine::new(Timings::default(), Duration::MAX);
    assert_eq!(machine.due(), 10 * SECOND);
    assert!(machine.handle(Event::Time, 9 * SECOND).is_empty());
    let actions = machine.handle(Event::Time, 10 * SECOND);
    assert_eq!(end(&actions), tonic::Code::DeadlineExceeded);
    assert!(machine.handle(said(hello()), 11 * SECOND).is_empty());
}

#[test]
fn nothing_is_taken_before_hello_and_no_second_one() {
    let mut machine = Machine::new(Timings::default(), Duration::MAX);
    let actions = machine.handle(said(Kind::ProbeAnswered(1)), SECOND);
    assert_eq!(end(&actions), tonic::Code::InvalidArgument);
    let actions = opened().handle(said(hello()), SECOND);
    assert_eq!(end(&actions), tonic::Code::InvalidArgument);
    let actions = opened().handle(Event::Said(None), SECOND);
    assert_eq!(end(&actions), tonic::Code::InvalidArgument);
}

#[test]
fn an_agent_is_probed_each_minute_and_has_twenty_seconds() {
    let mut machine = opened();
    assert_eq!(machine.due(), 61 * SECOND);
    let actions = machine.handle(Event::Time, 61 * SECOND);
    assert!(matches!(actions[..], [Action::Probe(1)]), "{actions:?}");
    assert_eq!(machine.due(), 81 * SECOND);
    // What else it says is no answer.
    let started = Kind::CommandStarted(Id::from_random([1; 16]).to_string());
    assert_eq!(machine.handle(said(started), 70 * SECOND).len(), 2);
    assert_eq!(
        end(&machine.handle(Event::Time, 81 * SECOND)),
        tonic::Code::DeadlineExceeded
    );
}

#[test]
fn a_rival_is_told_only_by_the_answer_to_its_own_probe() {
    let mut machine = opened();
    let actions = machine.handle(Event::Time, 61 * SECOND);
    assert!(matches!(actions[..], [Action::Probe(1)]));
    let actions = machine.handle(Event::Rival(7), 62 * SECOND);
    assert!(matches!(actions[..], [Action::Probe(2)]));
    // The answer that was on its way already says nothing of now.
    let actions = machine.handle(said(Kind::ProbeAnswered(1)), 62 * SECOND);
    assert!(!actions.iter().any(|action| matches!(action, Action::Alive(_))));
    let actions = machine.handle(said(Kind::ProbeAnswered(2)), 63 * SECOND);
    assert!(matches!(actions[..], [Action::Alive(7)]), "{actions:?}");
    assert_eq!(
        end(&machine.handle(said(Kind::ProbeAnswered(2)), 64 * SECOND)),
        tonic::Code::InvalidArgument
    );
}

#[test]
fn a_stream_ends_with_the_certificate_under_which_it_began() {
    let mut machine = Machine::new(Timings::default(), 30 * SECOND);
    machine.handle(said(hello()), SECOND);
    machine.handle(Event::Admitted, SECOND);
    assert_eq!(machine.due(), 30 * SECOND);
    assert!(machine.handle(Event::Time, 29 * SECOND).is_empty());
    let actions = machine.handle(Event::Time, 30 * SECOND);
    assert!(
        matches!(&actions[..], [Action::Close(why)] if why.contains("ran out")),
        "{actions:?}"
    );
    assert_eq!(machine.due(), Duration::MAX);
    assert!(machine.handle(Event::Time, 31 * SECOND).is_empty());
}

#[test]
fn what_is_no_id_or_outcome_ends_the_stream() {
    let finished = |id: &str, outcome| {
        said(Kind::CommandFinished(v1::CommandFinished {
            id: id.to_owned(),
            outcome,
        }))
    };
    let id = Id::from_random([1; 16]).to_string();
    let captured = |bytes: usize| {
        Some(v1::command_finished::Outcome::Captured(v1::Captured {
            manifest: vec![0; bytes].into(),
        }))
    };
    let failed = |code: &str| {
        Some(v1::command_finished::Outcome::Failed(v1::Failed {
            code: code.to_owned(),
            message: "a\x1b[2Jb".repeat(1000),
        }))
    };
    for event in [
        finished("x", captured(32)),
        finished(&id, None),
        finished(&id, captured(31)),
        finished(&id, failed("")),
        finished(&id, failed("Offline")),
        finished(&id, failed("revoked")),
        said(Kind::CommandStarted("../x".to_owned())),
    ] {
        let actions = opened().handle(event, SECOND);
        assert_eq!(end(&actions), tonic::Code::InvalidArgument);
    }
    let actions = opened().handle(finished(&id, failed("disk_full")), SECOND);
    let [Action::Finished(_, Err(why))] = &actions[..] else {
        panic!("{actions:?}");
    };
    assert_eq!(why.code, "disk_full");
    assert_eq!(why.message.chars().count(), 1000);
    assert!(!why.message.contains('\x1b'));
}

proptest! {
    /// Whatever comes in whatever order: an end is the last, nobody is told of life without an answer, and "seen" is
    /// written at most once a minute.
    #[test]
    fn any_order_of_events_keeps_the_promises(
        events in prop::collection::vec((0_u8..6, 0_u64..4, 0_u64..30), 1..60),
        expires in 0_u64..1000,
    ) {
        let mut machine = Machine::new(Timings::default(), Duration::from_secs(expires));
        let (mut now, mut ended, mut seen) = (Duration::ZERO, false, None::<Duration>);
        let (mut asked, mut rivals) = (Vec::new(), 0);
        for (kind, number, wait) in events {
            now += Duration::from_secs(wait);
            let event = match kind {
                0 => said(hello()),
                1 => said(Kind::ProbeAnswered(number)),
                2 => said(Kind::CommandStarted(Id::from_random([1; 16]).to_string())),
                3 => Event::Admitted,
                4 => { rivals += 1; Event::Rival(rivals) }
                _ => Event::Time,
            };
            let answered = if kind == 1 { Some(number) } else { None };
            for action in machine.handle(event, now) {
                prop_assert!(!ended);
                match action {
                    Action::End(_) | Action::Close(_) => ended = true,
                    Action::Probe(number) => asked.push(number),
                    Action::Alive(rival) => {
                        prop_assert!(rival <= rivals);
                        prop_assert!(answered.is_some_and(|number| asked.contains(&number)));
                    }
                    Action::Seen => {
                        if let Some(before) = seen {
                            prop_assert!(now - before >= 60 * SECOND);
                        }
                        seen = Some(now);
                    }
                    Action::Admit(_) | Action::Started(_) | Action::Finished(..) => {}
                }
            }
            if ended {
                prop_assert_eq!(machine.due(), Duration::MAX);
            }
        }
    }
}
