//! The table of `docs/privileges.md`.

use super::measured::States;

const DOCUMENT: &str = include_str!("../../../docs/privileges.md");

/// Each column of privileges under its heading, with the state of each section: on a host with rules, or without any.
pub(crate) fn documented(rules: bool) -> Vec<(String, States)> {
    let rows: Vec<Vec<&str>> = DOCUMENT
        .lines()
        .skip_while(|line| !line.starts_with("| section |"))
        .take_while(|line| line.starts_with('|'))
        .filter(|line| !line.starts_with("|---"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let (heading, rows) = rows
        .split_first()
        .expect("a table that begins with `| section |`");
    assert!(!rows.is_empty());
    let column = |at: usize| {
        rows.iter()
            .map(|row| {
                (
                    row[0].trim_matches('`').to_owned(),
                    state(row[at], rules).to_owned(),
                )
            })
            .collect()
    };
    (1..heading.len())
        .map(|at| (heading[at].to_owned(), column(at)))
        .collect()
}

fn state(cell: &str, rules: bool) -> &str {
    match cell {
        "read if there is none" if rules => "unreadable",
        "read if there is none" => "read",
        same => same,
    }
}
