//! Resources and their parts: found, listed, written and deleted as Microsoft.Network does it.

use std::time::Duration;

use serde_json::{Value, json};

use super::body::{self, part, part_mut, pretty};
use super::core::{Call, Core};
use super::http::{Answer, encoded};
use super::identity::guid;
use super::operation::{Addresses, Plan, Work};
use super::path::Path;
use super::refusal::Refusal;
use super::rules;

/// Lists in bodies whose entries carry the etag of the whole.
const PARTS: &[&str] = &[
    "defaultSecurityRules",
    "ipConfigurations",
    "routes",
    "securityRules",
    "subnets",
    "virtualNetworkPeerings",
];

/// What can't be deleted while others name it, who these are, and how it is refused. The codes are those of reports, not of recorded
/// traffic.
const IN_USE: &[(&str, &[&str], &str)] = &[
    (
        "Microsoft.Network/networkSecurityGroups",
        &["/networkinterfaces/", "/virtualnetworks/"],
        "InUseNetworkSecurityGroupCannotBeDeleted",
    ),
    (
        "Microsoft.Network/routeTables",
        &["/virtualnetworks/"],
        "InUseRouteTableCannotBeDeleted",
    ),
    (
        "Microsoft.Network/networkInterfaces",
        &["/virtualmachines/"],
        "NicInUse",
    ),
    (
        "Microsoft.Network/virtualNetworks/subnets",
        &["/networkinterfaces/"],
        "InUseSubnetCannotBeDeleted",
    ),
];

impl Core {
    /// The resource or part at an address.
    pub(crate) fn find(&self, path: &Path) -> Option<Value> {
        if let Some(found) = self.state.resources.get(&path.key()) {
            return Some(found.clone());
        }
        let holder = self.state.resources.get(&path.holder()?.key())?;
        let mut parts = part(holder, path.last()).iter();
        parts.find(|found| body::is_named(found, path.name())).cloned()
    }

    /// The same, or its absence in Azure's words.
    pub(crate) fn existing(&self, path: &Path) -> Result<Value, Refusal> {
        if let Some(found) = self.find(path) {
            return Ok(found);
        }
        let prefix = format!(
            "/subscriptions/{}/resourcegroups/{}/",
            path.subscription, path.group
        )
        .to_ascii_lowercase();
        if !path.group.is_empty() && !self.state.resources.keys().any(|key| key.starts_with(&prefix)) {
            let message = format!("Resource group '{}' could not be found.", path.group);
            return Err(Refusal::gateway(404, "ResourceGroupNotFound", message));
        }
        if path.parts.len() < 2 {
            return Err(Refusal::no_resource(&path.kind(), path.name(), &path.group));
        }
        self.existing(&path.parent())?;
        Err(Refusal::no_part(&path.id()))
    }

    /// `GET` of a resource or part.
    pub(crate) fn get(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let found = self.shown(call, self.existing(&call.path)?);
        let etag = body::text(&found, "/etag").to_owned();
        let text = if call.path.namespace == "Microsoft.Storage" {
            found.to_string()
        } else {
            pretty(&found)
        };
        let answer = Answer::new(200).text("application/json; charset=utf-8", text);
        Ok(if etag.is_empty() {
            answer
        } else {
            answer.with("ETag", etag)
        })
    }

    /// `GET` of a list, page by page.
    pub(crate) fn list(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let all = self.listed(call)?;
        let skip = match call.request.parameter("$skipToken") {
            None => 0,
            Some(token) => token.parse().map_err(|_| {
                Refusal::gateway(
                    400,
                    "InvalidSkipToken",
                    format!("The skip token '{token}' is invalid."),
                )
            })?,
        };
        let size = self.state.settings.page.max(1);
        let page: Vec<Value> = all
            .iter()
            .skip(skip)
            .take(size)
            .map(|found| self.shown(call, found.clone()))
            .collect();
        let next: usize = skip.saturating_add(page.len());
        let mut list = json!({"value": page});
        if next < all.len() {
            let others = call.request.query.iter();
            let others = others.filter(|(name, _)| !name.eq_ignore_ascii_case("$skipToken"));
            let query: String = others
                .map(|(name, value)| format!("{}={}&", encoded(name), encoded(value)))
                .collect();
            let link = format!("{}{}?{query}%24skipToken={next}", call.base, call.request.path);
            body::set(&mut list, "nextLink", link.into());
        }
        Ok(Answer::new(200).text("application/json; charset=utf-8", pretty(&list)))
    }

    fn listed(&self, call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
        let path = &call.path;
        if path.holder_of_list().is_some() {
            let holder = self.existing(&path.parent())?;
            return Ok(part(&holder, path.last()).to_vec());
        }
        let resources = self.state.resources.iter();
        if path.is_listed() {
            let kind = format!("/providers/{}/", path.kind()).to_ascii_lowercase();
            let place = format!("{}/", path.scope()).to_ascii_lowercase();
            let of_kind = resources.filter(|(key, _)| {
                let name = key.split_once(&kind).map(|(_, name)| name);
                key.starts_with(&place) && name.is_some_and(|name| !name.contains('/'))
            });
            return Ok(of_kind.map(|(_, found)| found.clone()).collect());
        }
        if path.parts.len() < 2 {
            return Err(Refusal::gateway(
                404,
                "InvalidResourceType",
                format!(
                    "The resource type '{}' could not be found in the namespace '{}' for api version '{}'.",
                    path.last(),
                    path.namespace,
                    call.version
                ),
            ));
        }
        self.existing(&path.parent())?;
        let below = format!("{}/", path.key());
        // All NICs of a scale set are below its machines.
        let of_set = (path.kind() == "Microsoft.Compute/virtualMachineScaleSets/networkInterfaces")
            .then(|| format!("{}/virtualmachines/", path.parent().key()));
        let children = resources.filter(|(key, _)| match &of_set {
            Some(machines) => key.starts_with(machines) && key.contains("/networkinterfaces/"),
            None => key.strip_prefix(&below).is_some_and(|name| !name.contains('/')),
        });
        Ok(children.map(|(_, found)| found.clone()).collect())
    }

    /// `PUT` of a network resource or of a part of one.
    pub(crate) fn put(&mut self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let top = call.path.holder().unwrap_or_else(|| call.path.clone());
        let writable = top.is_listed()
            && top.namespace == "Microsoft.Network"
            && !matches!(call.path.last(), "defaultSecurityRules" | "ipConfigurations");
        if !writable {
            return Err(no_method(call));
        }
        let current = self.find(&call.path);
        if top != call.path {
            self.existing(&top)?;
        }
        self.must_be_free(call, &top.key())?;
        precondition(call, current.as_ref())?;
        let asked = call.json()?;
        let before = self.state.resources.get(&top.key()).cloned();
        let mut whole = if top == call.path {
            shaped(call, asked, before.as_ref())?
        } else {
            let mut whole = before.clone().unwrap_or_default();
            placed(call, asked, &mut whole)?;
            whole
        };
        stamp(&mut whole);
        body::set_property(&mut whole, "provisioningState", "Updating".into());
        let region = self.state.region(Some(&whole));
        self.state.resources.insert(top.key(), whole);
        self.changed();
        let (_, addresses) = self.start(
            call,
            Plan {
                work: Work::Change {
                    key: top.key(),
                    before,
                },
                takes: Duration::from_millis(self.state.settings.write_ms),
                lock: Some(top.key()),
                region,
                logged: true,
            },
        );
        let shown = self.find(&call.path).unwrap_or_default();
        let status = if current.is_some() { 200 } else { 201 };
        Ok(Answer::new(status)
            .text("application/json; charset=utf-8", pretty(&shown))
            .with("Azure-AsyncOperation", addresses.operation)
            .with("Retry-After", self.state.settings.retry_after.to_string()))
    }

    /// `DELETE` of a network resource, a part of one, or anything else that is kept by its id.
    pub(crate) fn delete(&mut self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let top = call.path.holder().unwrap_or_else(|| call.path.clone());
        let deletable = call.path.is_resource()
            && !matches!(call.path.last(), "defaultSecurityRules" | "ipConfigurations")
            && (top.namespace == "Microsoft.Network" || call.path.last() == "runCommands");
        if !deletable {
            return Err(no_method(call));
        }
        let Some(current) = self.find(&call.path) else {
            return Ok(Answer::new(204));
        };
        self.must_be_free(call, &top.key())?;
        precondition(call, Some(&current))?;
        self.must_be_unused(call)?;
        let part = (top != call.path).then(|| (call.path.last().to_owned(), call.path.name().to_owned()));
        let region = self.state.region(self.state.resources.get(&top.key()));
        if let Some(whole) = self.state.resources.get_mut(&top.key()) {
            mark(whole, part.as_ref(), "Deleting");
        }
        self.changed();
        let takes = Duration::from_millis(self.state.settings.write_ms);
        let plan = Plan {
            work: Work::Remove { key: top.key(), part },
            takes,
            lock: Some(top.key()),
            region,
            logged: true,
        };
        let (_, addresses) = self.start(call, plan);
        Ok(self.accepted(addresses))
    }

    /// 202 without a body, with both addresses.
    pub(crate) fn accepted(&self, addresses: Addresses) -> Answer {
        Answer::new(202)
            .with("Azure-AsyncOperation", addresses.operation)
            .with("Location", addresses.result)
            .with("Retry-After", self.state.settings.retry_after.to_string())
    }

    /// Refuses where another operation holds the resource.
    pub(crate) fn must_be_free(&self, call: &Call<'_>, key: &str) -> Result<(), Refusal> {
        let status = self.state.settings.lock_status;
        if call.faults.contains(&super::fault::FaultKind::Lock) {
            let nobody = format!(
                "{}/subscriptions/{}/operations/{}",
                call.base,
                call.path.subscription,
                guid()
            );
            return Err(Refusal::locked(status, &nobody));
        }
        match self.operations.holding(key, &call.base) {
            Some(operation) => Err(Refusal::locked(status, &operation)),
            None => Ok(()),
        }
    }

    fn must_be_unused(&self, call: &Call<'_>) -> Result<(), Refusal> {
        let kind = call.path.kind();
        let Some((_, by, code)) = IN_USE.iter().find(|(of, ..)| *of == kind) else {
            return Ok(());
        };
        let key = call.path.key();
        let users: Vec<&str> = self
            .state
            .resources
            .iter()
            .filter(|(user, found)| by.iter().any(|kind| user.contains(kind)) && names(found, &key))
            .map(|(user, found)| match body::text(found, "/id") {
                "" => user,
                id => id,
            })
            .collect();
        if users.is_empty() {
            return Ok(());
        }
        let message = format!(
            "{} {} cannot be deleted because it is in use by the following resources: {}.",
            call.path.last(),
            call.path.id(),
            users.join(", ")
        );
        Err(Refusal::provider(400, code, message))
    }

    /// A resource is as it is to be.
    pub(crate) fn settled(&mut self, key: &str) {
        if let Some(whole) = self.state.resources.get_mut(key) {
            body::set_property(whole, "provisioningState", "Succeeded".into());
            for list in PARTS
                .iter()
                .filter(|list| !part(whole, list).is_empty())
                .collect::<Vec<_>>()
            {
                for one in part_mut(whole, list).into_iter().flatten() {
                    body::set_property(one, "provisioningState", "Succeeded".into());
                }
            }
            stamp(whole);
        }
        self.changed();
    }

    /// A resource, or a part of it, is gone.
    pub(crate) fn removed(&mut self, key: &str, gone: Option<(String, String)>) {
        let Some((list, name)) = gone else {
            self.state.resources.remove(key);
            self.state.captures.remove(key);
            self.changed();
            return;
        };
        if let Some(whole) = self.state.resources.get_mut(key)
            && let Some(parts) = part_mut(whole, &list)
        {
            parts.retain(|found| !body::is_named(found, &name));
        }
        self.settled(key);
    }
}

/// The body of a resource as it is kept.
fn shaped(call: &Call<'_>, asked: Value, before: Option<&Value>) -> Result<Value, Refusal> {
    let path = &call.path;
    if body::text(&asked, "/location").is_empty() {
        let message = "The location property is required for this definition.";
        return Err(Refusal::gateway(400, "LocationRequired", message));
    }
    let mut whole = asked;
    body::set(&mut whole, "name", path.name().into());
    body::set(&mut whole, "id", path.id().into());
    body::set(&mut whole, "type", path.kind().into());
    let guid = before.map_or("", |before| body::text(before, "/properties/resourceGuid"));
    let guid = if guid.is_empty() {
        self::guid()
    } else {
        guid.to_owned()
    };
    body::set_property(&mut whole, "resourceGuid", guid.into());
    if path.last() == "networkSecurityGroups" && part(&whole, "defaultSecurityRules").is_empty() {
        body::set_property(&mut whole, "defaultSecurityRules", rules::defaults(&path.id()));
    }
    for list in PARTS {
        let parts = part(&whole, list).to_vec();
        if parts.is_empty() {
            continue;
        }
        let mut shaped = Vec::with_capacity(parts.len());
        for one in parts {
            let name = body::text(&one, "/name").to_owned();
            let one = rules::shaped(list, &name, &path.id(), &path.kind(), one)?;
            rules::no_conflict(list, &one, &shaped)?;
            shaped.push(one);
        }
        body::set_property(&mut whole, list, Value::Array(shaped));
    }
    Ok(whole)
}

/// Puts a part into its resource, in place of one of that name.
fn placed(call: &Call<'_>, asked: Value, whole: &mut Value) -> Result<(), Refusal> {
    let holder = call.path.parent();
    let list = call.path.last();
    let mut one = rules::shaped(list, call.path.name(), &holder.id(), &holder.kind(), asked)?;
    rules::no_conflict(list, &one, part(whole, list))?;
    body::set_property(&mut one, "provisioningState", "Updating".into());
    if let Some(parts) = part_mut(whole, list) {
        match parts
            .iter_mut()
            .find(|found| body::is_named(found, call.path.name()))
        {
            Some(place) => *place = one,
            None => parts.push(one),
        }
    }
    Ok(())
}

/// Gives a resource and its parts a new etag.
pub(crate) fn stamp(whole: &mut Value) {
    let etag = Value::from(format!("W/\"{}\"", guid()));
    for list in PARTS {
        if !part(whole, list).is_empty() {
            for one in part_mut(whole, list).into_iter().flatten() {
                body::set(one, "etag", etag.clone());
            }
        }
    }
    body::set(whole, "etag", etag);
}

fn mark(whole: &mut Value, one: Option<&(String, String)>, state: &str) {
    match one {
        None => body::set_property(whole, "provisioningState", state.into()),
        Some((list, name)) => {
            body::set_property(whole, "provisioningState", "Updating".into());
            for found in part_mut(whole, list).into_iter().flatten() {
                if body::is_named(found, name) {
                    body::set_property(found, "provisioningState", state.into());
                }
            }
        }
    }
}

/// `If-Match` and `If-None-Match` (RFC 9110 §13.1).
fn precondition(call: &Call<'_>, current: Option<&Value>) -> Result<(), Refusal> {
    let etag = current.map(|body| body::text(body, "/etag"));
    let listed = |header: &str| {
        header
            .split(',')
            .any(|one| one.trim() == "*" || Some(one.trim()) == etag)
    };
    let wanted = call.request.header("if-match");
    let unwanted = call.request.header("if-none-match");
    let fails = wanted.is_some_and(|header| etag.is_none() || !listed(header))
        || unwanted.is_some_and(|header| etag.is_some() && listed(header));
    if !fails {
        return Ok(());
    }
    let message = format!(
        "The condition of the request on the etag of {} is not met; its etag is {}.",
        call.path.id(),
        etag.unwrap_or("none, it does not exist")
    );
    // The status is HTTP's; that Azure's code is this one is nowhere recorded.
    Err(Refusal::provider(412, "PreconditionFailed", message))
}

/// Whether a body names an id anywhere.
fn names(body: &Value, key: &str) -> bool {
    match body {
        Value::Object(map) => map.iter().any(|(field, value)| {
            (field == "id" && value.as_str().is_some_and(|id| id.eq_ignore_ascii_case(key)))
                || names(value, key)
        }),
        Value::Array(list) => list.iter().any(|value| names(value, key)),
        _ => false,
    }
}

/// The method is not for this resource.
pub(crate) fn no_method(call: &Call<'_>) -> Refusal {
    Refusal::gateway(
        405,
        "MethodNotAllowed",
        format!(
            "The requested resource '{}' does not support http method '{}'.",
            call.path.id(),
            call.request.verb
        ),
    )
}
