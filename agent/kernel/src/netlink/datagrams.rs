//! An answer too large to keep: its datagrams are handed on as they come.

use super::{BUFFER, DONE, DumpError, ERROR, Link, NOOP, OVERRUN, Socket, frame};
use neli::consts::nl::NlmF;

/// A datagram: the buffer it lies in, and its length.
pub(crate) type Datagram = (Vec<u8>, usize);

/// A buffer that takes any datagram.
pub(crate) fn buffer() -> Vec<u8> {
    vec![0; BUFFER]
}

impl<L: Link> Socket<L> {
    /// As [`Socket::dump`], but each datagram goes to `hand`, which gives a buffer back for another. What was handed on counts
    /// only if this returns without an error.
    pub(crate) fn dump_datagrams(
        &mut self,
        message_type: u16,
        body: &[u8],
        hand: &mut dyn FnMut(Datagram) -> Vec<u8>,
    ) -> Result<(), DumpError> {
        if !self.warm {
            self.dump(message_type, body)?;
        }
        self.send(message_type, NlmF::REQUEST | NlmF::DUMP, body)?;
        let mut interrupted = false;
        loop {
            let length = self.link.receive(&mut self.buffer).map_err(DumpError::Receive)?;
            let datagram = self.buffer.get(..length).ok_or(DumpError::Truncated { length })?;
            let mut end = None;
            for message in frame::messages(datagram) {
                let message = message.map_err(DumpError::Malformed)?;
                if message.port != self.port || message.sequence != self.sequence {
                    return Err(DumpError::Malformed("a message of another request"));
                }
                interrupted |= message.flags & NlmF::DUMP_INTR.bits() != 0;
                match message.message_type {
                    NOOP => {}
                    OVERRUN => {
                        let lost = std::io::Error::from_raw_os_error(libc::ENOBUFS);
                        return Err(DumpError::Receive(lost));
                    }
                    DONE | ERROR => end = Some(frame::errno(&message).map_err(DumpError::Malformed)?),
                    _ => {}
                }
            }
            let full = std::mem::take(&mut self.buffer);
            self.buffer = hand((full, length));
            match end {
                Some(_) if interrupted => return Err(DumpError::Interrupted { messages: Vec::new() }),
                Some(0) => return Ok(()),
                Some(errno) => return Err(DumpError::Refused { errno }),
                None => {}
            }
        }
    }
}

/// The messages of a datagram that carry something.
pub(crate) fn messages(
    (buffer, length): &Datagram,
) -> impl Iterator<Item = Result<(u16, &[u8]), &'static str>> {
    in_buffer(buffer, *length)
}

/// The same of a datagram of `length` bytes in a buffer.
pub(crate) fn in_buffer(
    buffer: &[u8],
    length: usize,
) -> impl Iterator<Item = Result<(u16, &[u8]), &'static str>> {
    let all = frame::messages(buffer.get(..length).unwrap_or_default());
    all.filter_map(|message| match message {
        Ok(message) if matches!(message.message_type, NOOP | DONE | ERROR) => None,
        Ok(message) => Some(Ok((message.message_type, message.payload))),
        Err(what) => Some(Err(what)),
    })
}
