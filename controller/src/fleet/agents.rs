//! Agents.

use std::collections::{BTreeMap, BTreeSet};

use netghost_core::artifact::name::Name;
use netghost_core::audit::{Event, Outcome};
use netghost_core::fleet::{Id, Selector, Tag};
use netghost_proto::convert::BadField;
use netghost_proto::v1;
use tonic::Status;

use crate::actions::taken_away;
use crate::caller::User;
use crate::select::selected;
use crate::store::identities::{self, AgentRow};
use crate::{Controller, audit, store};

mod wire;

/// The longest reason, in characters.
const LONGEST_REASON: usize = 500;
/// What a removed agent is told.
const REMOVED: &str = "the agent was removed from the fleet";

pub(super) async fn list_agents(
    controller: &Controller,
    _user: &User,
    request: v1::Selector,
) -> Result<v1::AgentList, Status> {
    let selector = Selector::try_from(&request)?;
    let mut connection = controller
        .store
        .pool()
        .acquire()
        .await
        .map_err(store::Error::from)?;
    let rows = identities::agents(&mut connection).await?;
    // A fleet without agents is no error to whoever wants to see all of it.
    let rows = if selector.all && rows.is_empty() {
        rows
    } else {
        selected(&selector, rows)?
    };
    Ok(wire::list(controller, &rows))
}

pub(super) async fn tag_agents(
    controller: &Controller,
    user: &User,
    request: v1::TagRequest,
) -> Result<v1::AgentList, Status> {
    let set: Vec<Tag> = request.set.iter().map(Tag::try_from).collect::<Result<_, _>>()?;
    let unset = request.unset.iter().map(|key| Name::parse(key));
    let unset: Vec<Name> = unset
        .collect::<Result<_, _>>()
        .map_err(|error| BadField::new("unset", error))?;
    each_key_once(&set)?;
    if set.is_empty() && unset.is_empty() {
        return Err(Status::invalid_argument("no tag is to be set, and none unset"));
    }
    if let Some(both) = set.iter().find(|tag| unset.contains(&tag.key)) {
        return Err(BadField::new("unset", format_args!("{} is to be set too", both.key)).into());
    }
    let now_us = controller.outside.now_us();
    let mut transaction = controller.store.begin().await?;
    let rows = wanted(request.selector, identities::agents(&mut transaction).await?)?;
    for row in &rows {
        for tag in &set {
            identities::set_tag(&mut transaction, row.identity.id, tag).await?;
        }
        for key in &unset {
            identities::unset_tag(&mut transaction, row.identity.id, key.as_str()).await?;
        }
    }
    let joined = |words: Vec<String>| words.join(" ");
    let event = about(user, "agent.tag", &rows)
        .with("set", joined(set.iter().map(Tag::to_string).collect()))
        .with("unset", joined(unset.iter().map(Name::to_string).collect()));
    audit::append(&mut transaction, now_us, event).await?;
    let after = again(&rows, identities::agents(&mut transaction).await?);
    transaction.commit().await.map_err(store::Error::from)?;
    Ok(wire::list(controller, &after))
}

pub(super) async fn revoke_agents(
    controller: &Controller,
    user: &User,
    request: v1::RevokeRequest,
) -> Result<v1::AgentList, Status> {
    let reason = request.reason;
    if reason.chars().count() > LONGEST_REASON || reason.chars().any(char::is_control) {
        let what = format_args!("more than {LONGEST_REASON} characters, or a control character");
        return Err(BadField::new("reason", what).into());
    }
    let now_us = controller.outside.now_us();
    let mut transaction = controller.store.begin().await?;
    let rows = wanted(request.selector, identities::agents(&mut transaction).await?)?;
    for row in &rows {
        identities::revoke(&mut transaction, row.identity.id, now_us, &reason).await?;
        let why = format!("the agent was revoked: {reason}");
        taken_away(&mut transaction, &user.actor(), row.identity.id, &why, now_us).await?;
    }
    let event = about(user, "agent.revoke", &rows).with("reason", &reason);
    audit::append(&mut transaction, now_us, event).await?;
    let after = again(&rows, identities::agents(&mut transaction).await?);
    transaction.commit().await.map_err(store::Error::from)?;
    for row in &rows {
        controller.links.revoke(row.identity.id, &reason);
    }
    Ok(wire::list(controller, &after))
}

pub(super) async fn remove_agents(
    controller: &Controller,
    user: &User,
    request: v1::RemoveRequest,
) -> Result<v1::AgentList, Status> {
    let now_us = controller.outside.now_us();
    let mut transaction = controller.store.begin().await?;
    let rows = wanted(request.selector, identities::agents(&mut transaction).await?)?;
    for row in &rows {
        identities::revoke(&mut transaction, row.identity.id, now_us, REMOVED).await?;
        let why = "the agent was removed";
        taken_away(&mut transaction, &user.actor(), row.identity.id, why, now_us).await?;
    }
    let after = again(&rows, identities::agents(&mut transaction).await?);
    for row in &rows {
        identities::remove(&mut transaction, row.identity.id, now_us).await?;
    }
    audit::append(&mut transaction, now_us, about(user, "agent.remove", &rows)).await?;
    transaction.commit().await.map_err(store::Error::from)?;
    for row in &rows {
        controller.links.revoke(row.identity.id, REMOVED);
    }
    Ok(wire::list(controller, &after))
}

/// Refuses a key that is given twice: which value is meant can't be known.
pub(super) fn each_key_once(tags: &[Tag]) -> Result<(), BadField> {
    let mut keys = BTreeSet::new();
    match tags.iter().find(|tag| !keys.insert(&tag.key)) {
        Some(twice) => Err(BadField::new(
            "tags",
            format_args!("{} is given twice", twice.key),
        )),
        None => Ok(()),
    }
}

/// The agents that are meant.
fn wanted(selector: Option<v1::Selector>, rows: Vec<AgentRow>) -> Result<Vec<AgentRow>, Status> {
    selected(&Selector::try_from(&selector.unwrap_or_default())?, rows)
}

/// The same agents, as they are now.
fn again(before: &[AgentRow], now: Vec<AgentRow>) -> Vec<AgentRow> {
    let mut now: BTreeMap<Id, AgentRow> = now.into_iter().map(|row| (row.identity.id, row)).collect();
    before
        .iter()
        .filter_map(|row| now.remove(&row.identity.id))
        .collect()
}

fn about(user: &User, action: &str, rows: &[AgentRow]) -> Event {
    let event = Event::new(user.actor(), action, Outcome::Done);
    rows.iter()
        .fold(event, |event, row| event.target(&row.identity.name))
}
