//! Routes of both families.

use serde::{Deserialize, Serialize};

/// Configuration, sorted by table, family and destination.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RoutesConfig {}

/// Lifetimes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RoutesRuntime {}
