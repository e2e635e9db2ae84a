//! How the controller refuses, as the user sees it.

use anyhow::anyhow;
use netghost_client::Refusal;
use tonic::{Code, Status};

use super::Place;
use crate::error::Failure;

/// What a failed call means for the command.
pub fn refused(status: &Status, place: &Place) -> Failure {
    if let Some(refusal) = netghost_client::refusal(status) {
        return by_tls(refusal, place);
    }
    let error = chain(status);
    let login = format!(
        "log in again: `netghost login --controller HOST:PORT --context {}`",
        place.name
    );
    match status.code() {
        Code::NotFound => Failure::usage("not_found", error),
        Code::InvalidArgument | Code::OutOfRange => Failure::usage("invalid", error),
        Code::AlreadyExists => Failure::usage("exists", error),
        Code::FailedPrecondition => Failure::usage("precondition", error),
        Code::Unauthenticated => Failure::failed("unauthenticated", error).hint(login),
        Code::PermissionDenied if is_gone(status) => Failure::failed("permission_denied", error).hint(
            format!("ask an admin of the controller for a new token, and {login}"),
        ),
        Code::PermissionDenied => Failure::failed("permission_denied", error)
            .hint("ask an admin of the controller; `netghost controller status` shows your role"),
        Code::Unavailable => Failure::failed("unavailable", error)
            .hint("check that the controller runs and can be reached from here, and try again"),
        Code::DeadlineExceeded => {
            Failure::failed("deadline", error).hint("try again, or allow more time with --deadline")
        }
        // Waiting frees no space; the controller says what does.
        Code::ResourceExhausted if status.message().contains("disk is full") => {
            Failure::failed("disk_full", error)
        }
        Code::ResourceExhausted => Failure::failed("busy", error).hint("try again later"),
        Code::DataLoss => {
            Failure::failed("edited", error).hint("restore the controller's store from a backup")
        }
        Code::Unimplemented => Failure::failed("unimplemented", error)
            .hint("the controller is of another version: update the older of the two"),
        Code::Ok | Code::Cancelled | Code::Unknown | Code::Aborted | Code::Internal => {
            Failure::failed("internal", error).hint("see the controller's log")
        }
    }
}

/// True if the controller says that this identity was revoked or removed: it can ask for nothing, not even for its role.
fn is_gone(status: &Status) -> bool {
    [" was revoked at ", " was removed at "]
        .iter()
        .any(|words| status.message().contains(words))
}

fn by_tls(refusal: Refusal, place: &Place) -> Failure {
    let hint = match refusal {
        Refusal::OutOfPeriod => "compare this machine's clock with the controller's, or log in again",
        Refusal::Foreign | Refusal::Certificate => "log in again with a token of this controller",
        Refusal::Other => "see the controller's log",
    };
    let what = format!("cannot use context {}", place.name);
    Failure::failed("unauthenticated", anyhow!(refusal).context(what)).hint(hint)
}

/// What the controller said, else what happened on the way.
fn chain(status: &Status) -> anyhow::Error {
    let mut said = match status.message() {
        "" => status.code().description().to_owned(),
        message => message.to_owned(),
    };
    let mut next = std::error::Error::source(status);
    while let Some(error) = next {
        let text = error.to_string();
        if !said.contains(&text) {
            said += &format!(": {text}");
        }
        next = error.source();
    }
    anyhow!(said)
}

/// True if the call may not have reached the controller, or its answer was lost: asking again can help.
pub(super) fn is_lost(status: &Status) -> bool {
    // Only a status that was made on this side has a source.
    let on_the_way =
        std::error::Error::source(status).is_some() && netghost_client::refusal(status).is_none();
    on_the_way || status.code() == Code::Unavailable
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit;

    fn place() -> Place {
        Place {
            name: "lab".to_owned(),
            seen: "/nowhere".into(),
            standalone: false,
        }
    }

    #[test]
    fn each_refusal_has_its_status_and_says_what_to_do() {
        let table = [
            (Code::NotFound, exit::Status::Usage, false),
            (Code::InvalidArgument, exit::Status::Usage, false),
            (Code::AlreadyExists, exit::Status::Usage, false),
            (Code::FailedPrecondition, exit::Status::Usage, false),
            (Code::Unauthenticated, exit::Status::Failed, true),
            (Code::PermissionDenied, exit::Status::Failed, true),
            (Code::Unavailable, exit::Status::Failed, true),
            (Code::DeadlineExceeded, exit::Status::Failed, true),
            (Code::ResourceExhausted, exit::Status::Failed, true),
            (Code::DataLoss, exit::Status::Failed, true),
            (Code::Unimplemented, exit::Status::Failed, true),
            (Code::Internal, exit::Status::Failed, true),
            (Code::Unknown, exit::Status::Failed, true),
        ];
        for (code, status, hint) in table {
            let failure = refused(&Status::new(code, "because"), &place());
            assert_eq!(failure.status, status, "{code:?}");
            assert_eq!(format!("{:#}", failure.error), "because", "{code:?}");
            // What the controller itself says ends in what to do where the input was wrong.
            assert_eq!(failure.hint.is_some(), hint, "{code:?}");
        }
        let full = Status::resource_exhausted("the controller's disk is full: free some space on it");
        let full = refused(&full, &place());
        assert_eq!((full.code, full.hint), ("disk_full", None));
        for word in ["revoked", "removed"] {
            let gone = format!("user ada was {word} at Nov 23 00:00:00 2026 +00:00: left");
            let gone = refused(&Status::permission_denied(gone), &place());
            let hint = gone.hint.unwrap();
            assert!(
                hint.contains("new token") && hint.contains("netghost login"),
                "{hint}"
            );
        }
        let silent = refused(&Status::new(Code::Unavailable, ""), &place());
        assert!(!format!("{:#}", silent.error).is_empty());
    }
}
