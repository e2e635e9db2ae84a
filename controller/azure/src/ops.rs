//! The operations, each a call with its path and version. What comes back is Azure's own body: nothing is read into it here.

mod captures;
mod compute;
mod log;
mod network;
mod routes;
mod rules;

pub use compute::Managed;
pub use log::Period;

use netghost_core::azure::id::ResourceId;

use crate::error::ArmError;
use crate::within::{Act, Within};

/// Versions of the interfaces. Each is asked for in the version whose answers this project's parsers were checked against.
pub(crate) mod api {
    /// `Microsoft.Network`.
    pub(crate) const NETWORK: &str = "2024-05-01";
    /// `Microsoft.Network` below scale sets, which has a single version.
    pub(crate) const SCALE_SET_NETWORK: &str = "2018-10-01";
    /// `Microsoft.Compute`.
    pub(crate) const COMPUTE: &str = "2024-07-01";
    /// `Microsoft.ResourceGraph`.
    pub(crate) const GRAPH: &str = "2021-03-01";
    /// `Microsoft.Storage`.
    pub(crate) const STORAGE: &str = "2023-05-01";
    /// `Microsoft.Insights`: the Activity Log.
    pub(crate) const ACTIVITY: &str = "2015-04-01";
    /// `Microsoft.Authorization`: permissions.
    pub(crate) const AUTHORIZATION: &str = "2022-04-01";
}

/// What is listed: a whole subscription, or one of its groups.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'a> {
    /// All groups of a subscription, by its id.
    Subscription(&'a str),
    /// One resource group.
    Group {
        /// The subscription's id.
        subscription: &'a str,
        /// The group's name.
        group: &'a str,
    },
}

impl Within<'_> {
    /// The path of a scope's list; an error where a part could lead to another path.
    fn listed(&self, scope: Scope<'_>, kind: &str) -> Result<String, ArmError> {
        let (subscription, group) = match scope {
            Scope::Subscription(subscription) => (subscription, None),
            Scope::Group { subscription, group } => (subscription, Some(group)),
        };
        let subscription = self.part("subscription", subscription)?;
        let group = group
            .map(|group| self.part("resource group", group))
            .transpose()?;
        let group = group
            .map(|group| format!("/resourceGroups/{group}"))
            .unwrap_or_default();
        Ok(format!("/subscriptions/{subscription}{group}/providers/{kind}"))
    }

    /// A name that becomes a part of a path.
    fn part<'n>(&self, what: &str, name: &'n str) -> Result<&'n str, ArmError> {
        let fine = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '(' | ')');
        if name.is_empty() || name.len() > 260 || !name.chars().all(fine) || matches!(name, "." | "..") {
            return Err(self.wrong(what, format!("{name:?} is no name of a {what}")));
        }
        Ok(name)
    }

    /// The resource where it is of the last type of `kind`, `Microsoft.Network/networkInterfaces`; below other resources too.
    fn of_kind<'i>(&self, id: &'i ResourceId, kind: &str) -> Result<&'i str, ArmError> {
        let last = kind.rsplit('/').next().unwrap_or_default();
        let mut parts = id.as_str().rsplit('/').skip(1);
        if parts.next().is_some_and(|there| there.eq_ignore_ascii_case(last)) {
            Ok(id.as_str())
        } else {
            Err(self.wrong(kind, format!("{id} is no resource of this type")))
        }
    }
}

/// A change with a body. Where `etag` is given, only of the version that has it.
fn change(body: serde_json::Value, etag: Option<&str>) -> Act {
    Act {
        body: Some(body),
        if_match: etag.map(str::to_owned),
        once: false,
        reads: false,
    }
}

/// A change without a body.
fn bare(etag: Option<&str>) -> Act {
    Act {
        body: None,
        if_match: etag.map(str::to_owned),
        once: false,
        reads: false,
    }
}
