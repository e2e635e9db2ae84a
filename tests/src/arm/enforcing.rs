//! The simulator's resources made to hold for the packets of a lab.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::core::Watcher;
use super::state::{Place, State};
use crate::azure::{Fabric, Id, World};
use crate::error::{LabError, Result};
use crate::lab::Lab;

/// A watcher that makes each change of resources hold in the fabric of this lab, which must be up and
/// [placed](crate::Plan::placed). NICs hold for the VMs in which the commands of their machines run.
///
/// # Errors
/// When there is no such lab.
pub fn enforcing(lab: &str) -> Result<Watcher> {
    let lab = Lab::open(lab)?;
    // What holds now.
    let held = Mutex::new(None);
    Ok(std::sync::Arc::new(move |state: &Value| {
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        let resources = state.get("resources").cloned().unwrap_or_default();
        if held.as_ref() == Some(&resources) {
            return Ok(());
        }
        hold(&lab, state).map_err(|error| said(&error))?;
        *held = Some(resources);
        Ok(())
    }))
}

fn hold(lab: &Lab, state: &Value) -> Result<()> {
    let world = World::from_state(state).map_err(LabError::World)?;
    let known: State = serde_json::from_value(state.clone()).map_err(|error| LabError::Said {
        what: "the state".to_owned(),
        said: error.to_string(),
    })?;
    let nics: Vec<(Id, String)> = world
        .nics
        .values()
        .filter_map(|nic| {
            let machine = nic.vm.as_ref()?.to_string().to_ascii_lowercase();
            match known.vms.get(&machine)?.runs_in.as_ref()? {
                Place::Lab { lab: of, vm } if of == lab.name() => Some((nic.id.clone(), vm.clone())),
                _ => None,
            }
        })
        .collect();
    Fabric::of(lab, &nics)?.apply(&world)
}

/// An error with its causes.
pub(crate) fn said(error: &LabError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
