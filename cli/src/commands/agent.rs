//! The agents of a fleet.

use netghost_core::artifact::name::Name;
use netghost_core::fleet::{Selector, Tag};
use netghost_proto::v1;

use super::Call;
use crate::documents::agents::{Agents, SCHEMA};
use crate::documents::document;
use crate::error::Failure;
use crate::examples;
use crate::exit::Status;
use crate::fleet::{Agents as Selection, Client, tag};
use crate::output::Outcome;
use crate::text;

/// The agents of a fleet.
#[derive(Debug, clap::Subcommand)]
pub enum Agent {
    /// List agents; without a selection, all
    #[command(after_help = examples::AGENT_LIST)]
    List {
        /// Which.
        #[command(flatten)]
        targets: Selection,
    },
    /// Show one
    #[command(after_help = examples::AGENT_SHOW)]
    Show {
        /// Its name or id
        name: Name,
    },
    /// Put tags on agents, or take them off
    #[command(after_help = examples::AGENT_TAG)]
    Tag(TagArgs),
    /// Take an identity away at once, for good; the agent can do nothing more with it
    #[command(after_help = examples::AGENT_REVOKE)]
    Revoke {
        /// Which.
        #[command(flatten)]
        targets: Selection,
        /// Why; the agent is told, and it is written down
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
    },
    /// Let agents work again whose identity was contested, once the other holder of it is gone
    #[command(after_help = examples::AGENT_SETTLE)]
    Settle {
        /// Which.
        #[command(flatten)]
        targets: Selection,
    },
    /// Revoke agents and forget their names; what they sealed stays
    #[command(after_help = examples::AGENT_REMOVE)]
    Remove {
        /// Which.
        #[command(flatten)]
        targets: Selection,
    },
}

/// Puts tags on agents.
#[derive(Debug, clap::Args)]
pub struct TagArgs {
    /// Which.
    #[command(flatten)]
    targets: Selection,
    /// Tags to put on; a key that is there gets the new value
    #[arg(long, num_args = 1.., value_name = "KEY=VALUE", value_parser = tag)]
    set: Vec<Tag>,
    /// Keys to take off
    #[arg(long, num_args = 1.., value_name = "KEY", required_unless_present = "set")]
    unset: Vec<Name>,
}

/// Runs one of them.
pub fn run(command: &Agent, call: &Call<'_>) -> Result<Outcome, Failure> {
    match command {
        Agent::List { targets } => {
            let mut selector = targets.optional();
            selector.all |= selector.is_empty();
            ask(call, async |client| {
                client.list_agents(v1::Selector::from(&selector)).await
            })
        }
        Agent::Show { name } => show(name, call),
        Agent::Tag(args) => {
            let request = v1::TagRequest {
                selector: Some(v1::Selector::from(&args.targets.selector()?)),
                set: args.set.iter().map(v1::Tag::from).collect(),
                unset: args.unset.iter().map(|key| key.as_str().to_owned()).collect(),
            };
            ask(call, async |client| client.tag_agents(request).await)
        }
        Agent::Revoke { targets, reason } => {
            let request = v1::RevokeRequest {
                selector: Some(v1::Selector::from(&targets.selector()?)),
                reason: reason.clone(),
            };
            ask(call, async |client| client.revoke_agents(request).await)
        }
        Agent::Settle { targets } => {
            let selector = v1::Selector::from(&targets.selector()?);
            ask(call, async |client| client.settle_agents(selector).await)
        }
        Agent::Remove { targets } => {
            let selector = Some(v1::Selector::from(&targets.selector()?));
            let request = v1::RemoveRequest { selector };
            ask(call, async |client| client.remove_agents(request).await)
        }
    }
}

type Reply = Result<tonic::Response<v1::AgentList>, tonic::Status>;

/// Every one of these calls answers with the agents that it was about.
fn ask(call: &Call<'_>, request: impl AsyncFnOnce(&mut Client) -> Reply) -> Result<Outcome, Failure> {
    let agents = agents(call, request)?;
    Ok(Outcome {
        status: Status::Good,
        text: text::fleet::agents(&agents),
        document: document(SCHEMA, agents)?,
    })
}

fn show(name: &Name, call: &Call<'_>) -> Result<Outcome, Failure> {
    let selector = Selector {
        names: vec![name.as_str().to_owned()],
        ..Selector::default()
    };
    let agents = agents(call, async |client| {
        client.list_agents(v1::Selector::from(&selector)).await
    })?;
    let lines: Vec<String> = agents.agents.iter().map(text::fleet::agent).collect();
    Ok(Outcome {
        status: Status::Good,
        text: lines.join("\n"),
        document: document(SCHEMA, agents)?,
    })
}

fn agents(call: &Call<'_>, request: impl AsyncFnOnce(&mut Client) -> Reply) -> Result<Agents, Failure> {
    let list = call
        .controller()?
        .call(async |client| Ok(request(client).await?.into_inner()))?;
    Ok(Agents::try_from(list)?)
}
