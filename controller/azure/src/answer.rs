//! Answers as Azure gave them.

use std::fmt;
use std::time::Duration;

use azure_core::time::{OffsetDateTime, parse_rfc7231};
use reqwest::header::HeaderMap;
use serde_json::Value;

/// The ids by which Azure's support finds a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestIds {
    /// `x-ms-request-id`: of the answer.
    pub request: Option<String>,
    /// `x-ms-correlation-request-id`: of everything that one call set going.
    pub correlation: Option<String>,
    /// `x-ms-client-request-id`: made up on this side, and sent.
    pub client: Option<String>,
}

impl fmt::Display for RequestIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = [
            ("x-ms-request-id", &self.request),
            ("x-ms-correlation-request-id", &self.correlation),
            ("client-request-id", &self.client),
        ];
        let shown: Vec<String> = ids
            .into_iter()
            .filter_map(|(name, id)| id.as_ref().map(|id| format!("{name} {id}")))
            .collect();
        if shown.is_empty() {
            Ok(())
        } else {
            write!(f, " [{}]", shown.join(", "))
        }
    }
}

/// An answer of status 2xx: the body as it came, and what is known about it.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body's bytes.
    pub bytes: Vec<u8>,
    /// The body; null where it is empty.
    pub json: Value,
    /// The ids of the request.
    pub ids: RequestIds,
    /// The resource's version, for `If-Match`.
    pub etag: Option<String>,
    /// When Azure answered, by its own clock, as it wrote it (RFC 7231).
    pub date: Option<String>,
    pub(crate) poll: PollHeaders,
}

/// What an answer says about where to ask next, and when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PollHeaders {
    /// `Azure-AsyncOperation`: the operation's own state.
    pub(crate) operation: Option<String>,
    /// `Location`: the result, once it is there.
    pub(crate) location: Option<String>,
    /// `Retry-After`.
    pub(crate) retry_after: Option<Duration>,
}

/// The headers that this client reads.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heard {
    pub(crate) ids: RequestIds,
    pub(crate) poll: PollHeaders,
    pub(crate) etag: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) remaining: Remaining,
    /// `x-ms-failure-cause`: set where Resource Manager itself refused, before any provider was asked.
    pub(crate) cause: Option<String>,
    /// `WWW-Authenticate`: why a token was refused.
    pub(crate) challenge: Option<String>,
}

/// What is left of the limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Remaining {
    pub(crate) reads: Option<u32>,
    pub(crate) writes: Option<u32>,
    pub(crate) deletes: Option<u32>,
    /// Queries of Resource Graph, and when they are there again.
    pub(crate) graph: Option<u32>,
    pub(crate) graph_after: Option<Duration>,
    /// True where a limit of the provider's own was named too.
    pub(crate) of_provider: bool,
}

impl Heard {
    pub(crate) fn read(headers: &HeaderMap, now: OffsetDateTime) -> Self {
        let text = |name: &str| {
            let value = headers.get(name)?.to_str().ok()?.trim();
            (!value.is_empty()).then(|| value.chars().take(LONGEST).collect::<String>())
        };
        let count = |name: &str| text(name)?.parse().ok();
        let date = text("date");
        let retry_after = text("retry-after").and_then(|value| retry_after(&value, date.as_deref(), now));
        Self {
            ids: RequestIds {
                request: text("x-ms-request-id"),
                correlation: text("x-ms-correlation-request-id"),
                client: None,
            },
            poll: PollHeaders {
                operation: text("azure-asyncoperation"),
                location: text("location"),
                retry_after,
            },
            etag: text("etag"),
            content_type: text("content-type"),
            region: text("x-ms-routing-request-id")
                .and_then(|id| id.split_once(':').map(|(region, _)| region.to_lowercase())),
            remaining: Remaining {
                reads: count("x-ms-ratelimit-remaining-subscription-reads"),
                writes: count("x-ms-ratelimit-remaining-subscription-writes"),
                deletes: count("x-ms-ratelimit-remaining-subscription-deletes"),
                graph: count("x-ms-user-quota-remaining"),
                graph_after: text("x-ms-user-quota-resets-after").and_then(|value| clock(&value)),
                of_provider: headers.contains_key("x-ms-ratelimit-remaining-resource"),
            },
            cause: text("x-ms-failure-cause"),
            challenge: text("www-authenticate"),
            date,
        }
    }
}

/// Azure's URLs of operations are up to 4 KiB long; nothing that this client reads is longer than twice that.
const LONGEST: usize = 8192;

/// `Retry-After`: seconds, or a date. A date is held against the answer's own, since this machine's clock may be wrong.
pub(crate) fn retry_after(value: &str, date: Option<&str>, now: OffsetDateTime) -> Option<Duration> {
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = parse_rfc7231(value).ok()?;
    let since = date.and_then(|date| parse_rfc7231(date).ok()).unwrap_or(now);
    Some((until - since).try_into().unwrap_or(Duration::ZERO))
}

/// `hh:mm:ss`.
fn clock(value: &str) -> Option<Duration> {
    let parts: Option<Vec<u64>> = value.split(':').map(|part| part.parse().ok()).collect();
    match parts?.as_slice() {
        [hours, minutes, seconds] if *hours < 1000 && *minutes < 60 && *seconds < 60 => {
            Some(Duration::from_secs(hours * 3600 + minutes * 60 + seconds))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(pairs: &[(&'static str, &'static str)]) -> Heard {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        Heard::read(&headers, OffsetDateTime::now_utc())
    }

    #[test]
    fn a_time_to_come_back_is_seconds_or_a_date() {
        let after = |value| {
            heard(&[("retry-after", value), ("date", "Tue, 24 Nov 2026 10:00:00 GMT")])
                .poll
                .retry_after
        };
        assert_eq!(after("17"), Some(Duration::from_secs(17)));
        // This machine's clock, years away from that date, plays no part.
        assert_eq!(
            after("Tue, 24 Nov 2026 10:00:30 GMT"),
            Some(Duration::from_secs(30))
        );
        assert_eq!(after("Tue, 24 Nov 2026 09:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(after("soon"), None);
        assert_eq!(after("-3"), None);
    }

    #[test]
    fn limits_and_the_region_are_read() {
        let heard = heard(&[
            ("x-ms-ratelimit-remaining-subscription-writes", "1198"),
            (
                "x-ms-ratelimit-remaining-resource",
                "Microsoft.Compute/UpdateVM3Min;238",
            ),
            (
                "x-ms-routing-request-id",
                "WESTEUROPE:20170927T091407Z:43f21024-f008-409f-982d-d4579f58bf44",
            ),
            ("x-ms-user-quota-remaining", "0"),
            ("x-ms-user-quota-resets-after", "00:00:05"),
        ]);
        assert_eq!(heard.region.as_deref(), Some("westeurope"));
        assert_eq!(
            heard.remaining,
            Remaining {
                writes: Some(1198),
                graph: Some(0),
                graph_after: Some(Duration::from_secs(5)),
                of_provider: true,
                ..Remaining::default()
            }
        );
    }
}
