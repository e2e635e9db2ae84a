//! One call: its name, its deadline, and what is known so far for its error.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::error::{ArmError, Kind};

/// A call under way.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) name: String,
    deadline: Instant,
    within: Duration,
    /// The operation that it started in Azure.
    pub(crate) operation: Option<String>,
}

impl Call {
    pub(crate) fn new(name: String, within: Duration) -> Self {
        let now = Instant::now();
        // A period that no clock can hold is a year.
        let deadline = now
            .checked_add(within)
            .unwrap_or(now + Duration::from_secs(31_536_000));
        Self {
            name,
            deadline,
            within,
            operation: None,
        }
    }

    pub(crate) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    pub(crate) fn error(&self, kind: Kind, message: impl Into<String>) -> ArmError {
        ArmError::new(&self.name, kind, message).with(|failure| failure.operation.clone_from(&self.operation))
    }

    /// The deadline passed, or would, while doing this.
    pub(crate) fn late(&self, doing: &str) -> ArmError {
        self.error(
            Kind::Deadline,
            format!("{doing} does not fit into its {} s", self.within.as_secs_f64()),
        )
    }

    /// Up to the deadline.
    pub(crate) async fn limit<T>(&self, doing: &str, work: impl Future<Output = T>) -> Result<T, ArmError> {
        let deadline = tokio::time::Instant::from_std(self.deadline);
        tokio::time::timeout_at(deadline, work)
            .await
            .map_err(|_| self.late(doing))
    }

    /// Waits, where the time is enough for that.
    pub(crate) async fn wait(&self, time: Duration, doing: &str) -> Result<(), ArmError> {
        if time >= self.left() {
            return Err(self.late(&format!("{doing} for {} s", time.as_secs_f64())));
        }
        tokio::time::sleep(time).await;
        Ok(())
    }
}
