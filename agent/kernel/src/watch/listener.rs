//! A socket on which the kernel gives notice of changes.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use neli::consts::socket::{Msg, NlFamily};
use neli::socket::NlSocket;
use neli::utils::Groups;
use netghost_core::bytes::Text;
use netghost_core::raw::attr::{Malformed, attrs};
use netghost_core::section::SectionName;

use super::Program;
use crate::netlink::datagrams;

/// `NFNLGRP_NFTABLES`.
const NFTABLES: u32 = 7;
/// `NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN`.
const NEW_GENERATION: u16 = 0x0a0f;

/// `RTNLGRP_*`: LINK, NEIGH, TC, IPV4_IFADDR, IPV4_ROUTE, IPV4_RULE, IPV6_IFADDR, IPV6_ROUTE, IPV6_RULE, NEXTHOP, BRVLAN.
const ROUTE: [u32; 11] = [1, 3, 4, 5, 7, 8, 9, 11, 19, 32, 33];

/// One thing that a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Notice {
    Changed(Vec<SectionName>),
    By(Program),
    Lost,
}

/// The socket.
pub(super) struct Listener {
    socket: NlSocket,
    buffer: Vec<u8>,
    read: fn(u16, &[u8]) -> Vec<Notice>,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Listener({})", self.socket.as_raw_fd())
    }
}

impl AsFd for Listener {
    #[allow(unsafe_code, reason = "neli gives its descriptor as a number only")]
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the descriptor is open for as long as the socket, which is borrowed.
        unsafe { BorrowedFd::borrow_raw(self.socket.as_raw_fd()) }
    }
}

impl Listener {
    pub(super) fn netfilter() -> io::Result<Self> {
        Self::open(NlFamily::Netfilter, &[NFTABLES], netfilter)
    }

    pub(super) fn route() -> io::Result<Self> {
        Self::open(NlFamily::Route, &ROUTE, route)
    }

    fn open(family: NlFamily, groups: &[u32], read: fn(u16, &[u8]) -> Vec<Notice>) -> io::Result<Self> {
        let socket = NlSocket::connect(family, None, Groups::empty())?;
        for group in groups {
            match socket.add_mcast_membership(Groups::new_groups(&[*group])) {
                // A group that this kernel is too old for has nothing to tell.
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {}
                other => other?,
            }
        }
        socket.nonblock()?;
        Ok(Self {
            socket,
            buffer: datagrams::buffer(),
            read,
        })
    }

    /// Receives all that is there. What is cut or malformed is as good as lost.
    pub(super) fn drain(&mut self, take: &mut dyn FnMut(Notice)) -> io::Result<()> {
        loop {
            let length = match self.socket.recv(&mut self.buffer, Msg::TRUNC) {
                Ok((length, _)) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                    take(Notice::Lost);
                    continue;
                }
                Err(error) => return Err(error),
            };
            if length > self.buffer.len() {
                take(Notice::Lost);
                continue;
            }
            for message in datagrams::in_buffer(&self.buffer, length) {
                match message {
                    Ok((message_type, payload)) => (self.read)(message_type, payload)
                        .into_iter()
                        .for_each(&mut *take),
                    Err(_) => take(Notice::Lost),
                }
            }
        }
    }
}

fn netfilter(message_type: u16, payload: &[u8]) -> Vec<Notice> {
    let changed = Notice::Changed(vec![SectionName::Nftables]);
    if message_type != NEW_GENERATION {
        return vec![changed];
    }
    match program(payload) {
        Ok(Some(program)) => vec![changed, Notice::By(program)],
        _ => vec![changed],
    }
}

/// `NFTA_GEN_PROC_PID` and `NFTA_GEN_PROC_NAME`.
fn program(payload: &[u8]) -> Result<Option<Program>, Malformed> {
    let (mut pid, mut name): (Option<u32>, Option<Text>) = (None, None);
    for attr in attrs(payload.get(4..).unwrap_or_default()) {
        let attr = attr?;
        match attr.kind {
            2 => pid = Some(attr.be32("NFTA_GEN_PROC_PID")?),
            3 => name = Some(attr.text()),
            _ => {}
        }
    }
    Ok(pid.zip(name).map(|(pid, name)| Program {
        section: SectionName::Nftables,
        pid,
        name,
    }))
}

/// By `RTM_*`: new, deleted and, in steps of four, what else there is of one kind.
fn route(message_type: u16, _: &[u8]) -> Vec<Notice> {
    use SectionName::{Addresses, Bridge, Links, Neighbours, Nexthops, PolicyRules, Routes, Tc};
    let sections: &[SectionName] = match message_type {
        16..=19 => &[Links, Bridge],
        20..=23 => &[Addresses],
        24..=27 => &[Routes],
        28..=31 => &[Neighbours, Bridge],
        32..=35 => &[PolicyRules],
        36..=51 | 100..=103 => &[Tc],
        104..=107 | 116..=119 => &[Nexthops, Routes],
        112..=115 => &[Bridge],
        _ => return Vec::new(),
    };
    vec![Notice::Changed(sections.to_vec())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_names_its_program() {
        let mut payload = vec![0, 0, 0, 0];
        for (kind, value) in [(1u16, &[0, 0, 0, 9][..]), (2, &[0, 0, 1, 2]), (3, b"nft\0")] {
            payload.extend_from_slice(&u16::try_from(value.len() + 4).unwrap().to_ne_bytes());
            payload.extend_from_slice(&kind.to_ne_bytes());
            payload.extend_from_slice(value);
        }
        let by = Program {
            section: SectionName::Nftables,
            pid: 258,
            name: "nft".into(),
        };
        let changed = Notice::Changed(vec![SectionName::Nftables]);
        assert_eq!(
            netfilter(NEW_GENERATION, &payload),
            [changed.clone(), Notice::By(by)]
        );
        assert_eq!(netfilter(NEW_GENERATION, &payload[..9]), [changed]);
    }

    #[test]
    fn a_route_is_told_from_a_rule() {
        assert_eq!(route(24, &[]), [Notice::Changed(vec![SectionName::Routes])]);
        assert_eq!(route(33, &[]), [Notice::Changed(vec![SectionName::PolicyRules])]);
        assert_eq!(route(9, &[]), []);
    }
}
