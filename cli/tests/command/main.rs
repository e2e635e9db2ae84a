//! The command as a program: what it prints, where, and how it ends.

mod certificates;
mod firewall;
mod frame;
mod host;
mod program;
