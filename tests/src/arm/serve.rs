//! Listening and talking: each connection on a thread of its own.

use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::core::Shared;
use super::dispatch;
use super::http;

/// A connection on which nothing comes for so long is ended.
const IDLE: Duration = Duration::from_secs(300);

/// Where it listens.
#[derive(Debug)]
enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A listener with its thread; ends with this value.
#[derive(Debug)]
pub(crate) struct Door {
    /// The address, where it has a number.
    pub(crate) address: Option<SocketAddr>,
    path: Option<std::path::PathBuf>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Door {
    /// Opens a door at `ADDRESS:PORT` or at a path; with TLS where a configuration is given.
    pub(crate) fn open(at: &str, tls: Option<Arc<ServerConfig>>, shared: &Shared) -> io::Result<Self> {
        let is_path = at.contains('/');
        if is_path && Path::new(at).exists() && UnixStream::connect(at).is_err() {
            // Nobody listens there any more.
            std::fs::remove_file(at)?;
        }
        let listener = if is_path {
            Listener::Unix(UnixListener::bind(at)?)
        } else {
            Listener::Tcp(TcpListener::bind(at)?)
        };
        let address = match &listener {
            Listener::Tcp(listener) => Some(listener.local_addr()?),
            Listener::Unix(_) => None,
        };
        let ends = Arc::new(AtomicBool::new(false));
        let (shared, seen) = (shared.clone(), Arc::clone(&ends));
        let thread = thread::Builder::new()
            .name("arm".to_owned())
            .spawn(move || accept(&listener, tls.as_ref(), &shared, &seen))?;
        Ok(Self {
            address,
            path: is_path.then(|| Path::new(at).to_owned()),
            ends,
            thread: Some(thread),
        })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        // The thread waits for a connection: one more lets it look. Where none can be made it has ended already.
        match (&self.path, self.address) {
            (Some(path), _) => {
                UnixStream::connect(path).ok();
                std::fs::remove_file(path).ok();
            }
            (None, Some(address)) => {
                TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok();
            }
            (None, None) => {}
        }
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn accept(listener: &Listener, tls: Option<&Arc<ServerConfig>>, shared: &Shared, ends: &AtomicBool) {
    loop {
        let stream = match listener {
            Listener::Tcp(listener) => listener.accept().map(|(stream, _)| Stream::Tcp(stream)),
            Listener::Unix(listener) => listener.accept().map(|(stream, _)| Stream::Unix(stream)),
        };
        if ends.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else {
            // Too many files are open, say; others may be closed meanwhile.
            thread::sleep(Duration::from_millis(20));
            continue;
        };
        let (shared, tls) = (shared.clone(), tls.map(Arc::clone));
        let talk = move || {
            // A client that goes away or talks nonsense is nobody's concern.
            talk(stream, tls, &shared).unwrap_or_default();
        };
        // Without a thread the connection ends, as it would anywhere under such load.
        thread::Builder::new()
            .name("arm-client".to_owned())
            .spawn(talk)
            .ok();
    }
}

fn talk(stream: Stream, tls: Option<Arc<ServerConfig>>, shared: &Shared) -> io::Result<()> {
    stream.prepare()?;
    match tls {
        None => converse(&mut BufReader::new(stream), shared, false),
        Some(tls) => {
            let connection = ServerConnection::new(tls).map_err(io::Error::other)?;
            let mut secured = BufReader::new(StreamOwned::new(connection, stream));
            let outcome = converse(&mut secured, shared, true);
            let stream = secured.get_mut();
            stream.conn.send_close_notify();
            stream.flush()?;
            stream.sock.shut();
            outcome
        }
    }
}

fn converse<S: Read + Write>(stream: &mut BufReader<S>, shared: &Shared, is_secure: bool) -> io::Result<()> {
    while let Some(request) = http::read(stream)? {
        let answer = dispatch::answer(shared, &request, is_secure);
        if !answer.write(stream.get_mut(), &request)? {
            break;
        }
    }
    Ok(())
}

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    fn prepare(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(IDLE))
            }
            Self::Unix(stream) => stream.set_read_timeout(Some(IDLE)),
        }
    }

    fn shut(&self) {
        // It may be closed by the other side already.
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write).ok(),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write).ok(),
        };
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(into),
            Self::Unix(stream) => stream.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(from),
            Self::Unix(stream) => stream.write(from),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.flush(),
            Self::Unix(stream) => stream.flush(),
        }
    }
}
