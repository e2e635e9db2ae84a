//! `netghost-controller serve`.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use netghost_controller::config::{Config, ServerName};
use netghost_controller::server::Server;
use netghost_controller::{Controller, actions, audit, http, jobs, keys, store};
use netghost_core::audit::{Event, Outcome};
use rustls::pki_types;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::failure::Failure;
use super::init::NAMES;
use super::{Answer, Common, check, local, logging};

/// How it is served.
#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    /// Only say whether the configuration can be used; changes nothing
    #[arg(long)]
    check_config: bool,
}

impl Serve {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let config = local::config(common)?;
        if self.check_config {
            return check::run(&config, common);
        }
        super::owner::become_owner(config.directory.as_path())?;
        logging::start(config.log);
        local::block_on(serve(&config))?;
        Ok(Answer {
            status: 0,
            document: serde_json::Value::Null,
            text: String::new(),
            next: None,
        })
    }
}

async fn serve(config: &Config) -> Result<(), Failure> {
    let controller = configured(config).await?;
    audit::at_start(&controller.store).await.map_err(|error| match error {
        audit::CheckError::Store(error) => Failure::failed("store", error),
        error => Failure::failed("audit", error).hint(
            "the store was edited or damaged, and nothing is served from it: look with `netghost-controller audit verify`, \
             keep it as evidence, and restore a backup into an empty directory",
        ),
    })?;
    let (listener, watched) = (bind(config.listen).await?, bind(config.http.listen).await?);
    let failed = |error: anyhow::Error| Failure::failed("serve", error);
    begin(&controller)
        .await
        .context("write the store")
        .map_err(failed)?;
    let mut server = Server::new(controller.clone(), names(config, &controller).await?)
        .await
        .map_err(|error| failed(error.into()))?;
    server.grace = Duration::from_secs(config.limits.stop_seconds.into());

    let stop = stop_on_signal().context("listen for signals").map_err(failed)?;
    let after = CancellationToken::new();
    let heads = tokio::spawn(audit::keep_signed(controller.clone(), after.clone()));
    let disk_free = config.limits.disk_free_mib.saturating_mul(1 << 20);
    let http = tokio::spawn(http::serve(
        watched,
        controller.clone(),
        disk_free,
        after.clone().cancelled_owned(),
    ));
    jobs::resume(&controller)
        .await
        .context("take up jobs")
        .map_err(failed)?;
    actions::resume(&controller)
        .await
        .context("take up actions")
        .map_err(failed)?;
    tracing::info!(listen = %config.listen, http = %config.http.listen, version = env!("CARGO_PKG_VERSION"), "serving");
    tell(sd_notify::NotifyState::Ready);
    let served = server.serve(listener, stop.cancelled()).await;
    tell(sd_notify::NotifyState::Stopping);
    tracing::info!("stopping");
    end(&controller).await;
    after.cancel();
    heads.await.context("sign the last head").map_err(failed)?;
    // Whoever watches may hold a connection for ever.
    if let Ok(ended) = tokio::time::timeout(Duration::from_secs(1), http).await {
        ended
            .context("serve metrics")
            .and_then(|ended| ended.context("serve metrics"))
            .map_err(failed)?;
    }
    controller.store.pool().close().await;
    served.map_err(|error| failed(error.into()))
}

/// The controller with all that its configuration lets it do.
async fn configured(config: &Config) -> Result<Controller, Failure> {
    let bad = |error| Failure::usage("bad_config", error);
    let azure = local::azure(config).map_err(bad)?;
    let attested = local::attested(config, azure.as_ref()).map_err(bad)?;
    let mut controller = local::controller(config).await?.with_probe(config.probe.probe());
    if let Some(attested) = attested {
        controller = controller.attesting(attested);
    }
    if let Some(azure) = azure {
        controller = controller.with_azure(azure);
    }
    Ok(controller)
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("listen on {address}"))
        .map_err(|error| {
            Failure::failed("listen", error).hint("is another controller running? or name another address")
        })
}

async fn begin(controller: &Controller) -> Result<(), store::Error> {
    let now_us = controller.outside.now_us();
    keys::publish(&controller.store, controller.signer.public(), now_us).await?;
    note(controller, "controller.start").await?;
    audit::announce_last(controller).await
}

async fn end(controller: &Controller) {
    if let Err(error) = note(controller, "controller.stop").await {
        tracing::error!(
            "the stop could not be written down: {:#}",
            anyhow::Error::new(error)
        );
    }
}

async fn note(controller: &Controller, action: &str) -> Result<(), store::Error> {
    let event = Event::new("controller", action, Outcome::Done).with("version", env!("CARGO_PKG_VERSION"));
    let mut transaction = controller.store.begin().await?;
    audit::append(&mut transaction, controller.outside.now_us(), event).await?;
    Ok(transaction.commit().await?)
}

/// The configuration's names, else those that `init` was given, else the host's own.
async fn names(
    config: &Config,
    controller: &Controller,
) -> Result<Vec<pki_types::ServerName<'static>>, Failure> {
    let given = controller
        .store
        .setting(NAMES)
        .await
        .map_err(|error| Failure::failed("store", error))?;
    let given: Vec<ServerName> = given
        .iter()
        .flat_map(|given| given.lines())
        .filter_map(|name| ServerName::try_from(name.to_owned()).ok())
        .collect();
    let names = config.names(&given, &host_name());
    names
        .iter()
        .map(|name| {
            pki_types::ServerName::try_from(name.to_string())
                .with_context(|| format!("{name} can't stand in a certificate"))
                .map_err(|error| Failure::usage("bad_name", error))
        })
        .collect()
}

/// The host's name; where the kernel's is hidden from this process, that in the file. Nothing if there is none.
fn host_name() -> String {
    ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .into_iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// Cancelled at SIGTERM or SIGINT. A second one ends the process at once.
fn stop_on_signal() -> std::io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let told = stop.clone();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    drop(tokio::spawn(async move {
        for again in [false, true] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if again {
                tracing::warn!("told to stop twice: stopping at once");
                std::process::exit(super::failure::FAILED.into());
            }
            told.cancel();
        }
    }));
    Ok(stop)
}

fn tell(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}
