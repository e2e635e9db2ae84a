//! The one netlink socket: a dump is whole, or it is an error.
//!
//! The rules, each of which has a test: a throwaway dump comes first, because a fresh socket gets messages of one page only
//! and the kernel leaves out, without a word, what does not fit; receives offer 64 KiB and check `MSG_TRUNC`; a dump ends in
//! `NLMSG_DONE` with the request's sequence number and no error, and no message of it carries `NLM_F_DUMP_INTR`.

use std::io;
use std::time::Duration;

use neli::consts::nl::NlmF;
use netghost_core::bytes::Hex;
use netghost_core::raw::RawMessage;

pub(crate) mod batch;
pub(crate) mod datagrams;
mod frame;
mod link;

pub use link::{KernelLink, Link};

/// What a netlink socket talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `NETLINK_ROUTE`: links, routes, traffic control.
    Route,
    /// `NETLINK_NETFILTER`: nf_tables and its kin.
    Netfilter,
    /// `NETLINK_SOCK_DIAG`: sockets.
    SockDiag,
    /// `NETLINK_XFRM`: IPsec.
    Xfrm,
    /// `NETLINK_GENERIC`: families that are found by name.
    Generic,
}

/// How long the kernel may stay silent before a read is given up. Dumps are answered as they are asked for, so silence means
/// a lost answer.
pub const SILENCE: Duration = Duration::from_secs(5);

/// The kernel builds dump messages of up to 32 KiB once it has seen a receive at least that large
/// (`netlink_recvmsg`, `max_recvmsg_len`); twice that leaves no doubt.
const BUFFER: usize = 64 * 1024;

/// Why something could not be read whole.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// No socket of this protocol.
    #[error("open a netlink socket")]
    Open(#[source] io::Error),
    /// The request could not be sent.
    #[error("ask the kernel")]
    Send(#[source] io::Error),
    /// The answer could not be received; `ENOBUFS` means that a part was lost.
    #[error("receive the kernel's answer")]
    Receive(#[source] io::Error),
    /// The kernel answered with an error.
    #[error("the kernel refused ({}): {}", errno_name(*errno), hint(*errno))]
    Refused {
        /// A positive error number.
        errno: i32,
    },
    /// The dump was restarted or its objects changed while it ran.
    #[error("what was read changed while it was read")]
    Interrupted {
        /// What came all the same: good to be shown, not to conclude from.
        messages: Vec<RawMessage>,
    },
    /// A message was longer than the buffer.
    #[error("a message of {length} bytes was cut at {BUFFER}")]
    Truncated {
        /// Its real length in bytes.
        length: usize,
    },
    /// Bytes that are no netlink message, or one that belongs to another request.
    #[error("an answer that is not one: {0}")]
    Malformed(&'static str),
}

impl DumpError {
    /// True if a further try may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Interrupted { .. } => true,
            Self::Refused { errno } => {
                *errno == libc::EINTR || *errno == libc::EAGAIN || *errno == libc::EBUSY
            }
            Self::Receive(source) => source.raw_os_error() == Some(libc::ENOBUFS),
            _ => false,
        }
    }

    /// The error number of a refusal.
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Refused { errno } => Some(*errno),
            Self::Open(source) | Self::Send(source) | Self::Receive(source) => source.raw_os_error(),
            _ => None,
        }
    }

    /// The error with its causes, as one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        text
    }
}

fn errno_name(errno: i32) -> String {
    match errno {
        libc::EPERM => "EPERM".to_owned(),
        libc::EACCES => "EACCES".to_owned(),
        libc::ENOENT => "ENOENT".to_owned(),
        libc::EINVAL => "EINVAL".to_owned(),
        libc::EOPNOTSUPP => "EOPNOTSUPP".to_owned(),
        libc::EAFNOSUPPORT => "EAFNOSUPPORT".to_owned(),
        other => format!("errno {other}"),
    }
}

fn hint(errno: i32) -> String {
    match errno {
        libc::EPERM | libc::EACCES => "run as root or grant CAP_NET_ADMIN".to_owned(),
        libc::ENOENT => "it vanished while it was read".to_owned(),
        libc::EINVAL | libc::EOPNOTSUPP | libc::EAFNOSUPPORT => "this kernel does not have it".to_owned(),
        other => io::Error::from_raw_os_error(other).to_string(),
    }
}

/// A netlink socket with the completeness rules above.
#[derive(Debug)]
pub struct Socket<L: Link = KernelLink> {
    link: L,
    port: u32,
    sequence: u32,
    warm: bool,
    buffer: Vec<u8>,
}

impl Socket<KernelLink> {
    /// Opens a socket in the network namespace of the calling thread.
    pub fn open(protocol: Protocol) -> Result<Self, DumpError> {
        let link = KernelLink::open(protocol).map_err(DumpError::Open)?;
        let port = link.port().map_err(DumpError::Open)?;
        Ok(Self::over(link, port))
    }
}

impl<L: Link> Socket<L> {
    /// A socket over any carrier of datagrams; `port` is its netlink port id.
    pub fn over(link: L, port: u32) -> Self {
        Self {
            link,
            port,
            sequence: 0,
            warm: false,
            buffer: vec![0; BUFFER],
        }
    }

    /// Everything that the kernel lists for this request, in its order. `body` is the family's header and its attributes.
    pub fn dump(&mut self, message_type: u16, body: &[u8]) -> Result<Vec<RawMessage>, DumpError> {
        if !self.warm {
            // Thrown away whatever comes; the receive alone is what makes the next dump whole.
            match self.dump_once(message_type, body) {
                Ok(_) | Err(DumpError::Interrupted { .. }) => self.warm = true,
                Err(error) => return Err(error),
            }
        }
        self.dump_once(message_type, body)
    }

    /// The answer to a request that is no dump: the messages before its acknowledgement.
    pub fn request(&mut self, message_type: u16, body: &[u8]) -> Result<Vec<RawMessage>, DumpError> {
        self.send(message_type, NlmF::REQUEST | NlmF::ACK, body)?;
        self.collect()
    }

    /// Has the kernel change something and waits for its acknowledgement. `flags` are those of `linux/netlink.h` besides
    /// `NLM_F_REQUEST` and `NLM_F_ACK`.
    pub fn change(&mut self, message_type: u16, flags: u16, body: &[u8]) -> Result<(), DumpError> {
        let flags = NlmF::from_bits_retain(flags) | NlmF::REQUEST | NlmF::ACK;
        self.send(message_type, flags, body)?;
        self.collect().map(drop)
    }

    /// Asks for several things in one datagram; each answer is one message or a refusal, in the order of the requests.
    pub fn ask(&mut self, message_type: u16, bodies: &[Vec<u8>]) -> Result<Vec<Answer>, DumpError> {
        let first = self.sequence.wrapping_add(1);
        let mut datagram = Vec::new();
        for body in bodies {
            self.sequence = self.sequence.wrapping_add(1);
            let flags = NlmF::REQUEST.bits();
            datagram.extend(frame::encode(message_type, flags, self.sequence, body));
            datagram.resize(datagram.len().next_multiple_of(4), 0);
        }
        if bodies.is_empty() {
            return Ok(Vec::new());
        }
        self.link.send(&datagram).map_err(DumpError::Send)?;
        let mut answers: Vec<Option<Answer>> = bodies.iter().map(|_| None).collect();
        while answers.iter().any(Option::is_none) {
            let length = self.link.receive(&mut self.buffer).map_err(DumpError::Receive)?;
            let datagram = self.buffer.get(..length).ok_or(DumpError::Truncated { length })?;
            for message in frame::messages(datagram) {
                let message = message.map_err(DumpError::Malformed)?;
                let place = usize::try_from(message.sequence.wrapping_sub(first)).ok();
                let slot = place.and_then(|place| answers.get_mut(place));
                match slot {
                    Some(slot @ None) if message.port == self.port => *slot = Some(answer(&message)?),
                    _ => return Err(DumpError::Malformed("a message of another request")),
                }
            }
        }
        Ok(answers.into_iter().flatten().collect())
    }

    fn dump_once(&mut self, message_type: u16, body: &[u8]) -> Result<Vec<RawMessage>, DumpError> {
        self.send(message_type, NlmF::REQUEST | NlmF::DUMP, body)?;
        self.collect()
    }

    fn send(&mut self, message_type: u16, flags: NlmF, body: &[u8]) -> Result<(), DumpError> {
        self.sequence = self.sequence.wrapping_add(1);
        let message = frame::encode(message_type, flags.bits(), self.sequence, body);
        self.link.send(&message).map_err(DumpError::Send)
    }

    /// Receives until the end of the answer. An interrupted dump is received to its end, so that the socket can be used again.
    fn collect(&mut self) -> Result<Vec<RawMessage>, DumpError> {
        let mut messages = Vec::new();
        let mut interrupted = false;
        loop {
            let length = self.link.receive(&mut self.buffer).map_err(DumpError::Receive)?;
            let datagram = self.buffer.get(..length).ok_or(DumpError::Truncated { length })?;
            for message in frame::messages(datagram) {
                let message = message.map_err(DumpError::Malformed)?;
                if message.port != self.port || message.sequence != self.sequence {
                    return Err(DumpError::Malformed("a message of another request"));
                }
                interrupted |= message.flags & NlmF::DUMP_INTR.bits() != 0;
                match message.message_type {
                    NOOP => {}
                    OVERRUN => return Err(DumpError::Receive(io::Error::from_raw_os_error(libc::ENOBUFS))),
                    DONE | ERROR => {
                        let errno = frame::errno(&message).map_err(DumpError::Malformed)?;
                        return finish(messages, errno, interrupted);
                    }
                    message_type => {
                        messages.push(RawMessage {
                            message_type,
                            payload: Hex(message.payload.to_vec()),
                        });
                    }
                }
            }
        }
    }
}

// Control messages, `linux/netlink.h`.
const NOOP: u16 = 1;
const ERROR: u16 = 2;
const DONE: u16 = 3;
const OVERRUN: u16 = 4;

/// What one request of several brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// What was asked for.
    Message(RawMessage),
    /// The kernel's refusal, whole: it holds the request.
    Refused {
        /// A positive error number.
        errno: i32,
        /// The refusal (`NLMSG_ERROR`).
        message: RawMessage,
    },
}

fn answer(message: &frame::Message<'_>) -> Result<Answer, DumpError> {
    let raw = RawMessage {
        message_type: message.message_type,
        payload: Hex(message.payload.to_vec()),
    };
    match message.message_type {
        OVERRUN => Err(DumpError::Receive(io::Error::from_raw_os_error(libc::ENOBUFS))),
        ERROR => match frame::errno(message).map_err(DumpError::Malformed)? {
            0 => Err(DumpError::Malformed("an acknowledgement that nobody asked for")),
            errno => Ok(Answer::Refused { errno, message: raw }),
        },
        NOOP | DONE => Err(DumpError::Malformed("no answer to a request")),
        _ => Ok(Answer::Message(raw)),
    }
}

fn finish(messages: Vec<RawMessage>, errno: i32, interrupted: bool) -> Result<Vec<RawMessage>, DumpError> {
    match errno {
        _ if interrupted => Err(DumpError::Interrupted { messages }),
        0 => Ok(messages),
        errno => Err(DumpError::Refused { errno }),
    }
}

#[cfg(test)]
mod tests;
