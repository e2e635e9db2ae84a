//! What the comparison promises, on rulesets made here.

mod certify;
mod fleet;
mod links;
mod made;
mod namespaces;
mod property;
mod single;
mod verdict;
