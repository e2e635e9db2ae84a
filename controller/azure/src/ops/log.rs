//! The Activity Log: who changed what, and when.

use std::time::SystemTime;

use azure_core::time::{OffsetDateTime, to_rfc3339};
use netghost_core::azure::id::ResourceId;

use super::{Scope, api};
use crate::error::ArmError;
use crate::pages::Pages;
use crate::within::{At, Within};

/// A stretch of time. Azure keeps 90 days.
#[derive(Debug, Clone, Copy)]
pub struct Period {
    /// The first moment.
    pub from: SystemTime,
    /// The last one.
    pub to: SystemTime,
}

impl Within<'_> {
    /// The events of a subscription in this period, of one resource where it is given. Needs
    /// `Microsoft.Insights/eventtypes/values/read`.
    ///
    /// # Errors
    /// As [`ArmError`] says; so do all calls.
    pub async fn activity(
        self,
        subscription: &str,
        period: Period,
        resource: Option<&ResourceId>,
    ) -> Result<Pages, ArmError> {
        let path = self.listed(
            Scope::Subscription(subscription),
            "Microsoft.Insights/eventtypes/management/values",
        )?;
        let filter = self.filter(period, resource)?;
        let query = [("$filter", filter.as_str())];
        self.list(At {
            path: &path,
            api: api::ACTIVITY,
            query: &query,
        })
        .await
    }

    fn filter(&self, period: Period, resource: Option<&ResourceId>) -> Result<String, ArmError> {
        let time = |at: SystemTime| to_rfc3339(&OffsetDateTime::from(at));
        let mut filter = format!(
            "eventTimestamp ge '{}' and eventTimestamp le '{}'",
            time(period.from),
            time(period.to)
        );
        if let Some(resource) = resource {
            if resource.as_str().contains('\'') {
                return Err(self.wrong("the Activity Log", format!("{resource} has a quote in its name")));
            }
            filter.push_str(&format!(" and resourceUri eq '{resource}'"));
        }
        Ok(filter)
    }
}
