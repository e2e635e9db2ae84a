//! The lab: virtual machines as network namespaces or real kernels on one Linux machine, for tests and demonstrations.
//!
//! Nothing here sends a packet from the machine's own network namespace, and what is made is removed again, also after the
//! maker was killed.

pub mod arm;
pub mod azure;
pub mod daemon;
pub mod error;
pub mod fabric;
pub mod fault;
pub mod fleet;
pub mod guest;
pub mod keeper;
pub mod kind;
pub mod lab;
pub mod machine;
pub mod netns;
pub mod process;
pub mod record;
pub mod run;
pub mod vm;
mod wire;

pub use daemon::Daemon;
pub use error::{LabError, Result};
pub use fabric::Place;
pub use fault::Fault;
pub use fleet::{APPROVER, Fleet};
pub use kind::Kind;
pub use lab::{Lab, Plan};
pub use netns::Namespace;
pub use run::{Limits, Output, Status};
pub use vm::Vm;
