//! A file in the place of a kernel, which is changed in two writes.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use netghost_core::artifact::json::Digest;
use netghost_core::bytes::Text;
use netghost_core::gate::{Effect, Operation};
use netghost_kernel::write::{Standing, WriteError};
use serde::{Deserialize, Serialize};

use crate::guard::{Guard, Line, NotStarted};
use crate::lease::Lease;
use crate::work::{At, Failure, Work};

/// What the toy's file says half way.
const HALF: &str = "half";

type Step = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// One step; an error where everything has ended.
pub(super) fn step(left: &Mutex<Option<u32>>) -> Result<(), String> {
    let mut left = left.lock().unwrap();
    match left.as_mut() {
        Some(0) => Err("killed".to_owned()),
        Some(steps) => {
            *steps -= 1;
            Ok(())
        }
        None => Ok(()),
    }
}

#[derive(Clone)]
pub(super) struct Toy {
    pub(super) value: PathBuf,
    pub(super) step: Step,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Change {
    effect: Effect,
    from: String,
    to: String,
}

#[derive(Clone)]
pub(super) struct ToyGuard {
    pub(super) step: Step,
}

pub(super) struct ToyLine(Step);

impl Toy {
    fn step(&self) -> Result<(), WriteError> {
        (self.step)().map_err(|why| WriteError::Unreadable {
            what: "toy".to_owned(),
            why,
        })
    }

    fn read(&self) -> Result<String, WriteError> {
        self.step()?;
        Ok(fs::read_to_string(&self.value).unwrap())
    }

    fn move_to(&self, value: &str) -> Result<(), WriteError> {
        self.step()?;
        fs::write(&self.value, HALF).unwrap();
        let killed = |why| WriteError::Half {
            what: "toy".to_owned(),
            why,
        };
        (self.step)().map_err(killed)?;
        fs::write(&self.value, value).unwrap();
        (self.step)().map_err(killed)
    }
}

fn change(from: &str, to: &str) -> Change {
    Change {
        effect: Effect {
            change: vec![Text::from(format!("write {to}"))],
            inverse: vec![Text::from(format!("write {from}"))],
            object: Text::from("toy"),
            before: Digest::of(from.as_bytes()),
            after: Some(Digest::of(to.as_bytes())),
            irreversible: None,
            notes: Vec::new(),
        },
        from: from.to_owned(),
        to: to.to_owned(),
    }
}

impl Work for Toy {
    type Change = Change;

    fn plan(&self, _: At<'_>, _: &Operation) -> Result<Change, WriteError> {
        Ok(change(&self.read()?, "changed"))
    }

    fn effect<'c>(&self, change: &'c Change) -> &'c Effect {
        &change.effect
    }

    fn apply(&self, _: At<'_>, change: &Change) -> Result<Option<Text>, Failure> {
        if self.read()? != change.from {
            let object = "toy".to_owned();
            return Err(WriteError::Moved { object }.into());
        }
        self.move_to(&change.to)?;
        Ok(None)
    }

    fn undo(&self, at: At<'_>, change: &Change) -> Result<(), WriteError> {
        match self.standing(at, change)? {
            Standing::After | Standing::Between => self.move_to(&change.from),
            Standing::Before | Standing::Other => Err(WriteError::Moved {
                object: "toy".to_owned(),
            }),
        }
    }

    fn standing(&self, _: At<'_>, change: &Change) -> Result<Standing, WriteError> {
        Ok(match self.read()? {
            value if value == change.from => Standing::Before,
            value if value == change.to => Standing::After,
            value if value == HALF => Standing::Between,
            _ => Standing::Other,
        })
    }

    fn reversed(&self, former: &Change) -> Option<Change> {
        Some(change(&former.to, &former.from))
    }

    fn lease<'c>(&self, _: &'c Change) -> Option<&'c Lease> {
        None
    }
}

impl Guard for ToyGuard {
    type Line = ToyLine;

    fn call(&self, _: Digest) -> Result<ToyLine, String> {
        (self.step)()?;
        Ok(ToyLine(Arc::clone(&self.step)))
    }
}

impl Line for ToyLine {
    fn arm(&mut self, _: Digest) -> Result<(), String> {
        (self.0)()
    }

    fn start(&mut self, _: Digest) -> Result<(), NotStarted> {
        Err(NotStarted::because("no toy is a server".to_owned()))
    }
}
