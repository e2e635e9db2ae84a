//! Who is at the other end of a connection, as the transport knows it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::transport::server::Connected;

/// The other end of a connection. It stands in the extensions of each request that comes over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// Over TLS, without a certificate: may enrol, and nothing else.
    Anonymous,
    /// Over TLS, with a certificate of our CA that is in its period: its bytes (DER). Whether it was revoked, and what its
    /// holder may do, is asked of the store at each call.
    Certificate(Vec<u8>),
    /// In the same process: whoever runs the command, on their own store.
    Local,
}

/// A byte stream that knows its [`Peer`].
#[derive(Debug)]
pub struct PeerStream<S> {
    stream: S,
    peer: Peer,
}

impl<S> PeerStream<S> {
    /// The stream with its peer.
    pub fn new(stream: S, peer: Peer) -> Self {
        Self { stream, peer }
    }
}

impl<S> Connected for PeerStream<S> {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PeerStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PeerStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
