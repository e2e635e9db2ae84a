//! The lab: virtual machines as network namespaces or real kernels on one Linux machine, for tests and demonstrations.
//!
//! Nothing here sends a packet from the machine's own network namespace, and what is made is removed again.

pub mod error;
pub mod netns;
pub mod run;
