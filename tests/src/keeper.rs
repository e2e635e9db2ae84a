//! The process that keeps one machine running and hands commands to it. It is process 1 of a PID namespace, so that its end,
//! however it comes, ends everything that it started.

use std::io::{self, BufReader};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use link::Link;

use crate::error::{LabError, Result};
use crate::machine::{Commands, Machine};
use crate::netns::Namespace;
use crate::record::RunDir;
use crate::vm::console_tail;
use crate::wire::{Answer, Request, read_line, write_line};

mod link;

/// Starts the VM's machine and serves its socket until this process is ended, or the lab's owner has died.
///
/// # Errors
/// When the machine can't be started or the socket not made.
pub fn keep(dir: &RunDir, vm: &str, program: &Path) -> Result<()> {
    dir.add_current_process(vm)?;
    let record = dir.record()?;
    let kind = record
        .vms
        .iter()
        .find(|known| known.name == vm)
        .map(|known| known.kind)
        .ok_or_else(|| LabError::NoLab(dir.name().to_owned()))?;
    let commands = Machine { dir, vm, program }.prepare(kind)?;
    let machine = start(dir, vm, commands)?;
    let link = Link::new(machine)?;
    let socket = dir.vm_file(vm, "socket");
    // It gets its name when it listens: between bind and listen a client would be refused.
    let unready = dir.vm_file(vm, "socket.new");
    let listener = UnixListener::bind(&unready)
        .and_then(|listener| std::fs::rename(&unready, &socket).map(|()| listener))
        .map_err(|source| LabError::File {
            doing: "listen on",
            path: socket,
            source,
        })?;
    watch_owner(dir.clone());
    for client in listener.incoming() {
        let client = client.map_err(|source| LabError::Pipe("accept a client", source))?;
        let (link, dir, vm) = (Arc::clone(&link), dir.clone(), vm.to_owned());
        thread::spawn(move || {
            // A client that goes away gets no answer, and nobody else minds.
            serve(&link, client, &|| console_tail(&dir, &vm)).ok();
        });
    }
    Ok(())
}

/// Starts the file server, waits for its socket, starts the machine: all in the fabric's namespace, where its tap is.
fn start(dir: &RunDir, vm: &str, commands: Commands) -> Result<Child> {
    let fabric = Namespace::open(&dir.namespace("fabric"))?;
    let log = |what: &str| {
        let path = dir.vm_file(vm, what);
        std::fs::File::create(&path).map_err(|source| LabError::File {
            doing: "make",
            path,
            source,
        })
    };
    if let Some((mut server, socket)) = commands.server {
        let log = log("server")?;
        let errors = log
            .try_clone()
            .map_err(|source| LabError::Pipe("copy a handle", source))?;
        server.stdin(Stdio::null()).stdout(log).stderr(errors);
        let mut server = fabric.spawn(server)?;
        wait_for(&socket, &mut server)?;
    }
    let mut machine: Command = commands.machine;
    machine
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log("console")?);
    fabric.spawn(machine)
}

fn wait_for(socket: &Path, server: &mut Child) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !socket.exists() {
        let ended = server
            .try_wait()
            .map_err(|source| LabError::Pipe("wait for the file server", source))?;
        if ended.is_some() || Instant::now() > deadline {
            return Err(LabError::File {
                doing: "wait for the file server's",
                path: socket.to_owned(),
                source: io::ErrorKind::NotFound.into(),
            });
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Ends this process, and so the machine, once the lab's owner is dead or the lab is gone.
fn watch_owner(dir: RunDir) {
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_secs(1));
            let orphaned = match dir.record() {
                Ok(record) => record
                    .owner
                    .is_some_and(|owner| owner.is_alive().is_ok_and(|alive| !alive)),
                Err(LabError::NoLab(_)) => true,
                Err(_) => false,
            };
            if orphaned {
                std::process::exit(0);
            }
        }
    });
}

/// Serves one client: requests one after the other, each with its answer.
fn serve(link: &Link, client: UnixStream, console: &dyn Fn() -> String) -> io::Result<()> {
    let mut requests = BufReader::new(client.try_clone()?);
    let mut client = client;
    while let Some(request) = read_line::<Request>(&mut requests)? {
        let answer = link.ask(request).unwrap_or_else(|what| Answer::Died {
            what,
            console: console(),
        });
        write_line(&mut client, &answer)?;
    }
    Ok(())
}
