//! Tokens by which agents join.
//!
//! A token's text is shown once, to whoever made it, and kept nowhere. So asking again under the same `request_id` makes no
//! second token and can't show the first one's text: it is refused, naming the token, which can then be revoked.

use netghost_core::artifact::name::Name;
use netghost_core::audit::{Event, Outcome};
use netghost_core::fleet::{Kind, Tag};
use netghost_proto::convert::{self, BadField};
use netghost_proto::v1;
use tonic::Status;

use crate::caller::User;
use crate::store::tokens::{self, TokenRow};
use crate::{Controller, audit, store, users};

/// The longest lifetime of a token, milliseconds.
const LONGEST_MS: u64 = 30 * 24 * 3_600_000;
/// The most agents that one token lets in.
const MOST_USES: u32 = 10_000;
/// The most tags on a token.
const MOST_TAGS: usize = 32;

pub(super) async fn create_token(
    controller: &Controller,
    user: &User,
    request: v1::CreateTokenRequest,
) -> Result<v1::CreatedToken, Status> {
    let now_us = controller.outside.now_us();
    let tags = tags(&request)?;
    let request_id = request_id(&request)?;
    let token = users::fresh_token(controller)?;
    let row = TokenRow {
        id: token.id,
        kind: Kind::Agent,
        secret: token.secret.digest(),
        name: String::new(),
        role: String::new(),
        uses: uses(&request)?,
        used: 0,
        created_at_us: now_us,
        until_us: now_us.saturating_add(lifetime_us(&request)?),
        revoked_at_us: None,
        created_by: user.actor(),
        tags,
    };
    let mut transaction = controller.store.begin().await?;
    if let Some(id) = &request_id
        && let Some(made) = tokens::by_request(&mut transaction, id.as_str()).await?
    {
        return Err(Status::already_exists(format!(
            "this request has made the token {made} already; its text was shown then and is kept nowhere: \
             if it did not arrive, revoke that token and create another"
        )));
    }
    tokens::insert(&mut transaction, &row, request_id.as_ref().map(Name::as_str)).await?;
    let shown: Vec<String> = row.tags.iter().map(Tag::to_string).collect();
    let event = Event::new(user.actor(), "token.create", Outcome::Done)
        .target(row.id)
        .with("uses", row.uses)
        .with("until_us", row.until_us)
        .with("tags", shown.join(" "));
    audit::append(&mut transaction, now_us, event).await?;
    transaction.commit().await.map_err(store::Error::from)?;
    Ok(v1::CreatedToken {
        token: Some(wire(row)),
        text: token.reveal(),
    })
}

pub(super) async fn list_tokens(
    controller: &Controller,
    _user: &User,
    _request: v1::ListTokensRequest,
) -> Result<v1::TokenList, Status> {
    let mut connection = controller
        .store
        .pool()
        .acquire()
        .await
        .map_err(store::Error::from)?;
    let tokens = tokens::all(&mut connection)
        .await?
        .into_iter()
        .map(wire)
        .collect();
    Ok(v1::TokenList { tokens })
}

pub(super) async fn revoke_token(
    controller: &Controller,
    user: &User,
    request: v1::RevokeTokenRequest,
) -> Result<v1::Token, Status> {
    let id = convert::id("id", &request.id)?;
    let now_us = controller.outside.now_us();
    let mut transaction = controller.store.begin().await?;
    let unknown = || Status::not_found(format!("there is no token {id}: `netghost token list` shows all"));
    let changed = tokens::revoke(&mut transaction, id, now_us).await?;
    let token = tokens::by_id(&mut transaction, id).await?.ok_or_else(unknown)?;
    if changed {
        let event = Event::new(user.actor(), "token.revoke", Outcome::Done).target(id);
        audit::append(&mut transaction, now_us, event).await?;
        transaction.commit().await.map_err(store::Error::from)?;
    }
    Ok(wire(token))
}

fn uses(request: &v1::CreateTokenRequest) -> Result<u32, BadField> {
    match request.uses {
        uses @ 1..=MOST_USES => Ok(uses),
        other => Err(BadField::new(
            "uses",
            format_args!("{other} is not from 1 to {MOST_USES}"),
        )),
    }
}

fn lifetime_us(request: &v1::CreateTokenRequest) -> Result<u64, BadField> {
    match request.lifetime_ms {
        ms @ 1..=LONGEST_MS => Ok(ms.saturating_mul(1000)),
        0 => Err(BadField::new("lifetime_ms", "a token needs a lifetime")),
        _ => Err(BadField::new("lifetime_ms", "a token serves 30 days at most")),
    }
}

fn request_id(request: &v1::CreateTokenRequest) -> Result<Option<Name>, BadField> {
    if request.request_id.is_empty() {
        return Ok(None);
    }
    let name = Name::parse(&request.request_id);
    name.map(Some).map_err(|error| BadField::new("request_id", error))
}

/// The tags, each key once, in their order.
fn tags(request: &v1::CreateTokenRequest) -> Result<Vec<Tag>, BadField> {
    let mut tags: Vec<Tag> = request.tags.iter().map(Tag::try_from).collect::<Result<_, _>>()?;
    super::agents::each_key_once(&tags)?;
    if tags.len() > MOST_TAGS {
        return Err(BadField::new("tags", format_args!("more than {MOST_TAGS}")));
    }
    tags.sort();
    Ok(tags)
}

fn wire(row: TokenRow) -> v1::Token {
    v1::Token {
        id: row.id.to_string(),
        kind: row.kind.to_string(),
        uses: row.uses,
        used: row.used,
        created_at_us: row.created_at_us,
        until_us: row.until_us,
        revoked: row.revoked_at_us.is_some(),
        tags: row.tags.iter().map(v1::Tag::from).collect(),
        created_by: row.created_by,
    }
}
