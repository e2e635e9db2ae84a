//! Which network interfaces a job is about. Azure is asked when the job runs; what it says stands in the store, once, before
//! any of them is read.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use netghost_azure::{DiscoverError, Found, Kind};
use netghost_core::audit::{Event, Outcome};
use netghost_core::azure::id::ResourceId;
use netghost_core::azure::selector::Selector;
use netghost_core::fleet::{Id, gap_name, resource_name};
use netghost_core::job::baseline::Member;
use netghost_core::job::{Layer, Way, Work};
use tokio::time::{Instant, timeout_at};

use super::chain;
use super::run::Run;
use super::start::{MOST_TARGETS, NAMED, NO_MEMBER, unread};
use crate::audit;
use crate::azure::Azure;
use crate::store::jobs::{TargetRow, TargetState};
use crate::store::{Error, jobs};

mod scope;
mod words;

pub(super) use scope::lies_in;

use words::{Word, Words, words};

/// How many words are looked for at once; the client's own limits hold beside it.
const AT_ONCE: usize = 8;
/// The longest that one question to Azure may take.
const LONGEST: Duration = Duration::from_secs(300);

/// The rows of what is meant, by their ids.
type Rows = BTreeMap<Id, TargetRow>;

/// Finds what a job means in Azure, and stores it.
pub(super) async fn resolve(run: &Run) -> Result<(), Error> {
    let Some(azure) = run.controller.azure() else {
        let mut rows = Rows::new();
        gap(&mut rows, "what is selected in Azure", super::NO_AZURE);
        return store(run, rows).await;
    };
    let words = words(&run.controller, azure, &run.request).await?;
    let mut rows = find(run, azure, &words).await;
    for (what, why) in &words.wrong {
        gap(&mut rows, what, why);
    }
    if !matches!(run.request.work, Work::Baseline { .. }) {
        hold(run, azure, &words, &mut rows).await?;
    }
    if rows.len() > MOST_TARGETS {
        let why = format!(
            "{} network interfaces, and a job has at most {MOST_TARGETS}: select them in parts, by resource groups",
            rows.len()
        );
        rows.clear();
        gap(&mut rows, "what is selected in Azure", &why);
    }
    if rows.is_empty() {
        gap(
            &mut rows,
            "what is selected in Azure",
            "no agent or VM is selected",
        );
    }
    store(run, rows).await
}

/// What Azure says of the words.
async fn find(run: &Run, azure: &Azure, words: &Words) -> Rows {
    let mut rows = Rows::new();
    let mut wide = Vec::new();
    for (word, found) in discover(run, azure, words.named.iter().collect()).await {
        take(&mut rows, word, &found);
        wide.extend(found.ok());
    }
    // The VMs of agents that were met already are not asked for one by one.
    let met = |word: &&Word| {
        wide.iter()
            .any(|found| has_vm(found, &word.0, azure.subscription.as_deref()))
    };
    let rest: Vec<&Word> = words.agents.iter().filter(|word| !met(word)).collect();
    for (word, found) in discover(run, azure, rest).await {
        take(&mut rows, word, &found);
    }
    rows
}

async fn discover<'a>(
    run: &Run,
    azure: &Azure,
    words: Vec<&'a Word>,
) -> Vec<(&'a Word, Result<Found, NotFound>)> {
    let each = words.into_iter().map(|word| async move {
        let period = run
            .deadline
            .saturating_duration_since(Instant::now())
            .min(LONGEST);
        let looked = azure
            .arm
            .discover(&word.0, azure.subscription.as_deref(), period)
            .boxed();
        let found = match timeout_at(run.deadline, looked).await {
            Ok(found) => found.map_err(|error| NotFound::of(&error)),
            Err(_) => Err(NotFound {
                why: "it was not found out before the job's deadline what it is: give the job a longer one"
                    .to_owned(),
                is_sure: false,
            }),
        };
        (word, found)
    });
    let each: Vec<_> = each.collect();
    stream::iter(each).buffered(AT_ONCE).collect().await
}

/// Nothing is known of a word.
#[derive(Debug)]
struct NotFound {
    why: String,
    /// True where Azure says that there is no such thing.
    is_sure: bool,
}

impl NotFound {
    fn of(error: &DiscoverError) -> Self {
        let is_sure = match error {
            DiscoverError::Arm(error) => matches!(error.kind, Kind::NotFound { .. }),
            DiscoverError::NoSuch { .. } => true,
            _ => false,
        };
        // The client's errors say their cause themselves.
        let why = match error {
            DiscoverError::Form { .. } => chain(error),
            error => error.to_string(),
        };
        Self { why, is_sure }
    }
}

/// The rows of what a word was found to be.
fn take(rows: &mut Rows, word: &Word, found: &Result<Found, NotFound>) {
    let found = match found {
        Ok(found) => found,
        Err(not) => {
            return match &word.0 {
                // It is asked for all that can be read of it.
                Selector::Nic(nic) if !not.is_sure => nic_row(rows, nic),
                word => gap(rows, &word.to_string(), &not.why),
            };
        }
    };
    for nic in &found.nics {
        nic_row(rows, &nic.id);
    }
    for missing in &found.missing {
        match missing.what.parse::<ResourceId>() {
            Ok(id) if id.is("Microsoft.Network", "networkInterfaces") => nic_row(rows, &id),
            _ => gap(rows, &missing.what, &missing.why),
        }
    }
    if found.nics.is_empty() && found.missing.is_empty() {
        gap(rows, &word.0.to_string(), "no network interface was found there");
    }
}

/// True if this VM was found by itself, with all network interfaces that it names. One that is known only from an interface's side
/// may have more.
fn has_vm(found: &Found, word: &Selector, subscription: Option<&str>) -> bool {
    let same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
    let mut of_word = found.vms.iter().filter(|machine| match word {
        Selector::Vm(id) => machine.vm.id == *id,
        Selector::Named(name) => {
            same(&machine.vm.name, name)
                && subscription.is_some_and(|there| same(there, machine.vm.id.subscription()))
        }
        _ => false,
    });
    let (first, second) = (of_word.next(), of_word.next());
    let (Some(machine), None) = (first, second) else {
        return false;
    };
    let has = |id: &ResourceId| found.nics.iter().any(|nic| nic.id == *id);
    !machine.vm.nics.is_empty() && machine.vm.nics.iter().all(has)
}

fn nic_row(rows: &mut Rows, nic: &ResourceId) {
    let id = Id::of_resource(nic);
    let row = TargetRow {
        resource: Some(nic.clone()),
        ..row(id, resource_name(nic).to_string())
    };
    rows.entry(id).or_insert(row);
}

/// Something that is not known belongs to what was asked for: a row of its own, which fails.
fn gap(rows: &mut Rows, what: &str, why: &str) {
    let id = Id::of_gap(what);
    let within = what.split_whitespace().find_map(|word| word.parse().ok());
    let row = TargetRow {
        resource: within,
        state: TargetState::Failed,
        why: super::visit::short(&format!("{what}: {why}")),
        ..row(id, gap_name(what).to_string())
    };
    rows.entry(id).or_insert(row);
}

fn row(id: Id, name: String) -> TargetRow {
    TargetRow {
        identity: id,
        name,
        resource: None,
        way: Some(Way::Arm),
        // Drawn when it is stored.
        command: id,
        state: TargetState::Waiting,
        why: String::new(),
        manifest: None,
        verdict: String::new(),
        changes: 0,
        not_covered: 0,
        document: None,
    }
}

/// Holds what was found to the baseline: what is no member is told, and members are read even where Azure no longer lists them.
async fn hold(run: &Run, azure: &Azure, words: &Words, rows: &mut Rows) -> Result<(), Error> {
    let members = || run.members.iter().filter(|member| member.layer() == Layer::Azure);
    for row in rows.values_mut().filter(|row| row.state == TargetState::Waiting) {
        let member = members().find(|member| member.resource.is_some() && member.resource == row.resource);
        let why = match member.map(|member| &member.why) {
            Some(None) => continue,
            Some(Some(why)) => unread(why),
            None => NO_MEMBER.to_owned(),
        };
        (row.state, row.why) = (TargetState::Failed, why);
    }
    let named: Vec<&Word> = words.named.iter().chain(&words.agents).collect();
    let members: Vec<&Member> = members().collect();
    for member in members {
        let meant = run.request.selector.every_member()
            || scope::is_meant(&run.controller, (&named, azure.subscription.as_deref()), member).await?;
        if meant {
            rows.entry(member.id).or_insert_with(|| of_member(member));
        }
    }
    Ok(())
}

fn of_member(member: &Member) -> TargetRow {
    let row = TargetRow {
        resource: member.resource.clone(),
        ..row(member.id, member.name.to_string())
    };
    match &member.why {
        None => row,
        Some(why) => TargetRow {
            state: TargetState::Failed,
            why: unread(why),
            ..row
        },
    }
}

/// Stores the rows, unless another process was quicker.
async fn store(run: &Run, rows: Rows) -> Result<(), Error> {
    let controller = &run.controller;
    let mut transaction = controller.store.begin().await?;
    if !jobs::resolved(&mut transaction, run.job.id).await? {
        return Ok(transaction.rollback().await?);
    }
    let mut event = Event::new("controller", "azure.discover", Outcome::Done)
        .with("job", run.job.id)
        .with("targets", rows.len());
    for (number, mut row) in rows.into_values().enumerate() {
        row.command = controller.outside.id().map_err(Error::Random)?;
        if number < NAMED {
            let resource = row.resource.as_ref().map(ToString::to_string);
            event = event.target(resource.unwrap_or_else(|| row.name.clone()));
        }
        jobs::insert_target(&mut transaction, run.job.id, &row).await?;
    }
    audit::append(&mut transaction, controller.outside.now_us(), event).await?;
    transaction.commit().await?;
    controller.jobs.changed(run.job.id);
    Ok(())
}
