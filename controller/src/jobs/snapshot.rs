//! What is stored, checked whole before anything is concluded from it.

use std::collections::BTreeMap;

use netghost_core::artifact::certificate;
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::key::PublicKey;
use netghost_core::artifact::manifest::{self, Manifest, ObjectError};
use netghost_core::job::baseline::{Baseline, sealed_document};
use netghost_core::snapshot::Snapshot;

use super::trusted::known_keys;
use crate::Controller;
use crate::store::baselines::BaselineRow;
use crate::store::jobs::TargetRow;
use crate::store::{Error, commands};

/// Why stored content gives no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// It is missing, was edited or can't be read: what rests on it is unknown.
    #[error("{0}")]
    Content(String),
    /// The database is away: it can be tried again.
    #[error(transparent)]
    Store(Error),
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        match error {
            // Its work was dropped with the process, which says nothing of the object.
            Error::Objects(object_store::Error::JoinError { source }) if source.is_cancelled() => {
                Self::Store(Error::Ending(source))
            }
            Error::Missing { .. } | Error::Damaged { .. } | Error::Objects(_) => Self::Content(chain(&error)),
            error => Self::Store(error),
        }
    }
}

/// Work of the controller's own that came to no end: dropped as the process ends, else by a fault of the controller.
pub(super) fn joined(error: tokio::task::JoinError) -> Broken {
    if error.is_cancelled() {
        Broken::Store(Error::Ending(error))
    } else {
        content("a fault of the controller", &error)
    }
}

/// An error with all that is behind it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

fn content(what: &str, error: &dyn std::error::Error) -> Broken {
    Broken::Content(format!("{what}: {}", chain(error)))
}

/// A baseline whose seal is good, and is over what stands in the store.
#[derive(Debug)]
pub(crate) struct Sealed {
    /// The baseline.
    pub(crate) baseline: Baseline,
    /// Its bytes.
    pub(crate) document: Vec<u8>,
    /// The seal's bytes.
    pub(crate) seal: Vec<u8>,
    /// The key that sealed it.
    pub(crate) key: PublicKey,
}

/// The sealed content of a baseline. Its rows must say the same.
pub(crate) async fn sealed(controller: &Controller, row: &BaselineRow) -> Result<Sealed, Broken> {
    let seal = controller.store.get_object(&row.seal).await?;
    let keys = known_keys(controller).await?;
    let verified =
        certificate::verify(&seal, &keys).map_err(|error| content("the baseline's seal", &error))?;
    let edited =
        |what: &str| Broken::Content(format!("baseline {} was edited in the store: {what}", row.name));
    let digest = sealed_document(&verified.statement).ok_or_else(|| edited("its seal is another's"))?;
    let document = controller.store.get_object(&digest).await?;
    let baseline = Baseline::read(&document).map_err(|error| content("the baseline", &error))?;
    baseline
        .is_sealed_by(&document, &verified.statement)
        .map_err(|error| content("the baseline", &error))?;
    if !says_the_same(row, &baseline) {
        return Err(edited("its rows are not what was sealed"));
    }
    let key = keys.into_iter().find(|key| key.id() == verified.keyid);
    Ok(Sealed {
        baseline,
        document,
        seal,
        key: key.ok_or_else(|| edited("its seal states another key"))?,
    })
}

fn says_the_same(row: &BaselineRow, sealed: &Baseline) -> bool {
    let text = |text: &Option<netghost_core::bytes::Text>| {
        text.as_ref().map(ToString::to_string).unwrap_or_default()
    };
    row.name == sealed.name.as_str()
        && row.created_at_us == sealed.created_at_us.0
        && row.created_by == sealed.created_by.to_string()
        && row.ticket == text(&sealed.ticket)
        && row.note == text(&sealed.note)
        && row.members == sealed.members
}

/// What a target sent. Its manifest must have been taken for its command: an edited row could name any other.
pub(super) async fn taken(
    controller: &Controller,
    target: &TargetRow,
    digest: &Digest,
) -> Result<(Manifest, Snapshot), Broken> {
    let loaded = load(controller, digest).await?;
    let mut connection = controller.store.pool().acquire().await.map_err(Error::from)?;
    let whose = commands::manifest_of(&mut connection, digest).await?;
    if whose != Some((target.identity, target.command)) {
        return Err(Broken::Content(format!(
            "manifest {digest} was not taken for its command: the job was edited in the store"
        )));
    }
    Ok(loaded)
}

/// A stored snapshot, with everything that it consists of, each digest checked.
pub(crate) async fn load(controller: &Controller, digest: &Digest) -> Result<(Manifest, Snapshot), Broken> {
    let bytes = controller.store.get_object(digest).await?;
    let manifest = Manifest::read(&bytes).map_err(|error| content("the manifest", &error))?;
    let mut objects = BTreeMap::new();
    for entry in &manifest.sections {
        let parts = [entry.config_digest, entry.runtime_digest, entry.raw_digest];
        for digest in parts.into_iter().flatten() {
            let found = controller.store.get_object(&digest).await;
            let bytes = found.map_err(|error| match Broken::from(error) {
                Broken::Content(why) => Broken::Content(format!("section {}: {why}", entry.name)),
                store => store,
            })?;
            objects.insert(digest, bytes);
        }
    }
    let get = move |digest: &Digest| objects.get(digest).cloned().ok_or(ObjectError::Missing);
    let snapshot = tokio::task::spawn_blocking(move || manifest::load(&bytes, &get))
        .await
        .map_err(joined)?
        .map_err(|error| content("the snapshot", &error))?;
    Ok((manifest, snapshot))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How a task ended that was dropped, or that met a fault.
    async fn ended(dropped: bool) -> tokio::task::JoinError {
        let task = tokio::spawn(async move {
            if dropped {
                std::future::pending::<()>().await;
            }
            std::panic::resume_unwind(Box::new("a fault"));
        });
        if dropped {
            task.abort();
        }
        task.await.unwrap_err()
    }

    #[tokio::test]
    async fn what_is_dropped_as_the_process_ends_says_nothing_of_what_is_stored() {
        let object = |source| Broken::from(Error::Objects(object_store::Error::JoinError { source }));
        for dropped in [true, false] {
            for broken in [object(ended(dropped).await), joined(ended(dropped).await)] {
                let is_ending = matches!(broken, Broken::Store(Error::Ending(_)));
                assert_eq!(is_ending, dropped, "{broken:?}");
            }
        }
    }
}
