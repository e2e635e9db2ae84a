//! A TLS stream that remembers why it ended.
//!
//! With TLS 1.3 a refused client certificate is an alert after the handshake. It may come before the first call is made; the
//! channel then only knows that its connection is gone, and the reason would be lost.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Why a stream ended, as far as TLS said it.
#[derive(Debug, Clone, Default)]
pub(crate) struct End(Arc<Mutex<Option<rustls::Error>>>);

impl End {
    /// The error of whoever wants the stream once more.
    pub(crate) fn error(&self) -> io::Error {
        let why = self.0.lock().ok().and_then(|why| why.clone());
        match why {
            Some(why) => io::Error::new(io::ErrorKind::NotConnected, why),
            None => io::Error::new(
                io::ErrorKind::NotConnected,
                "the connection to the controller has ended",
            ),
        }
    }

    /// True if the error says why.
    fn note(&self, error: &io::Error) -> bool {
        let why = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let (Some(why), Ok(mut noted)) = (why, self.0.lock()) {
            noted.get_or_insert(why.clone());
        }
        why.is_some()
    }
}

/// The stream.
#[derive(Debug)]
pub(crate) struct Watched {
    stream: TlsStream<TcpStream>,
    end: End,
    /// The error of a write, until it is known whether an alert explains it.
    failed: Option<io::Error>,
}

impl Watched {
    /// The stream, which notes its end there.
    pub(crate) fn new(stream: TlsStream<TcpStream>, end: End) -> Self {
        Self {
            stream,
            end,
            failed: None,
        }
    }

    fn noted<T>(&self, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(error)) = &polled {
            // Other errors say it themselves.
            let _ = self.end.note(error);
        }
        polled
    }

    /// A write may fail because the other end has gone, before the alert that says why was read. It is waited for: a socket
    /// on which writing failed always becomes readable, if only to its end.
    fn written<T>(&mut self, polled: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        match polled {
            Poll::Ready(Err(error)) => {
                let error = self.failed.take().unwrap_or(error);
                match self.alert(context) {
                    Poll::Ready(alert) => Poll::Ready(Err(alert.unwrap_or(error))),
                    Poll::Pending => {
                        self.failed = Some(error);
                        Poll::Pending
                    }
                }
            }
            other => other,
        }
    }

    /// Reads to the end of the stream, or to the alert that ends it.
    fn alert(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Error>> {
        let mut bytes = [0; 1024];
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(self.end.note(&error).then_some(error)),
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => return Poll::Ready(None),
                Poll::Ready(Ok(())) => {}
            }
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.noted(polled)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(polled, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(context);
        self.written(polled, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_shutdown(context);
        self.written(polled, context)
    }
}
