//! What a word means in Azure: never a shorter list than there is, and never one of several.

use netghost_azure::{DiscoverError, Found, Kind};
use serde_json::{Value, json};

use crate::play::{SUBSCRIPTION, Says, TIME, id};
use crate::stage::{
    Stage, forbidden, list, loose, nic, nic_id, not_found, of_group, of_subscription, subnet_id, view, vm,
    vm_id,
};

const NICS: &str = "Microsoft.Network/networkInterfaces";
const VMS: &str = "Microsoft.Compute/virtualMachines";
const SETS: &str = "Microsoft.Compute/virtualMachineScaleSets";
const GRAPH: &str = "/providers/Microsoft.ResourceGraph/resources";

async fn find(stage: Stage, selector: &str) -> Result<Found, DiscoverError> {
    let play = stage.play().await;
    let selector = selector.parse().unwrap();
    play.arm().discover(&selector, Some(SUBSCRIPTION), TIME).await
}

fn names(found: &Found) -> Vec<&str> {
    found.nics.iter().map(|nic| nic.id.name()).collect()
}

fn vms(found: &Found) -> Vec<(&str, &str)> {
    let shown = |machine: &'_ netghost_azure::Machine| machine.power.clone().is_ok();
    found
        .vms
        .iter()
        .map(|machine| {
            let power = if shown(machine) {
                machine.power.as_deref().unwrap()
            } else {
                "?"
            };
            (machine.vm.name.as_str(), power)
        })
        .collect()
}

fn lists(of: fn(&str) -> String, nics: &[Value], vms: &[Value], sets: &[Value]) -> Stage {
    Stage::default()
        .with("GET", &of(NICS), list(nics))
        .with("GET", &of(VMS), list(vms))
        .with("GET", &of(SETS), list(sets))
        .with("GET", "/web/instanceView", view("running"))
        .with("GET", "/db/instanceView", view("deallocated"))
}

fn two() -> Stage {
    let nics = [nic("web-nic", "web"), nic("db-nic", "db"), loose("spare")];
    lists(
        of_subscription,
        &nics,
        &[vm("web", &["web-nic"]), vm("db", &["db-nic"])],
        &[],
    )
}

fn whole() -> String {
    format!("/subscriptions/{SUBSCRIPTION}")
}

#[tokio::test]
async fn a_subscription_is_all_its_interfaces_and_vms() {
    let found = find(two(), &whole()).await.unwrap();
    assert_eq!(names(&found), ["db-nic", "spare", "web-nic"]);
    assert_eq!(vms(&found), [("db", "deallocated"), ("web", "running")]);
    assert_eq!(found.missing, []);
    assert_eq!(found.vm_of(&found.nics[0]).unwrap().vm.name, "db");
    assert!(found.vm_of(&found.nics[1]).is_none());
}

#[tokio::test]
async fn a_vm_is_found_by_name_group_or_id() {
    let stage = two()
        .with("GET", &of_group(&format!("{VMS}/web")), vm("web", &["web-nic"]))
        .with(
            "GET",
            &of_group(&format!("{NICS}/web-nic")),
            nic("web-nic", "web"),
        );
    for selector in [
        "web",
        "WEB",
        "shop/web",
        vm_id("web").as_str(),
        nic_id("web-nic").as_str(),
    ] {
        let found = find(stage.clone(), selector).await.unwrap();
        assert_eq!(names(&found), ["web-nic"], "{selector}");
        assert_eq!(vms(&found)[0].1, "running", "{selector}");
        assert_eq!(found.missing, []);
    }
    let none = find(stage.clone(), "mail").await.unwrap_err();
    assert!(matches!(none, DiscoverError::NoSuch { .. }), "{none}");
    let gone = find(stage, "shop/mail").await.unwrap_err();
    assert!(
        matches!(&gone, DiscoverError::Arm(error) if matches!(error.kind, Kind::NotFound { .. })),
        "{gone}"
    );
}

#[tokio::test]
async fn a_name_of_several_is_an_error_that_names_them() {
    let mut other = vm("web", &[]);
    other["id"] = json!(vm_id("web").as_str().replace("shop", "Test"));
    let stage = lists(of_subscription, &[], &[vm("web", &[]), other, vm("db", &[])], &[]);
    let error = find(stage, "web").await.unwrap_err();
    let DiscoverError::Ambiguous { candidates, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(candidates.len(), 2);
    let said = error.to_string();
    assert!(said.contains("/shop/") && said.contains("/Test/"), "{said}");
    // An entry whose name can't be told could be meant.
    let odd = lists(of_subscription, &[], &[vm("web", &[]), json!({"id": "/x"})], &[]);
    assert!(matches!(
        find(odd, "web").await.unwrap_err(),
        DiscoverError::Form { .. }
    ));
}

#[tokio::test]
async fn without_a_subscription_a_name_is_nowhere() {
    let play = two().play().await;
    let error = play
        .arm()
        .discover(&"web".parse().unwrap(), None, TIME)
        .await
        .unwrap_err();
    assert!(matches!(error, DiscoverError::WhichSubscription(_)), "{error}");
    assert_eq!(play.count(), 0);
}

#[tokio::test]
async fn a_list_that_is_refused_is_missing_and_resource_graph_fills_in() {
    let row = json!({"data": [nic("web-nic", "web")], "resultTruncated": "false"});
    let refused = two().says("GET", &of_subscription(NICS), forbidden(&format!("{NICS}/read")));
    let refused = refused.with("GET", &of_group(&format!("{NICS}/db-nic")), nic("db-nic", "db"));
    let found = find(refused.clone().with("POST", GRAPH, row), &whole())
        .await
        .unwrap();
    // What VMs name is read one by one; the spare one is not known of, and that is said.
    assert_eq!(names(&found), ["db-nic", "web-nic"]);
    assert_eq!(found.missing.len(), 1);
    let missing = &found.missing[0];
    assert!(
        missing.what.contains("network interfaces") && missing.why.contains("networkInterfaces/read"),
        "{missing:?}"
    );
    assert!(missing.why.contains("req-1"), "{missing:?}");
    // Not even that: the interface of a VM that can't be read is missing too.
    let found = find(refused, &whole()).await.unwrap();
    assert_eq!((names(&found), found.missing.len()), (vec!["db-nic"], 2));
}

#[tokio::test]
async fn vms_that_can_not_be_listed_are_those_of_the_interfaces() {
    let stage = two().says("GET", &of_subscription(VMS), Says::json(200, "{\"value\": ["));
    let found = find(stage, &whole()).await.unwrap();
    assert_eq!(vms(&found), [("db", "deallocated"), ("web", "running")]);
    assert_eq!(found.missing.len(), 1);
    let sets = two().says("GET", &of_subscription(SETS), forbidden("x/read"));
    assert_eq!(find(sets, &whole()).await.unwrap().missing.len(), 1);
}

#[tokio::test]
async fn where_nothing_can_be_learnt_there_is_no_empty_list() {
    let html = Says::json(200, "<html>").header("content-type", "text/html");
    let none = Says::error(
        404,
        "SubscriptionNotFound",
        "The subscription could not be found.",
    );
    for (fault, wanted) in [
        (html, "page for a browser"),
        (none, "no such subscription"),
        (Says::error(401, "InvalidAuthenticationToken", "x"), "token"),
    ] {
        for kind in [NICS, VMS] {
            let error = find(two().says("GET", &of_subscription(kind), fault.clone()), &whole())
                .await
                .unwrap_err();
            assert!(error.to_string().contains(wanted), "{error}");
        }
    }
    let cut = Says::json(200, "{");
    let cut = two()
        .says("GET", &of_subscription(NICS), cut.clone())
        .says("GET", &of_subscription(VMS), cut);
    assert!(find(cut, &whole()).await.is_err());
    let refused = two()
        .says("GET", &of_subscription(NICS), forbidden("n/read"))
        .says("GET", &of_subscription(VMS), forbidden("v/read"));
    let found = find(refused, &whole()).await.unwrap();
    assert_eq!((found.nics.len(), found.missing.len()), (0, 2));
}

#[tokio::test]
async fn an_entry_that_is_not_understood_is_missing() {
    let odd = json!({"id": nic_id("odd").as_str(), "properties": {"ipConfigurations": null}});
    let stage = lists(
        of_subscription,
        &[nic("web-nic", "web"), odd, json!(5)],
        &[vm("web", &["web-nic"]), json!({"id": vm_id("db").as_str()})],
        &[],
    );
    let found = find(stage, &whole()).await.unwrap();
    let missing: Vec<&str> = found
        .missing
        .iter()
        .map(|missing| missing.what.as_str())
        .collect();
    assert_eq!(missing.len(), 3, "{missing:?}");
    assert!(
        missing[0].ends_with("/odd") && missing[1].starts_with("entry 2 of") && missing[2].ends_with("/db"),
        "{missing:?}"
    );
    assert_eq!(names(&found), ["web-nic"]);
}

#[tokio::test]
async fn a_group_has_the_interfaces_that_its_vms_name_elsewhere() {
    let far = nic_id("far").as_str().replace("shop", "net");
    let mut owner = vm("web", &["web-nic"]);
    owner["properties"]["networkProfile"]["networkInterfaces"][0]["id"] = json!(far);
    let mut there = nic("far", "web");
    there["id"] = json!(far);
    let stage = lists(of_group, &[], &[owner], &[]).with("GET", &far, there);
    let group = format!("{}/resourceGroups/shop", whole());
    let found = find(stage.clone(), &group).await.unwrap();
    assert_eq!(names(&found), ["far"]);
    // It is gone by the time that it is asked for.
    let found = find(stage.says("GET", &far, not_found()), &group).await.unwrap();
    assert_eq!((found.nics.len(), found.missing.len()), (0, 1));
}

#[tokio::test]
async fn instances_of_scale_sets_are_found() {
    let set = id(&format!("{SETS}/pool"));
    let instance = format!("{set}/virtualMachines/3");
    let mut one = nic("x", "x");
    one["id"] = json!(format!("{instance}/networkInterfaces/eth0"));
    one["location"] = json!(null);
    one["properties"]["virtualMachine"]["id"] = json!(instance);
    let uniform = json!({"id": set.as_str(), "name": "pool", "location": "northeurope", "properties": {"orchestrationMode": "Uniform"}});
    let flexible = json!({"id": format!("{set}-flex"), "name": "pool-flex", "properties": {"orchestrationMode": "Flexible"}});
    let mut body = vm("x", &[]);
    body["id"] = json!(instance);
    body["properties"]["networkProfile"]["networkInterfaces"] = json!([{"id": one["id"]}]);
    let with = |of: fn(&str) -> String| {
        lists(
            of,
            &[nic("web-nic", "web")],
            &[vm("web", &["web-nic"])],
            &[uniform.clone(), flexible.clone()],
        )
        .with("GET", "/pool/networkInterfaces", list(std::slice::from_ref(&one)))
        .with(
            "GET",
            "/pool/virtualMachines/3/networkInterfaces/eth0",
            one.clone(),
        )
        .with("GET", "/pool/virtualMachines/3", body.clone())
        .with("GET", "/pool/virtualMachines/3/instanceView", view("running"))
    };
    let found = find(with(of_subscription), &whole()).await.unwrap();
    assert_eq!(names(&found), ["eth0", "web-nic"]);
    assert_eq!(vms(&found), [("web", "running"), ("pool_3", "running")]);
    assert_eq!(found.nics[0].location.as_deref(), Some("northeurope"));
    assert_eq!(found.missing, []);
    for selector in ["pool_3", instance.as_str()] {
        assert_eq!(
            names(&find(with(of_subscription), selector).await.unwrap()),
            ["eth0"],
            "{selector}"
        );
    }
    assert_eq!(
        names(&find(with(of_group), set.as_str()).await.unwrap()),
        ["eth0"]
    );
    // One set that can't be read is missing.
    let refused = with(of_subscription).says("GET", "/pool/networkInterfaces", forbidden("x/read"));
    assert_eq!(find(refused, &whole()).await.unwrap().missing.len(), 1);
}

#[tokio::test]
async fn a_virtual_network_has_those_that_stand_in_it_and_those_it_names() {
    let vnet = id("Microsoft.Network/virtualNetworks/hub");
    let mut elsewhere = nic("other", "db");
    elsewhere["properties"]["ipConfigurations"][0]["properties"]["subnet"]["id"] =
        json!(subnet_id().as_str().replace("/hub/", "/spoke/"));
    let mut unclear = nic("unclear", "db");
    unclear["properties"]["ipConfigurations"][0]["properties"]["subnet"] = json!({});
    let set_nic = format!(
        "{}/virtualMachines/0/networkInterfaces/eth0",
        id(&format!("{SETS}/pool"))
    );
    let mut of_set = loose("x");
    of_set["id"] = json!(set_nic);
    let named = json!({"id": vnet.as_str(), "properties": {"subnets": [{"properties": {"ipConfigurations": [
        {"id": format!("{set_nic}/ipConfigurations/a")},
        {"id": format!("{}/IPConfigurations/a", nic_id("web-nic"))},
        {"id": id("Microsoft.Network/virtualNetworkGateways/gw/ipConfigurations/default").as_str()},
    ]}}, {"properties": {}}]}});
    let stage = lists(
        of_subscription,
        &[nic("web-nic", "web"), elsewhere, unclear],
        &[],
        &[],
    )
    .with("GET", vnet.as_str(), named)
    .with("GET", &set_nic, of_set);
    let found = find(stage.clone(), vnet.as_str()).await.unwrap();
    assert_eq!(names(&found), ["eth0", "web-nic"]);
    assert_eq!(vms(&found), [("web", "running")]);
    assert_eq!(found.missing.len(), 1);
    assert!(found.missing[0].what.contains("unclear"), "{:?}", found.missing);
    let gone = find(stage.says("GET", vnet.as_str(), not_found()), vnet.as_str()).await;
    assert!(matches!(gone.unwrap_err(), DiscoverError::Arm(_)));
}

#[tokio::test]
async fn power_states_of_many_come_by_one_question_and_the_rest_one_by_one() {
    let all: Vec<String> = (0..8).map(|number| format!("vm-{number}")).collect();
    let bodies: Vec<Value> = all.iter().map(|name| vm(name, &[])).collect();
    let rows: Vec<Value> = all
        .iter()
        .take(6)
        .map(|name| json!({"id": vm_id(name).as_str().to_lowercase(), "power": "PowerState/running"}))
        .chain([json!({"id": vm_id("vm-6").as_str(), "power": null})])
        .collect();
    let stage = lists(of_subscription, &[], &bodies, &[])
        .with("POST", GRAPH, json!({"data": rows, "resultTruncated": "false"}))
        .with("GET", "/vm-6/instanceView", view("stopped"))
        .says("GET", "/vm-7/instanceView", forbidden("instanceView/read"));
    let play = stage.play().await;
    let found = play
        .arm()
        .discover(&whole().parse().unwrap(), None, TIME)
        .await
        .unwrap();
    assert_eq!(
        &vms(&found)[5..],
        [("vm-5", "running"), ("vm-6", "stopped"), ("vm-7", "?")]
    );
    assert!(
        found.vms[7]
            .power
            .as_ref()
            .unwrap_err()
            .contains("instanceView/read")
    );
    let views = play
        .came()
        .iter()
        .filter(|came| came.path.contains("instanceView"))
        .count();
    assert_eq!(views, 2);
}

#[tokio::test]
async fn a_page_that_fails_is_no_shorter_list() {
    let first = json!({"value": [nic("web-nic", "web")], "nextLink": "BASE/next"});
    let stage =
        two()
            .with("GET", &of_subscription(NICS), first)
            .says("GET", "/next", Says::error(400, "Bad", "x"));
    let found = find(stage, &whole()).await.unwrap();
    assert_eq!(found.missing.len(), 3, "{:?}", found.missing);
    let (first, rest) = found.missing.split_first().unwrap();
    assert!(
        first.what.contains("the network interfaces of /subscriptions/"),
        "{first:?}"
    );
    // What the VMs name was looked for one by one, and not found.
    assert!(
        rest.iter().all(|missing| missing.what.ends_with("-nic")),
        "{rest:?}"
    );
}
