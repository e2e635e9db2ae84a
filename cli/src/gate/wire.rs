//! One demand to the process that acts on this host, and its answer.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use netghost_core::artifact::json;
use netghost_core::gate::{Answer, Demand, LONGEST_DEMAND};

use crate::error::Failure;

/// Installing a package takes its time; everything else is bounded by the process itself.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// Sends a demand and waits for the answer.
pub(super) fn ask(socket: &Path, demand: &Demand) -> Result<Answer, Failure> {
    let sent = json::to_vec(demand).map_err(|error| Failure::failed("internal", error))?;
    if sent.len() > LONGEST_DEMAND {
        let error = anyhow!(
            "this has {} bytes, and at most {LONGEST_DEMAND} can be asked for",
            sent.len()
        );
        return Err(Failure::usage("too_large", error).hint("make the rule or the reason shorter"));
    }
    let came = UnixStream::connect(socket)
        .with_context(|| format!("cannot reach netghost-act at {}", socket.display()))
        .map_err(unreachable)
        .and_then(|stream| exchange(stream, &sent).map_err(|error| broken(error.into())))?;
    serde_json::from_slice(&came).map_err(|error| broken(error.into()))
}

fn exchange(mut stream: UnixStream, sent: &[u8]) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = u32::try_from(sent.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    stream.write_all(&length.to_be_bytes())?;
    stream.write_all(sent)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > LONGEST_DEMAND {
        return Err(io::Error::other(format!("an answer of {length} bytes")));
    }
    let mut came = vec![0; length];
    stream.read_exact(&mut came)?;
    Ok(came)
}

fn unreachable(error: anyhow::Error) -> Failure {
    Failure::failed("unreachable", error).hint(
        "run as root on a host with `systemctl enable --now netghost-act.socket`, or log in to a controller: \
         `netghost login`",
    )
}

fn broken(error: anyhow::Error) -> Failure {
    Failure::failed(
        "bad_answer",
        error.context("netghost-act gave no answer that can be used"),
    )
    .hint("what became of the action is not known: `netghost action show ID --standalone`")
}
