//! Approvers: their CA, who is on its list, and one's own key.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use netghost_core::artifact::key::PublicKey;
use netghost_core::artifact::name::Name;
use netghost_core::gate::Roster;
use netghost_proto::v1;

use super::Call;
use crate::approvers::{self, Authority, OwnKey, pin};
use crate::documents::approvers::{Approvers as Document, KEY, OwnKey as KeyDocument, SCHEMA};
use crate::documents::document;
use crate::error::Failure;
use crate::exit::Status;
use crate::fleet;
use crate::gate;
use crate::output::{Outcome, note};
use crate::{examples, text};

/// Who may consent.
#[derive(Debug, clap::Subcommand)]
pub enum Approvers {
    /// Make the approvers' CA, on a machine that is no controller and no VM
    #[command(after_help = examples::APPROVERS_INIT)]
    Init(Place),
    /// Add an approver, and publish the list
    #[command(after_help = examples::APPROVERS_ADD)]
    Add {
        /// The name under which the controller knows them
        name: Name,
        /// The public half of their key, as `approvers key` printed it
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Where.
        #[command(flatten)]
        place: Place,
    },
    /// Have an approver's word count no more, and publish the list
    #[command(after_help = examples::APPROVERS_REVOKE)]
    Revoke {
        /// Their name
        name: Name,
        /// Where.
        #[command(flatten)]
        place: Place,
    },
    /// List them: of the CA on this machine, else as the controller has them
    #[command(after_help = examples::APPROVERS_LIST)]
    List(Place),
    /// Have the controller hand the list to the VMs
    #[command(after_help = examples::APPROVERS_PUBLISH)]
    Publish(Place),
    /// Make your own key for approving, if there is none, and print its public half
    #[command(after_help = examples::APPROVERS_KEY)]
    Key {
        /// Keep it in this file
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// Trust a CA in this context: join tokens that are made here name it
    #[command(after_help = examples::APPROVERS_TRUST)]
    Trust {
        /// The CA's public half, `approvers.pem`
        file: PathBuf,
        /// Also where another one is trusted
        #[arg(long)]
        replace: bool,
    },
}

/// Where the CA is.
#[derive(Debug, clap::Args)]
pub struct Place {
    /// Where the CA is, if it is not in the command's own configuration
    #[arg(long, value_name = "DIRECTORY")]
    dir: Option<PathBuf>,
}

/// Runs one of them.
pub fn run(command: &Approvers, call: &Call<'_>) -> Result<Outcome, Failure> {
    let place = |place: &Place| Authority::place(call.world, place.dir.as_deref());
    match command {
        Approvers::Init(at) => init(&place(at)?, call),
        Approvers::Add { name, key, place: at } => {
            let key = approvers::public_key(key)?;
            let authority = place(at)?;
            edit(&authority, call, |authority| authority.add(name.clone(), &key))
        }
        Approvers::Revoke { name, place: at } => edit(&place(at)?, call, |authority| authority.revoke(name)),
        Approvers::List(at) => list(&place(at)?, at.dir.is_some(), call),
        Approvers::Publish(at) => {
            let authority = place(at)?;
            let (ca, _, _) = authority.load()?;
            let mut fleet = call.controller()?;
            adopt(&authority, &mut fleet)?;
            let roster = publish(&authority, &mut fleet)?;
            let mut answer = Document::new(&ca, Some(authority.public_file()), Some(&roster));
            answer.published = Some(true);
            outcome(answer, Status::Good)
        }
        Approvers::Key { key } => own_key(key.as_deref(), call),
        Approvers::Trust { file, replace } => trust(file, *replace, call),
    }
}

fn outcome(answer: Document, status: Status) -> Result<Outcome, Failure> {
    Ok(Outcome {
        status,
        text: text::approvers::approvers(&answer),
        document: document(SCHEMA, answer)?,
    })
}

fn init(authority: &Authority, call: &Call<'_>) -> Result<Outcome, Failure> {
    let (ca, roster) = authority.init()?;
    let file = authority.public_file();
    note(
        call.format,
        &format!(
            "put {} on each VM as /etc/netghost/approvers.pem, owned by root; or have new VMs join with tokens that name it: \
             `netghost approvers trust {}`, then `netghost token create`. Keep a copy of {} where nobody else can read it.",
            file.display(),
            file.display(),
            authority.directory().display()
        ),
    );
    outcome(Document::new(&ca, Some(file), Some(&roster)), Status::Good)
}

/// Edits the list and publishes it where there is a controller. An edit stands also where it could not be published.
fn edit(
    authority: &Authority,
    call: &Call<'_>,
    edit: impl FnOnce(&Authority) -> Result<Roster, Failure>,
) -> Result<Outcome, Failure> {
    let (ca, _, _) = authority.load()?;
    if call.wanted.standalone || fleet::context(call.world, call.wanted)?.is_none() {
        let roster = edit(authority)?;
        note(
            call.format,
            "there is no controller to publish the list to: put roster.dsse.json beside approvers.pem in /etc/netghost on hosts \
             without one",
        );
        return outcome(
            Document::new(&ca, Some(authority.public_file()), Some(&roster)),
            Status::Good,
        );
    }
    let mut fleet = call.controller()?;
    // Edits from two copies of the CA's directory must not have one version.
    let adopted = adopt(authority, &mut fleet);
    let roster = edit(authority)?;
    let published = adopted.and_then(|()| publish(authority, &mut fleet));
    let mut answer = Document::new(&ca, Some(authority.public_file()), Some(&roster));
    answer.published = Some(published.is_ok());
    let status = match published {
        Ok(_) => Status::Good,
        Err(failure) => {
            answer.why = Some(format!(
                "{:#}; `netghost approvers publish` tries again",
                failure.error
            ));
            Status::Act
        }
    };
    outcome(answer, status)
}

/// Takes over a newer list that the controller has from another copy of the CA's directory.
fn adopt(authority: &Authority, fleet: &mut fleet::Fleet) -> Result<(), Failure> {
    if let Some((_, envelope)) = gate::published(fleet)? {
        authority.adopt(&envelope)?;
    }
    Ok(())
}

fn publish(authority: &Authority, fleet: &mut fleet::Fleet) -> Result<Roster, Failure> {
    let (ca, envelope, roster) = authority.load()?;
    let pem = ca.to_pem().map_err(|error| Failure::failed("internal", error))?;
    let sent = v1::Approvers {
        ca: pem,
        roster: envelope.into(),
    };
    fleet.call(async |client| Ok(client.publish_approvers(sent).await?.into_inner()))?;
    pin(&fleet.place().seen, &ca, false)?;
    Ok(roster)
}

fn list(authority: &Authority, here: bool, call: &Call<'_>) -> Result<Outcome, Failure> {
    if here || authority.exists() {
        let (ca, _, roster) = authority.load()?;
        return outcome(
            Document::new(&ca, Some(authority.public_file()), Some(&roster)),
            Status::Good,
        );
    }
    if call.wanted.standalone || fleet::context(call.world, call.wanted)?.is_none() {
        let (ca, _, roster) = approvers::of_this_host(call.world)?.ok_or_else(nobody)?;
        return outcome(
            Document::new(
                &ca,
                Some(call.world.etc.join(approvers::AUTHORITY)),
                Some(&roster),
            ),
            Status::Good,
        );
    }
    let mut fleet = call.controller()?;
    let (ca, envelope) = gate::published(&mut fleet)?.ok_or_else(nobody)?;
    let pinned: Option<PublicKey> = approvers::pinned(&fleet.place().seen)?;
    if pinned.is_some_and(|pinned| pinned != ca) {
        let error = anyhow!("the controller's list of approvers is of another CA than this context trusts");
        return Err(Failure::act("other_authority", error).hint("ask who has the approvers' CA"));
    }
    let roster = approvers::open(&envelope, &ca, "the controller")?;
    let mut answer = Document::new(&ca, None, Some(&roster));
    answer.published = Some(true);
    outcome(answer, Status::Good)
}

fn nobody() -> Failure {
    let error = anyhow!("there is no approvers' CA");
    Failure::usage("no_authority", error)
        .hint("an admin makes one on a machine of their own: `netghost approvers init`")
}

fn own_key(file: Option<&Path>, call: &Call<'_>) -> Result<Outcome, Failure> {
    let place = OwnKey::place(call.world, file)?;
    let signer = place.make()?;
    let pem = signer
        .public()
        .to_pem()
        .map_err(|error| Failure::failed("internal", error))?;
    let answer = KeyDocument {
        keyid: signer.public().id(),
        pem,
        file: place.path().to_path_buf(),
        public_file: place.public_file(),
    };
    note(
        call.format,
        &format!(
            "give {} to whoever has the approvers' CA, for `netghost approvers add`, and tell them its id by another way: {}",
            answer.public_file.display(),
            answer.keyid
        ),
    );
    Ok(Outcome {
        status: Status::Good,
        text: text::approvers::own_key(&answer),
        document: document(KEY, answer)?,
    })
}

fn trust(file: &Path, replace: bool, call: &Call<'_>) -> Result<Outcome, Failure> {
    let ca = approvers::public_key(file)?;
    let Some(context) = fleet::context(call.world, call.wanted)?.filter(|_| !call.wanted.standalone) else {
        let error = anyhow!("no context is in use, and a CA is trusted in one");
        return Err(
            Failure::usage("needs_a_controller", error).hint("`netghost login --controller HOST:PORT`")
        );
    };
    pin(&context.directory, &ca, replace)?;
    outcome(Document::new(&ca, Some(file.to_path_buf()), None), Status::Good)
}
