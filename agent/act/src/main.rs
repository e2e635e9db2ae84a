//! The `netghost-act` program: without words it answers one demand of the connection that is its standard input.

use std::ffi::OsString;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;

use netghost_act::exec::{self, Watched};
use netghost_act::paths::Paths;
use netghost_act::serve::Listen;
use netghost_act::{guard, serve};
use netghost_core::bytes::Text;
use netghost_kernel::frames::uid;

/// The user of the agent, beside root the only one who may ask.
const AGENT: &str = "netghost";
const USAGE: &str = "netghost-act does on this VM what an approver signed for; netghost-act.socket starts it.
Usage: netghost-act [PLACES] [--user NAME]                  answers one demand on standard input, a connected socket
       netghost-act serve --listen PATH [PLACES] [--user NAME]   answers all that connect
       netghost-act guard [--listen PATH] [PLACES]               undoes what nobody confirms
       netghost-act settle [PLACES]                              undoes all that waits, now
PLACES: --state DIRECTORY --policy FILE --approvers FILE --guard SOCKET
";

/// Words of the command line by their name.
struct Words {
    job: String,
    named: Vec<(String, OsString)>,
    behind: Vec<OsString>,
}

impl Words {
    fn read(mut words: impl Iterator<Item = OsString>) -> Option<Self> {
        let mut read = Self {
            job: String::new(),
            named: Vec::new(),
            behind: Vec::new(),
        };
        while let Some(word) = words.next() {
            match word.to_str()? {
                "--" => read.behind.extend(words.by_ref()),
                name if name.starts_with("--") => read.named.push((name.to_owned(), words.next()?)),
                job if read.job.is_empty() && read.named.is_empty() => job.clone_into(&mut read.job),
                _ => return None,
            }
        }
        Some(read)
    }

    fn take(&mut self, name: &str) -> Option<OsString> {
        let at = self.named.iter().position(|(known, _)| known == name)?;
        Some(self.named.remove(at).1)
    }

    fn paths(&mut self) -> Paths {
        let mut paths = Paths::default();
        for (name, path) in [
            ("--state", &mut paths.state),
            ("--policy", &mut paths.policy),
            ("--approvers", &mut paths.approvers),
            ("--guard", &mut paths.guard),
        ] {
            if let Some(given) = self.take(name) {
                *path = given.into();
            }
        }
        paths
    }

    fn listen(&mut self) -> Listen {
        self.take("--listen")
            .map_or(Listen::Standard, |path| Listen::At(path.into()))
    }

    fn users(&mut self) -> Vec<u32> {
        let name = self.take("--user").and_then(|name| name.into_string().ok());
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let agent = uid(&users, name.as_deref().unwrap_or(AGENT));
        [0].into_iter().chain(agent).collect()
    }

    fn traced(&mut self) -> Option<std::io::Result<std::process::ExitStatus>> {
        let trace = PathBuf::from(self.take("--trace")?);
        let parent = self.take("--parent")?.to_str()?.parse().ok()?;
        Some(exec::traced(&trace, parent, &self.behind))
    }

    fn watched(&mut self) -> Option<Watched<'_>> {
        Some(Watched {
            trace: self.take("--trace")?.into(),
            parent: self.take("--parent")?.to_str()?.parse().ok()?,
            namespace: Text::from(self.take("--namespace")?.into_string().ok()?),
            cgroup: self.take("--cgroup").map(PathBuf::from),
            words: &self.behind,
        })
    }
}

fn main() -> ExitCode {
    match Words::read(std::env::args_os().skip(1)) {
        Some(words) => run(words),
        None => ended(2, USAGE),
    }
}

fn run(mut words: Words) -> ExitCode {
    let job = std::mem::take(&mut words.job);
    match job.as_str() {
        // The stages before another program.
        "exec" => lived(words.traced()),
        "inside" => lived(Some(exec::inside(&words.behind))),
        "watch" => lived(words.watched().map(|watched| exec::watch(&watched))),
        "" | "serve" | "guard" | "settle" => daemon(&job, words),
        _ => ended(2, USAGE),
    }
}

/// As the program ended.
fn lived(ended_so: Option<std::io::Result<std::process::ExitStatus>>) -> ExitCode {
    match ended_so {
        Some(Ok(status)) => ExitCode::from(status.code().and_then(|code| code.try_into().ok()).unwrap_or(4)),
        Some(Err(error)) => failed(&error),
        None => ended(2, USAGE),
    }
}

fn daemon(job: &str, mut words: Words) -> ExitCode {
    let paths = words.paths();
    let users = words.users();
    let listen = words.listen();
    if !words.named.is_empty() || !words.behind.is_empty() {
        return ended(2, USAGE);
    }
    let done = match job {
        "serve" => serve::all(&listen, &paths, &users),
        "guard" => guard::run(&paths, &listen),
        "settle" => guard::settle(&paths),
        _ => match std::io::stdin()
            .as_fd()
            .try_clone_to_owned()
            .map(UnixStream::from)
        {
            Ok(stream) if stream.peer_addr().is_ok() => serve::one(&stream, &paths, &users),
            _ => return ended(2, USAGE),
        },
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &std::io::Error) -> ExitCode {
    ended(4, &format!("netghost-act: {error}\n"))
}

fn ended(status: u8, why: &str) -> ExitCode {
    // There is nobody else to tell.
    drop(std::io::stderr().write_all(why.as_bytes()));
    ExitCode::from(status)
}
