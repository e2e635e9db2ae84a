//! Actions at a controller, which is trusted with none of them.

use std::time::{Duration, Instant};

use netghost_core::artifact::json;
use netghost_core::artifact::key::PublicKey;
use netghost_core::artifact::name::Name;
use netghost_core::fleet::Id;
use netghost_core::gate::{ApprovalState, Roster};
use netghost_proto::convert::BadField;
use netghost_proto::v1;

use super::Request;
use crate::approvers::{self, pinned};
use crate::documents::actions::{Row, Said};
use crate::error::Failure;
use crate::exit::Status;
use crate::fleet::{Client, Fleet};
use crate::progress::Progress;

/// How long one look at an action lasts at most, so that a stream that says nothing more is noticed.
const LOOK: Duration = Duration::from_secs(5);

/// A controller that keeps actions.
#[derive(Debug)]
pub struct Central {
    fleet: Fleet,
    person: Name,
}

type Reply = Result<tonic::Response<v1::Action>, tonic::Status>;

impl Central {
    /// This controller, for this user of it.
    pub(super) fn new(fleet: Fleet, person: Name) -> Self {
        Self { fleet, person }
    }

    pub(super) fn person(&self) -> &Name {
        &self.person
    }

    fn one(&mut self, call: impl AsyncFnOnce(&mut Client) -> Reply) -> Result<Row, Failure> {
        let said = self
            .fleet
            .call(async |client| Ok(call(client).await?.into_inner()))?;
        Ok(Said::try_from(said)?.held())
    }

    pub(super) fn request(&mut self, request: &Request) -> Result<Row, Failure> {
        let canonical = |error| Failure::failed("internal", anyhow::Error::from(error));
        let sent = v1::RequestActionRequest {
            id: request.id.to_string(),
            agent: request.vm.to_string(),
            namespace: request.namespace.as_str().unwrap_or_default().to_owned(),
            operation: json::to_vec(&request.operation).map_err(canonical)?.into(),
            checks: json::to_vec(&request.checks).map_err(canonical)?.into(),
            reason: request.reason.as_str().unwrap_or_default().to_owned(),
            ticket: request
                .ticket
                .as_ref()
                .and_then(|ticket| ticket.as_str())
                .unwrap_or_default()
                .to_owned(),
            window_s: request.window_s,
            lifetime_s: request.lifetime_s,
        };
        // The id makes it one action however often it is asked for.
        let said = self
            .fleet
            .read(async |client| Ok(client.request_action(sent.clone()).await?.into_inner()))?;
        let row = Said::try_from(said)?.held();
        match row.id == request.id && row.operation == request.operation && row.namespace == request.namespace
        {
            true => Ok(row),
            false => Err(Failure::from(BadField::new(
                "action",
                "is another one than was asked for",
            ))),
        }
    }

    pub(super) fn list(&mut self, approval: Option<ApprovalState>, limit: u32) -> Result<Vec<Row>, Failure> {
        let request = v1::ListActionsRequest {
            approval: approval.map_or("", ApprovalState::as_str).to_owned(),
            limit,
        };
        let list = self
            .fleet
            .read(async |client| Ok(client.list_actions(request.clone()).await?.into_inner()))?;
        let rows: Result<Vec<Row>, BadField> = list
            .actions
            .into_iter()
            .map(|said| Ok(Said::try_from(said)?.held()))
            .collect();
        Ok(rows?)
    }

    pub(super) fn show(&mut self, id: &str) -> Result<Row, Failure> {
        let request = v1::ShowActionRequest { id: id.to_owned() };
        let said = self
            .fleet
            .read(async |client| Ok(client.show_action(request.clone()).await?.into_inner()))?;
        let row = Said::try_from(said)?.held();
        match row.id.to_string().starts_with(id) {
            true => Ok(row),
            false => Err(Failure::from(BadField::new(
                "id",
                "is another one than was asked for",
            ))),
        }
    }

    pub(super) fn until(
        &mut self,
        id: Id,
        is_so: &dyn Fn(&Row) -> bool,
        patience: Duration,
        progress: &mut Progress,
    ) -> Result<Row, Failure> {
        let give_up = Instant::now() + patience;
        let mut told = None;
        loop {
            let row = self.show(&id.to_string())?;
            let state = (row.state, row.approval);
            let left = give_up.saturating_duration_since(Instant::now());
            if is_so(&row) || left.is_zero() {
                return Ok(row);
            }
            if told != Some(state) {
                told = Some(state);
                progress.action(&row);
            }
            self.change(&row, left.min(LOOK));
        }
    }

    /// Waits for the next change of an action. Whether there was one, and which, is asked afterwards.
    fn change(&mut self, row: &Row, patience: Duration) {
        let request = v1::ShowActionRequest {
            id: row.id.to_string(),
        };
        let known = (row.state.as_str(), row.approval.map_or("", ApprovalState::as_str));
        let begun = Instant::now();
        let watched = self.fleet.call(async |client| {
            let next = async {
                let mut stream = client.watch_action(request).await?.into_inner();
                while let Some(said) = stream.message().await? {
                    if (said.state.as_str(), said.approval.as_str()) != known {
                        return Ok(());
                    }
                }
                Err(tonic::Status::unavailable(
                    "the controller stopped telling of the action",
                ))
            };
            tokio::time::timeout(patience, next).await.unwrap_or(Ok(()))
        });
        if watched.is_err() {
            // A controller that is away is not asked all the time.
            std::thread::sleep(Duration::from_millis(300).saturating_sub(begun.elapsed()));
        }
    }

    /// The list of approvers, under the CA that is pinned here; the controller's word for the CA where none is.
    pub(super) fn approvers(&mut self) -> Result<Option<Roster>, Failure> {
        let pinned = pinned(&self.fleet.place().seen)?;
        let Some((ca, envelope)) = published(&mut self.fleet)? else {
            return Ok(None);
        };
        if let Some(pinned) = pinned
            && pinned != ca
        {
            let error = anyhow::anyhow!(
                "the controller's list of approvers is of the CA {}, and this context trusts {}",
                ca.id(),
                pinned.id()
            );
            return Err(Failure::act("other_authority", error).hint("ask who has the approvers' CA"));
        }
        approvers::open(&envelope, &ca, "the controller").map(Some)
    }

    pub(super) fn approve(&mut self, id: Id, envelope: Vec<u8>) -> Result<Row, Failure> {
        let request = v1::ApproveActionRequest {
            id: id.to_string(),
            approval: envelope.into(),
        };
        self.one(async |client| client.approve_action(request).await)
            .map_err(undecidable)
    }

    pub(super) fn deny(&mut self, id: Id, reason: &str) -> Result<Row, Failure> {
        let request = v1::DenyActionRequest {
            id: id.to_string(),
            reason: reason.to_owned(),
        };
        self.one(async |client| client.deny_action(request).await)
            .map_err(undecidable)
    }

    pub(super) fn undo(&mut self, id: Id) -> Result<Row, Failure> {
        let request = v1::UndoActionRequest { id: id.to_string() };
        self.one(async |client| client.undo_action(request).await)
    }
}

/// What nobody can decide any more was decided, or expired, in the meantime.
fn undecidable(failure: Failure) -> Failure {
    match failure.code {
        "precondition" => Failure {
            status: Status::Person,
            ..failure
        },
        _ => failure,
    }
}

/// The CA and the signed list that a controller has, if it has them.
pub fn published(fleet: &mut Fleet) -> Result<Option<(PublicKey, Vec<u8>)>, Failure> {
    let found =
        fleet.read(
            async |client| match client.show_approvers(v1::ShowApproversRequest {}).await {
                Ok(found) => Ok(found.into_inner()),
                // A controller that has none says so, one way or the other.
                Err(status) if status.code() == tonic::Code::NotFound => Ok(v1::Approvers::default()),
                Err(status) => Err(status),
            },
        )?;
    if found.ca.is_empty() {
        return Ok(None);
    }
    let ca = PublicKey::from_pem(&found.ca).map_err(|error| BadField::new("ca", error))?;
    Ok(Some((ca, found.roster.to_vec())))
}
