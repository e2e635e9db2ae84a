//! The subscription that `az account set` chose: `az` keeps it in `azureProfile.json`, in `$AZURE_CONFIG_DIR` or `~/.azure`.

use std::path::PathBuf;

use serde_json::Value;

/// The file, where its place is known.
pub(super) fn file() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let home = || set("HOME").map(|home| PathBuf::from(home).join(".azure"));
    let directory = set("AZURE_CONFIG_DIR").map(PathBuf::from).or_else(home)?;
    Some(directory.join("azureProfile.json"))
}

/// The default subscription of this cloud (as `az` calls it, `AzureCloud`). None where there is not exactly one that can be used, or
/// the file is of another form: then nobody has chosen, and the line has to.
pub(super) fn default_of(file: &[u8], cloud: &str) -> Option<String> {
    // `az` writes it with a byte order mark.
    let file = file.strip_prefix("\u{feff}".as_bytes()).unwrap_or(file);
    let profile: Value = serde_json::from_slice(file).ok()?;
    let all = profile.get("subscriptions")?.as_array()?;
    let mut chosen = all
        .iter()
        .filter(|one| one.get("isDefault") == Some(&Value::Bool(true)));
    let (Some(one), None) = (chosen.next(), chosen.next()) else {
        return None;
    };
    let is = |name: &str, wanted: &str| one.get(name).and_then(Value::as_str) == Some(wanted);
    let id = one.get("id")?.as_str()?;
    let fine = !id.is_empty() && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    (fine && is("environmentName", cloud) && is("state", "Enabled")).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ID: &str = "5f130ffc-0a3e-4795-b691-4f56a12a5547";

    fn one(change: &[(&str, Value)]) -> Value {
        let mut one = json!({"id": ID, "name": "shop", "state": "Enabled", "isDefault": true,
            "environmentName": "AzureCloud", "tenantId": "t"});
        for (name, value) in change {
            one[*name] = value.clone();
        }
        one
    }

    fn found(all: &[Value]) -> Option<String> {
        let text = format!("\u{feff}{}", json!({"installationId": "i", "subscriptions": all}));
        default_of(text.as_bytes(), "AzureCloud")
    }

    #[test]
    fn the_one_that_was_chosen_is_the_default() {
        let other = || one(&[("isDefault", json!(false)), ("id", json!("6"))]);
        assert_eq!(found(&[other(), one(&[]), other()]).as_deref(), Some(ID));
        assert_eq!(found(&[other()]), None);
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn what_is_not_clear_is_no_default() {
        assert_eq!(found(&[one(&[]), one(&[])]), None);
        for (name, value) in [
            ("state", json!("Disabled")),
            ("environmentName", json!("AzureChinaCloud")),
            ("isDefault", json!("true")),
            ("id", json!("../x")),
            ("id", json!(5)),
            ("id", json!("")),
        ] {
            assert_eq!(found(&[one(&[(name, value.clone())])]), None, "{name} {value}");
        }
        for file in [
            "",
            "null",
            "{}",
            "[]",
            "{\"subscriptions\": {}}",
            "{\"subscriptions\": [",
        ] {
            assert_eq!(default_of(file.as_bytes(), "AzureCloud"), None, "{file}");
        }
    }
}
