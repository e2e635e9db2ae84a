//! Resources found: read, listed, queried; and what every answer has.

use serde_json::{Value, json};

use crate::client::{World, path_of};

#[test]
fn every_answer_has_the_headers_of_azure() {
    let world = World::new();
    let reply = world
        .client
        .get(&world.network("networkInterfaces/vm1"))
        .with(200);
    assert!(
        reply.text().contains("{\r\n  \""),
        "Microsoft.Network writes CRLF"
    );
    let (correlation, routing) = (
        reply.must("x-ms-correlation-request-id"),
        reply.must("x-ms-routing-request-id"),
    );
    assert!(
        routing.starts_with("WESTEUROPE:20") && routing.ends_with(&correlation),
        "{routing}"
    );
    assert_eq!(reply.must("x-ms-request-id").len(), 36);
    assert!(reply.must("Date").ends_with(" GMT"));
}

#[test]
fn what_is_not_there_is_refused_by_who_knows_it() {
    let world = World::new();
    let (nic, none) = (
        world.network("networkInterfaces/vm1"),
        world.network("networkInterfaces/none"),
    );
    let version = "api-version=2024-05-01";
    for (target, status, code) in [
        (path_of(&nic), 400, "MissingApiVersionParameter"),
        (
            format!("{nic}?api-version=latest"),
            400,
            "InvalidApiVersionParameter",
        ),
        (format!("{none}?{version}"), 404, "ResourceNotFound"),
        (
            format!("{none}?{version}").replace("/lab/", "/nowhere/"),
            404,
            "ResourceGroupNotFound",
        ),
        (
            format!("/subscriptions/{}/resourceGroups/lab?{version}", world.tenant),
            404,
            "SubscriptionNotFound",
        ),
        (
            format!("{}?{version}", world.network("teapots")),
            404,
            "InvalidResourceType",
        ),
    ] {
        let refused = world.client.send("GET", &target, &[], b"");
        assert_eq!(refused.refused(status), code, "{target}");
        assert_eq!(refused.must("x-ms-failure-cause"), "gateway");
        assert_eq!(refused.must("x-ms-request-id").len(), 36);
    }
    let part = world
        .client
        .get(&world.network("virtualNetworks/lab/subnets/none"));
    assert_eq!(part.refused(404), "NotFound");
    assert!(part.header("x-ms-failure-cause").is_none());
    let method = world.client.call("PUT", &world.machine("vm1"), &json!({}));
    assert_eq!(method.refused(405), "MethodNotAllowed");
}

#[test]
fn resources_and_their_parts_are_read_in_any_case() {
    let world = World::new();
    let subnet = world
        .client
        .get(&world.network("VirtualNetworks/LAB/SUBNETS/Default"))
        .with(200)
        .json();
    assert_eq!(subnet["properties"]["addressPrefix"], "10.77.0.0/24");
    let nic = world
        .client
        .get(&world.network("networkinterfaces/VM1").to_lowercase())
        .with(200)
        .json();
    assert_eq!(nic["name"], "vm1");
    assert!(
        nic["id"].as_str().unwrap().contains("/resourceGroups/lab/"),
        "the id keeps its own spelling"
    );
    let rules = world.network("networkSecurityGroups/default/defaultSecurityRules");
    assert_eq!(
        world.client.get(&rules).with(200).json()["value"]
            .as_array()
            .unwrap()
            .len(),
        6
    );
    let rule = world
        .client
        .get(&format!("{rules}/DenyAllInBound"))
        .with(200)
        .json();
    assert_eq!(rule["properties"]["priority"], 65500);
    let account = world
        .client
        .get(&world.in_group("Microsoft.Storage/storageAccounts/labstorage"))
        .with(200)
        .json();
    assert_eq!(account["properties"]["networkAcls"]["defaultAction"], "Allow");
    let groups = world
        .client
        .get(&format!("/subscriptions/{}/resourceGroups", world.subscription))
        .with(200)
        .json();
    let names: Vec<&Value> = groups["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| &group["name"])
        .collect();
    assert_eq!(names, ["lab", "NetworkWatcherRG"]);
    let all = world.client.get("/subscriptions").with(200).json();
    assert_eq!(all["value"][0]["subscriptionId"], world.subscription.as_str());
}

#[test]
fn what_only_the_lab_knows_is_not_shown() {
    let world = World::new();
    let id = world.network("networkInterfaces/vm1");
    world.set("resources", &id, &json!({"lab": {"secret": true}}));
    let whole = world.client.get(&id).with(200).json();
    let list = world
        .client
        .get(&world.network("networkInterfaces"))
        .with(200)
        .json();
    let path = "/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01";
    let rows = world
        .client
        .post(path, &json!({"query": "Resources"}))
        .with(200)
        .json();
    for shown in [whole, list, rows] {
        assert!(!shown.to_string().contains("secret"), "{shown}");
    }
}

#[test]
fn machines_show_their_state_where_it_is_asked_for() {
    let world = World::new();
    let plain = world.client.get(&world.machine("vm1")).with(200).json();
    assert!(plain["properties"]["instanceView"].is_null());
    let view = world
        .client
        .get(&world.machine("vm1/instanceView"))
        .with(200)
        .json();
    assert_eq!(view["statuses"][1]["code"], "PowerState/running");
    let off = world
        .client
        .post(&world.machine("vm1/powerOff"), &Value::Null)
        .with(202);
    let status = world
        .client
        .poll(&off.must("Azure-AsyncOperation"))
        .with(200)
        .json();
    assert_eq!(status["status"], "Succeeded");
    assert!(
        status["startTime"].as_str().unwrap().ends_with("+00:00") && status["endTime"].is_string(),
        "{status}"
    );
    let path = format!("{}?$expand=instanceView", world.machine("vm1"));
    let expanded = world.client.get(&path).with(200).json();
    assert_eq!(
        expanded["properties"]["instanceView"]["statuses"][1]["code"],
        "PowerState/stopped"
    );
    assert!(expanded["properties"]["instanceView"]["vmAgent"].is_null());
}

/// All pages of a list.
fn pages(world: &World, path: &str) -> (usize, Vec<Value>) {
    let (mut next, mut count, mut all) = (path.to_owned(), 0, Vec::new());
    loop {
        let body = world.client.get(&next).with(200).json();
        all.extend(body["value"].as_array().unwrap().clone());
        count += 1;
        match body["nextLink"].as_str() {
            Some(link) => link.clone_into(&mut next),
            None => return (count, all),
        }
    }
}

#[test]
fn lists_come_page_by_page() {
    let world = World::new();
    world.patch(&json!({"settings": {"page": 1}}));
    let (count, nics) = pages(&world, &world.network("networkInterfaces"));
    assert_eq!(count, 2);
    assert_eq!(
        nics.iter().map(|nic| &nic["name"]).collect::<Vec<_>>(),
        ["vm1", "vm2"]
    );
    let path = format!(
        "/subscriptions/{}/providers/Microsoft.Compute/virtualMachines",
        world.subscription
    );
    assert_eq!(pages(&world, &path).1.len(), 2);
    world
        .client
        .get(&format!("{}?$skipToken=x", world.network("networkInterfaces")))
        .refused(400);
}

#[test]
fn scale_sets_have_machines_and_nics() {
    let world = World::new();
    let set = world.in_group("Microsoft.Compute/virtualMachineScaleSets/set");
    let mut resources = serde_json::Map::new();
    let mut put = |id: String, kind: &str| {
        let name = id.rsplit('/').next().unwrap().to_owned();
        resources.insert(
            id.to_lowercase(),
            json!({"id": id, "name": name, "type": kind, "location": "westeurope", "properties": {}}),
        );
    };
    put(set.clone(), "Microsoft.Compute/virtualMachineScaleSets");
    for number in 0..2 {
        let machine = format!("{set}/virtualMachines/{number}");
        put(
            format!("{machine}/networkInterfaces/nic"),
            "Microsoft.Network/networkInterfaces",
        );
        put(
            machine,
            "Microsoft.Compute/virtualMachineScaleSets/virtualMachines",
        );
    }
    world.patch(&json!({ "resources": resources }));
    let names = |path: &str| pages(&world, path).1.len();
    assert_eq!(names(&format!("{set}/virtualMachines")), 2);
    assert_eq!(names(&format!("{set}/networkInterfaces")), 2);
    assert_eq!(names(&format!("{set}/virtualMachines/1/networkInterfaces")), 1);
    assert_eq!(
        names(&world.network("networkInterfaces")),
        2,
        "NICs of scale sets are not in the group's list"
    );
    let view = world
        .client
        .get(&format!("{set}/virtualMachines/0/instanceView"))
        .with(200)
        .json();
    assert_eq!(view["statuses"][1]["code"], "PowerState/running");
    assert_eq!(
        graph(
            &world,
            "ComputeResources | where type =~ 'microsoft.compute/virtualmachinescalesets/virtualmachines'"
        )
        .len(),
        2
    );
}

/// All rows of a query.
fn graph(world: &World, query: &str) -> Vec<Value> {
    let path = "/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01";
    let (mut token, mut rows) = (Value::Null, Vec::new());
    loop {
        let options = json!({"$skipToken": token});
        let asked = json!({"subscriptions": [world.subscription], "query": query, "options": options});
        let body = world.client.post(path, &asked).with(200).json();
        rows.extend(body["data"].as_array().unwrap().clone());
        assert_eq!(body["count"], body["data"].as_array().unwrap().len());
        token = body["$skipToken"].clone();
        if token.is_null() {
            assert_eq!(body["totalRecords"], rows.len());
            return rows;
        }
    }
}

#[test]
fn resource_graph_finds_what_a_discovery_asks_for() {
    let world = World::new();
    world.patch(&json!({"settings": {"page": 1}}));
    let rows = graph(
        &world,
        "Resources | where type =~ 'Microsoft.Network/networkInterfaces' | project id, name, vm=properties.virtualMachine.id",
    );
    assert_eq!(rows.len(), 2);
    assert!(
        rows[1]["vm"].as_str().unwrap().ends_with("/virtualMachines/vm2"),
        "{rows:?}"
    );
    let whole = graph(
        &world,
        "resources | where type == 'microsoft.compute/virtualmachines' | order by id desc",
    );
    assert_eq!(whole[0]["name"], "vm2");
    assert_eq!(
        (&whole[0]["resourceGroup"], &whole[0]["subscriptionId"]),
        (&json!("lab"), &json!(world.subscription))
    );
    let path = "/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01";
    let unknown = world
        .client
        .post(path, &json!({"query": "Resources | summarize count()"}));
    assert_eq!(unknown.refused(400), "BadRequest");
    assert_eq!(unknown.json()["error"]["details"][0]["code"], "ParserFailure");
    // Without the id there is no way to the next page, and the answer says that it is cut.
    let cut = world
        .client
        .post(path, &json!({"query": "Resources | project name"}))
        .with(200)
        .json();
    assert_eq!(cut["resultTruncated"], "true");
    // What one may not read is not there.
    let mut principals = serde_json::to_value(world.arm.state().principals).unwrap();
    principals[1]["roles"][0]["actions"] = json!(["Microsoft.Compute/*/read"]);
    world.patch(&json!({"principals": principals, "settings": {"page": 100}}));
    let seen = world
        .logged_in(1)
        .post(path, &json!({"query": "Resources"}))
        .with(200)
        .json();
    assert_eq!(seen["count"], 2, "{seen}");
}

#[test]
fn service_tags_are_listed() {
    let world = World::new();
    let path = format!(
        "/subscriptions/{}/providers/Microsoft.Network/locations/westeurope/serviceTags",
        world.subscription
    );
    assert_eq!(world.client.get(&path).with(200).json()["values"], json!([]));
    let id = format!(
        "/subscriptions/{}/providers/microsoft.network/servicetags/public",
        world.subscription
    );
    let list = json!({"name": "Public", "id": id, "values": [{"name": "Storage", "id": "Storage",
        "properties": {"addressPrefixes": ["20.1.0.0/16"], "region": "", "changeNumber": "1", "systemService": "AzureStorage"}}]});
    world.set("resources", &id, &list);
    assert_eq!(
        world.client.get(&path).with(200).json()["values"][0]["name"],
        "Storage"
    );
}
