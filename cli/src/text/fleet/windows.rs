//! Change windows.

use serde_json::Value;

use super::{lines, one_line, or_none, table};
use crate::clock;
use crate::documents::windows::{Window, Windows};

/// A window, with what somebody should know of it.
pub fn window(window: &Window) -> String {
    let time = |at: Option<u64>| at.map_or_else(|| "-".to_owned(), clock::shown);
    let rows = [
        ("opened", clock::shown(window.opened_at_us.0)),
        ("baseline", one_line(&window.baseline)),
        ("sealed", clock::shown(window.baseline_at_us.0)),
        ("ends", time(window.ends_at_us.as_ref().map(|at| at.0))),
        ("closed", time(window.closed_at_us.as_ref().map(|at| at.0))),
        ("by", one_line(&window.opened_by)),
        ("note", one_line(&or_none(window.note.as_deref()))),
    ];
    let verdict = window.verdict.as_deref().unwrap_or(&window.state);
    let mut out = format!("window {}: {verdict}\n{}", one_line(&window.ticket), lines(&rows));
    if window.past_end && window.closed_at_us.is_none() {
        out += "\nit is past its end\n";
    }
    for warning in &window.warnings {
        out += &format!("\nwarning: {}\n", one_line(warning));
    }
    out += &before(&window.before);
    for row in window.not_covered.iter().flatten() {
        let target = row.target.as_deref().unwrap_or("all");
        out += &format!("not sealed: {}: {}\n", one_line(target), one_line(&row.why));
    }
    out
}

/// What changed in the hour before.
fn before(before: &Value) -> String {
    let mut out = String::new();
    let azure = before.get("azure").filter(|azure| !azure.is_null());
    if let Some(azure) = azure {
        let why = azure.get("why").and_then(Value::as_str);
        out += &match azure.get("outcome").and_then(Value::as_str) {
            Some("recorded") => "\nwarning: changed in the hour before, by the Activity Log:\n".to_owned(),
            Some("no_record") => {
                "\nthe Activity Log has no record of a change in the hour before\n".to_owned()
            }
            _ => format!(
                "\nwhat changed in Azure in the hour before is not known: {}\n",
                one_line(why.unwrap_or("it was not read"))
            ),
        };
        for event in azure
            .get("events")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            out += &format!("  {}\n", one_line(&record(event)));
        }
        out += &reserve(azure);
    }
    if let Some(hosts) = before.get("hosts").and_then(Value::as_str) {
        out += &format!("\n{}\n", one_line(hosts));
    }
    out
}

/// What may be missing in what the log said.
fn reserve(azure: &Value) -> String {
    let settled = azure.get("settled_until_us").filter(|at| !at.is_null());
    let late = settled.map(|at| {
        let at = clock::shown(micros(Some(at)));
        format!("  what was done after {at} may not stand in the log yet\n")
    });
    let recorded = azure.get("outcome").and_then(Value::as_str) == Some("recorded");
    let why = azure.get("why").and_then(Value::as_str).filter(|_| recorded);
    let why = why.map(|why| format!("  not all of the log was read: {}\n", one_line(why)));
    late.into_iter().chain(why).collect()
}

/// A time as documents write it: a number, or digits where it is too large for one.
pub(super) fn micros(at: Option<&Value>) -> u64 {
    match at {
        Some(Value::String(digits)) => digits.parse().unwrap_or(0),
        Some(number) => number.as_u64().unwrap_or(0),
        None => 0,
    }
}

/// A record of the Activity Log in one line.
pub(super) fn record(event: &Value) -> String {
    let text = |field: &str| event.get(field).and_then(Value::as_str).unwrap_or_default();
    let caller = match text("caller") {
        "" => "Azure itself, or somebody unnamed",
        caller => caller,
    };
    let possible = if text("link") == "possible" {
        "possibly "
    } else {
        ""
    };
    let (operation, resource) = (text("operation"), text("resource"));
    format!(
        "{possible}{caller}, {}, {operation} of {resource}",
        clock::shown(micros(event.get("at_us")))
    )
}

/// All windows.
pub fn windows(all: &Windows) -> String {
    let row = |window: &Window| {
        [
            window.ticket.clone(),
            window.verdict.clone().unwrap_or_else(|| window.state.clone()),
            window.baseline.clone(),
            clock::shown(window.opened_at_us.0),
            window
                .closed_at_us
                .as_ref()
                .map_or_else(|| "-".to_owned(), |at| clock::shown(at.0)),
            window.opened_by.clone(),
        ]
    };
    table(
        ["TICKET", "STATE", "BASELINE", "OPENED", "CLOSED", "BY"],
        all.windows.iter().map(row).collect(),
        "no window was opened",
    )
}
