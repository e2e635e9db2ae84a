//! `netghost-controller user`.

use clap::Subcommand;
use netghost_controller::store::identities::Identity;
use netghost_controller::{Controller, users};
use netghost_core::artifact::name::Name;
use netghost_core::fleet::Role;
use serde_json::json;

use super::failure::Failure;
use super::{Answer, Common, examples, local};

/// People.
#[derive(Debug, Subcommand)]
pub(super) enum User {
    /// Let somebody in: prints a token for `netghost login`
    #[command(after_help = examples::USER_ADD)]
    Add {
        /// Their name
        #[arg(value_parser = name)]
        name: Name,
        /// What they may do: viewer, operator, approver or admin
        #[arg(long, value_parser = role)]
        role: Role,
    },
    /// Take everything from somebody that lets them in
    #[command(after_help = examples::USER_REVOKE)]
    Revoke {
        /// Their name
        #[arg(value_parser = name)]
        name: Name,
        /// Why; it is written down
        #[arg(long)]
        reason: String,
    },
    /// Everybody who has logged in
    #[command(after_help = examples::USER_LIST)]
    List,
}

fn name(text: &str) -> Result<Name, String> {
    Name::parse(text).map_err(|error| error.to_string())
}

fn role(text: &str) -> Result<Role, String> {
    let words: Vec<&str> = Role::ALL.into_iter().map(Role::as_str).collect();
    Role::parse(text).ok_or_else(|| format!("one of {}", words.join(", ")))
}

impl User {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let config = local::config_as_owner(common)?;
        local::block_on(async {
            let controller = local::controller(&config).await?;
            let done = match self {
                Self::Add { name, role } => add(&controller, &name, role).await,
                Self::Revoke { name, reason } => revoke(&controller, &name, &reason).await,
                Self::List => list(&controller).await,
            };
            controller.store.pool().close().await;
            done.map_err(|error| match error {
                users::Error::Store(_) => Failure::failed("store", error),
                users::Error::OtherRole { .. } => Failure::usage("other_role", error),
                users::Error::Unknown(_) => Failure::usage("no_such_user", error),
            })
        })
    }
}

async fn add(controller: &Controller, name: &Name, role: Role) -> Result<Answer, users::Error> {
    let login = users::add(controller, name, role).await?;
    let token = login.token.reveal();
    Ok(Answer {
        status: 0,
        document: json!({
            "schema": "netghost.login_token/v1",
            "name": name.to_string(),
            "role": role.as_str(),
            "token": token,
            "until_us": login.until_us.to_string(),
        }),
        text: format!("{token}\n"),
        next: Some(format!(
            "Next, where {name} works: netghost login --controller HOST:PORT, which asks for this token. It works once, \
             within a day."
        )),
    })
}

async fn revoke(controller: &Controller, name: &Name, reason: &str) -> Result<Answer, users::Error> {
    users::revoke(controller, name, reason).await?;
    Ok(Answer {
        status: 0,
        document: json!({"schema": "netghost.user_revocation/v1", "name": name.to_string(), "reason": reason}),
        text: format!("{name} is revoked\n"),
        next: None,
    })
}

async fn list(controller: &Controller) -> Result<Answer, users::Error> {
    let users = users::list(controller).await?;
    let documents: Vec<_> = users
        .iter()
        .map(|user| {
            json!({
                "id": user.id.to_string(),
                "name": user.name,
                "role": user.role,
                "enrolled_at_us": user.enrolled_at_us.to_string(),
                "revoked": user.revoked.as_ref().map(|revoked| json!({
                    "at_us": revoked.at_us.to_string(),
                    "why": revoked.why,
                })),
            })
        })
        .collect();
    Ok(Answer {
        status: 0,
        document: json!({"schema": "netghost.users/v1", "users": documents}),
        text: users.iter().map(line).collect(),
        next: users.is_empty().then(|| "Nobody has logged in yet.".to_owned()),
    })
}

fn line(user: &Identity) -> String {
    let state = match &user.revoked {
        Some(revoked) => format!("revoked: {}", revoked.why.escape_default()),
        None => "active".to_owned(),
    };
    format!("{:<24}  {:<8}  {state}\n", user.name, user.role)
}
