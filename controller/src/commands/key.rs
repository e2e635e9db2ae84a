//! `netghost-controller key`.

use clap::Subcommand;
use netghost_controller::keys;
use netghost_controller::outside::Outside;
use serde_json::json;

use super::failure::Failure;
use super::{Answer, Common, examples, local};

/// The signing key.
#[derive(Debug, Subcommand)]
pub(super) enum Key {
    /// Put a new key in the place of the old one
    #[command(after_help = examples::KEY_ROTATE)]
    Rotate,
}

impl Key {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let Self::Rotate = self;
        let config = local::config_as_owner(common)?;
        local::authority(&config)?;
        local::block_on(async {
            let store = local::store(&config).await?;
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
        })
    }
}
