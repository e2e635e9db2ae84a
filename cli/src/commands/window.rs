//! Change windows: sealed before a change, compared at its end.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use netghost_core::artifact::name::Name;
use netghost_core::azure::activity::microseconds;
use netghost_core::job::Layer;
use netghost_proto::v1;
use netghost_proto::v1::start_job_request::Kind;
use tonic::Code;

use super::Call;
use super::baseline::nothing;
use super::check::{Wanted, ended};
use crate::documents::document;
use crate::documents::jobs::Job;
use crate::documents::windows::{LIST, SCHEMA, Window as Row, Windows};
use crate::error::Failure;
use crate::exit::Status;
use crate::fleet::{AccountArgs, Doing, Fleet, Patience, Request, SshArgs, Targets};
use crate::output::{Outcome, must_be_free};
use crate::progress::Progress;
use crate::{examples, span, text};

/// Change windows.
#[derive(Debug, clap::Subcommand)]
pub enum Window {
    /// Seal every layer that can be read, and open a window for a change
    #[command(after_help = examples::WINDOW_OPEN)]
    Open(Box<Open>),
    /// Compare with what was sealed, and issue one certificate
    #[command(after_help = examples::WINDOW_CLOSE)]
    Close(Box<Close>),
    /// Show a window
    #[command(after_help = examples::WINDOW_SHOW)]
    Show {
        /// The change
        #[arg(value_name = "TICKET")]
        ticket: Name,
    },
    /// List windows, the latest first
    #[command(after_help = examples::WINDOW_LIST)]
    List,
}

/// Opens a window.
#[derive(Debug, clap::Args)]
pub struct Open {
    /// The change; each has one window
    #[arg(value_name = "TICKET")]
    ticket: Name,
    /// Which.
    #[command(flatten)]
    targets: Targets,
    /// Open it over this baseline, instead of sealing one now; where no --vm, --tag, --all, --nic, --vnet or --group says
    /// otherwise its members are compared, and nobody else
    #[arg(long, value_name = "NAME")]
    baseline: Option<Name>,
    /// When the change began, if that was earlier: a time such as 2026-11-24T06:00:00Z, or how long ago
    #[arg(long, value_name = "TIME", value_parser = moment)]
    starts: Option<Moment>,
    /// When it is to end: a time such as 2026-11-24T06:00:00Z, or in how long
    #[arg(long, value_name = "TIME", value_parser = moment)]
    ends: Option<Moment>,
    /// A note that is kept with it
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    /// How long sealing may take; five minutes if not given. With --baseline nothing is sealed; `close` has its own
    #[arg(long, value_name = "SPAN", value_parser = span::parse, conflicts_with = "baseline")]
    deadline: Option<Duration>,
}

/// Closes a window.
#[derive(Debug, clap::Args)]
pub struct Close {
    /// The change
    #[arg(value_name = "TICKET")]
    ticket: Name,
    /// Write the signed certificate of the result to this file, which must not exist
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Say of each change what it means for traffic, and which rules show it
    #[arg(long)]
    explain: bool,
    /// How long it may take; five minutes if not given
    #[arg(long, value_name = "SPAN", value_parser = span::parse)]
    deadline: Option<Duration>,
    /// How hosts are reached by ssh: not kept from the opening, so give the same again.
    #[command(flatten)]
    ssh: SshArgs,
    /// Whom to ask, and which Azure, where there is no controller.
    #[command(flatten)]
    account: AccountArgs,
}

/// A moment, as people give it.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// Microseconds since 1970 UTC.
    At(u64),
    /// From now.
    Span(Duration),
}

fn moment(text: &str) -> Result<Moment, String> {
    if let Some(at) = microseconds(text) {
        return Ok(Moment::At(at));
    }
    let wrong = |_| format!("{text:?} is no time: write 2026-11-24T06:00:00Z, or a span such as 2h");
    span::parse(text).map(Moment::Span).map_err(wrong)
}

fn micros(span: Duration) -> u64 {
    span::milliseconds(span).saturating_mul(1_000)
}

/// Runs one of them.
pub fn run(command: &Window, call: &Call<'_>) -> Result<Outcome, Failure> {
    match command {
        Window::Open(args) => open(args, call),
        Window::Close(args) => close(args, call),
        Window::Show { ticket } => {
            let request = v1::ShowWindowRequest {
                ticket: ticket.to_string(),
            };
            let found = call
                .anywhere()?
                .call(async |client| Ok(client.show_window(request).await?.into_inner()))?;
            let row = Row::try_from(found)?;
            let status = match row.verdict.as_deref() {
                Some("drift") => Status::Act,
                Some("unknown") => Status::Unknown,
                _ => Status::Good,
            };
            outcome(row, status)
        }
        Window::List => list(call),
    }
}

fn outcome(row: Row, status: Status) -> Result<Outcome, Failure> {
    Ok(Outcome {
        status,
        text: text::fleet::window(&row),
        document: document(SCHEMA, row)?,
    })
}

fn list(call: &Call<'_>) -> Result<Outcome, Failure> {
    let found = call.anywhere()?.call(async |client| {
        let reply = client.list_windows(v1::ListWindowsRequest {}).await?;
        Ok(reply.into_inner())
    })?;
    let all = Windows::try_from(found)?;
    Ok(Outcome {
        status: Status::Good,
        text: text::fleet::windows(&all),
        document: document(LIST, all)?,
    })
}

fn open(args: &Open, call: &Call<'_>) -> Result<Outcome, Failure> {
    let doing = match &args.baseline {
        Some(_) => Doing::Comparing,
        None => Doing::Reading,
    };
    let mut fleet = call.reading(&args.targets, doing)?;
    let now_us = (call.world.now_us)();
    let starts = args.starts.map_or(0, |starts| match starts {
        Moment::At(at) => at,
        Moment::Span(ago) => now_us.saturating_sub(micros(ago)),
    });
    let ends = args.ends.map_or(0, |ends| match ends {
        Moment::At(at) => at,
        Moment::Span(from_now) => now_us.saturating_add(micros(from_now)),
    });
    if ends != 0 && ends <= starts.max(if starts == 0 { now_us } else { 0 }) {
        let error = anyhow!("the window ends before it begins");
        return Err(Failure::usage("wrong_use", error).hint("give --ends a later time"));
    }
    if args.baseline.is_none() {
        is_free(&mut fleet, &args.ticket)?;
    }
    let mut request = v1::OpenWindowRequest {
        ticket: args.ticket.to_string(),
        starts_at_us: starts,
        ends_at_us: ends,
        note: args.note.clone(),
        ..v1::OpenWindowRequest::default()
    };
    let mut job = None;
    if let Some(baseline) = &args.baseline {
        let selected = args.targets.of_baseline(fleet.place())?;
        args.targets.account_is_heard(fleet.place(), doing, &selected)?;
        request.baseline = baseline.to_string();
        request.layers = selected.words();
        request.via = selected.via_word();
        request.selector = Some(v1::Selector::from(&selected.selector));
    } else {
        let asked = sealing(args, &mut fleet)?;
        request.selector.clone_from(&asked.selector);
        request.layers.clone_from(&asked.layers);
        request.via.clone_from(&asked.via);
        request.baseline = sealed_name(&args.ticket)?.to_string();
        job = Some(seal(args, &asked, &mut fleet, call)?);
    }
    let partial = job
        .as_ref()
        .is_some_and(|job| job.verdict.as_deref() != Some("complete"));
    let opened = fleet.call(async |client| Ok(client.open_window(request).await?.into_inner()))?;
    let row = Row::try_from(opened)?.sealed(job);
    outcome(row, if partial { Status::Unknown } else { Status::Good })
}

/// Refuses a ticket that has a window, before anything is read.
fn is_free(fleet: &mut Fleet, ticket: &Name) -> Result<(), Failure> {
    let request = v1::ShowWindowRequest {
        ticket: ticket.to_string(),
    };
    let there = fleet.call(async |client| match client.show_window(request).await {
        Ok(_) => Ok(true),
        Err(status) if status.code() == Code::NotFound => Ok(false),
        Err(status) => Err(status),
    })?;
    if !there {
        return Ok(());
    }
    let error = anyhow!("there is a window {ticket} already");
    Err(Failure::usage("already_exists", error).hint(format!(
        "`netghost window show {ticket}` shows it; another one needs another ticket"
    )))
}

/// The name under which what is there now is sealed.
fn sealed_name(ticket: &Name) -> Result<Name, Failure> {
    let short: String = ticket.as_str().chars().take(59).collect();
    Name::parse(&format!("{short}-open")).map_err(|error| Failure::usage("wrong_use", error))
}

/// What is sealed: where nobody says which layers, every one that can be read here.
fn sealing(args: &Open, fleet: &mut Fleet) -> Result<Request, Failure> {
    let mut selected = args.targets.selected(fleet.place(), Doing::Reading)?;
    if selected.layers.is_empty() {
        let status =
            fleet.call(async |client| Ok(client.status(v1::StatusRequest {}).await?.into_inner()))?;
        selected.layers.push(Layer::Host);
        // Without a controller there always is a login that could be tried; Azure is meant where a subscription is.
        if status.azure && (!fleet.place().standalone || args.targets.means_azure()) {
            selected.layers.push(Layer::Azure);
        }
    }
    args.targets
        .account_is_heard(fleet.place(), Doing::Reading, &selected)?;
    Ok(Request {
        id: super::draw()?.to_string(),
        kind: Some(Kind::Baseline(v1::BaselineJob {
            name: sealed_name(&args.ticket)?.to_string(),
            sections: Vec::new(),
        })),
        ticket: args.ticket.to_string(),
        note: args.note.clone(),
        deadline_ms: args.deadline.map_or(0, span::milliseconds),
        ..selected.request()
    })
}

fn seal(args: &Open, request: &Request, fleet: &mut Fleet, call: &Call<'_>) -> Result<Job, Failure> {
    let mut progress = Progress::new(call.format);
    let job = fleet.run(request, Patience::of(request), &mut progress)?;
    if matches!(job.verdict.as_deref(), Some("complete" | "partial")) {
        return Ok(job);
    }
    Err(nothing(&job).context(format!("window {} is not open", args.ticket)))
}

fn close(args: &Close, call: &Call<'_>) -> Result<Outcome, Failure> {
    if let Some(path) = &args.certificate {
        must_be_free(path)?;
    }
    let mut fleet = call.comparing(&args.account, &args.ssh)?;
    let request = v1::CloseWindowRequest {
        ticket: args.ticket.to_string(),
        deadline_ms: args.deadline.map_or(0, span::milliseconds),
    };
    let closing = fleet.call(async |client| Ok(client.close_window(request).await?.into_inner()))?;
    let closing = Row::try_from(closing)?;
    let Some(id) = closing.job else {
        let error = anyhow!(
            "the controller names no comparison that closes window {}",
            args.ticket
        );
        return Err(Failure::failed("bad_answer", error));
    };
    let mut progress = Progress::new(call.format);
    let job = fleet.follow(id, &mut progress)?;
    let wanted = Wanted {
        certificate: args.certificate.as_ref(),
        explain: args.explain,
    };
    let mut outcome = ended(&mut fleet, job, &wanted)?;
    let show = v1::ShowWindowRequest {
        ticket: args.ticket.to_string(),
    };
    let row = fleet.call(async |client| Ok(client.show_window(show).await?.into_inner()))?;
    let row = Row::try_from(row)?;
    outcome.text = format!("{}\n{}", text::fleet::window(&row), outcome.text);
    if let serde_json::Value::Object(fields) = &mut outcome.document {
        fields.insert("change_window".to_owned(), document(SCHEMA, row)?);
    }
    Ok(outcome)
}
