//! A server that plays a script: the n-th request gets the n-th answer.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use netghost_azure::retry::RetryPolicy;
use netghost_azure::{Arm, Build, Cloud, CloudSettings, NoToken, Token, TokenSource};
use netghost_core::azure::id::ResourceId;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

pub(crate) const SUBSCRIPTION: &str = "11111111-2222-3333-4444-555555555555";
pub(crate) const TIME: Duration = Duration::from_secs(20);

/// What the server says.
#[derive(Debug, Clone)]
pub(crate) struct Says {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    /// The length that it claims, where it is not the true one.
    claims: Option<usize>,
    /// How long it thinks.
    thinks: Duration,
}

impl Says {
    pub(crate) fn json(status: u16, body: impl Into<Body>) -> Self {
        let Body(body) = body.into();
        let headers = vec![
            (
                "content-type".to_owned(),
                "application/json; charset=utf-8".to_owned(),
            ),
            ("x-ms-request-id".to_owned(), "req-1".to_owned()),
            ("x-ms-correlation-request-id".to_owned(), "corr-1".to_owned()),
        ];
        Self {
            status,
            headers,
            body,
            claims: None,
            thinks: Duration::ZERO,
        }
    }

    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        Self::json(
            status,
            serde_json::json!({"error": {"code": code, "message": message, "details": []}}),
        )
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(there, _)| there != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn claims(mut self, length: usize) -> Self {
        self.claims = Some(length);
        self
    }

    pub(crate) fn thinks(mut self, time: Duration) -> Self {
        self.thinks = time;
        self
    }

    /// With the server's address in the place of `BASE`.
    pub(crate) fn based(mut self, base: &str) -> Self {
        self.body = self.body.replace("BASE", base);
        for (_, value) in &mut self.headers {
            *value = value.replace("BASE", base);
        }
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let length = self.claims.unwrap_or(self.body.len());
        let mut head = format!("HTTP/1.1 {} X\r\ncontent-length: {length}\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        format!("{head}\r\n{}", self.body).into_bytes()
    }
}

/// A body as text.
pub(crate) struct Body(String);

impl From<&str> for Body {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<Value> for Body {
    fn from(value: Value) -> Self {
        Self(value.to_string())
    }
}

/// A request that came.
#[derive(Debug, Clone)]
pub(crate) struct Came {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: String,
    pub(crate) at: Instant,
}

impl Came {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (there, value) = line.split_once(':')?;
            there.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

type Script = Box<dyn FnMut(usize, &Came, &str) -> Says + Send>;

/// The server.
#[derive(Clone)]
pub(crate) struct Play {
    pub(crate) base: String,
    came: Arc<Mutex<Vec<Came>>>,
}

struct Stage {
    base: String,
    came: Arc<Mutex<Vec<Came>>>,
    script: Mutex<Script>,
}

impl Play {
    /// Plays these answers one after the other; the last one again and again. `BASE` in them is the server's address.
    pub(crate) async fn of(answers: Vec<Says>) -> Self {
        Self::with(Box::new(move |number, _, base| {
            let says = &answers[number.min(answers.len() - 1)];
            says.clone().based(base)
        }))
        .await
    }

    pub(crate) async fn with(script: Script) -> Self {
        Self::serve(script, None).await
    }

    pub(crate) async fn over_tls(script: Script, tls: tokio_rustls::TlsAcceptor) -> Self {
        Self::serve(script, Some(tls)).await
    }

    async fn serve(script: Script, tls: Option<tokio_rustls::TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let base = match tls {
            Some(_) => format!("https://localhost:{port}"),
            None => format!("http://127.0.0.1:{port}"),
        };
        let came = Arc::default();
        let stage = Stage {
            base: base.clone(),
            came: Arc::clone(&came),
            script: Mutex::new(script),
        };
        let stage = Arc::new(stage);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (stage, tls) = (Arc::clone(&stage), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => converse(stream, &stage).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => converse(stream, &stage).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self { base, came }
    }

    pub(crate) fn came(&self) -> Vec<Came> {
        self.came.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.came.lock().unwrap().len()
    }

    pub(crate) fn cloud(&self) -> Cloud {
        Cloud::new(&CloudSettings::Custom {
            endpoint: self.base.clone(),
            authority: "https://localhost:1".to_owned(),
            scope: None,
            ca_file: None,
        })
        .unwrap()
    }

    pub(crate) fn build(&self) -> Build {
        let retry = RetryPolicy {
            first: Duration::from_millis(20),
            longest: Duration::from_millis(100),
            ..RetryPolicy::default()
        };
        Build::new(self.cloud()).retry(retry)
    }

    pub(crate) fn arm(&self) -> Arm {
        self.build().with_tokens(Box::new(Numbered::default())).unwrap()
    }
}

/// Gives `token-1`, `token-2`, …
#[derive(Debug, Default)]
pub(crate) struct Numbered(std::sync::atomic::AtomicU32);

impl TokenSource for Numbered {
    fn fetch(&self) -> BoxFuture<'_, Result<Token, NoToken>> {
        let number = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
        Box::pin(async move { Ok(Token::new(format!("token-{number}"), Duration::from_secs(3600))) })
    }
}

async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, stage: &Stage) -> Option<()> {
    loop {
        let came = request(&mut stream).await?;
        let says = {
            let mut all = stage.came.lock().unwrap();
            let says = (stage.script.lock().unwrap())(all.len(), &came, &stage.base);
            all.push(came);
            says
        };
        tokio::time::sleep(says.thinks).await;
        stream.write_all(&says.bytes()).await.ok()?;
        stream.flush().await.ok()?;
        if says.claims.is_some() {
            stream.shutdown().await.ok()?;
            return None;
        }
    }
}

async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Option<Came> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let mut came = Came {
        method: text.split(' ').next().unwrap().to_owned(),
        path: text.split(' ').nth(1).unwrap().to_owned(),
        head: text,
        body: String::new(),
        at: Instant::now(),
    };
    let length = came
        .header("content-length")
        .map_or(0, |length| length.parse().unwrap());
    while bytes.len() < head + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    came.body = String::from_utf8(bytes[head + 4..].to_vec()).unwrap();
    Some(came)
}

pub(crate) fn id(text: &str) -> ResourceId {
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers");
    format!("{group}/{text}").parse().unwrap()
}

pub(crate) fn nic() -> ResourceId {
    id("Microsoft.Network/networkInterfaces/web-nic")
}

pub(crate) fn rule() -> ResourceId {
    id("Microsoft.Network/networkSecurityGroups/web/securityRules/allow-http")
}

pub(crate) fn vm() -> ResourceId {
    id("Microsoft.Compute/virtualMachines/web")
}
