//! What an action does to this VM, behind a seam: the gate's order of steps is the same whatever is done.

use std::path::Path;

use netghost_core::bytes::Text;
use netghost_core::gate::{Effect, Operation};
use netghost_kernel::write::{Standing, WriteError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::lease::Lease;

/// Where something is done.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    /// The network namespace: `init`, or a name.
    pub namespace: &'a Text,
    /// The file in which a process that is started leaves its number.
    pub trace: &'a Path,
}

/// Why something was not done, with what it said on its way.
#[derive(Debug)]
pub struct Failure {
    /// Why.
    pub error: WriteError,
    /// Redacted and cut to size.
    pub output: Option<Text>,
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Self { error, output: None }
    }
}

/// How changes are planned, made and taken back.
pub trait Work: Send + Sync + 'static {
    /// A change that was planned: plain data, which lies in an undo record.
    type Change: Clone + std::fmt::Debug + Serialize + DeserializeOwned + Send;

    /// What an operation would do here and now. Nothing is changed.
    ///
    /// # Errors
    /// Whatever stands against it.
    fn plan(&self, at: At<'_>, operation: &Operation) -> Result<Self::Change, WriteError>;

    /// What is shown of it, with the digests before and after.
    fn effect<'c>(&self, change: &'c Self::Change) -> &'c Effect;

    /// Does it, if the object is as it was read.
    ///
    /// # Errors
    /// Nothing was changed; but for [`WriteError::Half`].
    fn apply(&self, at: At<'_>, change: &Self::Change) -> Result<Option<Text>, Failure>;

    /// Puts back what was there, if the object is as the change left it.
    ///
    /// # Errors
    /// As [`Work::apply`].
    fn undo(&self, at: At<'_>, change: &Self::Change) -> Result<(), WriteError>;

    /// How the object stands.
    ///
    /// # Errors
    /// It could not be read whole.
    fn standing(&self, at: At<'_>, change: &Self::Change) -> Result<Standing, WriteError>;

    /// The change that undoes this one; none where there is none.
    fn reversed(&self, change: &Self::Change) -> Option<Self::Change>;

    /// The server that the guard is to run, if the change is one.
    fn lease<'c>(&self, change: &'c Self::Change) -> Option<&'c Lease>;
}
