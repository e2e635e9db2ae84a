//! From a request to its answer.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::clock;
use super::core::{Call, Core, Shared};
use super::effective::{Table, internal};
use super::fault::FaultKind;
use super::http::{Answer, Request};
use super::identity::{discovery, guid};
use super::path::Path;
use super::refusal::Refusal;
use super::resources::no_method;
use super::state::Principal;
use super::throttle::{Rate, Taken};

/// Answers a request.
pub(crate) fn answer(shared: &Shared, request: &Request, is_secure: bool) -> Answer {
    let mut core = shared.lock();
    if request.path.starts_with("/__lab/") {
        return core.control(request);
    }
    let now = core.now();
    let target = target(request);
    let faults = core.faults.befall(&request.verb, &target, now.mono);
    let late: u64 = faults
        .iter()
        .map(|fault| match fault {
            FaultKind::Delay { ms } => *ms,
            _ => 0,
        })
        .sum();
    if late > 0 {
        drop(core);
        thread::sleep(Duration::from_millis(late));
        core = shared.lock();
    }
    let now = core.now();
    core.settle(now.mono, now.wall);
    let base = base(request, is_secure);
    let correlation = request
        .header("x-ms-correlation-request-id")
        .map_or_else(guid, str::to_owned);
    let mut answer = match core.outside(request, &base, is_secure) {
        Some(answer) => answer,
        None => core
            .managed_request(shared, request, &base, &correlation, &faults)
            .unwrap_or_else(|refusal| refusal.answer()),
    };
    if let Some(why) = core.failed.take() {
        answer = internal(why).answer();
    }
    // What an operation will answer is spoiled when it is answered.
    let spoils = |fault: &&FaultKind| !(fault.is_of_body() && answer.status == 202);
    for fault in faults.iter().filter(spoils).collect::<Vec<_>>() {
        fault.spoil(&mut answer);
    }
    core.dress(&mut answer, request, &correlation);
    let now = core.now();
    core.saw(request, answer.status, now);
    answer
}

fn target(request: &Request) -> String {
    let query = request.query.iter();
    let query: Vec<String> = query.map(|(name, value)| format!("{name}={value}")).collect();
    format!("{}?{}", request.path, query.join("&"))
}

/// The address that the client used.
fn base(request: &Request, is_secure: bool) -> String {
    let scheme = if is_secure { "https" } else { "http" };
    format!("{scheme}://{}", request.header("host").unwrap_or("localhost"))
}

impl Core {
    /// What is asked of the directory or of the machine's identity endpoint, not of Resource Manager.
    fn outside(&mut self, request: &Request, base: &str, is_secure: bool) -> Option<Answer> {
        let now = self.now();
        let words: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        let json = |body: &Value| Answer::new(200).text("application/json; charset=utf-8", body.to_string());
        match (request.verb.as_str(), words.as_slice()) {
            ("GET", ["metadata", "identity", "oauth2", "token"] | ["MSI", "token"]) => {
                Some(self.managed(request, now))
            }
            // Secrets and tokens of others go over TLS only.
            _ if !is_secure => {
                Some(Refusal::gateway(403, "HttpsRequired", "This address answers over HTTPS only.").answer())
            }
            ("POST", [tenant, "oauth2", "v2.0", "token"]) => Some(self.token(tenant, request, now)),
            ("GET", [tenant, "v2.0", ".well-known", "openid-configuration"]) => {
                Some(json(&discovery(base, tenant)))
            }
            ("GET", [_, "discovery", "v2.0", "keys"]) => Some(json(&json!({"keys": []}))),
            _ => None,
        }
    }

    /// A request to Azure Resource Manager.
    fn managed_request(
        &mut self,
        shared: &Shared,
        request: &Request,
        base: &str,
        correlation: &str,
        faults: &[FaultKind],
    ) -> Result<Answer, Refusal> {
        let now = self.now();
        if faults.contains(&FaultKind::TokenExpired) {
            self.tokens.expire(request);
        }
        let who = self.caller(request, base, now)?;
        let version = version(request)?;
        self.refused_by(faults, request)?;
        let subscription = self.subscription_of(request)?;
        let left = self.throttled(request, &who, subscription.as_deref())?;
        let mut answer = match Path::parse(&request.path) {
            Some(path) => {
                let call = Call {
                    request,
                    path,
                    who,
                    base: base.to_owned(),
                    version,
                    now,
                    correlation: correlation.to_owned(),
                    faults: faults.to_vec(),
                };
                if faults.contains(&FaultKind::Vanish) {
                    self.removed(&call.path.scope().to_ascii_lowercase(), None);
                }
                self.called(&call, shared)
            }
            None => self.above_providers(request, &who),
        }
        .unwrap_or_else(|refusal| refusal.answer());
        for (name, value) in left {
            if !answer
                .headers
                .iter()
                .any(|(known, _)| known.eq_ignore_ascii_case(&name))
            {
                answer.set(&name, value);
            }
        }
        Ok(answer)
    }

    /// Refusals that a fault wants.
    fn refused_by(&self, faults: &[FaultKind], request: &Request) -> Result<(), Refusal> {
        for fault in faults {
            match fault {
                FaultKind::Error {
                    status,
                    code,
                    message,
                    retry_after,
                } => {
                    let refusal = Refusal::provider(*status, code, message.clone());
                    return Err(match retry_after {
                        Some(seconds) => refusal.with("Retry-After", seconds.to_string()),
                        None => refusal,
                    });
                }
                FaultKind::Throttle { retry_after } => {
                    return Err(too_many(operation(&request.verb), "", "", *retry_after));
                }
                FaultKind::WrongSubscription => {
                    let id = request.path.split('/').nth(2).unwrap_or_default();
                    return Err(no_subscription(id));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The subscription in the address, which must be one that there is.
    fn subscription_of(&self, request: &Request) -> Result<Option<String>, Refusal> {
        let mut words = request.path.trim_matches('/').split('/');
        if !words
            .next()
            .is_some_and(|first| first.eq_ignore_ascii_case("subscriptions"))
        {
            return Ok(None);
        }
        match words.next() {
            None => Ok(None),
            Some(id) if self.state.subscriptions.contains_key(&id.to_ascii_lowercase()) => {
                Ok(Some(id.to_ascii_lowercase()))
            }
            Some(id) => Err(no_subscription(id)),
        }
    }

    /// Takes from the buckets; says what remains, as headers.
    fn throttled(
        &mut self,
        request: &Request,
        who: &Principal,
        subscription: Option<&str>,
    ) -> Result<Vec<(String, String)>, Refusal> {
        let limits = &self.state.settings.limits;
        if !self.state.settings.throttle {
            return Ok(Vec::new());
        }
        let now = clock::Moment::now().mono;
        if request
            .path
            .to_ascii_lowercase()
            .ends_with("/microsoft.resourcegraph/resources")
        {
            let rate = limits.graph;
            let taken = self.buckets.take(&format!("graph {}", who.object_id), rate, now);
            return graph_headers(taken);
        }
        let kind = operation(&request.verb);
        let rate = match kind {
            "reads" => limits.reads,
            "writes" => limits.writes,
            _ => limits.deletes,
        };
        let global = Rate {
            size: rate.size * limits.global,
            per_second: rate.per_second * limits.global,
        };
        let place = subscription.unwrap_or("tenant");
        let name = format!("{kind} {place} {}", who.object_id);
        let own = self.buckets.take(&name, rate, now);
        let all = self.buckets.take(&format!("{kind} {place}"), global, now);
        match (own, all) {
            (Taken::Left(own), Taken::Left(all)) => {
                let scope = if subscription.is_some() {
                    "subscription"
                } else {
                    "tenant"
                };
                let header = format!("x-ms-ratelimit-remaining-{scope}");
                Ok(vec![
                    (format!("{header}-{kind}"), own.to_string()),
                    (format!("{header}-global-{kind}"), all.to_string()),
                ])
            }
            (Taken::Wait(seconds), _) | (_, Taken::Wait(seconds)) => {
                Err(too_many(kind, place, &who.object_id, seconds))
            }
        }
    }

    /// A request below a provider.
    fn called(&mut self, call: &Call<'_>, shared: &Shared) -> Result<Answer, Refusal> {
        let (verb, last) = (call.request.verb.as_str(), call.path.last());
        if call
            .path
            .parts
            .first()
            .is_some_and(|(kind, _)| kind == "locations")
            && matches!(last, "operations" | "operationResults")
        {
            return self.poll(call);
        }
        if call.path.namespace == "Microsoft.Authorization"
            || call.request.path.contains("/Microsoft.Authorization/")
        {
            return permissions(call);
        }
        call.who.must(&call.path.action(verb), &call.path.scope())?;
        match (verb, last) {
            ("GET", "serviceTags") => Ok(self.tags(call)),
            ("GET", "values") if call.path.namespace == "Microsoft.Insights" => self.log(call),
            ("GET", "instanceView") if !call.path.is_resource() => self.view(call),
            ("GET" | "HEAD", _) if call.path.is_resource() => self.get(call),
            ("GET", _) => self.list(call),
            ("PUT", "packetCaptures") => self.create_capture(call),
            ("PUT", "runCommands") => self.managed_command(call, shared),
            ("PUT", _) if call.path.is_resource() => self.put(call),
            ("DELETE", _) => self.delete(call),
            ("POST", _) if !call.path.is_resource() => self.acted(call, shared),
            _ => Err(no_method(call)),
        }
    }

    fn acted(&mut self, call: &Call<'_>, shared: &Shared) -> Result<Answer, Refusal> {
        let of = call.path.parent();
        match (of.last(), call.path.last()) {
            ("networkInterfaces", "effectiveRouteTable") => self.effective(call, Table::Routes),
            ("networkInterfaces", "effectiveNetworkSecurityGroups") => self.effective(call, Table::Nsg),
            ("virtualNetworks", "listNetworkManagerEffectiveSecurityAdminRules") => self.admin_rules(call),
            ("packetCaptures", "queryStatus") => self.capture_status(call),
            ("packetCaptures", "stop") => self.stop_capture(call),
            ("virtualMachines", "runCommand") => self.run_command(call, shared),
            ("virtualMachines", "start") => self.power(call, "running"),
            ("virtualMachines", "powerOff") => self.power(call, "stopped"),
            ("virtualMachines", "deallocate") => self.power(call, "deallocated"),
            _ => Err(no_method(call)),
        }
    }

    fn tags(&self, call: &Call<'_>) -> Answer {
        let place = format!("/subscriptions/{}/", call.path.subscription).to_ascii_lowercase();
        let mut lists = self.state.resources.iter();
        let list = lists.find(|(key, _)| key.starts_with(&place) && key.contains("/servicetags/"));
        let mut tags = list.map(|(_, list)| list.clone()).unwrap_or_default();
        if tags.is_null() {
            let id = format!(
                "/subscriptions/{}/providers/Microsoft.Network/serviceTags/Public",
                call.path.subscription
            );
            tags = json!({"name": "Public", "id": id, "type": "Microsoft.Network/serviceTags", "changeNumber": "1",
                          "cloud": "Public", "values": []});
        }
        Answer::new(200).text("application/json; charset=utf-8", super::body::pretty(&tags))
    }

    /// Subscriptions, groups, and what has neither.
    fn above_providers(&mut self, request: &Request, who: &Principal) -> Result<Answer, Refusal> {
        let lower = request.path.trim_matches('/').to_ascii_lowercase();
        let words: Vec<&str> = lower.split('/').collect();
        let json =
            |body: Value| Ok(Answer::new(200).text("application/json; charset=utf-8", body.to_string()));
        match (request.verb.as_str(), words.as_slice()) {
            ("POST", ["providers", "microsoft.resourcegraph", "resources"]) => self.graph(request, who),
            ("GET", ["subscriptions"]) => {
                let all = self.state.subscriptions.iter();
                let seen = all.filter(|(id, _)| {
                    who.may(
                        "Microsoft.Resources/subscriptions/read",
                        &format!("/subscriptions/{id}"),
                    )
                });
                let list: Vec<Value> = seen.map(|(id, name)| self.subscription(id, name)).collect();
                json(json!({"value": list, "count": {"type": "Total", "value": list.len()}}))
            }
            ("GET", ["subscriptions", id]) => {
                who.must(
                    "Microsoft.Resources/subscriptions/read",
                    &format!("/subscriptions/{id}"),
                )?;
                let name = self.state.subscriptions.get(*id).cloned().unwrap_or_default();
                json(self.subscription(id, &name))
            }
            ("GET", ["subscriptions", id, "resourcegroups"]) => {
                let action = "Microsoft.Resources/subscriptions/resourceGroups/read";
                who.must(action, &format!("/subscriptions/{id}"))?;
                json(json!({"value": self.groups(id)}))
            }
            ("GET", ["subscriptions", id, "resourcegroups", name]) => {
                let action = "Microsoft.Resources/subscriptions/resourceGroups/read";
                who.must(action, &format!("/subscriptions/{id}/resourceGroups/{name}"))?;
                let found = self
                    .groups(id)
                    .into_iter()
                    .find(|group| super::body::is_named(group, name));
                json(found.ok_or_else(|| {
                    let message = format!("Resource group '{name}' could not be found.");
                    Refusal::gateway(404, "ResourceGroupNotFound", message)
                })?)
            }
            _ => Err(Refusal::gateway(
                404,
                "NotFound",
                format!("There is nothing at '{}' for '{}'.", request.path, request.verb),
            )),
        }
    }

    fn subscription(&self, id: &str, name: &str) -> Value {
        json!({"id": format!("/subscriptions/{id}"), "subscriptionId": id, "displayName": name, "state": "Enabled",
               "tenantId": self.state.tenant, "authorizationSource": "RoleBased"})
    }

    /// The groups in which there is something.
    fn groups(&self, subscription: &str) -> Vec<Value> {
        let mut groups = std::collections::BTreeMap::new();
        for (key, found) in &self.state.resources {
            let id = super::body::text(found, "/id");
            let Some(path) = Path::parse(if id.is_empty() { key } else { id }) else {
                continue;
            };
            if path.subscription.eq_ignore_ascii_case(subscription) && !path.group.is_empty() {
                groups
                    .entry(path.group.to_ascii_lowercase())
                    .or_insert_with(|| (path.group.clone(), self.state.region(Some(found))));
            }
        }
        let groups = groups.into_values().map(|(name, region)| {
            json!({"id": format!("/subscriptions/{subscription}/resourceGroups/{name}"), "name": name,
                   "type": "Microsoft.Resources/resourceGroups", "location": region,
                   "properties": {"provisioningState": "Succeeded"}})
        });
        groups.collect()
    }

    /// The headers that every answer has.
    fn dress(&self, answer: &mut Answer, request: &Request, correlation: &str) {
        let now = self.now().wall;
        let region = self.state.settings.region.to_ascii_uppercase();
        let id = guid();
        answer.set("Cache-Control", "no-cache");
        answer.set("Pragma", "no-cache");
        answer.set("Expires", "-1");
        answer.set("Strict-Transport-Security", "max-age=31536000; includeSubDomains");
        answer.set("X-Content-Type-Options", "nosniff");
        answer.set("x-ms-correlation-request-id", correlation);
        answer.set(
            "x-ms-routing-request-id",
            format!("{region}:{}:{correlation}", clock::compact(now)),
        );
        if request.path.to_ascii_lowercase().contains("/microsoft.network/") {
            answer.set("x-ms-arm-service-request-id", guid());
        }
        answer.set("x-ms-request-id", id);
        if request.header("x-ms-return-client-request-id") == Some("true")
            && let Some(client) = request.header("x-ms-client-request-id")
        {
            answer.set("x-ms-client-request-id", client);
        }
        answer.set("Date", clock::http(now));
    }
}

fn version(request: &Request) -> Result<String, Refusal> {
    let Some(version) = request
        .parameter("api-version")
        .filter(|version| !version.is_empty())
    else {
        let message = "The api-version query parameter (?api-version=) is required for all requests.";
        return Err(Refusal::gateway(400, "MissingApiVersionParameter", message));
    };
    let date = version.get(..10).unwrap_or_default();
    let rest = version.get(10..).unwrap_or_default();
    if clock::parse(date).is_none() || date.len() != 10 || !(rest.is_empty() || rest == "-preview") {
        let message = format!(
            "The api-version '{version}' is invalid. The supported versions are of the form 'yyyy-MM-dd' or 'yyyy-MM-dd-preview'."
        );
        return Err(Refusal::gateway(400, "InvalidApiVersionParameter", message));
    }
    Ok(version.to_owned())
}

/// What a bucket counts the verb as.
fn operation(verb: &str) -> &'static str {
    match verb {
        "GET" | "HEAD" => "reads",
        "DELETE" => "deletes",
        _ => "writes",
    }
}

fn too_many(kind: &str, place: &str, actor: &str, seconds: u64) -> Refusal {
    Refusal::gateway(
        429,
        "SubscriptionRequestsThrottled",
        format!(
            "Number of '{kind}' requests for subscription '{place}' actor '{actor}' exceeded. Please try again after \
             '{seconds}' seconds after additional tokens are available. Refer to https://aka.ms/arm-throttling for additional \
             information."
        ),
    )
    .with("Retry-After", seconds.to_string())
}

fn graph_headers(taken: Taken) -> Result<Vec<(String, String)>, Refusal> {
    let quota = |left: u64| ("x-ms-user-quota-remaining".to_owned(), left.to_string());
    let resets = |seconds: u64| {
        (
            "x-ms-user-quota-resets-after".to_owned(),
            format!("00:00:{:02}", seconds.min(59)),
        )
    };
    match taken {
        Taken::Left(left) => Ok(vec![quota(left), resets(5)]),
        Taken::Wait(seconds) => {
            let message = "Client application has been throttled and should not attempt to repeat the request until an amount \
                           of time has elapsed.";
            let (name, value) = resets(seconds);
            Err(Refusal::provider(429, "RateLimiting", message)
                .with("Retry-After", seconds.to_string())
                .with("x-ms-user-quota-remaining", "0")
                .with(&name, value))
        }
    }
}

fn no_subscription(id: &str) -> Refusal {
    let message = format!("The subscription '{id}' could not be found.");
    Refusal::gateway(404, "SubscriptionNotFound", message)
}

/// `GET SCOPE/providers/Microsoft.Authorization/permissions`.
fn permissions(call: &Call<'_>) -> Result<Answer, Refusal> {
    let path = &call.request.path;
    let at = path
        .to_ascii_lowercase()
        .rfind("/providers/microsoft.authorization/permissions");
    let scope = at
        .and_then(|at| path.get(..at))
        .filter(|_| call.request.verb == "GET");
    let scope = scope.ok_or_else(|| no_method(call))?;
    let roles = call.who.roles_at(scope).map(|role| {
        json!({"actions": role.actions, "notActions": role.not_actions, "dataActions": [], "notDataActions": []})
    });
    let list: Vec<Value> = roles.collect();
    Ok(Answer::new(200).text(
        "application/json; charset=utf-8",
        json!({"value": list}).to_string(),
    ))
}
