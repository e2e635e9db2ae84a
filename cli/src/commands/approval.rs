//! Approvals: one person's consent to one action.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::key::PublicKey;
use netghost_core::artifact::name::Name;
use netghost_core::gate::{Action, ActionState, Approval as Consent, ApprovalState, Roster};

use super::Call;
use super::action::{believed, ended, list, one};
use crate::approvers::OwnKey;
use crate::documents::actions::Row;
use crate::error::Failure;
use crate::exit::Status;
use crate::gate::Gate;
use crate::output::Outcome;
use crate::progress::Progress;
use crate::{examples, span, text};

/// How many digits of a digest are typed for consent.
const TYPED: usize = 8;
/// How long the outcome is waited for, besides the action's own window: a package takes its time.
const OUTCOME: Duration = Duration::from_secs(15 * 60);

/// Approvals.
#[derive(Debug, clap::Subcommand)]
pub enum Approval {
    /// List actions by where their approval stands
    #[command(after_help = examples::APPROVAL_LIST)]
    List {
        /// Only those that wait for one
        #[arg(long)]
        pending: bool,
        /// How many
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Show what is to be approved, whole, as the VM wrote it
    #[command(after_help = examples::APPROVAL_SHOW)]
    Show {
        /// The action's id, or the beginning of it
        id: String,
    },
    /// Approve: sign, with your own key, that exactly this may be done
    #[command(after_help = examples::APPROVAL_APPROVE)]
    Approve(Approve),
    /// Deny
    #[command(after_help = examples::APPROVAL_DENY)]
    Deny {
        /// The action's id, or the beginning of it
        id: String,
        /// Why, for who asked
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// Approves.
#[derive(Debug, clap::Args)]
pub struct Approve {
    /// The action's id, or the beginning of it
    id: String,
    /// Without a terminal: the digest of the action that you consent to, all 64 digits
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    digest: Option<Digest>,
    /// Your key, where it is not the one that `approvers key` makes
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Wait no longer than this for what comes of it
    #[arg(long = "for", value_name = "SPAN", value_parser = span::parse)]
    patience: Option<Duration>,
    /// Do not wait for what comes of it
    #[arg(long, conflicts_with = "patience")]
    no_wait: bool,
}

fn digest(text: &str) -> Result<Digest, String> {
    Digest::parse(text)
        .ok_or_else(|| "a digest is 64 digits in lower case: `netghost approval show ID`".to_owned())
}

/// Runs one of them.
pub fn run(command: &Approval, call: &Call<'_>) -> Result<Outcome, Failure> {
    let mut gate = Gate::open(call.world, call.wanted)?;
    match command {
        Approval::List { pending, limit } => {
            let state = pending.then_some(ApprovalState::Pending);
            let mut rows = gate.list(state, *limit)?;
            rows.retain(|row| row.approval.is_some());
            list(&rows, "no approval is asked for")
        }
        Approval::Show { id: word } => one(believed(gate.show(word)?)?),
        Approval::Approve(args) => approve(args, &mut gate, call),
        Approval::Deny { id: word, reason } => {
            if reason.trim().is_empty() {
                return Err(
                    Failure::usage("wrong_use", anyhow!("--reason is empty")).hint("say why, for who asked")
                );
            }
            // What can't be believed can be denied all the same.
            let row = gate.show(word)?;
            let row = gate.deny(&row, reason)?;
            let status = match row.approval {
                Some(ApprovalState::Denied) => Status::Good,
                _ => row.status(),
            };
            ended(row, status)
        }
    }
}

fn approve(args: &Approve, gate: &mut Gate, call: &Call<'_>) -> Result<Outcome, Failure> {
    let row = believed(gate.show(&args.id)?)?;
    let Some((action, digest)) = row.action.clone().zip(row.digest) else {
        let error = anyhow!(
            "action {} has nothing to approve: it is {}",
            row.id,
            row.state.as_str()
        );
        return Err(Failure::usage("not_ready", error));
    };
    if row.approval != Some(ApprovalState::Pending) {
        return not_pending(row);
    }
    let key = OwnKey::place(call.world, args.key.as_deref())?.load()?;
    let roster = gate.approvers()?;
    let approver = approver(gate, roster.as_ref(), key.public(), &action)?;
    consent(args, &row, &approver, digest, call)?;
    let envelope = Consent::new(&action, approver)
        .and_then(|consent| consent.sign(&key))
        .map_err(|error| Failure::failed("internal", error))?;
    let mut progress = Progress::new(call.format);
    if gate.is_standalone() {
        progress.say("handed to netghost-act, which answers when it is done");
    }
    let approved = gate.approve(&row, envelope)?;
    outcome(args, gate, approved, &action, &mut progress)
}

/// As whom the key signs; an error where that counts for nothing, so that nobody waits for a refusal.
fn approver(gate: &Gate, roster: Option<&Roster>, key: &PublicKey, action: &Action) -> Result<Name, Failure> {
    let Some(roster) = roster else {
        let error = anyhow!("there is no list of approvers");
        return Err(Failure::person("no_authority", error)
            .hint("an admin makes one: `netghost approvers init`, `add` and `publish`"));
    };
    let mut approvers = roster.approvers.iter();
    let own = approvers.find(|approver| approver.public().is_ok_and(|public| public.id() == key.id()));
    let Some(own) = own else {
        let error = anyhow!("your key {} is not on the list of approvers", key.id());
        return Err(Failure::person("no_approver", error)
            .hint("an admin adds it: `netghost approvers add NAME --key FILE`"));
    };
    if own.revoked {
        let error = anyhow!("{} was revoked as an approver", own.name);
        return Err(Failure::person("revoked", error).hint("another approver is needed"));
    }
    if !gate.is_standalone() && own.name != *gate.person() {
        let error = anyhow!(
            "your key is that of {}, and you are logged in as {}",
            own.name,
            gate.person()
        );
        return Err(Failure::usage("other_person", error)
            .hint("approvers have the name under which the controller knows them"));
    }
    if action.four_eyes && own.name == action.requester {
        let error = anyhow!("{} asked for it and can't approve it: four eyes", own.name);
        return Err(Failure::person("self_approval", error).hint("another approver is needed"));
    }
    Ok(own.name.clone())
}

/// A person's consent to this very action: typed at a terminal, or named by its whole digest.
fn consent(
    args: &Approve,
    row: &Row,
    approver: &Name,
    digest: Digest,
    call: &Call<'_>,
) -> Result<(), Failure> {
    if let Some(named) = args.digest {
        return match named == digest {
            true => Ok(()),
            false => Err(Failure::act(
                "other_action",
                anyhow!("action {} has the digest {digest}, not {named}", row.id),
            )
            .hint("look at it again: `netghost approval show`")),
        };
    }
    let first: String = digest.to_string().chars().take(TYPED).collect();
    let question = format!(
        "{}\nTo approve exactly this as {approver}, type the first {TYPED} digits of its digest; anything else approves nothing: ",
        text::action::action(row)
    );
    match (call.world.prompt)(&question) {
        Some(Ok(typed)) if typed == first => Ok(()),
        Some(Ok(_)) => Err(Failure::person(
            "not_approved",
            anyhow!("that is not how the digest begins: nothing was approved"),
        )),
        Some(Err(error)) => Err(Failure::person(
            "not_approved",
            anyhow::Error::from(error).context("cannot ask at the terminal: nothing was approved"),
        )),
        None => Err(Failure::person(
            "no_terminal",
            anyhow!("there is no terminal to ask at: nothing was approved"),
        )
        .hint(format!(
            "look at it, `netghost approval show {}`, and name what you consent to: --digest DIGEST",
            row.id
        ))),
    }
}

fn not_pending(row: Row) -> Result<Outcome, Failure> {
    let stands = row.approval.map_or("not asked for", ApprovalState::as_str);
    let error = anyhow!("the approval of action {} is {stands}", row.id);
    match row.approval {
        Some(ApprovalState::Denied | ApprovalState::Expired | ApprovalState::Void) => {
            Err(Failure::person("not_pending", error).hint("have it asked for again"))
        }
        _ => Err(Failure::usage("not_pending", error)),
    }
}

/// Waits for what comes of it, as far as it comes by itself.
fn outcome(
    args: &Approve,
    gate: &mut Gate,
    row: Row,
    action: &Action,
    progress: &mut Progress,
) -> Result<Outcome, Failure> {
    let window = Duration::from_secs(u64::from(action.window_s));
    let patience = args.patience.unwrap_or(OUTCOME.saturating_add(window));
    // A server that runs, and what a person confirms, come to no end by themselves that is worth waiting for.
    let (server, standalone) = (!action.is_confirmed(), gate.is_standalone());
    let is_enough =
        |row: &Row| row.state.has_ended() || (row.state == ActionState::Applied && (server || standalone));
    let row = match args.no_wait || is_enough(&row) {
        true => row,
        false => gate.until(row.id, &is_enough, patience, progress)?,
    };
    progress.clear();
    let row = believed(row)?;
    let status = row.status();
    ended(row, status)
}
