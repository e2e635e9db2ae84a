//! `netghost-controller completions` and `man`.

use std::path::PathBuf;

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;
use serde_json::Value;

use super::failure::Failure;
use super::{Answer, Args};

/// Which shell.
#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Where to.
#[derive(Debug, clap::Args)]
pub(super) struct Man {
    /// A directory; pages of the same names in it are replaced
    directory: PathBuf,
}

impl Completions {
    pub(super) fn run(self) -> Result<Answer, Failure> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Args::command(), "netghost-controller", &mut text);
        Ok(plain(String::from_utf8_lossy(&text).into_owned()))
    }
}

impl Man {
    pub(super) fn run(self) -> Result<Answer, Failure> {
        let what = || format!("write manual pages to {}", self.directory.display());
        std::fs::create_dir_all(&self.directory)
            .and_then(|()| clap_mangen::generate_to(Args::command(), &self.directory))
            .with_context(what)
            .map_err(|error| Failure::failed("write", error))?;
        Ok(plain(String::new()))
    }
}

fn plain(text: String) -> Answer {
    Answer {
        status: 0,
        document: Value::Null,
        text,
        next: None,
    }
}
