//! The controllers that one is logged in to.

use netghost_client::Files;
use netghost_core::artifact::name::Name;
use netghost_core::bytes::Big;
use serde::Serialize;

use super::Call;
use crate::documents::document;
use crate::error::Failure;
use crate::examples;
use crate::exit::Status;
use crate::fleet::contexts::{Context as Known, Contexts};
use crate::output::Outcome;
use crate::text;

/// The schema of contexts.
pub const SCHEMA: &str = "netghost.contexts/v1";

/// The controllers that one is logged in to.
#[derive(Debug, clap::Subcommand)]
pub enum Context {
    /// List them
    #[command(after_help = examples::CONTEXT_LIST)]
    List,
    /// Take one into use
    #[command(after_help = examples::CONTEXT_USE)]
    Use {
        /// Its name
        name: Name,
    },
    /// Show one; without a name, the one in use
    #[command(after_help = examples::CONTEXT_SHOW)]
    Show {
        /// Its name
        name: Option<Name>,
    },
    /// Log out: take one away, with its key
    #[command(after_help = examples::CONTEXT_REMOVE)]
    Remove {
        /// Its name
        name: Name,
    },
}

/// Some contexts.
#[derive(Debug, Serialize)]
pub struct Rows {
    /// Sorted by name.
    pub contexts: Vec<Row>,
}

/// One context.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Whether it is in use.
    pub current: bool,
    /// HOST:PORT.
    pub controller: String,
    /// The trust domain.
    pub domain: String,
    /// As whom one is logged in.
    pub user: String,
    /// What they could do when they logged in.
    pub role: String,
    /// Until when the certificate holds; `null` where there is none.
    pub certificate_until_us: Option<Big>,
}

/// Runs one of them.
pub fn run(command: &Context, call: &Call<'_>) -> Result<Outcome, Failure> {
    let contexts = Contexts::open(call.world)?;
    match command {
        Context::List => outcome(&contexts, &contexts.names()?),
        Context::Use { name } => {
            contexts.get(name)?;
            contexts.set_current(name)?;
            outcome(&contexts, std::slice::from_ref(name))
        }
        Context::Show { name } => {
            let name = match name {
                Some(name) => name.clone(),
                None => contexts.current()?.ok_or_else(none)?,
            };
            outcome(&contexts, &[name])
        }
        Context::Remove { name } => {
            let mut outcome = outcome(&contexts, std::slice::from_ref(name))?;
            contexts.remove(name)?;
            outcome.text = format!("logged out of {name}; its certificate ends by itself within a day\n");
            Ok(outcome)
        }
    }
}

fn none() -> Failure {
    Failure::usage("no_such_context", anyhow::anyhow!("no context is in use")).hint(
        "`netghost login --controller HOST:PORT` makes one; `netghost context use NAME` takes one into use",
    )
}

/// These contexts as an answer.
pub(super) fn outcome(contexts: &Contexts, names: &[Name]) -> Result<Outcome, Failure> {
    let current = contexts.current()?;
    let rows: Result<Vec<Row>, Failure> = names
        .iter()
        .map(|name| row(&contexts.get(name)?, current.as_ref()))
        .collect();
    let rows = Rows { contexts: rows? };
    Ok(Outcome {
        status: Status::Good,
        text: text::fleet::contexts(&rows),
        document: document(SCHEMA, rows)?,
    })
}

fn row(context: &Known, current: Option<&Name>) -> Result<Row, Failure> {
    let identity = Files::new(&context.directory)
        .load()
        .map_err(|error| Failure::failed("context", error))?;
    Ok(Row {
        name: context.name.to_string(),
        current: current == Some(&context.name),
        controller: context.settings.controller.clone(),
        domain: context.settings.domain.clone(),
        user: context.settings.user.to_string(),
        role: context.settings.role.clone(),
        certificate_until_us: identity.map(|identity| Big(identity.not_after_us)),
    })
}
