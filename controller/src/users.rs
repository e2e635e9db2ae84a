//! People, as whoever runs the controller keeps them.

use netghost_core::artifact::name::Name;
use netghost_core::audit::{Event, Outcome};
use netghost_core::fleet::{Kind, Role, Secret, Token};
use sqlx::AnyConnection;

use crate::store::identities::{self, Identity};
use crate::store::tokens::{self, TokenRow};
use crate::{Controller, audit, store};

/// How long a login token serves, microseconds.
const LIFETIME_US: u64 = 24 * 3_600_000_000;
/// Who does this: whoever may write the store.
const ACTOR: &str = "user/local";

/// A login token.
#[derive(Debug, Clone)]
pub struct Login {
    /// The token; its text is shown once and kept nowhere.
    pub token: Token,
    /// How long it serves, microseconds since 1970 UTC.
    pub until_us: u64,
}

/// Why a user could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// They have another role.
    #[error("user {name} is there already with the role {role}: revoke them first to give another one")]
    OtherRole {
        /// Their name.
        name: String,
        /// Their role.
        role: String,
    },
    /// There is nobody of this name.
    #[error("there is no user {0}, and no login token for one")]
    Unknown(String),
}

/// Makes a login token for a user: a new one, or a known one on a further machine.
pub async fn add(controller: &Controller, name: &Name, role: Role) -> Result<Login, Error> {
    let now_us = controller.outside.now_us();
    let token = fresh_token(controller)?;
    let mut transaction = controller.store.begin().await?;
    let known = identities::by_name(&mut transaction, Kind::User, name.as_str()).await?;
    make_way(&mut transaction, known, role, now_us).await?;
    let row = TokenRow {
        id: token.id,
        kind: Kind::User,
        secret: token.secret.digest(),
        name: name.as_str().to_owned(),
        role: role.as_str().to_owned(),
        uses: 1,
        used: 0,
        created_at_us: now_us,
        until_us: now_us.saturating_add(LIFETIME_US),
        revoked_at_us: None,
        created_by: ACTOR.to_owned(),
        tags: Vec::new(),
    };
    tokens::insert(&mut transaction, &row, None).await?;
    let event = Event::new(ACTOR, "user.add", Outcome::Done)
        .target(name)
        .with("role", role)
        .with("token", token.id);
    audit::append(&mut transaction, now_us, event).await?;
    transaction.commit().await.map_err(store::Error::from)?;
    Ok(Login {
        token,
        until_us: row.until_us,
    })
}

/// Takes a user's identity and login tokens away, at once: their next call is refused.
pub async fn revoke(controller: &Controller, name: &Name, reason: &str) -> Result<(), Error> {
    let now_us = controller.outside.now_us();
    let mut transaction = controller.store.begin().await?;
    let known = identities::by_name(&mut transaction, Kind::User, name.as_str()).await?;
    let logins = tokens::revoke_logins(&mut transaction, name.as_str(), now_us).await?;
    match &known {
        None if logins == 0 => return Err(Error::Unknown(name.to_string())),
        None => {}
        Some(user) => {
            identities::revoke(&mut transaction, user.id, now_us, reason).await?;
        }
    }
    let event = Event::new(ACTOR, "user.revoke", Outcome::Done)
        .target(name)
        .with("reason", reason)
        .with("login_tokens", logins);
    audit::append(&mut transaction, now_us, event).await?;
    transaction.commit().await.map_err(store::Error::from)?;
    if let Some(user) = known {
        controller.links.revoke(user.id, reason);
    }
    Ok(())
}

/// Everybody who has logged in, revoked ones too, ordered by name.
pub async fn list(controller: &Controller) -> Result<Vec<Identity>, Error> {
    let mut connection = controller
        .store
        .pool()
        .acquire()
        .await
        .map_err(store::Error::from)?;
    Ok(identities::users(&mut connection).await?)
}

/// A token that is this controller's.
pub(crate) fn fresh_token(controller: &Controller) -> Result<Token, store::Error> {
    let outside = &controller.outside;
    Ok(Token {
        id: outside.id().map_err(store::Error::Random)?,
        secret: Secret(outside.random().map_err(store::Error::Random)?),
        ca: controller.ca.fingerprint(),
        approvers: None,
    })
}

/// A revoked user's name may be given anew; one who is there keeps their role.
async fn make_way(
    connection: &mut AnyConnection,
    known: Option<Identity>,
    role: Role,
    now_us: u64,
) -> Result<(), Error> {
    match known {
        Some(user) if user.revoked.is_some() => Ok(identities::remove(connection, user.id, now_us).await?),
        Some(user) if user.role != role.as_str() => Err(Error::OtherRole {
            name: user.name,
            role: user.role,
        }),
        _ => Ok(()),
    }
}
