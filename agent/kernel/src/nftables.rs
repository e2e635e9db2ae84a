//! nf_tables, all families: one generation, whole.

use netghost_core::bytes::Text;
use netghost_core::netfilter::nft::{self, consts, hidden, message};
use netghost_core::raw::{NetlinkRaw, Raw, RawMessage};
use netghost_core::section::{Content, DECODER, Gap, Reader, Section, SectionName, State, Warning};

mod digest;

pub use digest::{Digested, digest};

use crate::modules::{Modules, Presence};
use crate::netlink::{DumpError, Link, Protocol, Socket};
use crate::tries::{Outcome, TRIES, Try, repeat};
use crate::{groups, ipset, link_names};

mod beyond;
pub(crate) mod one_table;

/// Reads the ruleset. `now_us` gives microseconds since 1970 UTC.
pub fn read(now_us: &dyn Fn() -> u64) -> Section {
    read_unless_absent(&Modules::of_this_kernel(), now_us)
}

/// Asking a kernel that has nf_tables as a module would load it, with nothing in it: so it is not asked then.
fn read_unless_absent(modules: &Modules, now_us: &dyn Fn() -> u64) -> Section {
    let absent = |why: &str| Section {
        state: State::NotApplicable { why: why.to_owned() },
        ..unread(now_us)
    };
    if modules.presence("nf_tables") == Presence::Absent {
        return absent("nf_tables is neither loaded nor built in (/proc/modules, modules.builtin)");
    }
    let outcome = sockets().and_then(|(mut netfilter, mut route)| {
        known(&mut netfilter)?;
        Ok(repeat(|| attempt(&mut netfilter, &mut route), std::thread::sleep))
    });
    let section = unread(now_us);
    match outcome {
        Err(Unread::Absent) => absent("the kernel has no nf_tables: it knows no ruleset generation"),
        Err(Unread::Failed(error)) | Ok(Outcome::Failed(error)) => Section {
            state: State::Unreadable {
                why: format!("cannot read nftables: {}", error.chain()),
            },
            ..section
        },
        Ok(Outcome::Done(dump)) => decoded(section, dump),
        Ok(Outcome::Torn(dump)) => torn(section, dump),
    }
}

fn unread(now_us: &dyn Fn() -> u64) -> Section {
    Section {
        name: SectionName::Nftables,
        state: State::Unreadable {
            why: "not read".to_owned(),
        },
        reader: Reader::Kernel,
        decoder: DECODER,
        taken_at_us: now_us(),
        generation: None,
        content: None,
        raw: None,
        gaps: Vec::new(),
        warnings: Vec::new(),
    }
}

/// The messages of one pass.
#[derive(Debug)]
struct Dump {
    raw: NetlinkRaw,
    generation: u32,
    /// What was noticed while hidden rules were looked for.
    warnings: Vec<Warning>,
}

/// Why there is nothing to read.
#[derive(Debug)]
enum Unread {
    /// The kernel has no nf_tables, so nothing can filter there.
    Absent,
    /// Something else, which proves nothing.
    Failed(DumpError),
}

impl From<DumpError> for Unread {
    fn from(error: DumpError) -> Self {
        Self::Failed(error)
    }
}

fn sockets() -> Result<(Socket, Socket), Unread> {
    let netfilter = Socket::open(Protocol::Netfilter).map_err(|error| match error.errno() {
        Some(libc::EPROTONOSUPPORT) => Unread::Absent,
        _ => Unread::Failed(error),
    })?;
    Ok((netfilter, Socket::open(Protocol::Route)?))
}

/// Only the ruleset's generation tells a kernel without nf_tables apart. A later request may be refused with the same error
/// by one that has rules: flowtables, say, are younger than tables.
fn known<L: Link>(netfilter: &mut Socket<L>) -> Result<(), Unread> {
    match generation(netfilter) {
        Err(DumpError::Refused {
            errno: libc::EINVAL | libc::EOPNOTSUPP,
        }) => Err(Unread::Absent),
        Err(error) if !error.is_transient() => Err(Unread::Failed(error)),
        _ => Ok(()),
    }
}

fn decoded(section: Section, dump: Dump) -> Section {
    let lifted = nft::lift(&dump.raw);
    let lifted = lifted.and_then(|lifted| nft::gaps(&dump.raw, &lifted).map(|gaps| (lifted, gaps)));
    let mut warnings = dump.warnings;
    let (content, gaps, why) = match lifted {
        Ok((lifted, gaps)) => {
            warnings.extend(hidden::warnings(&lifted));
            let content = Content::Netfilter {
                config: lifted.config,
                runtime: lifted.runtime,
            };
            let why = (!gaps.is_empty()).then(|| gap_summary(&gaps));
            (Some(content), gaps, why)
        }
        Err(error) => (None, Vec::new(), Some(format!("cannot decode nftables: {error}"))),
    };
    Section {
        state: why.map_or(State::Captured, |why| State::Unreadable { why }),
        generation: Some(dump.generation),
        content,
        raw: Some(Raw::Netlink(dump.raw)),
        gaps,
        warnings,
        ..section
    }
}

fn gap_summary(gaps: &[Gap]) -> String {
    gaps.iter()
        .map(|gap| format!("{}: {}", gap.path, gap.why))
        .collect::<Vec<_>>()
        .join("; ")
}

/// What the last pass brought is shown, where it can be decoded at all.
fn torn(section: Section, dump: Option<Dump>) -> Section {
    let shown = match dump {
        Some(dump) => decoded(section, dump),
        None => section,
    };
    let why = format!("the ruleset changed during each of {TRIES} reads: something rewrites it all the time");
    Section {
        state: State::Torn { why },
        gaps: Vec::new(),
        ..shown
    }
}

fn attempt<L: Link, R: Link>(netfilter: &mut Socket<L>, route: &mut Socket<R>) -> Try<Dump, DumpError> {
    match pass(netfilter, route) {
        Ok((dump, true)) => Try::Done(dump),
        Ok((dump, false)) => Try::Moved(dump),
        Err(error) if error.is_transient() => Try::Again,
        Err(error) => Try::Failed(error),
    }
}

/// One pass, and whether everything in it is of one generation.
fn pass<L: Link, R: Link>(
    netfilter: &mut Socket<L>,
    route: &mut Socket<R>,
) -> Result<(Dump, bool), DumpError> {
    let links = link_names::read(route)?;
    let before = generation(netfilter)?;
    let mut reading = Reading {
        socket: netfilter,
        moved: false,
    };
    let mut messages = reading.all()?;
    let groups = groups::paths_for(messages.iter().map(|message| message.payload.0.as_slice()));
    let sets = ipset::names_for(messages.iter().map(|message| message.payload.0.as_slice()))?;
    let moved = reading.moved;
    let found = if moved {
        beyond::Found::default()
    } else {
        beyond::complete(netfilter, &messages)?
    };
    messages.extend(found.messages);
    let after = generation(netfilter)?;
    let links_after = link_names::read(route)?;
    let stable = !moved && before == after && links == links_after && all_of(&messages, before)?;
    Ok((
        Dump {
            raw: NetlinkRaw {
                links,
                sets,
                groups,
                messages,
            },
            generation: after,
            warnings: found.warnings,
        },
        stable,
    ))
}

/// The generation of the ruleset: another number means that something changed it.
///
/// # Errors
/// Where the kernel has no nf_tables, or refuses.
pub fn current_generation() -> Result<u32, DumpError> {
    generation(&mut Socket::open(Protocol::Netfilter)?)
}

fn malformed<E>(_: E) -> DumpError {
    DumpError::Malformed("an nf_tables message without its header or names")
}

fn generation<L: Link>(socket: &mut Socket<L>) -> Result<u32, DumpError> {
    let answer = socket.request(consts::GET_GENERATION, &header(0))?;
    let message = answer
        .iter()
        .find(|message| message.message_type == consts::NEW_GENERATION)
        .ok_or(DumpError::Malformed("no ruleset generation in the answer"))?;
    message::generation(message).map_err(malformed)
}

/// Each message carries the low half of the generation in which it was made.
fn all_of(messages: &[RawMessage], generation: u32) -> Result<bool, DumpError> {
    let [_, _, high, low] = generation.to_be_bytes();
    let expected = u16::from_be_bytes([high, low]);
    // A request and a refusal are of no generation.
    let dated = |message: &&RawMessage| !matches!(message.message_type, consts::GET_RULE | consts::REFUSED);
    for message in messages.iter().filter(dated) {
        if message::generation_of(message).map_err(malformed)? != expected {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A pass under way: it goes on when something changes, to have something to show, but it is not whole any more.
#[derive(Debug)]
struct Reading<'s, L: Link> {
    socket: &'s mut Socket<L>,
    moved: bool,
}

impl<L: Link> Reading<'_, L> {
    /// Tables, chains, rules chain by chain, sets, elements set by set, objects, flowtables.
    fn all(&mut self) -> Result<Vec<RawMessage>, DumpError> {
        let mut out = self.dump(consts::GET_TABLE, &header(0))?;
        let chains = self.dump(consts::GET_CHAIN, &header(0))?;
        let sets = self.dump(consts::GET_SET, &header(0))?;
        let rules = self.each(&chains, consts::GET_RULE)?;
        let elements = self.each(&sets, consts::GET_ELEMENTS)?;
        for part in [chains, rules, sets, elements] {
            out.extend(part);
        }
        for kind in [consts::GET_OBJECT, consts::GET_FLOWTABLE] {
            out.extend(self.dump(kind, &header(0))?);
        }
        Ok(out)
    }

    /// The same without the rules.
    fn all_but_rules(&mut self) -> Result<Vec<RawMessage>, DumpError> {
        let mut out = self.dump(consts::GET_TABLE, &header(0))?;
        out.extend(self.dump(consts::GET_CHAIN, &header(0))?);
        let sets = self.dump(consts::GET_SET, &header(0))?;
        let elements = self.each(&sets, consts::GET_ELEMENTS)?;
        out.extend(sets);
        out.extend(elements);
        for kind in [consts::GET_OBJECT, consts::GET_FLOWTABLE] {
            out.extend(self.dump(kind, &header(0))?);
        }
        Ok(out)
    }

    fn dump(&mut self, request: u16, body: &[u8]) -> Result<Vec<RawMessage>, DumpError> {
        match self.socket.dump(request, body) {
            Err(DumpError::Interrupted { messages }) => {
                self.moved = true;
                Ok(messages)
            }
            // What a list named may be gone when it is asked for.
            Err(DumpError::Refused { errno: libc::ENOENT }) => {
                self.moved = true;
                Ok(Vec::new())
            }
            answer => answer,
        }
    }

    /// What belongs to each of `owners`: the rules of chains, the elements of sets. Both requests name the table in
    /// attribute 1 and the owner in attribute 2 (`NFTA_RULE_CHAIN`, `NFTA_SET_ELEM_LIST_SET`).
    fn each(&mut self, owners: &[RawMessage], request: u16) -> Result<Vec<RawMessage>, DumpError> {
        let mut out = Vec::new();
        for owner in owners {
            let (family, table, name) = message::names(owner).map_err(malformed)?;
            let mut body = header(family);
            push_name(&mut body, 1, &table)?;
            push_name(&mut body, 2, &name)?;
            out.extend(self.dump(request, &body)?);
        }
        Ok(out)
    }
}

/// `struct nfgenmsg`: family, `NFNETLINK_V0`, no resource id.
fn header(family: u8) -> Vec<u8> {
    vec![family, 0, 0, 0]
}

fn push_name(body: &mut Vec<u8>, kind: u16, name: &Text) -> Result<(), DumpError> {
    let length = u16::try_from(name.as_bytes().len() + 5)
        .map_err(|_| DumpError::Malformed("a name longer than an attribute"))?;
    body.extend_from_slice(&length.to_ne_bytes());
    body.extend_from_slice(&kind.to_ne_bytes());
    body.extend_from_slice(name.as_bytes());
    body.push(0);
    body.resize(body.len().next_multiple_of(4), 0);
    Ok(())
}

#[cfg(test)]
mod tests;
