//! From a request to a job: who is meant is decided once, and stands in the store before anything is done.

use netghost_core::artifact::json;
use netghost_core::audit::{Event, Outcome};
use netghost_core::fleet::{Id, Kind, Selector};
use netghost_core::job::baseline::Member;
use netghost_core::job::{Layer, Request, Way, Work};
use sqlx::AnyConnection;
use tonic::{Code, Status};

use super::layers::layers;
use super::{Begun, agentless, spawn};
use crate::Controller;
use crate::audit;
use crate::caller::{Agent, User};
use crate::store::jobs::{JobRow, TargetRow, TargetState};
use crate::store::{Error, baselines, identities, jobs};

/// How many names an audit record spells out.
pub(super) const NAMED: usize = 100;

/// The most targets of one job: all of them go into one message.
pub(super) const MOST_TARGETS: usize = 10_000;

/// Who asks for a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// As it stands in the job and in what it makes.
    pub name: String,
    /// As the audit log calls them.
    pub actor: String,
}

impl From<&User> for Asker {
    fn from(user: &User) -> Self {
        Self {
            name: user.name.clone(),
            actor: user.actor(),
        }
    }
}

/// What a job begins with.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) targets: Vec<TargetRow>,
    /// Why nothing can be known, where that is clear from the start.
    pub(super) why: String,
    /// What is meant in Azure is to be looked for when the job runs.
    pub(super) azure: bool,
}

/// Starts a job. The same id with the same request by the same person is the same job, and nothing is done again.
pub async fn start(controller: &Controller, id: Id, request: Request, asker: &Asker) -> Result<(), Status> {
    if is_known(controller, id, &request, asker).await? {
        return Ok(());
    }
    request
        .check()
        .map_err(|bad| Status::invalid_argument(bad.to_string()))?;
    let plan = plan(controller, &request).await?;
    if plan.targets.len() > MOST_TARGETS {
        return Err(Status::failed_precondition(format!(
            "{} agents are selected, and a job has at most {MOST_TARGETS}: select them in parts, by tags",
            plan.targets.len()
        )));
    }
    let mut transaction = controller.store.begin().await?;
    if !insert(controller, &mut transaction, (id, &request, asker), &plan).await? {
        // Somebody was quicker with this id.
        transaction.rollback().await.map_err(Error::from)?;
        return is_known(controller, id, &request, asker).await.map(|_| ());
    }
    transaction.commit().await.map_err(Error::from)?;
    spawn(controller, id, Begun::Now);
    Ok(())
}

/// True if this very job was asked for before; an error if the id is another job's.
async fn is_known(controller: &Controller, id: Id, request: &Request, asker: &Asker) -> Result<bool, Status> {
    let mut connection = controller.store.pool().acquire().await.map_err(Error::from)?;
    let Some(job) = jobs::job(&mut connection, id).await? else {
        return Ok(false);
    };
    if job.request.as_bytes() == json::to_vec(request).map_err(Error::from)? && job.asked_by == asker.name {
        return Ok(true);
    }
    Err(Status::already_exists(format!(
        "there is another job with the id {id}: draw a new id for a new job"
    )))
}

/// Stores the job and its targets, and writes down that it began.
pub(super) async fn insert(
    controller: &Controller,
    transaction: &mut AnyConnection,
    (id, request, asker): (Id, &Request, &Asker),
    plan: &Plan,
) -> Result<bool, Status> {
    let now_us = controller.outside.now_us();
    let bytes = json::to_vec(request).map_err(Error::from)?;
    let job = JobRow {
        id,
        kind: request.work.word().to_owned(),
        ended: false,
        request: String::from_utf8_lossy(&bytes).into_owned(),
        verdict: String::new(),
        why: plan.why.clone(),
        baseline: request.work.baseline().to_string(),
        schedule: request
            .work
            .schedule()
            .map(ToString::to_string)
            .unwrap_or_default(),
        started_at_us: now_us,
        deadline_at_us: now_us.saturating_add(request.length_ms().saturating_mul(1_000)),
        ended_at_us: None,
        asked_by: asker.name.clone(),
        ticket: request.ticket.clone(),
        note: request.note.clone(),
        certificate: None,
        document: None,
        planned: !plan.azure,
    };
    if !jobs::insert(transaction, &job).await? {
        return Ok(false);
    }
    for target in &plan.targets {
        jobs::insert_target(transaction, id, target).await?;
    }
    audit::append(transaction, now_us, begun(&job, request, (asker, plan))).await?;
    Ok(true)
}

/// The audit log's word for a kind of job.
pub(super) fn action(kind: &str) -> &'static str {
    match kind {
        "baseline" => "baseline.create",
        "sweep" => "sweep.run",
        _ => "drift.check",
    }
}

fn begun(job: &JobRow, request: &Request, (asker, plan): (&Asker, &Plan)) -> Event {
    let mut event = Event::new(asker.actor.clone(), action(&job.kind), Outcome::Begun)
        .with("job", job.id)
        .with("baseline", &job.baseline)
        .with("asked_by", &job.asked_by)
        .with("ticket", &job.ticket)
        .with("schedule", &job.schedule)
        .with("targets", plan.targets.len());
    if plan.azure {
        let words = request.selector.azure.iter().take(NAMED);
        event = words.fold(event.with("layer", Layer::Azure), |event, word| {
            event.target(word)
        });
    }
    plan.targets
        .iter()
        .take(NAMED)
        .fold(event, |event, target| event.target(&target.name))
}

/// Who is meant, and whether the name can be used.
pub(super) async fn plan(controller: &Controller, request: &Request) -> Result<Plan, Status> {
    let mut connection = controller.store.pool().acquire().await.map_err(Error::from)?;
    let name = request.work.baseline();
    let baseline = baselines::baseline(&mut connection, name.as_str()).await?;
    drop(connection);
    let members = match (&request.work, &baseline) {
        (Work::Baseline { .. }, Some(_)) => return Err(name_taken(name.as_str())),
        (Work::Baseline { .. }, None) => &[],
        (_, Some(baseline)) => baseline.members.as_slice(),
        (_, None) => {
            return Err(Status::not_found(format!(
                "there is no baseline {name}: `netghost baseline list` shows all"
            )));
        }
    };
    let layers = layers(request, members);
    let azure = layers.contains(&Layer::Azure);
    if azure && controller.azure().is_none() {
        return Err(Status::failed_precondition(super::NO_AZURE));
    }
    if !azure && !request.selector.azure.is_empty() {
        return Err(Status::invalid_argument(
            "something in Azure is selected, and nothing of it is asked for: ask for the layer azure",
        ));
    }
    let mut plan = match layers.contains(&Layer::Host) {
        true => hosts(controller, request, members).await?,
        false => Plan::default(),
    };
    plan.azure = azure;
    if azure {
        // What is found there says more.
        plan.why.clear();
    }
    Ok(plan)
}

/// Which hosts are meant: those that have an agent, and those that are read without one.
async fn hosts(controller: &Controller, request: &Request, members: &[Member]) -> Result<Plan, Status> {
    let split = agentless::split(controller, request, members).await?;
    let mut plan = match split.agents {
        true => agents(controller, &split.request, members).await?,
        false => Plan::default(),
    };
    plan.targets.extend(split.targets);
    if !plan.targets.is_empty() {
        plan.why.clear();
    }
    Ok(plan)
}

/// Which agents are meant.
async fn agents(controller: &Controller, request: &Request, members: &[Member]) -> Result<Plan, Status> {
    match &request.work {
        Work::Baseline { .. } => {
            let agents = controller.select(&request.selector).await?;
            let targets = agents.into_iter().map(|agent| waiting(controller, agent));
            let targets: Vec<TargetRow> = targets.collect::<Result<_, _>>()?;
            if targets.is_empty() {
                return Err(Status::failed_precondition("no agent is selected"));
            }
            Ok(Plan {
                targets,
                ..Plan::default()
            })
        }
        Work::Drift { .. } | Work::Sweep { .. } => self::members(controller, request, members).await,
    }
}

/// What somebody is told who wants a name that is taken.
pub(crate) fn name_taken(name: &str) -> Status {
    Status::already_exists(format!(
        "there is a baseline {name} already: choose another name, nothing is ever overwritten"
    ))
}

/// The agents that are compared with a baseline. Where all or its members are selected, these are its members; else one that is no member
/// is a target too, of which nothing can be known, and so is a member that was revoked or removed and carried the tags.
async fn members(controller: &Controller, request: &Request, members: &[Member]) -> Result<Plan, Status> {
    let every = request.selector.every_member();
    let selector = Selector {
        all: every,
        members: false,
        ..request.selector.clone()
    };
    let (agents, nobody) = match controller.select(&selector).await {
        Err(status) if status.code() == Code::NotFound && request.selector.names.is_empty() => {
            (Vec::new(), Some(status))
        }
        agents => (agents?, None),
    };
    let mut connection = controller.store.pool().acquire().await.map_err(Error::from)?;
    let mut plan = Plan::default();
    for agent in agents {
        let member = member_of(&mut connection, members, (agent.id, &agent.name)).await?;
        let target = waiting(controller, agent)?;
        match member.map(|member| &member.why) {
            Some(None) => plan.targets.push(target),
            Some(Some(why)) => plan.targets.push(failed(target, unread(why))),
            None if every => {}
            None => plan.targets.push(failed(target, NO_MEMBER.to_owned())),
        }
    }
    if !every {
        for (agent, why) in gone(&mut connection, request, members).await? {
            plan.targets.push(failed(waiting(controller, agent)?, why));
        }
        if let (true, Some(nobody)) = (plan.targets.is_empty(), nobody) {
            return Err(nobody);
        }
    }
    if plan.targets.is_empty() {
        plan.why = "no member of the baseline is in this fleet".to_owned();
    }
    Ok(plan)
}

/// The members that carry the tags and may not be asked any more, and why. Where all are selected, the end of the job tells
/// of them; one that is named is refused.
async fn gone(
    connection: &mut AnyConnection,
    request: &Request,
    members: &[Member],
) -> Result<Vec<(Agent, String)>, Error> {
    let mut gone: Vec<(Agent, String)> = Vec::new();
    let mut met = Vec::new();
    let tagged = Selector {
        tags: request.selector.tags.clone(),
        ..Selector::default()
    };
    for (identity, tags) in identities::gone(connection).await? {
        let (id, name) = (identity.id, identity.name);
        if !tagged.selects(&id.to_string(), &name, &tags) {
            continue;
        }
        let Some(member) = member_of(connection, members, (id, &name)).await? else {
            continue;
        };
        // The member of an imported baseline is whoever has its name now.
        let holder = identities::by_name(connection, Kind::Agent, &name).await?;
        if member.id != id && holder.is_some_and(|holder| holder.id != id) || met.contains(&member.id) {
            continue;
        }
        met.push(member.id);
        let why = match identity.revoked.map(|revoked| revoked.why) {
            Some(why) if !why.is_empty() => format!("revoked: {why}"),
            _ if identity.removed_at_us.is_some() => {
                "revoked: the agent was removed from the fleet".to_owned()
            }
            _ => "revoked: no reason was given".to_owned(),
        };
        gone.push((Agent { id, name }, why));
    }
    Ok(gone)
}

/// Why nothing can be said of an agent that is no member.
pub(super) const NO_MEMBER: &str = "no baseline of it: it was not there when the baseline was made";

/// Why nothing can be said of a member that was not read.
pub(super) fn unread(why: &str) -> String {
    format!("no baseline of it: it could not be read when the baseline was made: {why}")
}

/// The member that a target is. A resource is the member of its id; so is what stands for something that is not known.
pub(super) async fn member_of_target<'a>(
    connection: &mut AnyConnection,
    members: &'a [Member],
    target: &TargetRow,
) -> Result<Option<&'a Member>, Error> {
    if target.resource.is_none() && target.way != Some(Way::Arm) {
        return member_of(connection, members, (target.identity, &target.name)).await;
    }
    let layer = target.way.map_or(Layer::Host, Way::layer);
    // What an agent read may be compared with what is read without it: the target then has the agent's id.
    let same = |member: &&Member| {
        let resource = layer == Layer::Host || member.resource == target.resource;
        member.layer() == layer && member.id == target.identity && resource
    };
    Ok(members.iter().find(same))
}

/// The member that an agent is: the one with its id. A member whose id this controller never knew comes from an imported
/// baseline, and is the agent of the same name.
pub(super) async fn member_of<'a>(
    connection: &mut AnyConnection,
    members: &'a [Member],
    (id, name): (Id, &str),
) -> Result<Option<&'a Member>, Error> {
    let is_agent = |member: &&Member| member.resource.is_none() && member.layer() == Layer::Host;
    let mut agents = members.iter().filter(is_agent);
    if let Some(member) = agents.clone().find(|member| member.id == id) {
        return Ok(Some(member));
    }
    let Some(member) = agents.find(|member| member.name.as_str() == name) else {
        return Ok(None);
    };
    let known = sqlx::query("SELECT id FROM identities WHERE id = $1")
        .bind(member.id.to_string())
        .fetch_optional(connection)
        .await?;
    Ok(known.is_none().then_some(member))
}

fn waiting(controller: &Controller, agent: Agent) -> Result<TargetRow, Status> {
    let command = controller.outside.id().map_err(no_random)?;
    Ok(TargetRow {
        identity: agent.id,
        name: agent.name,
        resource: None,
        way: Some(controller.reach.way()),
        command,
        state: TargetState::Waiting,
        why: String::new(),
        manifest: None,
        verdict: String::new(),
        changes: 0,
        not_covered: 0,
        document: None,
    })
}

pub(super) fn failed(target: TargetRow, why: String) -> TargetRow {
    TargetRow {
        state: TargetState::Failed,
        why,
        ..target
    }
}

/// The system gave no random bytes.
pub(super) fn no_random(error: getrandom::Error) -> Status {
    Status::internal(format!("the system gave no random numbers: {error}"))
}
