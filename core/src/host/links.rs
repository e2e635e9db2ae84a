//! Network interfaces.

use serde::{Deserialize, Serialize};

/// Configuration, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LinksConfig {}

/// Operational state and counters.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LinksRuntime {}
