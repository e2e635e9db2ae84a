//! Baselines of a fleet.

use netghost_core::artifact::json::Digest;
use netghost_core::bytes::Big;
use netghost_core::job::Way;
use netghost_proto::convert::BadField;
use netghost_proto::v1;
use serde::Serialize;

use super::{digest, optional, way};

/// The schema of a list of baselines.
pub const SCHEMA: &str = "netghost.baselines/v1";

/// Some baselines, sorted by name.
#[derive(Debug, Serialize)]
pub struct Baselines {
    /// One row each.
    pub baselines: Vec<Baseline>,
}

/// One baseline.
#[derive(Debug, Serialize)]
pub struct Baseline {
    /// Its name.
    pub name: String,
    /// Microseconds since 1970 UTC by the controller's clock.
    pub created_at_us: Big,
    /// Who asked for it.
    pub created_by: String,
    /// The change that it belongs to.
    pub ticket: Option<String>,
    /// What was written about it.
    pub note: Option<String>,
    /// The seal over all its manifests.
    pub seal: Option<Digest>,
    /// Who is in it, sorted by name.
    pub members: Vec<Member>,
}

/// One target of a baseline.
#[derive(Debug, Serialize)]
pub struct Member {
    /// The target's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its snapshot; `null` if it could not be read.
    pub manifest: Option<Digest>,
    /// Why not.
    pub why: Option<String>,
    /// Sections that were not captured.
    pub not_captured: Vec<String>,
    /// The resource id, where it is something in Azure.
    pub resource: Option<String>,
    /// By which way it was read; `null` in baselines of before that was written down.
    pub way: Option<Way>,
}

impl Member {
    /// What people know it by: the resource id where it has one, else its name.
    pub fn called(&self) -> &str {
        self.resource.as_deref().unwrap_or(&self.name)
    }
}

impl Baseline {
    /// True if every member was read, in every section.
    pub fn is_complete(&self) -> bool {
        let whole = |member: &Member| member.manifest.is_some() && member.not_captured.is_empty();
        !self.members.is_empty() && self.members.iter().all(whole)
    }
}

impl TryFrom<v1::Baseline> for Baseline {
    type Error = BadField;

    fn try_from(baseline: v1::Baseline) -> Result<Self, BadField> {
        let member = |member: v1::BaselineMember| {
            Ok(Member {
                id: member.agent_id,
                name: member.name,
                manifest: digest("members.manifest", &member.manifest)?,
                why: optional(member.why),
                not_captured: member.not_captured,
                resource: optional(member.resource),
                way: way("members.way", &member.way)?,
            })
        };
        let members: Result<Vec<Member>, BadField> = baseline.members.into_iter().map(member).collect();
        let mut members = members?;
        members.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(Self {
            name: baseline.name,
            created_at_us: Big(baseline.created_at_us),
            created_by: baseline.created_by,
            ticket: optional(baseline.ticket),
            note: optional(baseline.note),
            seal: digest("seal", &baseline.seal)?,
            members,
        })
    }
}

impl TryFrom<v1::BaselineList> for Baselines {
    type Error = BadField;

    fn try_from(list: v1::BaselineList) -> Result<Self, BadField> {
        let baselines: Result<Vec<Baseline>, BadField> =
            list.baselines.into_iter().map(Baseline::try_from).collect();
        let mut baselines = baselines?;
        baselines.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { baselines })
    }
}
