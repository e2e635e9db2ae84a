//! States of approvals.

use super::*;

#[test]
fn nothing_is_used_that_nobody_approved_and_what_ended_stays() {
    use ApprovalState as S;
    let events = [
        Event::Approve,
        Event::Deny,
        Event::Expire,
        Event::Use,
        Event::Void,
    ];
    for state in S::ALL {
        assert_eq!(S::parse(state.as_str()), Some(state));
        for event in events {
            let after = state.after(event);
            if state.has_ended() {
                assert_eq!(after, Err(Illegal { state }), "{event:?}");
            }
            if after == Ok(S::Used) {
                assert_eq!(state, S::Approved);
            }
        }
    }
}

#[test]
fn states_have_words_of_their_own() {
    for state in ActionState::ALL {
        assert_eq!(ActionState::parse(state.as_str()), Some(state));
    }
    assert_eq!(ActionState::parse("cleaned"), None);
}
