//! What the controller keeps: rows in SQLite or PostgreSQL, and large content as objects addressed by digest.
//!
//! Queries are written once, for both: `$1` placeholders, BIGINT (booleans 0/1, times in microseconds since 1970 UTC), TEXT
//! and bytes. What must happen once happens by a conditional UPDATE inside one transaction.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use sqlx::any::{Any, AnyPoolOptions};
use sqlx::{AnyPool, Connection, Transaction};

pub mod actions;
pub mod approvers;
pub mod attested;
pub mod baselines;
pub mod certificates;
mod columns;
pub mod commands;
pub mod identities;
pub mod jobs;
pub mod journal;
pub mod objects;
pub mod presence;
pub mod schedules;
mod settings;
mod status;
pub mod tokens;
pub mod uploads;
pub mod windows;

/// A store that is open.
#[derive(Debug, Clone)]
pub struct Store {
    pool: AnyPool,
    sqlite: bool,
    objects: Arc<dyn ObjectStore>,
    directory: PathBuf,
}

/// Why the store could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused or is gone.
    #[error("the store's database")]
    Database(#[source] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the store's schema could not be brought up to date")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The object store refused or is gone.
    #[error("the store's objects")]
    Objects(#[from] object_store::Error),
    /// A directory or file of the store.
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
    /// The process ends, and what was begun is left to the next one: nothing was learnt.
    #[error("the process ends")]
    Ending(#[source] tokio::task::JoinError),
    /// An object is not there.
    #[error("object {digest} is missing in the store")]
    Missing {
        /// Its address.
        digest: netghost_core::artifact::json::Digest,
    },
    /// Something stored is not what was written.
    #[error("{what} was edited or damaged in the store")]
    Damaged {
        /// What it is.
        what: String,
    },
    /// The system gives no randomness.
    #[error("draw random bytes")]
    Random(#[source] getrandom::Error),
    /// A value without canonical form; a fault of this program.
    #[error(transparent)]
    Canonical(#[from] netghost_core::artifact::json::CanonicalError),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        crate::metrics::DATABASE_ERRORS.add(1);
        Self::Database(error)
    }
}

impl Store {
    /// Opens the store in a directory, making it at first, and brings its schema up to date.
    ///
    /// `database` is a PostgreSQL URL, or nothing for a SQLite file in the directory.
    pub async fn open(directory: &Path, database: Option<&str>) -> Result<Self, Error> {
        sqlx::any::install_default_drivers();
        let file = |what| {
            let path = directory.to_path_buf();
            move |source| Error::File { what, path, source }
        };
        private_directory(directory).map_err(file("make"))?;
        private_directory(&directory.join("objects")).map_err(file("make"))?;
        let sqlite = database.is_none();
        let url = database.map_or_else(
            || format!("sqlite://{}?mode=rwc", directory.join("netghost.db").display()),
            str::to_owned,
        );
        let pool = AnyPoolOptions::new()
            .max_connections(8)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if sqlite {
                        // A commit is on the disk when it returns; readers don't wait for writers.
                        for line in [
                            "PRAGMA journal_mode = WAL",
                            "PRAGMA synchronous = FULL",
                            "PRAGMA busy_timeout = 30000",
                            "PRAGMA foreign_keys = ON",
                        ] {
                            sqlx::query(line).execute(&mut *connection).await?;
                        }
                    }
                    Ok(())
                })
            })
            // A commit that a full disk refused can leave its connection inside the transaction for ever: it is closed, not
            // handed out again.
            .before_acquire(|connection, _| {
                let free = !connection.is_in_transaction();
                Box::pin(async move { Ok(free) })
            })
            .connect(&url)
            .await?;
        if sqlite {
            sqlx::migrate!("migrations/sqlite").run(&pool).await?;
        } else {
            sqlx::migrate!("migrations/postgres").run(&pool).await?;
        }
        let objects = LocalFileSystem::new_with_prefix(directory.join("objects"))?.with_fsync(true);
        Ok(Self {
            pool,
            sqlite,
            objects: Arc::new(objects),
            directory: directory.to_path_buf(),
        })
    }

    /// True if the rows are in SQLite, false if in PostgreSQL.
    pub fn is_sqlite(&self) -> bool {
        self.sqlite
    }

    /// For reading.
    pub fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Begins a transaction that will write: in SQLite the write lock is taken at once, so that what was read in it stays
    /// true until it commits.
    pub async fn begin(&self) -> Result<Transaction<'static, Any>, Error> {
        let statement = if self.sqlite { "BEGIN IMMEDIATE" } else { "BEGIN" };
        Ok(self.pool.begin_with(statement).await?)
    }

    /// Large content, by digest.
    pub fn objects(&self) -> &Arc<dyn ObjectStore> {
        &self.objects
    }

    /// Where the store keeps its files.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

/// Makes a directory that only its owner can enter.
pub(crate) fn private_directory(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

/// A time as a column holds it.
pub fn column(us: u64) -> i64 {
    i64::try_from(us).unwrap_or(i64::MAX)
}

/// A count or time from a column.
pub fn value(column: i64) -> u64 {
    u64::try_from(column).unwrap_or(0)
}
