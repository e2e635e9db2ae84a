//! Being built.

use netghost_core::gate::{Effect, Operation};
use serde::{Deserialize, Serialize};

use super::{Change, Standing, WriteError};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Steps {}

pub(super) fn plan(operation: &Operation) -> Result<Change, WriteError> {
    Err(unsupported(operation.kind()))
}

fn unsupported(what: &str) -> WriteError {
    WriteError::Unsupported {
        what: format!("{what} can't be written by this version"),
    }
}

impl Steps {
    pub(super) fn apply(&self, effect: &Effect) -> Result<(), WriteError> {
        Err(unsupported(&effect.object.to_string()))
    }

    pub(super) fn undo(&self, effect: &Effect) -> Result<(), WriteError> {
        Err(unsupported(&effect.object.to_string()))
    }

    pub(super) fn standing(&self, effect: &Effect) -> Result<Standing, WriteError> {
        Err(unsupported(&effect.object.to_string()))
    }

    pub(super) fn reversed(&self) -> Self {
        self.clone()
    }
}
