//! The audit log.

use netghost_core::audit::{Outcome, Record};

use super::table;
use crate::clock;

/// One line for each record.
pub fn audit(records: &[Record]) -> String {
    let row = |record: &Record| {
        let said: Vec<String> = record
            .arguments
            .iter()
            .filter(|argument| !argument.value.is_empty())
            .map(|argument| format!("{}={}", argument.name, argument.value))
            .collect();
        [
            record.sequence.to_string(),
            clock::shown(record.at_us.0),
            record.actor.clone(),
            record.action.clone(),
            word(record.outcome).to_owned(),
            record.targets.join(" "),
            said.join(" "),
        ]
    };
    table(
        ["NO", "WHEN", "WHO", "WHAT", "HOW", "TO", "SAID"],
        records.iter().map(row).collect(),
        "there is no such record",
    )
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Begun => "begun",
        Outcome::Done => "done",
        Outcome::Denied => "denied",
        Outcome::Failed => "failed",
    }
}
