//! The examples below each command's help. A test holds every line that begins with the program's name to the definition.

/// Below `netghost --help`.
pub const ALL: &str = "\
Examples:
  netghost host capture --save before
  netghost host diff before --certificate after.dsse.json --ticket CHG0031337
  netghost verify after.dsse.json --key KEYID.pub.pem

Exit status:
  0  the good answer, complete
  1  something to act on: drift, a bad signature
  2  wrong use, or input that is not of the format
  3  unknown, torn or partial
  4  the operation failed, and nothing was learnt
  5  a person is needed
Where several hold, 1 comes before 3, and 3 before 0.";

/// Below `netghost host --help`.
pub const HOST: &str = "\
Examples:
  netghost host capture --save before
  netghost host diff before";

/// Below `netghost host capture --help`.
pub const HOST_CAPTURE: &str = "\
The sections are nftables, xtables-legacy-ipv4, xtables-legacy-ipv6, tc, links and routes. Firewalls need root or \
CAP_NET_ADMIN. Status 3: a section is unreadable or torn; it is saved as such, never as empty.

Examples:
  netghost host capture
  netghost host capture --save before --ticket CHG0031337
  netghost host capture --section tc -o json --out tc.json";

/// Below `netghost host diff --help`.
pub const HOST_DIFF: &str = "\
Status 0: no drift. 1: drift. 3: nothing is known to differ, but not everything was read on both sides.

Examples:
  netghost host diff before
  netghost host diff before --certificate after.dsse.json --ticket CHG0031337
  netghost host diff before after
  netghost host diff ./before.json ./after.json --mute KUBE-* --section nftables";

/// Below `netghost firewall --help`.
pub const FIREWALL: &str = "\
Examples:
  netghost firewall parse rules.txt
  netghost firewall diff before.txt after.txt";

/// Below `netghost firewall parse --help`.
pub const FIREWALL_PARSE: &str = "\
Takes the text of iptables-save or ip6tables-save, or a snapshot as `-o json` writes it. Status 3: the text is cut, or a \
line is not understood. An empty text is status 0 with the warning EMPTY_INPUT.

Examples:
  netghost firewall parse rules.txt
  iptables-save | netghost firewall parse -
  netghost firewall parse rules.txt -o json --out rules.json";

/// Below `netghost firewall diff --help`.
pub const FIREWALL_DIFF: &str = "\
A side is the text of iptables-save or ip6tables-save, a snapshot as `-o json` writes it, or a saved name. Status 0: no \
drift. 1: drift. 3: nothing is known to differ, but a side is cut, empty or of another kind.

Examples:
  netghost firewall diff before.txt after.txt
  iptables-save | netghost firewall diff before.txt -";

/// Below `netghost seal --help`.
pub const SEAL: &str = "\
Signs with the key of the store, which is made at first use; the answer says where its public half is.

Examples:
  netghost seal rules.txt report.pdf --name window --ticket CHG0031337
  netghost verify window.dsse.json --key KEYID.pub.pem --subject rules.txt";

/// Below `netghost verify --help`.
pub const VERIFY: &str = "\
Needs the certificate and a public key, and no store. Status 0: signed by a given key, and what is asked for holds. \
1: a bad signature, a file that it is not about, or drift where no_drift is required. 3: it states unknown, or nothing of \
drift, where no_drift is required.

Examples:
  netghost verify after.dsse.json --key KEYID.pub.pem
  netghost verify after.dsse.json --key KEYID.pub.pem --require no_drift --subject manifest.json";

/// Below `netghost certificate --help`.
pub const CERTIFICATE: &str = "\
Example:
  netghost certificate show after.dsse.json";

/// Below `netghost certificate show --help`.
pub const CERTIFICATE_SHOW: &str = "\
Anybody can write a certificate that claims anything: believe what `verify` has checked.

Example:
  netghost certificate show after.dsse.json";
