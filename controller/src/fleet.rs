//! The service that people call. Each method says which role it needs; what it does is in the module of its topic.

use std::pin::Pin;

use futures_util::Stream;
use netghost_core::fleet::Role;
use netghost_proto::v1;
use netghost_proto::v1::fleet_server::Fleet;
use tonic::{Request, Response, Status, Streaming};

use crate::Controller;

mod actions;
mod agents;
mod audit;
mod baselines;
mod contested;
mod held;
mod identity;
mod jobs;
mod objects;
mod schedules;
pub(crate) mod status;
mod tokens;
mod windows;

/// The service.
#[derive(Debug, Clone)]
pub struct Service(pub Controller);

/// A stream of replies.
pub(crate) type Replies<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Fleet for Service {
    type WatchActionStream = Replies<v1::Action>;
    type WatchJobStream = Replies<v1::Job>;
    type ExportBaselineStream = Replies<v1::ExportedFile>;
    type FetchObjectStream = Replies<v1::ObjectChunk>;
    type ReadAuditStream = Replies<v1::AuditEntry>;

    async fn status(
        &self,
        request: Request<v1::StatusRequest>,
    ) -> Result<Response<v1::ControllerStatus>, Status> {
        let user = self.0.user(request.extensions(), Role::Viewer).await?;
        status::status(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn list_agents(&self, request: Request<v1::Selector>) -> Result<Response<v1::AgentList>, Status> {
        let user = self.0.user(request.extensions(), Role::Viewer).await?;
        agents::list_agents(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn tag_agents(&self, request: Request<v1::TagRequest>) -> Result<Response<v1::AgentList>, Status> {
        let user = self.0.user(request.extensions(), Role::Admin).await?;
        agents::tag_agents(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn revoke_agents(
        &self,
        request: Request<v1::RevokeRequest>,
    ) -> Result<Response<v1::AgentList>, Status> {
        let user = self.0.user(request.extensions(), Role::Admin).await?;
        agents::revoke_agents(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn remove_agents(
        &self,
        request: Request<v1::RemoveRequest>,
    ) -> Result<Response<v1::AgentList>, Status> {
        let user = self.0.user(request.extensions(), Role::Admin).await?;
        agents::remove_agents(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn settle_agents(&self, request: Request<v1::Selector>) -> Result<Response<v1::AgentList>, Status> {
        let user = self.0.user(request.extensions(), Role::Admin).await?;
        contested::settle_agents(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn create_token(
        &self,
        request: Request<v1::CreateTokenRequest>,
    ) -> Result<Response<v1::CreatedToken>, Status> {
        let user = self.0.user(request.extensions(), Role::Admin).await?;
        tokens::create_token(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn list_tokens(
        &self,
        request: Request<v1::ListTokensRequest>,
    ) -> Result<Response<v1::TokenList>, Status> {
        let user = self.0.user(request.extensions(), Role::Admin).await?;
        tokens::list_tokens(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn revoke_token(
        &self,
        request: Request<v1::RevokeTokenRequest>,
    ) -> Result<Response<v1::Token>, Status> {
        let user = self.0.user(request.extensions(), Role::Admin).await?;
        tokens::revoke_token(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn start_job(&self, request: Request<v1::StartJobRequest>) -> Result<Response<v1::Job>, Status> {
        let user = self.0.user(request.extensions(), Role::Operator).await?;
        jobs::start_job(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn watch_job(
        &self,
        request: Request<v1::WatchJobRequest>,
    ) -> Result<Response<Replies<v1::Job>>, Status> {
        let caller = request.extensions().clone();
        let user = self.0.user(request.extensions(), Role::Viewer).await?;
        jobs::watch_job(&self.0, &user, request.into_inner())
            .await
            .map(|stream| Response::new(held::held(&self.0, caller, Role::Viewer, stream)))
    }

    async fn list_baselines(
        &self,
        request: Request<v1::ListBaselinesRequest>,
    ) -> Result<Response<v1::BaselineList>, Status> {
        let user = self.0.user(request.extensions(), Role::Viewer).await?;
        baselines::list_baselines(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn show_baseline(
        &self,
        request: Request<v1::ShowBaselineRequest>,
    ) -> Result<Response<v1::Baseline>, Status> {
        let user = self.0.user(request.extensions(), Role::Viewer).await?;
        baselines::show_baseline(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn export_baseline(
        &self,
        request: Request<v1::ShowBaselineRequest>,
    ) -> Result<Response<Replies<v1::ExportedFile>>, Status> {
        let caller = request.extensions().clone();
        let user = self.0.user(request.extensions(), Role::Viewer).await?;
        baselines::export_baseline(&self.0, &user, request.into_inner())
            .await
            .map(|stream| Response::new(held::held(&self.0, caller, Role::Viewer, stream)))
    }

    async fn import_baseline(
        &self,
        request: Request<Streaming<v1::ExportedFile>>,
    ) -> Result<Response<v1::Baseline>, Status> {
        let user = self.0.user(request.extensions(), Role::Operator).await?;
        baselines::import_baseline(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn list_runs(
        &self,
        request: Request<v1::ListRunsRequest>,
    ) -> Result<Response<v1::RunList>, Status> {
        let user = self.0.user(request.extensions(), Role::Viewer).await?;
        jobs::list_runs(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn schedule_sweep(&self, request: Request<v1::Schedule>) -> Result<Response<v1::Schedule>, Status> {
        let user = self.0.user(request.extensions(), Role::Operator).await?;
        schedules::schedule_sweep(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn list_schedules(
        &self,
        request: Request<v1::ListSchedulesRequest>,
    ) -> Result<Response<v1::ScheduleList>, Status> {
        let user = self.0.user(request.extensions(), Role::Viewer).await?;
        schedules::list_schedules(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn remove_schedule(
        &self,
        request: Request<v1::RemoveScheduleRequest>,
    ) -> Result<Response<v1::Schedule>, Status> {
        let user = self.0.user(request.extensions(), Role::Operator).await?;
        schedules::remove_schedule(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn open_window(
        &self,
        request: Request<v1::OpenWindowRequest>,
    ) -> Result<Response<v1::Window>, Status> {
        let user = self.0.user(request.extensions(), Role::Operator).await?;
        windows::open_window(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn close_window(
        &self,
        request: Request<v1::CloseWindowRequest>,
    ) -> Result<Response<v1::Window>, Status> {
        let user = self.0.user(request.extensions(), Role::Operator).await?;
        windows::close_window(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn show_window(
        &self,
        request: Request<v1::ShowWindowRequest>,
    ) -> Result<Response<v1::Window>, Status> {
        let user = self.0.user(request.extensions(), Role::Viewer).await?;
        windows::show_window(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn list_windows(
        &self,
        request: Request<v1::ListWindowsRequest>,
    ) -> Result<Response<v1::WindowList>, Status> {
        let user = self.0.user(request.extensions(), Role::Viewer).await?;
        windows::list_windows(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn fetch_object(
        &self,
        request: Request<v1::FetchObjectRequest>,
    ) -> Result<Response<Replies<v1::ObjectChunk>>, Status> {
        let caller = request.extensions().clone();
        let user = self.0.user(request.extensions(), Role::Viewer).await?;
        objects::fetch_object(&self.0, &user, request.into_inner())
            .await
            .map(|stream| Response::new(held::held(&self.0, caller, Role::Viewer, stream)))
    }

    async fn request_action(
        &self,
        request: Request<v1::RequestActionRequest>,
    ) -> Result<Response<v1::Action>, Status> {
        let user = self.0.user(request.extensions(), Role::Operator).await?;
        actions::request_action(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn list_actions(
        &self,
        request: Request<v1::ListActionsRequest>,
    ) -> Result<Response<v1::ActionList>, Status> {
        let user = self.0.user(request.extensions(), Role::Viewer).await?;
        actions::list_actions(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn show_action(
        &self,
        request: Request<v1::ShowActionRequest>,
    ) -> Result<Response<v1::Action>, Status> {
        let user = self.0.user(request.extensions(), Role::Viewer).await?;
        actions::show_action(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn watch_action(
        &self,
        request: Request<v1::ShowActionRequest>,
    ) -> Result<Response<Replies<v1::Action>>, Status> {
        let caller = request.extensions().clone();
        let user = self.0.user(request.extensions(), Role::Viewer).await?;
        actions::watch_action(&self.0, &user, request.into_inner())
            .await
            .map(|stream| Response::new(held::held(&self.0, caller, Role::Viewer, stream)))
    }

    async fn approve_action(
        &self,
        request: Request<v1::ApproveActionRequest>,
    ) -> Result<Response<v1::Action>, Status> {
        let user = self.0.user(request.extensions(), Role::Approver).await?;
        actions::approve_action(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn deny_action(
        &self,
        request: Request<v1::DenyActionRequest>,
    ) -> Result<Response<v1::Action>, Status> {
        let user = self.0.user(request.extensions(), Role::Approver).await?;
        actions::deny_action(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn undo_action(
        &self,
        request: Request<v1::UndoActionRequest>,
    ) -> Result<Response<v1::Action>, Status> {
        let user = self.0.user(request.extensions(), Role::Operator).await?;
        actions::undo_action(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn publish_approvers(
        &self,
        request: Request<v1::Approvers>,
    ) -> Result<Response<v1::Approvers>, Status> {
        let user = self.0.user(request.extensions(), Role::Admin).await?;
        actions::publish_approvers(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn show_approvers(
        &self,
        request: Request<v1::ShowApproversRequest>,
    ) -> Result<Response<v1::Approvers>, Status> {
        let user = self.0.user(request.extensions(), Role::Viewer).await?;
        actions::show_approvers(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn read_audit(
        &self,
        request: Request<v1::ReadAuditRequest>,
    ) -> Result<Response<Replies<v1::AuditEntry>>, Status> {
        let caller = request.extensions().clone();
        let user = self.0.user(request.extensions(), Role::Viewer).await?;
        audit::read_audit(&self.0, &user, request.into_inner())
            .await
            .map(|stream| Response::new(held::held(&self.0, caller, Role::Viewer, stream)))
    }

    async fn keys(&self, request: Request<v1::KeysRequest>) -> Result<Response<v1::KeyList>, Status> {
        let user = self.0.user(request.extensions(), Role::Viewer).await?;
        audit::keys(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn renew(&self, request: Request<v1::RenewRequest>) -> Result<Response<v1::Identity>, Status> {
        let user = self.0.user(request.extensions(), Role::Viewer).await?;
        identity::renew(&self.0, &user, request.into_inner())
            .await
            .map(Response::new)
    }
}
