//! What a certificate states of a comparison.

use serde_json::Value;

use super::{Change, Comparison, NotCovered};
use crate::artifact::certificate::{self, Changes, ShortChange};
use crate::artifact::json::{CanonicalError, Digest, value};
use crate::bytes::Text;
use crate::snapshot::Snapshot;

/// How many changes a certificate names; all are counted, and the digest is of all.
const NAMED: usize = 1_000;

/// Who asked for a comparison, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// Who.
    pub asked_by: Option<Text>,
    /// The change it belongs to.
    pub ticket: Option<Text>,
    /// The program that compared, and its version.
    pub tool: String,
}

/// A comparison has no form to be certified; a fault of this program.
#[derive(Debug, thiserror::Error)]
pub enum CertifyError {
    /// A change has no JSON form.
    #[error("a change has no JSON form")]
    Json(#[from] serde_json::Error),
    /// A change has no canonical form.
    #[error("a change has no canonical form")]
    Canonical(#[from] CanonicalError),
}

impl Comparison {
    /// The predicate of a certificate over this comparison of these snapshots.
    pub fn certify(
        &self,
        before: &Snapshot,
        after: &Snapshot,
        request: Request,
    ) -> Result<certificate::Drift, CertifyError> {
        let target = &after.target.name();
        Ok(certificate::Drift::new(certificate::Comparison {
            covered: self.covered_rows(target),
            not_covered: self.not_covered.iter().map(gap).collect(),
            changes: changes(target, &self.changes)?,
            muted: self.muted_rows(target),
            baseline_at_us: before.taken_at_us,
            current_at_us: after.taken_at_us,
            asked_by: request.asked_by,
            ticket: request.ticket,
            tool: request.tool,
        }))
    }

    fn covered_rows(&self, target: &Text) -> Vec<certificate::CoveredSection> {
        let row = |row: &super::CoveredSection| certificate::CoveredSection {
            target: target.clone(),
            section: row.section,
            reader: row.reader,
            baseline_config_digest: row.baseline_config_digest,
            current_config_digest: row.current_config_digest,
            namespace: row.namespace.clone(),
            way: None,
        };
        self.covered.iter().map(row).collect()
    }

    /// One row for each pattern and section.
    fn muted_rows(&self, target: &Text) -> Vec<certificate::Muted> {
        let mut rows: Vec<certificate::Muted> = Vec::new();
        for (muted, change) in self
            .muted
            .iter()
            .flat_map(|row| row.changes.iter().map(move |c| (row, c)))
        {
            let same = |row: &&mut certificate::Muted| {
                row.maker == muted.chain_pattern
                    && row.section == change.section
                    && row.namespace == change.namespace
            };
            match rows.iter_mut().find(same) {
                Some(row) => row.count += 1,
                None => rows.push(certificate::Muted {
                    maker: muted.chain_pattern.clone(),
                    target: target.clone(),
                    section: change.section,
                    count: 1,
                    namespace: change.namespace.clone(),
                }),
            }
        }
        rows
    }
}

fn gap(row: &NotCovered) -> certificate::NotCovered {
    let section = row.section.map(|section| section.to_string());
    let place = section
        .into_iter()
        .chain(row.mechanism.clone())
        .chain(row.path.clone());
    certificate::NotCovered {
        target: row.target.clone(),
        section: place.collect::<Vec<_>>().join(" "),
        why: row.why.clone(),
        requested: row.requested,
        namespace: row.namespace.clone(),
    }
}

fn changes(target: &Text, all: &[Change]) -> Result<Changes, CertifyError> {
    let document: Value = serde_json::to_value(all)?;
    let named = all.iter().take(NAMED).map(|change| ShortChange {
        target: target.clone(),
        section: change.section,
        kind: change.kind.to_string(),
        path: change.path.clone(),
        namespace: change.namespace.clone(),
    });
    Ok(Changes {
        count: u32::try_from(all.len()).unwrap_or(u32::MAX),
        digest: Digest::of(&value::to_vec(&document)?),
        list: named.collect(),
    })
}
