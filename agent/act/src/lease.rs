//! Servers that end by themselves.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use netghost_core::artifact::json;
use netghost_core::bytes::Text;
use netghost_core::gate::{Effect, Server};
use netghost_kernel::write::WriteError;
use serde::{Deserialize, Serialize};

/// Where programs are looked for: where packages put them.
const PROGRAMS: [&str; 2] = ["/usr/bin", "/usr/sbin"];
/// `TCP_LISTEN` (`net/tcp_states.h`), as `/proc/net/tcp` has it.
const LISTENS: &str = "0A";

/// A server that is to run for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// What is shown of it.
    pub effect: Effect,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// The TCP port that it listens on.
    pub port: u16,
}

impl Lease {
    /// What starting it here would do, in the network namespace of the calling thread. Nothing is started.
    ///
    /// # Errors
    /// The program is not there, or something listens on the port already.
    pub fn plan(server: Server, port: u16, lease_s: u32) -> Result<Self, WriteError> {
        let program = program(server)?;
        let object = format!("server {} on TCP port {port}", server.program());
        if listens("thread-self", port).map_err(|error| unreadable(&error))? {
            return Err(WriteError::Unsupported {
                what: format!("something listens on TCP port {port} already: choose another"),
            });
        }
        let args = arguments(server, port);
        let line = format!("{} {}", program.display(), args.join(" "));
        let state = |running: bool| {
            json::digest(&(object.as_str(), &line, running)).map_err(|error| WriteError::Refused {
                what: object.clone(),
                why: error.to_string(),
            })
        };
        Ok(Self {
            effect: Effect {
                change: vec![Text::from(format!("run {line}, for {lease_s} s at most"))],
                inverse: vec![Text::from(format!("end {line} and all that it started"))],
                before: state(false)?,
                after: Some(state(true)?),
                object: Text::from(object),
                irreversible: None,
                notes: Vec::new(),
            },
            program,
            args,
            port,
        })
    }
}

/// The server's arguments.
fn arguments(server: Server, port: u16) -> Vec<String> {
    let port = port.to_string();
    match server {
        Server::Iperf => vec!["-s".to_owned(), "-p".to_owned(), port],
        Server::Qperf => vec!["--listen_port".to_owned(), port],
    }
}

/// The program's file, which only root may have written.
fn program(server: Server) -> Result<PathBuf, WriteError> {
    let name = server.program();
    let mut places = PROGRAMS.iter().map(|place| Path::new(place).join(name));
    let found = places.find_map(|path| Some((fs::metadata(&path).ok()?, path)));
    match found {
        Some((file, path)) if file.is_file() && file.uid() == 0 && file.mode() & 0o022 == 0 => Ok(path),
        Some((_, path)) => Err(WriteError::Unsupported {
            what: format!("{} can be written by others than root", path.display()),
        }),
        None => Err(WriteError::NoProgram {
            program: name.to_owned(),
        }),
    }
}

/// Whether anything listens on a TCP port in the network namespace of a process.
///
/// # Errors
/// Where `/proc` can't be read.
pub fn listens(process: &str, port: u16) -> io::Result<bool> {
    for table in ["tcp", "tcp6"] {
        let path = Path::new("/proc").join(process).join("net").join(table);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            // A kernel without IPv6.
            Err(error) if error.kind() == io::ErrorKind::NotFound && table == "tcp6" => continue,
            Err(error) => return Err(error),
        };
        if text.lines().skip(1).any(|line| listening(line) == Some(port)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The port of a line of `/proc/net/tcp` (proc(5)), if it is one of a listening socket: `0: 0100007F:1389 00000000:0000 0A …`.
fn listening(line: &str) -> Option<u16> {
    let mut fields = line.split_ascii_whitespace();
    let port = fields.nth(1)?.rsplit(':').next()?;
    (fields.nth(1)? == LISTENS).then(|| u16::from_str_radix(port, 16).ok())?
}

fn unreadable(error: &io::Error) -> WriteError {
    WriteError::Unreadable {
        what: "the list of listening sockets".to_owned(),
        why: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_listening_socket_holds_its_port() {
        let line = "   0: 0100007F:1389 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0";
        assert_eq!(listening(line), Some(5001));
        assert_eq!(listening(&line.replace(" 0A ", " 01 ")), None);
        assert_eq!(listening("sl local_address"), None);
    }
}
