//! The end of a window, as its certificate states it.

use netghost_core::artifact::json::{self, Digest};
use netghost_core::artifact::name::Name;
use netghost_core::bytes::Big;
use netghost_core::job::Request;
use netghost_core::job::baseline::Baseline;
use netghost_core::window::Window;

use crate::Controller;
use crate::store::Error;
use crate::store::jobs::JobRow;
use crate::store::windows::{self, WindowRow};

/// What a comparison is made with: the baseline that is sealed, and the digest of its seal.
pub(crate) type Used<'a> = Option<(&'a Baseline, Digest)>;

/// The window that this job closes, and why nothing can be known of it. The rows only lead to it: what is compared must be what
/// the window was opened over and asked for.
pub(crate) async fn of_job(
    controller: &Controller,
    (job, request): (&JobRow, &Request),
    used: Used<'_>,
) -> Result<Option<(Window, Option<String>)>, Error> {
    let mut connection = controller.store.pool().acquire().await?;
    let Some(row) = windows::closed_by(&mut connection, job.id).await? else {
        return Ok(None);
    };
    let ticket = Name::parse(&row.ticket).map_err(|_| Error::Damaged {
        what: format!("the ticket {:?} of a window", row.ticket),
    })?;
    let window = Window {
        ticket,
        opened_at_us: Big(row.opened_at_us),
        closed_at_us: Big(controller.outside.now_us()),
        baseline_at_us: used.map(|(baseline, _)| baseline.created_at_us),
        ends_at_us: Some(Big(row.ends_at_us)).filter(|ends| ends.0 > 0),
    };
    let why = other_job(&row, job, request).or_else(|| other_baseline(&row, used));
    Ok(Some((window, why)))
}

/// Why a job is not the comparison that its window asked for.
fn other_job(row: &WindowRow, job: &JobRow, request: &Request) -> Option<String> {
    let asked: Option<Request> = json::from_slice(row.request.as_bytes()).ok();
    // How long it may take is said when it is closed.
    let asked = asked.map(|asked| Request {
        deadline_ms: request.deadline_ms,
        ..asked
    });
    let same = asked.as_ref() == Some(request)
        && request.ticket == row.ticket
        && job.asked_by == row.closed_by
        && job.baseline == row.baseline;
    let ticket = &row.ticket;
    (!same).then(|| {
        format!("this is not the comparison that window {ticket} asked for: the window or the job was edited in the store")
    })
}

/// Why the baseline that is there now is not the one over which the window was opened.
fn other_baseline(row: &WindowRow, used: Used<'_>) -> Option<String> {
    let (baseline, seal) = used?;
    let (ticket, name) = (&row.ticket, &row.baseline);
    match row.seal {
        None => Some(format!(
            "window {ticket} was opened by an earlier version, which did not keep over which baseline: open another one"
        )),
        Some(kept) if kept != seal => Some(format!(
            "baseline {name} is not the one over which window {ticket} was opened: it was made or imported anew since"
        )),
        Some(_) if row.baseline_at_us != baseline.created_at_us.0 => Some(format!(
            "window {ticket} was edited in the store: its baseline was sealed at another time"
        )),
        Some(_) => None,
    }
}
