//! Logging in: a token becomes a certificate in a context.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use netghost_client::{Address, Dial, EnrolError, Files, Proxy, Trust};
use netghost_core::artifact::name::Name;
use netghost_core::fleet::{Kind, Token};
use tonic::Code;

use super::contexts::{Context, Contexts, Settings};
use super::identity::{ContextDial, place, unreachable};
use super::{Fleet, Place, refused, runtime};
use crate::error::Failure;
use crate::world::World;

/// What is needed to log in.
#[derive(Debug)]
pub struct Login {
    /// What the context is to be called.
    pub name: Name,
    /// Where the controller is.
    pub controller: Address,
    /// Through which proxy.
    pub proxy: Option<String>,
    /// What proves that one may.
    pub token: Token,
}

/// Logs in, pins the controller's published keys and takes the context into use.
pub fn login(login: &Login, world: &World) -> Result<Context, Failure> {
    let contexts = Contexts::open(world)?;
    let directory = contexts.login_directory(&login.name)?;
    same_controller(login, &directory)?;
    let settings = enrol(login, &directory)?;
    Contexts::write(&directory, &settings)?;
    let mut context = Context {
        name: login.name.clone(),
        directory: directory.clone(),
        settings,
    };
    let dial = ContextDial::new(context.clone(), world.now_us);
    Fleet::new(runtime(false)?, Box::new(dial), place(&context)).keys()?;
    contexts.finish(&login.name, &directory)?;
    contexts.set_current(&login.name)?;
    context.directory = contexts.directory(&login.name);
    Ok(context)
}

/// A context stays with its controller: what was pinned of one says nothing of another.
fn same_controller(login: &Login, directory: &Path) -> Result<(), Failure> {
    let known = Files::new(directory)
        .load()
        .map_err(|error| Failure::failed("context", error))?;
    let Some(known) = known else { return Ok(()) };
    if netghost_client::fingerprint(&known.authority) == Some(login.token.ca) {
        return Ok(());
    }
    let error = anyhow!("context {} is of another controller than this token", login.name);
    Err(Failure::usage("other_controller", error)
        .hint("choose another name with --context, or remove it first"))
}

fn enrol(login: &Login, directory: &Path) -> Result<Settings, Failure> {
    let files = Files::new(directory);
    let context = |error| Failure::failed("context", error);
    // The key of an earlier try serves again, so that a lost answer costs no token.
    let key = files.pending().map_err(context)?;
    let mut dial = Dial::new(login.controller.clone(), Trust::Fingerprint(login.token.ca));
    let proxy = login.proxy.as_deref().map(Proxy::parse).transpose();
    dial.proxy = proxy.map_err(|_| not_a_proxy())?;
    let (identity, answer) = runtime(false)?.block_on(async {
        let channel = dial.connect().await.map_err(unreachable)?;
        netghost_client::enrol(channel, &login.token, key, "")
            .await
            .map_err(|error| not_enrolled(error, login))
    })?;
    if identity.spiffe.kind != Kind::User {
        let error = anyhow!("this is a token for an agent, and it was used up by this");
        return Err(Failure::usage("wrong_token", error).hint(
            "get a token from `netghost-controller user add`; revoke the agent that came of this one",
        ));
    }
    let user = Name::parse(&answer.name).map_err(|error| Failure::failed("bad_answer", error))?;
    files.save(&identity).map_err(context)?;
    Ok(Settings {
        controller: login.controller.to_string(),
        domain: identity.spiffe.domain.clone(),
        user,
        role: answer.role,
        proxy: login.proxy.clone(),
    })
}

/// The text may hold a password.
pub fn not_a_proxy() -> Failure {
    let error = anyhow!("--proxy is not http://[USER:PASSWORD@]HOST:PORT");
    Failure::usage("wrong_use", error)
}

fn not_enrolled(error: EnrolError, login: &Login) -> Failure {
    let hint = "get a new token from an admin of the controller: `netghost-controller user add`";
    let status = match error {
        EnrolError::Refused(status) => status,
        error => return Failure::failed("unauthenticated", error).hint(hint),
    };
    let place = Place {
        name: login.name.to_string(),
        seen: PathBuf::new(),
        standalone: false,
    };
    let failure = refused(&status, &place).context("cannot log in");
    match status.code() {
        Code::Unauthenticated | Code::PermissionDenied | Code::FailedPrecondition | Code::NotFound => {
            failure.hint(hint)
        }
        _ => failure,
    }
}
