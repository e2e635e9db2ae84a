//! An HTTP proxy that is asked for a tunnel by CONNECT (RFC 9110 §9.3.6).

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::dial::{Address, NotAnAddress};

/// The longest answer that is read before the tunnel, in bytes.
const ANSWER: usize = 8 * 1024;

/// A proxy, as `http://[USER:PASSWORD@]HOST:PORT`. `Debug` does not show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Where it listens.
    pub address: Address,
    /// `USER:PASSWORD`.
    credentials: Option<String>,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proxy({})", self.address)
    }
}

impl Proxy {
    /// Parses `http://[USER:PASSWORD@]HOST:PORT`.
    pub fn parse(text: &str) -> Result<Self, NotAnAddress> {
        let rest = text
            .strip_prefix("http://")
            .ok_or_else(|| NotAnAddress(text.to_owned()))?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (credentials, address) = match rest.rsplit_once('@') {
            Some((credentials, address)) => (Some(credentials.to_owned()), address),
            None => (None, rest),
        };
        Ok(Self {
            address: Address::parse(address)?,
            credentials,
        })
    }

    /// Asks for a tunnel over a connection to the proxy.
    pub(crate) async fn tunnel(&self, stream: &mut TcpStream, to: &Address) -> io::Result<()> {
        let authorization = self.credentials.as_ref().map_or_else(String::new, |credentials| {
            format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(credentials))
        });
        let request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{authorization}\r\n");
        stream.write_all(request.as_bytes()).await?;
        let answer = head(stream).await?;
        let status = answer.lines().next().unwrap_or_default();
        match status.split(' ').nth(1) {
            Some(code) if code.len() == 3 && code.starts_with('2') => Ok(()),
            _ => Err(io::Error::other(format!("it answered {status:?}"))),
        }
    }
}

/// Reads up to the empty line and not a byte further: what follows belongs to the tunnel.
async fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() == ANSWER {
            return Err(io::Error::other("its answer has no end"));
        }
        answer.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
