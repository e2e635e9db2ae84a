//! Change windows, from and to the wire.

use netghost_core::artifact::json;
use netghost_core::artifact::name::Name;
use netghost_core::fleet::Selector;
use netghost_core::job::Request;
use netghost_core::window::late;
use netghost_proto::convert::{self, BadField};
use netghost_proto::v1;
use tonic::Status;

use crate::Controller;
use crate::caller::User;
use crate::store::Error;
use crate::windows::{self, Asked, Seen};

pub(super) async fn open_window(
    controller: &Controller,
    user: &User,
    request: v1::OpenWindowRequest,
) -> Result<v1::Window, Status> {
    let seen = windows::open(controller, user, asked(request)?).await?;
    Ok(wire(controller, seen)?)
}

pub(super) async fn close_window(
    controller: &Controller,
    user: &User,
    request: v1::CloseWindowRequest,
) -> Result<v1::Window, Status> {
    let seen = windows::close(controller, user, &request.ticket, request.deadline_ms).await?;
    Ok(wire(controller, seen)?)
}

pub(super) async fn show_window(
    controller: &Controller,
    _user: &User,
    request: v1::ShowWindowRequest,
) -> Result<v1::Window, Status> {
    Ok(wire(
        controller,
        windows::show(controller, &request.ticket).await?,
    )?)
}

pub(super) async fn list_windows(
    controller: &Controller,
    _user: &User,
    _request: v1::ListWindowsRequest,
) -> Result<v1::WindowList, Status> {
    let all = windows::list(controller).await?.into_iter();
    let windows: Result<_, Error> = all.map(|seen| wire(controller, seen)).collect();
    Ok(v1::WindowList { windows: windows? })
}

fn asked(request: v1::OpenWindowRequest) -> Result<Asked, BadField> {
    let name = |field, text: &str| Name::parse(text).map_err(|error| BadField::new(field, error));
    let mut selector = match &request.selector {
        Some(selector) => Selector::try_from(selector)?,
        None => Selector::default(),
    };
    selector.names.sort();
    selector.names.dedup();
    selector.tags.sort();
    selector.tags.dedup();
    let some = |at: u64| Some(at).filter(|at| *at > 0);
    Ok(Asked {
        ticket: name("ticket", &request.ticket)?,
        baseline: name("baseline", &request.baseline)?,
        selector,
        layers: convert::layers(&request.layers)?,
        via: convert::via(&request.via)?,
        starts_at_us: some(request.starts_at_us),
        ends_at_us: some(request.ends_at_us),
        note: request.note,
    })
}

fn wire(controller: &Controller, seen: Seen) -> Result<v1::Window, Error> {
    let damaged = || Error::Damaged {
        what: format!("window {}", seen.row.ticket),
    };
    let request: Request = json::from_slice(seen.row.request.as_bytes()).map_err(|_| damaged())?;
    let warnings: Vec<String> = serde_json::from_str(&seen.row.warnings).map_err(|_| damaged())?;
    let closed = seen.is_closed();
    let state = match (&seen.job, closed) {
        (_, true) => "closed",
        (Some(job), false) if !job.ended => "closing",
        _ => "open",
    };
    let ended = seen
        .job
        .as_ref()
        .filter(|_| closed)
        .and_then(|job| job.ended_at_us);
    let ends = Some(seen.row.ends_at_us).filter(|ends| *ends > 0);
    let now_us = ended.unwrap_or_else(|| controller.outside.now_us());
    let job = seen.job.filter(|_| state != "open");
    let digest = job.as_ref().and_then(|job| job.certificate);
    let row = seen.row;
    Ok(v1::Window {
        ticket: row.ticket,
        state: state.to_owned(),
        baseline: row.baseline,
        selector: Some(v1::Selector::from(&request.selector)),
        layers: request.layers.iter().map(ToString::to_string).collect(),
        via: request.via.to_string(),
        opened_at_us: row.opened_at_us,
        recorded_at_us: row.recorded_at_us,
        baseline_at_us: row.baseline_at_us,
        ends_at_us: row.ends_at_us,
        closed_at_us: ended.unwrap_or(0),
        opened_by: row.opened_by,
        closed_by: row.closed_by,
        note: row.note,
        warnings,
        before: row.before,
        job: job.as_ref().map(|job| job.id.to_string()).unwrap_or_default(),
        verdict: job.map(|job| job.verdict).unwrap_or_default(),
        certificate: digest
            .map(|digest| digest.as_bytes().to_vec())
            .unwrap_or_default()
            .into(),
        past_end: late(ends, now_us).is_some(),
    })
}
