//! What the comparison promises, on rulesets made here.

mod made;
mod property;
mod single;
mod verdict;
