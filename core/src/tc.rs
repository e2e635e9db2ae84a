//! Traffic control: queueing disciplines and classes.

use serde::{Deserialize, Serialize};

/// Configuration, sorted by device, then place in the tree.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TcConfig {}

/// Statistics.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TcRuntime {}
