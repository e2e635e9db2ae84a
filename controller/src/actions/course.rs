//! Where an action stands after what its VM said: pure.

use netghost_core::artifact::json;
use netghost_core::audit;
use netghost_core::bytes::Text;
use netghost_core::gate::{Action, ActionState, Answer, ApprovalState, Asked, Event, Stands};

use crate::jobs::Unreached;
use crate::store::actions::{ActionRow, Step};

/// The longest text of a VM that is kept, in characters.
const LONGEST: usize = 4_000;
/// Words of a VM's refusal to do an action that it may do no more, whoever asks.
const VOID: [&str; 14] = [
    "bad_approvers",
    "bad_signature",
    "denied_by_policy",
    "malformed",
    "moved",
    "no_approver",
    "no_authority",
    "old_approvers",
    "other_action",
    "other_boot",
    "revoked",
    "self_approval",
    "unknown_action",
    "void",
];
/// The word of an agent that passed a demand on and got no answer: what became of it is not known.
const SILENT: &str = "act_silent";

/// The action after its VM answered a demand; nothing where that changes nothing.
pub(super) fn answered(row: &ActionRow, step: Step, answer: &str, now_us: u64) -> Option<ActionRow> {
    let answer = serde_json::from_str::<Answer>(answer);
    match (step, answer) {
        (Step::Propose, _) if row.state != ActionState::Preparing => None,
        (Step::Propose, Ok(Answer::Proposed { document })) => Some(proposed(row, document, now_us)),
        (Step::Propose, Ok(Answer::Refused { code, message })) => {
            Some(ended(row, ActionState::Refused, &code, &plain(&message), now_us))
        }
        (Step::Propose, other) => {
            let why = match other {
                Ok(_) => "the VM answered something else than what it would do".to_owned(),
                Err(error) => format!("the VM's answer can't be read: {error}"),
            };
            Some(ended(row, ActionState::Refused, "malformed", &why, now_us))
        }
        (_, _) if row.state.has_ended() && row.state != ActionState::Unknown => None,
        (_, Ok(Answer::Stands(stands))) if Some(stands.action) == row.digest => {
            stood(row, step, &stands, now_us)
        }
        (Step::Perform, Ok(Answer::Refused { code, message })) => {
            Some(refused(row, &code, &plain(&message), now_us))
        }
        (Step::Standing, Ok(Answer::Refused { code, message })) if code == "unknown_action" => {
            let why = format!("the VM knows the action no more: {}", plain(&message));
            Some(ended(row, ActionState::Unknown, &code, &why, now_us))
        }
        (Step::Undo, Ok(Answer::Refused { message, .. })) => {
            let why = cut(&format!("not undone: {}", plain(&message)));
            Some(ActionRow { why, ..row.clone() })
        }
        (Step::Perform, _) => {
            let why = "the VM's answer can't be read";
            Some(ended(row, ActionState::Unknown, "malformed", why, now_us))
        }
        (Step::Undo | Step::Withdraw | Step::Standing, _) => None,
    }
}

/// The action after its agent said that it has no answer of its VM; nothing where that changes nothing.
pub(super) fn failed(row: &ActionRow, step: Step, why: &Unreached, now_us: u64) -> Option<ActionRow> {
    match step {
        Step::Propose if row.state == ActionState::Preparing => {
            let state = match why.code.as_str() {
                "refused" | "unsupported" => ActionState::Refused,
                _ => ActionState::Failed,
            };
            Some(ended(row, state, &why.code, &why.message, now_us))
        }
        Step::Perform if row.state == ActionState::Running => match why.code.as_str() {
            SILENT => None,
            "expired" => Some(closed(row, Event::Expire, "expired", &why.message, now_us)),
            code => {
                let row = after(row, Event::Void);
                Some(ended(&row, ActionState::Failed, code, &why.message, now_us))
            }
        },
        _ => None,
    }
}

/// The action, closed: nothing of it is done any more.
pub(super) fn closed(row: &ActionRow, event: Event, code: &str, why: &str, now_us: u64) -> ActionRow {
    ended(&after(row, event), ActionState::Closed, code, why, now_us)
}

/// The action in a state, as of now.
pub(super) fn ended(row: &ActionRow, state: ActionState, code: &str, why: &str, now_us: u64) -> ActionRow {
    ActionRow {
        state,
        code: word(code),
        why: cut(why),
        ended_at_us: match state.has_ended() {
            true => now_us,
            false => 0,
        },
        ..row.clone()
    }
}

/// What was asked for, as it was stored.
pub(super) fn asked(row: &ActionRow) -> Option<Asked> {
    json::from_slice(row.request.as_bytes()).ok()
}

/// What the VM would do, as it was stored.
pub(super) fn document(row: &ActionRow) -> Option<Action> {
    Action::from_bytes(row.document.as_bytes()).ok()
}

/// The approval after an event. One that ended stays as it ended.
fn after(row: &ActionRow, event: Event) -> ActionRow {
    ActionRow {
        approval: row
            .approval
            .map(|approval| approval.after(event).unwrap_or(approval)),
        ..row.clone()
    }
}

fn proposed(row: &ActionRow, document: String, now_us: u64) -> ActionRow {
    let not = |why: String| ended(row, ActionState::Refused, "not_asked", &why, now_us);
    let action = match Action::from_bytes(document.as_bytes()) {
        Ok(action) => action,
        Err(error) => {
            return not(format!(
                "what the VM wrote is no action: {}",
                crate::jobs::chain(&error)
            ));
        }
    };
    let Some(asked) = asked(row) else {
        return not("what was asked for can't be read any more".to_owned());
    };
    if let Some(field) = differs(&action, &asked) {
        return not(format!(
            "the VM would do something else than was asked for: another {field}"
        ));
    }
    ActionRow {
        digest: Some(json::Digest::of(document.as_bytes())),
        document,
        approval: Some(ApprovalState::Pending),
        until_us: now_us.saturating_add(u64::from(action.lifetime_s).saturating_mul(1_000_000)),
        ..ended(row, ActionState::Waiting, "", "", now_us)
    }
}

/// The first field in which what a VM would do is not what was asked of it.
fn differs(action: &Action, asked: &Asked) -> Option<&'static str> {
    let fields = [
        ("id", action.id == asked.id),
        ("agent", action.target.agent == asked.agent),
        ("namespace", action.namespace == asked.namespace),
        ("requester", action.requester == asked.requester),
        ("reason", action.reason == asked.reason),
        ("ticket", action.ticket == asked.ticket),
        ("operation", action.operation == asked.operation),
        ("check", action.checks == asked.checks),
        ("lifetime", action.lifetime_s <= asked.lifetime_s),
        ("window", action.window_s <= asked.window_s),
    ];
    let differs = fields.into_iter().find(|(_, same)| !same);
    differs.map(|(field, _)| field)
}

fn stood(row: &ActionRow, step: Step, stands: &Stands, now_us: u64) -> Option<ActionRow> {
    let why = stands.why.as_ref().map(plain).unwrap_or_default();
    let said = |row: &ActionRow| ActionRow {
        output: stands.output.as_ref().map(output).unwrap_or_default(),
        self_approved: stands.self_approved,
        ..ended(row, stands.state, "", &why, now_us)
    };
    match stands.state {
        ActionState::Preparing | ActionState::Refused | ActionState::Running => None,
        // It was never demanded there, or is withdrawn by now: whoever asks knows whether it still can be.
        ActionState::Waiting if step == Step::Standing => {
            let why = "the VM did not get the approval in time";
            Some(closed(row, Event::Expire, "expired", why, now_us))
        }
        ActionState::Waiting => None,
        ActionState::Closed if row.state == ActionState::Running => {
            Some(closed(row, Event::Void, "void", &why, now_us))
        }
        ActionState::Closed => None,
        ActionState::Applied => {
            let until_us = stands.ends_in_ms.map_or(row.until_us, |left| {
                now_us.saturating_add(left.saturating_mul(1_000))
            });
            Some(ActionRow {
                until_us,
                ..said(&after(row, Event::Use))
            })
        }
        ActionState::Confirmed
        | ActionState::Done
        | ActionState::Undone
        | ActionState::Conflict
        | ActionState::Failed
        | ActionState::Unknown => Some(said(&after(row, Event::Use))),
    }
}

fn refused(row: &ActionRow, code: &str, why: &str, now_us: u64) -> ActionRow {
    match code {
        "expired" => closed(row, Event::Expire, code, why, now_us),
        code if VOID.contains(&code) => closed(row, Event::Void, code, why, now_us),
        // It was used before: what became of it then is asked for.
        "used" => after(row, Event::Use),
        // The operation met something before anything was changed.
        code => ended(&after(row, Event::Void), ActionState::Failed, code, why, now_us),
    }
}

/// A text of a VM, in one line, cut, without secrets.
fn plain(text: &Text) -> String {
    cut(&audit::text(&text.to_string()))
}

/// A text of a VM whose lines stay.
fn output(text: &Text) -> String {
    let lines = text.as_bytes().split(|byte| *byte == b'\n');
    let lines: Vec<String> = lines.map(|line| Text::from(line).to_string()).collect();
    cut(&audit::text(&lines.join("\n")))
}

fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

/// A fixed word, or the one for a word that is none.
fn word(code: &str) -> String {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    match code.len() <= 32 && code.bytes().all(good) {
        true => code.to_owned(),
        false => "malformed".to_owned(),
    }
}
