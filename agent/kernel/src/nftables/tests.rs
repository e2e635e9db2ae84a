//! The reader against scripted kernels.

use super::*;

mod generation;
mod refusal;
