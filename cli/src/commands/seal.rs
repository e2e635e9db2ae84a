//! Signing files under a name.

use std::path::{Path, PathBuf};

use netghost_core::artifact::certificate::{self, Predicate, SealKind, Statement, Subject};
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::name::Name;
use netghost_core::bytes::{Big, Text};
use serde::Serialize;

use super::Asked;
use super::source::read_word;
use crate::error::Failure;
use crate::exit::Status;
use crate::output::{Outcome, must_be_free, write_new};
use crate::world::{World, tool};

/// Signs files under a name.
#[derive(Debug, clap::Args)]
pub struct Seal {
    /// Files, or `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// The name that they are sealed under
    #[arg(long, value_name = "NAME")]
    name: Name,
    /// Write the certificate to this file, which must not exist; NAME.dsse.json if not given
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Who asks, and for what.
    #[command(flatten)]
    asked: Asked,
    /// A note that is signed with it
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    name: &'a Name,
    certificate: String,
    keyid: Digest,
    public_key: String,
    subjects: &'a [Subject],
}

/// Runs it.
pub fn run(args: &Seal, world: &World) -> Result<Outcome, Failure> {
    let path = args
        .certificate
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{}.dsse.json", args.name)));
    must_be_free(&path)?;
    let statement = statement(args, (world.now_us)())?;
    let store = world.store()?;
    let signer = store.signer((world.now_us)())?;
    let bytes = certificate::sign(&statement, &signer).map_err(|error| Failure::failed("internal", error))?;
    write_new(&path, &bytes)?;
    let keyid = signer.public().id();
    let document = Document {
        schema: "netghost.seal/v1",
        name: &args.name,
        certificate: path.display().to_string(),
        keyid,
        public_key: store
            .root()
            .join("keys")
            .join(format!("{keyid}.pub.pem"))
            .display()
            .to_string(),
        subjects: &statement.subject,
    };
    Ok(Outcome {
        status: Status::Good,
        text: text(&document),
        document: serde_json::to_value(&document).map_err(|error| Failure::failed("internal", error))?,
    })
}

fn statement(args: &Seal, now_us: u64) -> Result<Statement, Failure> {
    let subject = |word: &String| {
        let name = match word.as_str() {
            "-" => "standard input".into(),
            path => Path::new(path)
                .file_name()
                .map_or_else(|| path.into(), |name| name.to_string_lossy()),
        };
        Ok(Subject::new(&name, Digest::of(&read_word(word)?)))
    };
    let seal = certificate::Seal {
        name: args.name.clone(),
        kind: SealKind::Files,
        sealed_at_us: Big(now_us),
        asked_by: args.asked.asked_by(),
        ticket: args.asked.ticket(),
        note: args.note.clone().map(Text::from),
        tool: tool(),
    };
    Ok(Statement {
        subject: args.files.iter().map(subject).collect::<Result<_, Failure>>()?,
        predicate: Predicate::Seal(seal),
    })
}

fn text(document: &Document<'_>) -> String {
    let mut text = format!("sealed as {}: {}\n", document.name, document.certificate);
    for subject in document.subjects {
        text += &format!("  {}  {}\n", subject.digest.sha256, subject.name);
    }
    text + &format!("  signed by {}\n", document.public_key)
}
