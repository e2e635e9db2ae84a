//! ufw's own start script loads its own files; what is told from the files must be what then runs.

use std::fs;

use netghost_lab::netns::Namespace;

use super::{Root, same, shell, shown};

/// As `ufw allow 22/tcp`, `ufw limit from 192.0.2.0/24 to any port 443 proto tcp`, `ufw reject out 25/tcp` write them.
const USER: &str = "### RULES ###\n-A ufw-user-input -p tcp --dport 22 -j ACCEPT\n\
-A ufw-user-input -p tcp --dport 443 -s 192.0.2.0/24 -m conntrack --ctstate NEW -m recent --set\n\
-A ufw-user-input -p tcp --dport 443 -s 192.0.2.0/24 -m conntrack --ctstate NEW -m recent --update --seconds 30 --hitcount 6 -j ufw-user-limit\n\
-A ufw-user-input -p tcp --dport 443 -s 192.0.2.0/24 -j ufw-user-limit-accept\n\
-A ufw-user-output -p tcp --dport 25 -j REJECT --reject-with tcp-reset\n";

fn ufw(ipv6: &str, input: &str) -> Root {
    let root = Root::new();
    root.service("ufw.service", "/lib/ufw/ufw-init start quiet");
    root.restore("nft");
    let script = fs::read_to_string("/lib/ufw/ufw-init-functions")
        .expect("ufw is needed: scripts/set-up test installs it");
    root.write("lib/ufw/ufw-init-functions", &script);
    for file in [
        "before.rules",
        "after.rules",
        "user.rules",
        "before6.rules",
        "after6.rules",
        "user6.rules",
    ] {
        let mut text = fs::read_to_string(format!("/usr/share/ufw/iptables/{file}")).unwrap();
        if file == "user.rules" {
            assert!(text.contains("### RULES ###\n"));
            text = text.replace("### RULES ###\n", USER);
        }
        root.write(&format!("etc/ufw/{file}"), &text);
    }
    for file in ["before.init", "after.init"] {
        let text = fs::read_to_string(format!("/usr/share/ufw/{file}")).unwrap();
        root.write(&format!("etc/ufw/{file}"), &text);
    }
    root.write("etc/ufw/ufw.conf", "ENABLED=yes\nLOGLEVEL=low\n");
    root.write(
        "etc/default/ufw",
        &format!(
            "IPV6={ipv6}\nDEFAULT_INPUT_POLICY=\"{input}\"\nDEFAULT_OUTPUT_POLICY=\"ACCEPT\"\nDEFAULT_FORWARD_POLICY=\"DROP\"\nMANAGE_BUILTINS=no\nIPT_SYSCTL=\nIPT_MODULES=\"\"\n"
        ),
    );
    root
}

#[test]
fn root_ufw_starts_as_its_files_say() {
    for (ipv6, input) in [("yes", "DROP"), ("no", "REJECT"), ("yes", "ACCEPT")] {
        let namespace = Namespace::new().unwrap();
        let root = ufw(ipv6, input);
        let path = root.path("");
        shell(
            &namespace,
            &format!("sh /lib/ufw/ufw-init --rootdir {path} --datadir {path} start"),
        );
        same(&root.compare(&namespace));
        shell(
            &namespace,
            "iptables -D ufw-user-input -p tcp --dport 22 -j ACCEPT",
        );
        assert_eq!(
            shown(&root.compare(&namespace)),
            ["back ip/filter/ufw-user-input/rule[1]"]
        );
        shell(
            &namespace,
            "iptables -I ufw-user-input -p tcp --dport 22 -j ACCEPT",
        );
        same(&root.compare(&namespace));
        shell(
            &namespace,
            "iptables -P INPUT DROP; iptables -I INPUT -p tcp --dport 5001 -j DROP",
        );
        let found = shown(&root.compare(&namespace));
        assert!(
            found.contains(&"lost ip/filter/INPUT/rule[1]".to_owned()),
            "{found:?}"
        );
    }
}
