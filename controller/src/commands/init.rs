//! `netghost-controller init`.

use anyhow::Context;
use netghost_controller::config::{Config, Domain, ServerName};
use netghost_controller::outside::Outside;
use netghost_controller::pki::{self, Authority};
use netghost_controller::{audit, keys, store};
use netghost_core::audit::{Event, Outcome};
use serde_json::json;

use super::failure::Failure;
use super::{Answer, Common, local};

/// The setting that holds the names which were given here, one a line.
pub(super) const NAMES: &str = "names";

/// What is founded.
#[derive(Debug, clap::Args)]
pub(super) struct Init {
    /// A DNS name or address under which it is reached; may be given again
    #[arg(long = "name", value_name = "NAME", value_parser = name)]
    names: Vec<ServerName>,
    /// The trust domain of its identities
    #[arg(long, value_name = "DOMAIN", value_parser = domain)]
    domain: Option<Domain>,
}

fn name(text: &str) -> Result<ServerName, String> {
    ServerName::try_from(text.to_owned())
}

fn domain(text: &str) -> Result<Domain, String> {
    Domain::try_from(text.to_owned())
}

impl Init {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let config = local::config_as_owner(common)?;
        if config.authority().symlink_metadata().is_ok() {
            let what = format!(
                "there is a controller in {} already",
                config.directory.as_path().display()
            );
            return Err(Failure::usage("exists", anyhow::anyhow!(what))
                .hint("nothing is ever overwritten; name another --directory, or move it away"));
        }
        local::block_on(found(&config, &self))
    }
}

async fn found(config: &Config, init: &Init) -> Result<Answer, Failure> {
    let outside = Outside::real();
    let directory = config.directory.as_path();
    let failed = |error: anyhow::Error| Failure::failed("init", error);
    let opened = local::store(config).await?;
    let signer = keys::open_or_create(directory, &outside)
        .context("make the signing key")
        .map_err(failed)?;
    record(&opened, init, &outside)
        .await
        .context("write the store")
        .map_err(failed)?;
    keys::publish(&opened, signer.public(), outside.now_us())
        .await
        .context("publish the signing key")
        .map_err(failed)?;
    opened.pool().close().await;
    // The authority last: where it is, the rest is too.
    let domain = init.domain.as_ref().unwrap_or(&config.domain).as_str();
    let authority =
        Authority::create(&config.authority(), domain, &outside).map_err(|error| match error {
            pki::Error::Exists(_) => Failure::usage("exists", error),
            _ => failed(anyhow::Error::new(error).context("make the authority")),
        })?;
    Ok(answer(config, &authority, &signer.public().id().to_string()))
}

async fn record(store: &store::Store, init: &Init, outside: &Outside) -> Result<(), store::Error> {
    let id = store.controller_id(outside).await?;
    let names: Vec<String> = init.names.iter().map(ToString::to_string).collect();
    if !names.is_empty() {
        store.set(NAMES, &names.join("\n")).await?;
    }
    let event = Event::new("user/local", "controller.init", Outcome::Done).target(id);
    let mut transaction = store.begin().await?;
    audit::append(&mut transaction, outside.now_us(), event).await?;
    Ok(transaction.commit().await?)
}

fn answer(config: &Config, authority: &Authority, keyid: &str) -> Answer {
    let fingerprint = authority.fingerprint().to_string();
    let directory = config.directory.as_path().display().to_string();
    Answer {
        status: 0,
        document: json!({
            "schema": "netghost.init/v1",
            "directory": directory,
            "domain": authority.domain,
            "fingerprint": fingerprint,
            "keyid": keyid,
        }),
        text: format!(
            "directory    {directory}\ndomain       {}\nauthority    {fingerprint}\nsigning key  {keyid}\n",
            authority.domain
        ),
        next: Some(
            "Next: start the controller (systemctl start netghost-controller, or netghost-controller serve), then let the \
             first user in: netghost-controller user add NAME --role admin"
                .to_owned(),
        ),
    }
}
