//! Sockets as `/proc/net/raw`, `udp` and their kin list them, for kernels whose `sock_diag` does not, or would load IPv6 for it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::bytes::Text;
use crate::facts::Value;
use crate::raw::lift::LiftError;

use super::ports::Ports;
use super::{Asked, Socket, facts};

/// The sockets of one file. The port of a raw socket is its protocol. Which link a socket is bound to, its mark and options are not told.
pub(super) fn sockets(asked: &Asked, content: &Text, ports: &Ports) -> Result<Vec<Socket>, LiftError> {
    let wrong = |why: String| LiftError::Part {
        part: asked.source.to_owned(),
        why,
    };
    let text = content.as_str().ok_or_else(|| wrong("not text".to_owned()))?;
    let mut lines = text.lines();
    let is_head = |head: &str| head.trim_start().starts_with("sl") && head.trim_end().ends_with("drops");
    if !lines.next().is_some_and(is_head) {
        return Err(wrong("it does not begin as a list of sockets".to_owned()));
    }
    if !text.ends_with('\n') {
        return Err(wrong("its last line has no end".to_owned()));
    }
    lines
        .map(|line| {
            socket(asked, line, ports).ok_or_else(|| wrong(format!("a line that is no socket: {line}")))
        })
        .collect()
}

fn socket(asked: &Asked, line: &str, ports: &Ports) -> Option<Socket> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let [
        _,
        local,
        remote,
        _state,
        queues,
        _,
        _,
        user,
        _,
        inode,
        _,
        _,
        drops,
    ] = words.as_slice()
    else {
        return None;
    };
    let (address, protocol) = end(local)?;
    let (peer, _) = end(remote)?;
    let (_, waiting) = queues.split_once(':')?;
    let user: u32 = user.parse().ok()?;
    let (config, runtime) = facts(asked.protocol, address.to_string(), protocol.to_string(), None);
    let connected = !peer.is_unspecified();
    let handed_out = asked.protocol != "raw" && ports.handed_out(protocol);
    Some(Socket {
        config: config.with_some("uid", (user != 0).then(|| Value::number(user))),
        runtime: runtime
            .with_some("peer", connected.then(|| Value::word(peer)))
            .with("inode", Value::number(inode.parse::<u64>().ok()?))
            .with("recv_q", Value::number(u32::from_str_radix(waiting, 16).ok()?))
            .with("drops", Value::number(drops.parse::<u32>().ok()?)),
        passing: connected || handed_out,
        gap: None,
    })
}

/// `0100007F:0006`: words of an address in host order, and the protocol.
fn end(text: &str) -> Option<(IpAddr, u16)> {
    let (address, protocol) = text.split_once(':')?;
    let word = |at: usize| {
        let digits = address.get(at..at.checked_add(8)?)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    let address = match address.len() {
        8 => Ipv4Addr::from(word(0)?).into(),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?].concat();
            Ipv6Addr::from(<[u8; 16]>::try_from(words).ok()?).into()
        }
        _ => return None,
    };
    Some((address, u16::from_str_radix(protocol, 16).ok()?))
}
