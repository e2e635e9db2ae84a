//! A small CONNECT proxy, which can also cut what goes through it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    requests: Vec<String>,
    tunnels: Vec<JoinHandle<()>>,
    answer: Option<&'static str>,
}

impl Proxy {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let tunnel = tokio::spawn(tunnel(stream, shared.clone()));
                shared.lock().unwrap().tunnels.push(tunnel);
            }
        });
        Self { address, state, task }
    }

    /// Answers this in the place of a tunnel.
    pub(crate) fn refuse(&self, answer: &'static str) {
        self.state.lock().unwrap().answer = Some(answer);
    }

    /// Makes tunnels again.
    pub(crate) fn open(&self) {
        self.state.lock().unwrap().answer = None;
    }

    /// Ends every tunnel.
    pub(crate) fn cut(&self) {
        for tunnel in self.state.lock().unwrap().tunnels.drain(..) {
            tunnel.abort();
        }
    }

    /// The heads of the requests.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.cut();
    }
}

async fn tunnel(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let to = head.split(' ').nth(1).unwrap().to_owned();
    let answer = {
        let mut state = state.lock().unwrap();
        state.requests.push(head);
        state.answer
    };
    if let Some(answer) = answer {
        stream.write_all(answer.as_bytes()).await.unwrap();
        return;
    }
    let mut other = TcpStream::connect(to).await.unwrap();
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    drop(tokio::io::copy_bidirectional(&mut stream, &mut other).await);
}
