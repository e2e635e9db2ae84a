//! The `netghost-ns` process: one connection, which is its standard input, one question, one answer.

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use netghost_kernel::frames::uid;
use netghost_ns::serve::serve;

/// The user of the agent, beside root the only one who may ask.
const AGENT: &str = "netghost";
const USAGE: &str = "netghost-ns answers one question of the agent on its standard input, which must be a connected socket; \
netghost-ns.socket starts it. Usage: netghost-ns [--user NAME]\n";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let user = match words.as_slice() {
        [] => AGENT,
        ["--user", name] => name,
        _ => return ended(2, USAGE),
    };
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let allowed: Vec<u32> = [0].into_iter().chain(uid(&users, user)).collect();
    let stream = match std::io::stdin().as_fd().try_clone_to_owned() {
        Ok(descriptor) => UnixStream::from(descriptor),
        Err(error) => return ended(4, &format!("netghost-ns: standard input: {error}\n")),
    };
    if stream.peer_addr().is_err() {
        return ended(2, USAGE);
    }
    match serve(&stream, &allowed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ended(4, &format!("netghost-ns: {error}\n")),
    }
}

fn ended(status: u8, why: &str) -> ExitCode {
    use std::io::Write;
    // There is nobody else to tell.
    let _told = std::io::stderr().write_all(why.as_bytes());
    ExitCode::from(status)
}
