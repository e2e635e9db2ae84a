//! What carries datagrams to the kernel and back.

use std::fmt;
use std::io;
use std::os::fd::AsRawFd;

use neli::consts::socket::{Msg, NlFamily};
use neli::socket::NlSocket;
use neli::utils::Groups;

use super::{Protocol, SILENCE};

/// Sends and receives whole datagrams; the kernel's socket, or a script in a test.
pub trait Link {
    /// Sends one datagram.
    fn send(&mut self, message: &[u8]) -> io::Result<()>;

    /// Receives one datagram into `buffer` and returns its real length, which is larger than the buffer if it was cut.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Makes room for a datagram of so many bytes, and for the answers to the messages in it.
    fn make_room(&mut self, _bytes: usize) -> io::Result<()> {
        Ok(())
    }
}

/// A netlink socket of the kernel.
pub struct KernelLink(NlSocket);

impl KernelLink {
    pub(super) fn open(protocol: Protocol) -> io::Result<Self> {
        let family = match protocol {
            Protocol::Route => NlFamily::Route,
            Protocol::Netfilter => NlFamily::Netfilter,
            Protocol::SockDiag => NlFamily::SockOrInetDiag,
            Protocol::Xfrm => NlFamily::Xfrm,
            Protocol::Generic => NlFamily::Generic,
        };
        let socket = NlSocket::connect(family, None, Groups::empty())?;
        if protocol == Protocol::Route {
            // Filters in a dump request are obeyed or refused, never ignored (NETLINK_GET_STRICT_CHK, Linux 4.20).
            socket.enable_strict_checking(true)?;
        }
        set_receive_timeout(&socket)?;
        Ok(Self(socket))
    }

    pub(super) fn port(&self) -> io::Result<u32> {
        self.0.pid()
    }
}

impl Link for KernelLink {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.0.send(message, Msg::empty()).map(|_| ())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.recv(&mut *buffer, Msg::TRUNC) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                received => return received.map(|(length, _)| length),
            }
        }
    }

    /// A refusal repeats the message that is refused, unless the socket says that its header is enough.
    fn make_room(&mut self, bytes: usize) -> io::Result<()> {
        let bytes = libc::c_int::try_from(bytes).map_err(io::Error::other)?;
        set_option(&self.0, (libc::SOL_NETLINK, libc::NETLINK_CAP_ACK), &1)?;
        set_option(&self.0, (libc::SOL_SOCKET, libc::SO_SNDBUFFORCE), &bytes)
    }
}

impl fmt::Debug for KernelLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KernelLink({})", self.0.as_raw_fd())
    }
}

fn set_receive_timeout(socket: &NlSocket) -> io::Result<()> {
    let seconds = libc::time_t::try_from(SILENCE.as_secs()).map_err(io::Error::other)?;
    let timeout = libc::timeval {
        tv_sec: seconds,
        tv_usec: 0,
    };
    set_option(socket, (libc::SOL_SOCKET, libc::SO_RCVTIMEO), &timeout)
}

/// Sets an option that takes a plain number or structure of the kernel's.
#[allow(
    unsafe_code,
    reason = "neli has no call for SO_RCVTIMEO, SO_SNDBUFFORCE and NETLINK_CAP_ACK"
)]
fn set_option<T: Copy>(
    socket: &NlSocket,
    (level, name): (libc::c_int, libc::c_int),
    value: &T,
) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<T>()).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open for as long as `socket` is borrowed, and `value` is `length` readable bytes.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            std::ptr::from_ref(value).cast(),
            length,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
