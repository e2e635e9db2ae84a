//! A token becomes an identity: its use, the identity, the certificate and the record are written together or not at all.

use netghost_core::artifact::json::Digest;
use netghost_core::artifact::name::Name;
use netghost_core::audit::{Event, Outcome};
use netghost_core::fleet::{Id, Kind, Tag};
use netghost_proto::{convert, v1};
use sqlx::AnyConnection;
use subtle::ConstantTimeEq;
use tonic::Status;

use super::{action, certify, commit, request_key};
use crate::pki::PublicKey;
use crate::store::identities::{self, Identity};
use crate::store::tokens::{self, TokenRow};
use crate::{Controller, audit, caller, store};

/// How long the same key may ask again, microseconds: the answer may have been lost.
pub(super) const AGAIN_US: u64 = 10 * 60 * 1_000_000;

/// What was asked for, read.
struct Asked {
    token: Id,
    secret: Digest,
    key: PublicKey,
    name: String,
}

pub(super) async fn join(controller: &Controller, request: v1::EnrolRequest) -> Result<v1::Identity, Status> {
    let asked = Asked {
        token: convert::id("token_id", &request.token_id)?,
        secret: Digest::of(&request.secret),
        key: request_key(&request.csr)?,
        name: request.name,
    };
    let now_us = controller.outside.now_us();
    // Whoever has no token takes no write lock.
    let mut reader = controller
        .store
        .pool()
        .acquire()
        .await
        .map_err(store::Error::from)?;
    checked(&mut reader, &asked).await?;
    drop(reader);
    let mut transaction = controller.store.begin().await?;
    let token = checked(&mut transaction, &asked).await?;
    let key = asked.key.digest();
    let (identity, again) = match tokens::used_by(&mut transaction, token.id, &key).await? {
        Some((id, at_us)) => (came_in(&mut transaction, id, at_us, now_us).await?, true),
        None => (
            enter(controller, &mut transaction, &token, &asked, now_us).await?,
            false,
        ),
    };
    let answer = certify::certify(controller, &mut transaction, &identity, &asked.key, now_us).await?;
    let verb = if identity.kind == Kind::User {
        "login"
    } else {
        "enrol"
    };
    let event = Event::new(
        caller::actor(&identity),
        action(identity.kind, verb),
        Outcome::Done,
    )
    .target(&identity.name)
    .with("id", identity.id)
    .with("token", token.id)
    .with("again", again);
    audit::append(&mut transaction, now_us, event).await?;
    commit(transaction).await?;
    Ok(answer)
}

/// The token, if the secret is its own and it was not taken back.
async fn checked(connection: &mut AnyConnection, asked: &Asked) -> Result<TokenRow, Status> {
    let token = tokens::by_id(connection, asked.token).await?.ok_or_else(|| {
        Status::unauthenticated(
            "no such token: it is of another controller, or was altered; make one by `netghost token create`",
        )
    })?;
    if !bool::from(token.secret.as_bytes().ct_eq(asked.secret.as_bytes())) {
        return Err(Status::unauthenticated(
            "the token's secret is wrong: it was altered; copy the token again, all in one line",
        ));
    }
    if let Some(at_us) = token.revoked_at_us {
        return Err(Status::failed_precondition(format!(
            "the token was revoked at {}: ask for a new one",
            caller::shown(at_us)
        )));
    }
    Ok(token)
}

/// The identity for which this key has used the token before, if that was just now.
async fn came_in(
    connection: &mut AnyConnection,
    id: Id,
    at_us: u64,
    now_us: u64,
) -> Result<Identity, Status> {
    if now_us.saturating_sub(at_us) > AGAIN_US {
        return Err(Status::failed_precondition(format!(
            "this key has used the token at {}, and may ask again for ten minutes only: ask for a new token",
            caller::shown(at_us)
        )));
    }
    let identity = identities::by_id(connection, id)
        .await?
        .ok_or_else(|| Status::data_loss("the identity of a used token was removed from the store"))?;
    caller::standing(&identity)?;
    Ok(identity)
}

/// Counts the use and writes the identity.
async fn enter(
    controller: &Controller,
    connection: &mut AnyConnection,
    token: &TokenRow,
    asked: &Asked,
    now_us: u64,
) -> Result<Identity, Status> {
    if token.until_us <= now_us {
        return Err(Status::failed_precondition(format!(
            "the token ran out at {}: ask for a new one",
            caller::shown(token.until_us)
        )));
    }
    if !tokens::take(connection, token.id, now_us).await? {
        return Err(Status::failed_precondition(format!(
            "the token is used up: it served {} of {} times; ask for a new one",
            token.uses, token.uses
        )));
    }
    let identity = match token.kind {
        Kind::User => user(controller, connection, token, now_us).await?,
        _ => agent(controller, connection, &token.tags, &asked.name, now_us).await?,
    };
    tokens::record_use(connection, token.id, &asked.key.digest(), identity.id, now_us).await?;
    Ok(identity)
}

/// The name that an agent wishes, if it can be one.
pub(super) fn wished(name: &str) -> Result<Name, Status> {
    let name = Name::parse(name).map_err(|error| Status::invalid_argument(format!("field name: {error}")))?;
    if Id::parse(name.as_str()).is_ok() {
        return Err(Status::invalid_argument(
            "field name: a UUID would be taken for an agent's id",
        ));
    }
    Ok(name)
}

/// A new agent under the name that it wishes, with these tags.
pub(super) async fn agent(
    controller: &Controller,
    connection: &mut AnyConnection,
    tags: &[Tag],
    name: &str,
    now_us: u64,
) -> Result<Identity, Status> {
    let name = wished(name)?;
    let taken = || {
        Status::already_exists(format!(
            "there is an agent {name} already: choose another name, or remove that one by `netghost agent remove`"
        ))
    };
    if identities::by_name(connection, Kind::Agent, name.as_str())
        .await?
        .is_some()
    {
        return Err(taken());
    }
    let identity = new(controller, Kind::Agent, name.as_str(), "", now_us)?;
    match identities::insert(connection, &identity).await {
        // Two at once, in a store that lets both look first.
        Err(store::Error::Database(sqlx::Error::Database(error))) if error.is_unique_violation() => {
            return Err(taken());
        }
        inserted => inserted?,
    }
    for tag in tags {
        identities::set_tag(connection, identity.id, tag).await?;
    }
    Ok(identity)
}

/// The user whom the token names: on a further machine the same one.
async fn user(
    controller: &Controller,
    connection: &mut AnyConnection,
    token: &TokenRow,
    now_us: u64,
) -> Result<Identity, Status> {
    let Some(known) = identities::by_name(connection, Kind::User, &token.name).await? else {
        let identity = new(controller, Kind::User, &token.name, &token.role, now_us)?;
        identities::insert(connection, &identity).await?;
        return Ok(identity);
    };
    caller::standing(&known)?;
    if known.role != token.role {
        return Err(Status::failed_precondition(format!(
            "the token is for the role {}, user {} has the role {} now: ask for a new token",
            token.role, known.name, known.role
        )));
    }
    Ok(known)
}

fn new(controller: &Controller, kind: Kind, name: &str, role: &str, now_us: u64) -> Result<Identity, Status> {
    let id = controller.outside.id().map_err(store::Error::Random)?;
    Ok(Identity {
        id,
        kind,
        name: name.to_owned(),
        role: role.to_owned(),
        enrolled_at_us: now_us,
        revoked: None,
        removed_at_us: None,
    })
}
