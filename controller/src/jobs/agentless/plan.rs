//! Which hosts without an agent a job is about.

use std::time::Duration;

use futures_util::FutureExt;
use netghost_azure::DiscoverError;
use netghost_core::azure::id::ResourceId;
use netghost_core::azure::selector::Selector;
use netghost_core::fleet::{Id, resource_name, ssh_host_name};
use netghost_core::job::baseline::Member;
use netghost_core::job::{Known, Layer, NoWay, Request, Via, Way, Work, choose};
use tonic::Status;

use super::super::chain;
use super::super::start::{NO_MEMBER, failed, no_random, unread};
use crate::Controller;
use crate::store::Error;
use crate::store::identities::{self, AgentRow};
use crate::store::jobs::{TargetRow, TargetState};

/// How long Azure may take to say which VM is meant.
const LOOKED_FOR: Duration = Duration::from_secs(60);

/// Why a host that was read by ssh is not read again.
pub(in super::super) const NOT_NAMED: &str =
    "it was read by ssh, and where it is reached is not kept: name it as USER@HOST with `--via ssh`";

/// A request in two parts.
pub(in super::super) struct Split {
    /// With what agents are asked for alone.
    pub(in super::super) request: Request,
    /// True where agents are asked at all.
    pub(in super::super) agents: bool,
    /// The hosts without an agent.
    pub(in super::super) targets: Vec<TargetRow>,
}

/// Takes out of a request what is read without an agent.
pub(in super::super) async fn split(
    controller: &Controller,
    request: &Request,
    members: &[Member],
) -> Result<Split, Status> {
    let mut connection = controller.store.pool().acquire().await.map_err(Error::from)?;
    let agents = identities::agents(&mut connection).await?;
    drop(connection);
    let planner = Planner {
        controller,
        request,
        members,
        agents: &agents,
    };
    planner.check()?;
    let mut rest = request.clone();
    let mut targets = Vec::new();
    rest.selector.names.clear();
    for word in &request.selector.names {
        match planner.word(word).await? {
            Some(target) => targets.push(target),
            None => rest.selector.names.push(planner.agent_word(word)),
        }
    }
    if request.selector.every_member() {
        targets.extend(planner.held()?);
    }
    let selector = &rest.selector;
    let names = !selector.names.is_empty() || !selector.tags.is_empty();
    let asked = !matches!(request.via, Via::RunCommand | Via::Ssh);
    targets.sort_by_key(|target| target.identity);
    targets.dedup_by_key(|target| target.identity);
    Ok(Split {
        agents: names || asked && (selector.every_member() || targets.is_empty()),
        request: rest,
        targets,
    })
}

struct Planner<'a> {
    controller: &'a Controller,
    request: &'a Request,
    members: &'a [Member],
    agents: &'a [AgentRow],
}

impl Planner<'_> {
    /// Tags are those of agents; and who all hosts without an agent are, a baseline can't know.
    fn check(&self) -> Result<(), Status> {
        let selector = &self.request.selector;
        let way = self.request.via;
        let without = matches!(way, Via::RunCommand | Via::Ssh);
        let is_baseline = matches!(self.request.work, Work::Baseline { .. });
        if without && (!selector.tags.is_empty() || selector.all && is_baseline) {
            return Err(Status::invalid_argument(format!(
                "hosts that are read by {way} are selected by their names"
            )));
        }
        Ok(())
    }

    fn agent(&self, word: &str) -> Option<&AgentRow> {
        let is = |row: &&AgentRow| row.identity.name == word || row.identity.id.to_string() == word;
        self.agents.iter().find(is).or_else(|| {
            self.agents
                .iter()
                .find(|row| vm_of(row).is_some_and(|vm| vm.as_str().eq_ignore_ascii_case(word)))
        })
    }

    /// The word by which its agent is selected.
    fn agent_word(&self, word: &str) -> String {
        let row = self.agent(word);
        row.map_or_else(|| word.to_owned(), |row| row.identity.id.to_string())
    }

    /// The target that a word is; none where it is an agent's matter.
    async fn word(&self, word: &str) -> Result<Option<TargetRow>, Status> {
        let via = self.request.via;
        let selector = word.parse::<Selector>().ok();
        let known = Known {
            agent: self.agent(word).is_some(),
            vm: selector
                .as_ref()
                .is_some_and(|selector| self.can_be_found(selector)),
            destination: match via {
                Via::Ssh => word.parse::<netghost_reach::ssh::Target>().is_ok(),
                _ => word.contains('@') && word.parse::<netghost_reach::ssh::Target>().is_ok(),
            },
        };
        if via == Via::Agent || via == Via::Auto && !known.vm && !known.destination {
            return Ok(None);
        }
        let chosen = choose(via, known, self.controller.probe().allowed())
            .map_err(|no| Status::failed_precondition(format!("{word}: {no}")))?;
        let target = match (chosen.way, &selector) {
            (Way::Ssh, _) => self.of_ssh(word)?,
            (Way::RunCommand, Some(selector)) => self.of_vm(word, selector).await?,
            _ => return Ok(None),
        };
        tracing::info!(target = target.name, way = %chosen.way, why = chosen.why, "the way to a host");
        Ok(Some(target))
    }

    /// True where Azure, or the baseline, can say which VM is meant.
    fn can_be_found(&self, selector: &Selector) -> bool {
        let Some(azure) = self.controller.azure() else {
            return false;
        };
        match selector {
            Selector::Vm(_) => true,
            Selector::Named(name) => azure.subscription.is_some() || self.held_vm(name).is_some(),
            Selector::InGroup { .. } => azure.subscription.is_some(),
            _ => false,
        }
    }

    /// The one VM of this name that the baseline holds.
    fn held_vm(&self, name: &str) -> Option<&ResourceId> {
        let held = self.members.iter().filter_map(|member| member.resource.as_ref());
        let mut named = held.filter(|vm| {
            vm.is("Microsoft.Compute", "virtualMachines") && vm.name().eq_ignore_ascii_case(name)
        });
        let first = named.next()?;
        named.next().is_none().then_some(first)
    }

    fn of_ssh(&self, word: &str) -> Result<TargetRow, Status> {
        let target = self.row(
            (Id::of_ssh_host(word), ssh_host_name(word).to_string()),
            Way::Ssh,
            None,
        )?;
        let member = self.members.iter().find(|member| member.id == target.identity);
        Ok(self.compared(target, member))
    }

    async fn of_vm(&self, word: &str, selector: &Selector) -> Result<TargetRow, Status> {
        let vm = self.vm(word, selector).await?;
        let named = (Id::of_resource(&vm), resource_name(&vm).to_string());
        // What an agent read is compared with what the probe reads.
        // Only where somebody vouches that the agent is of this VM: another one may have its name.
        let agent = self.agent(word).filter(|row| vm_of(row).as_ref() == Some(&vm));
        let agent = agent.map(|row| row.identity.id);
        let mut hosts = self.members.iter().filter(|member| member.layer() == Layer::Host);
        let member = hosts
            .clone()
            .find(|member| member.resource.as_ref() == Some(&vm))
            .or_else(|| hosts.find(|member| Some(member.id) == agent));
        let target = self.row(named, Way::RunCommand, Some(vm))?;
        Ok(self.compared(target, member))
    }

    /// Which VM a word means: by its agent's attested document, by the baseline, or as Azure says.
    async fn vm(&self, word: &str, selector: &Selector) -> Result<ResourceId, Status> {
        if let Some(vm) = self.agent(word).and_then(vm_of) {
            return Ok(vm);
        }
        match selector {
            Selector::Vm(vm) => return Ok(vm.clone()),
            Selector::Named(name) => {
                if let Some(vm) = self.held_vm(name) {
                    return Ok(vm.clone());
                }
            }
            _ => {}
        }
        let azure = self.controller.azure();
        let azure = azure.ok_or_else(|| Status::failed_precondition(super::super::NO_AZURE))?;
        let found = azure
            .arm
            .discover(selector, azure.subscription.as_deref(), LOOKED_FOR)
            .boxed()
            .await;
        let found = found.map_err(|error| not_found(word, &error))?;
        match found.vms.as_slice() {
            [machine] => Ok(machine.vm.id.clone()),
            [] => Err(Status::not_found(format!("{word}: Azure names no VM there"))),
            _ => Err(Status::failed_precondition(format!(
                "{word} is more than one VM: name each"
            ))),
        }
    }

    /// The hosts of the baseline that are read without an agent. One that can't be read by the way that was asked for stays
    /// among them, and says why.
    fn held(&self) -> Result<Vec<TargetRow>, Status> {
        let hosts = self.members.iter().filter(|member| member.layer() == Layer::Host);
        let mut targets = Vec::new();
        for member in hosts {
            let vm = self.vm_of_member(member);
            let Some((way, no)) = way_of(member, self.request.via, vm.is_some()) else {
                continue;
            };
            let target = self.row((member.id, member.name.to_string()), way, vm)?;
            targets.push(match no {
                Some(no) => failed(target, no),
                None => self.compared(target, Some(member)),
            });
        }
        Ok(targets)
    }

    /// The VM that a member is: as the baseline has it, or as its agent proved.
    fn vm_of_member(&self, member: &Member) -> Option<ResourceId> {
        let proven = || {
            let mut rows = self.agents.iter();
            vm_of(rows.find(|row| row.identity.id == member.id)?)
        };
        member.resource.clone().or_else(proven)
    }

    /// The target as its baseline has it.
    fn compared(&self, target: TargetRow, member: Option<&Member>) -> TargetRow {
        if matches!(self.request.work, Work::Baseline { .. }) {
            return target;
        }
        let Some(member) = member else {
            return failed(target, NO_MEMBER.to_owned());
        };
        let target = TargetRow {
            identity: member.id,
            name: member.name.to_string(),
            ..target
        };
        match &member.why {
            Some(why) => failed(target, unread(why)),
            None => target,
        }
    }

    fn row(
        &self,
        (identity, name): (Id, String),
        way: Way,
        resource: Option<ResourceId>,
    ) -> Result<TargetRow, Status> {
        Ok(TargetRow {
            identity,
            name,
            resource,
            way: Some(way),
            command: self.controller.outside.id().map_err(no_random)?,
            state: TargetState::Waiting,
            why: String::new(),
            manifest: None,
            verdict: String::new(),
            changes: 0,
            not_covered: 0,
            document: None,
        })
    }
}

/// The way to a member without its agent, and why it can't be read by it; nothing where it is its agent's matter.
fn way_of(member: &Member, via: Via, has_vm: bool) -> Option<(Way, Option<String>)> {
    let was = member.way.filter(|way| matches!(way, Way::RunCommand | Way::Ssh));
    let (way, no) = match (was, via) {
        (Some(Way::RunCommand), Via::Auto) | (_, Via::RunCommand) => {
            (Way::RunCommand, (!has_vm).then(|| NoWay::NoVm.to_string()))
        }
        (Some(Way::Ssh), Via::Auto | Via::Ssh) => (Way::Ssh, Some(NOT_NAMED.to_owned())),
        (_, Via::Ssh) => (Way::Ssh, Some(NoWay::NoDestination.to_string())),
        (Some(way), Via::Agent) => (way, Some(NoWay::NoAgent.to_string())),
        _ => return None,
    };
    Some((way, no))
}

/// The VM that an agent proved to be.
fn vm_of(row: &AgentRow) -> Option<ResourceId> {
    let (attested, _) = row.attested.as_ref()?;
    // What nobody vouches for is the agent's own word.
    let vouched = attested.unverified.is_empty();
    vouched.then(|| attested.resource.parse().ok()).flatten()
}

fn not_found(word: &str, error: &DiscoverError) -> Status {
    let why = format!("{word}: {}", chain(error));
    match error {
        DiscoverError::NoSuch { .. } => Status::not_found(format!("{why}, and no agent has this name")),
        DiscoverError::Ambiguous { .. } | DiscoverError::WhichSubscription(_) => {
            Status::failed_precondition(why)
        }
        DiscoverError::Form { .. } | DiscoverError::Arm(_) => Status::unavailable(why),
    }
}
