//! `enroll --azure`: what is asked of the metadata service, and what becomes of its answers.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::Output;
use std::sync::mpsc;

use tonic::Status;

use crate::commands::{agent, code, error, ran, spki};
use crate::controller::Controller;
use crate::proxy::Proxy;
use crate::site::Site;

const NONCE: &str = "01234567890123456789012345678901";
const SIGNED: &str = r#"{"encoding":"pkcs7","signature":"MAMCAQE="}"#;
const COMPUTE: &str = r#"{"name":"web-1","resourceId":"/subscriptions/s/x","tagsList":[]}"#;

/// A service that gives these answers, one a connection, and says what it was asked.
fn service(answers: &[&str]) -> (SocketAddr, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, asked) = mpsc::channel();
    let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            // The test may have ended.
            drop(tell.send(String::from_utf8(head).unwrap()));
        }
    });
    (address, asked)
}

fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn chunked(body: &str) -> String {
    let (first, second) = body.split_at(5);
    format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
        second.len()
    )
}

async fn enrol(controller: &Controller, site: &Site) -> Output {
    let ca = controller.authority.fingerprint().to_string();
    let words = ["enroll", "--azure", "--ca-fingerprint", &ca, "--name", "web-1"];
    ran(agent(&site.config(), &words), String::new()).await
}

#[tokio::test]
async fn an_azure_vm_asks_for_its_document_and_again_where_it_was_late() {
    let controller = Controller::start().await;
    // Neither question goes through the proxy.
    let proxy = Proxy::start().await;
    let mut site = Site::empty(&controller).through(&proxy);
    controller.script().nonce = Some(NONCE.to_owned());
    controller
        .script()
        .lost_replies
        .push_back(Status::aborted("another nonce"));
    let (good, compute) = (answer("200 OK", SIGNED), answer("200 OK", COMPUTE));
    let (address, asked) = service(&[
        &answer("429 Too Many Requests", "{}"),
        &good,
        &compute,
        &chunked(SIGNED),
        &answer("404 Not Found", "{}"),
    ]);
    site.metadata_service = Some(address);
    let output = enrol(&controller, &site).await;
    assert_eq!(code(&output), 0, "{}", error(&output));
    let first = asked.recv().unwrap();
    assert!(
        first.starts_with(&format!(
            "GET /metadata/attested/document?api-version=2020-09-01&nonce={NONCE} HTTP/1.1\r\n"
        )),
        "{first}"
    );
    let lines: Vec<String> = first.lines().map(str::to_ascii_lowercase).collect();
    assert!(lines.contains(&"metadata: true".to_owned()), "{first}");
    assert!(lines.contains(&format!("host: {address}")), "{first}");
    assert!(!first.to_ascii_lowercase().contains("forwarded"), "{first}");
    {
        let script = controller.script();
        let [one, two] = &script.attestations[..] else {
            panic!("{} tries", script.attestations.len());
        };
        assert_eq!(spki(&one.csr), spki(&two.csr), "by the same key");
        assert_eq!(
            (&one.document[..], &one.name[..]),
            (&[0x30, 3, 2, 1, 1][..], "web-1")
        );
        assert_eq!((&one.resource[..], &two.resource[..]), ("/subscriptions/s/x", ""));
    }
    let files = netghost_client::Files::new(&site.directory);
    assert!(files.load().unwrap().is_some());
    let again = enrol(&controller, &site).await;
    assert_eq!(code(&again), 2);
    assert!(error(&again).contains("--replace"), "{}", error(&again));
}

#[tokio::test]
async fn what_the_metadata_service_says_wrongly_ends_it_with_the_reason() {
    let controller = Controller::start().await;
    controller.script().nonce = Some(NONCE.to_owned());
    for (said, word) in [
        (
            answer("400 Bad Request", "Required metadata header not specified"),
            "header not specified",
        ),
        (answer("200 OK", "<html>"), "not in its form"),
        (answer("200 OK", r#"{"encoding":"none","signature":""}"#), "pkcs7"),
        (
            answer("200 OK", &format!("\"{}\"", "x".repeat(300_000))),
            "length limit",
        ),
    ] {
        let mut site = Site::empty(&controller);
        site.metadata_service = Some(service(&[&said]).0);
        let output = enrol(&controller, &site).await;
        assert_eq!(code(&output), 4);
        assert!(error(&output).contains(word), "{word}: {}", error(&output));
    }
    // Nobody listens.
    let mut site = Site::empty(&controller);
    site.metadata_service = Some("127.0.0.1:9".parse().unwrap());
    let output = enrol(&controller, &site).await;
    assert_eq!(code(&output), 4);
    assert!(error(&output).contains("no VM of Azure"), "{}", error(&output));
    assert!(controller.script().attestations.is_empty());
}

#[tokio::test]
async fn a_controller_says_digits_or_that_it_is_too_old() {
    let controller = Controller::start().await;
    let site = Site::empty(&controller);
    let output = enrol(&controller, &site).await;
    assert_eq!(code(&output), 4);
    assert!(error(&output).contains("update it"), "{}", error(&output));
    for nonce in [
        "",
        "1&api-version=1",
        "1 HTTP/1.1\r\nX: ",
        "000000000000000000000000000000000",
    ] {
        controller.script().nonce = Some(nonce.to_owned());
        let output = enrol(&controller, &site).await;
        assert_eq!(code(&output), 4);
        assert!(
            error(&output).contains("1 to 32 digits"),
            "{nonce:?}: {}",
            error(&output)
        );
    }
}

#[tokio::test]
async fn without_a_token_the_controllers_ca_is_named() {
    let controller = Controller::start().await;
    let site = Site::empty(&controller);
    let config = site.config();
    for (words, word) in [
        (&["enroll", "--azure"][..], "--ca-fingerprint"),
        (&["enroll", "--azure", "--ca-fingerprint", "12"], "64 hexadecimal"),
        (&["enroll", "--azure", "--token-file", "t"], "--token-file"),
        (&["enroll", "--ca-fingerprint", "12"], "64 hexadecimal"),
    ] {
        let output = ran(agent(&config, words), String::new()).await;
        assert_eq!(code(&output), 2, "{words:?}");
        assert!(error(&output).contains(word), "{words:?}: {}", error(&output));
    }
    // Another controller than the one that is meant is not asked.
    let other = netghost_core::artifact::json::Digest::of(b"other").to_string();
    let words = ["enroll", "--azure", "--ca-fingerprint", &other];
    let output = ran(agent(&config, &words), String::new()).await;
    assert_eq!(code(&output), 4);
    assert!(
        error(&output).contains("not the controller"),
        "{}",
        error(&output)
    );
}
