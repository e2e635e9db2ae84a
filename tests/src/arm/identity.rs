//! Tokens: how they are asked for, what they say, and what those who hold them may do.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::clock::{self, Moment};
use super::core::Core;
use super::http::{Answer, Request};
use super::refusal::Refusal;
use super::state::{Principal, Role};

/// Audiences that mean Azure Resource Manager, in its clouds.
const AUDIENCES: &[&str] = &[
    "https://management.azure.com",
    "https://management.chinacloudapi.cn",
    "https://management.core.chinacloudapi.cn",
    "https://management.core.usgovcloudapi.net",
    "https://management.core.windows.net",
    "https://management.usgovcloudapi.net",
];

/// A new random id in the form of a GUID.
pub(crate) fn guid() -> String {
    let mut bytes = [0; 16];
    // The simulator does not start where there are no random numbers.
    getrandom::fill(&mut bytes).unwrap_or_default();
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if [4, 6, 8, 10].contains(&index) {
            text.push('-');
        }
        // A String takes all that is written.
        write!(text, "{byte:02x}").unwrap_or_default();
    }
    text
}

/// A token that was given out.
#[derive(Debug, Clone)]
struct Issued {
    object: String,
    audience: String,
    until: SystemTime,
}

/// All tokens that were given out.
#[derive(Debug, Default)]
pub(crate) struct Tokens(BTreeMap<String, Issued>);

impl Tokens {
    /// From now on no token is good any more.
    pub(crate) fn expire_all(&mut self) {
        for token in self.0.values_mut() {
            token.until = SystemTime::UNIX_EPOCH;
        }
    }

    /// From now on this token is no good any more.
    pub(crate) fn expire(&mut self, request: &Request) {
        if let Some(token) = bearer(request).and_then(|token| self.0.get_mut(token)) {
            token.until = SystemTime::UNIX_EPOCH;
        }
    }
}

fn bearer(request: &Request) -> Option<&str> {
    let (scheme, token) = request.header("authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl Core {
    fn issue(&mut self, who: &Principal, audience: &str, now: Moment) -> (String, u64) {
        let seconds = self.state.settings.token_seconds;
        let until = now.wall + Duration::from_secs(seconds);
        let claims = json!({
            "aud": audience, "iss": format!("https://sts.windows.net/{}/", self.state.tenant), "tid": self.state.tenant,
            "oid": who.object_id, "appid": who.client_id, "iat": clock::epoch(now.wall), "nbf": clock::epoch(now.wall),
            "exp": clock::epoch(until), "uti": guid(),
        });
        let token = format!(
            "{}.{}.{}",
            URL_SAFE_NO_PAD.encode(json!({"typ": "JWT", "alg": "none"}).to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string()),
            URL_SAFE_NO_PAD.encode(guid()),
        );
        let issued = Issued {
            object: who.object_id.clone(),
            audience: audience.trim_end_matches('/').to_owned(),
            until,
        };
        self.tokens.0.insert(token.clone(), issued);
        (token, seconds)
    }

    /// `POST /TENANT/oauth2/v2.0/token`.
    pub(crate) fn token(&mut self, tenant: &str, request: &Request, now: Moment) -> Answer {
        match self.granted(tenant, request) {
            Ok((who, audience)) => {
                let (token, seconds) = self.issue(&who, &audience, now);
                let body = json!({
                    "token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token,
                });
                Answer::new(200).text("application/json; charset=utf-8", body.to_string())
            }
            Err((status, error, number, why)) => {
                let body = json!({
                    "error": error, "error_description": format!("AADSTS{number}: {why}"), "error_codes": [number],
                    "timestamp": clock::iso(now.wall), "trace_id": guid(), "correlation_id": guid(),
                });
                Answer::new(status).text("application/json; charset=utf-8", body.to_string())
            }
        }
    }

    fn granted(
        &self,
        tenant: &str,
        request: &Request,
    ) -> Result<(Principal, String), (u16, &'static str, u32, String)> {
        let form = request.form();
        let field = |name: &str| {
            let found = form.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.as_str())
        };
        if !tenant.eq_ignore_ascii_case(&self.state.tenant) {
            return Err((
                400,
                "invalid_request",
                90_002,
                format!("Tenant '{tenant}' not found."),
            ));
        }
        if field("grant_type") != Some("client_credentials") {
            let why = "The request body must contain the following parameter: 'grant_type'.".to_owned();
            return Err((400, "unsupported_grant_type", 900_144, why));
        }
        let client = field("client_id").unwrap_or_default();
        let who = self
            .state
            .principals
            .iter()
            .find(|who| !client.is_empty() && who.client_id.eq_ignore_ascii_case(client));
        let who = who.ok_or_else(|| {
            let why =
                format!("Application with identifier '{client}' was not found in the directory '{tenant}'.");
            (400, "unauthorized_client", 700_016, why)
        })?;
        let secret = field("client_secret");
        let assertion = field("client_assertion");
        if secret.is_some() && secret != who.secret.as_deref() {
            let why = format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client \
                               secret value, not the client secret ID, for a secret added to app '{client}'."
            );
            return Err((401, "invalid_client", 7_000_215, why));
        }
        if secret.is_none() && (assertion.is_none() || assertion.map(str::trim) != who.assertion.as_deref()) {
            let why = "No matching federated identity record found for presented assertion.".to_owned();
            return Err((401, "invalid_client", 70_021, why));
        }
        let scope = field("scope").unwrap_or_default();
        let audience = scope.strip_suffix("/.default").ok_or_else(|| {
            (400, "invalid_scope", 70_011, format!("The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid."))
        })?;
        Ok((who.clone(), audience.to_owned()))
    }

    /// The identity endpoint of a virtual machine (`/metadata/identity/oauth2/token`) or of App Service (`/MSI/token`).
    pub(crate) fn managed(&mut self, request: &Request, now: Moment) -> Answer {
        let refuse = |status, why: &str| {
            let body = json!({"error": "invalid_request", "error_description": why});
            Answer::new(status).text("application/json; charset=utf-8", body.to_string())
        };
        let as_machine = request.path.starts_with("/metadata/");
        if as_machine && request.header("metadata") != Some("true") {
            return refuse(400, "Required metadata header not specified");
        }
        if !as_machine && request.header("x-identity-header") != Some(&self.state.settings.identity_header) {
            return refuse(401, "The identity header is missing or wrong");
        }
        let Some(resource) = request.parameter("resource").map(str::to_owned) else {
            return refuse(400, "Required query variable 'resource' is missing");
        };
        let client = request.parameter("client_id");
        let who = self.state.principals.iter().find(|who| {
            who.managed && client.is_none_or(|client| who.client_id.eq_ignore_ascii_case(client))
        });
        let Some(who) = who.cloned() else {
            return refuse(400, "Identity not found");
        };
        let (token, seconds) = self.issue(&who, &resource, now);
        let from = clock::epoch(now.wall);
        let body = json!({
            "access_token": token, "client_id": who.client_id, "expires_in": seconds.to_string(),
            "expires_on": from.saturating_add(seconds).to_string(), "ext_expires_in": seconds.to_string(),
            "not_before": from.to_string(), "resource": resource, "token_type": "Bearer",
        });
        Answer::new(200).text("application/json; charset=utf-8", body.to_string())
    }

    /// Who sends the request, by its token.
    pub(crate) fn caller(&self, request: &Request, base: &str, now: Moment) -> Result<Principal, Refusal> {
        let challenge = |error: &str, why: &str| {
            format!(
                "Bearer authorization_uri=\"{base}/{}\", error=\"{error}\", error_description=\"{why}\"",
                self.state.tenant
            )
        };
        let refuse = |code: &str, why: &str| {
            Refusal::gateway(401, code, why).with("WWW-Authenticate", challenge("invalid_token", why))
        };
        let Some(token) = bearer(request) else {
            let why = "Authentication failed. The 'Authorization' header is missing.";
            return Err(refuse("AuthenticationFailed", why));
        };
        let Some(issued) = self.tokens.0.get(token) else {
            return Err(refuse(
                "InvalidAuthenticationToken",
                "The access token is invalid.",
            ));
        };
        if issued.until <= now.wall {
            let why = format!(
                "The access token expiry UTC time '{}' is earlier than current UTC time '{}'.",
                clock::iso(issued.until),
                clock::iso(now.wall)
            );
            return Err(refuse("ExpiredAuthenticationToken", &why));
        }
        let audience = issued.audience.as_str();
        if !AUDIENCES.contains(&audience) && audience != base {
            let why = format!(
                "The access token has been obtained for wrong audience or resource '{audience}'. It should exactly match with \
                 one of the allowed audiences 'https://management.core.windows.net/', 'https://management.azure.com/'."
            );
            return Err(refuse("InvalidAuthenticationTokenAudience", &why));
        }
        let who = self
            .state
            .principals
            .iter()
            .find(|who| who.object_id == issued.object);
        who.cloned().ok_or_else(|| {
            refuse(
                "InvalidAuthenticationToken",
                "The principal of the access token is gone.",
            )
        })
    }
}

/// The body at `/TENANT/v2.0/.well-known/openid-configuration`.
pub(crate) fn discovery(base: &str, tenant: &str) -> Value {
    json!({
        "issuer": format!("{base}/{tenant}/v2.0"),
        "authorization_endpoint": format!("{base}/{tenant}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{base}/{tenant}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{base}/{tenant}/discovery/v2.0/keys"),
        "response_types_supported": ["code", "id_token", "code id_token", "token id_token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "tenant_region_scope": "EU",
    })
}

impl Principal {
    /// The roles that reach a scope.
    pub(crate) fn roles_at<'a>(&'a self, scope: &'a str) -> impl Iterator<Item = &'a Role> {
        self.roles.iter().filter(move |role| covers(&role.scope, scope))
    }

    /// Whether some role allows the action at the scope.
    pub(crate) fn may(&self, action: &str, scope: &str) -> bool {
        let matches = |patterns: &[String]| patterns.iter().any(|pattern| fits(pattern, action));
        self.roles_at(scope)
            .any(|role| matches(&role.actions) && !matches(&role.not_actions))
    }

    /// Refuses what no role allows.
    pub(crate) fn must(&self, action: &str, scope: &str) -> Result<(), Refusal> {
        if self.may(action, scope) {
            return Ok(());
        }
        let name = if self.name.is_empty() {
            &self.client_id
        } else {
            &self.name
        };
        Err(Refusal::gateway(
            403,
            "AuthorizationFailed",
            format!(
                "The client '{name}' with object id '{}' does not have authorization to perform action '{action}' over scope \
                 '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
                self.object_id
            ),
        ))
    }
}

/// Whether a scope is this one or below it.
fn covers(scope: &str, below: &str) -> bool {
    let scope = scope.trim_end_matches('/').to_ascii_lowercase();
    let below = below.to_ascii_lowercase();
    below
        .strip_prefix(&scope)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether an action fits a pattern in which `*` stands for anything.
fn fits(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = action.strip_prefix(first) else {
        return false;
    };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        match rest.find(piece) {
            Some(at) => rest = rest.get(at.saturating_add(piece.len())..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_actions() {
        let read = "Microsoft.Network/networkInterfaces/read";
        for (pattern, expected) in [
            ("*", true),
            ("*/read", true),
            ("microsoft.network/*/READ", true),
            ("Microsoft.Network/networkInterfaces/read", true),
            ("Microsoft.Network/networkInterfaces", false),
            ("Microsoft.Network/*/write", false),
            ("Microsoft.Compute/*", false),
            ("*/networkInterfaces/*", true),
            ("", false),
        ] {
            assert_eq!(fits(pattern, read), expected, "{pattern}");
        }
    }

    #[test]
    fn a_scope_reaches_down_and_not_aside() {
        assert!(covers("/", "/subscriptions/s"));
        assert!(covers("/subscriptions/S", "/subscriptions/s/resourceGroups/g"));
        assert!(!covers("/subscriptions/s", "/subscriptions/s2"));
        assert!(!covers("/subscriptions/s/resourceGroups/g", "/subscriptions/s"));
    }

    #[test]
    fn what_is_taken_away_is_not_allowed() {
        let who = Principal {
            object_id: "o".to_owned(),
            client_id: "c".to_owned(),
            roles: vec![Role {
                scope: "/subscriptions/s".to_owned(),
                actions: vec!["*".to_owned()],
                not_actions: vec!["*/delete".to_owned()],
            }],
            ..Principal::default()
        };
        assert!(who.may("Microsoft.Network/x/write", "/subscriptions/s/x"));
        let refusal = who
            .must("Microsoft.Network/x/delete", "/subscriptions/s/x")
            .unwrap_err();
        assert!(
            refusal.message.contains("'Microsoft.Network/x/delete'"),
            "{}",
            refusal.message
        );
        assert_eq!((refusal.status, &*refusal.code), (403, "AuthorizationFailed"));
    }
}
