//! Who calls, and whether they may.

use netghost_core::fleet::{Id, Role};
use tonic::{Extensions, Status};

use crate::Controller;
use crate::peer::Peer;

/// A user who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Their id; nothing for whoever runs the command on their own store.
    pub id: Option<Id>,
    /// Their name.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

impl User {
    /// How the audit log calls them.
    pub fn actor(&self) -> String {
        format!("user/{}", self.name)
    }
}

/// An agent that calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Its id.
    pub id: Id,
    /// Its name.
    pub name: String,
}

impl Agent {
    /// How the audit log calls it.
    pub fn actor(&self) -> String {
        format!("agent/{}", self.name)
    }
}

impl Controller {
    /// The user who makes this call, if they may do what `needed` may. A refusal is written down.
    pub async fn user(&self, extensions: &Extensions, needed: Role) -> Result<User, Status> {
        let _ = needed;
        match extensions.get::<Peer>() {
            Some(Peer::Local) => Ok(User {
                id: None,
                name: "local".to_owned(),
                role: Role::Admin,
            }),
            _ => Err(Status::unauthenticated("no client certificate")),
        }
    }

    /// The agent that makes this call. A refusal is written down.
    pub async fn agent(&self, extensions: &Extensions) -> Result<Agent, Status> {
        let _ = extensions;
        Err(Status::unauthenticated("no client certificate"))
    }
}
