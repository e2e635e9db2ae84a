//! `struct nlmsghdr` (`linux/netlink.h`): length, type, flags, sequence number, port id; sixteen bytes in host order.

const HEADER: usize = 16;

/// One message of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) message_type: u16,
    pub(super) flags: u16,
    pub(super) sequence: u32,
    pub(super) port: u32,
    pub(super) payload: &'a [u8],
}

pub(super) fn encode(message_type: u16, flags: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
    // Requests are a few hundred bytes; a length beyond u32 can't be built from them.
    let length = u32::try_from(HEADER + body.len()).unwrap_or(u32::MAX);
    let mut out = Vec::with_capacity(HEADER + body.len());
    out.extend_from_slice(&length.to_ne_bytes());
    out.extend_from_slice(&message_type.to_ne_bytes());
    out.extend_from_slice(&flags.to_ne_bytes());
    out.extend_from_slice(&sequence.to_ne_bytes());
    out.extend_from_slice(&0u32.to_ne_bytes());
    out.extend_from_slice(body);
    out
}

/// The messages in `datagram`; bytes that are no whole message are an error.
pub(super) fn messages(datagram: &[u8]) -> Messages<'_> {
    Messages { rest: datagram }
}

#[derive(Debug)]
pub(super) struct Messages<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, &'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let bytes = std::mem::take(&mut self.rest);
        let parsed = parse(bytes);
        if let Ok((_, length)) = parsed {
            self.rest = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        Some(parsed.map(|(message, _)| message))
    }
}

fn parse(bytes: &[u8]) -> Result<(Message<'_>, usize), &'static str> {
    let header: &[u8; HEADER] = bytes.first_chunk().ok_or("a message shorter than its header")?;
    let [l0, l1, l2, l3, t0, t1, f0, f1, s0, s1, s2, s3, p0, p1, p2, p3] = *header;
    let length =
        usize::try_from(u32::from_ne_bytes([l0, l1, l2, l3])).map_err(|_| "a length beyond memory")?;
    let payload = bytes
        .get(HEADER..length)
        .ok_or("a message whose length does not fit")?;
    let message = Message {
        message_type: u16::from_ne_bytes([t0, t1]),
        flags: u16::from_ne_bytes([f0, f1]),
        sequence: u32::from_ne_bytes([s0, s1, s2, s3]),
        port: u32::from_ne_bytes([p0, p1, p2, p3]),
        payload,
    };
    Ok((message, length))
}

/// The error number in `NLMSG_ERROR` and `NLMSG_DONE`: zero, or negative on the wire and positive here.
pub(super) fn errno(message: &Message<'_>) -> Result<i32, &'static str> {
    let code = message
        .payload
        .first_chunk()
        .map(|bytes| i32::from_ne_bytes(*bytes));
    code.and_then(i32::checked_neg)
        .ok_or("an end of dump without its error number")
}
