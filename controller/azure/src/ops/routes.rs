//! Route tables and their routes.

use netghost_core::azure::id::ResourceId;
use serde_json::Value;

use super::{api, change};
use crate::answer::Answer;
use crate::error::ArmError;
use crate::within::{At, Within};

const TABLE: &str = "Microsoft.Network/routeTables";
const ROUTE: &str = "Microsoft.Network/routeTables/routes";

impl Within<'_> {
    /// A route table. Needs `Microsoft.Network/routeTables/read`.
    ///
    /// # Errors
    /// As [`ArmError`] says; so do all calls.
    pub async fn route_table(self, table: &ResourceId) -> Result<Answer, ArmError> {
        self.read(At::new(self.of_kind(table, TABLE)?, api::NETWORK))
            .await
    }

    /// A route. Needs `Microsoft.Network/routeTables/routes/read`.
    pub async fn route(self, route: &ResourceId) -> Result<Answer, ArmError> {
        self.read(At::new(self.of_kind(route, ROUTE)?, api::NETWORK))
            .await
    }

    /// Makes or replaces a route, where `etag` is given only that version of it. Needs `…/routes/write`.
    pub async fn put_route(
        self,
        route: &ResourceId,
        body: Value,
        etag: Option<&str>,
    ) -> Result<Answer, ArmError> {
        self.put(
            At::new(self.of_kind(route, ROUTE)?, api::NETWORK),
            change(body, etag),
        )
        .await
    }

    /// Deletes a route, where `etag` is given only that version of it. Needs `…/routes/delete`.
    pub async fn delete_route(self, route: &ResourceId, etag: Option<&str>) -> Result<Answer, ArmError> {
        self.remove(route, ROUTE, etag).await
    }
}
