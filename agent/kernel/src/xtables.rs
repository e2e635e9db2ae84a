//! Legacy iptables, ip6tables and arptables, by `getsockopt`.
//!
//! Only tables that the kernel lists are asked for: asking for any other makes it, with its hooks. There is no generation,
//! so tables are read until two consecutive readings agree in all but their counters, unless one stands alone ([`once`]).

use std::io;

use netghost_core::bytes::{Hex, Text};
use netghost_core::netfilter::model::Family;
use netghost_core::netfilter::{unresolved, xt};
use netghost_core::raw::{Raw, SetName, XtablesRaw, XtablesTable};
use netghost_core::section::{Content, DECODER, Reader, Section, SectionName, State};

use crate::ipset;
use crate::netlink::DumpError;
use crate::tries::{Outcome, TRIES, Try, repeat};

mod digest;
mod once;
mod socket;

pub use digest::{Digested, bare_ipv4, digest_ipv4, digest_ipv6, raw_ipv4};

use socket::TableSocket;

/// What `procfs` shows of the calling thread's network namespace.
const NET: &str = "/proc/thread-self/net";

/// What differs between the families.
#[derive(Debug, Clone, Copy)]
struct Kind {
    family: Family,
    section: SectionName,
    /// The tables of the calling thread's namespace; `/proc/net` would show the main thread's.
    names: &'static str,
    tool: &'static str,
}

const IPV4: Kind = Kind {
    family: Family::Ip,
    section: SectionName::XtablesLegacyIpv4,
    names: "/proc/thread-self/net/ip_tables_names",
    tool: "iptables",
};

const IPV6: Kind = Kind {
    family: Family::Ip6,
    section: SectionName::XtablesLegacyIpv6,
    names: "/proc/thread-self/net/ip6_tables_names",
    tool: "ip6tables",
};

const ARP: Kind = Kind {
    family: Family::Arp,
    section: SectionName::ArptablesLegacy,
    names: "/proc/thread-self/net/arp_tables_names",
    tool: "arptables",
};

/// Reads legacy iptables. `now_us` gives microseconds since 1970 UTC.
pub fn read_ipv4(now_us: &dyn Fn() -> u64) -> Section {
    read(IPV4, now_us)
}

/// Reads legacy ip6tables. `now_us` gives microseconds since 1970 UTC.
pub fn read_ipv6(now_us: &dyn Fn() -> u64) -> Section {
    read(IPV6, now_us)
}

/// Reads legacy arptables. `now_us` gives microseconds since 1970 UTC.
pub fn read_arp(now_us: &dyn Fn() -> u64) -> Section {
    read(ARP, now_us)
}

fn read(kind: Kind, now_us: &dyn Fn() -> u64) -> Section {
    read_from(kind, &mut Kernel { kind, socket: None }, now_us)
}

fn read_from(kind: Kind, source: &mut dyn Source, now_us: &dyn Fn() -> u64) -> Section {
    let mut before = None;
    let outcome = repeat(|| attempt(kind, source, &mut before), std::thread::sleep);
    let section = Section {
        name: kind.section,
        state: State::Captured,
        reader: Reader::Kernel,
        decoder: DECODER,
        taken_at_us: now_us(),
        generation: None,
        content: None,
        raw: None,
        gaps: Vec::new(),
        warnings: Vec::new(),
    };
    match outcome {
        Outcome::Done(raw) => decoded(section, raw),
        Outcome::Torn(raw) => torn(section, raw),
        Outcome::Failed(error) => Section {
            state: refused(kind, &error),
            ..section
        },
    }
}

/// Where tables come from: the kernel, or a test.
trait Source {
    /// The names of the tables that are there.
    fn names(&mut self) -> Result<Vec<Text>, ReadError>;
    /// The names of ipsets.
    fn sets(&mut self, tables: &[XtablesTable]) -> Result<Vec<SetName>, DumpError>;
    /// How many bytes a table has; 0 where that can't be told.
    fn size(&mut self, _: &Text) -> usize {
        0
    }
    /// One table of that name, whole: two infos that agree around its entries. `None` if it moved meanwhile.
    fn table(&mut self, name: &Text) -> Result<Option<XtablesTable>, ReadError>;
}

/// The operation that failed.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error("find {NET}")]
    Proc(#[source] io::Error),
    #[error("list the tables")]
    Names(#[source] io::Error),
    #[error("open a socket")]
    Socket(#[source] io::Error),
    #[error("read table {table}")]
    Table {
        table: Text,
        #[source]
        source: io::Error,
    },
}

impl ReadError {
    fn source(&self) -> &io::Error {
        match self {
            Self::Proc(source) | Self::Names(source) | Self::Socket(source) | Self::Table { source, .. } => {
                source
            }
        }
    }
}

/// The kernel of this host.
struct Kernel {
    kind: Kind,
    /// Opened only if there is a table: a socket of a family may be refused where nothing is to be read.
    socket: Option<TableSocket>,
}

impl Source for Kernel {
    fn names(&mut self) -> Result<Vec<Text>, ReadError> {
        let list = listed(NET, self.kind.names)?;
        let lines = list.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        Ok(lines.map(Text::from).collect())
    }

    fn sets(&mut self, tables: &[XtablesTable]) -> Result<Vec<SetName>, DumpError> {
        ipset::names_for(tables.iter().map(|table| table.entries.0.as_slice()))
    }

    fn size(&mut self, name: &Text) -> usize {
        self.asked(|socket| socket.info(name).map_err(ReadError::Socket))
            .ok()
            .and_then(|info| socket::size(&info))
            .unwrap_or_default()
    }

    fn table(&mut self, name: &Text) -> Result<Option<XtablesTable>, ReadError> {
        self.asked(|socket| {
            one_table(socket, name).map_err(|source| ReadError::Table {
                table: name.clone(),
                source,
            })
        })
    }
}

impl Kernel {
    fn asked<T>(&mut self, ask: impl FnOnce(&TableSocket) -> Result<T, ReadError>) -> Result<T, ReadError> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => TableSocket::open(self.kind.family).map_err(ReadError::Socket)?,
        };
        ask(self.socket.insert(socket))
    }
}

/// The file of names. Without the directory that it belongs in, a file that is not there proves nothing.
fn listed(directory: &str, names: &str) -> Result<Vec<u8>, ReadError> {
    std::fs::metadata(directory).map_err(ReadError::Proc)?;
    std::fs::read(names).map_err(ReadError::Names)
}

fn one_table(socket: &TableSocket, name: &Text) -> io::Result<Option<XtablesTable>> {
    let info = socket.info(name)?;
    let entries = match socket.entries(name, &info) {
        // The table is of another size than it was.
        Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => return Ok(None),
        other => other?,
    };
    let same = socket.info(name)? == info;
    Ok(same.then(|| XtablesTable {
        name: name.clone(),
        info: Hex(info),
        entries: Hex(entries),
    }))
}

/// One reading, compared with the one before it where it does not stand alone.
fn attempt(
    kind: Kind,
    source: &mut dyn Source,
    before: &mut Option<XtablesRaw>,
) -> Try<XtablesRaw, ReadError> {
    if before.is_none() {
        match pass(kind, source) {
            Ok(Some(first)) => match once::stands_alone(source, &first) {
                Ok(true) => return Try::Done(first.raw),
                Ok(false) => *before = Some(first.raw),
                Err(error) => return failed(error),
            },
            Ok(None) => {}
            Err(error) => return failed(error),
        }
    }
    match pass(kind, source) {
        Err(error) => failed(error),
        Ok(None) => {
            *before = None;
            Try::Again
        }
        Ok(Some(Pass { raw: now, .. })) => {
            let agree = before
                .as_ref()
                .is_some_and(|before| before.sets == now.sets && same_rules(before, &now));
            if agree {
                return Try::Done(now);
            }
            *before = Some(now.clone());
            Try::Moved(now)
        }
    }
}

/// A table that was listed and then not found went away in between.
fn failed<T>(error: ReadError) -> Try<T, ReadError> {
    let vanished =
        matches!(&error, ReadError::Table { source, .. } if source.raw_os_error() == Some(libc::ENOENT));
    if vanished { Try::Again } else { Try::Failed(error) }
}

/// What one reading of all tables brought.
struct Pass {
    raw: XtablesRaw,
    /// The place of the table that was read last.
    last: Option<usize>,
}

/// Every table that is listed, the largest last; `None` if one changed while it was read, or the list did.
fn pass(kind: Kind, source: &mut dyn Source) -> Result<Option<Pass>, ReadError> {
    let names = source.names()?;
    let order = once::by_size(source, &names);
    let mut tables = Vec::new();
    for (place, name) in order
        .iter()
        .filter_map(|place| Some((*place, names.get(*place)?)))
    {
        match source.table(name)? {
            Some(table) => tables.push((place, table)),
            None => return Ok(None),
        }
    }
    tables.sort_by_key(|(place, _)| *place);
    let tables: Vec<XtablesTable> = tables.into_iter().map(|(_, table)| table).collect();
    let Ok(sets) = source.sets(&tables) else {
        return Ok(None);
    };
    let still = source.names()? == names;
    let raw = XtablesRaw {
        ipv6: kind.family == Family::Ip6,
        arp: kind.family == Family::Arp,
        sets,
        tables,
    };
    let last = order.last().copied();
    Ok(still.then_some(Pass { raw, last }))
}

/// True if two readings differ in counters at most. What can't be decoded must be the same byte for byte.
fn same_rules(a: &XtablesRaw, b: &XtablesRaw) -> bool {
    if xt::same_but_counters(a, b) {
        return true;
    }
    // A match may keep a state of its own among its bytes.
    match (xt::lift(a), xt::lift(b)) {
        (Ok((a, _)), Ok((b, _))) => a == b,
        _ => a == b,
    }
}

fn decoded(section: Section, raw: XtablesRaw) -> Section {
    let (why, content, gaps) = match xt::lift(&raw) {
        Ok((config, runtime)) => {
            let gaps = unresolved::gaps(&config);
            let why = gaps
                .iter()
                .map(|gap| format!("{}: {}", gap.path, gap.why))
                .collect::<Vec<_>>()
                .join("; ");
            (
                (!why.is_empty()).then_some(why),
                Some(Content::Netfilter { config, runtime }),
                gaps,
            )
        }
        Err(error) => (
            Some(format!("cannot decode it: {}", chain(&error))),
            None,
            Vec::new(),
        ),
    };
    Section {
        state: why.map_or(State::Captured, |why| State::Unreadable { why }),
        content,
        gaps,
        raw: Some(Raw::Xtables(raw)),
        ..section
    }
}

/// What the last reading brought is shown, where it can be decoded at all.
fn torn(section: Section, raw: Option<XtablesRaw>) -> Section {
    let shown = match raw {
        Some(raw) => decoded(section, raw),
        None => section,
    };
    Section {
        gaps: Vec::new(),
        state: State::Torn {
            why: format!(
                "the tables changed during each of {TRIES} reads: something rewrites them all the time"
            ),
        },
        ..shown
    }
}

fn refused(kind: Kind, error: &ReadError) -> State {
    let errno = error.source().raw_os_error();
    if matches!(error, ReadError::Names(_)) && errno == Some(libc::ENOENT) {
        return State::NotApplicable {
            why: format!(
                "the kernel has no legacy {}: {} is not there",
                kind.tool, kind.names
            ),
        };
    }
    let hint = match (error, errno) {
        (ReadError::Names(_), Some(libc::EACCES)) => ": run as root, or with group root and CAP_NET_ADMIN",
        (_, Some(libc::EPERM | libc::EACCES)) => ": run as root or grant CAP_NET_ADMIN",
        _ => "",
    };
    State::Unreadable {
        why: format!("cannot read legacy {}: {}{hint}", kind.tool, chain(error)),
    }
}

/// An error and what caused it, as one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        line.push_str(": ");
        line.push_str(&inner.to_string());
        cause = inner.source();
    }
    line
}

#[cfg(test)]
mod tests;
