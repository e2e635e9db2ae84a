//! Undo records: what is on the disk before anything is changed.

use std::io;
use std::time::Duration;

use netghost_core::artifact::json::Digest;
use netghost_core::artifact::name::Name;
use netghost_core::bytes::{Big, Text};
use netghost_core::gate::{Action, ActionState, Authorised, Moment, Stands};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::clock::micros;
use crate::cut::{self, LONGEST_OUTPUT, LONGEST_WHY};
use crate::disk::{self, Disk};
use crate::paths::{Paths, RECORD, TRACE, action_of};
use crate::trace::Trace;

/// The schema of a record.
pub const SCHEMA: &str = "netghost.undo_record/v1";
/// How many records of actions that ended are kept, so that a confirmed one can be undone later.
const MOST_ENDED: usize = 128;

/// One action that was begun.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record<C> {
    /// [`SCHEMA`].
    pub schema: String,
    /// The action's digest.
    pub digest: Digest,
    /// The action.
    pub action: Action,
    /// In which boot it was begun.
    pub boot_id: String,
    /// When it ends unless it is confirmed: CLOCK_BOOTTIME in microseconds.
    pub deadline_us: Big,
    /// Where it stands: `running` from before anything is changed.
    pub state: ActionState,
    /// Why, where the state needs it.
    pub why: Option<Text>,
    /// Who consented.
    pub approver: Name,
    /// True if that is who asked for it.
    pub self_approved: bool,
    /// The exact change with its inverse; none for the end of a server.
    pub change: Option<C>,
    /// The process, for a server.
    pub server: Option<Trace>,
    /// What the operation said on its way.
    pub output: Option<Text>,
}

impl<C> Record<C> {
    /// The record of an action that is about to be done.
    pub fn begun(authorised: &Authorised, change: Option<C>, now: &Moment, lasts: Duration) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            digest: authorised.digest(),
            action: authorised.action().clone(),
            boot_id: now.boot_id.clone(),
            deadline_us: Big(micros(now.since_boot.saturating_add(lasts))),
            state: ActionState::Running,
            why: None,
            approver: authorised.approver().clone(),
            self_approved: authorised.self_approved(),
            change,
            server: None,
            output: None,
        }
    }

    /// True if something is still to become of it.
    pub fn is_pending(&self) -> bool {
        !self.state.has_ended()
    }

    /// It ends so long after now unless it is confirmed.
    pub fn lasts(&mut self, now: &Moment, lasts: Duration) {
        self.deadline_us = Big(micros(now.since_boot.saturating_add(lasts)));
    }

    /// It ended so.
    pub fn ends(&mut self, state: ActionState, why: impl Into<String>) {
        self.state = state;
        self.why = Some(Text::from(why.into()));
    }

    /// How long until it ends by itself; none of another boot or without an end.
    pub fn left(&self, now: &Moment) -> Option<Duration> {
        (self.boot_id == now.boot_id && self.state == ActionState::Applied)
            .then(|| Duration::from_micros(self.deadline_us.0).saturating_sub(now.since_boot))
    }

    /// What is said of it: so much that it fits a message.
    pub fn stands(&self, now: &Moment) -> Stands {
        Stands {
            action: self.digest,
            state: self.state,
            why: self.why.as_ref().map(|why| cut::beginning(why, LONGEST_WHY)),
            approver: Some(self.approver.clone()),
            self_approved: self.self_approved,
            ends_in_ms: self
                .left(now)
                .map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX)),
            output: self
                .output
                .as_ref()
                .map(|output| cut::end(output, LONGEST_OUTPUT)),
        }
    }
}

/// The record of an action, if there is one.
///
/// # Errors
/// The file system's; `InvalidData` for what is no record.
pub fn read<C: DeserializeOwned>(paths: &Paths, action: Digest) -> io::Result<Option<Record<C>>> {
    let Some(bytes) = disk::read(&paths.record(action))? else {
        return Ok(None);
    };
    let record: Record<C> = serde_json::from_slice(&bytes)?;
    match record.schema == SCHEMA && record.digest == action {
        true => Ok(Some(record)),
        false => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{} is no {SCHEMA} of this action", paths.record(action).display()),
        )),
    }
}

/// Puts a record on the disk.
///
/// # Errors
/// The file system's.
pub fn write<C: Serialize>(paths: &Paths, disk: &Disk, record: &Record<C>) -> io::Result<()> {
    disk.replace(&paths.record(record.digest), &serde_json::to_vec(record)?)
}

/// The digests of all records, oldest first by when their files were last written.
///
/// # Errors
/// The file system's.
pub fn all(paths: &Paths) -> io::Result<Vec<Digest>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(paths.records())? {
        let entry = entry?;
        if let Some(action) = action_of(&entry.path(), RECORD) {
            found.push((entry.metadata()?.modified()?, action));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, action)| action).collect())
}

/// The actions for which there is a note of a process.
///
/// # Errors
/// The file system's.
pub fn traced(paths: &Paths) -> io::Result<Vec<Digest>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(paths.records())? {
        found.extend(action_of(&entry?.path(), TRACE));
    }
    Ok(found)
}

/// Forgets the oldest of those that ended, beyond what is kept. Which are older is told by the clock of this boot; those of boots
/// before it go first, by when their files were written: a wall clock that was set back makes nothing of this boot old.
///
/// # Errors
/// The file system's.
pub fn prune<C: DeserializeOwned>(paths: &Paths, disk: &Disk, boot_id: &str) -> io::Result<()> {
    let all = all(paths)?;
    let surplus = all.len().saturating_sub(MOST_ENDED);
    if surplus == 0 {
        return Ok(());
    }
    let mut ended = Vec::new();
    for (written, action) in (0_u64..).zip(all) {
        // What can't be read may be pending: it stays.
        if let Ok(Some(record)) = read::<C>(paths, action)
            && !record.is_pending()
        {
            let this_boot = record.boot_id == boot_id;
            ended.push((
                this_boot,
                if this_boot { record.deadline_us.0 } else { written },
                action,
            ));
        }
    }
    ended.sort();
    for (_, _, action) in ended.into_iter().take(surplus) {
        disk.remove(&paths.record(action))?;
    }
    Ok(())
}
