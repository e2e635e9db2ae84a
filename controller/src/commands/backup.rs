//! `netghost-controller backup` and `restore`.

use std::path::PathBuf;

use netghost_controller::backup::{self, About, Error};
use netghost_controller::config::Database;
use netghost_controller::outside::Outside;
use serde_json::{Value, json};

use super::failure::Failure;
use super::{Answer, Common, local};

/// Where to.
#[derive(Debug, clap::Args)]
pub(super) struct Backup {
    /// A directory that does not exist
    to: PathBuf,
    /// With PostgreSQL: the rows are backed up by other means
    #[arg(long)]
    files_only: bool,
}

/// Where from.
#[derive(Debug, clap::Args)]
pub(super) struct Restore {
    /// A backup
    from: PathBuf,
}

impl Backup {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let to = absolute(self.to);
        let config = local::config_as_owner(common)?;
        match (&config.database, self.files_only) {
            (Some(_), false) => {
                let what = "the rows are in PostgreSQL, which has its own way to copy them";
                return Err(Failure::usage("postgresql", anyhow::anyhow!(what))
                    .hint("run pg_dump first, then this command with --files-only"));
            }
            (None, true) => {
                let what = "--files-only leaves the rows out, and they are in SQLite here";
                return Err(Failure::usage("wrong_use", anyhow::anyhow!(what)).hint("leave it out"));
            }
            _ => {}
        }
        local::authority(&config)?;
        local::block_on(async {
            let store = local::store(&config).await?;
            let written = backup::write(&store, &to, &Outside::real()).await;
            store.pool().close().await;
            let about = written.map_err(failure)?;
            Ok(Answer {
                status: 0,
                document: document(&about),
                text: format!("{}\n", to.display()),
                next: Some("It holds private keys: keep it as secret as the store.".to_owned()),
            })
        })
    }
}

impl Restore {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let from = absolute(self.from);
        let config = local::config_as_owner(common)?;
        let directory = config.directory.as_path();
        let url = config.database.as_ref().map(Database::reveal);
        local::block_on(async {
            let outside = Outside::real();
            let (about, whole) = backup::restore(&from, directory, url, &outside)
                .await
                .map_err(failure)?;
            Ok(Answer {
                status: 0,
                document: document(&about),
                text: format!(
                    "{} audit records and {} objects checked, restored to {}\n",
                    whole.audit.records,
                    whole.objects,
                    directory.display()
                ),
                next: Some("Next: start the controller.".to_owned()),
            })
        })
    }
}

/// Before the process becomes another user, who may see another working directory.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

fn document(about: &About) -> Value {
    json!({
        "schema": about.schema,
        "tool": about.tool,
        "controller": about.controller,
        "at_us": about.at_us.to_string(),
        "rows": about.rows,
    })
}

fn failure(error: Error) -> Failure {
    match error {
        Error::Exists(_) => Failure::usage("exists", error),
        Error::NotABackup(_) => Failure::usage("not_the_format", error),
        Error::Rows(_) => Failure::usage("rows_elsewhere", error),
        Error::Edited { .. } | Error::Object(_) | Error::Missing { .. } | Error::OtherKey => {
            Failure::failed("edited", error).hint("nothing was written; use another backup")
        }
        Error::Audit(_) => Failure::failed("audit", error).hint("nothing was written; use another backup"),
        Error::Store(_) | Error::File { .. } | Error::Authority(_) | Error::Key(_) | Error::Canonical(_) => {
            Failure::failed("backup", error)
        }
    }
}
