//! What is told while something takes longer than a second: on standard error, never on standard output.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use netghost_proto::v1;
use serde::Serialize;

use crate::documents::actions::Row;
use crate::output::{Format, printable};
use crate::text;
use crate::text::fleet::target;

/// Nothing is told of what is done sooner.
const SILENT: Duration = Duration::from_secs(1);
/// The schema of a line of progress under `-o json`.
pub const SCHEMA: &str = "netghost.progress/v1";

/// The progress of one job.
#[derive(Debug)]
pub struct Progress {
    begun: Instant,
    form: Form,
    /// The state of each target that was told.
    told: BTreeMap<String, String>,
}

#[derive(Debug)]
enum Form {
    /// One line that changes, on a terminal.
    Bar(ProgressBar),
    /// A line for each change.
    Lines,
    /// Likewise, for programs.
    Json,
}

#[derive(Serialize)]
struct Line<'a> {
    schema: &'static str,
    done: usize,
    all: usize,
    target: Option<&'a str>,
    state: Option<&'a str>,
    message: &'a str,
}

impl Progress {
    /// Begins now.
    pub fn new(format: Format) -> Self {
        let form = match format {
            Format::Json => Form::Json,
            Format::Text if std::io::stderr().is_terminal() => Form::Bar(ProgressBar::hidden()),
            Format::Text => Form::Lines,
        };
        Self {
            begun: Instant::now(),
            form,
            told: BTreeMap::new(),
        }
    }

    /// How long to wait for news before the same is told again.
    pub fn patience(&self) -> Duration {
        match self.form {
            Form::Bar(_) => Duration::from_millis(200),
            Form::Lines | Form::Json => SILENT,
        }
    }

    /// The job as it is now.
    pub fn update(&mut self, job: &v1::Job) {
        if self.begun.elapsed() < SILENT {
            return;
        }
        let all = job.targets.len();
        let ended = |target: &&v1::JobTarget| matches!(target.state.as_str(), "captured" | "failed");
        let done = job.targets.iter().filter(ended).count();
        if let Form::Bar(bar) = &self.form {
            let open: Vec<&str> = job
                .targets
                .iter()
                .filter(|target| !ended(target))
                .map(called)
                .collect();
            show(bar, done, all, &open);
            return;
        }
        for row in &job.targets {
            if self.told.get(&row.agent_id) != Some(&row.state) {
                self.told.insert(row.agent_id.clone(), row.state.clone());
                let message = target(called(row), &row.state, &row.why);
                self.line(&Line {
                    schema: SCHEMA,
                    done,
                    all,
                    target: Some(called(row)),
                    state: Some(&row.state),
                    message: &message,
                });
            }
        }
    }

    /// An action as it is now.
    pub fn action(&self, row: &Row) {
        if self.begun.elapsed() >= SILENT {
            self.say(&text::action::stands(row));
        }
    }

    /// Something beside the targets.
    pub fn say(&self, message: &str) {
        if let Form::Bar(bar) = &self.form {
            bar.suspend(|| write(&format!("{message}\n")));
            return;
        }
        self.line(&Line {
            schema: SCHEMA,
            done: 0,
            all: 0,
            target: None,
            state: None,
            message,
        });
    }

    /// Takes the changing line away, before the answer or an error.
    pub fn clear(&self) {
        if let Form::Bar(bar) = &self.form {
            bar.finish_and_clear();
        }
    }

    fn line(&self, line: &Line<'_>) {
        match self.form {
            // A struct of strings and numbers always has a JSON form.
            Form::Json => write(&(serde_json::to_string(line).unwrap_or_default() + "\n")),
            Form::Lines | Form::Bar(_) if line.all > 0 => {
                write(&format!("[{}/{}] {}\n", line.done, line.all, line.message));
            }
            Form::Lines | Form::Bar(_) => write(&format!("{}\n", line.message)),
        }
    }
}

/// A target as people know it.
fn called(row: &v1::JobTarget) -> &str {
    if row.resource.is_empty() {
        &row.name
    } else {
        &row.resource
    }
}

fn show(bar: &ProgressBar, done: usize, all: usize, open: &[&str]) {
    if bar.is_hidden() {
        // A template without colours, so that NO_COLOR has nothing to forbid.
        let style = ProgressStyle::with_template("{spinner} {pos}/{len} read, {elapsed}: {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
    }
    bar.set_length(u64::try_from(all).unwrap_or(u64::MAX));
    bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
    bar.set_message(printable(&format!("waiting for {}", open.join(", "))).replace('\n', " "));
    bar.tick();
}

/// There is nobody to tell if it can't be told.
fn write(text: &str) {
    drop(std::io::stderr().write_all(printable(text).as_bytes()));
}
