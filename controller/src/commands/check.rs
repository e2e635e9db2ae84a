//! `netghost-controller serve --check-config`: whether the configuration can be used. Changes nothing.

use std::net::{SocketAddr, TcpListener};

use anyhow::{Context, anyhow};
use netghost_controller::config::{Config, Database};
use netghost_controller::keys;
use rustix::fs::Access;
use sqlx::Connection;
use sqlx::postgres::PgConnection;

use super::failure::Failure;
use super::{Answer, Common, local, owner};

/// Whatever is wrong is wrong use: there is nothing else that this could have learnt.
pub(super) fn run(config: &Config, common: &Common) -> Result<Answer, Failure> {
    owner::become_owner(config.directory.as_path())?;
    let refused = |error: anyhow::Error| Failure::usage("bad_config", error);
    files(config).map_err(refused)?;
    addresses(config).map_err(refused)?;
    let azure = local::azure(config).map_err(refused)?;
    local::attested(config, azure.as_ref()).map_err(refused)?;
    if let Some(database) = &config.database {
        local::block_on(async { reach(database).await.map_err(refused) })?;
    }
    Ok(Answer {
        status: 0,
        document: serde_json::json!({
            "schema": "netghost.config_check/v1",
            "config": common.config.display().to_string(),
            "directory": config.directory.as_path().display().to_string(),
        }),
        text: format!("{} can be used\n", common.config.display()),
        next: None,
    })
}

fn files(config: &Config) -> anyhow::Result<()> {
    let directory = config.directory.as_path();
    if !directory.exists() {
        return Err(anyhow!(
            "{} does not exist: `netghost-controller init` makes it",
            directory.display()
        ));
    }
    local::authority(config).map_err(Failure::into_error)?;
    keys::open(directory)?;
    let wanted = Access::READ_OK | Access::WRITE_OK;
    rustix::fs::access(directory, wanted | Access::EXEC_OK)
        .with_context(|| format!("write into {}", directory.display()))?;
    let database = directory.join("netghost.db");
    if config.database.is_none() {
        rustix::fs::access(&database, wanted).with_context(|| format!("write {}", database.display()))?;
    }
    Ok(())
}

/// The addresses are this host's. Their ports may be taken, by the controller that runs.
fn addresses(config: &Config) -> anyhow::Result<()> {
    for (key, address) in [("listen", config.listen), ("http.listen", config.http.listen)] {
        TcpListener::bind(SocketAddr::new(address.ip(), 0)).with_context(|| {
            format!(
                "{key} = \"{address}\": {} is not an address of this host",
                address.ip()
            )
        })?;
    }
    if config.listen == config.http.listen {
        return Err(anyhow!(
            "listen and http.listen are both {}: name two ports",
            config.listen
        ));
    }
    Ok(())
}

async fn reach(database: &Database) -> anyhow::Result<()> {
    let connecting = PgConnection::connect(database.reveal());
    let connection = tokio::time::timeout(std::time::Duration::from_secs(5), connecting)
        .await
        .context("the database did not answer within 5 s")?
        .context("connect to the database")?;
    connection.close().await.context("leave the database")
}
