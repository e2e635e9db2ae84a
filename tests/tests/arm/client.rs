//! HTTP/1.1 over TLS by hand, one connection a request.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use netghost_lab::arm::sample::{self, Member};
use netghost_lab::arm::state::Place;
use netghost_lab::arm::{Options, Simulator, State};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether all that was promised has come.
    pub(crate) whole: bool,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        all.find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| &**value)
    }

    pub(crate) fn must(&self, name: &str) -> String {
        self.header(name)
            .unwrap_or_else(|| panic!("no {name} in {self:?}"))
            .to_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The code of a refusal with this status.
    pub(crate) fn refused(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()["error"]["code"].as_str().unwrap().to_owned()
    }

    /// The same, if it has this status.
    pub(crate) fn with(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:?} {}", self.headers, self.text());
        self
    }
}

/// One that trusts an authority.
#[derive(Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
    token: String,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, ca: &Path) -> Self {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(&std::fs::read(ca).unwrap()).unwrap())
            .unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            address,
            tls: Arc::new(tls),
            token: String::new(),
        }
    }

    /// The same with another token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self {
            token: token.to_owned(),
            ..self.clone()
        }
    }

    /// Sends a request with these further headers and takes the answer, whatever it is.
    pub(crate) fn send(&self, verb: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::clone(&self.tls), name).unwrap();
        let socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut stream = StreamOwned::new(connection, socket);
        let mut head = format!(
            "{verb} {target} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n",
            self.address.port()
        );
        if !self.token.is_empty() && !headers.iter().any(|(name, _)| *name == "Authorization") {
            head.push_str(&format!("Authorization: Bearer {}\r\n", self.token));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut wire = Vec::new();
        stream.read_to_end(&mut wire).unwrap();
        taken_apart(&wire)
    }

    /// As [`Client::send`], with a version in the query where the target has none.
    pub(crate) fn call(&self, verb: &str, target: &str, body: &Value) -> Reply {
        self.call_with(verb, target, &[], body)
    }

    pub(crate) fn call_with(
        &self,
        verb: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Reply {
        let target = path_of(target);
        let target = if target.contains("api-version=") {
            target
        } else {
            let mark = if target.contains('?') { '&' } else { '?' };
            format!("{target}{mark}api-version=2024-05-01")
        };
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        self.send(verb, &target, headers, &body)
    }

    pub(crate) fn get(&self, target: &str) -> Reply {
        self.call("GET", target, &Value::Null)
    }

    pub(crate) fn post(&self, target: &str, body: &Value) -> Reply {
        self.call("POST", target, body)
    }

    /// Polls an address until it says that all is over.
    pub(crate) fn poll(&self, address: &str) -> Reply {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let reply = self.get(address);
            let runs = reply.status == 202
                || serde_json::from_slice::<Value>(&reply.body)
                    .is_ok_and(|body| body["status"] == "InProgress");
            if !runs {
                return reply;
            }
            assert!(Instant::now() < deadline, "{address} never ends: {reply:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// What follows the host in an address.
pub(crate) fn path_of(address: &str) -> String {
    match address.strip_prefix("https://") {
        Some(rest) => rest[rest.find('/').unwrap()..].to_owned(),
        None => address.to_owned(),
    }
}

fn taken_apart(wire: &[u8]) -> Reply {
    let end = wire.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(wire[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let body = wire[end + 4..].to_vec();
    let length = headers
        .iter()
        .find(|(name, _)| name == "Content-Length")
        .map_or(0, |(_, length)| length.parse().unwrap());
    Reply {
        status,
        headers,
        whole: body.len() == length,
        body,
    }
}

/// A simulator with two machines, and a client that is logged in as its operator.
pub(crate) struct World {
    pub(crate) arm: Simulator,
    pub(crate) client: Client,
    pub(crate) subscription: String,
    pub(crate) tenant: String,
}

/// A directory of this test alone.
pub(crate) fn scratch() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let name = format!(
        "arm-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(std::fs::remove_dir_all(&path));
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// `vm1` and `vm2`; the first one's commands run in this place.
pub(crate) fn state(runs_in: Option<Place>) -> State {
    let member = |number: u8, runs_in| Member {
        name: format!("vm{number}"),
        address: Ipv4Addr::new(10, 77, 0, 3 + number),
        mac: format!("00-0D-3A-00-00-0{number}"),
        runs_in,
    };
    let mut state = sample::of(&[member(1, runs_in), member(2, None)]);
    state.settings.write_ms = 30;
    state.settings.effective_ms = 30;
    state.settings.command_ms = 30;
    state
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(state(None))
    }

    pub(crate) fn of(state: State) -> Self {
        let directory = scratch();
        let options = Options {
            file: Some(directory.join("state.json")),
            identity: Some("127.0.0.1:0".to_owned()),
            ..Options::new(directory.join("tls"))
        };
        let (subscription, tenant) = (
            state.subscriptions.keys().next().unwrap().clone(),
            state.tenant.clone(),
        );
        let arm = Simulator::start(state, &options).unwrap();
        let client = Client::new(arm.address().unwrap(), arm.ca());
        let mut world = Self {
            arm,
            client,
            subscription,
            tenant,
        };
        world.client = world.logged_in(0);
        world
    }

    /// A client logged in as the principal of that number, by its secret.
    pub(crate) fn logged_in(&self, principal: usize) -> Client {
        let who = self.arm.state().principals[principal].clone();
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}&scope=https%3A%2F%2Fmanagement.azure.com%2F.default",
            who.client_id,
            who.secret.unwrap()
        );
        let reply = self.token(&form).with(200).json();
        self.client.with_token(reply["access_token"].as_str().unwrap())
    }

    /// Asks the directory with a form.
    pub(crate) fn token(&self, form: &str) -> Reply {
        let client = self.client.with_token("");
        let kind = [("Content-Type", "application/x-www-form-urlencoded")];
        client.send(
            "POST",
            &format!("/{}/oauth2/v2.0/token", self.tenant),
            &kind,
            form.as_bytes(),
        )
    }

    /// The address of something in the group.
    pub(crate) fn in_group(&self, rest: &str) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/lab/providers/{rest}",
            self.subscription
        )
    }

    /// The address of something in Microsoft.Network.
    pub(crate) fn network(&self, rest: &str) -> String {
        self.in_group(&format!("Microsoft.Network/{rest}"))
    }

    /// The address of a virtual machine, and more.
    pub(crate) fn machine(&self, rest: &str) -> String {
        self.in_group(&format!("Microsoft.Compute/virtualMachines/{rest}"))
    }

    pub(crate) fn patch(&self, patch: &Value) {
        self.arm.patch(patch).unwrap();
    }

    /// Changes a resource or machine behind Azure's back.
    pub(crate) fn set(&self, list: &str, id: &str, change: &Value) {
        self.patch(&json!({ list: { id.to_lowercase(): change } }));
    }

    pub(crate) fn fault(&self, fault: &Value) {
        self.arm.fault(fault).unwrap();
    }
}
