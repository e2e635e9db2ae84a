//! Which program is taken, with programs that only say what they are.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

struct Directory(PathBuf);

impl Directory {
    fn new(name: &str, programs: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("netghost-tool-{}-{name}", std::process::id()));
        fs::create_dir(&path).unwrap();
        for (program, version) in programs {
            let file = path.join(program);
            fs::write(&file, format!("#!/bin/sh\necho '{version}'\n")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).unwrap();
        }
        Self(path)
    }

    fn found(&self, family: IpFamily) -> Result<String, WriteError> {
        let tool = Tool::find_in(family, &["/nonexistent", self.0.to_str().unwrap()])?;
        Ok(String::from_utf8(tool.name()).unwrap())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[test]
fn only_a_tool_of_the_legacy_plane_is_taken() {
    let legacy = "iptables v1.8.9 (legacy)";
    let nft = "iptables v1.8.9 (nf_tables)";
    for (name, programs, expected) in [
        (
            "both",
            vec![("iptables-legacy", legacy), ("iptables", nft)],
            Some("iptables-legacy"),
        ),
        ("legacy", vec![("iptables", legacy)], Some("iptables")),
        ("old", vec![("iptables", "iptables v1.4.21")], Some("iptables")),
        ("nft", vec![("iptables", nft)], None),
        ("other", vec![("iptables", "hello")], None),
        ("family", vec![("ip6tables-legacy", legacy)], None),
        ("none", vec![], None),
    ] {
        let directory = Directory::new(name, &programs);
        match (directory.found(IpFamily::Ip), expected) {
            (Ok(found), Some(expected)) => assert_eq!(found, expected),
            (Err(WriteError::NoProgram { program }), None) => assert_eq!(program, "iptables-legacy"),
            (found, _) => panic!("{name}: {found:?}"),
        }
    }
}
