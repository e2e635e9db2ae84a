//! Logging in to a controller.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use netghost_client::{Address, Proxy};
use netghost_core::artifact::name::Name;
use netghost_core::fleet::Token;

use super::Call;
use super::context::outcome;
use crate::error::Failure;
use crate::fleet::contexts::Contexts;
use crate::fleet::login::{self, not_a_proxy};
use crate::output::Outcome;

/// What a context is called where nobody says otherwise.
const DEFAULT: &str = "default";
/// More than any token has, in bytes.
const LONGEST: u64 = 4096;

/// Logs in to a controller.
#[derive(Debug, clap::Args)]
pub struct Login {
    /// Where the controller listens
    #[arg(long, value_name = "HOST:PORT", value_parser = Address::parse)]
    controller: Address,
    /// The token that an admin handed out, in a file or, for `-`, on standard input; without it, it is asked for on a
    /// terminal
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// An HTTP proxy to go through, as http://HOST:PORT
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
}

/// Runs it.
pub fn run(args: &Login, call: &Call<'_>) -> Result<Outcome, Failure> {
    if call.wanted.standalone {
        let error = anyhow!("--standalone is the use of no controller");
        return Err(Failure::usage("wrong_use", error));
    }
    if args
        .proxy
        .as_deref()
        .is_some_and(|proxy| Proxy::parse(proxy).is_err())
    {
        return Err(not_a_proxy());
    }
    let name = match &call.wanted.context {
        Some(name) => name.clone(),
        None => Name::parse(DEFAULT).map_err(|error| Failure::failed("internal", error))?,
    };
    let token = token(args.token_file.as_deref())?;
    let request = login::Login {
        name,
        controller: args.controller.clone(),
        proxy: args.proxy.clone(),
        token,
    };
    let context = login::login(&request, call.world)?;
    let mut outcome = outcome(&Contexts::open(call.world)?, std::slice::from_ref(&context.name))?;
    outcome.text = format!(
        "logged in to {} as {} ({}); context {} is in use\n",
        context.settings.controller, context.settings.user, context.settings.role, context.name
    );
    Ok(outcome)
}

/// The token, by a way that leaves it out of the process list and the shell's history.
fn token(file: Option<&Path>) -> Result<Token, Failure> {
    let unread = |error: anyhow::Error| Failure::usage("no_token", error);
    let text = match file {
        Some(path) if path.as_os_str() != "-" => std::fs::File::open(path)
            .and_then(read)
            .with_context(|| format!("cannot read the token in {}", path.display()))
            .map_err(unread)?,
        None if std::io::stdin().is_terminal() => dialoguer::Password::new()
            .with_prompt("token")
            .interact()
            .context("cannot ask for the token")
            .map_err(unread)?,
        _ => read(std::io::stdin())
            .context("cannot read the token on standard input")
            .map_err(unread)?,
    };
    let hint = "an admin of the controller makes one: `netghost-controller user add NAME --role ROLE`";
    if text.trim().is_empty() {
        return Err(unread(anyhow!("there is no token")).hint(hint));
    }
    Token::parse(&text).map_err(|error| Failure::usage("not_a_token", error).hint(hint))
}

fn read(from: impl Read) -> std::io::Result<String> {
    let mut text = String::new();
    from.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}
