//! What changes on this host, as it changes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use netghost_core::bytes::{Big, Text};
use netghost_core::diff::{Change, NotCovered, compare};
use netghost_core::section::{Section, SectionName};
use netghost_core::snapshot::Snapshot;
use netghost_kernel::watch::{Heard, Program, WITH_NOTICE};
use serde::Serialize;

use super::host::section_name;
use crate::args::OutputArgs;
use crate::error::Failure;
use crate::exit::Status;
use crate::output::{self, Format, printable};
use crate::world::World;
use crate::{clock, host, span, text};

/// The schema of one line.
pub const SCHEMA: &str = "netghost.watch/v1";

/// Watches this host.
#[derive(Debug, clap::Args)]
pub struct Watch {
    /// Watch only this section; may be repeated
    #[arg(long = "section", value_name = "SECTION", value_parser = section_name)]
    sections: Vec<SectionName>,
    /// How often to read what the kernel gives no notice of
    #[arg(long, value_name = "SPAN", value_parser = span::parse, default_value = "2s")]
    interval: Duration,
    /// End after this long; until interrupted if not given
    #[arg(long = "for", value_name = "SPAN", value_parser = span::parse)]
    for_: Option<Duration>,
}

/// One line of the answer.
#[derive(Debug, Serialize)]
struct Line {
    schema: &'static str,
    /// When the reading after the change ended, microseconds since 1970 UTC.
    at_us: Big,
    section: SectionName,
    changes: Vec<Change>,
    /// What was not read, or could not be compared.
    not_covered: Vec<NotCovered>,
    /// Who made changes to this section since the last line, where the kernel says so.
    programs: Vec<By>,
    /// Notices of the kernel were lost, so everything was read again.
    notices_lost: bool,
}

#[derive(Debug, Serialize)]
struct By {
    pid: u32,
    name: Text,
}

/// Watches until the time is up.
pub fn run(args: &Watch, world: &World, output: &OutputArgs) -> Result<Status, Failure> {
    let mut names = args.sections.clone();
    names.sort();
    names.dedup();
    if names.is_empty() {
        names = SectionName::DEFAULT.to_vec();
    }
    let mut notices = (world.notices)().map_err(|error| {
        let what = "the kernel's notices can't be had";
        Failure::failed("watch", anyhow!(error).context(what)).hint("run as root or grant CAP_NET_ADMIN")
    })?;
    let mut lines = Lines::new(output)?;
    let mut kept = Kept::default();
    // The first reading begins after listening did: what changes from now on is seen.
    kept.read(world, &names, &Heard::default(), &mut lines)?;
    output::note(output.format, &begun(&names, args.interval));
    let end = args.for_.and_then(|span| Instant::now().checked_add(span));
    let unheard: Vec<SectionName> = names
        .iter()
        .copied()
        .filter(|name| !WITH_NOTICE.contains(name))
        .collect();
    let mut regular = Instant::now() + args.interval;
    loop {
        let deadline = end.map_or(regular, |end| end.min(regular));
        let heard = notices.wait(deadline).map_err(|error| {
            Failure::failed("watch", anyhow!(error).context("the kernel's notices ended"))
        })?;
        let mut due: BTreeSet<SectionName> = heard.sections.clone();
        if Instant::now() >= regular {
            due.extend(&unheard);
            regular = Instant::now() + args.interval;
        }
        if heard.lost {
            due.extend(&names);
        }
        let due: Vec<SectionName> = names.iter().copied().filter(|name| due.contains(name)).collect();
        kept.read(world, &due, &heard, &mut lines)?;
        if end.is_some_and(|end| Instant::now() >= end) {
            return Ok(kept.status());
        }
    }
}

fn begun(names: &[SectionName], interval: Duration) -> String {
    let regular: Vec<String> = names
        .iter()
        .filter(|name| !WITH_NOTICE.contains(name))
        .map(ToString::to_string)
        .collect();
    if regular.is_empty() {
        return format!("watching {} sections", names.len());
    }
    format!(
        "watching {} sections; the kernel gives no notice of {}: read every {} s",
        names.len(),
        regular.join(", "),
        interval.as_secs()
    )
}

/// What is known of each section.
#[derive(Debug, Default)]
struct Kept {
    /// The last reading from which something may be concluded.
    known: BTreeMap<SectionName, Snapshot>,
    /// Why the last reading was not whole.
    unread: BTreeMap<SectionName, String>,
    changed: bool,
}

impl Kept {
    /// Reads some sections and tells what changed in them.
    fn read(
        &mut self,
        world: &World,
        names: &[SectionName],
        heard: &Heard,
        lines: &mut Lines,
    ) -> Result<(), Failure> {
        if names.is_empty() {
            return Ok(());
        }
        for section in (world.capture)(names) {
            let name = section.name;
            let now = alone(world, section);
            if let Some(line) = self.take(name, now, heard) {
                lines.write(&line)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, name: SectionName, now: Snapshot, heard: &Heard) -> Option<Line> {
        let section = now.section(name)?;
        let why = section.state.why().unwrap_or_default().to_owned();
        let known = section.state.is_known();
        let was = self.unread.get(&name).cloned();
        if known {
            self.unread.remove(&name);
        } else {
            self.unread.insert(name, why.clone());
        }
        let mut line = Line {
            schema: SCHEMA,
            at_us: Big(now.taken_at_us),
            section: name,
            changes: Vec::new(),
            not_covered: Vec::new(),
            programs: programs(name, heard),
            notices_lost: heard.lost,
        };
        let Some(before) = self.known.get(&name) else {
            // The first reading is what later ones are compared with; that there is none is told.
            line.not_covered = compare(&now, &now, &[name]).not_covered;
            line.not_covered.retain(|row| row.requested);
            if known {
                self.known.insert(name, now);
            }
            return (!line.not_covered.is_empty() && was != Some(why)).then_some(line);
        };
        let found = compare(before, &now, &[name]);
        line.changes = found.changes;
        line.not_covered = found.not_covered;
        line.not_covered.retain(|row| row.requested);
        let repeated = !known && was == Some(why);
        if known {
            self.known.insert(name, now);
        }
        self.changed |= !line.changes.is_empty();
        let tells = !line.changes.is_empty() || !line.not_covered.is_empty() || (known && was.is_some());
        (tells && !repeated).then_some(line)
    }

    fn status(&self) -> Status {
        match (self.changed, self.unread.is_empty()) {
            (true, _) => Status::Act,
            (false, false) => Status::Unknown,
            (false, true) => Status::Good,
        }
    }
}

fn programs(name: SectionName, heard: &Heard) -> Vec<By> {
    let made = heard.programs.iter().filter(|program| program.section == name);
    made.map(|Program { pid, name, .. }| By {
        pid: *pid,
        name: name.clone(),
    })
    .collect()
}

/// A snapshot of one section.
fn alone(world: &World, section: Section) -> Snapshot {
    let name = section.name;
    let section = std::cell::Cell::new(Some(section));
    host::snapshot(
        &|_| section.take().into_iter().collect(),
        world.target,
        world.now_us,
        &[name],
    )
}

/// Where lines go, one at a time.
struct Lines {
    format: Format,
    out: Box<dyn Write>,
}

impl Lines {
    fn new(output: &OutputArgs) -> Result<Self, Failure> {
        let file = output.out.as_ref().filter(|path| path.as_os_str() != "-");
        let out: Box<dyn Write> = match file {
            Some(path) => Box::new(File::create_new(path).map_err(|error| {
                let what = format!("cannot create {}", path.display());
                Failure::failed("write", anyhow!(error).context(what))
            })?),
            None => Box::new(io::stdout()),
        };
        Ok(Self {
            format: output.format,
            out,
        })
    }

    /// Whoever read and is gone wants no more: that ends the watch, as any other failure to write does.
    fn write(&mut self, line: &Line) -> Result<(), Failure> {
        let bytes = match self.format {
            Format::Json => {
                let mut bytes =
                    serde_json::to_vec(line).map_err(|error| Failure::failed("internal", error))?;
                bytes.push(b'\n');
                bytes
            }
            Format::Text => printable(&shown(line)).into_bytes(),
        };
        let written = self.out.write_all(&bytes).and_then(|()| self.out.flush());
        written.map_err(|error| {
            let what = match error.kind() {
                ErrorKind::BrokenPipe => "nobody reads any more",
                _ => "cannot write what changed",
            };
            Failure::failed("write", anyhow!(error).context(what))
        })
    }
}

fn shown(line: &Line) -> String {
    let mut out = format!("{}  {}", clock::shown(line.at_us.0), line.section);
    for by in &line.programs {
        out += &format!("  by {} (pid {})", by.name, by.pid);
    }
    if line.notices_lost {
        out += "  (notices were lost: read whole)";
    }
    out.push('\n');
    for change in &line.changes {
        out += &text::comparison::one(change);
    }
    for row in &line.not_covered {
        let place = row
            .path
            .as_deref()
            .map(|path| format!(" {path}"))
            .unwrap_or_default();
        out += &format!("  not read{place}: {}\n", row.why);
    }
    if line.changes.is_empty() && line.not_covered.is_empty() {
        out += "  read again, nothing changed\n";
    }
    out
}
