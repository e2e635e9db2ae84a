//! From rows to messages.

use netghost_core::artifact::json;
use netghost_core::gate::{ApprovalState, Asked};
use netghost_proto::v1;
use prost::Message;

use crate::store::actions::ActionRow;
use crate::store::approvers::ApproversRow;

/// How many bytes of actions go into one list: a reader takes 4 MiB.
const LONGEST_LIST: usize = 3 << 20;

/// An action as people see it.
pub(super) fn action(row: ActionRow) -> v1::Action {
    let asked = json::from_slice::<Asked>(row.request.as_bytes()).ok();
    let text = |of: fn(&Asked) -> String| asked.as_ref().map(of).unwrap_or_default();
    let operation = asked
        .as_ref()
        .and_then(|asked| json::to_vec(&asked.operation).ok())
        .unwrap_or_default();
    v1::Action {
        id: row.id.to_string(),
        agent_id: row.agent.to_string(),
        agent: row.name,
        namespace: text(|asked| asked.namespace.to_string()),
        requester: row.requester,
        reason: text(|asked| asked.reason.to_string()),
        ticket: text(|asked| asked.ticket.as_ref().map(ToString::to_string).unwrap_or_default()),
        operation: operation.into(),
        document: row.document.into_bytes().into(),
        approval: row
            .approval
            .map(ApprovalState::as_str)
            .unwrap_or_default()
            .to_owned(),
        state: row.state.as_str().to_owned(),
        why: row.why,
        code: row.code,
        decided_by: row.decided_by,
        decision: row.decision,
        self_approved: row.self_approved,
        requested_at_us: row.requested_at_us,
        until_us: row.until_us,
        decided_at_us: row.decided_at_us,
        ended_at_us: row.ended_at_us,
        output: row.output,
    }
}

/// As many of them, from the first on, as one message takes.
pub(super) fn list(rows: Vec<ActionRow>) -> v1::ActionList {
    let mut left = LONGEST_LIST;
    let actions = rows.into_iter().map(action).take_while(|action| {
        let length = action.encoded_len();
        let fits = length <= left;
        left = left.saturating_sub(length);
        fits
    });
    v1::ActionList {
        actions: actions.collect(),
    }
}

/// The approvers as they were published.
pub(super) fn approvers(row: ApproversRow) -> v1::Approvers {
    v1::Approvers {
        ca: row.ca,
        roster: row.roster.into_bytes().into(),
    }
}
