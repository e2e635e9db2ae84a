//! Network security groups and their rules.

use netghost_core::azure::id::ResourceId;
use serde_json::Value;

use super::{api, change};
use crate::answer::Answer;
use crate::error::ArmError;
use crate::within::{At, Within};

const GROUP: &str = "Microsoft.Network/networkSecurityGroups";
const RULE: &str = "Microsoft.Network/networkSecurityGroups/securityRules";

impl Within<'_> {
    /// A network security group. Needs `Microsoft.Network/networkSecurityGroups/read`.
    ///
    /// # Errors
    /// As [`ArmError`] says; so do all calls.
    pub async fn security_group(self, group: &ResourceId) -> Result<Answer, ArmError> {
        self.read(At::new(self.of_kind(group, GROUP)?, api::NETWORK))
            .await
    }

    /// A rule. Needs `Microsoft.Network/networkSecurityGroups/securityRules/read`.
    pub async fn security_rule(self, rule: &ResourceId) -> Result<Answer, ArmError> {
        self.read(At::new(self.of_kind(rule, RULE)?, api::NETWORK)).await
    }

    /// Makes or replaces a rule, where `etag` is given only that version of it. Needs `…/securityRules/write`.
    pub async fn put_security_rule(
        self,
        rule: &ResourceId,
        body: Value,
        etag: Option<&str>,
    ) -> Result<Answer, ArmError> {
        self.put(
            At::new(self.of_kind(rule, RULE)?, api::NETWORK),
            change(body, etag),
        )
        .await
    }

    /// Deletes a rule, where `etag` is given only that version of it. Needs `…/securityRules/delete`.
    pub async fn delete_security_rule(
        self,
        rule: &ResourceId,
        etag: Option<&str>,
    ) -> Result<Answer, ArmError> {
        self.remove(rule, RULE, etag).await
    }
}
