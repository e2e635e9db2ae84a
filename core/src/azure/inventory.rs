//! Virtual machines and network interfaces as Azure's lists name them: enough to know what there is to read.

use serde_json::{Map, Value};

use super::body::{self, BadField};
use super::id::ResourceId;

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nic {
    /// Its resource id.
    pub id: ResourceId,
    /// Where it is; those of scale sets don't say.
    pub location: Option<String>,
    /// The VM, or the instance of a scale set, that it is attached to.
    pub vm: Option<ResourceId>,
    /// True for the first interface of its VM; not known where it is attached to none.
    pub primary: Option<bool>,
    /// Its private addresses, as Azure writes them.
    pub addresses: Vec<String>,
    /// The subnets of its IP configurations, each once; why not, where one of them could not be understood.
    pub subnets: Result<Vec<ResourceId>, BadField>,
}

/// A virtual machine, or an instance of a scale set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vm {
    /// Its resource id.
    pub id: ResourceId,
    /// Its name; of an instance of a scale set that of the set, an underscore and the instance's number.
    pub name: String,
    /// Where it is.
    pub location: Option<String>,
    /// Its network interfaces, as its network profile names them.
    pub nics: Vec<ResourceId>,
}

impl Vm {
    /// What the id alone tells.
    pub fn of_id(id: ResourceId) -> Self {
        let name = match (id.after("virtualMachineScaleSets"), id.name()) {
            (Some(set), instance) => format!("{set}_{instance}"),
            (None, name) => name.to_owned(),
        };
        Self {
            id,
            name,
            location: None,
            nics: Vec::new(),
        }
    }
}

/// Reads the body of a network interface.
///
/// # Errors
/// Where it is not of the form. Subnets that are not understood are no error of the whole: see [`Nic::subnets`].
pub fn nic(whole: &Value) -> Result<Nic, BadField> {
    let object = object(whole, "body")?;
    let inner = properties(object)?;
    let configurations = body::field(inner, "ipConfigurations").and_then(Value::as_array);
    let configurations =
        configurations.ok_or_else(|| BadField::new("properties.ipConfigurations", "it is no list"))?;
    Ok(Nic {
        id: own_id(object)?,
        location: body::string(object, "location")?,
        vm: reference(inner, "virtualMachine").map_err(|bad| bad.within("properties"))?,
        primary: body::flag(inner, "primary").map_err(|bad| bad.within("properties"))?,
        addresses: configurations.iter().filter_map(address).collect(),
        subnets: subnets(configurations),
    })
}

fn address(configuration: &Value) -> Option<String> {
    let inner = body::field(configuration.as_object()?, "properties")?.as_object()?;
    body::string(inner, "privateIPAddress").ok().flatten()
}

/// Every IP configuration stands in a subnet. One that names none is not understood, and neither is a list without any.
fn subnets(configurations: &[Value]) -> Result<Vec<ResourceId>, BadField> {
    let mut found = Vec::new();
    for (at, one) in configurations.iter().enumerate() {
        let place = format!("properties.ipConfigurations.{at}");
        let subnet = object(one, "entry")
            .and_then(properties)
            .and_then(|inner| reference(inner, "subnet"))
            .map_err(|bad| bad.within(&place))?;
        let subnet = subnet.ok_or_else(|| BadField::new(&place, "it names no subnet"))?;
        if !subnet.is("Microsoft.Network", "subnets") || vnet_of(&subnet).is_none() {
            return Err(BadField::new(&place, format!("{subnet} is no subnet")));
        }
        found.push(subnet);
    }
    if found.is_empty() {
        return Err(BadField::new("properties.ipConfigurations", "there are none"));
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// The virtual network that a subnet's id lies in.
pub fn vnet_of(subnet: &ResourceId) -> Option<ResourceId> {
    let parts: Vec<&str> = subnet.as_str().split('/').collect();
    match parts.as_slice() {
        [outer @ .., kind, _] if kind.eq_ignore_ascii_case("subnets") => {
            let vnet: ResourceId = outer.join("/").parse().ok()?;
            vnet.is("Microsoft.Network", "virtualNetworks").then_some(vnet)
        }
        _ => None,
    }
}

/// Reads the body of a virtual machine, or of an instance of a scale set.
///
/// # Errors
/// Where it is not of the form.
pub fn vm(whole: &Value) -> Result<Vm, BadField> {
    let object = object(whole, "body")?;
    let inner = properties(object)?;
    let mut found = Vm::of_id(own_id(object)?);
    found.location = body::string(object, "location")?;
    let Some(profile) = body::field(inner, "networkProfile") else {
        return Err(BadField::new("properties.networkProfile", "it is missing"));
    };
    let place = "properties.networkProfile.networkInterfaces";
    let profile = self::object(profile, "properties.networkProfile")?;
    let list = match body::field(profile, "networkInterfaces") {
        Some(Value::Array(list)) => list,
        _ => return Err(BadField::new(place, "it is no list")),
    };
    for (at, one) in list.iter().enumerate() {
        let id = self::object(one, "entry").and_then(own_id);
        found
            .nics
            .push(id.map_err(|bad| bad.within(&format!("{place}.{at}")))?);
    }
    Ok(found)
}

/// The power state from an instance view: `running`, `deallocated`, any word that Azure may come to use.
///
/// # Errors
/// Where the view names none, as while a VM is being made.
pub fn power(view: &Value) -> Result<String, BadField> {
    let statuses = body::field(object(view, "body")?, "statuses").and_then(Value::as_array);
    let statuses = statuses.ok_or_else(|| BadField::new("statuses", "it is no list"))?;
    let codes = statuses
        .iter()
        .filter_map(|status| body::string(status.as_object()?, "code").ok().flatten());
    let mut states = codes.filter_map(|code| power_of(&code));
    states
        .next()
        .ok_or_else(|| BadField::new("statuses", "none of them is a power state"))
}

/// The state in `PowerState/running`.
pub fn power_of(code: &str) -> Option<String> {
    let (kind, state) = code.split_once('/')?;
    (kind.eq_ignore_ascii_case("PowerState") && !state.is_empty()).then(|| state.to_ascii_lowercase())
}

/// The id that stands in a resource or a reference to one.
///
/// # Errors
/// Where there is none, or it is none of Azure's.
pub fn own_id(object: &Map<String, Value>) -> Result<ResourceId, BadField> {
    let id = body::string(object, "id")?.ok_or_else(|| BadField::new("id", "it is missing"))?;
    id.parse()
        .map_err(|error| BadField::new("id", format!("{error}")))
}

fn object<'a>(value: &'a Value, name: &str) -> Result<&'a Map<String, Value>, BadField> {
    let why = || format!("{} where an object belongs", body::shape(value));
    value.as_object().ok_or_else(|| BadField::new(name, why()))
}

fn properties(object: &Map<String, Value>) -> Result<&Map<String, Value>, BadField> {
    let inner = body::field(object, "properties");
    let inner = inner.ok_or_else(|| BadField::new("properties", "it is missing"))?;
    self::object(inner, "properties")
}

/// `{"id": …}` in a field; `None` where the field is absent or null.
fn reference(inner: &Map<String, Value>, name: &str) -> Result<Option<ResourceId>, BadField> {
    let Some(there) = body::field(inner, name) else {
        return Ok(None);
    };
    let id = object(there, name).and_then(|there| own_id(there).map_err(|bad| bad.within(name)))?;
    Ok(Some(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const GROUP: &str = "/subscriptions/s/resourceGroups/g/providers";

    fn id(text: &str) -> ResourceId {
        format!("{GROUP}/{text}").parse().unwrap()
    }

    fn body(subnet: Value) -> Value {
        json!({"id": format!("{GROUP}/Microsoft.Network/networkInterfaces/n"), "location": "westeurope", "properties": {
            "primary": true, "virtualMachine": {"id": format!("{GROUP}/Microsoft.Compute/virtualMachines/web")},
            "ipConfigurations": [{"name": "a", "properties": {"privateIPAddress": "10.0.0.4", "subnet": subnet}}]}})
    }

    #[test]
    fn a_nic_names_its_vm_and_subnets() {
        let subnet = id("Microsoft.Network/virtualNetworks/hub/subnets/one");
        let found = nic(&body(json!({"id": subnet.as_str()}))).unwrap();
        assert_eq!(found.vm, Some(id("Microsoft.Compute/virtualMachines/web")));
        assert_eq!(found.subnets, Ok(vec![subnet.clone()]));
        assert_eq!(
            (found.addresses, found.primary),
            (vec!["10.0.0.4".to_owned()], Some(true))
        );
        assert_eq!(
            vnet_of(&subnet),
            Some(id("Microsoft.Network/virtualNetworks/hub"))
        );
        assert_eq!(vnet_of(&found.id), None);
    }

    #[test]
    fn a_subnet_that_is_not_understood_is_no_missing_one() {
        for bad in [
            json!(null),
            json!({}),
            json!("x"),
            json!({"id": "x"}),
            json!({"id": id("Microsoft.Network/networkInterfaces/n").as_str()}),
        ] {
            let found = nic(&body(bad.clone())).unwrap();
            assert!(found.subnets.is_err(), "{bad}");
        }
        let mut none = body(json!(null));
        none["properties"]["ipConfigurations"] = json!([]);
        assert!(nic(&none).unwrap().subnets.is_err());
    }

    #[test]
    fn a_body_of_another_form_is_no_nic() {
        let whole = body(json!(null));
        for (at, value) in [
            ("/id", json!(5)),
            ("/id", json!(null)),
            ("/properties", json!(null)),
            ("/properties/ipConfigurations", json!({})),
            ("/properties/virtualMachine", json!({})),
            ("/properties/virtualMachine", json!("web")),
        ] {
            let mut bad = whole.clone();
            *bad.pointer_mut(at).unwrap() = value;
            assert!(nic(&bad).is_err(), "{at}");
        }
        let mut loose = whole;
        loose["properties"]["virtualMachine"] = json!(null);
        assert_eq!(nic(&loose).unwrap().vm, None);
    }

    #[test]
    fn a_vm_names_its_nics() {
        let nic = id("Microsoft.Network/networkInterfaces/n");
        let whole = json!({"id": id("Microsoft.Compute/virtualMachines/web").as_str(), "location": "we",
            "properties": {"networkProfile": {"networkInterfaces": [{"id": nic.as_str()}]}}});
        let found = vm(&whole).unwrap();
        assert_eq!((found.name.as_str(), found.nics), ("web", vec![nic]));
        for bad in [
            json!(null),
            json!({}),
            json!({"networkInterfaces": null}),
            json!({"networkInterfaces": [{}]}),
        ] {
            let mut whole = whole.clone();
            whole["properties"]["networkProfile"] = bad.clone();
            assert!(vm(&whole).is_err(), "{bad}");
        }
        let instance = id("Microsoft.Compute/virtualMachineScaleSets/set/virtualMachines/3");
        assert_eq!(Vm::of_id(instance).name, "set_3");
    }

    #[test]
    fn a_power_state_is_one_that_azure_named() {
        let view =
            |code: &str| json!({"statuses": [{"code": "ProvisioningState/succeeded"}, {"code": code}]});
        assert_eq!(power(&view("PowerState/running")).unwrap(), "running");
        assert_eq!(power(&view("powerstate/Deallocated")).unwrap(), "deallocated");
        for bad in [
            json!({}),
            json!(null),
            json!({"statuses": []}),
            view("PowerState/"),
            view("OSState/generalized"),
        ] {
            assert!(power(&bad).is_err(), "{bad}");
        }
    }
}
