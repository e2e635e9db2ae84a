//! Baselines.

use netghost_proto::v1;
use tonic::{Status, Streaming};

use super::Replies;
use crate::Controller;
use crate::caller::User;

pub(super) async fn list_baselines(
    _controller: &Controller,
    _user: &User,
    _request: v1::ListBaselinesRequest,
) -> Result<v1::BaselineList, Status> {
    Err(Status::unimplemented("list_baselines"))
}

pub(super) async fn show_baseline(
    _controller: &Controller,
    _user: &User,
    _request: v1::ShowBaselineRequest,
) -> Result<v1::Baseline, Status> {
    Err(Status::unimplemented("show_baseline"))
}

pub(super) async fn export_baseline(
    _controller: &Controller,
    _user: &User,
    _request: v1::ShowBaselineRequest,
) -> Result<Replies<v1::ExportedFile>, Status> {
    Err(Status::unimplemented("export_baseline"))
}

pub(super) async fn import_baseline(
    _controller: &Controller,
    _user: &User,
    _request: Streaming<v1::ExportedFile>,
) -> Result<v1::Baseline, Status> {
    Err(Status::unimplemented("import_baseline"))
}
