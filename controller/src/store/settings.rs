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
        if let Some(id) = self.setting(CONTROLLER_ID).await? {
            return Id::parse(&id).map_err(|_| damaged());
        }
        let id = outside.id().map_err(Error::Random)?;
        sqlx::query("INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(CONTROLLER_ID)
            .bind(id.to_string())
            .execute(self.pool())
            .await?;
        // Another process may have been first.
        let id = self.setting(CONTROLLER_ID).await?.ok_or_else(damaged)?;
        Id::parse(&id).map_err(|_| damaged())
    }

    /// The value of a setting, if it is set.
    pub async fn setting(&self, name: &str) -> Result<Option<String>, Error> {
        let row = sqlx::query("SELECT value FROM settings WHERE name = $1")
            .bind(name)
            .fetch_optional(self.pool())
            .await?;
        Ok(row.map(|row| row.try_get("value")).transpose()?)
    }

    /// Sets a setting, whatever it was.
    pub async fn set(&self, name: &str, value: &str) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO settings (name, value) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(name)
        .bind(value)
        .execute(self.pool())
        .await?;
        Ok(())
    }
}
