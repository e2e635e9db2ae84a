//! Opens what a command works on.

use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use netghost_controller::attested::{Attested, Manager, Resources};
use netghost_controller::azure::Azure;
use netghost_controller::config::{self, Config, Directory, FILE};
use netghost_controller::link::LinkReach;
use netghost_controller::outside::Outside;
use netghost_controller::pki::Authority;
use netghost_controller::store::Store;
use netghost_controller::{Controller, Shared, jobs, keys, link, pki};

use super::failure::Failure;
use super::{Common, owner};

/// The configuration. The file may be absent only in its usual place.
pub(super) fn config(common: &Common) -> Result<Config, Failure> {
    let read = match Config::read(&common.config) {
        Err(config::Error::Read { source, .. })
            if source.kind() == io::ErrorKind::NotFound && common.config == Path::new(FILE) =>
        {
            Ok(Config::default())
        }
        read => read,
    };
    let mut config = read.map_err(|error| match &error {
        config::Error::Read { .. } => Failure::usage("no_config", error).hint("name the file by --config"),
        config::Error::Form { .. } => Failure::usage("bad_config", error),
    })?;
    if let Some(directory) = &common.directory {
        let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.clone());
        config.directory = Directory::try_from(directory)
            .map_err(|error| Failure::usage("bad_directory", anyhow::anyhow!(error)))?;
    }
    Ok(config)
}

/// The configuration, and this process as the one that owns the store.
pub(super) fn config_as_owner(common: &Common) -> Result<Config, Failure> {
    let config = config(common)?;
    owner::become_owner(config.directory.as_path())?;
    Ok(config)
}

/// Opens the authority, saying what to do where there is none.
pub(super) fn authority(config: &Config) -> Result<Authority, Failure> {
    Authority::open(&config.authority()).map_err(|error| match &error {
        pki::Error::File { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            let what = format!(
                "there is no controller in {}",
                config.directory.as_path().display()
            );
            Failure::failed("no_controller", anyhow::anyhow!(what))
                .hint("`netghost-controller init` founds one")
        }
        _ => Failure::failed(
            "authority",
            anyhow::Error::new(error).context("open the authority"),
        ),
    })
}

/// Opens a store's rows and objects.
pub(super) async fn store(config: &Config) -> Result<Store, Failure> {
    let url = config.database.as_ref().map(config::Database::reveal);
    Store::open(config.directory.as_path(), url)
        .await
        .context("open the store")
        .map_err(|error| Failure::failed("store", error))
}

/// Opens a controller. Nothing runs.
pub(super) async fn controller(config: &Config) -> Result<Controller, Failure> {
    let ca = authority(config)?;
    let signer = keys::open(config.directory.as_path()).map_err(|error| Failure::failed("key", error))?;
    Ok(Controller::new(Shared {
        store: store(config).await?,
        outside: Outside::real(),
        ca,
        signer,
        links: link::Links::default(),
        reach: Arc::new(LinkReach),
        jobs: jobs::Running::default(),
    }))
}

/// How Azure is asked, where that is configured.
pub(super) fn azure(config: &Config) -> anyhow::Result<Option<Azure>> {
    Ok(config.azure.as_ref().map(config::Account::open).transpose()?)
}

/// How VMs come in by attested documents, where that is configured. Whoever can ask Azure has it say which VM a resource id names.
pub(super) fn attested(config: &Config, asked: Option<&Azure>) -> anyhow::Result<Option<Attested>> {
    let Some(azure) = &config.enrolment.azure else {
        return Ok(None);
    };
    let secret = Outside::real().random().context("draw random bytes")?;
    let manager = asked.map(|asked| Arc::new(Manager::new(asked.arm.clone())) as Arc<dyn Resources>);
    Ok(Some(Attested {
        resources: manager,
        ..azure.open(&secret)?
    }))
}

/// Runs what a command does.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the runtime")
        .map_err(|error| Failure::failed("internal", error))?
        .block_on(work)
}
