//! The keys whose seals are taken.

use netghost_core::artifact::key::PublicKey;
use netghost_core::audit::{Event, Outcome};
use sqlx::Row;

use crate::Controller;
use crate::store::{Error, Store};
use crate::{audit, keys};

/// Takes baselines from now on that this key sealed: that of another controller, from which baselines are imported. Who names
/// it vouches for it; it is written down.
pub async fn trust(store: &Store, now_us: u64, actor: &str, key: &PublicKey) -> Result<(), Error> {
    let pem = key.to_pem().map_err(|error| Error::Damaged {
        what: format!("the key {} ({error})", key.id()),
    })?;
    let mut transaction = store.begin().await?;
    let new = sqlx::query("INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
        .bind(format!("trusted_key/{}", key.id()))
        .bind(pem)
        .execute(&mut *transaction)
        .await?;
    if new.rows_affected() > 0 {
        let event = Event::new(actor, "key.trust", Outcome::Done).target(key.id());
        audit::append(&mut transaction, now_us, event).await?;
    }
    Ok(transaction.commit().await?)
}

/// This controller's key, all that it ever had, and those that are trusted.
pub(crate) async fn known_keys(controller: &Controller) -> Result<Vec<PublicKey>, Error> {
    let mut known = vec![controller.signer.public().clone()];
    known.extend(
        keys::published(&controller.store)
            .await?
            .into_iter()
            .map(|row| row.key),
    );
    let rows = sqlx::query("SELECT name, value FROM settings WHERE name LIKE 'trusted_key/%'")
        .fetch_all(controller.store.pool())
        .await?;
    for row in rows {
        let (name, pem): (String, String) = (row.try_get("name")?, row.try_get("value")?);
        let key = PublicKey::from_pem(&pem).ok();
        let key = key.filter(|key| name.strip_prefix("trusted_key/") == Some(key.id().to_string().as_str()));
        known.push(key.ok_or_else(|| Error::Damaged {
            what: name.replace('/', " "),
        })?);
    }
    Ok(known)
}
