//! `netghost-controller key`.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;
use netghost_controller::config::Config;
use netghost_controller::outside::Outside;
use netghost_controller::{jobs, keys};
use netghost_core::artifact::key::PublicKey;
use serde_json::json;

use super::failure::Failure;
use super::{Answer, Common, examples, local};

/// The signing key, and those of others.
#[derive(Debug, Subcommand)]
pub(super) enum Key {
    /// Put a new key in the place of the old one
    #[command(after_help = examples::KEY_ROTATE)]
    Rotate,
    /// Take baselines that another controller sealed with this public key
    #[command(after_help = examples::KEY_TRUST)]
    Trust {
        /// The public half, in PEM
        file: PathBuf,
    },
}

impl Key {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        // Before this process becomes the store's owner, who may not be allowed to read it.
        let trusted = match &self {
            Self::Rotate => None,
            Self::Trust { file } => Some(read(file)?),
        };
        let config = local::config_as_owner(common)?;
        local::authority(&config)?;
        local::block_on(async {
            match trusted {
                None => rotate(&config).await,
                Some(key) => trust(&config, &key).await,
            }
        })
    }
}

/// Reads a public key.
fn read(file: &PathBuf) -> Result<PublicKey, Failure> {
    let what = || format!("read the public key {}", file.display());
    let pem = fs::read_to_string(file)
        .with_context(what)
        .map_err(|error| Failure::usage("no_key", error))?;
    PublicKey::from_pem(&pem).with_context(what).map_err(|error| {
        Failure::usage("not_the_format", error)
            .hint("a public key is wanted, as `key.pub.pem` in an export of baselines is")
    })
}

async fn rotate(config: &Config) -> Result<Answer, Failure> {
    let store = local::store(config).await?;
    let rotated = keys::rotate(&store, config.directory.as_path(), &Outside::real()).await;
    store.pool().close().await;
    let signer = rotated.map_err(|error| Failure::failed("key", error))?;
    let keyid = signer.public().id().to_string();
    Ok(Answer {
        status: 0,
        document: json!({"schema": "netghost.key_rotation/v1", "keyid": keyid}),
        text: format!("{keyid}\n"),
        next: Some("Next: restart the controller; until then it signs with the old key.".to_owned()),
    })
}

async fn trust(config: &Config, key: &PublicKey) -> Result<Answer, Failure> {
    let store = local::store(config).await?;
    let trusted = jobs::trust(&store, Outside::real().now_us(), "user/local", key).await;
    store.pool().close().await;
    trusted.map_err(|error| Failure::failed("store", error))?;
    let keyid = key.id().to_string();
    Ok(Answer {
        status: 0,
        document: json!({"schema": "netghost.key_trust/v1", "keyid": keyid}),
        text: format!("{keyid}\n"),
        next: Some("Baselines that it sealed can be imported from now on.".to_owned()),
    })
}
