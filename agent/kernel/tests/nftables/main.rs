//! nf_tables read from the kernel, against what `nft` loaded and lists.

mod reading;

mod everyday;
mod pairs;
mod random;
mod whole;
