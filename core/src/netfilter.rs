//! Packet filters: one rule model over nf_tables and legacy xtables.

pub(crate) mod builtin;
pub mod explain;
pub(crate) mod frame;
pub mod model;
pub mod names;
pub mod nft;
pub mod nft_file;
pub mod planes;
pub mod save;
pub mod set_names;
pub mod text;
pub(crate) mod twin;
pub mod unresolved;
pub(crate) mod written;
pub mod xt;
