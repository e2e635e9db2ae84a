//! Change windows.

use netghost_core::artifact::json::Digest;
use netghost_core::bytes::Big;
use netghost_core::fleet::{Id, Selector};
use netghost_core::job::{Layer, Via};
use netghost_proto::convert::{self, BadField};
use netghost_proto::v1;
use serde::Serialize;
use serde_json::Value;

use super::jobs::{Job, Missing};
use super::{digest, optional, word};

/// The schema of a window.
pub const SCHEMA: &str = "netghost.window/v1";
/// The schema of several.
pub const LIST: &str = "netghost.windows/v1";

/// A window. Times are microseconds since 1970 UTC by the controller's clock.
#[derive(Debug, Serialize)]
pub struct Window {
    /// The change.
    pub ticket: String,
    /// `open`, `closing` or `closed`.
    pub state: String,
    /// What was sealed before it.
    pub baseline: String,
    /// Who is compared at the end.
    pub selector: Selector,
    /// Which layers; none: whatever the baseline holds.
    pub layers: Vec<Layer>,
    /// By which way hosts are read.
    pub via: Via,
    /// When the change began at the earliest.
    pub opened_at_us: Big,
    /// When that was written down.
    pub recorded_at_us: Big,
    /// When the baseline was sealed.
    pub baseline_at_us: Big,
    /// When it is to end.
    pub ends_at_us: Option<Big>,
    /// When it was closed.
    pub closed_at_us: Option<Big>,
    /// True where it is past its end, or was closed after it.
    pub past_end: bool,
    /// Who opened it.
    pub opened_by: String,
    /// Who closed it.
    pub closed_by: Option<String>,
    /// What they wrote about it.
    pub note: Option<String>,
    /// What somebody should know of it.
    pub warnings: Vec<String>,
    /// What changed in the hour before.
    pub before: Value,
    /// The job that closes it.
    pub job: Option<Id>,
    /// `no_drift`, `drift` or `unknown`, once it is closed.
    pub verdict: Option<String>,
    /// The certificate that closed it.
    pub certificate: Option<Digest>,
    /// What was asked for and could not be sealed when it was opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_covered: Option<Vec<Missing>>,
}

/// Windows, the latest first.
#[derive(Debug, Serialize)]
pub struct Windows {
    /// The windows.
    pub windows: Vec<Window>,
}

impl Window {
    /// With what could not be sealed.
    #[must_use]
    pub fn sealed(self, job: Option<Job>) -> Self {
        Self {
            not_covered: Some(job.map(|job| job.missing).unwrap_or_default()),
            ..self
        }
    }
}

impl TryFrom<v1::Window> for Window {
    type Error = BadField;

    fn try_from(window: v1::Window) -> Result<Self, BadField> {
        let some = |at: u64| Some(Big(at)).filter(|_| at > 0);
        let selector = window.selector.as_ref();
        let selector = selector.ok_or_else(|| BadField::new("selector", "is missing"))?;
        let before = serde_json::from_str(&window.before).map_err(|error| BadField::new("before", error))?;
        Ok(Self {
            state: word("state", window.state, ["open", "closing", "closed"])?,
            selector: Selector::try_from(selector)?,
            layers: convert::layers(&window.layers)?,
            via: convert::via(&window.via)?,
            opened_at_us: Big(window.opened_at_us),
            recorded_at_us: Big(window.recorded_at_us),
            baseline_at_us: Big(window.baseline_at_us),
            ends_at_us: some(window.ends_at_us),
            closed_at_us: some(window.closed_at_us),
            past_end: window.past_end,
            opened_by: window.opened_by,
            closed_by: optional(window.closed_by),
            note: optional(window.note),
            warnings: window.warnings,
            before,
            job: match window.job.as_str() {
                "" => None,
                job => Some(convert::id("job", job)?),
            },
            verdict: optional(word(
                "verdict",
                window.verdict,
                ["", "no_drift", "drift", "unknown"],
            )?),
            certificate: digest("certificate", &window.certificate)?,
            ticket: window.ticket,
            baseline: window.baseline,
            not_covered: None,
        })
    }
}

impl TryFrom<v1::WindowList> for Windows {
    type Error = BadField;

    fn try_from(list: v1::WindowList) -> Result<Self, BadField> {
        let windows: Result<Vec<Window>, BadField> = list.windows.into_iter().map(Window::try_from).collect();
        Ok(Self { windows: windows? })
    }
}
