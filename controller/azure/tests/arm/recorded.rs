//! Answers as Azure gave them: captured by public client libraries in 2017 and 2020, reduced to what tells them apart, with
//! other ids and names. Headers and layout (lines that end in CR LF) are Azure's own.

use netghost_azure::Kind;

use crate::play::{Body, Came, Play, Says, TIME, id, nic, rule, vm};

const CAPTURE: &str = "Microsoft.Network/networkWatchers/NetworkWatcher_westus/packetCaptures/capture1";

/// `(method, part of the path, status, headers, body)`, in the order in which they were recorded.
type Exchange = (
    &'static str,
    &'static str,
    u16,
    &'static [(&'static str, &'static str)],
    &'static str,
);

const OP: &str = "BASE/subscriptions/0/providers/Microsoft.Network/locations/westus/operations/f102cc7a-0000-0000-0000-1ed390e0ec6b?api-version=2020-05-01";
const RES: &str = "BASE/subscriptions/0/providers/Microsoft.Network/locations/westus/operationResults/f102cc7a-0000-0000-0000-1ed390e0ec6b?api-version=2020-05-01";
const RUN: &str = "BASE/subscriptions/0/providers/Microsoft.Compute/locations/westus/operations/86f54bf4-0000-0000-0000-aed2782da53b?api-version=2020-06-01";
const RUN_RES: &str = "BASE/subscriptions/0/providers/Microsoft.Compute/locations/westus/operations/86f54bf4-0000-0000-0000-aed2782da53b?monitor=true&api-version=2020-06-01";
const IN_PROGRESS: &str = "{\r\n  \"status\": \"InProgress\"\r\n}";
const SUCCEEDED: &str = "{\r\n  \"status\": \"Succeeded\"\r\n}";

async fn play(exchanges: &'static [Exchange]) -> Play {
    Play::with(Box::new(move |number, came: &Came, base| {
        let (method, part, status, headers, body) = exchanges[number];
        assert!(
            came.method == method && came.path.contains(part),
            "{number}: {} {}",
            came.method,
            came.path
        );
        let says = Says::json(status, Body::from(body));
        headers.iter().fold(says, |says, (name, value)| {
            says.header(name, &value.replace("BASE", base))
        })
    }))
    .await
}

#[tokio::test]
async fn a_nic_of_a_vm_that_is_off() {
    let play = play(&[("POST", "effectiveNetworkSecurityGroups", 400, &[("x-ms-ratelimit-remaining-subscription-writes", "1199")],
        "{\r\n  \"error\": {\r\n    \"code\": \"NicMustBeAttachedToRunningVmToGetEffectiveSecurityGroups\",\r\n    \"message\": \"A network interface must be attached to a running virtual machine to get effective security groups.\",\r\n    \"details\": []\r\n  }\r\n}")]).await;
    let error = play.arm().within(TIME).effective_rules(&nic()).await.unwrap_err();
    assert_eq!((error.kind.clone(), error.status), (Kind::NotRunning, Some(400)));
}

#[tokio::test]
async fn a_nic_without_groups_answered_at_once() {
    let play = play(&[(
        "POST",
        "effectiveNetworkSecurityGroups",
        200,
        &[
            ("location", RES),
            ("x-ms-ratelimit-remaining-subscription-writes", "1198"),
        ],
        "{\r\n  \"value\": []\r\n}",
    )])
    .await;
    let answer = play.arm().within(TIME).effective_rules(&nic()).await.unwrap();
    assert_eq!(answer.bytes, b"{\r\n  \"value\": []\r\n}");
}

#[tokio::test]
async fn a_rule_put() {
    let play = play(&[
        ("PUT", "securityRules/allow-http", 201, &[("azure-asyncoperation", OP), ("x-ms-ratelimit-remaining-subscription-writes", "1191")],
            "{\r\n  \"name\": \"open-port-80\",\r\n  \"properties\": {\r\n    \"provisioningState\": \"Updating\"\r\n  }\r\n}"),
        ("GET", "/operations/f102", 200, &[], SUCCEEDED),
        ("GET", "securityRules/allow-http", 200, &[],
            "{\r\n  \"name\": \"open-port-80\",\r\n  \"properties\": {\r\n    \"provisioningState\": \"Succeeded\"\r\n  }\r\n}"),
    ]).await;
    let answer = play
        .arm()
        .within(TIME)
        .put_security_rule(&rule(), serde_json::json!({}), None)
        .await
        .unwrap();
    assert_eq!(answer.json["properties"]["provisioningState"], "Succeeded");
}

#[tokio::test]
async fn a_capture_from_its_making_to_its_end() {
    let play = play(&[
        ("GET", "packetCaptures/capture1", 404, &[], "{\r\n  \"error\": {\r\n    \"code\": \"NotFound\",\r\n    \"message\": \"Resource not found.\",\r\n    \"details\": []\r\n  }\r\n}"),
        ("PUT", "packetCaptures/capture1", 201, &[("azure-asyncoperation", OP), ("retry-after", "0")], "{\r\n  \"name\": \"capture1\"\r\n}"),
        ("GET", "/operations/", 200, &[("retry-after", "0")], IN_PROGRESS),
        ("GET", "/operations/", 200, &[], SUCCEEDED),
        ("GET", "packetCaptures/capture1", 200, &[], "{\r\n  \"name\": \"capture1\"\r\n}"),
        // As of 2017, the status of a capture came with 202 and a body that says nothing yet.
        ("POST", "capture1/queryStatus", 202, &[("location", RES), ("retry-after", "0")], "{\r\n  \"name\": \"capture1\",\r\n  \"packetCaptureStatus\": \"NotStarted\"\r\n}"),
        ("GET", "/operationResults/", 200, &[], "{\r\n  \"name\": \"capture1\",\r\n  \"packetCaptureStatus\": \"Running\"\r\n}"),
        ("POST", "capture1/stop", 202, &[("location", RES), ("azure-asyncoperation", OP), ("retry-after", "0")], ""),
        ("GET", "/operations/", 200, &[], "{\r\n  \"status\": \"Succeeded\",\r\n  \"properties\": {}\r\n}"),
        ("GET", "/operationResults/", 200, &[], "null"),
        ("DELETE", "packetCaptures/capture1", 202, &[("location", RES), ("azure-asyncoperation", OP), ("retry-after", "0")], ""),
        ("GET", "/operations/", 200, &[], SUCCEEDED),
        ("GET", "packetCaptures?", 200, &[], "{\r\n  \"value\": []\r\n}"),
    ]).await;
    let arm = play.arm();
    let (call, capture) = (arm.within(TIME), id(CAPTURE));
    assert_eq!(
        call.capture(&capture).await.unwrap_err().kind,
        Kind::NotFound {
            by_resource_manager: false
        }
    );
    call.create_capture(&capture, serde_json::json!({"properties": {}}))
        .await
        .unwrap();
    let status = call.capture_status(&capture).await.unwrap();
    assert_eq!(status.json["packetCaptureStatus"], "Running");
    call.stop_capture(&capture).await.unwrap();
    call.delete_capture(&capture).await.unwrap();
    let watcher = id("Microsoft.Network/networkWatchers/NetworkWatcher_westus");
    assert_eq!(call.captures(&watcher).await.unwrap().items().count(), 0);
    assert_eq!(play.count(), 13);
}

#[tokio::test]
async fn a_script_on_a_vm() {
    let play = play(&[
        ("POST", "virtualMachines/web/runCommand", 202, &[("azure-asyncoperation", RUN), ("location", RUN_RES), ("retry-after", "0"),
            ("x-ms-ratelimit-remaining-resource", "Microsoft.Compute/UpdateVM3Min;238,Microsoft.Compute/UpdateVM30Min;1194")], ""),
        ("GET", "/operations/86f5", 200, &[("retry-after", "0")],
            "{\r\n  \"startTime\": \"2020-07-03T03:26:59.2081508+00:00\",\r\n  \"status\": \"InProgress\",\r\n  \"name\": \"86f54bf4\"\r\n}"),
        ("GET", "/operations/86f5", 200, &[],
            "{\r\n  \"startTime\": \"2020-07-03T03:26:59.2081508+00:00\",\r\n  \"endTime\": \"2020-07-03T03:27:35.3489836+00:00\",\r\n  \"status\": \"Succeeded\",\r\n  \"properties\": {\r\n    \"output\": {\"value\":[]}\r\n  },\r\n  \"name\": \"86f54bf4\"\r\n}"),
        ("GET", "monitor=true", 200, &[],
            "{\"value\":[{\"code\":\"ProvisioningState/succeeded\",\"level\":\"Info\",\"displayStatus\":\"Provisioning succeeded\",\"message\":\"Enable succeeded: \\n[stdout]\\nhello\\n[stderr]\\n\"}]}"),
    ]).await;
    let answer = play
        .arm()
        .within(TIME)
        .run_command(&vm(), &["echo hello"])
        .await
        .unwrap();
    assert!(
        answer.json["value"][0]["message"]
            .as_str()
            .unwrap()
            .contains("hello")
    );
}

#[tokio::test]
async fn a_group_that_is_not_there_is_told_by_resource_manager() {
    let play = play(&[("GET", "networkSecurityGroups/vm1", 404, &[("x-ms-failure-cause", "gateway")],
        "{\"error\":{\"code\":\"ResourceNotFound\",\"message\":\"The Resource 'Microsoft.Network/networkSecurityGroups/vm1' under resource group 'shop' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix\"}}")]).await;
    let error = play
        .arm()
        .within(TIME)
        .security_group(&id("Microsoft.Network/networkSecurityGroups/vm1"))
        .await
        .unwrap_err();
    assert_eq!(
        error.kind,
        Kind::NotFound {
            by_resource_manager: true
        }
    );
}
