//! The guard: a process of its own that undoes what nobody confirms, also when everybody else is dead.

use netghost_core::artifact::json::Digest;
use netghost_core::bytes::Text;
use serde::{Deserialize, Serialize};

mod keeper;
mod line;
mod run;
mod servers;

pub use line::{Socket, Wire};
#[cfg(test)]
pub(crate) use run::finish;
pub use run::{run, settle};

/// The longest frame between the two, in bytes.
const LONGEST: usize = 16 << 10;

/// How a guard is reached.
pub trait Guard: Send + Sync + 'static {
    /// A line to it, held while something is done.
    type Line: Line;

    /// Calls it about an action, which may have no record yet.
    ///
    /// # Errors
    /// It does not answer.
    fn call(&self, action: Digest) -> Result<Self::Line, String>;
}

/// A line to the guard. When it ends while an action is half done, whoever did it is dead, and the guard undoes it at once.
pub trait Line {
    /// The action's record is on the disk: undo it at its deadline.
    ///
    /// # Errors
    /// It does not say that it will.
    fn arm(&mut self, action: Digest) -> Result<(), String>;

    /// Start the server that the action's record describes.
    ///
    /// # Errors
    /// It does not run, with what it said.
    fn start(&mut self, action: Digest) -> Result<(), NotStarted>;
}

/// Why a server does not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotStarted {
    /// Why.
    pub why: String,
    /// What it said, redacted and cut to size.
    pub output: Option<Text>,
}

/// What is said to the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case", deny_unknown_fields)]
enum Say {
    /// Are you there? It is about this action: look at it when this line ends.
    Hello { action: Digest },
    /// [`Line::arm`].
    Arm { action: Digest },
    /// [`Line::start`].
    Start { action: Digest },
}

/// What the guard says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "heard", rename_all = "snake_case", deny_unknown_fields)]
enum Heard {
    /// To [`Say::Hello`].
    Here,
    /// To [`Say::Arm`].
    Armed,
    /// To [`Say::Start`].
    Started,
    /// It is not done.
    Not(NotStarted),
}
