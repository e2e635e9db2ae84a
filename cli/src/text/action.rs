//! Actions and approvals for people. Nothing here is cut: what is long stays long.

mod operation;

pub use operation::operation;

use netghost_core::bytes::Text;
use netghost_core::gate::{Action, ActionState, ApprovalState, Check, Operation};

use super::fleet::one_line;
use super::table::columns;
use crate::documents::actions::Row;
use crate::{clock, span};

/// One line each.
pub fn actions(rows: &[Row], nothing: &str) -> String {
    if rows.is_empty() {
        return format!("{nothing}\n");
    }
    let heads = ["ACTION", "VM", "STATE", "APPROVAL", "BY", "REQUESTED", "WHAT"].map(str::to_owned);
    let row = |row: &Row| {
        let what = match row.disagrees.is_empty() {
            true => operation(&row.operation),
            false => format!("DO NOT APPROVE: {}", row.disagrees.join("; ")),
        };
        vec![
            row.id.to_string(),
            one_line(&row.vm),
            row.state.as_str().to_owned(),
            row.approval.map_or("-", ApprovalState::as_str).to_owned(),
            row.requester.to_string(),
            clock::shown(row.requested_at_us.0),
            what,
        ]
    };
    let all: Vec<Vec<String>> = std::iter::once(heads.to_vec())
        .chain(rows.iter().map(row))
        .collect();
    columns(&all, 0)
}

/// Where it stands, in a line.
pub fn stands(row: &Row) -> String {
    let mut line = format!("action {}: {}", row.id, state(row));
    if let Some(why) = &row.why {
        line += &format!(": {why}");
    }
    line
}

/// A state for people.
fn state(row: &Row) -> String {
    let word = match (row.state, row.approval) {
        (ActionState::Preparing, _) => "the VM is asked what exactly it would do",
        (ActionState::Refused, _) => "the VM refused to propose it",
        (ActionState::Waiting, Some(ApprovalState::Approved)) => "approved; the VM was not told yet",
        (ActionState::Waiting, _) => "waits for an approval",
        (ActionState::Closed, Some(ApprovalState::Denied)) => "denied",
        (ActionState::Closed, Some(ApprovalState::Expired)) => "expired: nobody approved it in time",
        (ActionState::Closed, _) => "void",
        (ActionState::Running, _) => "approved; the VM was told",
        (ActionState::Applied | ActionState::Done, _) if row.is_server() => "runs until its lease ends",
        (ActionState::Undone, _) if row.is_server() => "ended",
        (ActionState::Applied, _) => "done, and undoes itself unless it is confirmed",
        (ActionState::Confirmed, _) => "confirmed: it is done and stays",
        (ActionState::Done, _) => "done",
        (ActionState::Undone, _) => "undone: the former state is there again",
        (ActionState::Conflict, _) => {
            "conflict: somebody else changed it; nothing was touched, and a person has to look"
        }
        (ActionState::Failed, _) => "failed: it was not done",
        (ActionState::Unknown, _) => "what became of it is not known",
    };
    word.to_owned()
}

/// An action whole: first what can't be undone, then what would be done, then who and where, last what the consent is to.
pub fn action(row: &Row) -> String {
    let mut out = String::new();
    let effect = row.action.as_ref().map(|action| &action.effect);
    if let Some(why) = effect.and_then(|effect| effect.irreversible.as_ref()) {
        out += &format!("IRREVERSIBLE: THIS CAN'T BE UNDONE: {why}\n\n");
    }
    out += &format!("{}\n", stands(row));
    if let Some(action) = &row.action {
        out += &listed("what is done", &action.effect.change, "nothing is said of it");
        out += &listed("what undoes it", &action.effect.inverse, "nothing");
        if !action.effect.notes.is_empty() {
            out += &listed("what is lost although it is undone", &action.effect.notes, "");
        }
    }
    out += "\nwho asks, and for what\n";
    out += &columns(&asked(row), 2);
    if let Some(action) = &row.action {
        out += &bounds(action);
        out += "\nan approval is void if\n";
        for line in &row.void_if {
            out += &format!("  {}\n", one_line(line));
        }
    }
    out += &outcome(row);
    if let Some(digest) = row.digest {
        out += &format!("\ndigest\n  {digest}\n");
    }
    out
}

/// An action that was decided or has ended: where it stands and what came of it, for who has seen it whole.
pub fn decided(row: &Row) -> String {
    format!(
        "{}\n  {}\n{}",
        stands(row),
        operation(&row.operation),
        outcome(row)
    )
}

fn pair(name: &str, value: impl Into<String>) -> Vec<String> {
    vec![name.to_owned(), one_line(&value.into())]
}

fn asked(row: &Row) -> Vec<Vec<String>> {
    let mut rows = vec![
        pair("requester", row.requester.to_string()),
        pair("reason", row.reason.to_string()),
    ];
    rows.extend(row.ticket.iter().map(|ticket| pair("ticket", ticket.to_string())));
    rows.push(pair("operation", operation(&row.operation)));
    let Some(action) = &row.action else {
        rows.push(pair("vm", row.vm.clone()));
        rows.push(pair("namespace", row.namespace.to_string()));
        rows.push(pair("requested", clock::shown(row.requested_at_us.0)));
        return rows;
    };
    rows.push(pair("host", action.target.host.to_string()));
    rows.extend(
        action
            .target
            .agent
            .iter()
            .map(|agent| pair("agent", agent.to_string())),
    );
    rows.push(pair(
        "boot",
        Text::from(action.target.boot_id.as_str()).to_string(),
    ));
    rows.push(pair("namespace", action.namespace.to_string()));
    rows.push(pair("permission", action.permission.as_str()));
    rows.push(pair("touches", action.effect.object.to_string()));
    rows.push(pair("before", action.effect.before.to_string()));
    let after = action.effect.after.map(|digest| digest.to_string());
    rows.push(pair(
        "after",
        after.unwrap_or_else(|| "can't be known before".to_owned()),
    ));
    rows.push(pair("written by", Text::from(action.tool.as_str()).to_string()));
    // The document has neither: that is the word of whoever keeps it.
    if row.agent.is_some() {
        rows.push(pair("the controller calls it", row.vm.clone()));
    }
    rows.push(pair("requested", clock::shown(row.requested_at_us.0)));
    rows
}

/// For how long what holds, and what has to work.
fn bounds(action: &Action) -> String {
    let seconds = |seconds: u32| span::shown(u64::from(seconds) * 1_000);
    let mut lines = vec![format!(
        "an approval is waited for {}",
        seconds(action.lifetime_s)
    )];
    match (&action.operation, action.is_confirmed()) {
        (Operation::ServerStart { lease_s, .. }, _) => {
            lines.push(format!("it ends by itself after {}", seconds(*lease_s)));
        }
        (_, true) if action.target.agent.is_some() => lines.push(format!(
            "it undoes itself after {}, unless a new connection to the controller works by then",
            seconds(action.window_s)
        )),
        (_, true) => lines.push(format!(
            "it undoes itself after {}, unless a person confirms it by then: `netghost action confirm`",
            seconds(action.window_s)
        )),
        (_, false) => lines.push("IT IS NOT CONFIRMED AND DOES NOT UNDO ITSELF".to_owned()),
    }
    for Check::TcpConnect { to } in &action.checks {
        lines.push(format!("to be confirmed, the VM must reach {to} over TCP"));
    }
    lines.push(match action.four_eyes {
        true => format!("four eyes: {} can't approve it", action.requester),
        false => format!("NO FOUR EYES: {} may approve it alone", action.requester),
    });
    let lines: Vec<String> = lines.iter().map(|line| format!("  {line}\n")).collect();
    format!("\nbounds\n{}", lines.concat())
}

/// What was decided, and what came of it.
fn outcome(row: &Row) -> String {
    let mut rows = Vec::new();
    let denied = row.approval == Some(ApprovalState::Denied);
    if let Some(by) = &row.decided_by {
        rows.push(pair(if denied { "denied by" } else { "approved by" }, by.clone()));
    }
    if row.self_approved {
        rows.push(pair("SELF-APPROVED", "who asked for it approved it"));
    }
    rows.extend(
        row.decision
            .iter()
            .map(|words| pair("because", words.to_string())),
    );
    let times = [
        (
            "approval until",
            row.until_us
                .filter(|_| row.approval == Some(ApprovalState::Pending)),
        ),
        ("decided", row.decided_at_us),
        ("ended", row.ended_at_us),
    ];
    for (name, time) in times {
        rows.extend(time.map(|time| pair(name, clock::shown(time.0))));
    }
    rows.extend(
        row.ends_in_ms
            .map(|left| pair("ends by itself in", span::shown(left.0))),
    );
    let mut out = String::new();
    if !rows.is_empty() {
        out += "\ndecision and outcome\n";
        out += &columns(&rows, 2);
    }
    if let Some(output) = &row.output {
        out += "\nwhat the operation said\n";
        // The one text of several lines: each is shown for itself.
        for line in output.as_bytes().split(|byte| *byte == b'\n') {
            out += &format!("  {}\n", Text::from(line));
        }
    }
    out
}

fn listed(title: &str, lines: &[Text], nothing: &str) -> String {
    let mut out = format!("\n{title}\n");
    for line in lines {
        out += &format!("  {line}\n");
    }
    if lines.is_empty() {
        out += &format!("  {nothing}\n");
    }
    out
}
