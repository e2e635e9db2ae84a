//! Single values.

use netghost_core::fleet::Id;
use sqlx::Row;

use super::{Error, Store};
use crate::outside::Outside;

/// The setting that holds the controller's id.
const CONTROLLER_ID: &str = "controller_id";

impl Store {
    /// The id of the controller whose store this is: drawn at first use, and the same ever after.
    pub async fn controller_id(&self, outside: &Outside) -> Result<Id, Error> {
        let damaged = || Error::Damaged {
            what: "the controller's id".to_owned(),
        };
        let find = || async {
            sqlx::query("SELECT value FROM settings WHERE name = $1")
                .bind(CONTROLLER_ID)
                .fetch_optional(self.pool())
                .await
        };
        if let Some(row) = find().await? {
            let id: String = row.try_get("value")?;
            return Id::parse(&id).map_err(|_| damaged());
        }
        let id = outside.id().map_err(Error::Random)?;
        sqlx::query("INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(CONTROLLER_ID)
            .bind(id.to_string())
            .execute(self.pool())
            .await?;
        // Another process may have been first.
        let row = find().await?.ok_or_else(damaged)?;
        let id: String = row.try_get("value")?;
        Id::parse(&id).map_err(|_| damaged())
    }
}
