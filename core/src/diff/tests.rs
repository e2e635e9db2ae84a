//! What the comparison promises, on rulesets made here.

mod certify;
mod claims;
mod explain;
mod fleet;
mod links;
mod made;
mod namespaces;
mod persisted;
mod property;
mod single;
mod steps;
mod verdict;
