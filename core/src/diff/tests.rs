//! What the comparison promises, on rulesets made here.

mod certify;
mod made;
mod property;
mod single;
mod verdict;
