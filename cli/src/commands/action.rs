//! Approved changes: asked for here, proposed by the VM, consented to by an approver, done by the VM.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::anyhow;
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::name::Name;
use netghost_core::bytes::Text;
use netghost_core::gate::{
    ActionState, ApprovalState, Check, LONGEST_LIFETIME, LONGEST_WINDOW, Operation, SHORTEST_WINDOW,
};

use super::Call;
use crate::documents::actions::{Row, Rows, SCHEMA};
use crate::documents::document;
use crate::error::Failure;
use crate::exit::Status;
use crate::gate::{Gate, Request};
use crate::output::Outcome;
use crate::progress::Progress;
use crate::{examples, span, text};

pub mod operation;
pub mod words;

use operation::Asked;

/// How long a VM may take to say what it would do, where it is there.
const PREPARING: Duration = Duration::from_secs(60);
/// Within how many seconds a change has to be confirmed, where nobody says otherwise.
const WINDOW: u32 = 60;
/// The longest way of an action, and a little more.
const LONGEST_WAIT: Duration = Duration::from_secs(25 * 3_600);

/// Approved changes.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Ask for one. The VM says what exactly it would do; then an approver is needed
    #[command(after_help = examples::ACTION_REQUEST)]
    Request(Box<RequestArgs>),
    /// List them, newest first
    #[command(after_help = examples::ACTION_LIST)]
    List {
        /// How many
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Show one whole
    #[command(after_help = examples::ACTION_SHOW)]
    Show {
        /// Its id, or the beginning of it
        id: String,
    },
    /// Wait until nothing more becomes of one by itself
    #[command(after_help = examples::ACTION_WAIT)]
    Wait {
        /// Its id, or the beginning of it
        id: String,
        /// No longer than this
        #[arg(long = "for", value_name = "SPAN", value_parser = span::parse)]
        patience: Option<Duration>,
    },
    /// Undo one: at once while it is not confirmed; afterwards by a new action, which needs an approval
    #[command(after_help = examples::ACTION_UNDO)]
    Undo {
        /// Its id, or the beginning of it
        id: String,
        /// Why, for the approver of a new action
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// The change that it belongs to
        #[arg(long, value_name = "TICKET")]
        ticket: Option<String>,
    },
    /// Without a controller: say, from a new login, that the way in is open, so that a change stays
    #[command(after_help = examples::ACTION_CONFIRM)]
    Confirm {
        /// Its id, or the beginning of it
        id: String,
    },
}

/// Asks for an action.
#[derive(Debug, clap::Args)]
pub struct RequestArgs {
    /// Which VM; without a controller, this host's name or `localhost`
    vm: Name,
    /// In which network namespace, as `host capture --netns` names it
    #[arg(long, value_name = "NS", default_value = "init")]
    netns: String,
    /// Why, for the approver
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The change that it belongs to
    #[arg(long, value_name = "TICKET")]
    ticket: Option<String>,
    /// Within what time it has to be confirmed before it undoes itself: 5s to 15m
    #[arg(long, value_name = "SPAN", value_parser = window, default_value = "60s")]
    window: u32,
    /// How long an approval is waited for, at most 1d
    #[arg(long, value_name = "SPAN", value_parser = lifetime, default_value = "1h")]
    lifetime: u32,
    /// What has to work afterwards from the VM, as tcp:10.0.0.4:443; may be repeated
    #[arg(long, value_name = "CHECK", value_parser = check)]
    check: Vec<Check>,
    /// What.
    #[command(subcommand)]
    operation: Asked,
}

/// Whole seconds of a span, which has no others.
fn seconds(span: Duration) -> u32 {
    u32::try_from(span.as_secs()).unwrap_or(u32::MAX)
}

fn window(text: &str) -> Result<u32, String> {
    let window = span::parse(text)?;
    match (SHORTEST_WINDOW..=LONGEST_WINDOW).contains(&window) {
        true => Ok(seconds(window)),
        false => Err("a change is confirmed within 5s to 15m".to_owned()),
    }
}

fn lifetime(text: &str) -> Result<u32, String> {
    let lifetime = span::parse(text)?;
    match lifetime <= LONGEST_LIFETIME {
        true => Ok(seconds(lifetime)),
        false => Err("an approval is waited for 1d at most".to_owned()),
    }
}

fn check(text: &str) -> Result<Check, String> {
    let address = text
        .strip_prefix("tcp:")
        .and_then(|rest| rest.parse::<SocketAddr>().ok());
    let to = address.filter(|address| address.port() > 0);
    to.map(|to| Check::TcpConnect { to })
        .ok_or_else(|| "a check is tcp:IP:PORT, or tcp:[IPV6]:PORT".to_owned())
}

/// Runs one of them.
pub fn run(command: &Action, call: &Call<'_>) -> Result<Outcome, Failure> {
    let mut gate = Gate::open(call.world, call.wanted)?;
    match command {
        Action::Request(args) => request(args, &mut gate, call),
        Action::List { limit } => list(&gate.list(None, *limit)?, "nobody asked for an action"),
        Action::Show { id } => one(believed(gate.show(id)?)?),
        Action::Wait { id, patience } => {
            let row = gate.show(id)?;
            let patience = patience.unwrap_or(LONGEST_WAIT);
            waited(&mut gate, &row, patience, call)
        }
        Action::Undo { id, reason, ticket } => {
            undo(&mut gate, id, reason.as_deref(), ticket.as_deref(), call)
        }
        Action::Confirm { id } => {
            let row = gate.show(id)?;
            let row = gate.confirm(&row)?;
            let status = row.status();
            ended(row, status)
        }
    }
}

/// Many.
pub(super) fn list(rows: &[Row], nothing: &str) -> Result<Outcome, Failure> {
    let altered = rows.iter().any(|row| !row.disagrees.is_empty());
    Ok(Outcome {
        status: if altered { Status::Act } else { Status::Good },
        text: text::action::actions(rows, nothing),
        document: document(
            SCHEMA,
            Rows {
                actions: rows.to_vec(),
            },
        )?,
    })
}

/// One whole, with the status that it stands for.
pub(super) fn one(row: Row) -> Result<Outcome, Failure> {
    Ok(Outcome {
        status: row.status(),
        text: text::action::action(&row),
        document: document(SCHEMA, Rows { actions: vec![row] })?,
    })
}

/// What came of one, with this status.
pub(super) fn ended(row: Row, status: Status) -> Result<Outcome, Failure> {
    Ok(Outcome {
        status,
        text: text::action::decided(&row),
        document: document(SCHEMA, Rows { actions: vec![row] })?,
    })
}

/// The row, if the VM's document is what is said of it.
pub(super) fn believed(row: Row) -> Result<Row, Failure> {
    if row.disagrees.is_empty() {
        return Ok(row);
    }
    let error = anyhow!(
        "action {} is not as its VM wrote it: {}",
        row.id,
        row.disagrees.join("; ")
    );
    Err(Failure::act("altered", error).hint("do not approve it: whoever keeps it altered it, or damaged it"))
}

fn request(args: &RequestArgs, gate: &mut Gate, call: &Call<'_>) -> Result<Outcome, Failure> {
    let mut digest_of = |word: &str| digest_of(gate, word);
    let request = Request {
        id: super::draw()?,
        vm: args.vm.clone(),
        namespace: Text::from(args.netns.as_str()),
        operation: args.operation.operation(&mut digest_of)?,
        checks: args.check.clone(),
        reason: Text::from(args.reason.as_str()),
        ticket: args.ticket.as_deref().map(Text::from),
        window_s: args.window,
        lifetime_s: args.lifetime,
    };
    asked(&request, gate, call)
}

/// Which action an id means.
fn digest_of(gate: &mut Gate, word: &str) -> Result<Digest, Failure> {
    let row = believed(gate.show(word)?)?;
    row.digest.ok_or_else(|| {
        let error = anyhow!("the VM has not said yet what action {} is", row.id);
        Failure::usage("not_ready", error)
    })
}

/// Asks, and waits until the VM has said what it would do.
fn asked(request: &Request, gate: &mut Gate, call: &Call<'_>) -> Result<Outcome, Failure> {
    if request.reason.is_empty() {
        return Err(
            Failure::usage("wrong_use", anyhow!("--reason is empty")).hint("say why, for the approver")
        );
    }
    let mut progress = Progress::new(call.format);
    let mut row = gate.request(request)?;
    if row.state == ActionState::Preparing {
        let is_said = |row: &Row| row.state != ActionState::Preparing;
        row = gate.until(request.id, &is_said, PREPARING, &mut progress)?;
    }
    progress.clear();
    let row = believed(row)?;
    // What the controller keeps was held to the document; the document is held to what was asked for here.
    match &row.action {
        Some(action) if action.operation != request.operation || action.checks != request.checks => {
            let error = anyhow!("action {} is another one than was asked for", row.id);
            Err(Failure::act("altered", error).hint("do not approve it"))
        }
        _ => one(row),
    }
}

fn waited(gate: &mut Gate, row: &Row, patience: Duration, call: &Call<'_>) -> Result<Outcome, Failure> {
    let mut progress = Progress::new(call.format);
    let is_over = |row: &Row| row.state.has_ended();
    let row = gate.until(row.id, &is_over, patience, &mut progress)?;
    progress.clear();
    let row = believed(row)?;
    let status = row.status();
    ended(row, status)
}

fn undo(
    gate: &mut Gate,
    word: &str,
    reason: Option<&str>,
    ticket: Option<&str>,
    call: &Call<'_>,
) -> Result<Outcome, Failure> {
    let row = believed(gate.show(word)?)?;
    match row.state {
        ActionState::Preparing | ActionState::Waiting | ActionState::Running | ActionState::Applied => {
            undone(gate, &row, call)
        }
        ActionState::Done if row.is_server() => undone(gate, &row, call),
        ActionState::Confirmed => {
            let request = reverse(&row, reason, ticket)?;
            asked(&request, gate, call)
        }
        _ => {
            let error = anyhow!("action {} can't be undone: it is {}", row.id, row.state.as_str());
            Err(Failure::usage("nothing_to_undo", error))
        }
    }
}

/// Before it is confirmed an undo is what would happen anyway: it needs no approval.
fn undone(gate: &mut Gate, row: &Row, call: &Call<'_>) -> Result<Outcome, Failure> {
    let mut progress = Progress::new(call.format);
    let mut now = gate.undo(row)?;
    // The VM is told of it, and says later what came of it.
    let is_over = |now: &Row| now.state.has_ended() && now.state != row.state;
    if !is_over(&now) {
        now = gate.until(row.id, &is_over, PREPARING, &mut progress)?;
    }
    progress.clear();
    let now = believed(now)?;
    let status = match (now.state, now.approval) {
        // That is what was asked for.
        (ActionState::Undone | ActionState::Done, _) => Status::Good,
        (ActionState::Closed, Some(ApprovalState::Void | ApprovalState::Denied)) => Status::Good,
        _ => now.status(),
    };
    ended(now, status)
}

fn reverse(row: &Row, reason: Option<&str>, ticket: Option<&str>) -> Result<Request, Failure> {
    let digest = row
        .digest
        .ok_or_else(|| Failure::failed("bad_answer", anyhow!("a confirmed action without a document")))?;
    let lifetime_s = row.action.as_ref().map_or(3_600, |action| action.lifetime_s);
    let window_s = row
        .action
        .as_ref()
        .map_or(WINDOW, |action| action.window_s.max(5));
    let said = reason.map(Text::from);
    Ok(Request {
        id: super::draw()?,
        vm: Name::parse(&row.vm).map_err(|error| Failure::failed("bad_answer", error))?,
        namespace: row.namespace.clone(),
        operation: Operation::Undo { action: digest },
        checks: row
            .action
            .as_ref()
            .map(|action| action.checks.clone())
            .unwrap_or_default(),
        reason: said.unwrap_or_else(|| Text::from(format!("undo of action {}", row.id))),
        ticket: ticket.map(Text::from).or_else(|| row.ticket.clone()),
        window_s,
        lifetime_s,
    })
}
