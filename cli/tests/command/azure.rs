//! What a login sees in Azure: the program against a server that answers by path.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use serde_json::{Value, json};

use super::program::{Place, Run};

const SUBSCRIPTION: &str = "11111111-2222-3333-4444-555555555555";
const PERMISSIONS: &str = "/providers/Microsoft.Authorization/permissions";

/// Status and body by the end of the path.
type Answers = BTreeMap<String, (u16, Value)>;

/// Where the server listens. It serves until the test ends.
fn serve(answers: &[(&str, u16, Value)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let answers: Answers = answers
        .iter()
        .map(|(end, status, body)| (end.to_lowercase(), (*status, body.clone())))
        .collect();
    let answers = Arc::new(answers);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answers = Arc::clone(&answers);
            std::thread::spawn(move || converse(stream, &answers));
        }
    });
    base
}

fn converse(stream: TcpStream, answers: &Answers) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    loop {
        let (mut first, mut length) = (String::new(), 0);
        if reader.read_line(&mut first).ok()? == 0 {
            return None;
        }
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let line = line.trim().to_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        reader.read_exact(&mut vec![0; length]).ok()?;
        let path = first.split(' ').nth(1)?.split('?').next()?.to_lowercase();
        let (status, body) = answer(&path, answers);
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nx-ms-request-id: req-7\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        writer.write_all(format!("{head}{body}").as_bytes()).ok()?;
    }
}

fn answer(path: &str, answers: &Answers) -> (u16, Value) {
    if path == "/token" {
        let token =
            json!({"access_token": "t", "expires_on": "4102444800", "resource": "x", "token_type": "Bearer"});
        return (200, token);
    }
    let fits = answers.iter().filter(|(end, _)| path.ends_with(end.as_str()));
    let found = fits.max_by_key(|(end, _)| end.len());
    let none = || {
        (
            404,
            json!({"error": {"code": "ResourceNotFound", "message": "not there"}}),
        )
    };
    found.map_or_else(none, |(_, answer)| answer.clone())
}

fn run(base: &str, args: &[&str]) -> Run {
    let place = Place::new();
    let mut command = place.command(args);
    command
        .env("NETGHOST_AZURE_ENDPOINT", base)
        .env("NETGHOST_AZURE_AUTHORITY", "https://127.0.0.1:1")
        .env("NETGHOST_AZURE_CREDENTIAL", "managed-identity")
        .env("IDENTITY_ENDPOINT", format!("{base}/token"))
        .env("IDENTITY_HEADER", "x")
        .env_remove("AZURE_CLIENT_ID");
    if !args.contains(&"--subscription") {
        command.env("AZURE_SUBSCRIPTION_ID", SUBSCRIPTION);
    }
    Run::of(&command.output().unwrap())
}

fn granted(actions: &[&str]) -> Value {
    json!({"value": [{"actions": actions, "notActions": []}]})
}

fn id(rest: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/{rest}")
}

fn nic(name: &str, vm: Option<&str>) -> Value {
    let vm = vm.map(|vm| json!({"id": id(&format!("Microsoft.Compute/virtualMachines/{vm}"))}));
    let subnet = id("Microsoft.Network/virtualNetworks/hub/subnets/front");
    json!({"id": id(&format!("Microsoft.Network/networkInterfaces/{name}")), "name": name, "location": "westeurope", "properties": {
        "virtualMachine": vm, "primary": true,
        "ipConfigurations": [{"name": "a", "properties": {"privateIPAddress": "10.0.0.4", "subnet": {"id": subnet}}}]}})
}

fn vm(name: &str) -> Value {
    json!({"id": id(&format!("Microsoft.Compute/virtualMachines/{name}")), "name": name, "location": "westeurope",
        "properties": {"networkProfile": {"networkInterfaces": []}}})
}

const ALL_NICS: &str = "/providers/Microsoft.Network/networkInterfaces";
const ALL_VMS: &str = "/providers/Microsoft.Compute/virtualMachines";
const ALL_SETS: &str = "/providers/Microsoft.Compute/virtualMachineScaleSets";

fn shop() -> Vec<(&'static str, u16, Value)> {
    let view = json!({"statuses": [{"code": "PowerState/running"}]});
    vec![
        (
            ALL_NICS,
            200,
            json!({"value": [nic("web-nic", Some("web")), nic("spare", None)]}),
        ),
        (ALL_VMS, 200, json!({"value": [vm("web")]})),
        (ALL_SETS, 200, json!({"value": []})),
        ("/web/instanceView", 200, view),
    ]
}

fn refused(action: &str) -> Value {
    let message = format!(
        "The client 'c' with object id 'o' does not have authorization to perform action '{action}' over scope '/s' or the scope is invalid."
    );
    json!({"error": {"code": "AuthorizationFailed", "message": message}})
}

#[test]
fn a_login_that_lacks_something_says_what() {
    let reader = serve(&[(PERMISSIONS, 200, granted(&["*/read"]))]);
    let found = run(&reader, &["azure", "login-check", "-o", "json"]);
    let document = found.json();
    assert_eq!(
        (found.status, &document["allowed"]),
        (1, &json!(false)),
        "{}",
        found.stderr
    );
    assert_eq!(document["scope"], format!("/subscriptions/{SUBSCRIPTION}"));
    let feature = |name: &str| {
        let features = document["features"].as_array().unwrap();
        features.iter().find(|one| one["name"] == name).unwrap().clone()
    };
    assert_eq!(feature("find VMs and their network interfaces")["allowed"], true);
    let routes = feature("effective routes");
    assert_eq!(
        routes["missing"],
        json!(["Microsoft.Network/networkInterfaces/effectiveRouteTable/action"])
    );
    let text = run(&reader, &["azure", "login-check"]);
    assert!(
        text.stdout.contains("missing   read     effective routes"),
        "{}",
        text.stdout
    );
    // To lack the right to change is as it should be.
    let enough = serve(&[(
        PERMISSIONS,
        200,
        granted(&["*/read", "Microsoft.Network/*/action"]),
    )]);
    assert_eq!(run(&enough, &["azure", "login-check"]).status, 0);
    assert_eq!(
        run(&enough, &["azure", "login-check", "--role", "change"]).status,
        1
    );
}

#[test]
fn a_login_check_without_an_answer_says_nothing_good() {
    let none = json!({"error": {"code": "SubscriptionNotFound", "message": "no"}});
    for (status, body, code) in [
        (404, none, "no_subscription"),
        (
            403,
            refused("Microsoft.Authorization/permissions/read"),
            "forbidden",
        ),
        (200, json!({"value": [{"actions": 5}]}), "azure"),
        (200, json!({}), "azure"),
    ] {
        let base = serve(&[(PERMISSIONS, status, body)]);
        let found = run(&base, &["azure", "login-check", "-o", "json"]);
        assert_eq!((found.status, found.stdout.as_str()), (4, ""), "{code}");
        assert!(found.stderr.contains(code), "{}", found.stderr);
    }
}

#[test]
fn vms_are_listed_with_their_interfaces() {
    let found = run(&serve(&shop()), &["azure", "vms", "-o", "json"]);
    let document = found.json();
    assert_eq!(
        (found.status, &document["not_covered"]),
        (0, &json!([])),
        "{}",
        found.stderr
    );
    assert_eq!(document["vms"][0]["power"], "running");
    assert_eq!(
        document["vms"][0]["nics"],
        json!([id("Microsoft.Network/networkInterfaces/web-nic")])
    );
    assert_eq!(document["nics"].as_array().unwrap().len(), 2);
    let text = run(&serve(&shop()), &["azure", "vms"]);
    for wanted in [
        "shop/web",
        "running",
        "web-nic 10.0.0.4",
        "attached to no VM",
        "spare",
        "not covered: nothing",
    ] {
        assert!(text.stdout.contains(wanted), "{wanted}: {}", text.stdout);
    }
}

#[test]
fn what_could_not_be_listed_is_status_three() {
    let mut partly = shop();
    partly[2] = (
        ALL_SETS,
        403,
        refused("Microsoft.Compute/virtualMachineScaleSets/read"),
    );
    let found = run(&serve(&partly), &["azure", "vms", "-o", "json"]);
    assert_eq!(found.status, 3, "{}", found.stderr);
    let why = found.json()["not_covered"][0]["why"].as_str().unwrap().to_owned();
    assert!(
        why.contains("virtualMachineScaleSets/read") && why.contains("req-7"),
        "{why}"
    );
    let mut dark = shop();
    dark[3] = ("/web/instanceView", 403, refused("x/read"));
    let found = run(&serve(&dark), &["azure", "vms", "-o", "json"]);
    assert_eq!(
        (found.status, &found.json()["vms"][0]["power"]),
        (3, &Value::Null)
    );
}

#[test]
fn nothing_at_all_is_no_empty_list() {
    let all = [ALL_NICS, ALL_VMS, ALL_SETS].map(|list| (list, 403, refused("x/read")));
    let found = run(&serve(&all), &["azure", "vms", "-o", "json"]);
    assert_eq!((found.status, found.stdout.as_str()), (4, ""), "{}", found.stderr);
    let none = [(
        ALL_NICS,
        404,
        json!({"error": {"code": "SubscriptionNotFound", "message": "no"}}),
    )];
    assert_eq!(run(&serve(&none), &["azure", "vms"]).status, 4);
}

#[test]
fn a_name_is_one_vm_or_an_error() {
    let mut two = shop();
    let mut other = vm("web");
    other["id"] = json!(vm("web")["id"].as_str().unwrap().replace("shop", "test"));
    two[1] = (ALL_VMS, 200, json!({"value": [vm("web"), other]}));
    let found = run(&serve(&two), &["azure", "vms", "web", "-o", "json"]);
    assert_eq!((found.status, found.stdout.as_str()), (2, ""));
    assert!(
        found.stderr.contains("resourceGroups/test") && found.stderr.contains("ambiguous"),
        "{}",
        found.stderr
    );
    assert_eq!(run(&serve(&shop()), &["azure", "vms", "mail"]).status, 2);
    assert_eq!(run(&serve(&shop()), &["azure", "vms", "a/b/c"]).status, 2);
    assert_eq!(
        run(
            &serve(&shop()),
            &["azure", "vms", "--cloud", "china", "--arm-endpoint", "https://x"]
        )
        .status,
        2
    );
    assert_eq!(
        run(
            &serve(&shop()),
            &["azure", "vms", "--credential", "client-secret"]
        )
        .status,
        2
    );
}

#[test]
fn a_group_by_its_name_is_in_the_subscription_that_az_has_chosen() {
    let place = Place::new();
    let run = |more: &[&str]| {
        let words = ["baseline", "create", "x", "--standalone", "--group", "shop"];
        let mut command = place.command(&[&words[..], more].concat());
        // There is no `az` to ask for a token: nothing leaves this machine.
        command
            .env("PATH", place.path("nowhere"))
            .env("AZURE_CONFIG_DIR", place.path("az"));
        for name in [
            "AZURE_SUBSCRIPTION_ID",
            "NETGHOST_AZURE_CREDENTIAL",
            "NETGHOST_AZURE_CLOUD",
        ] {
            command.env_remove(name);
        }
        Run::of(&command.output().unwrap())
    };
    let unknown = run(&[]);
    assert_eq!(unknown.status, 2, "{}", unknown.stderr);
    for word in [
        "in which subscription the group \"shop\" is",
        "--subscription ID",
        "az account set",
    ] {
        assert!(unknown.stderr.contains(word), "{word}: {}", unknown.stderr);
    }
    std::fs::create_dir(place.path("az")).unwrap();
    let profile = json!({"subscriptions": [{"id": SUBSCRIPTION, "isDefault": true, "state": "Enabled",
        "environmentName": "AzureCloud"}]});
    place.write("az/azureProfile.json", format!("\u{feff}{profile}").as_bytes());
    let chosen = run(&[]);
    assert_eq!(chosen.status, 4, "{}", chosen.stderr);
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/shop");
    assert!(chosen.stderr.contains(&group), "{}", chosen.stderr);
    // It is of another cloud, or of another login than that of `az`.
    for more in [["--cloud", "china"], ["--credential", "managed-identity"]] {
        assert_eq!(run(&more).status, 2, "{more:?}");
    }
}
