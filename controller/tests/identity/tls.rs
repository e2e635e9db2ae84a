//! TLS from outside, by a client of the test's own.

use std::sync::Arc;

use netghost_client::DialError;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::world::{HOUR_US, World, later};

/// A client that would resume a session if it could.
fn client(world: &World, protocols: &[&[u8]]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let authority = world.controller.ca.certificate().to_vec();
    roots.add(CertificateDer::from(authority)).unwrap();
    let clock = world.dial(None).clock.unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_details(provider, clock)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    config.enable_early_data = true;
    Arc::new(config)
}

async fn connect(
    world: &World,
    config: &Arc<ClientConfig>,
    name: &'static str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(("127.0.0.1", world.port)).await?;
    let name = ServerName::try_from(name).unwrap();
    TlsConnector::from(Arc::clone(config)).connect(name, stream).await
}

#[tokio::test]
async fn no_session_is_resumed() {
    let world = World::start().await;
    let config = client(&world, &[b"h2"]);
    for _ in 0..3 {
        let mut stream = connect(&world, &config, "127.0.0.1").await.unwrap();
        // What the server says first over HTTP/2 comes after any ticket.
        stream
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
            .await
            .unwrap();
        let mut frame = [0; 9];
        stream.read_exact(&mut frame).await.unwrap();
        let (_, session) = stream.get_ref();
        assert_eq!(session.handshake_kind(), Some(HandshakeKind::Full));
        assert_eq!(session.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
        assert_eq!(session.tls13_tickets_received(), 0);
        assert!(!session.is_early_data_accepted());
    }
}

#[tokio::test]
async fn another_name_is_refused_by_the_caller() {
    let world = World::start().await;
    let config = client(&world, &[b"h2"]);
    assert!(connect(&world, &config, "127.0.0.1").await.is_ok());
    assert!(connect(&world, &config, "controller.example").await.is_err());
    let mut dial = world.dial(None);
    dial.address.host = "localhost".to_owned();
    assert!(matches!(dial.connect().await, Err(DialError::Tls { .. })));
}

#[tokio::test]
async fn another_protocol_is_refused() {
    let world = World::start().await;
    assert!(
        connect(&world, &client(&world, &[b"http/1.1"]), "127.0.0.1")
            .await
            .is_err()
    );
    // None at all: the handshake ends well, and the connection with it.
    let mut stream = connect(&world, &client(&world, &[]), "127.0.0.1").await.unwrap();
    let mut rest = Vec::new();
    let read = tokio::time::timeout(std::time::Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
    assert!(read.unwrap().is_err() || rest.is_empty());
}

/// A ClientHello of TLS 1.2 (RFC 5246 §7.4.1.2) as OpenSSL would offer it: ECDHE with ECDSA, P-256.
fn hello_of_tls_1_2() -> Vec<u8> {
    let extensions = [
        vec![0, 10, 0, 4, 0, 2, 0, 23],         // supported_groups: secp256r1
        vec![0, 11, 0, 2, 1, 0],                // ec_point_formats: uncompressed
        vec![0, 13, 0, 4, 0, 2, 4, 3],          // signature_algorithms: ecdsa_secp256r1_sha256
        vec![0, 16, 0, 5, 0, 3, 2, b'h', b'2'], // ALPN: h2
    ]
    .concat();
    let mut body = vec![3, 3];
    body.extend([7; 32]); // random
    body.push(0); // no session id
    body.extend([0, 2, 0xc0, 0x2b]); // TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
    body.extend([1, 0]); // no compression
    body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    body.extend(extensions);
    let mut message = vec![1, 0];
    message.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    message.extend(body);
    let mut record = vec![22, 3, 1];
    record.extend(u16::try_from(message.len()).unwrap().to_be_bytes());
    record.extend(message);
    record
}

#[tokio::test]
async fn tls_1_2_is_refused() {
    let world = World::start().await;
    let mut stream = TcpStream::connect(("127.0.0.1", world.port)).await.unwrap();
    stream.write_all(&hello_of_tls_1_2()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    // An alert record: fatal, protocol_version (RFC 8446 §6).
    assert_eq!(answer, [21, 3, 3, 0, 2, 2, 70]);
}

#[tokio::test]
async fn the_servers_certificate_is_replaced_while_it_runs() {
    let world = World::start().await;
    let config = client(&world, &[b"h2"]);
    let leaf = async || {
        let stream = connect(&world, &config, "127.0.0.1").await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap().to_vec()
    };
    let first = leaf().await;
    assert_eq!(first.len(), 2);
    assert_eq!(first[1].as_ref(), world.controller.ca.certificate());
    later(11 * HOUR_US);
    assert_eq!(leaf().await, first);
    later(2 * HOUR_US);
    let second = leaf().await;
    assert_ne!(second[0], first[0]);
    later(240 * HOUR_US);
    assert_ne!(leaf().await[0], second[0]);
}

#[tokio::test]
async fn a_silent_caller_does_not_hold_the_door() {
    let world = World::start().await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(("127.0.0.1", world.port)).await.unwrap());
    }
    assert!(
        connect(&world, &client(&world, &[b"h2"]), "127.0.0.1")
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn health_is_told_and_a_stop_ends_the_server() {
    let world = World::start().await;
    let channel = world.channel(None).await;
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel);
    let request = tonic_health::pb::HealthCheckRequest::default();
    let answer = health.check(request).await.unwrap().into_inner();
    assert_eq!(
        answer.status(),
        tonic_health::pb::health_check_response::ServingStatus::Serving
    );
    let port = world.port;
    world.stop().await;
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}
