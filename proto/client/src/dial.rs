//! One connection to the controller.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, InvalidDnsNameError, ServerName};
use rustls::time_provider::TimeProvider;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};

use crate::identity::Identity;
use crate::proxy::Proxy;
use crate::trust::{Trust, Verifier};
use crate::watched::{End, Watched};

/// How long each step may take: name, TCP, proxy, TLS.
const STEP: Duration = Duration::from_secs(10);
/// How often an idle connection is probed: below the four minutes after which Azure forgets a flow.
const PING: Duration = Duration::from_secs(60);
/// How long the answer to a ping may take.
const PONG: Duration = Duration::from_secs(20);

/// A host, by name or address, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A name in DNS or an IP address, IPv6 without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

/// A text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not HOST:PORT ([ADDRESS]:PORT for IPv6; a proxy is http://HOST:PORT)")]
pub struct NotAnAddress(pub String);

impl Address {
    /// Parses `HOST:PORT`, `A.B.C.D:PORT` or `[IPV6]:PORT`.
    pub fn parse(text: &str) -> Result<Self, NotAnAddress> {
        let not = || NotAnAddress(text.to_owned());
        let (host, port) = text.rsplit_once(':').ok_or_else(not)?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(not)?;
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = inner.unwrap_or(host);
        let address = Self {
            host: host.to_owned(),
            port,
        };
        let is_v6 = host.parse::<std::net::Ipv6Addr>().is_ok();
        if is_v6 != inner.is_some() || address.server_name().is_err() {
            return Err(not());
        }
        Ok(address)
    }

    fn server_name(&self) -> Result<ServerName<'static>, InvalidDnsNameError> {
        ServerName::try_from(self.host.clone())
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The name has no address.
    #[error("find the address of {host}")]
    Resolve {
        /// The name.
        host: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// No TCP connection.
    #[error("connect to {address}")]
    Connect {
        /// Where to.
        address: Address,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The proxy gave no tunnel.
    #[error("get a tunnel from the proxy {proxy}")]
    Proxy {
        /// Where it is.
        proxy: Address,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The other end did not prove to be the controller, or speaks no TLS 1.3.
    #[error("make sure that {address} is the controller (TLS)")]
    Tls {
        /// Where to.
        address: Address,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The own certificate or key can't be used.
    #[error("use the own certificate")]
    Own(#[source] rustls::Error),
    /// HTTP/2 did not begin.
    #[error("begin HTTP/2 with {address}")]
    Http {
        /// Where to.
        address: Address,
        /// Why not.
        #[source]
        source: tonic::transport::Error,
    },
}

/// Where the controller is, and who calls.
#[derive(Debug, Clone)]
pub struct Dial {
    /// Where it listens; its certificate must be for this host.
    pub address: Address,
    /// Whom to take for it.
    pub trust: Trust,
    /// Who calls; nobody before enrolment.
    pub identity: Option<Arc<Identity>>,
    /// Through which proxy.
    pub proxy: Option<Proxy>,
    /// The clock that certificates are checked by; the system's if there is none.
    pub clock: Option<Arc<dyn TimeProvider>>,
}

impl Dial {
    /// A caller without an identity, without a proxy.
    pub fn new(address: Address, trust: Trust) -> Self {
        Self {
            address,
            trust,
            identity: None,
            proxy: None,
            clock: None,
        }
    }

    /// Connects. With TLS 1.3 a refused client certificate shows only at the first call: see [`crate::refusal`].
    pub async fn connect(&self) -> Result<Channel, DialError> {
        let tls = self.tls().await?;
        self.http(tls).await
    }

    /// A TCP connection to the controller, or to the proxy that has made a tunnel to it.
    pub async fn tcp(&self) -> Result<TcpStream, DialError> {
        let Some(proxy) = &self.proxy else {
            return tcp(&self.address).await;
        };
        let mut stream = tcp(&proxy.address).await?;
        let tunnel = within(proxy.tunnel(&mut stream, &self.address)).await;
        tunnel.map_err(|source| DialError::Proxy {
            proxy: proxy.address.clone(),
            source,
        })?;
        Ok(stream)
    }

    /// A TLS connection over [`Dial::tcp`].
    pub async fn tls(&self) -> Result<TlsStream<TcpStream>, DialError> {
        let stream = self.tcp().await?;
        let tls = |source| DialError::Tls {
            address: self.address.clone(),
            source,
        };
        let name = self
            .address
            .server_name()
            .map_err(io::Error::other)
            .map_err(tls)?;
        let connector = TlsConnector::from(Arc::new(self.config()?));
        within(connector.connect(name, stream)).await.map_err(tls)
    }

    /// A gRPC channel over a TLS connection. It does not reconnect: whoever dials decides when to dial again.
    pub async fn http(&self, tls: TlsStream<TcpStream>) -> Result<Channel, DialError> {
        let http = |source| DialError::Http {
            address: self.address.clone(),
            source,
        };
        let endpoint = Endpoint::from_shared(format!("https://{}", self.address))
            .map_err(http)?
            .http2_keep_alive_interval(PING)
            .keep_alive_timeout(PONG)
            .keep_alive_while_idle(true);
        let once = Arc::new(Mutex::new(Some(tls)));
        let end = End::default();
        let connector = tower::service_fn(move |_: http::Uri| {
            let stream = once.lock().ok().and_then(|mut stream| stream.take());
            let stream = stream.map(|stream| TokioIo::new(Watched::new(stream, end.clone())));
            std::future::ready(stream.ok_or_else(|| end.error()))
        });
        endpoint.connect_with_connector(connector).await.map_err(http)
    }

    fn config(&self) -> Result<rustls::ClientConfig, DialError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let clock = self
            .clock
            .clone()
            .unwrap_or_else(|| Arc::new(rustls::time_provider::DefaultTimeProvider));
        let builder = rustls::ClientConfig::builder_with_details(provider.clone(), clock)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(DialError::Own)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Verifier::new(self.trust.clone(), provider)));
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => builder
                .with_client_auth_cert(
                    vec![CertificateDer::from(identity.certificate.clone())],
                    identity.key.for_tls(),
                )
                .map_err(DialError::Own)?,
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.resumption = rustls::client::Resumption::disabled();
        Ok(config)
    }
}

async fn tcp(address: &Address) -> Result<TcpStream, DialError> {
    let resolve = |source| DialError::Resolve {
        host: address.host.clone(),
        source,
    };
    let found = within(tokio::net::lookup_host((address.host.as_str(), address.port)));
    let found: Vec<_> = found.await.map_err(resolve)?.collect();
    if found.is_empty() {
        return Err(resolve(io::Error::other("the name has no address")));
    }
    let stream = within(TcpStream::connect(found.as_slice())).await;
    let stream = stream.and_then(|stream| stream.set_nodelay(true).map(|()| stream));
    stream.map_err(|source| DialError::Connect {
        address: address.clone(),
        source,
    })
}

async fn within<T>(step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match timeout(STEP, step).await {
        Ok(done) => done,
        Err(_) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("no answer within {} s", STEP.as_secs()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn addresses_come_back() {
        for text in ["controller.example:7443", "10.0.0.4:7443", "[fd00::1]:7443"] {
            assert_eq!(Address::parse(text).unwrap().to_string(), text);
        }
        for other in [
            "",
            "host",
            "host:",
            "host:0",
            "host:70000",
            ":7443",
            "fd00::1:7443",
            "[host]:1",
            "a b:1",
        ] {
            assert!(Address::parse(other).is_err(), "{other}");
        }
    }
}
