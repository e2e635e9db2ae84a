//! Which agents a selector means. A name that means nothing is refused: nothing is done to the others.

use netghost_core::fleet::{Selector, Tag};
use tonic::Status;

use crate::Controller;
use crate::caller::Agent;
use crate::store;
use crate::store::identities::{self, AgentRow};

impl Controller {
    /// The agents that are meant and may be asked for something: neither revoked nor removed, ordered by name.
    ///
    /// A selector that selects nothing, and a name or id that no agent has, is `NOT_FOUND`; an agent that is named and was
    /// revoked is `FAILED_PRECONDITION`.
    pub async fn select(&self, selector: &Selector) -> Result<Vec<Agent>, Status> {
        let mut connection = self.store.pool().acquire().await.map_err(store::Error::from)?;
        let rows = selected(selector, identities::agents(&mut connection).await?)?;
        let named = |row: &AgentRow| {
            let names = &selector.names;
            names.contains(&row.identity.name) || names.contains(&row.identity.id.to_string())
        };
        if let Some(revoked) = rows
            .iter()
            .find(|row| row.identity.revoked.is_some() && named(row))
        {
            return Err(Status::failed_precondition(format!(
                "agent {} was revoked: enrol it anew, or leave it out",
                revoked.identity.name
            )));
        }
        let live: Vec<Agent> = rows
            .into_iter()
            .filter(|row| row.identity.revoked.is_none())
            .map(|row| Agent {
                id: row.identity.id,
                name: row.identity.name,
            })
            .collect();
        if live.is_empty() {
            return Err(none(selector));
        }
        Ok(live)
    }
}

/// Those of the agents that are meant, also revoked ones; an error if a name means nothing, or the whole does.
pub(crate) fn selected(selector: &Selector, agents: Vec<AgentRow>) -> Result<Vec<AgentRow>, Status> {
    if selector.is_empty() {
        return Err(Status::invalid_argument(
            "no agent was selected: name some, give a tag, or select all",
        ));
    }
    if selector.members {
        return Err(Status::invalid_argument(
            "the members of a baseline are meant only where something is compared with it",
        ));
    }
    let unknown: Vec<&str> = selector
        .names
        .iter()
        .filter(|name| {
            !agents
                .iter()
                .any(|row| row.identity.name == **name || row.identity.id.to_string() == **name)
        })
        .map(String::as_str)
        .collect();
    if !unknown.is_empty() {
        return Err(Status::not_found(format!(
            "no agent has the name or id {}: `netghost agent list` shows all",
            unknown.join(", ")
        )));
    }
    let rows: Vec<AgentRow> = agents
        .into_iter()
        .filter(|row| selector.selects(&row.identity.id.to_string(), &row.identity.name, &row.tags))
        .collect();
    if rows.is_empty() {
        return Err(none(selector));
    }
    Ok(rows)
}

/// Says that nothing is selected, and by what.
fn none(selector: &Selector) -> Status {
    if selector.all || selector.tags.is_empty() {
        return Status::not_found("there is no agent: enrol one with a token of `netghost token create`");
    }
    let tags: Vec<String> = selector.tags.iter().map(Tag::to_string).collect();
    Status::not_found(format!(
        "no agent that may be asked carries {}: `netghost agent list` shows all",
        tags.join(" and ")
    ))
}
