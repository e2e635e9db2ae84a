//! Whether a store is whole.

use std::collections::BTreeMap;

use netghost_core::artifact::json::{self, Digest};
use netghost_core::artifact::manifest::Manifest;
use netghost_core::artifact::sums::Sums;
use netghost_core::audit::Verified;
use sqlx::Row;

use super::Error;
use crate::audit;
use crate::store::{self, Store};

/// Columns that name objects, and what these are.
const NAMED: [(&str, &str); 6] = [
    ("SELECT DISTINCT digest AS d FROM manifests", "a manifest"),
    ("SELECT DISTINCT seal AS d FROM baselines", "a seal"),
    (
        "SELECT DISTINCT manifest AS d FROM baseline_members",
        "a manifest of a baseline",
    ),
    ("SELECT DISTINCT certificate AS d FROM jobs", "a certificate"),
    ("SELECT DISTINCT document AS d FROM jobs", "a comparison"),
    (
        "SELECT DISTINCT document AS d FROM job_targets",
        "a comparison of one target",
    ),
];

/// What was found whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// The audit log.
    pub audit: Verified,
    /// How many objects the rows name.
    pub objects: usize,
}

/// Holds every object among these files to its name.
pub(super) fn objects(sums: &Sums) -> Result<(), Error> {
    for (path, digest) in sums {
        let Some(name) = path.strip_prefix("objects/sha256/") else {
            continue;
        };
        if name.replacen('/', "", 1) != digest.to_string() {
            return Err(Error::Object(name.replacen('/', "", 1)));
        }
    }
    Ok(())
}

/// Checks the whole audit log, and that every object that a row or a manifest names is there and what it was.
pub(super) async fn store(store: &Store) -> Result<Whole, Error> {
    let audit = audit::whole(store, &[]).await?;
    let mut wanted = BTreeMap::new();
    for (query, of) in NAMED {
        for digest in named(store, query, of).await? {
            wanted.entry(digest).or_insert(of);
        }
    }
    let mut found = wanted.len();
    for (digest, of) in wanted {
        let bytes = get(store, &digest, of).await?;
        if of.starts_with("a manifest") {
            found += manifest(store, &digest, &bytes).await?;
        }
    }
    Ok(Whole {
        audit,
        objects: found,
    })
}

async fn named(store: &Store, query: &'static str, of: &str) -> Result<Vec<Digest>, Error> {
    let rows = sqlx::query(query)
        .fetch_all(store.pool())
        .await
        .map_err(store::Error::from)?;
    let mut digests = Vec::new();
    for row in rows {
        let text: String = row.try_get("d").map_err(store::Error::from)?;
        if text.is_empty() {
            continue;
        }
        digests.push(Digest::parse(&text).ok_or_else(|| store::Error::Damaged {
            what: format!("the digest of {of}"),
        })?);
    }
    Ok(digests)
}

async fn get(store: &Store, digest: &Digest, of: &str) -> Result<Vec<u8>, Error> {
    match store.get_object(digest).await {
        Err(store::Error::Missing { digest }) => Err(Error::Missing {
            digest: digest.to_string(),
            of: of.to_owned(),
        }),
        got => Ok(got?),
    }
}

/// How many objects the sections of a manifest name; all of them are there.
async fn manifest(store: &Store, digest: &Digest, bytes: &[u8]) -> Result<usize, Error> {
    let manifest: Manifest = json::from_slice(bytes).map_err(|_| Error::Object(digest.to_string()))?;
    let of = format!("of manifest {digest}");
    let mut count = 0;
    for section in &manifest.sections {
        for object in [section.config_digest, section.runtime_digest, section.raw_digest]
            .iter()
            .flatten()
        {
            get(store, object, &of).await?;
            count += 1;
        }
    }
    Ok(count)
}
