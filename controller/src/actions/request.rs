//! From a request to an action: what is asked for stands in the store before anybody is asked.

use netghost_core::artifact::json;
use netghost_core::artifact::name::Name;
use netghost_core::audit::{Event as Record, Outcome as Ended};
use netghost_core::bytes::Text;
use netghost_core::fleet::{Id, Selector};
use netghost_core::gate::{
    ActionState, Asked, Check, Demand, LONGEST_DEMAND, LONGEST_LIFETIME, LONGEST_WINDOW, Operation,
    SHORTEST_WINDOW,
};
use netghost_proto::convert::{BadField, id};
use netghost_proto::v1;
use tonic::Status;

use super::move_on::{about, record};
use super::{find, run};
use crate::caller::{Agent, User};
use crate::store::Error;
use crate::store::actions::{self, ActionRow};
use crate::{Controller, audit};

/// The longest reason and the longest ticket, in bytes.
const LONGEST_REASON: usize = 1_000;
const LONGEST_TICKET: usize = 100;
/// The longest name of a namespace, in bytes.
const LONGEST_NAMESPACE: usize = 255;
/// The most things that are checked after a change.
const MOST_CHECKS: usize = 8;
/// The longest operation and the longest list of checks on the wire, in bytes.
const LONGEST_PART: usize = 12 << 10;
/// How many actions of one VM, and of all, may be open at once.
pub(super) const MOST_OF_AGENT: u64 = 64;
pub(super) const MOST: u64 = 4_096;

/// Asks for an action. The same id with the same request by the same person is the same action, and nothing is done again.
pub(crate) async fn request(
    controller: &Controller,
    user: &User,
    request: v1::RequestActionRequest,
) -> Result<ActionRow, Status> {
    let id = id("id", &request.id)?;
    let agent = agent(controller, &request.agent).await?;
    let asked = asked(id, &agent, user, request)?;
    let bytes = json::to_vec(&asked).map_err(Error::from)?;
    let new = ActionRow {
        id,
        agent: agent.id,
        name: agent.name,
        requester: user.name.clone(),
        request: String::from_utf8_lossy(&bytes).into_owned(),
        document: String::new(),
        digest: None,
        approval: None,
        state: ActionState::Preparing,
        why: String::new(),
        code: String::new(),
        output: String::new(),
        decided_by: String::new(),
        decision: String::new(),
        envelope: String::new(),
        self_approved: false,
        requested_at_us: controller.outside.now_us(),
        until_us: 0,
        decided_at_us: 0,
        ended_at_us: 0,
    };
    if insert(controller, user, &new, &asked).await? {
        controller.live().changed();
        run::spawn(controller, id);
    }
    let row = find(controller, id).await?;
    match row.request == new.request && row.requester == new.requester {
        true => Ok(row),
        false => Err(Status::already_exists(format!(
            "there is another action with the id {id}: draw a new id for a new action"
        ))),
    }
}

/// Stores it, if there is room. False if there is one of this id.
async fn insert(
    controller: &Controller,
    user: &User,
    new: &ActionRow,
    asked: &Asked,
) -> Result<bool, Status> {
    let now_us = new.requested_at_us;
    let mut transaction = controller.store.begin().await?;
    if !actions::insert(&mut transaction, new).await? {
        transaction.rollback().await.map_err(Error::from)?;
        return Ok(false);
    }
    let event = described(record(&user.actor(), new), asked);
    // The record locks the log, so that what is counted behind it is counted one after the other.
    audit::append(&mut transaction, now_us, event).await?;
    let (of_agent, all) = actions::count_open(&mut transaction, new.agent).await?;
    let full = match (of_agent > MOST_OF_AGENT, all > MOST) {
        (true, _) => Some(format!("{MOST_OF_AGENT} actions of agent {} are open", new.name)),
        (_, true) => Some(format!("{MOST} actions are open")),
        _ => None,
    };
    let Some(full) = full else {
        transaction.commit().await.map_err(Error::from)?;
        return Ok(true);
    };
    transaction.rollback().await.map_err(Error::from)?;
    let event = about(&user.actor(), "action.request", Ended::Denied, new);
    controller
        .refused(described(event, asked).with("why", &full))
        .await;
    Err(Status::resource_exhausted(format!(
        "{full}: deny or undo some, or let them end"
    )))
}

fn described(event: Record, asked: &Asked) -> Record {
    event
        .with("kind", asked.operation.kind())
        .with("namespace", &asked.namespace)
        .with("reason", &asked.reason)
}

/// The one agent that is meant.
async fn agent(controller: &Controller, name: &str) -> Result<Agent, Status> {
    if name.is_empty() {
        return Err(BadField::new("agent", "no agent is named").into());
    }
    let selector = Selector {
        names: vec![name.to_owned()],
        ..Selector::default()
    };
    let agents = controller.select(&selector).await?;
    let one = agents.into_iter().next();
    one.ok_or_else(|| Status::not_found(format!("no agent has the name or id {name}")))
}

fn asked(id: Id, agent: &Agent, user: &User, request: v1::RequestActionRequest) -> Result<Asked, Status> {
    let operation: Operation = part("operation", &request.operation)?;
    operation
        .check()
        .map_err(|error| BadField::new("operation", error))?;
    let checks: Vec<Check> = match request.checks.is_empty() {
        true => Vec::new(),
        false => part("checks", &request.checks)?,
    };
    if checks.len() > MOST_CHECKS {
        return Err(BadField::new("checks", format_args!("more than {MOST_CHECKS}")).into());
    }
    let namespace = match request.namespace.as_str() {
        "" => "init",
        name => name,
    };
    let asked = Asked {
        id,
        agent: Some(agent.id),
        namespace: line("namespace", namespace, LONGEST_NAMESPACE)?,
        requester: Name::parse(&user.name).map_err(|error| BadField::new("requester", error))?,
        reason: line("reason", &request.reason, LONGEST_REASON)?,
        ticket: match request.ticket.as_str() {
            "" => None,
            ticket => Some(line("ticket", ticket, LONGEST_TICKET)?),
        },
        operation,
        checks,
        window_s: window(request.window_s)?,
        lifetime_s: lifetime(request.lifetime_s)?,
    };
    let bytes = json::to_vec(&Demand::Propose(Box::new(asked.clone()))).map_err(Error::from)?;
    match bytes.len() <= LONGEST_DEMAND {
        true => Ok(asked),
        false => Err(Status::invalid_argument(format!(
            "the whole request has {} bytes, and {LONGEST_DEMAND} go over the wire",
            bytes.len()
        ))),
    }
}

fn part<T: serde::Serialize + serde::de::DeserializeOwned>(
    field: &'static str,
    bytes: &[u8],
) -> Result<T, BadField> {
    if bytes.len() > LONGEST_PART {
        return Err(BadField::new(
            field,
            format_args!("more than {LONGEST_PART} bytes"),
        ));
    }
    json::from_slice(bytes).map_err(|error| BadField::new(field, crate::jobs::chain(&error)))
}

/// A text of people: one line, not empty, of bounded length.
pub(super) fn line(field: &'static str, text: &str, longest: usize) -> Result<Text, BadField> {
    match text {
        "" => Err(BadField::new(field, "it is empty")),
        text if text.len() > longest => Err(BadField::new(field, format_args!("more than {longest} bytes"))),
        text if text.chars().any(char::is_control) => Err(BadField::new(field, "it has a control character")),
        text => Ok(Text::from(text)),
    }
}

fn window(seconds: u32) -> Result<u32, BadField> {
    let range = SHORTEST_WINDOW.as_secs()..=LONGEST_WINDOW.as_secs();
    match range.contains(&u64::from(seconds)) {
        true => Ok(seconds),
        false => Err(BadField::new(
            "window_s",
            format_args!(
                "a change is confirmed within {} to {} seconds",
                range.start(),
                range.end()
            ),
        )),
    }
}

fn lifetime(seconds: u32) -> Result<u32, BadField> {
    let longest = LONGEST_LIFETIME.as_secs();
    match (1..=longest).contains(&u64::from(seconds)) {
        true => Ok(seconds),
        false => Err(BadField::new(
            "lifetime_s",
            format_args!("an approval is waited for 1 to {longest} seconds"),
        )),
    }
}
