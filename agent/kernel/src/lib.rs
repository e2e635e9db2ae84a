//! Reads a Linux host from its kernel.
