//! Actions of this host, without a controller: the same demands, to the process that acts here.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::name::Name;
use netghost_core::bytes::{Big, Text};
use netghost_core::fleet::Id;
use netghost_core::gate::{Action, ActionState, Answer, ApprovalState, Asked, Demand, Roster, Stands};

use super::record::{Denied, Record, Records, SCHEMA};
use super::{Request, wire};
use crate::approvers;
use crate::documents::actions::{Row, Said};
use crate::error::Failure;
use crate::world::World;

/// The time between two looks at an action.
const PAUSE: Duration = Duration::from_millis(200);

/// This host.
#[derive(Debug)]
pub struct Host {
    socket: PathBuf,
    records: Records,
    name: Text,
    person: Name,
    approvers: Option<(Vec<u8>, Roster)>,
    now_us: fn() -> u64,
}

impl Host {
    /// This host, for who runs the command.
    pub(super) fn open(world: &World) -> Result<Self, Failure> {
        let person = world.person.as_deref().unwrap_or("root");
        let person = Name::parse(person).map_err(|error| {
            Failure::usage("not_a_name", error)
                .hint("actions without a controller are asked for under a login name")
        })?;
        let approvers = approvers::of_this_host(world)?;
        Ok(Self {
            socket: world.act_socket.clone(),
            records: Records::new(world.store()?.root()),
            name: (world.target)().name().clone(),
            person,
            approvers: approvers.map(|(_, envelope, roster)| (envelope, roster)),
            now_us: world.now_us,
        })
    }

    pub(super) fn person(&self) -> &Name {
        &self.person
    }

    pub(super) fn approvers(&self) -> Result<Option<Roster>, Failure> {
        Ok(self.approvers.as_ref().map(|(_, roster)| roster.clone()))
    }

    pub(super) fn request(&mut self, request: &Request) -> Result<Row, Failure> {
        if !["localhost", &self.name.to_string()].contains(&request.vm.as_str()) {
            let error = anyhow!("this host is {}, not {}", self.name, request.vm);
            return Err(Failure::usage("not_found", error)
                .hint("log in to a controller for other VMs: `netghost login`"));
        }
        let asked = Asked {
            id: request.id,
            agent: None,
            namespace: request.namespace.clone(),
            requester: self.person.clone(),
            reason: request.reason.clone(),
            ticket: request.ticket.clone(),
            operation: request.operation.clone(),
            checks: request.checks.clone(),
            window_s: request.window_s,
            lifetime_s: request.lifetime_s,
        };
        let answer = wire::ask(&self.socket, &Demand::Propose(Box::new(asked)))?;
        let requested_at_us = Big((self.now_us)());
        match answer {
            Answer::Proposed { document } => {
                let record = Record {
                    schema: SCHEMA.to_owned(),
                    id: request.id,
                    document,
                    requested_at_us,
                    denied: None,
                };
                // What is no action of this request is told before anything is kept.
                let action = record.action()?;
                let row = self.row(&record, &action, None);
                let same = action.operation == request.operation
                    && action.id == request.id
                    && action.namespace == request.namespace;
                if !same {
                    return Err(Failure::act(
                        "altered",
                        anyhow!("netghost-act proposes another action than was asked for"),
                    ));
                }
                self.records.keep(&record)?;
                Ok(row)
            }
            Answer::Refused { code, message } => Ok(self.refused(request, requested_at_us, code, message)),
            Answer::Stands(_) => Err(unexpected()),
        }
    }

    /// What was refused before there was anything to approve.
    fn refused(&self, request: &Request, requested_at_us: Big, code: String, message: Text) -> Row {
        Row {
            id: request.id,
            vm: self.name.to_string(),
            agent: None,
            namespace: request.namespace.clone(),
            requester: self.person.clone(),
            reason: request.reason.clone(),
            ticket: request.ticket.clone(),
            operation: request.operation.clone(),
            approval: None,
            state: ActionState::Refused,
            why: Some(message),
            code: Some(code),
            decided_by: None,
            decision: None,
            self_approved: false,
            requested_at_us,
            until_us: None,
            decided_at_us: None,
            ended_at_us: None,
            ends_in_ms: None,
            output: None,
            digest: None,
            document: None,
            action: None,
            void_if: Vec::new(),
            disagrees: Vec::new(),
        }
    }

    /// An action of which only the document is known.
    fn row(&self, record: &Record, action: &Action, denied: Option<&Denied>) -> Row {
        let lifetime = u64::from(action.lifetime_s).saturating_mul(1_000_000);
        let row = Row {
            id: record.id,
            vm: self.name.to_string(),
            agent: None,
            namespace: action.namespace.clone(),
            requester: action.requester.clone(),
            reason: action.reason.clone(),
            ticket: action.ticket.clone(),
            operation: action.operation.clone(),
            approval: Some(ApprovalState::Pending),
            state: ActionState::Waiting,
            why: None,
            code: None,
            decided_by: denied.map(|denied| denied.by.to_string()),
            decision: denied.map(|denied| denied.reason.clone()),
            self_approved: false,
            requested_at_us: record.requested_at_us,
            until_us: Some(Big(record.requested_at_us.0.saturating_add(lifetime))),
            decided_at_us: denied.map(|denied| denied.at_us),
            ended_at_us: None,
            ends_in_ms: None,
            output: None,
            digest: None,
            document: None,
            action: None,
            void_if: Vec::new(),
            disagrees: Vec::new(),
        };
        let document = Some(record.document.clone().into_bytes());
        Said { row, document }.held()
    }

    fn standing(&self, record: &Record) -> Result<Row, Failure> {
        let action = record.action()?;
        let row = self.row(record, &action, record.denied.as_ref());
        let demand = Demand::Standing {
            action: digest(&row)?,
        };
        let answer = wire::ask(&self.socket, &demand)?;
        told(row, answer)
    }

    fn demand(&self, row: &Row, demand: &Demand) -> Result<Row, Failure> {
        let answer = wire::ask(&self.socket, demand)?;
        match answer {
            Answer::Refused { code, message } => Err(refusal(&code, &message)),
            answer => told(row.clone(), answer),
        }
    }

    pub(super) fn list(&self, approval: Option<ApprovalState>, limit: u32) -> Result<Vec<Row>, Failure> {
        let mut rows = Vec::new();
        for record in self.records.all()? {
            let row = self.standing(&record)?;
            if approval.is_none() || row.approval == approval {
                rows.push(row);
            }
            if rows.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
                break;
            }
        }
        Ok(rows)
    }

    pub(super) fn show(&self, id: &str) -> Result<Row, Failure> {
        self.standing(&self.records.find(id)?)
    }

    pub(super) fn until(
        &self,
        id: Id,
        is_so: &dyn Fn(&Row) -> bool,
        patience: Duration,
    ) -> Result<Row, Failure> {
        let give_up = Instant::now() + patience;
        loop {
            let row = self.show(&id.to_string())?;
            if is_so(&row) || Instant::now() >= give_up {
                return Ok(row);
            }
            std::thread::sleep(PAUSE);
        }
    }

    pub(super) fn approve(&self, row: &Row, envelope: Vec<u8>) -> Result<Row, Failure> {
        let Some((roster, _)) = &self.approvers else {
            return Err(no_approvers());
        };
        let demand = Demand::Perform {
            action: digest(row)?,
            approval: Text::from(envelope),
            roster: Text::from(roster.clone()),
        };
        self.demand(row, &demand)
    }

    pub(super) fn deny(&self, row: &Row, reason: &str) -> Result<Row, Failure> {
        let mut record = self.records.find(&row.id.to_string())?;
        let demand = Demand::Withdraw { action: digest(row)? };
        let answer = wire::ask(&self.socket, &demand)?;
        record.denied = Some(Denied {
            by: Text::from(self.person.as_str()),
            reason: Text::from(reason),
            at_us: Big((self.now_us)()),
        });
        if let Answer::Refused { code, message } = &answer {
            return Err(refusal(code, message));
        }
        self.records.keep(&record)?;
        self.standing(&record)
    }

    pub(super) fn undo(&self, row: &Row) -> Result<Row, Failure> {
        let action = digest(row)?;
        let demand = match row.state {
            ActionState::Waiting => Demand::Withdraw { action },
            _ => Demand::Undo { action },
        };
        self.demand(row, &demand)
    }

    pub(super) fn confirm(&self, row: &Row) -> Result<Row, Failure> {
        let demand = Demand::Confirm { action: digest(row)? };
        self.demand(row, &demand)
    }
}

/// The row with what netghost-act says of it.
fn told(row: Row, answer: Answer) -> Result<Row, Failure> {
    match answer {
        Answer::Stands(stands) if row.digest == Some(stands.action) => Ok(stood(row, stands)),
        Answer::Refused { code, message } => Ok(gone(row, code, message)),
        _ => Err(unexpected()),
    }
}

fn stood(row: Row, stands: Stands) -> Row {
    let approval = match stands.state {
        ActionState::Preparing | ActionState::Waiting => ApprovalState::Pending,
        ActionState::Refused | ActionState::Closed if row.decided_by.is_some() => ApprovalState::Denied,
        ActionState::Refused | ActionState::Closed => ApprovalState::Void,
        _ => ApprovalState::Used,
    };
    let denied = approval == ApprovalState::Denied;
    Row {
        approval: Some(approval),
        state: stands.state,
        why: stands.why,
        decided_by: match denied {
            true => row.decided_by.clone(),
            false => stands.approver.map(|approver| approver.to_string()),
        },
        decision: row.decision.clone().filter(|_| denied),
        decided_at_us: row.decided_at_us.filter(|_| denied),
        self_approved: stands.self_approved,
        ends_in_ms: stands.ends_in_ms.map(Big),
        output: stands.output,
        ..row
    }
}

/// An action that netghost-act does not have open any more.
fn gone(row: Row, code: String, message: Text) -> Row {
    let (approval, state) = match (code.as_str(), row.decided_by.is_some()) {
        (_, true) => (ApprovalState::Denied, ActionState::Closed),
        ("expired", _) => (ApprovalState::Expired, ActionState::Closed),
        ("void" | "other_boot", _) => (ApprovalState::Void, ActionState::Closed),
        // It was known once, and what became of it is forgotten.
        _ => (ApprovalState::Void, ActionState::Unknown),
    };
    Row {
        approval: Some(approval),
        state,
        why: Some(message),
        code: Some(code),
        ..row
    }
}

/// A refusal, as the error that it is.
fn refusal(code: &str, message: &Text) -> Failure {
    let error = anyhow!("{message}");
    match code {
        "self_approval" => Failure::person("self_approval", error),
        "revoked" => Failure::person("revoked", error),
        "no_approver" => Failure::person("no_approver", error),
        "no_authority" => Failure::person("no_authority", error),
        "expired" => Failure::person("expired", error),
        "void" | "other_boot" => Failure::person("void", error),
        "used" => Failure::usage("used", error),
        "bad_signature" => Failure::act("bad_signature", error),
        "other_action" => Failure::act("other_action", error),
        "moved" => Failure::act("moved", error),
        "denied_by_policy" => Failure::failed("denied_by_policy", error),
        _ => Failure::failed(
            "refused",
            error.context(format!("netghost-act refused ({code:?})")),
        ),
    }
}

fn digest(row: &Row) -> Result<Digest, Failure> {
    row.digest
        .ok_or_else(|| Failure::failed("internal", anyhow!("an action without a document")))
}

fn unexpected() -> Failure {
    Failure::failed(
        "bad_answer",
        anyhow!("netghost-act answered something else than was asked"),
    )
    .hint("use a command and a netghost-act of one version")
}

/// Without approvers nothing can be approved.
fn no_approvers() -> Failure {
    let error = anyhow!("this host has no list of approvers that its CA signed");
    Failure::person("no_authority", error).hint(
        "put the CA's approvers.pem and roster.dsse.json into /etc/netghost: `netghost approvers init` makes them",
    )
}
