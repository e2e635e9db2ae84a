//! Legacy ebtables, by `getsockopt`.
//!
//! There is no list of its tables, and asking for one makes it: its module is loaded if it is not, and its hooks are set
//! in this network namespace if nobody asked before. So a table is asked for only where its module is there already, and
//! one that may have been made by the asking is told in a warning.

use netghost_core::bytes::{Hex, Text};
use netghost_core::netfilter::model::{Rule, Ruleset, RulesetRuntime, Verdict};
use netghost_core::netfilter::{unresolved, xt};
use netghost_core::raw::{EbtablesRaw, EbtablesTable, Raw};
use netghost_core::section::{Content, DECODER, Reader, Section, SectionName, State, Warning};

use crate::modules::{Modules, Presence};
use crate::tries::{Outcome, TRIES, Try, repeat};

mod socket;

use socket::{Asked, TableSocket};

/// Tables and the modules that hold them.
const TABLES: [(&str, &str); 3] = [
    ("broute", "ebtable_broute"),
    ("filter", "ebtable_filter"),
    ("nat", "ebtable_nat"),
];

/// The module that answers.
const CORE: &str = "ebtables";

/// Reads legacy ebtables. `now_us` gives microseconds since 1970 UTC.
pub fn read(now_us: &dyn Fn() -> u64) -> Section {
    let modules = Modules::of_this_kernel();
    let presence = |module: &str| modules.presence(module);
    read_from(&presence, &mut Kernel::default(), now_us)
}

/// Where tables come from: the kernel, or a test.
trait Source {
    /// One table; `None` if it changed meanwhile.
    fn table(&mut self, name: &str) -> Result<Option<EbtablesTable>, Asked>;
}

#[derive(Default)]
struct Kernel {
    socket: Option<TableSocket>,
}

impl Source for Kernel {
    fn table(&mut self, name: &str) -> Result<Option<EbtablesTable>, Asked> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => TableSocket::open().map_err(Asked::Failed)?,
        };
        let read = socket.table(name);
        self.socket = Some(socket);
        let read = read?;
        Ok(read.map(|[info, entries, counters]| EbtablesTable {
            name: Text::from(name),
            info: Hex(info),
            entries: Hex(entries),
            counters: Hex(counters),
        }))
    }
}

/// What can be asked for, or why nothing is.
fn tables(presence: &dyn Fn(&str) -> Presence) -> Result<Vec<&'static str>, State> {
    let absent = |why: &str| State::NotApplicable { why: why.to_owned() };
    let unknown = State::Unreadable {
        why: "cannot tell whether legacy ebtables is there: the list of modules that are built in can't be read, and \
              asking would load it"
            .to_owned(),
    };
    match presence(CORE) {
        Presence::Absent => {
            return Err(absent(
                "the kernel has no legacy ebtables: its module is neither loaded nor built in",
            ));
        }
        Presence::Unknown => return Err(unknown),
        Presence::CanAsk => {}
    }
    let mut there = Vec::new();
    for (table, module) in TABLES {
        match presence(module) {
            Presence::CanAsk => there.push(table),
            Presence::Absent => {}
            Presence::Unknown => return Err(unknown),
        }
    }
    Ok(there)
}

fn read_from(
    presence: &dyn Fn(&str) -> Presence,
    source: &mut dyn Source,
    now_us: &dyn Fn() -> u64,
) -> Section {
    let section = |state| Section {
        name: SectionName::EbtablesLegacy,
        state,
        reader: Reader::Kernel,
        decoder: DECODER,
        taken_at_us: now_us(),
        generation: None,
        content: None,
        raw: None,
        gaps: Vec::new(),
        warnings: Vec::new(),
    };
    let names = match tables(presence) {
        Ok(names) => names,
        Err(state) => return section(state),
    };
    let mut before = None;
    let outcome = repeat(|| attempt(&names, source, &mut before), std::thread::sleep);
    match outcome {
        Outcome::Done(raw) => decoded(section(State::Captured), raw),
        Outcome::Torn(last) => {
            let why = format!(
                "the tables changed during each of {TRIES} reads: something rewrites them all the time"
            );
            let empty = section(State::Captured);
            let shown = match last {
                Some(raw) => decoded(empty, raw),
                None => empty,
            };
            Section {
                gaps: Vec::new(),
                state: State::Torn { why },
                ..shown
            }
        }
        Outcome::Failed(asked) => section(refused(asked)),
    }
}

fn refused(asked: Asked) -> State {
    match asked {
        Asked::NotThere => State::NotApplicable {
            why: "the kernel has no legacy ebtables: it does not know the option that asks for a table"
                .to_owned(),
        },
        Asked::Failed(error) => {
            let hint = match error.raw_os_error() {
                Some(libc::EPERM | libc::EACCES) => ": run as root or grant CAP_NET_ADMIN",
                _ => "",
            };
            State::Unreadable {
                why: format!("cannot read legacy ebtables: {error}{hint}"),
            }
        }
    }
}

/// One reading, compared with the one before it.
fn attempt(
    names: &[&str],
    source: &mut dyn Source,
    before: &mut Option<EbtablesRaw>,
) -> Try<EbtablesRaw, Asked> {
    if before.is_none() {
        match pass(names, source) {
            Ok(read) => *before = read,
            Err(error) => return Try::Failed(error),
        }
    }
    match pass(names, source) {
        Err(error) => Try::Failed(error),
        Ok(None) => {
            *before = None;
            Try::Again
        }
        Ok(Some(now)) => {
            let agree = before.as_ref().is_some_and(|before| same_rules(before, &now));
            *before = Some(now.clone());
            if agree { Try::Done(now) } else { Try::Moved(now) }
        }
    }
}

fn pass(names: &[&str], source: &mut dyn Source) -> Result<Option<EbtablesRaw>, Asked> {
    let mut tables = Vec::new();
    for name in names {
        match source.table(name)? {
            Some(table) => tables.push(table),
            None => return Ok(None),
        }
    }
    Ok(Some(EbtablesRaw { tables }))
}

/// True if two readings differ in counters at most.
fn same_rules(a: &EbtablesRaw, b: &EbtablesRaw) -> bool {
    match (xt::ebt::lift(a), xt::ebt::lift(b)) {
        (Ok((a, _)), Ok((b, _))) => a == b,
        _ => a == b,
    }
}

fn decoded(section: Section, raw: EbtablesRaw) -> Section {
    let (state, content, gaps) = match xt::ebt::lift(&raw) {
        Ok((config, runtime)) => {
            let gaps = unresolved::gaps(&config);
            let state = match gaps.first() {
                None => State::Captured,
                Some(gap) => State::Unreadable {
                    why: format!("{}: {}", gap.path, gap.why),
                },
            };
            (state, Some((config, runtime)), gaps)
        }
        Err(error) => {
            let why = format!("cannot decode legacy ebtables: {error}");
            (State::Unreadable { why }, None, Vec::new())
        }
    };
    let warnings = content.as_ref().map(warnings).unwrap_or_default();
    Section {
        state,
        content: content.map(|(config, runtime)| Content::Netfilter { config, runtime }),
        gaps,
        warnings,
        raw: Some(Raw::Ebtables(raw)),
        ..section
    }
}

/// Names the tables that look as the kernel makes them: reading may have made them.
fn warnings((config, _): &(Ruleset, RulesetRuntime)) -> Vec<Warning> {
    let is_new =
        |rules: &[Rule], policy: Option<&Verdict>| rules.is_empty() && policy == Some(&Verdict::Accept);
    let tables = config.tables.iter().filter(|table| {
        let mut chains = table.chains.iter();
        chains.all(|chain| is_new(&chain.rules, chain.base.as_ref().map(|base| &base.policy)))
    });
    let names: Vec<String> = tables.map(|table| table.name.to_string()).collect();
    let warning = Warning {
        code: "TABLES_MADE".to_owned(),
        message: format!(
            "legacy ebtables has no list of its tables, so these were asked for, which makes them where they were not in \
             use; they are empty: {}",
            names.join(", ")
        ),
    };
    (!names.is_empty()).then_some(warning).into_iter().collect()
}

#[cfg(test)]
mod tests;
