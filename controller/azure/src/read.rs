//! What came back, as an answer or as an error.

use std::time::Duration;

use serde_json::Value;

use crate::answer::Answer;
use crate::call::Call;
use crate::error::{ArmError, Kind};
use crate::http::{Incoming, Outgoing};
use crate::judge::{Said, judge};

/// A failed attempt, and what decides whether there is another.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: ArmError,
    pub(crate) repeatable: bool,
    pub(crate) retry_after: Option<Duration>,
    /// True where the whole subscription is throttled, and not one resource or provider.
    pub(crate) of_subscription: bool,
}

/// Reads what came. A body is only taken for what it is where it says that it is JSON, and is.
pub(crate) fn read(call: &Call, out: &Outgoing, came: Incoming) -> Result<Answer, Failed> {
    let body = body(&came);
    let (status, heard) = (came.status, came.heard);
    if let (200..=299, Ok(json)) = (status, &body) {
        return Ok(Answer {
            status,
            json: json.clone(),
            bytes: came.bytes,
            ids: heard.ids,
            etag: heard.etag,
            date: heard.date,
            poll: heard.poll,
        });
    }
    let said = body.as_ref().map(Said::read).unwrap_or_default();
    let retry_after = heard.poll.retry_after;
    // Of an answer that is not Azure's own, these two still say what is to be done.
    let relied_on = body.is_ok() || matches!(status, 401 | 429);
    let judged = if relied_on {
        judge(status, &said, retry_after)
    } else {
        None
    };
    let message = message(&said, &heard.challenge, heard.poll.location.as_deref(), status);
    let (kind, message) = match (judged, body) {
        (Some(kind), _) => (kind, message),
        (None, Err((kind, why))) => (kind, why),
        (None, Ok(_)) if (300..=399).contains(&status) => (Kind::Rejected, message),
        (None, Ok(_)) => (
            Kind::Malformed,
            format!("status {status} without Azure's error code"),
        ),
    };
    let gateway = heard
        .cause
        .as_deref()
        .is_some_and(|cause| cause.eq_ignore_ascii_case("gateway"));
    let throttled = matches!(kind, Kind::Throttled { .. });
    let error = call.error(kind, message).with(|failure| {
        failure.status = Some(status);
        failure.code = said.code;
        failure.ids = heard.ids;
    });
    Err(Failed {
        error,
        repeatable: out.repeatable,
        retry_after,
        of_subscription: throttled && (gateway || !heard.remaining.of_provider),
    })
}

/// The body as JSON; null where there is none.
fn body(came: &Incoming) -> Result<Value, (Kind, String)> {
    let bytes = came
        .bytes
        .strip_prefix("\u{feff}".as_bytes())
        .unwrap_or(&came.bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    let content_type = came
        .heard
        .content_type
        .clone()
        .unwrap_or_else(|| "without a type".to_owned());
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let html = essence.contains("html") || bytes.trim_ascii_start().starts_with(b"<");
    if html || !(essence.ends_with("/json") || essence.ends_with("+json")) {
        return Err((Kind::NotJson { content_type, html }, excerpt(bytes)));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let kind = if error.is_eof() {
            Kind::Cut
        } else {
            Kind::Malformed
        };
        (kind, format!("{} bytes: {error}", bytes.len()))
    })
}

fn message(said: &Said, challenge: &Option<String>, location: Option<&str>, status: u16) -> String {
    match (challenge, location) {
        (_, Some(location)) if (300..=399).contains(&status) => {
            format!("it leads on to {location}, which is not followed")
        }
        (Some(challenge), _) if said.message.is_empty() => challenge.chars().take(500).collect(),
        _ => said.message.clone(),
    }
}

/// The beginning of a body that is not what was expected, on one line.
fn excerpt(bytes: &[u8]) -> String {
    let beginning = bytes.get(..400).unwrap_or(bytes);
    let text = String::from_utf8_lossy(beginning);
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    format!(
        "it begins with {:?}",
        words.join(" ").chars().take(120).collect::<String>()
    )
}
