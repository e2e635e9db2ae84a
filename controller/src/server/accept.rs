//! Takes connections and speaks TLS with them, a bounded number at once.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::sockopt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::held::Held;
use crate::peer::{Peer, PeerStream};

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The most handshakes at once.
const HANDSHAKES: usize = 256;
/// The most connections at once, and the most of them without a certificate.
const CONNECTIONS: usize = 16_384;
const ANONYMOUS: usize = 256;
/// How long, and for how many bytes, a refused caller is listened to, so that the alert reaches it: the kernel forgets what
/// was sent when a socket is closed with something unread (RFC 1122 §4.2.2.13).
const FAREWELL: Duration = Duration::from_secs(1);
const LAST_WORDS: usize = 64 * 1024;
/// TCP keepalive: what HTTP/2's pings don't see, a peer that died before the handshake ended.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(15);
const KEEPALIVE_TRIES: u32 = 4;
/// How long to wait where no connection could be taken, as when there are no more file descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// What is served.
pub(super) type Connection = PeerStream<Held<TlsStream<TcpStream>>>;
type Accepted = mpsc::Sender<Result<Connection, io::Error>>;

#[derive(Clone)]
struct Places {
    connections: Arc<Semaphore>,
    handshakes: Arc<Semaphore>,
    anonymous: Arc<Semaphore>,
}

/// Takes connections until nobody wants them any more.
pub(super) async fn accept(listener: TcpListener, tls: TlsAcceptor, accepted: Accepted) {
    let places = Places {
        connections: Arc::new(Semaphore::new(CONNECTIONS)),
        handshakes: Arc::new(Semaphore::new(HANDSHAKES)),
        anonymous: Arc::new(Semaphore::new(ANONYMOUS)),
    };
    loop {
        let connection = Arc::clone(&places.connections).acquire_owned().await;
        let handshake = Arc::clone(&places.handshakes).acquire_owned().await;
        let (Ok(connection), Ok(handshake)) = (connection, handshake) else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) if !accepted.is_closed() => {
                let (tls, places, accepted) = (tls.clone(), places.clone(), accepted.clone());
                tokio::spawn(async move {
                    let welcomed = welcome(stream, &tls, &places, connection).await;
                    drop(handshake);
                    if let Some(stream) = welcomed {
                        // Nobody takes it: the server has stopped.
                        drop(accepted.send(Ok(stream)).await);
                    }
                });
            }
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

/// The TLS handshake, and who it showed to be there.
async fn welcome(
    stream: TcpStream,
    tls: &TlsAcceptor,
    places: &Places,
    connection: OwnedSemaphorePermit,
) -> Option<Connection> {
    let from = stream.peer_addr().ok();
    if let Err(error) = set_options(&stream) {
        tracing::debug!(?from, %error, "a connection's options could not be set");
    }
    let stream = match timeout(HANDSHAKE, tls.accept(stream).into_fallible()).await {
        Ok(Ok(stream)) => stream,
        Ok(Err((error, stream))) => {
            tracing::info!(?from, %error, "a TLS handshake was refused");
            farewell(stream).await;
            return None;
        }
        Err(_) => {
            tracing::info!(?from, "a TLS handshake was not ended in time");
            return None;
        }
    };
    let (_, session) = stream.get_ref();
    if session.alpn_protocol() != Some(b"h2") {
        tracing::info!(
            ?from,
            "a caller that does not say that it speaks HTTP/2 was refused"
        );
        return None;
    }
    let certificate = session.peer_certificates().and_then(|chain| chain.first());
    let peer = certificate.map_or(Peer::Anonymous, |der| Peer::Certificate(der.to_vec()));
    let mut held = vec![connection];
    if peer == Peer::Anonymous {
        let Ok(place) = Arc::clone(&places.anonymous).try_acquire_owned() else {
            tracing::warn!(
                ?from,
                "too many connections without a certificate: one more was refused"
            );
            return None;
        };
        held.push(place);
    }
    Some(PeerStream::new(Held::new(stream, held), peer))
}

/// Ends a connection so that what was sent last arrives.
async fn farewell(mut stream: TcpStream) {
    let listened = timeout(FAREWELL, async {
        stream.shutdown().await?;
        let mut left = LAST_WORDS;
        let mut buffer = [0; 4096];
        while left > 0 {
            match stream.read(&mut buffer).await? {
                0 => break,
                length => left = left.saturating_sub(length),
            }
        }
        io::Result::Ok(())
    });
    // Whether the other end has heard it is its own concern now.
    drop(listened.await);
}

fn set_options(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, KEEPALIVE_IDLE)?;
    sockopt::set_tcp_keepintvl(stream, KEEPALIVE_EVERY)?;
    sockopt::set_tcp_keepcnt(stream, KEEPALIVE_TRIES)?;
    Ok(())
}
