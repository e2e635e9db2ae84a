//! The digest of the ruleset, in little memory: one thread receives the rules, another decodes and digests them.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use netghost_core::bytes::Hex;
use netghost_core::netfilter::nft::consts;
use netghost_core::netfilter::nft::message;
use netghost_core::netfilter::nft::stream::{Stream, StreamError, Streamed};
use netghost_core::netfilter::unresolved;
use netghost_core::raw::{GroupName, NetlinkRaw, RawMessage};
use netghost_core::section::State;

use super::{Reading, Unread, all_of, gap_summary, generation, header, known, push_name, sockets};
use crate::modules::{Modules, Presence};
use crate::netlink::datagrams::{Datagram, buffer, messages};
use crate::netlink::{DumpError, Link, Socket};
use crate::tries::{Outcome, TRIES, Try, repeat};
use crate::{groups, ipset, link_names};

/// Datagrams under way between the threads.
const UNDER_WAY: usize = 32;

/// What a digest is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digested {
    /// As that of a section: only of `captured` is the digest that of the whole configuration.
    pub state: State,
    /// The generation that was digested.
    pub generation: Option<u32>,
    /// What was digested.
    pub streamed: Option<Streamed>,
}

/// Reads the ruleset and digests its configuration without keeping it.
pub fn digest() -> Digested {
    let ended = |state| Digested {
        state,
        generation: None,
        streamed: None,
    };
    let absent = |why: &str| ended(State::NotApplicable { why: why.to_owned() });
    let unreadable = |why: String| ended(State::Unreadable { why });
    if Modules::of_this_kernel().presence("nf_tables") == Presence::Absent {
        return absent("nf_tables is neither loaded nor built in (/proc/modules, modules.builtin)");
    }
    let outcome = sockets().and_then(|(mut netfilter, mut route)| {
        known(&mut netfilter)?;
        Ok(repeat(|| attempt(&mut netfilter, &mut route), thread::sleep))
    });
    match outcome {
        Err(Unread::Absent) => absent("the kernel has no nf_tables: it knows no ruleset generation"),
        Err(Unread::Failed(error)) => unreadable(format!("cannot read nftables: {}", error.chain())),
        Ok(Outcome::Failed(Failure::Dump(error))) => {
            unreadable(format!("cannot read nftables: {}", error.chain()))
        }
        Ok(Outcome::Failed(Failure::Decode(error))) => unreadable(format!("cannot decode nftables: {error}")),
        Ok(Outcome::Torn(_)) => ended(State::Torn {
            why: format!(
                "the ruleset changed during each of {TRIES} reads: something rewrites it all the time"
            ),
        }),
        Ok(Outcome::Done((streamed, generation))) => Digested {
            state: match streamed.gaps.as_slice() {
                [] => State::Captured,
                gaps => State::Unreadable {
                    why: gap_summary(gaps),
                },
            },
            generation: Some(generation),
            streamed: Some(streamed),
        },
    }
}

/// Why a pass failed.
#[derive(Debug)]
enum Failure {
    Dump(DumpError),
    Decode(StreamError),
}

impl From<DumpError> for Failure {
    fn from(error: DumpError) -> Self {
        Self::Dump(error)
    }
}

impl From<StreamError> for Failure {
    fn from(error: StreamError) -> Self {
        Self::Decode(error)
    }
}

fn attempt<L: Link, R: Link>(
    netfilter: &mut Socket<L>,
    route: &mut Socket<R>,
) -> Try<(Streamed, u32), Failure> {
    match pass(netfilter, route) {
        Ok(Some(done)) => Try::Done(done),
        Ok(None) => Try::Again,
        Err(Failure::Dump(error)) if error.is_transient() => Try::Again,
        Err(failure) => Try::Failed(failure),
    }
}

/// One pass; `None` if something changed meanwhile.
fn pass<L: Link, R: Link>(
    netfilter: &mut Socket<L>,
    route: &mut Socket<R>,
) -> Result<Option<(Streamed, u32)>, Failure> {
    let found = pass_with(netfilter, route, Vec::new())?;
    // The paths of control groups are worked out for those who have rules on them: few do.
    let asks = |(streamed, _): &(Streamed, u32)| streamed.gaps.iter().any(unresolved::is_of_group);
    if found.as_ref().is_some_and(asks) {
        return pass_with(netfilter, route, groups::paths());
    }
    Ok(found)
}

fn pass_with<L: Link, R: Link>(
    netfilter: &mut Socket<L>,
    route: &mut Socket<R>,
    groups: Vec<GroupName>,
) -> Result<Option<(Streamed, u32)>, Failure> {
    let links = link_names::read(route)?;
    let before = generation(netfilter)?;
    let mut reading = Reading {
        socket: netfilter,
        moved: false,
    };
    let messages = reading.all_but_rules()?;
    if reading.moved || !all_of(&messages, before)? {
        return Ok(None);
    }
    let raw = NetlinkRaw {
        groups,
        links: links.clone(),
        sets: ipset::all_names()?,
        messages,
    };
    let streamed = rules(netfilter, &raw, before);
    let moved = generation(netfilter)? != before
        || link_names::read(route)? != links
        || ipset::all_names()? != raw.sets;
    // What does not fit together because it changed is no fault of the decoder.
    if moved {
        return Ok(None);
    }
    Ok(streamed?.map(|streamed| (streamed, before)))
}

/// What goes to the thread that decodes.
enum Piece {
    Datagram(Datagram),
    EndOfChain,
}

/// Receives the rules chain by chain while another thread decodes; `None` if something changed meanwhile.
fn rules<L: Link>(
    socket: &mut Socket<L>,
    raw: &NetlinkRaw,
    generation: u32,
) -> Result<Option<Streamed>, Failure> {
    let stream = Stream::new(raw)?;
    let chains = stream.chains().to_vec();
    thread::scope(|scope| {
        let (full, pieces) = sync_channel(UNDER_WAY);
        let (empty, buffers) = channel();
        let decoder = scope.spawn(move || decode(stream, generation, &pieces, &empty));
        let mut whole = true;
        for chain in chains {
            let mut body = header(message::family_number(chain.family));
            push_name(&mut body, 1, &chain.table)?;
            push_name(&mut body, 2, &chain.chain)?;
            match receive(socket, &body, &full, &buffers) {
                Err(DumpError::Interrupted { .. } | DumpError::Refused { errno: libc::ENOENT }) => {
                    whole = false;
                    break;
                }
                other => other?,
            }
        }
        drop(full);
        // A thread that panicked decoded nothing.
        let decoded = decoder.join().unwrap_or(Ok(None));
        if whole { Ok(decoded?) } else { Ok(None) }
    })
}

fn receive<L: Link>(
    socket: &mut Socket<L>,
    body: &[u8],
    full: &SyncSender<Piece>,
    buffers: &Receiver<Vec<u8>>,
) -> Result<(), DumpError> {
    let mut hand = |datagram| {
        // Whoever decodes may have given up; its answer says why.
        full.send(Piece::Datagram(datagram)).ok();
        buffers.try_recv().unwrap_or_else(|_| buffer())
    };
    socket.dump_datagrams(consts::GET_RULE, body, &mut hand)?;
    full.send(Piece::EndOfChain).ok();
    Ok(())
}

/// Decodes and digests what comes; `None` if a message is of another generation.
fn decode(
    mut stream: Stream<'_>,
    generation: u32,
    pieces: &Receiver<Piece>,
    empty: &Sender<Vec<u8>>,
) -> Result<Option<Streamed>, StreamError> {
    let [_, _, high, low] = generation.to_be_bytes();
    let generation = u16::from_be_bytes([high, low]);
    let mut message = RawMessage {
        message_type: 0,
        payload: Hex(Vec::new()),
    };
    for piece in pieces {
        let Piece::Datagram(datagram) = piece else {
            stream.end_of_chain()?;
            continue;
        };
        for part in messages(&datagram) {
            let Ok((message_type, payload)) = part else {
                return Ok(None);
            };
            message.message_type = message_type;
            message.payload.0.clear();
            message.payload.0.extend_from_slice(payload);
            if message::generation_of(&message)? != generation {
                return Ok(None);
            }
            stream.rule(&message)?;
        }
        empty.send(datagram.0).ok();
    }
    stream.finish().map(Some)
}
