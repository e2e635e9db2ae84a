//! What an answer that is no success means. Pure.

use std::time::Duration;

use serde_json::Value;

use crate::error::Kind;
use crate::retry::Cause;

/// Azure's error envelope, as far as it was there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) code: Option<String>,
    pub(crate) message: String,
    /// The codes of the details, which are often the telling ones.
    inner: Vec<(String, String)>,
}

impl Said {
    /// From `{"error": {"code", "message", "details"}}`, also without the outer level.
    pub(crate) fn read(body: &Value) -> Self {
        let error = body
            .get("error")
            .filter(|error| error.is_object())
            .unwrap_or(body);
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let details = error.get("details").and_then(Value::as_array);
        let inner =
            details.into_iter().flatten().take(20).filter_map(|detail| {
                Some((text(detail, "code")?, text(detail, "message").unwrap_or_default()))
            });
        Self {
            code: text(error, "code").map(|code| code.chars().take(200).collect()),
            message: text(error, "message")
                .unwrap_or_default()
                .chars()
                .take(2000)
                .collect(),
            inner: inner.collect(),
        }
    }

    /// Its code and message, then those of its details.
    fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        let outer = self.code.as_deref().map(|code| (code, self.message.as_str()));
        outer.into_iter().chain(
            self.inner
                .iter()
                .map(|(code, message)| (code.as_str(), message.as_str())),
        )
    }
}

/// What a code means wherever it comes, with a status or at the end of a long-running operation.
fn meaning(code: &str, message: &str) -> Option<Kind> {
    let has = |words: &str| message.to_ascii_lowercase().contains(words);
    let is = |codes: &[&str]| codes.iter().any(|known| known.eq_ignore_ascii_case(code));
    let lower = code.to_ascii_lowercase();
    if is(&[
        "AuthorizationFailed",
        "LinkedAuthorizationFailed",
        "AuthorizationPermissionMismatch",
    ]) {
        return Some(missing(message));
    }
    if is(&["SubscriptionNotFound", "InvalidSubscriptionId"]) {
        return Some(Kind::NoSubscription);
    }
    if is(LOCKS) || is(&["Conflict"]) && has("run command extension execution is in progress") {
        return Some(Kind::Locked);
    }
    if lower.starts_with("nicmustbeattachedtorunningvm")
        || is(&["OperationNotAllowed"]) && has("requires the vm to be running")
    {
        return Some(Kind::NotRunning);
    }
    let counted = ["limitreached", "limitexceeded"]
        .iter()
        .any(|end| lower.ends_with(end));
    if lower.contains("quota") || counted || is(&["OperationNotAllowed"]) && has("quota") {
        return Some(Kind::Quota);
    }
    None
}

/// Codes of a resource that another operation holds. The first comes with status 429 and is no throttling.
const LOCKS: &[&str] = &[
    "RetryableErrorDueToAnotherOperation",
    "AnotherOperationInProgress",
    "RetryableError",
    "ReferencedResourceNotProvisioned",
];

/// What an answer of this status means. `None` where it says nothing that can be relied on: a 404 that is not Azure's own
/// must not read as "the resource is gone".
pub(crate) fn judge(status: u16, said: &Said, retry_after: Option<Duration>) -> Option<Kind> {
    let told = said.all().find_map(|(code, message)| meaning(code, message));
    match (status, told) {
        // A quota by name with a time to come back is a throttle.
        (429, Some(Kind::Quota) | None) if retry_after.is_some() => Some(Kind::Throttled { retry_after }),
        (429, None) => Some(Kind::Throttled { retry_after }),
        (401, _) => Some(Kind::Unauthenticated),
        (_, Some(kind)) => Some(kind),
        (403, None) => Some(Kind::Forbidden {
            action: None,
            scope: None,
        }),
        (404, None) => {
            let code = said.code.as_deref()?;
            let by_resource_manager = [
                "ResourceNotFound",
                "ResourceGroupNotFound",
                "ParentResourceNotFound",
            ]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(code));
            let gone = by_resource_manager || code.to_ascii_lowercase().ends_with("notfound");
            Some(if gone {
                Kind::NotFound { by_resource_manager }
            } else {
                Kind::Rejected
            })
        }
        (412, None) => Some(Kind::Changed),
        (408 | 500..=599, None) => Some(Kind::Server),
        (400..=499, None) => Some(Kind::Rejected),
        (_, None) => None,
    }
}

/// What the end of a long-running operation means that failed after it had been accepted.
pub(crate) fn judge_operation(said: &Said) -> Kind {
    let told = said.all().find_map(|(code, message)| meaning(code, message));
    let server = |code: &str| {
        code.eq_ignore_ascii_case("InternalServerError")
            || code.eq_ignore_ascii_case("InternalExecutionError")
    };
    match told {
        Some(kind) => kind,
        None if said.code.as_deref().is_some_and(server) => Kind::Server,
        None => Kind::OperationFailed,
    }
}

/// Why a call that ended this way may be made again; `None` where it must not. `repeatable` is a call that may reach Azure
/// twice without harm: all but the start of something that does its work each time.
pub(crate) fn cause(kind: &Kind, status: Option<u16>, repeatable: bool) -> Option<Cause> {
    match kind {
        Kind::Throttled { .. } => Some(Cause::Throttled),
        Kind::Locked => Some(Cause::Locked),
        Kind::Server | Kind::Network | Kind::Cut if repeatable => Some(Cause::Failed),
        // A gateway's own page says that the call came no further.
        Kind::NotJson { .. } | Kind::Malformed
            if repeatable && status.is_some_and(|status| status >= 500) =>
        {
            Some(Cause::Failed)
        }
        _ => None,
    }
}

/// `… does not have authorization to perform action 'A' over scope 'S' …`, and the linked form, whose first action the login
/// does have.
fn missing(message: &str) -> Kind {
    let linked = message
        .split_once("does not have permission to perform action")
        .map(|(_, rest)| rest);
    let rest = linked.unwrap_or(message);
    Kind::Forbidden {
        action: quoted(rest, if linked.is_some() { "" } else { "action" }),
        scope: quoted(rest, "scope"),
    }
}

/// What stands in quotes next after this word.
fn quoted(text: &str, word: &str) -> Option<String> {
    let (_, rest) = text.split_once(word)?;
    let (_, rest) = rest.split_once('\'')?;
    let (quoted, _) = rest.split_once('\'')?;
    (!quoted.is_empty() && !quoted.contains(char::is_whitespace)).then(|| quoted.to_owned())
}

#[cfg(test)]
mod tests;
