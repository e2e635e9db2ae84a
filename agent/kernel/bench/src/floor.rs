//! The kernel's floor: receive loops that look at nothing but where an answer ends.

use anyhow::{Context as _, Result, bail};
use neli::consts::socket::{Msg, NlFamily};
use neli::socket::NlSocket;
use neli::utils::Groups;

/// `NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN` and `… NFT_MSG_GETRULE`.
const GET_CHAIN: u16 = 0x0a04;
const GET_RULE: u16 = 0x0a07;
/// `NLM_F_REQUEST | NLM_F_DUMP`.
const DUMP: u16 = 0x301;
const HEADER: usize = 16;

/// A socket and its buffer.
struct Floor {
    socket: NlSocket,
    buffer: Vec<u8>,
    bytes: usize,
}

impl Floor {
    fn open() -> Result<Self> {
        let socket =
            NlSocket::connect(NlFamily::Netfilter, None, Groups::empty()).context("open a socket")?;
        Ok(Self {
            socket,
            buffer: vec![0; 64 * 1024],
            bytes: 0,
        })
    }

    /// Asks, and hands each datagram to `seen` until the dump's end.
    fn dump(&mut self, request: u16, body: &[u8], mut seen: impl FnMut(&[u8])) -> Result<()> {
        let length = u32::try_from(HEADER + body.len()).context("a request that long")?;
        let mut message = Vec::with_capacity(HEADER + body.len());
        message.extend_from_slice(&length.to_ne_bytes());
        message.extend_from_slice(&request.to_ne_bytes());
        message.extend_from_slice(&DUMP.to_ne_bytes());
        message.extend_from_slice(&[0; 8]);
        message.extend_from_slice(body);
        self.socket.send(&message, Msg::empty()).context("ask")?;
        loop {
            let (length, _) = self
                .socket
                .recv(&mut self.buffer, Msg::empty())
                .context("receive")?;
            let datagram = self
                .buffer
                .get(..length)
                .context("a datagram longer than the buffer")?;
            self.bytes += length;
            seen(datagram);
            // NLMSG_ERROR is 2, NLMSG_DONE 3; the end of a dump comes in a datagram of its own or as the last message.
            match datagram.get(4..6) {
                Some([2, 0]) => bail!("the kernel refused"),
                Some([3, 0]) => return Ok(()),
                _ => {}
            }
        }
    }
}

/// All rules by one dump; the bytes received.
pub(crate) fn whole() -> Result<usize> {
    let mut floor = Floor::open()?;
    floor.dump(GET_RULE, &[0; 4], |_| {})?;
    Ok(floor.bytes)
}

/// All rules by one dump for each chain; the bytes received.
pub(crate) fn by_chain() -> Result<usize> {
    let mut floor = Floor::open()?;
    let mut bodies = Vec::new();
    floor.dump(GET_CHAIN, &[0; 4], |datagram| bodies.extend(chains(datagram)))?;
    for body in bodies {
        floor.dump(GET_RULE, &body, |_| {})?;
    }
    Ok(floor.bytes)
}

/// For each chain in a datagram the body of a request for its rules: family, table, chain.
fn chains(datagram: &[u8]) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    let mut rest = datagram;
    while let Some((length, [_, kind, ..])) = head(rest) {
        if kind == 0x0a
            && let Some(message) = rest.get(HEADER..length)
            && let Some(family) = message.first()
        {
            let mut body = vec![*family, 0, 0, 0];
            let mut attributes = message.get(4..).unwrap_or_default();
            while let Some([l0, l1, kind, 0, ..]) = attributes.first_chunk::<4>().copied() {
                let length = usize::from(u16::from_ne_bytes([l0, l1]));
                // NFTA_CHAIN_TABLE is NFTA_RULE_TABLE; NFTA_CHAIN_NAME, 3, becomes NFTA_RULE_CHAIN, 2.
                if let (1 | 3, Some(attribute)) = (kind, attributes.get(4..length)) {
                    body.extend_from_slice(&[l0, l1, if kind == 3 { 2 } else { 1 }, 0]);
                    body.extend_from_slice(attribute);
                    body.resize(body.len().next_multiple_of(4), 0);
                }
                attributes = attributes
                    .get(length.next_multiple_of(4).max(4)..)
                    .unwrap_or_default();
            }
            out.push(body);
        }
        rest = rest
            .get(length.next_multiple_of(4).max(HEADER)..)
            .unwrap_or_default();
    }
    out
}

/// The length and the type of the first message, the type's bytes in host order.
fn head(datagram: &[u8]) -> Option<(usize, [u8; 2])> {
    let [l0, l1, l2, l3, t0, t1] = *datagram.first_chunk::<6>()?;
    Some((
        usize::try_from(u32::from_ne_bytes([l0, l1, l2, l3])).ok()?,
        [t0, t1],
    ))
}
