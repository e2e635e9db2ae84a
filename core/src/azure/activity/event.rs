//! One record of the log.

use serde_json::Value;

use super::time::microseconds;
use crate::azure::body::{BadField, field, shape, string};

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Who asked: a user principal name, or the object id of an application. Azure's own acts name nobody.
    pub caller: Option<String>,
    /// When, microseconds since 1970 UTC by Azure's clock.
    pub at_us: u64,
    /// What: `Microsoft.Network/networkSecurityGroups/securityRules/write`.
    pub operation: String,
    /// How far it is: `Started`, `Accepted`, `Succeeded`, `Failed`.
    pub status: Option<String>,
    /// The id of the resource, as Azure wrote it.
    pub resource: String,
    /// What joins the records of one request.
    pub correlation: Option<String>,
    /// `Administrative`, `Policy`, `ResourceHealth` ….
    pub category: Option<String>,
}

/// What was read of the log of one subscription.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    /// The records that are understood.
    pub events: Vec<Event>,
    /// Those that are not: any of them could be about anything.
    pub gaps: Vec<BadField>,
}

impl Log {
    /// Reads the members of the lists that Azure gave.
    pub fn read<'a>(members: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut log = Self::default();
        for (at, member) in members.into_iter().enumerate() {
            match event(member) {
                Ok(event) => log.events.push(event),
                Err(bad) => log.gaps.push(bad.within(&format!("value.{at}"))),
            }
        }
        log
    }
}

fn event(member: &Value) -> Result<Event, BadField> {
    let object = member
        .as_object()
        .ok_or_else(|| BadField::new("event", format!("{} where an object belongs", shape(member))))?;
    // Words stand as `{value, localizedValue}`; older records have the bare word.
    let word = |name: &str| match field(object, name) {
        Some(Value::Object(inner)) => string(inner, "value").map_err(|bad| bad.within(name)),
        _ => string(object, name),
    };
    let need = |name: &str, found: Option<String>| {
        let found = found.filter(|text| !text.is_empty());
        found.ok_or_else(|| BadField::new(name, "it is missing"))
    };
    let at = need("eventTimestamp", string(object, "eventTimestamp")?)?;
    let at_us =
        microseconds(&at).ok_or_else(|| BadField::new("eventTimestamp", format!("{at:?} is no time")))?;
    let resource = match string(object, "resourceId")? {
        None => string(object, "resourceUri")?,
        some => some,
    };
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    Ok(Event {
        caller: some(string(object, "caller")?),
        at_us,
        operation: need("operationName", word("operationName")?)?,
        status: some(word("status")?),
        resource: need("resourceId", resource)?,
        correlation: some(string(object, "correlationId")?),
        category: some(word("category")?),
    })
}
