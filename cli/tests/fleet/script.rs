//! A controller that answers as it is told.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use futures_util::Stream;
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::key::Signer;
use netghost_proto::v1;
use netghost_proto::v1::fleet_server::Fleet;
use tonic::{Code, Request, Response, Status, Streaming};

/// What the controller is told to do, and what it was asked.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Every call is refused so.
    pub(super) refuse: Option<Code>,
    /// Each start of a job takes one: what it answers, or how it is refused.
    pub(super) starts: VecDeque<Result<v1::Job, Code>>,
    /// Each watch takes one: the states that it streams before it ends.
    pub(super) watches: VecDeque<Vec<v1::Job>>,
    pub(super) objects: BTreeMap<Digest, Vec<u8>>,
    /// So many fetches of objects are cut off.
    pub(super) cut_fetches: usize,
    pub(super) keys: Vec<v1::SigningKey>,
    pub(super) agents: Vec<v1::Agent>,
    pub(super) records: Vec<Vec<u8>>,
    pub(super) heads: Vec<Vec<u8>>,
    /// The ids of the jobs that were asked for.
    pub(super) asked: Vec<String>,
    /// Where names are looked for in Azure.
    pub(super) subscription: String,
    /// The last selector.
    pub(super) selector: Option<v1::Selector>,
    /// The actions that it keeps.
    pub(super) actions: Vec<v1::Action>,
    /// What it says of an action, altered on its way out.
    pub(super) alter: Option<fn(&mut v1::Action)>,
    /// What becomes of an action that is approved; nothing if empty.
    pub(super) becomes: String,
    /// What a VM refuses to propose.
    pub(super) refusal: Option<(String, String)>,
    /// The approvals that were handed over.
    pub(super) approvals: Vec<Vec<u8>>,
    pub(super) approvers: Option<v1::Approvers>,
    /// Lists of approvers are not taken.
    pub(super) refuse_approvers: bool,
    /// The text of a token.
    pub(super) token: String,
    /// How many connections were made.
    pub(super) connections: usize,
}

impl State {
    /// Keeps an object.
    pub(super) fn object(&mut self, bytes: Vec<u8>) -> Digest {
        let digest = Digest::of(&bytes);
        self.objects.insert(digest, bytes);
        digest
    }

    /// An action as it is told.
    fn told(&self, action: &v1::Action) -> v1::Action {
        let mut told = action.clone();
        if let Some(alter) = self.alter {
            alter(&mut told);
        }
        told
    }

    /// Publishes a key.
    pub(super) fn publish(&mut self, signer: &Signer, until_us: u64) {
        self.keys.push(v1::SigningKey {
            pem: signer.public().to_pem().unwrap(),
            keyid: signer.public().id().as_bytes().to_vec().into(),
            from_us: 1,
            until_us,
        });
    }
}

/// The service.
#[derive(Debug, Clone, Default)]
pub(super) struct Script(pub(super) Arc<Mutex<State>>);

impl Script {
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap())
    }

    fn allowed(&self) -> Result<(), Status> {
        match self.with(|state| state.refuse) {
            Some(code) => Err(Status::new(code, "so the script says")),
            None => Ok(()),
        }
    }

    /// The action whose id begins so, after this became of it, as it is told.
    fn action(&self, id: &str, change: impl FnOnce(&mut v1::Action)) -> Result<Response<v1::Action>, Status> {
        self.with(|state| {
            let mut actions = state.actions.iter_mut();
            let found = actions.find(|action| action.id.starts_with(id));
            let found = found.ok_or_else(|| Status::not_found("no such action"))?;
            change(found);
            let found = found.clone();
            Ok(Response::new(state.told(&found)))
        })
    }

    fn unscripted<T>(&self) -> Result<Response<T>, Status> {
        self.allowed()?;
        Err(Status::unimplemented("not in the script"))
    }
}

type Replies<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

fn stream<T: Send + 'static>(items: Vec<T>) -> Response<Replies<T>> {
    Response::new(Box::pin(tokio_stream::iter(items.into_iter().map(Ok))))
}

#[tonic::async_trait]
impl Fleet for Script {
    type WatchActionStream = Replies<v1::Action>;
    type WatchJobStream = Replies<v1::Job>;
    type ExportBaselineStream = Replies<v1::ExportedFile>;
    type FetchObjectStream = Replies<v1::ObjectChunk>;
    type ReadAuditStream = Replies<v1::AuditEntry>;

    async fn status(&self, _: Request<v1::StatusRequest>) -> Result<Response<v1::ControllerStatus>, Status> {
        self.allowed()?;
        Ok(Response::new(v1::ControllerStatus {
            version: "1".to_owned(),
            user: "ada".to_owned(),
            role: "admin".to_owned(),
            azure_subscription: self.with(|state| state.subscription.clone()),
            ..v1::ControllerStatus::default()
        }))
    }

    async fn list_agents(&self, request: Request<v1::Selector>) -> Result<Response<v1::AgentList>, Status> {
        self.allowed()?;
        let agents = self.with(|state| {
            state.selector = Some(request.into_inner());
            state.agents.clone()
        });
        Ok(Response::new(v1::AgentList { agents }))
    }

    async fn tag_agents(&self, request: Request<v1::TagRequest>) -> Result<Response<v1::AgentList>, Status> {
        let selector = request.into_inner().selector.unwrap_or_default();
        self.list_agents(Request::new(selector)).await
    }

    async fn revoke_agents(
        &self,
        request: Request<v1::RevokeRequest>,
    ) -> Result<Response<v1::AgentList>, Status> {
        let selector = request.into_inner().selector.unwrap_or_default();
        self.list_agents(Request::new(selector)).await
    }

    async fn remove_agents(
        &self,
        request: Request<v1::RemoveRequest>,
    ) -> Result<Response<v1::AgentList>, Status> {
        let selector = request.into_inner().selector.unwrap_or_default();
        self.list_agents(Request::new(selector)).await
    }

    async fn settle_agents(&self, request: Request<v1::Selector>) -> Result<Response<v1::AgentList>, Status> {
        self.list_agents(request).await
    }

    async fn create_token(
        &self,
        request: Request<v1::CreateTokenRequest>,
    ) -> Result<Response<v1::CreatedToken>, Status> {
        self.allowed()?;
        let request = request.into_inner();
        Ok(Response::new(v1::CreatedToken {
            token: Some(v1::Token {
                id: "07070707-0707-4707-8707-070707070707".to_owned(),
                kind: "agent".to_owned(),
                uses: request.uses,
                until_us: request.lifetime_ms * 1_000,
                tags: request.tags,
                ..v1::Token::default()
            }),
            text: match self.with(|state| state.token.clone()) {
                text if text.is_empty() => "netghost1.TOKEN".to_owned(),
                text => text,
            },
        }))
    }

    async fn list_tokens(
        &self,
        _: Request<v1::ListTokensRequest>,
    ) -> Result<Response<v1::TokenList>, Status> {
        self.allowed()?;
        Ok(Response::new(v1::TokenList::default()))
    }

    async fn revoke_token(&self, _: Request<v1::RevokeTokenRequest>) -> Result<Response<v1::Token>, Status> {
        self.unscripted()
    }

    async fn start_job(&self, request: Request<v1::StartJobRequest>) -> Result<Response<v1::Job>, Status> {
        self.allowed()?;
        let request = request.into_inner();
        let answer = self.with(|state| {
            state.asked.push(request.id.clone());
            state.selector = request.selector;
            state.starts.pop_front()
        });
        match answer {
            Some(Ok(job)) => Ok(Response::new(v1::Job {
                id: request.id,
                ..job
            })),
            Some(Err(code)) => Err(Status::new(code, "so the script says")),
            None => Err(Status::internal("the script has no more starts")),
        }
    }

    async fn watch_job(
        &self,
        request: Request<v1::WatchJobRequest>,
    ) -> Result<Response<Replies<v1::Job>>, Status> {
        self.allowed()?;
        let id = request.into_inner().id;
        let states = self.with(|state| state.watches.pop_front()).unwrap_or_default();
        let named = |job| v1::Job {
            id: id.clone(),
            ..job
        };
        Ok(stream(states.into_iter().map(named).collect()))
    }

    async fn list_baselines(
        &self,
        _: Request<v1::ListBaselinesRequest>,
    ) -> Result<Response<v1::BaselineList>, Status> {
        self.allowed()?;
        Ok(Response::new(v1::BaselineList::default()))
    }

    async fn show_baseline(
        &self,
        _: Request<v1::ShowBaselineRequest>,
    ) -> Result<Response<v1::Baseline>, Status> {
        self.unscripted()
    }

    async fn export_baseline(
        &self,
        _: Request<v1::ShowBaselineRequest>,
    ) -> Result<Response<Replies<v1::ExportedFile>>, Status> {
        self.unscripted()
    }

    async fn import_baseline(
        &self,
        _: Request<Streaming<v1::ExportedFile>>,
    ) -> Result<Response<v1::Baseline>, Status> {
        self.unscripted()
    }

    async fn open_window(&self, _: Request<v1::OpenWindowRequest>) -> Result<Response<v1::Window>, Status> {
        self.unscripted()
    }

    async fn close_window(&self, _: Request<v1::CloseWindowRequest>) -> Result<Response<v1::Window>, Status> {
        self.unscripted()
    }

    async fn show_window(&self, _: Request<v1::ShowWindowRequest>) -> Result<Response<v1::Window>, Status> {
        self.unscripted()
    }

    async fn list_windows(
        &self,
        _: Request<v1::ListWindowsRequest>,
    ) -> Result<Response<v1::WindowList>, Status> {
        self.unscripted()
    }

    async fn list_runs(&self, _: Request<v1::ListRunsRequest>) -> Result<Response<v1::RunList>, Status> {
        self.allowed()?;
        Ok(Response::new(v1::RunList::default()))
    }

    async fn schedule_sweep(&self, request: Request<v1::Schedule>) -> Result<Response<v1::Schedule>, Status> {
        self.allowed()?;
        Ok(Response::new(request.into_inner()))
    }

    async fn list_schedules(
        &self,
        _: Request<v1::ListSchedulesRequest>,
    ) -> Result<Response<v1::ScheduleList>, Status> {
        self.allowed()?;
        Ok(Response::new(v1::ScheduleList::default()))
    }

    async fn remove_schedule(
        &self,
        _: Request<v1::RemoveScheduleRequest>,
    ) -> Result<Response<v1::Schedule>, Status> {
        self.unscripted()
    }

    async fn fetch_object(
        &self,
        request: Request<v1::FetchObjectRequest>,
    ) -> Result<Response<Replies<v1::ObjectChunk>>, Status> {
        self.allowed()?;
        let cut = self.with(|state| {
            let cut = state.cut_fetches > 0;
            state.cut_fetches = state.cut_fetches.saturating_sub(1);
            cut
        });
        if cut {
            return Err(Status::unavailable("so the script says"));
        }
        let digest = request.into_inner().digest;
        let digest = netghost_proto::convert::digest("digest", &digest)?;
        let bytes = self.with(|state| state.objects.get(&digest).cloned());
        let bytes = bytes.ok_or_else(|| Status::not_found("no such object"))?;
        let chunk = |bytes: &[u8]| v1::ObjectChunk {
            bytes: bytes.to_vec().into(),
        };
        Ok(stream(bytes.chunks(100).map(chunk).collect()))
    }

    async fn read_audit(
        &self,
        _: Request<v1::ReadAuditRequest>,
    ) -> Result<Response<Replies<v1::AuditEntry>>, Status> {
        use v1::audit_entry::Kind;
        self.allowed()?;
        let (records, heads) = self.with(|state| (state.records.clone(), state.heads.clone()));
        let records = records.into_iter().map(|bytes| Kind::Record(bytes.into()));
        let heads = heads.into_iter().map(|bytes| Kind::Head(bytes.into()));
        let entry = |kind| v1::AuditEntry { kind: Some(kind) };
        Ok(stream(records.chain(heads).map(entry).collect()))
    }

    async fn keys(&self, _: Request<v1::KeysRequest>) -> Result<Response<v1::KeyList>, Status> {
        self.allowed()?;
        let keys = self.with(|state| state.keys.clone());
        Ok(Response::new(v1::KeyList { keys }))
    }

    async fn request_action(
        &self,
        request: Request<v1::RequestActionRequest>,
    ) -> Result<Response<v1::Action>, Status> {
        self.allowed()?;
        let action = self.with(|state| {
            let action = super::proposal::proposed(&request.into_inner(), state.refusal.as_ref());
            state.actions.push(action.clone());
            action
        });
        // The VM takes its time: what it proposes is seen at the next look.
        Ok(Response::new(v1::Action {
            state: "preparing".to_owned(),
            approval: String::new(),
            document: Vec::new().into(),
            ..action
        }))
    }

    async fn list_actions(
        &self,
        request: Request<v1::ListActionsRequest>,
    ) -> Result<Response<v1::ActionList>, Status> {
        self.allowed()?;
        let wanted = request.into_inner().approval;
        let mut actions: Vec<v1::Action> =
            self.with(|state| state.actions.iter().map(|action| state.told(action)).collect());
        actions.retain(|action| wanted.is_empty() || action.approval == wanted);
        Ok(Response::new(v1::ActionList { actions }))
    }

    async fn show_action(
        &self,
        request: Request<v1::ShowActionRequest>,
    ) -> Result<Response<v1::Action>, Status> {
        self.allowed()?;
        self.action(&request.into_inner().id, |_| {})
    }

    async fn watch_action(
        &self,
        request: Request<v1::ShowActionRequest>,
    ) -> Result<Response<Replies<v1::Action>>, Status> {
        self.allowed()?;
        let action = self.action(&request.into_inner().id, |_| {})?.into_inner();
        Ok(stream(vec![action]))
    }

    async fn approve_action(
        &self,
        request: Request<v1::ApproveActionRequest>,
    ) -> Result<Response<v1::Action>, Status> {
        self.allowed()?;
        let request = request.into_inner();
        let becomes = self.with(|state| {
            state.approvals.push(request.approval.to_vec());
            state.becomes.clone()
        });
        let running = self.action(&request.id, |action| {
            action.approval = "approved".to_owned();
            action.state = "running".to_owned();
            action.decided_by = "ada".to_owned();
        });
        if !becomes.is_empty() {
            self.action(&request.id, |action| {
                action.approval = "used".to_owned();
                action.state = becomes;
            })?;
        }
        running
    }

    async fn deny_action(
        &self,
        request: Request<v1::DenyActionRequest>,
    ) -> Result<Response<v1::Action>, Status> {
        self.allowed()?;
        let request = request.into_inner();
        self.action(&request.id, |action| {
            action.approval = "denied".to_owned();
            action.state = "closed".to_owned();
            action.decided_by = "ada".to_owned();
            action.decision = request.reason;
        })
    }

    async fn undo_action(
        &self,
        request: Request<v1::UndoActionRequest>,
    ) -> Result<Response<v1::Action>, Status> {
        self.allowed()?;
        self.action(&request.into_inner().id, |action| match action.state.as_str() {
            "waiting" => {
                action.state = "closed".to_owned();
                action.approval = "void".to_owned();
            }
            _ => action.state = "undone".to_owned(),
        })
    }

    async fn publish_approvers(
        &self,
        request: Request<v1::Approvers>,
    ) -> Result<Response<v1::Approvers>, Status> {
        self.allowed()?;
        if self.with(|state| state.refuse_approvers) {
            return Err(Status::failed_precondition("so the script says"));
        }
        let sent = request.into_inner();
        self.with(|state| state.approvers = Some(sent.clone()));
        Ok(Response::new(sent))
    }

    async fn show_approvers(
        &self,
        _: Request<v1::ShowApproversRequest>,
    ) -> Result<Response<v1::Approvers>, Status> {
        self.allowed()?;
        let approvers = self.with(|state| state.approvers.clone());
        approvers
            .map(Response::new)
            .ok_or_else(|| Status::not_found("nobody published any"))
    }

    async fn renew(&self, _: Request<v1::RenewRequest>) -> Result<Response<v1::Identity>, Status> {
        self.unscripted()
    }
}
