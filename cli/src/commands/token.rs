//! Tokens by which agents join.

use std::time::Duration;

use netghost_core::artifact::json::Digest;
use netghost_core::fleet::{Id, Tag, Token as Text};
use netghost_proto::v1;

use super::Call;
use crate::approvers::pinned;
use crate::documents::document;
use crate::documents::tokens::{CREATED, Created, SCHEMA, Token as Row, Tokens};
use crate::error::Failure;
use crate::exit::Status;
use crate::fleet::tag;
use crate::output::{Outcome, note};
use crate::{clock, examples, span, text};

/// Tokens by which agents join.
#[derive(Debug, clap::Subcommand)]
pub enum Token {
    /// Make one; it is printed once and kept nowhere
    #[command(after_help = examples::TOKEN_CREATE)]
    Create {
        /// How many agents may join with it
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
        uses: u32,
        /// How long it serves
        #[arg(long, value_name = "SPAN", default_value = "1h", value_parser = span::parse)]
        lifetime: Duration,
        /// Tags that every agent carries that joins with it
        #[arg(long, num_args = 1.., value_name = "KEY=VALUE", value_parser = tag)]
        tag: Vec<Tag>,
    },
    /// List them, without their secrets
    #[command(after_help = examples::TOKEN_LIST)]
    List,
    /// Take one back; who has joined stays
    #[command(after_help = examples::TOKEN_REVOKE)]
    Revoke {
        /// Its id
        #[arg(value_parser = Id::parse)]
        id: Id,
    },
}

/// Runs one of them.
pub fn run(command: &Token, call: &Call<'_>) -> Result<Outcome, Failure> {
    match command {
        Token::Create { uses, lifetime, tag } => create(*uses, *lifetime, tag, call),
        Token::List => {
            let list = call
                .controller()?
                .call(async |client| Ok(client.list_tokens(v1::ListTokensRequest {}).await?.into_inner()))?;
            rows(Tokens::try_from(list)?)
        }
        Token::Revoke { id } => {
            let request = v1::RevokeTokenRequest { id: id.to_string() };
            let token = call
                .controller()?
                .call(async |client| Ok(client.revoke_token(request).await?.into_inner()))?;
            rows(Tokens {
                tokens: vec![Row::try_from(token)?],
            })
        }
    }
}

fn rows(tokens: Tokens) -> Result<Outcome, Failure> {
    Ok(Outcome {
        status: Status::Good,
        text: text::fleet::tokens(&tokens),
        document: document(SCHEMA, tokens)?,
    })
}

/// The token with the approvers' CA in it. The controller has no say in that: it is put in here.
fn named(text: &str, ca: Digest) -> Result<String, Failure> {
    let wrong = |error: anyhow::Error| {
        Failure::failed(
            "bad_answer",
            error.context("the controller's token can't be used"),
        )
    };
    let mut token = Text::parse(text).map_err(|error| wrong(error.into()))?;
    if token.approvers.is_some_and(|named| named != ca) {
        return Err(wrong(anyhow::anyhow!(
            "it names another approvers' CA than this context trusts"
        )));
    }
    token.approvers = Some(ca);
    Ok(token.reveal())
}

fn create(uses: u32, lifetime: Duration, tags: &[Tag], call: &Call<'_>) -> Result<Outcome, Failure> {
    let request = v1::CreateTokenRequest {
        uses,
        lifetime_ms: span::milliseconds(lifetime),
        tags: tags.iter().map(v1::Tag::from).collect(),
        request_id: super::draw()?.to_string(),
    };
    let mut fleet = call.controller()?;
    // Before a token is made that would be of no use.
    let approvers = pinned(&fleet.place().seen)?;
    let made = fleet.call(async |client| Ok(client.create_token(request).await?.into_inner()))?;
    let mut made = Created::try_from(made)?;
    if let Some(ca) = &approvers {
        made.text = named(&made.text, ca.id())?;
    }
    note(
        call.format,
        &format!(
            "for {} until {}; on the VM: netghost-agent enroll --controller HOST:PORT --token-file FILE",
            if uses == 1 {
                "one agent".to_owned()
            } else {
                format!("{uses} agents")
            },
            clock::shown(made.token.until_us.0)
        ),
    );
    if approvers.is_none() {
        note(
            call.format,
            "it names no approvers' CA, so the VM takes no approvals until it has one: `netghost approvers trust FILE`",
        );
    }
    Ok(Outcome {
        status: Status::Good,
        text: format!("{}\n", made.text),
        document: document(CREATED, &made)?,
    })
}
