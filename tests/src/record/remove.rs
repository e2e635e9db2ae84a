//! Removes what labs have made: at their end, or after their maker crashed.

use std::fs;
use std::io;

use super::{Lock, Record, RunDir, labs};
use crate::error::{LabError, Result};
use crate::netns;

/// Removes the lab: its processes, its namespaces, its directory.
///
/// # Errors
/// [`LabError::NoLab`] when there is nothing of that name; else what could not be removed. What could be is gone then.
pub fn down(dir: &RunDir) -> Result<()> {
    let _lock = Lock::take()?;
    if !dir.path.exists() {
        return Err(LabError::NoLab(dir.name.clone()));
    }
    remove(dir)
}

/// Removes leftovers of dead makers, then takes the name: makes the directory and writes the record into it.
pub(crate) fn claim(dir: &RunDir, record: &Record) -> Result<()> {
    let _lock = Lock::take()?;
    sweep()?;
    match fs::create_dir(&dir.path) {
        Ok(()) => dir.write(record),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(LabError::Taken(dir.name.clone())),
        Err(source) => Err(LabError::File {
            doing: "make",
            path: dir.path.clone(),
            source,
        }),
    }
}

/// Removes every lab whose owner is dead.
fn sweep() -> Result<()> {
    for name in labs()? {
        // Directories of other names are not ours.
        if let Ok(dir) = RunDir::of(&name)
            && is_leftover(&dir)?
        {
            remove(&dir)?;
        }
    }
    Ok(())
}

fn is_leftover(dir: &RunDir) -> Result<bool> {
    match dir.record() {
        Ok(Record {
            owner: Some(owner), ..
        }) => {
            let alive = owner.is_alive().map_err(|source| LabError::Process {
                pid: owner.pid,
                source,
            })?;
            Ok(!alive)
        }
        Ok(Record { owner: None, .. }) => Ok(false),
        // Records are written under the lock that we hold: without one, its maker died before it made anything.
        Err(LabError::NoLab(_)) => Ok(true),
        Err(error) => Err(error),
    }
}

/// The record is set aside first. A keeper writes itself down and *then* looks for the record: either it finds none and
/// ends, or it is among the processes found here.
fn remove(dir: &RunDir) -> Result<()> {
    let namespaces = set_record_aside(dir)?
        .map(|record| record.namespaces)
        .unwrap_or_default();
    let ended = end_processes(dir);
    let removed = namespaces
        .iter()
        .map(|name| netns::remove(name))
        .collect::<Vec<Result<()>>>();
    ended?;
    removed.into_iter().collect::<Result<()>>()?;
    fs::remove_dir_all(&dir.path).map_err(|source| LabError::File {
        doing: "remove",
        path: dir.path.clone(),
        source,
    })
}

/// The record, under a name where only a removal finds it; one that did not finish has left it there already.
fn set_record_aside(dir: &RunDir) -> Result<Option<Record>> {
    let aside = dir.file("removing.json");
    let file = |source| LabError::File {
        doing: "set aside",
        path: aside.clone(),
        source,
    };
    match fs::rename(dir.file("lab.json"), &aside) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(file(error)),
    }
    match fs::read(&aside) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| file(error.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(file(error)),
    }
}

fn end_processes(dir: &RunDir) -> Result<()> {
    for process in dir.processes()? {
        process.end().map_err(|source| LabError::Process {
            pid: process.pid,
            source,
        })?;
    }
    Ok(())
}
