//! Copies of everything that a controller keeps, taken while it runs, and their way back.
//!
//! A backup is a directory that `sha256sum -c SHA256SUMS` checks: `netghost.db` (SQLite), `objects/`, `pki/`, `keys/`, and
//! `backup.json`, which says what it is. It holds private keys and is as secret as the store. With PostgreSQL the rows are
//! PostgreSQL's to back up; the backup holds the files.

use std::path::{Path, PathBuf};

use netghost_core::artifact::json;
use netghost_core::artifact::sums;
use netghost_core::audit::{Event, Outcome};
use netghost_core::bytes::Big;
use serde::{Deserialize, Serialize};

use crate::outside::Outside;
use crate::store::{self, Store};
use crate::{audit, files};

mod check;
mod restore;
mod tree;

pub use check::Whole;
pub use restore::restore;

/// The schema of `backup.json`.
pub const SCHEMA: &str = "netghost.backup/v1";
/// What says what a backup is.
const ABOUT: &str = "backup.json";
/// The rows in SQLite.
const DATABASE: &str = "netghost.db";
/// Directories of files; the authority stands last, since a store is there when it is.
const DIRECTORIES: [&str; 3] = ["objects", "keys", "pki"];

/// What a backup is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// [`SCHEMA`].
    pub schema: String,
    /// The program that wrote it.
    pub tool: String,
    /// The controller's id.
    pub controller: String,
    /// When it was taken, microseconds since 1970 UTC by the controller's clock.
    pub at_us: Big,
    /// `sqlite` if the rows are in it, `postgresql` if they are not.
    pub rows: Rows,
}

/// Where the rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rows {
    /// In the backup.
    Sqlite,
    /// In a database of their own, which is backed up by its own means.
    Postgresql,
}

/// Why there is no backup, or none was restored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A file or directory.
    #[error("{what} {}", .path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Something is there already.
    #[error("{} exists and is not empty: nothing is ever overwritten, name another directory", .0.display())]
    Exists(PathBuf),
    /// The files are not those that were written.
    #[error("the backup {}", .path.display())]
    Edited {
        /// Where it is.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: sums::SumsError,
    },
    /// Not a backup, or one of another version.
    #[error("{} is not a backup that this version reads", .0.display())]
    NotABackup(PathBuf),
    /// An object in the store has other content than its name says.
    #[error("object {0} was edited or damaged")]
    Object(String),
    /// An object that a row names is not there.
    #[error("object {digest}, {of}, is missing")]
    Missing {
        /// Its digest.
        digest: String,
        /// What names it.
        of: String,
    },
    /// The audit log.
    #[error(transparent)]
    Audit(#[from] audit::CheckError),
    /// The authority.
    #[error(transparent)]
    Authority(#[from] crate::pki::Error),
    /// The signing key.
    #[error(transparent)]
    Key(#[from] crate::keys::Error),
    /// The signing key is another.
    #[error("the signing key in the backup never signed for its rows: both must be from one backup")]
    OtherKey,
    /// The rows are where the configuration doesn't look for them.
    #[error("{0}")]
    Rows(&'static str),
    /// A value without canonical form; a fault of this program.
    #[error(transparent)]
    Canonical(#[from] json::CanonicalError),
}

pub(crate) fn failed(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error + use<> {
    let path = path.to_path_buf();
    move |source| Error::File { what, path, source }
}

/// Writes a backup to a new directory, which has its name only when it is whole. The controller may run meanwhile.
pub async fn write(store: &Store, to: &Path, outside: &Outside) -> Result<About, Error> {
    if to.symlink_metadata().is_ok() {
        return Err(Error::Exists(to.to_path_buf()));
    }
    let unfinished = files::unfinished(to).map_err(failed("write", to))?;
    tree::remove(&unfinished)?;
    tree::make(&unfinished)?;
    let written = fill(store, &unfinished, to, outside).await;
    let finished = written.and_then(|about| {
        tree::sync(&unfinished)?;
        std::fs::rename(&unfinished, to)
            .and_then(|()| files::sync_parent(to))
            .map_err(failed("write", to))?;
        Ok(about)
    });
    if finished.is_err() {
        // Private keys are in it.
        tree::remove(&unfinished)?;
    }
    finished
}

async fn fill(store: &Store, unfinished: &Path, to: &Path, outside: &Outside) -> Result<About, Error> {
    let about = About {
        schema: SCHEMA.to_owned(),
        tool: crate::tool(),
        controller: store.controller_id(outside).await?.to_string(),
        at_us: Big(outside.now_us()),
        rows: if store.is_sqlite() {
            Rows::Sqlite
        } else {
            Rows::Postgresql
        },
    };
    let event = Event::new("user/local", "store.backup", Outcome::Done).target(to.display());
    let mut transaction = store.begin().await?;
    audit::append(&mut transaction, about.at_us.0, event).await?;
    transaction.commit().await.map_err(store::Error::from)?;
    // The rows first: objects are never removed, so those that these rows name are there.
    if store.is_sqlite() {
        let database = unfinished.join(DATABASE);
        sqlx::query("VACUUM INTO $1")
            .bind(database.display().to_string())
            .execute(store.pool())
            .await
            .map_err(store::Error::from)?;
        tree::private(&database)?;
    }
    for directory in DIRECTORIES {
        tree::copy(&store.directory().join(directory), &unfinished.join(directory))?;
    }
    let bytes = json::to_vec(&about)?;
    let path = unfinished.join(ABOUT);
    files::create(&path, 0o600, &bytes).map_err(failed("write", &path))?;
    let sums = tree::sums(unfinished)?;
    check::objects(&sums)?;
    let path = unfinished.join(sums::NAME);
    files::create(&path, 0o600, sums::write(&sums).as_bytes()).map_err(failed("write", &path))?;
    Ok(about)
}
