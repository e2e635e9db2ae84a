//! `netghost-agent enroll`.

use std::io::{IsTerminal, Read, Write};
use std::path::Path;
use std::time::Duration;

use netghost_client::{Address, Dial, DialError, EnrolError, Files, Identity, Key, Trust, fingerprint};
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::key::PublicKey;
use netghost_core::artifact::name::Name;
use netghost_core::bytes::Big;
use netghost_core::fleet::Token;
use netghost_proto::v1;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Serialize;
use tonic::Code;

use crate::advice;
use crate::args::{Enroll, Format};
use crate::capture::chain;
use crate::config::Config;
use crate::disk::{Disk, private_directory};
use crate::failure::{Failure, Status, answer, json_line, printable};
use crate::files::{self, APPROVERS, Approvers, ENROLMENT, Enrolment};
use crate::link::backoff::{self, Draw};
use crate::outside::{Host, now_us, random, since_boot};
use crate::status;

mod azure;

use azure::Metadata;

/// How long the same key may ask again for a reply that was lost; the controller's rule.
const AGAIN: Duration = Duration::from_secs(600);
/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(30);
/// What to do where a token was refused.
const NEW_TOKEN: &str = "ask for a new token (netghost token create) if it was used, late or altered";
/// What to do where an attested document was refused.
const TOKEN_INSTEAD: &str = "the controller's audit log has the same words for its admin; a token (netghost token create) is the other way in";
/// The longest token, in bytes: no token is as long.
const LONGEST: u64 = 4 * 1024;
/// The schema of the answer.
const SCHEMA: &str = "netghost.agent_enrolled/v1";

#[derive(Serialize)]
struct Enrolled<'a> {
    schema: &'static str,
    id: String,
    name: &'a str,
    controller: String,
    certificate_until_us: u64,
}

/// Joins the fleet: nothing is left half done, and asked again after a lost reply it goes on with the same key.
pub(super) fn enroll(config: &Config, args: &Enroll, format: Format) -> Result<Status, Failure> {
    let state = &config.state_directory;
    let own = || {
        files::give_to_owner(state).map_err(|error| {
            Failure::failed(
                "state",
                format_args!("cannot give {} to its owner: {error}", state.display()),
            )
        })
    };
    private_directory(state).map_err(|error| {
        Failure::failed("state", format_args!("cannot make {}: {error}", state.display()))
    })?;
    own()?;
    let files = Files::new(state);
    not_yet(&files, args)?;
    let address = args.controller.clone().or_else(|| config.controller.clone());
    let address = address.ok_or_else(|| {
        Failure::usage("no_controller", "no controller is named")
            .hint("--controller HOST:PORT, or set `controller` in /etc/netghost/agent.toml")
    })?;
    let way = way(config, args)?;
    let name = wanted_name(args)?;
    let dial = Dial {
        proxy: config.proxy.clone(),
        ..Dial::new(address.clone(), Trust::Fingerprint(way.ca))
    };
    let joined = super::runtime()?.block_on(join(&dial, &way, &files, &name));
    own()?;
    let (identity, answered) = joined?;
    let pinned = pin(&config.approvers_file, way.approvers, &answered)?;
    keep(state, &address, way.approvers, &answered)?;
    let lock = files.lock()?;
    files.save(&identity)?;
    drop(lock);
    own()?;
    tell((&identity, &answered), &address, &pinned, format)?;
    Ok(Status::Good)
}

/// How to come in, and whom to believe meanwhile.
struct Way {
    /// SHA-256 of the SPKI of the controller's CA.
    ca: Digest,
    /// Likewise of the approvers' CA, if it is to be pinned.
    approvers: Option<Digest>,
    proof: Proof,
}

/// By what one comes in.
enum Proof {
    /// A token.
    Token(Box<Token>),
    /// What the metadata service says of this VM.
    Azure(Metadata),
}

fn way(config: &Config, args: &Enroll) -> Result<Way, Failure> {
    let given = given_ca(args)?;
    if args.azure {
        let ca = args.ca_fingerprint.or(given).ok_or_else(|| {
            Failure::usage("no_ca", "nothing says which controller is meant: no token names its CA").hint(
                "--ca-file FILE or --ca-fingerprint SHA256: `netghost-controller init` printed it as `authority`",
            )
        })?;
        return Ok(Way {
            ca,
            approvers: args.approvers,
            proof: Proof::Azure(Metadata::at(&config.metadata_service)),
        });
    }
    let token = token(args)?;
    pinned(args, given, &token)?;
    Ok(Way {
        ca: token.ca,
        approvers: token.approvers,
        proof: Proof::Token(Box::new(token)),
    })
}

/// What became of the approvers' CA.
enum Pinned {
    /// None is named.
    NotNamed,
    /// The controller has none, or an older one that gives none.
    NotGiven,
    /// It lies there now, or did before.
    There,
}

/// Pins the approvers' CA that the controller gave, if it is the one that the token or the command line names: that came from an admin, the
/// CA's key from a controller, which is not believed. One that lies there already stays.
fn pin(path: &Path, named: Option<Digest>, answered: &v1::Identity) -> Result<Pinned, Failure> {
    let Some(named) = named else {
        return Ok(Pinned::NotNamed);
    };
    let failed = |why: String| Failure::failed("approvers", format_args!("{}: {why}", path.display()));
    match std::fs::read_to_string(path) {
        Ok(pem) => {
            let found = PublicKey::from_pem(&pem)
                .map_err(|error| failed(chain(&error)))?
                .id();
            return match found == named {
                true => Ok(Pinned::There),
                false => Err(failed(format!(
                    "it pins the approvers' CA {found}, and the one that is to be trusted is {named}"
                ))
                .hint("one of the two is of other approvers: find out which, and remove the file if it is this one")),
            };
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error.to_string())),
    }
    if answered.approvers.is_empty() {
        return Ok(Pinned::NotGiven);
    }
    let given = PublicKey::from_pem(&answered.approvers).map_err(|error| failed(chain(&error)))?;
    if given.id() != named {
        return Err(failed(format!(
            "the controller gives the approvers' CA {}, and the one that is to be trusted is {named}",
            given.id()
        ))
        .hint("the controller is not believed: find out who changed it before anything else"));
    }
    // Written anew from the key: nothing else of what came gets there.
    let pem = given.to_pem().map_err(|error| failed(chain(&error)))?;
    Disk::default()
        .replace(path, 0o644, pem.as_bytes())
        .map_err(|error| {
            failed(format!("it can't be written: {error}"))
                .hint("enrol as root, in a directory that is there")
        })?;
    Ok(Pinned::There)
}

fn not_yet(files: &Files, args: &Enroll) -> Result<(), Failure> {
    match files.load() {
        Ok(Some(identity)) if !args.replace => Err(Failure::usage(
            "already_enrolled",
            format_args!("already enrolled as {}", identity.spiffe),
        )
        .hint("`--replace` takes a new identity in its place")),
        // A damaged identity is as good as none where another takes its place.
        Err(error) if !args.replace => Err(error.into()),
        _ => Ok(()),
    }
}

/// The token, from a file or standard input.
fn token(args: &Enroll) -> Result<Token, Failure> {
    let file = args.token_file.as_deref().filter(|path| *path != Path::new("-"));
    let mut text = zeroize::Zeroizing::new(String::new());
    let (what, read) = match file {
        Some(path) => {
            let read =
                std::fs::File::open(path).and_then(|file| file.take(LONGEST).read_to_string(&mut text));
            (path.display().to_string(), read)
        }
        None => {
            if std::io::stdin().is_terminal() && args.token_file.is_none() {
                return Err(Failure::usage("no_token", "no token is given")
                    .hint("--token-file FILE, or pipe it in: netghost token create | …"));
            }
            let read = std::io::stdin().take(LONGEST).read_to_string(&mut text);
            ("standard input".to_owned(), read)
        }
    };
    read.map_err(|error| {
        Failure::usage(
            "no_token",
            format_args!("cannot read the token from {what}: {error}"),
        )
    })?;
    Token::parse(&text).map_err(|error| {
        Failure::usage("not_a_token", format_args!("{what}: {}", chain(&error)))
            .hint("`netghost token create` prints one")
    })
}

/// The CA that came by another way, if one did.
fn given_ca(args: &Enroll) -> Result<Option<Digest>, Failure> {
    let Some(path) = &args.ca_file else {
        return Ok(None);
    };
    let wrong = |why: String| Failure::usage("ca_file", format_args!("{}: {why}", path.display()));
    let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let der = CertificateDer::from_pem_slice(&pem).map_err(|error| wrong(error.to_string()))?;
    let found = fingerprint(&der).ok_or_else(|| wrong("not a certificate".to_owned()))?;
    Ok(Some(found))
}

/// It must be the one that the token names.
fn pinned(args: &Enroll, given: Option<Digest>, token: &Token) -> Result<(), Failure> {
    let (Some(path), Some(found)) = (&args.ca_file, given.filter(|found| *found != token.ca)) else {
        return Ok(());
    };
    let why = format!(
        "{}: its fingerprint is {found}, the token's is {}",
        path.display(),
        token.ca
    );
    Err(Failure::usage("ca_file", why)
        .hint("one of the two is of another controller: find out which before anything else"))
}

fn wanted_name(args: &Enroll) -> Result<Name, Failure> {
    if let Some(name) = &args.name {
        return Ok(name.clone());
    }
    Name::parse(&Host::this().name)
        .map_err(|error| Failure::usage("name", format_args!("the host's name: {error}")).hint("--name NAME"))
}

/// Asks, and asks again while it may be that nobody heard or that the answer was lost.
async fn join(
    dial: &Dial,
    way: &Way,
    files: &Files,
    name: &Name,
) -> Result<(Identity, v1::Identity), Failure> {
    let seed = random().map_err(|error| Failure::of("internal", &error))?;
    let mut draw = Draw::new(u64::from_le_bytes(seed));
    let end = since_boot().saturating_add(AGAIN);
    for tries in 0_u32.. {
        // On the disk before it is used: a process that ends here asks again by the same key.
        let key = files.pending()?;
        let failure = match once(dial, way, key, name).await {
            Ok(joined) => return Ok(joined),
            Err(Refused::Final(failure)) => return Err(failure),
            Err(Refused::Passing(failure)) => failure,
        };
        let wait = backoff::wait(tries, &mut draw);
        if since_boot().saturating_add(wait) >= end {
            return Err(failure);
        }
        let line = format!(
            "netghost-agent: {}: asking again in {} s\n",
            printable(&failure.message),
            wait.as_secs_f32().ceil()
        );
        // Progress that nobody reads is no failure.
        drop(std::io::stderr().write_all(line.as_bytes()));
        tokio::time::sleep(wait).await;
    }
    Err(Failure::failed("unreachable", "no answer"))
}

/// What a try ended in.
enum Refused {
    /// It may be better in a moment.
    Passing(Failure),
    /// It will not.
    Final(Failure),
}

async fn once(dial: &Dial, way: &Way, key: Key, name: &Name) -> Result<(Identity, v1::Identity), Refused> {
    let channel = dial.connect().await.map_err(|error| not_dialled(&error))?;
    match &way.proof {
        Proof::Token(token) => {
            let asked = netghost_client::enrol(channel, token, key, name.as_str());
            answered(asked, NEW_TOKEN).await
        }
        Proof::Azure(metadata) => {
            let asked = netghost_client::challenge(channel.clone(), &key);
            let nonce = answered(asked, TOKEN_INSTEAD).await?.nonce;
            let proof = metadata.proof(&nonce).await?;
            let asked = netghost_client::attest(channel, &dial.trust, key, name.as_str(), proof);
            answered(asked, TOKEN_INSTEAD).await
        }
    }
}

/// What the controller answers in time. Where it refuses for good, `hint` says what to do.
async fn answered<T>(
    asked: impl Future<Output = Result<T, EnrolError>>,
    hint: &'static str,
) -> Result<T, Refused> {
    match tokio::time::timeout(ANSWER, asked).await {
        Err(_) => Err(Refused::Passing(Failure::failed(
            "unreachable",
            "the controller did not answer",
        ))),
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(refused(&error, hint)),
    }
}

fn not_dialled(error: &DialError) -> Refused {
    let mut failure = Failure::of("unreachable", error);
    failure.hint = advice::of(error);
    let certificate = match error {
        DialError::Tls { source, .. } => matches!(
            advice::tls_error(source),
            Some(rustls::Error::InvalidCertificate(_) | rustls::Error::PeerIncompatible(_))
        ),
        DialError::Own(_) => true,
        _ => false,
    };
    if certificate {
        failure.code = "not_the_controller";
        Refused::Final(failure)
    } else {
        Refused::Passing(failure)
    }
}

fn refused(error: &EnrolError, hint: &'static str) -> Refused {
    let EnrolError::Refused(status) = error else {
        return Refused::Final(Failure::of("answer", error));
    };
    let failure = Failure::failed("refused", chain(error));
    match status.code() {
        // The nonce was late, or the metadata service answered from its memory.
        Code::Aborted => Refused::Passing(failure),
        // How one says it that never heard of attested documents.
        Code::Unimplemented => {
            Refused::Final(failure.hint("the controller is older than this agent: update it"))
        }
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown | Code::Internal => {
            Refused::Passing(failure)
        }
        Code::ResourceExhausted => Refused::Passing(failure),
        _ => Refused::Final(failure.hint(hint)),
    }
}

/// What is kept beside the identity is on the disk before it.
fn keep(
    state: &Path,
    address: &Address,
    approvers: Option<Digest>,
    answered: &v1::Identity,
) -> Result<(), Failure> {
    let disk = Disk::default();
    let enrolment = Enrolment {
        schema: Enrolment::SCHEMA.to_owned(),
        controller: address.to_string(),
        name: answered.name.clone(),
        at_us: Big(now_us()),
    };
    let mut kept = files::write(&disk, state, ENROLMENT, &enrolment);
    if let Some(ca) = approvers {
        let schema = Approvers::SCHEMA.to_owned();
        kept = kept.and_then(|()| files::write(&disk, state, APPROVERS, &Approvers { schema, ca }));
    }
    kept.map_err(|error| {
        Failure::failed(
            "state",
            format_args!("cannot write in {}: {error}", state.display()),
        )
    })
}

fn tell(
    (identity, answered): (&Identity, &v1::Identity),
    address: &Address,
    pinned: &Pinned,
    format: Format,
) -> Result<(), Failure> {
    let approvers = match pinned {
        Pinned::NotNamed => "",
        Pinned::NotGiven => {
            "  the controller has no approvers' CA yet: nothing can be asked of this VM before it is put there by hand\n"
        }
        Pinned::There => "  the approvers' CA that is to be trusted is pinned\n",
    };
    let (id, name) = (&identity.spiffe.id, &answered.name);
    answer(&match format {
        Format::Text => printable(&format!(
            "enrolled as {name} ({id}) with {address}\n  certificate until {}, renewed by itself\n{approvers}  \
             now: systemctl enable --now netghost-agent (a running agent takes it up by itself)\n",
            status::time(identity.not_after_us)
        )),
        Format::Json => json_line(&Enrolled {
            schema: SCHEMA,
            id: id.to_string(),
            name,
            controller: address.to_string(),
            certificate_until_us: identity.not_after_us,
        })?,
    })
}
