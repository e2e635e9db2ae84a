//! Baselines.

use netghost_core::audit::{Event, Outcome};
use netghost_proto::v1;
use tonic::{Status, Streaming};

use super::Replies;
use crate::Controller;
use crate::audit;
use crate::caller::User;
use crate::jobs::Broken;
use crate::store::baselines::BaselineRow;
use crate::store::{Error, baselines};

mod export;
mod import;

pub(super) async fn list_baselines(
    controller: &Controller,
    _user: &User,
    _request: v1::ListBaselinesRequest,
) -> Result<v1::BaselineList, Status> {
    let mut connection = controller.store.pool().acquire().await.map_err(Error::from)?;
    let rows = baselines::list(&mut connection).await?;
    Ok(v1::BaselineList {
        baselines: rows.into_iter().map(wire).collect(),
    })
}

pub(super) async fn show_baseline(
    controller: &Controller,
    _user: &User,
    request: v1::ShowBaselineRequest,
) -> Result<v1::Baseline, Status> {
    row(controller, &request.name).await.map(wire)
}

pub(super) async fn export_baseline(
    controller: &Controller,
    user: &User,
    request: v1::ShowBaselineRequest,
) -> Result<Replies<v1::ExportedFile>, Status> {
    let row = row(controller, &request.name).await?;
    let files = export::files(controller, &row)
        .await
        .map_err(|broken| match broken {
            Broken::Content(why) => Status::data_loss(why),
            Broken::Store(error) => error.into(),
        })?;
    let event = Event::new(user.actor(), "baseline.export", Outcome::Done)
        .target(&row.name)
        .with("seal", row.seal);
    note(controller, event).await?;
    Ok(export::stream(controller.clone(), files))
}

/// Takes an exported baseline, as a whole or not at all.
pub(super) async fn import_baseline(
    controller: &Controller,
    user: &User,
    request: Streaming<v1::ExportedFile>,
) -> Result<v1::Baseline, Status> {
    match import::import(controller, user, request).await {
        Ok(row) => Ok(wire(row)),
        Err(status) => {
            let event =
                Event::new(user.actor(), "baseline.import", Outcome::Denied).with("why", status.message());
            controller.refused(event).await;
            Err(status)
        }
    }
}

async fn note(controller: &Controller, event: Event) -> Result<(), Error> {
    let mut transaction = controller.store.begin().await?;
    audit::append(&mut transaction, controller.outside.now_us(), event).await?;
    Ok(transaction.commit().await?)
}

async fn row(controller: &Controller, name: &str) -> Result<BaselineRow, Status> {
    let mut connection = controller.store.pool().acquire().await.map_err(Error::from)?;
    baselines::baseline(&mut connection, name).await?.ok_or_else(|| {
        let name: String = name.escape_debug().take(80).collect();
        Status::not_found(format!(
            "there is no baseline {name}: `netghost baseline list` shows all"
        ))
    })
}

fn wire(row: BaselineRow) -> v1::Baseline {
    let member = |member: netghost_core::job::baseline::Member| v1::BaselineMember {
        agent_id: member.id.to_string(),
        name: member.name.to_string(),
        manifest: member
            .manifest
            .map(|digest| digest.as_bytes().to_vec())
            .unwrap_or_default()
            .into(),
        why: member.why.unwrap_or_default(),
        not_captured: member.not_captured.iter().map(ToString::to_string).collect(),
        resource: member.resource.map(String::from).unwrap_or_default(),
        way: member.way.map(|way| way.to_string()).unwrap_or_default(),
    };
    v1::Baseline {
        name: row.name,
        created_at_us: row.created_at_us,
        created_by: row.created_by,
        ticket: row.ticket,
        note: row.note,
        members: row.members.into_iter().map(member).collect(),
        seal: row.seal.as_bytes().to_vec().into(),
    }
}
