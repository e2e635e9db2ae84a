//! Reading other network namespaces for an agent that may not enter them.
//!
//! The process has three capabilities and answers one question: some sections, in namespaces of its own list. It is started for
//! each connection, with the connection as standard input, and ends with the answer. A caller's words are compared with names
//! and never opened as files.

pub mod ask;
pub mod serve;
pub mod wire;
