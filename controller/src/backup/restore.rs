//! The way back.

use std::fs;
use std::path::Path;

use netghost_core::artifact::json;
use netghost_core::artifact::sums::{self, Sums};
use netghost_core::audit::{Event, Outcome};

use super::check::{self, Whole};
use super::{ABOUT, About, DATABASE, DIRECTORIES, Error, Rows, SCHEMA, failed, tree};
use crate::files::{self, UNFINISHED};
use crate::outside::Outside;
use crate::pki::Authority;
use crate::store::{self, Store};
use crate::{audit, keys};

/// Restores a backup into a directory that is empty or not there: nothing is ever overwritten.
///
/// Every file is held to its sum, every object to its name, the audit log to its signed heads, and every object that a row
/// or manifest names must be there, before anything stands in its place. The authority is put in place last.
pub async fn restore(
    from: &Path,
    to: &Path,
    database: Option<&str>,
    outside: &Outside,
) -> Result<(About, Whole), Error> {
    if !tree::is_empty(to)? {
        return Err(Error::Exists(to.to_path_buf()));
    }
    let (about, named) = read(from)?;
    match (about.rows, database) {
        (Rows::Sqlite, Some(_)) => {
            return Err(Error::Rows(
                "the backup holds the rows of a SQLite store, and the configuration names a PostgreSQL database: \
                 leave `database` out of it",
            ));
        }
        (Rows::Postgresql, None) => {
            return Err(Error::Rows(
                "the backup holds files only, its rows were in PostgreSQL: restore these with pg_restore, and name \
                 the `database` in the configuration",
            ));
        }
        _ => {}
    }
    store::private_directory(to).map_err(failed("make", to))?;
    let unfinished = to.join(format!("{UNFINISHED}restore"));
    let whole = match stage(from, &unfinished, &named, database, outside, &about).await {
        Ok(whole) => whole,
        Err(error) => {
            tree::remove(&unfinished)?;
            return Err(error);
        }
    };
    put_in_place(&unfinished, to)?;
    Ok((about, whole))
}

/// What the backup says that it is, and its files, each what it was.
fn read(from: &Path) -> Result<(About, Sums), Error> {
    let path = from.join(sums::NAME);
    let text = fs::read(&path).map_err(failed("read", &path))?;
    let edited = |source| Error::Edited {
        path: from.to_path_buf(),
        source,
    };
    let named = sums::read(&text).map_err(edited)?;
    sums::compare(&named, &tree::sums(from)?).map_err(edited)?;
    check::objects(&named)?;
    let path = from.join(ABOUT);
    let bytes = fs::read(&path).map_err(failed("read", &path))?;
    let about: Option<About> = json::from_slice(&bytes).ok();
    match about.filter(|about| about.schema == SCHEMA) {
        Some(about) => Ok((about, named)),
        None => Err(Error::NotABackup(from.to_path_buf())),
    }
}

async fn stage(
    from: &Path,
    unfinished: &Path,
    named: &Sums,
    database: Option<&str>,
    outside: &Outside,
    about: &About,
) -> Result<Whole, Error> {
    tree::remove(unfinished)?;
    tree::make(unfinished)?;
    for directory in DIRECTORIES {
        tree::copy(&from.join(directory), &unfinished.join(directory))?;
    }
    if about.rows == Rows::Sqlite {
        tree::copy_file(&from.join(DATABASE), &unfinished.join(DATABASE))?;
    }
    // What was copied, not what was there a moment ago, is what is checked.
    let mut copied = named.clone();
    copied.remove(ABOUT);
    sums::compare(&copied, &tree::sums(unfinished)?).map_err(|source| Error::Edited {
        path: from.to_path_buf(),
        source,
    })?;
    let store = Store::open(unfinished, database).await?;
    let whole = look(&store, unfinished).await;
    if whole.is_ok() {
        let event = Event::new("user/local", "store.restore", Outcome::Done)
            .target(from.display())
            .with("taken_at_us", about.at_us);
        let mut transaction = store.begin().await?;
        audit::append(&mut transaction, outside.now_us(), event).await?;
        transaction.commit().await.map_err(store::Error::from)?;
    }
    store.pool().close().await;
    whole
}

async fn look(store: &Store, directory: &Path) -> Result<Whole, Error> {
    Authority::open(&directory.join("pki"))?;
    let signer = keys::open(directory)?;
    let known = keys::public(store).await?;
    if !known.contains(signer.public()) {
        return Err(Error::OtherKey);
    }
    check::store(store).await
}

fn put_in_place(unfinished: &Path, to: &Path) -> Result<(), Error> {
    // SQLite may leave its log beside its file; a checkpoint at the last close has emptied it.
    let mut names = vec![
        DATABASE.to_owned(),
        format!("{DATABASE}-wal"),
        format!("{DATABASE}-shm"),
    ];
    names.extend(DIRECTORIES.map(str::to_owned));
    for name in names {
        let from = unfinished.join(&name);
        if from.symlink_metadata().is_ok() {
            let path = to.join(&name);
            fs::rename(&from, &path).map_err(failed("put in place", &path))?;
        }
    }
    files::sync_parent(&to.join(DATABASE)).map_err(failed("write", to))?;
    tree::remove(unfinished)
}
