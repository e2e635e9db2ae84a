//! Changes: several messages of which the kernel does all or none (`linux/netfilter/nfnetlink.h`).

use std::io;

use neli::consts::nl::NlmF;

use super::{DumpError, ERROR, Link, OVERRUN, Socket, errno_name, frame, hint};

/// `NFNL_MSG_BATCH_BEGIN`.
const BEGIN: u16 = 0x10;
/// `NFNL_MSG_BATCH_END`.
const END: u16 = 0x11;
/// `NFNL_BATCH_GENID`: the generation of the ruleset that the batch is for.
const GENERATION: u16 = 1;

/// One message of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// `nlmsg_type`.
    pub(crate) message_type: u16,
    /// `nlmsg_flags` besides those of a request.
    pub(crate) flags: u16,
    /// The family's header and the attributes.
    pub(crate) body: Vec<u8>,
}

/// Which state a batch is for, and what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    /// `NFNL_SUBSYS_*`.
    pub(crate) subsystem: u8,
    /// In another generation nothing is done. Nought, which would mean any, is never sent.
    pub(crate) generation: u32,
    /// False: the kernel checks the batch whole and does nothing of it.
    pub(crate) commit: bool,
}

/// Why nothing of a batch was done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BatchError {
    /// The ruleset is of another generation.
    #[error("the ruleset changed since it was read")]
    Stale,
    /// The kernel refused.
    #[error("the kernel refused {} ({}): {}", what(*part), errno_name(*errno), hint(*errno))]
    Refused {
        /// The message that it refused first, from 0; none where it was the batch as a whole.
        part: Option<usize>,
        /// A positive error number.
        errno: i32,
    },
    /// The answer did not come, or was none: whether it was done has to be read.
    #[error(transparent)]
    Unanswered(#[from] DumpError),
}

fn what(part: Option<usize>) -> String {
    part.map_or_else(
        || "the batch".to_owned(),
        |part| format!("message {} of the batch", part + 1),
    )
}

impl<L: Link> Socket<L> {
    /// Sends a batch and waits until each of its messages is answered.
    pub(crate) fn batch(&mut self, terms: Terms, parts: &[Part]) -> Result<(), BatchError> {
        if terms.generation == 0 {
            return Err(BatchError::Stale);
        }
        let first = self.sequence.wrapping_add(1);
        let datagram = self.datagram(terms, parts);
        // The kernel counts more than the bytes.
        let room = datagram.len().saturating_mul(2).saturating_add(super::BUFFER);
        self.link.make_room(room).map_err(DumpError::Send)?;
        self.link.send(&datagram).map_err(DumpError::Send)?;
        let mut answers: Vec<Option<i32>> = vec![None; parts.len()];
        while answers.iter().any(Option::is_none) {
            let length = self.link.receive(&mut self.buffer).map_err(DumpError::Receive)?;
            let datagram = self.buffer.get(..length).ok_or(DumpError::Truncated { length })?;
            for message in frame::messages(datagram) {
                let message = message.map_err(DumpError::Malformed)?;
                let errno = answer(&message)?;
                let place = usize::try_from(message.sequence.wrapping_sub(first)).ok();
                match (place, message.port == self.port) {
                    (Some(0), true) => whole(errno)?,
                    (Some(place), true) if place <= parts.len() => {
                        if let Some(slot) = answers.get_mut(place - 1) {
                            *slot = Some(errno);
                        }
                    }
                    _ => return Err(DumpError::Malformed("a message of another request").into()),
                }
            }
        }
        let refused = |(part, errno): (usize, Option<i32>)| match errno {
            Some(0) | None => None,
            Some(errno) => Some(BatchError::Refused {
                part: Some(part),
                errno,
            }),
        };
        answers
            .into_iter()
            .enumerate()
            .find_map(refused)
            .map_or(Ok(()), Err)
    }

    fn datagram(&mut self, terms: Terms, parts: &[Part]) -> Vec<u8> {
        let request = NlmF::REQUEST.bits();
        let header = [0, 0, 0, terms.subsystem];
        let mut bound = header.to_vec();
        bound.extend_from_slice(&8u16.to_ne_bytes());
        bound.extend_from_slice(&GENERATION.to_ne_bytes());
        bound.extend_from_slice(&terms.generation.to_be_bytes());
        let mut out = self.framed(BEGIN, request, &bound);
        for part in parts {
            let flags = request | NlmF::ACK.bits() | part.flags;
            out.extend(self.framed(part.message_type, flags, &part.body));
            out.resize(out.len().next_multiple_of(4), 0);
        }
        // Without its end a batch is checked and taken back.
        if terms.commit {
            out.extend(self.framed(END, request, &header));
        }
        out
    }

    fn framed(&mut self, message_type: u16, flags: u16, body: &[u8]) -> Vec<u8> {
        self.sequence = self.sequence.wrapping_add(1);
        frame::encode(message_type, flags, self.sequence, body)
    }
}

/// The error number of an answer; 0 for an acknowledgement.
fn answer(message: &frame::Message<'_>) -> Result<i32, DumpError> {
    match message.message_type {
        ERROR => frame::errno(message).map_err(DumpError::Malformed),
        OVERRUN => Err(DumpError::Receive(io::Error::from_raw_os_error(libc::ENOBUFS))),
        _ => Err(DumpError::Malformed("no answer to a batch")),
    }
}

/// An answer to the batch as a whole.
fn whole(errno: i32) -> Result<(), BatchError> {
    match errno {
        0 => Ok(()),
        libc::ERESTART => Err(BatchError::Stale),
        errno => Err(BatchError::Refused { part: None, errno }),
    }
}
