//! Frames that are altered, cut, twice or out of place; and what becomes of parts that are missing.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::frame::{Answer, FrameError, answer};
use super::parts::{Part, Parts};
use super::*;
use crate::artifact::json::Digest;

mod frames;
mod readings;
mod sections;

/// One part as the probe prints it.
pub(super) fn ran(number: usize, name: &str, status: u8, output: &[u8], error: &str) -> Vec<u8> {
    let mut out = format!(
        "part {number} {name} {status} {} {} {} {}\ntool /usr/bin/{name}\nversion ip utility, iproute2-6.1.0\n",
        output.len(),
        Digest::of(output),
        error.len(),
        Digest::of(error.as_bytes())
    )
    .into_bytes();
    out.extend(output);
    out.extend(b"\n");
    out.extend(error.as_bytes());
    out.extend(b"\n");
    out
}

/// Parts with their first and last line.
pub(super) fn all(parts: &[Vec<u8>]) -> Vec<u8> {
    let end = format!("parts-end {}\n", parts.len()).into_bytes();
    [b"netghost-probe-parts 1\n".to_vec(), parts.concat(), end].concat()
}

/// What the tests speak of: three parts, one of which has bytes that are no text.
pub(super) fn sample() -> Vec<u8> {
    let noise: Vec<u8> = (0..300u32)
        .flat_map(|n| *Digest::of(&n.to_le_bytes()).as_bytes())
        .collect();
    all(&[
        ran(1, "hostname", 0, b"vm-1\n", ""),
        b"missing 2 nft nft\n".to_vec(),
        ran(3, "links", 0, &noise, "a word\n"),
        b"skipped 4 ipset ip_set is neither loaded nor built in\n".to_vec(),
    ])
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn stream(payload: &[u8], packing: &str) -> Vec<u8> {
    let (length, digest) = (payload.len(), Digest::of(payload));
    let mut out = format!("netghost-probe 1 stream {packing} {length} {digest}\n").into_bytes();
    out.extend(payload);
    out.extend(format!("\nnetghost-probe-end stream {packing} {length} {digest}\n").as_bytes());
    out
}

/// The answers of a host that keeps `payload`.
pub(super) fn kept(payload: &[u8], script: Script) -> Vec<u8> {
    let (length, digest) = (payload.len(), Digest::of(payload));
    let pieces: Vec<&[u8]> = payload.chunks(2_600).collect();
    let framed =
        |words: &str, body: &str| format!("netghost-probe 1 {words}\n{body}netghost-probe-end {words}\n");
    let text = match script {
        Script::Stream => return stream(payload, "gzip"),
        Script::Keep => framed(&format!("kept gzip {length} {digest} {}", pieces.len()), ""),
        Script::Remove => framed("removed", ""),
        Script::Piece(number) => match pieces.get(usize::from(number.get()) - 1) {
            None => framed("failed there is no such piece", ""),
            Some(piece) => {
                let letters = STANDARD.encode(piece);
                let lines = letters.as_bytes().chunks(76);
                let lines: String = lines
                    .map(|line| format!("{}\n", std::str::from_utf8(line).unwrap()))
                    .collect();
                let (number, pieces) = (number.get(), pieces.len());
                let own = format!("{} {}", piece.len(), Digest::of(piece));
                framed(
                    &format!("piece {number} {pieces} gzip {length} {digest} {own}"),
                    &lines,
                )
            }
        },
    };
    text.into_bytes()
}

/// Runs a future that never waits.
pub(super) fn now<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

#[test]
fn the_scripts_differ_in_their_first_line_alone() {
    let texts: Vec<String> = Script::all().map(Script::text).collect();
    assert_eq!(texts.len(), 3 + usize::from(MOST_PIECES));
    let mut firsts = std::collections::BTreeSet::new();
    for text in &texts {
        let (first, rest) = text.split_once('\n').unwrap();
        assert_eq!(rest, include_str!("script.sh"));
        let word = first.strip_prefix("stage=").unwrap();
        assert!(word.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{first}");
        assert!(firsts.insert(first));
    }
    assert_eq!((PieceNumber::new(0), PieceNumber::new(65)), (None, None));
}
