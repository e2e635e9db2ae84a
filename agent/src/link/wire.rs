//! From the controller's messages to events, and from failed calls to losses.

use std::time::Duration;

use netghost_client::refusal;
use netghost_proto::convert;
use netghost_proto::v1;
use netghost_proto::v1::command::Kind as CommandKind;
use netghost_proto::v1::controller_message::Kind;
use tonic::{Code, Status};

use super::machine::{Event, Loss, LossKind};
use crate::capture::chain;
use crate::order::{Act, Capture, Failed, Order};

/// What to do when the controller refuses this identity.
const ENROL_AGAIN: &str = "enrol again with a new token: netghost-agent enroll --replace";

/// A message from the controller, behind the edge.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Heard {
    /// For the machine.
    Event(Event),
    /// A head of the audit log, to be kept.
    Head(v1::AuditHead),
    /// A second welcome, or something that this version does not know; why it is passed over.
    Nothing(String),
}

/// What a message says.
pub(super) fn heard(message: v1::ControllerMessage) -> Heard {
    let event = match message.kind {
        Some(Kind::Probe(number)) => Event::Probe(number),
        Some(Kind::Command(command)) => return asked(&command),
        Some(Kind::Acknowledged(acknowledged)) => {
            let ids = acknowledged.commands.iter();
            // An id that is none is of no command of ours.
            Event::Acknowledged(ids.filter_map(|id| convert::id("commands", id).ok()).collect())
        }
        Some(Kind::Head(head)) => return Heard::Head(head),
        Some(Kind::Revoked(revoked)) => Event::Revoked(short(&revoked.reason)),
        Some(Kind::Closing(closing)) => Event::Closing(short(&closing.reason)),
        Some(Kind::Welcome(_)) => return Heard::Nothing("a second welcome".to_owned()),
        None => return Heard::Nothing("a message of a kind that this version does not know".to_owned()),
    };
    Heard::Event(event)
}

fn asked(command: &v1::Command) -> Heard {
    let id = match convert::id("id", &command.id) {
        Ok(id) => id,
        // There is no id to answer with.
        Err(error) => return Heard::Nothing(format!("a command: {error}")),
    };
    let order = match &command.kind {
        Some(CommandKind::Capture(capture)) => {
            let capture = Capture::try_from(capture);
            capture
                .map(Order::Capture)
                .map_err(|error| Failed::new("refused", error))
        }
        Some(CommandKind::Act(act)) => {
            let act = Act::try_from(act);
            act.map(Order::Act).map_err(|error| Failed::new("refused", error))
        }
        None => Err(Failed::new(
            "unsupported",
            format_args!(
                "netghost-agent {} does not know this kind of command: upgrade it",
                env!("CARGO_PKG_VERSION")
            ),
        )),
    };
    Heard::Event(Event::Command {
        id,
        lifetime: Duration::from_millis(command.lifetime_ms),
        order,
    })
}

/// Text from the controller, cut where it is too long to be shown.
pub(super) fn short(text: &str) -> String {
    text.chars().take(500).collect()
}

/// What follows from a call that failed.
pub(super) fn loss(what: &str, status: &Status) -> Loss {
    let (kind, why, hint) = match (refusal(status), status.code()) {
        (Some(netghost_client::Refusal::OutOfPeriod), _) => (
            LossKind::Passing,
            chain_of(netghost_client::Refusal::OutOfPeriod),
            Some(
                "the running agent gets a new one by the old key (systemctl restart netghost-agent); if it can't, set this \
                 VM's clock and look at the controller's",
            ),
        ),
        (Some(refusal @ netghost_client::Refusal::Other), _) => (LossKind::Passing, chain_of(refusal), None),
        (Some(refusal), _) => (LossKind::Refused, chain_of(refusal), Some(ENROL_AGAIN)),
        (None, Code::AlreadyExists) => (
            LossKind::Contested,
            short(status.message()),
            Some(
                "two agents use one identity: if a disk was copied, run `netghost-agent enroll --replace` on the copy",
            ),
        ),
        (None, Code::PermissionDenied | Code::Unauthenticated) => {
            (LossKind::Refused, short(status.message()), Some(ENROL_AGAIN))
        }
        (None, _) => (LossKind::Passing, of_status(status), None),
    };
    Loss {
        kind,
        why: format!("{what}: {why}"),
        hint: hint.map(str::to_owned),
    }
}

fn chain_of(refusal: netghost_client::Refusal) -> String {
    refusal.to_string()
}

/// A status and what lies below it.
pub(super) fn of_status(status: &Status) -> String {
    let below = std::error::Error::source(status).map(chain);
    let message = short(status.message());
    match below {
        Some(below) if !message.contains(&below) => format!("{message}: {}", short(&below)),
        _ if message.is_empty() => status.code().description().to_owned(),
        _ => message,
    }
}

#[cfg(test)]
mod tests {
    use netghost_core::fleet::Id;

    use super::*;

    fn message(kind: Kind) -> v1::ControllerMessage {
        v1::ControllerMessage { kind: Some(kind) }
    }

    fn command(id: &str, kind: Option<CommandKind>) -> Heard {
        heard(message(Kind::Command(v1::Command {
            id: id.to_owned(),
            lifetime_ms: 1_500,
            kind,
        })))
    }

    #[test]
    fn a_command_is_taken_or_says_why_not() {
        let id = Id::from_random([1; 16]);
        let capture = |sections: &[&str]| {
            Some(CommandKind::Capture(v1::Capture {
                sections: sections.iter().map(|name| (*name).to_owned()).collect(),
                ..v1::Capture::default()
            }))
        };
        let code = |heard: Heard| match heard {
            Heard::Event(Event::Command {
                id: found,
                lifetime,
                order,
            }) => {
                assert_eq!((found, lifetime), (id, Duration::from_millis(1_500)));
                order.err().map(|failed| failed.code)
            }
            other => panic!("{other:?}"),
        };
        let text = id.to_string();
        assert_eq!(code(command(&text, capture(&["tc"]))), None);
        assert_eq!(
            code(command(&text, capture(&["nonsense"]))),
            Some("refused".to_owned())
        );
        assert_eq!(code(command(&text, None)), Some("unsupported".to_owned()));
        assert!(matches!(command("../../x", capture(&[])), Heard::Nothing(_)));
    }

    #[test]
    fn garbage_is_passed_over() {
        assert!(matches!(
            heard(v1::ControllerMessage { kind: None }),
            Heard::Nothing(_)
        ));
        assert!(matches!(
            heard(message(Kind::Welcome(v1::Welcome::default()))),
            Heard::Nothing(_)
        ));
        let ids = vec![
            "x".to_owned(),
            Id::from_random([1; 16]).to_string(),
            "y".repeat(10_000),
        ];
        let acknowledged = heard(message(Kind::Acknowledged(v1::Acknowledged { commands: ids })));
        assert_eq!(
            acknowledged,
            Heard::Event(Event::Acknowledged(vec![Id::from_random([1; 16])]))
        );
    }

    #[test]
    fn what_a_refusal_means() {
        for (status, kind) in [
            (Status::already_exists("x"), LossKind::Contested),
            (Status::permission_denied("x"), LossKind::Refused),
            (Status::unauthenticated("x"), LossKind::Refused),
            (Status::unavailable("x"), LossKind::Passing),
            (Status::failed_precondition("x"), LossKind::Passing),
        ] {
            let loss = loss("say hello", &status);
            assert_eq!(loss.kind, kind, "{status}");
            assert_eq!(loss.why, "say hello: x");
            assert_eq!(loss.hint.is_some(), kind != LossKind::Passing);
        }
    }
}
