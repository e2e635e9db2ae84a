//! Whether anything can be asked of this VM, and whose consent it takes.

use std::io;
use std::path::Path;

use netghost_core::artifact::json::Digest;
use netghost_core::artifact::key::PublicKey;
use netghost_core::gate::{Answer, Demand};

use super::Line;
use crate::capture::chain;
use crate::config::Config;
use crate::link::asked_of_act;

/// The owner's policy; its form is for the process that acts to judge.
const POLICY: &str = "/etc/netghost/policy.toml";

/// Walks.
pub(super) async fn walk(config: &Config) -> Vec<Line> {
    let socket = &config.act_socket;
    if !socket.exists() {
        return vec![Line::ok(
            "actions",
            format!(
                "off: nobody listens at {}, so nothing can be asked of this VM",
                socket.display()
            ),
        )];
    }
    vec![
        answers(socket).await,
        approvers(&config.approvers_file),
        policy(Path::new(POLICY)),
    ]
}

/// An action that nobody wrote is asked for: who says that it is unknown lives.
async fn answers(socket: &Path) -> Line {
    let step = "actions";
    let action = Digest::of(b"netghost-agent check");
    let fix = || Some("systemctl status netghost-act.socket 'netghost-act@*'".to_owned());
    match asked_of_act(socket, &Demand::Standing { action }).await {
        Ok(Answer::Refused { code, .. }) if code == "unknown_action" => {
            Line::ok(step, format!("netghost-act answers at {}", socket.display()))
        }
        Ok(Answer::Refused { code, message }) => Line::failed(
            step,
            format!("netghost-act refuses to answer: {message} ({code})"),
            fix(),
        ),
        Ok(_) => Line::failed(step, "netghost-act knows an action that nobody wrote", fix()),
        Err(why) => Line::failed(step, format!("netghost-act does not answer: {why}"), fix()),
    }
}

fn approvers(path: &Path) -> Line {
    let step = "approvers";
    let fix = || {
        Some(format!(
            "put the approvers' CA (approvers.pem of `netghost approvers init`) at {}, owned by root",
            path.display()
        ))
    };
    match std::fs::read_to_string(path) {
        Ok(pem) => match PublicKey::from_pem(&pem) {
            Ok(key) => Line::ok(step, format!("{} is pinned as the approvers' CA", key.id())),
            Err(error) => Line::failed(step, format!("{}: {}", path.display(), chain(&error)), fix()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Line::ok(
            step,
            format!("{} is not there: nobody's consent counts", path.display()),
        ),
        Err(error) => Line::failed(step, format!("{}: {error}", path.display()), fix()),
    }
}

fn policy(path: &Path) -> Line {
    let step = "policy";
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => Line::ok(step, format!("{} is there", path.display())),
        Ok(_) => Line::failed(
            step,
            format!("{} is no plain file: everything is denied", path.display()),
            Some("put a plain file there, owned by root, that only root can write".to_owned()),
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Line::ok(
            step,
            format!("{} is not there: everything is denied", path.display()),
        ),
        Err(error) => Line::failed(
            step,
            format!("{}: {error}: everything is denied", path.display()),
            None,
        ),
    }
}
