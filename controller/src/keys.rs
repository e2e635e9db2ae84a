//! The key that signs certificates of drift, seals and heads of the audit log. It is not the CA's.
//!
//! The private half is a file; every public half that ever signed is published in the store, with its period.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use netghost_core::artifact::key::{KeyError, PublicKey, Signer};
use netghost_core::audit::{Event, Outcome};
use sqlx::Row;

use crate::outside::Outside;
use crate::store::{self, Store};
use crate::{audit, files};

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be read or written.
    #[error("{what} {}", .path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file holds no key.
    #[error("the signing key {}", .path.display())]
    Key {
        /// The path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: KeyError,
    },
    /// Others can read the private key.
    #[error("the signing key {} is open to others: make it 0600, and rotate it if somebody may have read it", .path.display())]
    IsOpen {
        /// The path.
        path: PathBuf,
    },
    /// The system gives no randomness.
    #[error("draw a key")]
    Random(#[source] getrandom::Error),
}

/// A key that signs or signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its public half.
    pub key: PublicKey,
    /// Since when, microseconds since 1970 UTC by the controller's clock.
    pub from_us: u64,
    /// Until when; nothing while it signs.
    pub until_us: Option<u64>,
}

/// Where the private key of a store in this directory is.
pub fn path(directory: &Path) -> PathBuf {
    directory.join("keys").join("signing.pem")
}

/// Makes the key; there must be none.
pub fn create(directory: &Path, outside: &Outside) -> Result<Signer, Error> {
    let path = path(directory);
    let parent = path.parent().unwrap_or(directory);
    store::private_directory(parent).map_err(|source| Error::File {
        what: "make",
        path: parent.to_path_buf(),
        source,
    })?;
    let signer = draw(&path, outside)?;
    write(&path, &signer, files::create)?;
    Ok(signer)
}

/// Reads the key.
pub fn open(directory: &Path) -> Result<Signer, Error> {
    let path = path(directory);
    let file = |what| {
        let path = path.clone();
        move |source| Error::File { what, path, source }
    };
    let pem = zeroize::Zeroizing::new(fs::read_to_string(&path).map_err(file("read"))?);
    if files::open_to_others(&path).map_err(file("read"))? != 0 {
        return Err(Error::IsOpen { path });
    }
    Signer::from_pem(&pem).map_err(|source| Error::Key { path, source })
}

/// Reads the key, or makes it where there is none.
pub fn open_or_create(directory: &Path, outside: &Outside) -> Result<Signer, Error> {
    match open(directory) {
        Err(Error::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            create(directory, outside).or_else(|_| open(directory))
        }
        opened => opened,
    }
}

/// Puts a new key in the place of the old one. It is published first, so that nothing is ever signed by a key that is not. A
/// controller that runs signs with the old one until it is started again, which ends the old one's period.
pub async fn rotate(store: &Store, directory: &Path, outside: &Outside) -> Result<Signer, RotateError> {
    let path = path(directory);
    open(directory)?;
    let signer = draw(&path, outside)?;
    let now_us = outside.now_us();
    let mut transaction = store.begin().await?;
    insert(&mut transaction, signer.public(), now_us).await?;
    let event = Event::new("user/local", "key.rotate", Outcome::Done).target(signer.public().id());
    audit::append(&mut transaction, now_us, event).await?;
    transaction.commit().await.map_err(store::Error::from)?;
    write(&path, &signer, files::replace)?;
    Ok(signer)
}

/// Why a key was not replaced.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The key.
    #[error(transparent)]
    Key(#[from] Error),
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
}

fn draw(path: &Path, outside: &Outside) -> Result<Signer, Error> {
    let seed = zeroize::Zeroizing::new(outside.random().map_err(Error::Random)?);
    Signer::from_seed(&seed).map_err(|source| Error::Key {
        path: path.to_path_buf(),
        source,
    })
}

fn write(path: &Path, signer: &Signer, put: fn(&Path, u32, &[u8]) -> io::Result<()>) -> Result<(), Error> {
    let pem = signer.to_pem().map_err(|source| Error::Key {
        path: path.to_path_buf(),
        source,
    })?;
    put(path, 0o600, pem.as_bytes()).map_err(|source| Error::File {
        what: "write",
        path: path.to_path_buf(),
        source,
    })
}

async fn insert(
    transaction: &mut sqlx::AnyConnection,
    key: &PublicKey,
    now_us: u64,
) -> Result<u64, store::Error> {
    let pem = key.to_pem().map_err(|_| store::Error::Damaged {
        what: "the signing key".to_owned(),
    })?;
    let new = sqlx::query(
        "INSERT INTO signing_keys (keyid, pem, from_us) VALUES ($1, $2, $3) ON CONFLICT (keyid) DO NOTHING",
    )
    .bind(key.id().to_string())
    .bind(pem)
    .bind(store::column(now_us))
    .execute(transaction)
    .await?;
    Ok(new.rows_affected())
}

/// Publishes the key that signs from now on, and ends the period of every other. Nothing happens if that is so already.
pub async fn publish(store: &Store, key: &PublicKey, now_us: u64) -> Result<(), store::Error> {
    let keyid = key.id().to_string();
    let mut transaction = store.begin().await?;
    let new = insert(&mut transaction, key, now_us).await?;
    let ended = sqlx::query("UPDATE signing_keys SET until_us = $1 WHERE keyid <> $2 AND until_us IS NULL")
        .bind(store::column(now_us))
        .bind(keyid.clone())
        .execute(&mut *transaction)
        .await?;
    if new + ended.rows_affected() > 0 {
        let event = Event::new("controller", "key.publish", Outcome::Done).target(keyid);
        audit::append(&mut transaction, now_us, event).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Every key that signs or signed, the oldest first.
pub async fn published(store: &Store) -> Result<Vec<Published>, store::Error> {
    let rows = sqlx::query("SELECT keyid, pem, from_us, until_us FROM signing_keys ORDER BY from_us, keyid")
        .fetch_all(store.pool())
        .await?;
    let mut keys = Vec::with_capacity(rows.len());
    for row in rows {
        let keyid: String = row.try_get("keyid")?;
        let pem: String = row.try_get("pem")?;
        let from_us: i64 = row.try_get("from_us")?;
        let until_us: Option<i64> = row.try_get("until_us")?;
        let key = PublicKey::from_pem(&pem)
            .ok()
            .filter(|key| key.id().to_string() == keyid);
        keys.push(Published {
            key: key.ok_or_else(|| store::Error::Damaged {
                what: format!("the published key {keyid}"),
            })?,
            from_us: store::value(from_us),
            until_us: until_us.map(store::value),
        });
    }
    Ok(keys)
}

/// The public halves of [`published`].
pub async fn public(store: &Store) -> Result<Vec<PublicKey>, store::Error> {
    Ok(published(store)
        .await?
        .into_iter()
        .map(|published| published.key)
        .collect())
}
