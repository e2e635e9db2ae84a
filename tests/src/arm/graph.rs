//! Resource Graph: the few forms of query that a discovery needs; any other is refused, never answered in part.

use serde_json::{Map, Value, json};

use super::body;
use super::core::Core;
use super::http::{Answer, Request};
use super::path::Path;
use super::refusal::Refusal;
use super::state::Principal;

/// Most records on a page.
const MOST: usize = 1000;

/// A query, taken apart.
#[derive(Debug, Default, PartialEq)]
struct Query {
    /// `ComputeResources`: what is in scale sets. Else `Resources`.
    in_sets: bool,
    conditions: Vec<Condition>,
    /// Names of columns and the fields that they show; none is all.
    project: Option<Vec<(String, String)>>,
    descending: bool,
    limit: Option<usize>,
}

/// One condition: a field must be one of these texts, in any case where `any_case`.
#[derive(Debug, PartialEq)]
struct Condition {
    field: String,
    values: Vec<String>,
    any_case: bool,
}

impl Core {
    /// `POST /providers/Microsoft.ResourceGraph/resources`.
    pub(crate) fn graph(&self, request: &Request, who: &Principal) -> Result<Answer, Refusal> {
        let asked: Value =
            serde_json::from_slice(&request.body).map_err(|error| bad("InvalidQuery", &error.to_string()))?;
        let query = Query::parse(body::text(&asked, "/query"))?;
        let wanted: Option<Vec<String>> = asked.get("subscriptions").and_then(Value::as_array).map(|list| {
            let ids = list.iter().filter_map(Value::as_str);
            ids.map(str::to_ascii_lowercase).collect()
        });
        let mut rows: Vec<Map<String, Value>> = self
            .state
            .resources
            .iter()
            .filter_map(|(key, found)| self.row(key, found, &query, wanted.as_deref(), who))
            .collect();
        if query.descending {
            rows.reverse();
        }
        rows.truncate(query.limit.unwrap_or(usize::MAX));
        let option = |name: &str| asked.pointer(&format!("/options/{name}"));
        let number = |value: Option<&Value>| match value {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => text.parse().map(Some).map_err(|_| bad("InvalidSkipToken", text)),
            Some(value) => value
                .as_u64()
                .and_then(|number| usize::try_from(number).ok())
                .map(Some)
                .ok_or_else(|| bad("InvalidOptions", &value.to_string())),
        };
        let skip = match number(option("$skipToken"))? {
            Some(skip) => skip,
            None => number(option("$skip"))?.unwrap_or(0),
        };
        let top = number(option("$top"))?
            .unwrap_or(MOST)
            .min(MOST)
            .min(self.state.settings.page.max(1));
        let total = rows.len();
        let page: Vec<Value> = rows
            .into_iter()
            .skip(skip)
            .take(top)
            .map(|row| query.shown(&row))
            .collect();
        let (next, more) = (
            skip.saturating_add(page.len()),
            skip.saturating_add(page.len()) < total,
        );
        // Pages hang together by the id; without it there is no way on.
        let has_id = page.iter().all(|row| row.get("id").is_some());
        let mut answer = json!({
            "totalRecords": total, "count": page.len(), "facets": [], "data": page,
            "resultTruncated": if more && !has_id { "true" } else { "false" },
        });
        if more && has_id {
            body::set(&mut answer, "$skipToken", next.to_string().into());
        }
        Ok(Answer::new(200).text("application/json; charset=utf-8", answer.to_string()))
    }

    /// A resource as a row, where the query and its asker may see it.
    fn row(
        &self,
        key: &str,
        found: &Value,
        query: &Query,
        wanted: Option<&[String]>,
        who: &Principal,
    ) -> Option<Map<String, Value>> {
        let path = Path::parse(key)?;
        let subscription = path.subscription.to_ascii_lowercase();
        let is_in_set = path
            .kind()
            .starts_with("Microsoft.Compute/virtualMachineScaleSets/");
        let seen = is_in_set == query.in_sets
            && (path.is_listed() || is_in_set)
            && wanted.is_none_or(|wanted| wanted.contains(&subscription))
            && self.state.subscriptions.contains_key(&subscription)
            && who.may(&path.action("GET"), key);
        if !seen {
            return None;
        }
        let mut row = found.as_object()?.clone();
        row.insert("type".to_owned(), path.kind().to_ascii_lowercase().into());
        row.insert("resourceGroup".to_owned(), path.group.to_ascii_lowercase().into());
        row.insert("subscriptionId".to_owned(), subscription.into());
        row.insert("tenantId".to_owned(), self.state.tenant.clone().into());
        row.remove("etag");
        row.remove("lab");
        query
            .conditions
            .iter()
            .all(|condition| condition.holds(&row))
            .then_some(row)
    }
}

fn bad(code: &str, why: &str) -> Refusal {
    let mut refusal = Refusal::provider(
        400,
        "BadRequest",
        "Please provide below info when asking for support.",
    );
    refusal.details = vec![json!({"code": code, "message": format!("Query is invalid. {why}")})];
    refusal
}

/// A field of a row, by a path with points.
fn field<'a>(row: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut words = path.split('.');
    let first = words.next()?;
    let start = row.iter().find(|(name, _)| name.eq_ignore_ascii_case(first))?.1;
    words.try_fold(start, |value, word| value.get(word))
}

impl Condition {
    fn holds(&self, row: &Map<String, Value>) -> bool {
        let said = field(row, &self.field)
            .and_then(Value::as_str)
            .unwrap_or_default();
        self.values.iter().any(|value| {
            if self.any_case {
                value.eq_ignore_ascii_case(said)
            } else {
                value == said
            }
        })
    }

    /// `type =~ 'x'`, `type == 'x'`, `type in~ ('x', 'y')`, `type in ('x', 'y')`.
    fn parse(text: &str) -> Result<Self, Refusal> {
        let unknown = || {
            bad(
                "ParserFailure",
                &format!("The condition '{text}' is not understood."),
            )
        };
        let text = text.trim();
        for (operator, any_case, is_list) in [
            (" in~ ", true, true),
            (" in ", false, true),
            ("=~", true, false),
            ("==", false, false),
        ] {
            let Some((field, value)) = text.split_once(operator) else {
                continue;
            };
            let value = value.trim();
            let list = if is_list {
                value
                    .strip_prefix('(')
                    .and_then(|value| value.strip_suffix(')'))
                    .ok_or_else(unknown)?
                    .split(',')
                    .collect()
            } else {
                vec![value]
            };
            let values = list.into_iter().map(|value| quoted(value).ok_or_else(unknown));
            return Ok(Self {
                field: word(field).ok_or_else(unknown)?,
                values: values.collect::<Result<_, _>>()?,
                any_case,
            });
        }
        Err(unknown())
    }
}

fn quoted(text: &str) -> Option<String> {
    let text = text.trim();
    let inside = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    let inside: Option<&str> = inside('\'').or_else(|| inside('"'));
    inside
        .filter(|text| !text.contains(['\'', '"', '\\']))
        .map(str::to_owned)
}

fn word(text: &str) -> Option<String> {
    let text = text.trim();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._".contains(&byte);
    (!text.is_empty() && text.bytes().all(plain)).then(|| text.to_owned())
}

impl Query {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let mut steps = text.split('|').map(str::trim);
        let table = steps.next().unwrap_or_default().to_ascii_lowercase();
        let mut query = Self {
            in_sets: table == "computeresources",
            ..Self::default()
        };
        if !query.in_sets && table != "resources" {
            return Err(bad("InvalidQuery", &format!("There is no table '{table}'.")));
        }
        for step in steps {
            query.step(step)?;
        }
        Ok(query)
    }

    fn step(&mut self, step: &str) -> Result<(), Refusal> {
        let unknown = || {
            bad(
                "ParserFailure",
                &format!("The operator '{step}' is not understood."),
            )
        };
        let (operator, rest) = step.split_once(char::is_whitespace).ok_or_else(unknown)?;
        let rest = rest.trim();
        match operator.to_ascii_lowercase().as_str() {
            "where" => {
                for condition in rest.split(" and ") {
                    self.conditions.push(Condition::parse(condition)?);
                }
            }
            "project" => {
                let columns = rest.split(',').map(|column| {
                    let (name, from) = column.split_once('=').unwrap_or((column, column));
                    let (name, from) = (word(name).ok_or_else(unknown)?, word(from).ok_or_else(unknown)?);
                    // A column without a name of its own is called as its field, with `_` for points.
                    Ok((name.replace('.', "_"), from))
                });
                self.project = Some(columns.collect::<Result<_, Refusal>>()?);
            }
            "limit" | "take" => self.limit = Some(rest.parse().map_err(|_| unknown())?),
            "order" | "sort" => {
                let by = rest
                    .strip_prefix("by ")
                    .ok_or_else(unknown)?
                    .trim()
                    .to_ascii_lowercase();
                self.descending = match by.as_str() {
                    "id" | "id asc" => false,
                    "id desc" => true,
                    _ => return Err(unknown()),
                };
            }
            _ => return Err(unknown()),
        }
        Ok(())
    }

    /// A row as the query shows it.
    fn shown(&self, row: &Map<String, Value>) -> Value {
        let Some(columns) = &self.project else {
            return Value::Object(row.clone());
        };
        let cells = columns.iter().map(|(name, from)| {
            let value = field(row, from).cloned().unwrap_or(Value::Null);
            (name.clone(), value)
        });
        Value::Object(cells.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_of_a_discovery_are_understood() {
        let query = Query::parse(
            "Resources | where type =~ 'Microsoft.Network/networkInterfaces' and resourceGroup in~ ('a', \"b\") \
             | project id, name, vm=properties.virtualMachine.id | order by id asc | limit 5",
        )
        .unwrap();
        assert_eq!(query.conditions.len(), 2);
        assert_eq!(
            query.project.as_ref().unwrap()[2],
            ("vm".into(), "properties.virtualMachine.id".into())
        );
        let row = json!({"id": "/x", "resourceGroup": "B", "type": "microsoft.network/networkinterfaces",
                         "properties": {"virtualMachine": {"id": "/v"}}});
        let row = row.as_object().unwrap();
        assert!(query.conditions.iter().all(|condition| condition.holds(row)));
        assert_eq!(query.shown(row), json!({"id": "/x", "name": null, "vm": "/v"}));
    }

    #[test]
    fn any_other_query_is_refused() {
        for bad in [
            "",
            "Secrets",
            "Resources | summarize count()",
            "Resources | where type contains 'x'",
            "Resources | where type =~ 'a' or type =~ 'b'",
            "Resources | where name =~ 'a' | extend x=1",
            "Resources | project id, tolower(name)",
            "Resources | order by name",
            "Resources | limit many",
        ] {
            assert_eq!(Query::parse(bad).unwrap_err().code, "BadRequest", "{bad}");
        }
    }
}
