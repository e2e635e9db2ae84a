//! The course of a demand, step by step.

use netghost_core::gate::{ActionState, Stands};

use super::*;

fn action() -> Digest {
    Digest::of(b"the action")
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn said(parsed: Answer) -> Happened {
    let answer = Text::from(serde_json::to_vec(&parsed).unwrap());
    Happened::Answered(Ok(Said { answer, parsed }))
}

fn stands(state: ActionState, left: Option<u64>) -> Happened {
    said(Answer::Stands(Stands {
        action: action(),
        state,
        why: None,
        approver: None,
        self_approved: false,
        ends_in_ms: left.map(|left| left * 1_000),
        output: None,
    }))
}

fn broken() -> Happened {
    Happened::Answered(Err(Silence::Broken("cut".to_owned())))
}

fn performing(late: bool) -> Course {
    let way = Way::Perform {
        action: action(),
        confirm: true,
        late,
    };
    Course::new(way, at(100))
}

fn ends_in(next: &Next) -> ActionState {
    let Next::End(Ok(answer)) = next else {
        panic!("{next:?}")
    };
    match serde_json::from_slice(answer.as_bytes()).unwrap() {
        Answer::Stands(stands) => stands.state,
        other => panic!("{other:?}"),
    }
}

fn fails_with(next: &Next) -> &str {
    match next {
        Next::End(Err(failed)) => &failed.code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_done_is_confirmed_after_a_new_connection_and_not_before() {
    let mut course = performing(false);
    assert_eq!(course.first(), Next::Demand);
    let next = course.handle(stands(ActionState::Applied, Some(60)), at(101));
    assert_eq!(next, Next::Reach(action()));
    let next = course.handle(Happened::Reached(Err("cut".to_owned())), at(102));
    assert!(matches!(next, Next::Wait(_)), "{next:?}");
    assert_eq!(course.handle(Happened::Waited, at(103)), Next::Reach(action()));
    let next = course.handle(Happened::Reached(Ok(())), at(104));
    assert_eq!(next, Next::Ask(Demand::Confirm { action: action() }));
    let next = course.handle(stands(ActionState::Confirmed, None), at(105));
    assert_eq!(ends_in(&next), ActionState::Confirmed);
}

#[test]
fn a_check_that_fails_is_tried_again_with_a_new_connection_each() {
    let mut course = performing(false);
    course.handle(stands(ActionState::Applied, Some(60)), at(101));
    course.handle(Happened::Reached(Ok(())), at(102));
    let next = course.handle(stands(ActionState::Applied, Some(50)), at(103));
    assert!(matches!(next, Next::Wait(_)), "{next:?}");
    assert_eq!(course.handle(Happened::Waited, at(104)), Next::Reach(action()));
}

#[test]
fn without_a_way_nothing_is_confirmed_and_the_end_is_asked_for() {
    let mut course = performing(false);
    let mut next = course.handle(stands(ActionState::Applied, Some(60)), at(101));
    let mut now = Duration::from_secs(101);
    let mut reaches = 0;
    loop {
        let happened = match &next {
            Next::Reach(_) => {
                reaches += 1;
                now += at(1);
                Happened::Reached(Err("cut".to_owned()))
            }
            Next::Wait(time) => {
                now += *time;
                Happened::Waited
            }
            Next::Ask(Demand::Standing { .. }) => {
                assert!(now >= at(161), "asked at {now:?}, before the window's end");
                break;
            }
            other => panic!("{other:?}"),
        };
        next = course.handle(happened, now);
    }
    assert!((8..30).contains(&reaches), "{reaches}");
    let next = course.handle(stands(ActionState::Undone, None), now);
    assert_eq!(ends_in(&next), ActionState::Undone);
}

#[test]
fn an_answer_that_broke_off_is_asked_for_again_by_the_same_demand() {
    let mut course = performing(false);
    assert!(matches!(course.handle(broken(), at(101)), Next::Wait(_)));
    assert_eq!(course.handle(Happened::Waited, at(102)), Next::Demand);
    let next = course.handle(broken(), at(161));
    assert_eq!(fails_with(&next), "act_silent");
}

#[test]
fn nobody_there_is_said_at_once() {
    let mut course = performing(false);
    let gone = Happened::Answered(Err(Silence::NotAsked("nobody".to_owned())));
    assert_eq!(fails_with(&course.handle(gone, at(101))), "unsupported");
}

#[test]
fn a_late_demand_is_never_made() {
    let refused = || {
        said(Answer::Refused {
            code: "unknown_action".to_owned(),
            message: Text::from("no"),
        })
    };
    for never in [refused(), stands(ActionState::Waiting, None)] {
        let mut course = performing(true);
        assert_eq!(course.first(), Next::Ask(Demand::Standing { action: action() }));
        assert_eq!(fails_with(&course.handle(never, at(101))), "expired");
    }
    let mut course = performing(true);
    let next = course.handle(stands(ActionState::Undone, None), at(101));
    assert_eq!(ends_in(&next), ActionState::Undone);
    // One that an earlier process had done within its window can still be confirmed.
    let mut course = performing(true);
    let next = course.handle(stands(ActionState::Applied, Some(30)), at(101));
    assert_eq!(next, Next::Reach(action()));
}

#[test]
fn what_is_not_confirmed_is_told_as_it_stands() {
    let way = Way::Perform {
        action: action(),
        confirm: false,
        late: false,
    };
    let mut course = Course::new(way, at(100));
    let next = course.handle(stands(ActionState::Applied, Some(600)), at(101));
    assert_eq!(ends_in(&next), ActionState::Applied);
}

#[test]
fn another_actions_standing_is_no_word_on_this_one() {
    let mut course = Course::new(
        Way::Perform {
            action: Digest::of(b"another"),
            confirm: true,
            late: false,
        },
        at(100),
    );
    let next = course.handle(stands(ActionState::Applied, Some(60)), at(101));
    assert!(matches!(next, Next::End(Ok(_))), "nothing is confirmed: {next:?}");
}

#[test]
fn a_question_is_asked_once() {
    let mut course = Course::new(Way::Once, at(100));
    assert_eq!(course.first(), Next::Demand);
    assert_eq!(fails_with(&course.handle(broken(), at(101))), "act_silent");
}
