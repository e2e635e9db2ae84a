//! One request and its answer, as bytes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use azure_core::time::OffsetDateTime;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, IF_MATCH};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Method, Url};
use serde_json::Value;

use crate::answer::Heard;
use crate::cloud::{Cloud, is_loopback};
use crate::credential::chain;
use crate::token::Token;

/// The connections could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetUp {
    /// The file of trusted certificates.
    #[error("read the certificates in {file}")]
    Certificates {
        /// The file.
        file: String,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The HTTP client.
    #[error("set up the HTTP client")]
    Client(#[source] reqwest::Error),
}

/// The clients: one through a proxy where the environment names one, one that never uses a proxy.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    pub(crate) http: Client,
    pub(crate) direct: Client,
}

impl Clients {
    pub(crate) fn new(cloud: &Cloud) -> Result<Self, SetUp> {
        let roots = cloud.ca_file.as_deref().map(certificates).transpose()?;
        let build = |direct: bool| {
            if rustls::crypto::CryptoProvider::get_default().is_none() {
                // Another one may have come first: then that one is used.
                drop(rustls::crypto::ring::default_provider().install_default());
            }
            let mut builder = Client::builder()
                .redirect(Policy::none())
                .referer(false)
                .connect_timeout(Duration::from_secs(15))
                .read_timeout(Duration::from_secs(90))
                .pool_idle_timeout(Duration::from_secs(60))
                .user_agent(concat!("netghost/", env!("CARGO_PKG_VERSION")));
            if let Some(roots) = &roots {
                builder = builder.tls_certs_only(roots.clone());
            }
            if direct {
                builder = builder.no_proxy();
            }
            builder.build().map_err(SetUp::Client)
        };
        let direct = build(true)?;
        // A simulator on this machine is no business of a proxy.
        let http = if is_loopback(&cloud.endpoint) {
            direct.clone()
        } else {
            build(false)?
        };
        Ok(Self { http, direct })
    }
}

fn certificates(file: &Path) -> Result<Vec<Certificate>, SetUp> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| SetUp::Certificates {
        file: file.display().to_string(),
        source,
    };
    let pem = std::fs::read(file).map_err(|error| failed(error.into()))?;
    let roots = Certificate::from_pem_bundle(&pem).map_err(|error| failed(error.into()))?;
    if roots.is_empty() {
        return Err(failed("there is no certificate in it".into()));
    }
    Ok(roots)
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) body: Option<Arc<Value>>,
    pub(crate) if_match: Option<String>,
    /// True where it may reach Azure twice without harm.
    pub(crate) repeatable: bool,
}

impl Outgoing {
    pub(crate) fn get(url: Url) -> Self {
        Self {
            method: Method::GET,
            url,
            body: None,
            if_match: None,
            repeatable: true,
        }
    }

    /// The method and the path: what the request is called in errors.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.url.path())
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) status: u16,
    pub(crate) heard: Heard,
    pub(crate) bytes: Vec<u8>,
}

/// Why nothing, or not the whole, came back.
#[derive(Debug)]
pub(crate) enum Lost {
    /// No connection: nothing was sent.
    Unreached(String),
    /// The connection broke, or was silent too long, before an answer began.
    Broken(String),
    /// The answer began, and its body did not come to its end.
    Cut {
        /// Why not.
        why: String,
        /// How many bytes of the body came.
        got: usize,
        /// Its headers.
        heard: Box<Heard>,
        /// Its status.
        status: u16,
    },
    /// The body is longer than the limit.
    TooLong(Box<Heard>, u16),
}

/// Sends a request once, and reads the answer up to `most` bytes of body.
pub(crate) async fn exchange(
    http: &Client,
    out: &Outgoing,
    token: &Token,
    id: &str,
    most: usize,
) -> Result<Incoming, Lost> {
    let broken = |error: reqwest::Error| {
        let error = error.without_url();
        if error.is_connect() {
            Lost::Unreached(chain(&error))
        } else {
            Lost::Broken(chain(&error))
        }
    };
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.secret.secret()))
        .map_err(|_| Lost::Broken("the token has characters that no header can carry".to_owned()))?;
    bearer.set_sensitive(true);
    let mut request = http
        .request(out.method.clone(), out.url.clone())
        .header(AUTHORIZATION, bearer)
        .header(ACCEPT, "application/json")
        .header("x-ms-client-request-id", id)
        .header("x-ms-return-client-request-id", "true");
    if let Some(etag) = &out.if_match {
        request = request.header(IF_MATCH, etag);
    }
    request = match &out.body {
        Some(body) => request
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string()),
        // Azure refuses a POST without a length.
        None if out.method == Method::POST => request.header("content-length", "0"),
        None => request,
    };
    let mut answer = request.send().await.map_err(broken)?;
    let mut heard = Heard::read(answer.headers(), OffsetDateTime::now_utc());
    heard.ids.client = Some(id.to_owned());
    let status = answer.status().as_u16();
    let mut bytes = Vec::new();
    loop {
        let chunk = match answer.chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => return Ok(Incoming { status, heard, bytes }),
            Err(error) => {
                return Err(Lost::Cut {
                    why: chain(&error.without_url()),
                    got: bytes.len(),
                    heard: Box::new(heard),
                    status,
                });
            }
        };
        if bytes.len().saturating_add(chunk.len()) > most {
            return Err(Lost::TooLong(Box::new(heard), status));
        }
        bytes.extend_from_slice(&chunk);
    }
}
