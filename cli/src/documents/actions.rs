//! Actions and their approvals, as a controller or this host keeps them, held to the VM's own document.

use netghost_core::artifact::json::{self, Digest};
use netghost_core::artifact::name::Name;
use netghost_core::bytes::{Big, Text};
use netghost_core::fleet::Id;
use netghost_core::gate::{Action, ActionState, ApprovalState, Operation};
use netghost_proto::convert::{self, BadField};
use netghost_proto::v1;
use serde::Serialize;

use super::optional;
use crate::exit::Status;

/// The schema of actions with where they stand.
pub const SCHEMA: &str = "netghost.action_status/v1";

/// Some actions.
#[derive(Debug, Serialize)]
pub struct Rows {
    /// Newest first.
    pub actions: Vec<Row>,
}

/// One action and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The request's id.
    pub id: Id,
    /// The VM's name in the fleet, or the host's.
    pub vm: String,
    /// The VM's id; `null` without a controller.
    pub agent: Option<Id>,
    /// The network namespace.
    pub namespace: Text,
    /// Who asks.
    pub requester: Name,
    /// Why.
    pub reason: Text,
    /// The change that it belongs to.
    pub ticket: Option<Text>,
    /// What was asked for.
    pub operation: Operation,
    /// Where the approval stands; `null` until there is something to approve.
    pub approval: Option<ApprovalState>,
    /// Where the action stands.
    pub state: ActionState,
    /// Why, where the state needs it.
    pub why: Option<Text>,
    /// A fixed word of the VM's refusal.
    pub code: Option<String>,
    /// Who approved or denied it.
    pub decided_by: Option<String>,
    /// The words of who denied it.
    pub decision: Option<Text>,
    /// True if who asked approved it.
    pub self_approved: bool,
    /// Microseconds since 1970 UTC.
    pub requested_at_us: Big,
    /// Until when an approval is waited for, by a wall clock that decides nothing.
    pub until_us: Option<Big>,
    /// When it was decided.
    pub decided_at_us: Option<Big>,
    /// When it ended.
    pub ended_at_us: Option<Big>,
    /// For a change that waits to be confirmed, and for a server: how long until it ends by itself, where that is known.
    pub ends_in_ms: Option<Big>,
    /// What the operation said, redacted and cut.
    pub output: Option<Text>,
    /// The SHA-256 of `document`: what an approval is for.
    pub digest: Option<Digest>,
    /// The exact bytes that the VM wrote.
    pub document: Option<String>,
    /// The same, read.
    pub action: Option<Action>,
    /// What would make an approval void, in sentences.
    pub void_if: Vec<String>,
    /// In what the document is not what is said of it. Such an action is not to be approved.
    pub disagrees: Vec<String>,
}

/// What is said of an action by whoever keeps it, before the document is looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// Everything but what comes of the document.
    pub row: Row,
    /// The document's bytes, if there is one.
    pub document: Option<Vec<u8>>,
}

impl Said {
    /// The row, held to the document.
    pub fn held(self) -> Row {
        let Self { mut row, document } = self;
        let Some(bytes) = document else { return row };
        row.digest = Some(Digest::of(&bytes));
        match (Action::from_bytes(&bytes), String::from_utf8(bytes)) {
            (Ok(action), Ok(text)) => {
                row.disagrees = disagreements(&row, &action);
                row.void_if = action.void_if();
                row.document = Some(text);
                row.action = Some(action);
            }
            (Err(error), _) => row.disagrees = vec![format!("{:#}", anyhow::Error::from(error))],
            (_, Err(_)) => row.disagrees = vec!["the document is not UTF-8".to_owned()],
        }
        row
    }
}

/// In what a document is not what is said of it.
fn disagreements(row: &Row, action: &Action) -> Vec<String> {
    let fields = [
        ("id", row.id == action.id),
        ("agent", row.agent == action.target.agent),
        ("namespace", same(&row.namespace, &action.namespace)),
        ("requester", row.requester == action.requester),
        ("reason", same(&row.reason, &action.reason)),
        (
            "ticket",
            row.ticket.as_ref().map(ToString::to_string) == action.ticket.as_ref().map(ToString::to_string),
        ),
        ("operation", row.operation == action.operation),
    ];
    let other = fields.into_iter().filter(|(_, same)| !same);
    other
        .map(|(field, _)| format!("{field}: the VM wrote another one"))
        .collect()
}

/// As people see them: a controller keeps what can't be shown in the form in which it is shown.
fn same(said: &Text, written: &Text) -> bool {
    said.to_string() == written.to_string()
}

impl Row {
    /// True for a server, which runs until its lease ends.
    pub fn is_server(&self) -> bool {
        matches!(self.operation, Operation::ServerStart { .. })
    }

    /// What a command ends with that shows this.
    pub fn status(&self) -> Status {
        if !self.disagrees.is_empty() {
            return Status::Act;
        }
        match (self.state, self.approval) {
            (ActionState::Waiting, Some(ApprovalState::Approved)) => Status::Unknown,
            (ActionState::Waiting | ActionState::Closed, _) => Status::Person,
            // A server that ends has done what it was for.
            (ActionState::Applied | ActionState::Undone, _) if self.is_server() => Status::Good,
            // Without a controller it is a person who confirms.
            (ActionState::Applied, _) if self.agent.is_none() => Status::Person,
            (
                ActionState::Preparing | ActionState::Running | ActionState::Applied | ActionState::Unknown,
                _,
            ) => Status::Unknown,
            (ActionState::Refused | ActionState::Failed, _) => Status::Failed,
            (ActionState::Confirmed | ActionState::Done, _) => Status::Good,
            (ActionState::Undone | ActionState::Conflict, _) => Status::Act,
        }
    }
}

impl TryFrom<v1::Action> for Said {
    type Error = BadField;

    fn try_from(said: v1::Action) -> Result<Self, BadField> {
        let time = |us: u64| Some(Big(us)).filter(|time| time.0 > 0);
        let text = |text: String| optional(text).map(Text::from);
        let state = ActionState::parse(&said.state);
        let approval = match said.approval.as_str() {
            "" => None,
            word => Some(ApprovalState::parse(word).ok_or_else(|| wrong("approval", word))?),
        };
        let operation: Operation = json::from_slice(&said.operation)
            .map_err(|error| BadField::new("operation", format!("{:#}", anyhow::Error::from(error))))?;
        let row = Row {
            id: convert::id("id", &said.id)?,
            agent: Some(convert::id("agent_id", &said.agent_id)?),
            vm: said.agent,
            namespace: Text::from(said.namespace),
            requester: Name::parse(&said.requester).map_err(|error| BadField::new("requester", error))?,
            reason: Text::from(said.reason),
            ticket: text(said.ticket),
            operation,
            approval,
            state: state.ok_or_else(|| wrong("state", &said.state))?,
            why: text(said.why),
            code: optional(said.code),
            decided_by: optional(said.decided_by),
            decision: text(said.decision),
            self_approved: said.self_approved,
            requested_at_us: Big(said.requested_at_us),
            until_us: time(said.until_us),
            decided_at_us: time(said.decided_at_us),
            ended_at_us: time(said.ended_at_us),
            ends_in_ms: None,
            output: text(said.output),
            digest: None,
            document: None,
            action: None,
            void_if: Vec::new(),
            disagrees: Vec::new(),
        };
        let document = Some(said.document.to_vec()).filter(|bytes| !bytes.is_empty());
        Ok(Self { row, document })
    }
}

fn wrong(field: &'static str, word: &str) -> BadField {
    BadField::new(field, format!("{word:?} is no state"))
}
