//! The Activity Log: what each change leaves in it, and how it is asked.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::body;
use super::clock;
use super::core::{Call, Core};
use super::http::{Answer, encoded};
use super::identity::guid;
use super::refusal::Refusal;

/// How far back it goes.
const KEPT: Duration = Duration::from_secs(90 * 86_400);

/// The record of the beginning of a change.
pub(crate) fn event(tenant: &str, call: &Call<'_>) -> Value {
    let (scope, action) = (call.path.scope(), call.path.action(&call.request.verb));
    let who = &call.who;
    let caller = if who.name.is_empty() {
        &who.object_id
    } else {
        &who.name
    };
    let named = |value: &str| json!({"value": value, "localizedValue": value});
    json!({
        "authorization": {"action": action, "scope": scope},
        "caller": caller,
        "claims": {"appid": who.client_id, "http://schemas.microsoft.com/identity/claims/objectidentifier": who.object_id},
        "channels": "Operation",
        "correlationId": call.correlation,
        "operationId": guid(),
        "category": named("Administrative"),
        "level": "Informational",
        "resourceGroupName": call.path.group,
        "resourceProviderName": named(&call.path.namespace),
        "resourceType": named(&call.path.kind()),
        "resourceId": scope,
        "operationName": named(&action),
        "httpRequest": {"clientRequestId": call.request.header("x-ms-client-request-id").unwrap_or_default(),
                        "method": call.request.verb},
        "subscriptionId": call.path.subscription,
        "tenantId": tenant,
    })
}

/// The record with its moment and state.
pub(crate) fn stamped(mut event: Value, status: &str, sub: &str, at: SystemTime) -> Value {
    let id = guid();
    let (name, localized) = if status == "Started" {
        ("BeginRequest", "Begin request")
    } else {
        ("EndRequest", "End request")
    };
    let resource = body::text(&event, "/resourceId").to_owned();
    body::set(
        &mut event,
        "eventName",
        json!({"value": name, "localizedValue": localized}),
    );
    body::set(
        &mut event,
        "status",
        json!({"value": status, "localizedValue": status}),
    );
    body::set(
        &mut event,
        "subStatus",
        json!({"value": sub, "localizedValue": sub}),
    );
    body::set(&mut event, "eventTimestamp", clock::iso(at).into());
    body::set(&mut event, "submissionTimestamp", clock::iso(at).into());
    body::set(&mut event, "id", format!("{resource}/events/{id}").into());
    body::set(&mut event, "eventDataId", id.into());
    event
}

/// The record of the end of a change.
pub(crate) fn ended(event: Value, refusal: Option<&Refusal>, at: SystemTime) -> Value {
    let Some(refusal) = refusal else {
        return stamped(event, "Succeeded", "", at);
    };
    let mut event = stamped(event, "Failed", &refusal.code, at);
    body::set(&mut event, "level", "Error".into());
    body::set(
        &mut event,
        "properties",
        json!({"statusMessage": json!({"error": refusal.error()}).to_string()}),
    );
    event
}

/// One condition of a filter.
struct Condition {
    field: String,
    operator: String,
    value: String,
}

impl Core {
    /// `GET …/providers/Microsoft.Insights/eventtypes/management/values`.
    pub(crate) fn log(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let filter = call.request.parameter("$filter").unwrap_or_default();
        let conditions = conditions(filter)?;
        let from = conditions
            .iter()
            .filter(|condition| condition.field == "eventtimestamp" && condition.operator.starts_with('g'))
            .find_map(|condition| clock::parse(&condition.value));
        let from = from.ok_or_else(|| bad("The filter must say since when: eventTimestamp ge '…'."))?;
        if call.now.wall.duration_since(from).is_ok_and(|age| age > KEPT) {
            return Err(bad("The start time can not be more than 90 days in the past."));
        }
        let mut found = Vec::new();
        for event in self.state.events.iter().rev() {
            let in_subscription =
                body::text(event, "/subscriptionId").eq_ignore_ascii_case(&call.path.subscription);
            if in_subscription && meets(event, &conditions)? {
                found.push(event);
            }
        }
        let skip: usize = call
            .request
            .parameter("$skipToken")
            .map_or(Ok(0), str::parse)
            .map_err(|_| bad("The skip token is invalid."))?;
        let page: Vec<&&Value> = found
            .iter()
            .skip(skip)
            .take(self.state.settings.page.max(1))
            .collect();
        let next = skip.saturating_add(page.len());
        let mut answer = json!({"value": page});
        if next < found.len() {
            let link = format!(
                "{}{}?api-version={}&%24filter={}&%24skipToken={next}",
                call.base,
                call.request.path,
                call.version,
                encoded(filter)
            );
            body::set(&mut answer, "nextLink", link.into());
        }
        Ok(Answer::new(200).text("application/json; charset=utf-8", answer.to_string()))
    }
}

fn bad(message: &str) -> Refusal {
    Refusal::provider(400, "BadRequest", message)
}

fn conditions(filter: &str) -> Result<Vec<Condition>, Refusal> {
    filter
        .split(" and ")
        .filter(|part| !part.trim().is_empty())
        .map(|part| {
            let mut words = part.trim().splitn(3, ' ');
            let (field, operator, value) = (words.next(), words.next(), words.next());
            let value = value.and_then(|value| value.trim().strip_prefix('\'')?.strip_suffix('\''));
            match (field, operator, value) {
                (Some(field), Some(operator), Some(value)) => Ok(Condition {
                    field: field.to_ascii_lowercase(),
                    operator: operator.to_ascii_lowercase(),
                    value: value.to_owned(),
                }),
                _ => Err(bad(&format!("The filter clause '{part}' is not understood."))),
            }
        })
        .collect()
}

fn meets(event: &Value, conditions: &[Condition]) -> Result<bool, Refusal> {
    for condition in conditions {
        let text = |pointer| body::text(event, pointer);
        let said = match condition.field.as_str() {
            "eventtimestamp" => {
                if !in_time(text("/eventTimestamp"), condition)? {
                    return Ok(false);
                }
                continue;
            }
            "eventchannels" => continue,
            "resourceuri" | "resourceid" => text("/resourceId"),
            "resourcegroupname" => text("/resourceGroupName"),
            "resourceprovider" => text("/resourceProviderName/value"),
            "resourcetype" => text("/resourceType/value"),
            "correlationid" => text("/correlationId"),
            "caller" => text("/caller"),
            "status" => text("/status/value"),
            other => return Err(bad(&format!("The filter field '{other}' is not supported."))),
        };
        if condition.operator != "eq" {
            return Err(bad(&format!(
                "The operator '{}' is not supported here.",
                condition.operator
            )));
        }
        if !said.eq_ignore_ascii_case(&condition.value) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn in_time(said: &str, condition: &Condition) -> Result<bool, Refusal> {
    let limit =
        clock::parse(&condition.value).ok_or_else(|| bad(&format!("'{}' is no time.", condition.value)))?;
    let Some(at) = clock::parse(said) else {
        return Ok(false);
    };
    match condition.operator.as_str() {
        "ge" => Ok(at >= limit),
        "gt" => Ok(at > limit),
        "le" => Ok(at <= limit),
        "lt" => Ok(at < limit),
        other => Err(bad(&format!("The operator '{other}' is not supported here."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_select_by_time_and_resource() {
        let event =
            json!({"eventTimestamp": "2024-05-01T10:00:00.0000000Z", "resourceId": "/Subscriptions/s/x"});
        let fits = |filter: &str| conditions(filter).and_then(|conditions| meets(&event, &conditions));
        assert!(
            fits("eventTimestamp ge '2024-05-01T09:00:00Z' and resourceUri eq '/subscriptions/S/X'").unwrap()
        );
        assert!(!fits("eventTimestamp ge '2024-05-01T11:00:00Z'").unwrap());
        assert!(
            !fits("eventTimestamp ge '2024-05-01' and eventTimestamp le '2024-05-01T09:00:00Z'").unwrap()
        );
        for bad in [
            "eventTimestamp ge yesterday",
            "eventTimestamp ge 'yesterday'",
            "colour eq 'red'",
            "caller ge 'x'",
        ] {
            assert!(fits(bad).is_err(), "{bad}");
        }
    }
}
