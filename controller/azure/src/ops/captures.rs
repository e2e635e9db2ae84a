//! Packet captures of Network Watcher, from their making to their end.

use netghost_core::azure::id::ResourceId;
use serde_json::Value;

use super::{api, bare, change};
use crate::answer::Answer;
use crate::error::ArmError;
use crate::pages::Pages;
use crate::within::{At, Within};

const CAPTURE: &str = "Microsoft.Network/networkWatchers/packetCaptures";

impl Within<'_> {
    /// Begins a capture. Needs `Microsoft.Network/networkWatchers/packetCaptures/write`, and rights on the VM and the storage.
    ///
    /// # Errors
    /// As [`ArmError`] says; so do all calls.
    pub async fn create_capture(self, capture: &ResourceId, body: Value) -> Result<Answer, ArmError> {
        self.put(
            At::new(self.of_kind(capture, CAPTURE)?, api::NETWORK),
            change(body, None),
        )
        .await
    }

    /// A capture as it was asked for. Needs `…/packetCaptures/read`.
    pub async fn capture(self, capture: &ResourceId) -> Result<Answer, ArmError> {
        self.read(At::new(self.of_kind(capture, CAPTURE)?, api::NETWORK))
            .await
    }

    /// The captures of a network watcher. Needs `…/packetCaptures/read`.
    pub async fn captures(self, watcher: &ResourceId) -> Result<Pages, ArmError> {
        let watcher = self.of_kind(watcher, "Microsoft.Network/networkWatchers")?;
        self.list(At::new(&format!("{watcher}/packetCaptures"), api::NETWORK))
            .await
    }

    /// Whether it runs, and why not. Needs `…/packetCaptures/queryStatus/action`.
    pub async fn capture_status(self, capture: &ResourceId) -> Result<Answer, ArmError> {
        let path = format!("{}/queryStatus", self.of_kind(capture, CAPTURE)?);
        let answer = self.post(At::new(&path, api::NETWORK), bare(None)).await?;
        self.result(&format!("POST {path}"), answer)
    }

    /// Ends a capture. Needs `…/packetCaptures/stop/action`.
    pub async fn stop_capture(self, capture: &ResourceId) -> Result<Answer, ArmError> {
        let path = format!("{}/stop", self.of_kind(capture, CAPTURE)?);
        self.post(At::new(&path, api::NETWORK), bare(None)).await
    }

    /// Deletes a capture; what it stored stays. Needs `…/packetCaptures/delete`.
    pub async fn delete_capture(self, capture: &ResourceId) -> Result<Answer, ArmError> {
        self.remove(capture, CAPTURE, None).await
    }
}
