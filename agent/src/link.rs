//! The link to the controller.
//!
//! What is done when is decided by a pure state machine ([`machine`]); connections, files and threads are driven by
//! [`driver`].

pub mod backoff;
pub mod machine;
