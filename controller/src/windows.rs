//! Change windows: opened over a sealed baseline, closed by one comparison with it.

use netghost_core::artifact::json;
use netghost_core::artifact::name::Name;
use netghost_core::audit::{Event, Outcome};
use netghost_core::fleet::{Id, Selector};
use netghost_core::job::baseline::Member;
use netghost_core::job::{Layer, Request, Via, Way, Work};
use netghost_core::window::{clock_set, late};
use sqlx::AnyConnection;
use tonic::Status;

use crate::Controller;
use crate::audit;
use crate::caller::User;
use crate::jobs::{Asker, start};
use crate::store::jobs::JobRow;
use crate::store::windows::{self, WindowRow};
use crate::store::{Error, baselines, jobs};

mod before;
mod clock;
mod closing;
mod seal;

pub(crate) use closing::of_job;

/// A window as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) ticket: Name,
    pub(crate) baseline: Name,
    /// Who is compared at the end; nobody: the members of the baseline.
    pub(crate) selector: Selector,
    pub(crate) layers: Vec<Layer>,
    pub(crate) via: Via,
    /// When the change began; `None`: now.
    pub(crate) starts_at_us: Option<u64>,
    pub(crate) ends_at_us: Option<u64>,
    pub(crate) note: String,
}

impl Asked {
    /// When the change began; an error where that or its end can't be.
    fn opened_at_us(&self, now_us: u64) -> Result<u64, Status> {
        let opened_at_us = self.starts_at_us.unwrap_or(now_us);
        if opened_at_us > now_us {
            return Err(Status::invalid_argument(
                "starts: a window that is opened now can't begin later",
            ));
        }
        if self.ends_at_us.is_some_and(|ends| ends <= opened_at_us) {
            return Err(Status::invalid_argument("ends: a window ends after it begins"));
        }
        Ok(opened_at_us)
    }

    fn request(&self) -> Request {
        let mut selector = self.selector.clone();
        selector.members |= selector.is_empty();
        Request {
            work: Work::Drift {
                baseline: self.baseline.clone(),
                mute_chains: Vec::new(),
            },
            selector,
            ticket: self.ticket.to_string(),
            note: String::new(),
            deadline_ms: 0,
            layers: self.layers.clone(),
            via: self.via,
        }
    }
}

/// A window, and the job that closes it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) row: WindowRow,
    pub(crate) job: Option<JobRow>,
}

impl Seen {
    /// True once there is a certificate: it is not compared anew.
    pub(crate) fn is_closed(&self) -> bool {
        self.job.as_ref().is_some_and(|job| job.certificate.is_some())
    }

    /// The closing was tried and made no certificate: it can be tried again.
    fn is_void(&self) -> bool {
        self.job
            .as_ref()
            .is_some_and(|job| job.ended && job.certificate.is_none())
    }
}

/// Opens a window. Asking for the same again is one window.
pub(crate) async fn open(controller: &Controller, user: &User, asked: Asked) -> Result<Seen, Status> {
    let now_us = controller.outside.now_us();
    let (boot_id, boot_us) = clock::boot().unwrap_or_default();
    let request = asked.request();
    request
        .check()
        .map_err(|bad| Status::invalid_argument(bad.to_string()))?;
    let opened_at_us = asked.opened_at_us(now_us)?;
    let bytes = json::to_vec(&request).map_err(Error::from)?;
    let mut connection = controller.store.pool().acquire().await.map_err(Error::from)?;
    if let Some(there) = windows::window(&mut connection, asked.ticket.as_str()).await? {
        return same(&mut connection, there, (&asked, &bytes, user)).await;
    }
    let name = asked.baseline.as_str();
    let baseline = baselines::baseline(&mut connection, name).await?;
    let baseline = baseline.ok_or_else(|| {
        Status::not_found(format!(
            "there is no baseline {name}: `netghost baseline list` shows all"
        ))
    })?;
    let mut warnings = overlaps(&mut connection, &baseline, asked.ticket.as_str()).await?;
    drop(connection);
    let sealed = seal::sealed(controller, &baseline, &request).await?;
    warnings.extend(unreachable(&request, &sealed.members));
    let baseline_at_us = sealed.created_at_us.0;
    if baseline_at_us > opened_at_us {
        warnings.push("the baseline is later than the window's start: its result will be unknown".to_owned());
    }
    let before = before::before(controller, &sealed.members, opened_at_us).await;
    let row = WindowRow {
        ticket: asked.ticket.to_string(),
        baseline: name.to_owned(),
        request: String::from_utf8_lossy(&bytes).into_owned(),
        opened_at_us,
        recorded_at_us: now_us,
        boot_id,
        boot_us,
        ends_at_us: asked.ends_at_us.unwrap_or(0),
        baseline_at_us,
        seal: Some(baseline.seal),
        opened_by: user.name.clone(),
        note: asked.note,
        warnings: texts(&warnings),
        before,
        close_job: String::new(),
        closed_by: String::new(),
    };
    keep(controller, user, row, now_us).await
}

/// Stores a new window, and writes down that it was opened.
async fn keep(controller: &Controller, user: &User, row: WindowRow, now_us: u64) -> Result<Seen, Status> {
    let mut transaction = controller.store.begin().await?;
    if !windows::insert(&mut transaction, &row).await? {
        transaction.rollback().await.map_err(Error::from)?;
        return Err(taken(&row.ticket));
    }
    let event = Event::new(user.actor(), "window.open", Outcome::Done)
        .target(&row.ticket)
        .with("ticket", &row.ticket)
        .with("baseline", &row.baseline)
        .with("opened_at_us", row.opened_at_us)
        .with("baseline_at_us", row.baseline_at_us)
        .with("seal", row.seal.map(|seal| seal.to_string()).unwrap_or_default())
        .with("ends_at_us", row.ends_at_us);
    audit::append(&mut transaction, now_us, event).await?;
    transaction.commit().await.map_err(Error::from)?;
    Ok(Seen { row, job: None })
}

/// The window that is there, if it is the one that is asked for: whoever lost the first answer asks again.
async fn same(
    connection: &mut AnyConnection,
    there: WindowRow,
    (asked, request, user): (&Asked, &[u8], &User),
) -> Result<Seen, Status> {
    let began = asked.starts_at_us.unwrap_or(there.recorded_at_us);
    let differ = [
        ("it is no longer open", !there.close_job.is_empty()),
        ("somebody else opened it", there.opened_by != user.name),
        (
            "its baseline, targets, layers or way",
            there.request.as_bytes() != request,
        ),
        ("its start", there.opened_at_us != began),
        ("its end", there.ends_at_us != asked.ends_at_us.unwrap_or(0)),
        ("its note", there.note != asked.note),
    ];
    let differ: Vec<&str> = differ
        .iter()
        .filter(|(_, differs)| *differs)
        .map(|(what, _)| *what)
        .collect();
    if differ.is_empty() {
        return Ok(seen(connection, there).await?);
    }
    let (ticket, differ) = (&there.ticket, differ.join(", "));
    Err(Status::already_exists(format!(
        "there is a window {ticket} already, and what is asked for is another one ({differ}): `netghost window show {ticket}` \
         shows it; another one needs another ticket"
    )))
}

fn taken(ticket: &str) -> Status {
    Status::already_exists(format!(
        "there is a window {ticket} already: `netghost window show {ticket}` shows it; another one needs another ticket"
    ))
}

/// Who can't be compared when the window is closed, since it is kept nowhere how they are reached.
fn unreachable(request: &Request, members: &[Member]) -> Option<String> {
    let by_ssh = |member: &&Member| member.way == Some(Way::Ssh);
    let meant = request.selector.every_member() && matches!(request.via, Via::Auto | Via::Ssh);
    let lost = members.iter().filter(by_ssh).filter(|_| meant);
    let names: Vec<&str> = lost.take(5).map(|member| member.name.as_str()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "{} of the baseline was read by ssh, and where it is reached is not kept: the result will be unknown; open the window \
             over members that are named, those of ssh as USER@HOST",
            names.join(", ")
        )
    })
}

/// The open windows over members of this baseline.
async fn overlaps(
    connection: &mut AnyConnection,
    baseline: &baselines::BaselineRow,
    ticket: &str,
) -> Result<Vec<String>, Error> {
    let mut warnings = Vec::new();
    for other in windows::list(connection).await? {
        // One whose comparison never began is open still.
        let other = seen(connection, other).await?;
        if other.row.ticket == ticket || other.job.is_some() {
            continue;
        }
        let other = other.row;
        let Some(theirs) = baselines::baseline(connection, &other.baseline).await? else {
            continue;
        };
        let shared = theirs
            .members
            .iter()
            .filter(|member| baseline.members.iter().any(|own| own.id == member.id));
        let names: Vec<String> = shared.take(5).map(|member| member.name.to_string()).collect();
        if !names.is_empty() {
            let (ticket, names) = (&other.ticket, names.join(", "));
            warnings.push(format!(
                "window {ticket} is open over {names} as well: what changed there may belong to it"
            ));
        }
    }
    Ok(warnings)
}

/// The window of this ticket.
pub(crate) async fn show(controller: &Controller, ticket: &str) -> Result<Seen, Status> {
    let mut connection = controller.store.pool().acquire().await.map_err(Error::from)?;
    let row = windows::window(&mut connection, ticket).await?;
    let row = row.ok_or_else(|| {
        let ticket: String = ticket.escape_debug().take(80).collect();
        Status::not_found(format!(
            "there is no window {ticket}: `netghost window list` shows all"
        ))
    })?;
    Ok(seen(&mut connection, row).await?)
}

/// Every window, the latest first.
pub(crate) async fn list(controller: &Controller) -> Result<Vec<Seen>, Status> {
    let mut connection = controller.store.pool().acquire().await.map_err(Error::from)?;
    let mut all = Vec::new();
    for row in windows::list(&mut connection).await? {
        all.push(seen(&mut connection, row).await?);
    }
    Ok(all)
}

async fn seen(connection: &mut AnyConnection, row: WindowRow) -> Result<Seen, Error> {
    let job = match Id::parse(&row.close_job) {
        Ok(id) => jobs::job(connection, id).await?,
        Err(_) => None,
    };
    Ok(Seen { row, job })
}

/// Closes a window: starts the one comparison. A window that is closed, or being closed, is left as it is.
pub(crate) async fn close(
    controller: &Controller,
    user: &User,
    ticket: &str,
    deadline_ms: u64,
) -> Result<Seen, Status> {
    let there = show(controller, ticket).await?;
    if there.job.is_some() && !there.is_void() {
        return Ok(there);
    }
    let damaged = || Error::Damaged {
        what: format!("window {}", there.row.ticket),
    };
    let mut request: Request = json::from_slice(there.row.request.as_bytes()).map_err(|_| damaged())?;
    request.deadline_ms = deadline_ms;
    request
        .check()
        .map_err(|bad| Status::invalid_argument(bad.to_string()))?;
    let id = match Id::parse(&there.row.close_job) {
        // Drawn for the same person, by a process that ended before it could start the job.
        Ok(id) if there.job.is_none() && there.row.closed_by == user.name => id,
        _ => controller
            .outside
            .id()
            .map_err(|error| Status::internal(format!("the system gave no random numbers: {error}")))?,
    };
    if id.to_string() != there.row.close_job && !begin(controller, user, &there.row, id).await? {
        return show(controller, ticket).await;
    }
    start(controller, id, request, &Asker::from(user)).await?;
    show(controller, ticket).await
}

/// Writes down that a window is being closed. False if somebody was quicker.
async fn begin(controller: &Controller, user: &User, row: &WindowRow, id: Id) -> Result<bool, Status> {
    let now_us = controller.outside.now_us();
    let mut transaction = controller.store.begin().await?;
    let mut warnings: Vec<String> = json::from_slice(row.warnings.as_bytes()).unwrap_or_default();
    if let Some(baseline) = baselines::baseline(&mut transaction, &row.baseline).await? {
        warnings.extend(overlaps(&mut transaction, &baseline, &row.ticket).await?);
    }
    if let Some(by) = late(Some(row.ends_at_us).filter(|ends| *ends > 0), now_us) {
        warnings.push(format!(
            "the window is closed {} s past its end",
            by.div_ceil(1_000_000)
        ));
    }
    warnings.extend(set(row, now_us));
    warnings.dedup();
    let job = id.to_string();
    if !windows::close(&mut transaction, row, (&job, &user.name, &texts(&warnings))).await? {
        transaction.rollback().await.map_err(Error::from)?;
        return Ok(false);
    }
    let event = Event::new(user.actor(), "window.close", Outcome::Begun)
        .target(&row.ticket)
        .with("ticket", &row.ticket)
        .with("baseline", &row.baseline)
        .with("job", &job);
    audit::append(&mut transaction, now_us, event).await?;
    transaction.commit().await.map_err(Error::from)?;
    Ok(true)
}

/// Whether the clock was set while the window was open.
fn set(row: &WindowRow, now_us: u64) -> Option<String> {
    let Some((boot_id, boot_us)) = clock::boot().filter(|(id, _)| *id == row.boot_id) else {
        return Some(
            "the controller's host was started anew in the window: whether its clock was set is not known"
                .to_owned(),
        );
    };
    debug_assert_eq!(boot_id, row.boot_id);
    let passed = boot_us.saturating_sub(row.boot_us);
    let by = clock_set((row.recorded_at_us, now_us), passed)?;
    Some(format!(
        "the controller's clock was set by {} s in the window: its times are by a clock that jumped",
        by / 1_000_000
    ))
}

fn texts(texts: &[String]) -> String {
    serde_json::to_string(texts).unwrap_or_default()
}
