//! Tokens and permissions.

use std::io::{Read, Write};
use std::net::TcpStream;

use base64::Engine as _;
use serde_json::{Value, json};

use crate::client::World;

#[test]
fn a_wrong_login_is_refused_in_the_words_of_the_directory() {
    let world = World::new();
    let who = world.arm.state().principals[0].clone();
    let scope = "scope=https%3A%2F%2Fmanagement.azure.com%2F.default";
    for (form, status, number) in [
        (
            format!(
                "grant_type=client_credentials&client_id={}&client_secret=no&{scope}",
                who.client_id
            ),
            401,
            7_000_215,
        ),
        (
            format!("grant_type=client_credentials&client_id=x&client_secret=no&{scope}"),
            400,
            700_016,
        ),
        (format!("client_id={}&{scope}", who.client_id), 400, 900_144),
        (
            format!(
                "grant_type=client_credentials&client_id={}&client_secret={}",
                who.client_id,
                who.secret.clone().unwrap()
            ),
            400,
            70_011,
        ),
        (
            format!(
                "grant_type=client_credentials&client_id={}&client_assertion=x&{scope}",
                who.client_id
            ),
            401,
            70_021,
        ),
        // A managed identity has neither secret nor assertion; leaving both out is no login.
        (
            format!(
                "grant_type=client_credentials&client_id={}&{scope}",
                world.arm.state().principals[2].client_id
            ),
            401,
            70_021,
        ),
    ] {
        let reply = world.token(&form).with(status).json();
        assert_eq!(reply["error_codes"][0], number, "{reply}");
        assert!(
            reply["error_description"]
                .as_str()
                .unwrap()
                .starts_with(&format!("AADSTS{number}: "))
        );
    }
    let elsewhere = world
        .client
        .send("POST", "/elsewhere/oauth2/v2.0/token", &[], b"")
        .with(400)
        .json();
    assert_eq!(elsewhere["error_codes"][0], 90_002);
}

#[test]
fn a_workload_logs_in_by_its_assertion() {
    let world = World::new();
    let mut principals = serde_json::to_value(world.arm.state().principals).unwrap();
    principals[0]["assertion"] = json!("a.signed.assertion");
    let client = principals[0]["clientId"].as_str().unwrap().to_owned();
    world.patch(&json!({ "principals": principals }));
    let form = format!(
        "grant_type=client_credentials&client_id={client}&client_assertion=a.signed.assertion&scope=https%3A%2F%2Fmanagement.azure.com%2F.default\
         &client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
    );
    let token = world.token(&form).with(200).json();
    assert_eq!(
        (&token["token_type"], &token["expires_in"]),
        (&json!("Bearer"), &json!(3600))
    );
    let claims = token["access_token"]
        .as_str()
        .unwrap()
        .split('.')
        .nth(1)
        .unwrap()
        .to_owned();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(claims)
        .unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["appid"], client.as_str());
    assert_eq!(claims["aud"], "https://management.azure.com");
}

#[test]
fn without_a_good_token_nothing_is_answered() {
    let world = World::new();
    let nic = world.network("networkInterfaces/vm1");
    let with = |token: &str| world.client.with_token(token);
    let missing = with("").get(&nic);
    assert_eq!(missing.refused(401), "AuthenticationFailed");
    assert!(
        missing
            .must("WWW-Authenticate")
            .contains(&format!("/{}\"", world.tenant))
    );
    assert_eq!(
        with("made.up.token").get(&nic).refused(401),
        "InvalidAuthenticationToken"
    );
    world.client.get(&nic).with(200);
    world.arm.expire_tokens();
    assert_eq!(world.client.get(&nic).refused(401), "ExpiredAuthenticationToken");
    world.logged_in(0).get(&nic).with(200);
    let who = world.arm.state().principals[0].clone();
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&scope=https%3A%2F%2Fvault.azure.net%2F.default",
        who.client_id,
        who.secret.unwrap()
    );
    let elsewhere = world.token(&form).with(200).json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        with(&elsewhere).get(&nic).refused(401),
        "InvalidAuthenticationTokenAudience"
    );
}

#[test]
fn a_token_ends_by_its_own_time() {
    let world = World::new();
    let nic = world.network("networkInterfaces/vm1");
    world.patch(&json!({"settings": {"clockSkew": 3700}}));
    let late = world.client.get(&nic);
    assert_eq!(late.refused(401), "ExpiredAuthenticationToken");
    world.patch(&json!({"settings": {"clockSkew": -86_400}}));
    world.client.get(&nic).with(200);
}

#[test]
fn what_no_role_allows_is_refused_by_name() {
    let world = World::new();
    let reader = world.logged_in(1);
    let rule = world.network("networkSecurityGroups/default/securityRules/a");
    reader
        .get(&world.network("networkSecurityGroups/default"))
        .with(200);
    let refused = reader.call("PUT", &rule, &json!({}));
    assert_eq!(refused.refused(403), "AuthorizationFailed");
    let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains(
            "action 'Microsoft.Network/networkSecurityGroups/securityRules/write' over scope '/subscriptions/"
        ) && message.contains(&world.arm.state().principals[1].object_id),
        "{message}"
    );
    let command = reader.post(&world.machine("vm1/runCommand"), &json!({}));
    assert_eq!(command.refused(403), "AuthorizationFailed");
    assert!(
        command
            .text()
            .contains("Microsoft.Compute/virtualMachines/runCommand/action"),
        "{}",
        command.text()
    );
    let scope = world.network("networkInterfaces/vm1");
    let allowed = reader
        .get(&format!(
            "{scope}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01"
        ))
        .with(200)
        .json();
    assert_eq!(allowed["value"][0]["actions"][0], "*/read");
    assert_eq!(allowed["value"][0]["notActions"], json!([]));
}

/// A request without TLS to the identity endpoint.
fn plain(world: &World, target: &str, header: &str) -> (u16, Value) {
    let mut socket = TcpStream::connect(world.arm.identity().unwrap()).unwrap();
    let request =
        format!("GET {target} HTTP/1.1\r\nHost: 169.254.169.254\r\n{header}Connection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).unwrap();
    let mut wire = String::new();
    socket.read_to_string(&mut wire).unwrap();
    let (head, body) = wire.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

#[test]
fn a_machine_gets_its_token_from_its_identity_endpoint() {
    let world = World::new();
    let resource = "resource=https%3A%2F%2Fmanagement.azure.com";
    let machine = format!("/metadata/identity/oauth2/token?api-version=2018-02-01&{resource}");
    let (status, refused) = plain(&world, &machine, "");
    assert_eq!(
        (status, &refused["error"]),
        (400, &json!("invalid_request")),
        "{refused}"
    );
    let (status, token) = plain(&world, &machine, "Metadata: true\r\n");
    assert_eq!((status, &token["expires_in"]), (200, &json!("3600")), "{token}");
    let client = world.client.with_token(token["access_token"].as_str().unwrap());
    client.get(&world.network("networkInterfaces/vm1")).with(200);
    let service = format!("/MSI/token?api-version=2019-08-01&{resource}");
    assert_eq!(plain(&world, &service, "X-IDENTITY-HEADER: no\r\n").0, 401);
    assert_eq!(plain(&world, &service, "X-IDENTITY-HEADER: lab\r\n").0, 200);
    // Nothing else is answered without TLS.
    let (status, refused) = plain(&world, &world.network("networkInterfaces/vm1"), "");
    assert_eq!(
        (status, &refused["error"]["code"]),
        (403, &json!("HttpsRequired"))
    );
}

#[test]
fn the_directory_describes_itself() {
    let world = World::new();
    let target = format!("/{}/v2.0/.well-known/openid-configuration", world.tenant);
    let body = world.client.send("GET", &target, &[], b"").with(200).json();
    let endpoint = body["token_endpoint"].as_str().unwrap();
    assert!(
        endpoint.starts_with("https://localhost:") && endpoint.ends_with("/oauth2/v2.0/token"),
        "{endpoint}"
    );
}
