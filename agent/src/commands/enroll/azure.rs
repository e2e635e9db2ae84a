//! Azure's instance metadata service: what it says of this VM, and what of that Azure signs.
//!
//! It is plain HTTP on an address of the host's own that only this VM reaches, and it refuses what came through a proxy: none is
//! used here, whatever is configured. <https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service>

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use netghost_client::Address;
use serde::Deserialize;
use tokio::net::TcpStream;

use super::Refused;
use crate::failure::Failure;

/// The version of the service's interface that is spoken.
const VERSION: &str = "2020-09-01";
/// How long it may take to reach the service, and to answer.
const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(20);
/// The longest answer that is read, in bytes. What it says of a VM has some 5,000, with keys and tags several times that.
const LONGEST: usize = 256 * 1024;
/// The longest document that a controller takes, in bytes.
const LONGEST_DOCUMENT: usize = 12 * 1024;

/// Where the service listens.
pub(super) struct Metadata(Address);

/// The answer to the question for a signed document.
#[derive(Deserialize)]
struct Signed {
    encoding: String,
    signature: String,
}

/// What is looked at of what the service says of the VM.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Compute {
    #[serde(default)]
    resource_id: String,
}

impl Metadata {
    /// The service at this address.
    pub(super) fn at(address: &Address) -> Self {
        Self(address.clone())
    }

    /// The attested document for this nonce (PKCS#7 in DER), and this VM's resource id, empty if the service says none.
    pub(super) async fn proof(&self, nonce: &str) -> Result<(Vec<u8>, String), Refused> {
        // It goes into a URL, and comes from a controller.
        let digits = nonce.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || !(1..=32).contains(&nonce.len()) {
            let what = "the controller's nonce is not of 1 to 32 digits";
            return Err(Refused::Final(Failure::failed("answer", what)));
        }
        let path = format!("/metadata/attested/document?api-version={VERSION}&nonce={nonce}");
        let document = document(&self.get(&path).await?)?;
        let path = format!("/metadata/instance/compute?api-version={VERSION}");
        // Nobody signs it: where it is not had, the controller says so.
        let compute = self.get(&path).await.ok();
        let compute = compute.and_then(|bytes| serde_json::from_slice::<Compute>(&bytes).ok());
        Ok((
            document,
            compute.map_or_else(String::new, |compute| compute.resource_id),
        ))
    }

    async fn get(&self, path: &str) -> Result<Bytes, Refused> {
        let asked = tokio::time::timeout(ANSWER, self.ask(path)).await;
        let (status, body) = match asked {
            Ok(answer) => answer?,
            Err(_) => return Err(self.passing(&format!("no answer within {} s", ANSWER.as_secs()))),
        };
        match status {
            StatusCode::OK => Ok(body),
            StatusCode::GONE | StatusCode::TOO_MANY_REQUESTS => Err(self.passing(&status)),
            status if status.is_server_error() => Err(self.passing(&status)),
            status => {
                let text: String = String::from_utf8_lossy(&body).chars().take(200).collect();
                Err(self.last(format!("{status}: {text}")))
            }
        }
    }

    async fn ask(&self, path: &str) -> Result<(StatusCode, Bytes), Refused> {
        let stream = TcpStream::connect((self.0.host.as_str(), self.0.port));
        let stream = match tokio::time::timeout(CONNECT, stream).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(self.away(&error)),
            Err(_) => return Err(self.away(&"no answer")),
        };
        let spoken = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = spoken.map_err(|error| self.passing(&error))?;
        // It ends with the answer; what went wrong shows there.
        let connection = tokio::spawn(connection);
        let request = Request::builder()
            .method(Method::GET)
            .uri(path)
            .header(http::header::HOST, self.0.to_string())
            .header("Metadata", "true")
            .body(Empty::<Bytes>::new())
            .map_err(|error| self.last(error.to_string()))?;
        let answer = async {
            let answer = sender
                .send_request(request)
                .await
                .map_err(|error| self.passing(&error))?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), LONGEST).collect().await;
            Ok((
                status,
                body.map_err(|error| self.last(error.to_string()))?.to_bytes(),
            ))
        }
        .await;
        connection.abort();
        answer
    }

    fn passing(&self, why: &impl std::fmt::Display) -> Refused {
        Refused::Passing(self.failure(&why.to_string()))
    }

    fn last(&self, why: String) -> Refused {
        Refused::Final(self.failure(&why))
    }

    /// Where nobody listens, this is no VM of Azure, or something is in the way: waiting changes neither.
    fn away(&self, why: &impl std::fmt::Display) -> Refused {
        let failure = self.failure(&why.to_string());
        Refused::Final(failure.hint(
            "this is no VM of Azure, or its routes or firewall keep it from its metadata service: elsewhere a token lets it in",
        ))
    }

    fn failure(&self, why: &str) -> Failure {
        Failure::failed(
            "metadata_service",
            format_args!("ask Azure's metadata service at {}: {why}", self.0),
        )
    }
}

/// The document in the service's answer.
fn document(answer: &[u8]) -> Result<Vec<u8>, Refused> {
    let not = |why: &str| {
        let what = format!("the metadata service's attested document {why}");
        Refused::Final(Failure::failed("metadata_service", what))
    };
    let signed: Signed =
        serde_json::from_slice(answer).map_err(|error| not(&format!("is not in its form ({error})")))?;
    if signed.encoding != "pkcs7" {
        return Err(not(&format!("is encoded as {:?}, not as pkcs7", signed.encoding)));
    }
    let document = STANDARD
        .decode(signed.signature.as_bytes())
        .map_err(|error| not(&format!("is not base64 ({error})")))?;
    match document.len() {
        0 => Err(not("is empty")),
        length if length > LONGEST_DOCUMENT => Err(not(&format!("has {length} bytes, more than any"))),
        _ => Ok(document),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(answer: &str) -> String {
        match document(answer.as_bytes()) {
            Err(Refused::Final(failure)) => failure.message,
            Err(Refused::Passing(failure)) => panic!("{}", failure.message),
            Ok(document) => panic!("{document:?}"),
        }
    }

    #[test]
    fn only_what_is_pkcs7_in_base64_is_a_document() {
        let good = r#"{"encoding":"pkcs7","signature":"MAA="}"#;
        assert!(matches!(document(good.as_bytes()), Ok(der) if der == [0x30, 0]));
        for (answer, word) in [
            ("<html>", "form"),
            ("{}", "form"),
            (r#"{"encoding":"pkcs8","signature":"MAA="}"#, "pkcs8"),
            (r#"{"encoding":"pkcs7","signature":"MA*="}"#, "base64"),
            (r#"{"encoding":"pkcs7","signature":""}"#, "empty"),
        ] {
            let why = refused(answer);
            assert!(why.contains(word), "{answer}: {why}");
        }
        let long = format!(
            r#"{{"encoding":"pkcs7","signature":"{}"}}"#,
            STANDARD.encode(vec![0; LONGEST_DOCUMENT + 1])
        );
        assert!(refused(&long).contains("more than any"));
    }
}
