//! The examples below each command's help. A test holds every line that begins with the program's name to the definition.

/// Below `netghost --help`.
pub const ALL: &str = "\
Examples:
  netghost host capture --save before
  netghost host diff before --certificate after.dsse.json --ticket CHG0031337
  netghost verify after.dsse.json --key KEYID.pub.pem
  netghost login --controller controller.example:7443
  netghost drift check --baseline monday --all

Exit status:
  0  the good answer, complete
  1  something to act on: drift, a bad signature
  2  wrong use, or input that is not of the format
  3  unknown, torn or partial
  4  the operation failed, and nothing was learnt
  5  a person is needed: an approval is pending, denied or expired
Where several hold, 1 comes before 3, and 3 before 0.";

/// Below `netghost host --help`.
pub const HOST: &str = "\
Examples:
  netghost host capture --save before
  netghost host diff before";

/// Below `netghost host capture --help`.
pub const HOST_CAPTURE: &str = "\
Every section is read but bpf, security-labels, namespaces and persisted, which need root: name them with `--section`. Firewalls need root or \
CAP_NET_ADMIN. `--netns` also reads other network namespaces, of containers for instance, which needs root; each section then says \
which it is of. Status 3: a section is unreadable or torn, or a namespace was not read; it is saved as such, never as empty.

`--via ssh` reads another host that has no agent, with the tools that are installed there: one fixed script, by your own ssh, which asks nothing \
and takes no host key that is not known. Without root there it uses `sudo -n`. What text does not show is unreadable, which is status 3.

Examples:
  netghost host capture
  netghost host capture --save before --ticket CHG0031337
  netghost host capture --save before --netns all
  netghost host capture --save web1 --via ssh --target ops@web1 --jump ops@bastion
  netghost host capture --section tc -o json --out tc.json";

/// Below `netghost host diff --help`.
pub const HOST_DIFF: &str = "\
Status 0: no drift. 1: drift. 3: nothing is known to differ, but not everything was read on both sides.

Examples:
  netghost host diff before
  netghost host diff before --certificate after.dsse.json --ticket CHG0031337
  netghost host diff before after
  netghost host diff web1 --via ssh --target ops@web1 --certificate web1.dsse.json
  netghost host diff before --explain
  netghost host diff ./before.json ./after.json --mute KUBE-* --section nftables";

/// Below `netghost host watch --help`.
pub const HOST_WATCH: &str = "\
A line for each section that changed, with what was there before and after, and who changed it where the kernel says so. \
What the kernel gives no notice of is read regularly. Notices that are lost lead to a whole reading, never to a gap. \
Status, once `--for` is over: 1, something changed; 3, a section could not be read; 0, neither.

Examples:
  netghost host watch
  netghost host watch --section nftables --section tc
  netghost host watch --for 10m -o json --out changes.jsonl";

/// Below `netghost firewall --help`.
pub const FIREWALL: &str = "\
Examples:
  netghost firewall parse rules.txt
  netghost firewall diff before.txt after.txt
  netghost firewall explain rules.txt
  netghost firewall persisted";

/// Below `netghost firewall parse --help`.
pub const FIREWALL_PARSE: &str = "\
Takes the text of iptables-save, ip6tables-save, ipset save or nft, the JSON of nft, or a snapshot as `-o json` writes it. \
Status 3: the text is cut, or a part is not understood. An empty text is status 0 with the warning EMPTY_INPUT.

Examples:
  netghost firewall parse rules.txt
  iptables-save | netghost firewall parse -
  ipset save | netghost firewall parse -
  nft -j list ruleset | netghost firewall parse --format nft-json -
  netghost firewall parse --format nft /etc/nftables.conf
  netghost firewall parse rules.txt -o json --out rules.json";

/// Below `netghost firewall diff --help`.
pub const FIREWALL_DIFF: &str = "\
A side is the text of iptables-save, ip6tables-save, ipset save or nft, the JSON of nft, a snapshot as `-o json` writes it, or a saved \
name. Status 0: no drift. 1: drift. 3: nothing is known to differ, but a side is cut, empty or of another kind.

Examples:
  netghost firewall diff before.txt after.txt
  netghost firewall diff before.txt after.txt --explain
  iptables-save | netghost firewall diff before.txt -";

/// Below `netghost firewall explain --help`.
pub const FIREWALL_EXPLAIN: &str = "\
Takes what `firewall parse` takes. It says what is there, not what should be: what each rule does, where its jumps lead, \
which rules an earlier one covers, and the order in which packets meet the chains of all tables. Status 3: the text is cut, or a part is not \
understood.

Examples:
  netghost firewall explain rules.txt
  nft list ruleset | netghost firewall explain --format nft -
  netghost firewall explain rules.json -o json";

/// Below `netghost firewall persisted --help`.
pub const FIREWALL_PERSISTED: &str = "\
Names what runs but does not survive a reboot, and what comes back at the next: by the services that start, the files that \
they load (nftables, netfilter-persistent, iptables, ip6tables, ufw) and the plane that they load them into. What Docker and \
its like make again by themselves is set apart. Needs root or CAP_NET_ADMIN. Status 0: the next boot loads what runs. \
1: something differs. 3: nothing is known to differ, but not everything is known. Rules that other services or scripts \
load are not followed.

Examples:
  netghost firewall persisted
  netghost firewall persisted -o json
  netghost firewall persisted before
  netghost firewall persisted --root /mnt";

/// Below `netghost route --help`.
pub const ROUTE: &str = "\
Examples:
  netghost route lookup --table routes.json --destination 10.1.2.3
  netghost route audit --table routes.json
  netghost route diff before.json after.json";

/// Below `netghost route lookup --help`.
pub const ROUTE_LOOKUP: &str = "\
The table is what `az network nic show-effective-route-table -o json` or the effectiveRouteTable request of Azure Resource \
Manager prints. The rules are Microsoft's: the longest prefix, then routes of people before BGP before the platform; platform \
routes to the network before longer ones of BGP; a service endpoint's before all but the platform's. Status 0: one route is \
used. 1: none is, or it drops the packets. 3: no rule decides, or it depends on an entry that is not understood.

Examples:
  netghost route lookup --table routes.json --destination 10.1.2.3
  netghost route lookup --table routes.json --destination fd00::5 -o json
  az network nic show-effective-route-table -g rg -n nic -o json | netghost route lookup --table - --destination 10.1.2.3";

/// Below `netghost route audit --help`.
pub const ROUTE_AUDIT: &str = "\
Routes that drop packets, routes that no address takes, routes that would be used if they were Active, addresses for which no \
rule decides, the default routes. Status 1: a finding of medium or above. 3: none, but an entry is not understood. 0: neither.

Examples:
  netghost route audit --table routes.json
  netghost route audit --table routes.json -o json --out audit.json";

/// Below `netghost route diff --help`.
pub const ROUTE_DIFF: &str = "\
Order, letter case and how prefixes are grouped into entries are no difference. Says exactly which addresses take another route. \
Status 0: no drift. 1: drift. 3: nothing is known to differ, but an entry is not understood or a page is missing.

Examples:
  netghost route diff before.json after.json
  netghost route diff before.json after.json --explain
  netghost route diff before.json after.json -o json";

/// Below `netghost nsg --help`.
pub const NSG: &str = "\
Examples:
  netghost nsg evaluate --rules nsg.json --direction inbound --protocol tcp --source 10.0.0.5 --destination 10.0.1.4 --port 443
  netghost nsg audit --rules nsg.json
  netghost nsg diff before.json after.json --explain";

/// Below `netghost nsg evaluate --help`.
pub const NSG_EVALUATE: &str = "\
FILE is what `az network nic list-effective-nsg` or Azure Resource Manager answered. Gates are asked in Azure's order: admin rules, then inbound \
the subnet's network security group and the interface's, outbound the other way round. A tag is resolved by what the body itself says, by \
`--vnet-prefix` for VirtualNetwork and Internet, and by `--service-tags`; an unresolved one makes the answer UNKNOWN only where it decides. \
Status 0: ALLOW. 1: DENY. 3: UNKNOWN. An interface without any network security group lets everything through but what comes from a public \
source to a standard public address.

Examples:
  netghost nsg evaluate --rules nsg.json --direction inbound --protocol tcp --source 10.0.0.5 --destination 10.0.1.4 --port 443
  netghost nsg evaluate --rules nsg.json --direction outbound --protocol udp --source 10.0.1.4 --destination 9.9.9.9 --port 53 --vnet-prefix 10.0.0.0/16
  netghost nsg evaluate --rules nsg.json --direction inbound --protocol icmp --source 9.9.9.9 --destination 10.0.1.4 --admin-rules admin.json";

/// Below `netghost nsg audit --help`.
pub const NSG_AUDIT: &str = "\
Finds rules that let much through, rules that can never fire because earlier ones together take all of their flows, and gates with default \
rules only. Status 1: a finding of medium severity or above. 3: a rule is not understood, or the sets of flows are too many to compare.

Examples:
  netghost nsg audit --rules nsg.json
  netghost nsg audit --rules nsg.json --vnet-prefix 10.0.0.0/16 -o json";

/// Below `netghost nsg diff --help`.
pub const NSG_DIFF: &str = "\
Rules are matched by network security group, gate, direction and name; an edited rule is one change. Each change says which flows it lets through \
or stops, all gates taken together, or that it changes none. Order in lists is no drift. Status 0: no drift. 1: drift. 3: nothing is known to \
differ, but a side is not whole or not understood.

Examples:
  netghost nsg diff before.json after.json
  netghost nsg diff before.json after.json --explain --vnet-prefix 10.0.0.0/16";

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

/// Below `netghost login --help`.
pub const LOGIN: &str = "\
The token is never an argument: it is asked for on a terminal, or read from a file or standard input. The certificate that \
it becomes is renewed by itself when it is used.

Examples:
  netghost login --controller controller.example:7443
  netghost login --controller controller.example:7443 --token-file - --context lab";

/// Below `netghost context --help`.
pub const CONTEXT: &str = "\
Examples:
  netghost context list
  netghost context use lab";

/// Below `netghost context list --help`.
pub const CONTEXT_LIST: &str = "\
Example:
  netghost context list -o json";

/// Below `netghost context use --help`.
pub const CONTEXT_USE: &str = "\
`--context` and NETGHOST_CONTEXT say it for one command.

Example:
  netghost context use lab";

/// Below `netghost context show --help`.
pub const CONTEXT_SHOW: &str = "\
Examples:
  netghost context show
  netghost context show lab";

/// Below `netghost context remove --help`.
pub const CONTEXT_REMOVE: &str = "\
Example:
  netghost context remove lab";

/// Below `netghost agent --help`.
pub const AGENT: &str = "\
Examples:
  netghost agent list
  netghost agent tag --vm web-1 web-2 --set role=web
  netghost agent revoke --vm web-1 --reason stolen";

/// Below `netghost agent list --help`.
pub const AGENT_LIST: &str = "\
Examples:
  netghost agent list
  netghost agent list --tag role=web zone=east -o json";

/// Below `netghost agent show --help`.
pub const AGENT_SHOW: &str = "\
Example:
  netghost agent show web-1";

/// Below `netghost agent tag --help`.
pub const AGENT_TAG: &str = "\
Examples:
  netghost agent tag --vm web-1 web-2 --set role=web zone=east
  netghost agent tag --tag role=web --unset zone";

/// Below `netghost agent revoke --help`.
pub const AGENT_REVOKE: &str = "\
Example:
  netghost agent revoke --vm web-1 --reason stolen";

/// Below `netghost agent settle --help`.
pub const AGENT_SETTLE: &str = "\
An identity is contested when two machines used it at once: find which of them is not yours first.

Example:
  netghost agent settle --vm web-1";

/// Below `netghost agent remove --help`.
pub const AGENT_REMOVE: &str = "\
Example:
  netghost agent remove --vm web-1";

/// Below `netghost token --help`.
pub const TOKEN: &str = "\
Examples:
  netghost token create --uses 10 --lifetime 1h --tag role=web
  netghost token list";

/// Below `netghost token create --help`.
pub const TOKEN_CREATE: &str = "\
The token alone goes to standard output, so that it can be piped; whoever has it can join.

Examples:
  netghost token create
  netghost token create --uses 10 --lifetime 30m --tag role=web --out token";

/// Below `netghost token list --help`.
pub const TOKEN_LIST: &str = "\
Example:
  netghost token list";

/// Below `netghost token revoke --help`.
pub const TOKEN_REVOKE: &str = "\
Example:
  netghost token revoke 07070707-0707-4707-8707-070707070707";

/// Below `netghost path --help`.
pub const PATH: &str = "\
Both ends are read in Azure by your own login; no controller is asked, so that an agent's id means nothing here. Every layer that blocks is \
listed, not only the first, with the resource to edit: admin rules, network security groups and route of the source, those of the destination, \
then the reply. A layer that was not read is UNKNOWN, and the path then never ALLOW.

A bare name is a VM's; one with a dot that no VM has is looked for in DNS. Of several VMs, addresses or interfaces that match, status 2 names all. Of \
the interfaces of a VM, the one in the other end's subnet is taken, else the primary one. A private address is looked for among the \
interfaces of the other end's virtual network and its peers. `internet` is every address of the Internet: where those come to different \
ends, it is UNKNOWN, with each part. A public address is looked for among those of the subscription: of a VM's, the rules of that VM are asked too. Of a \
storage account the network rules are asked.

Status 0: ALLOW, and every layer was asked. 1: DENY, also of a part of what was asked for, or degraded. 3: UNKNOWN; so is every other path unless `--layers azure` leaves the layers \
within the guests out, which this version does not ask.

Examples:
  netghost path shop/web-1 shop/db-1 tcp/5001 --layers azure
  netghost path web-1 internet tcp/443 --layers azure --service-tags tags.json -o json
  netghost path internet web-1 tcp/8080-8090 --layers azure --nic web-1-front
  netghost path web-1 db-1 icmp --layers azure --save read
  netghost path --azure-source read/source.json --azure-destination read/destination.json tcp/22 --layers azure
  netghost path --azure-destination printed/ 203.0.113.7 tcp/22 --layers azure
  netghost path web-1 storage:logs tcp/443 --layers azure";

/// Below `netghost azure --help`.
pub const AZURE: &str = "\
Examples:
  netghost azure login-check --subscription 11111111-2222-3333-4444-555555555555
  netghost azure vms shop/web-1";

/// Below `netghost azure login-check --help`.
pub const AZURE_LOGIN_CHECK: &str = "\
Feature by feature, which action no role assignment of the login grants. The definitions in packaging/azure hold them, one for each role; the \
role to change is not needed for anything else. Status 1: something that was asked for is missing. Deny assignments and locks are not in \
what Azure says here.

Examples:
  netghost azure login-check
  netghost azure login-check --role read --role probe -o json
  netghost azure login-check --scope /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/shop";

/// Below `netghost azure vms --help`.
pub const AZURE_VMS: &str = "\
What can't be listed is said, and is status 3: the list is never taken for whole. A name that several VMs have is status 2, with all of them. \
Of many VMs whether they run is as of Resource Graph, which may be a minute behind.

Examples:
  netghost azure vms
  netghost azure vms web-1 --credential managed-identity
  netghost azure vms /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/shop -o json
  netghost azure vms --arm-endpoint https://127.0.0.1:8443 --arm-ca-file tls/ca.pem";

/// Below `netghost controller --help`.
pub const CONTROLLER: &str = "\
Example:
  netghost controller status";

/// Below `netghost controller status --help`.
pub const CONTROLLER_STATUS: &str = "\
Example:
  netghost controller status -o json";

/// Below `netghost baseline --help`.
pub const BASELINE: &str = "\
Examples:
  netghost baseline create monday --all --ticket CHG0031337
  netghost baseline list
  netghost baseline export monday ./monday";

/// Below `netghost baseline create --help`.
pub const BASELINE_CREATE: &str = "\
Status 0: every target was read, in every section. 3: somebody or something is missing; the baseline holds the rest and says \
so. 4: nothing could be read, and there is no baseline. Without a controller the layer host is about this host, and Azure is asked \
by your own login.

Examples:
  netghost baseline create monday --all --ticket CHG0031337
  netghost baseline create web --tag role=web --section nftables
  netghost baseline create shop --group shop --subscription 11111111-2222-3333-4444-555555555555 --layers azure
  netghost baseline create web-1 --vm shop/web-1 --layers host,azure
  netghost baseline create web-1 --vm shop/web-1 --via run-command --section nftables
  netghost baseline create web-2 --vm ops@web-2 --via ssh --section nftables --standalone
  netghost baseline create before --standalone";

/// Below `netghost baseline list --help`.
pub const BASELINE_LIST: &str = "\
Example:
  netghost baseline list";

/// Below `netghost baseline show --help`.
pub const BASELINE_SHOW: &str = "\
Status 3: it is partial.

Example:
  netghost baseline show monday";

/// Below `netghost baseline export --help`.
pub const BASELINE_EXPORT: &str = "\
Every file's digest and the seal's signature are checked before the directory has its name.

Example:
  netghost baseline export monday ./monday";

/// Below `netghost baseline import --help`.
pub const BASELINE_IMPORT: &str = "\
Example:
  netghost baseline import ./monday";

/// Below `netghost drift --help`.
pub const DRIFT: &str = "\
Examples:
  netghost drift check --baseline monday --all
  netghost drift show 07070707-0707-4707-8707-070707070707";

/// Below `netghost drift check --help`.
pub const DRIFT_CHECK: &str = "\
Status 0: no drift. 1: drift. 3: nothing is known to differ, but not everything was read on both sides. The certificate's \
signature is checked with the keys that were pinned at login. Without a controller it is about this host, or about Azure by your \
own login. Without `--layers` everything of what is selected is compared that the baseline holds.

Examples:
  netghost drift check --baseline monday --all
  netghost drift check --baseline shop --group shop --subscription 11111111-2222-3333-4444-555555555555
  netghost drift check --baseline monday --tag role=web --certificate web.dsse.json --ticket CHG0031337
  netghost drift check --baseline monday --vm web-1 web-2 --mute KUBE-* -o json";

/// Below `netghost drift show --help`.
pub const DRIFT_SHOW: &str = "\
The status is as `drift check` has it; 3 while the job runs.

Example:
  netghost drift show 07070707-0707-4707-8707-070707070707 --certificate web.dsse.json";

/// Below `netghost sweep --help`.
pub const SWEEP: &str = "\
Examples:
  netghost sweep run --baseline monday --all --concurrency 8
  netghost sweep schedule hourly --baseline monday --all --every 1h
  netghost sweep list";

/// Below `netghost window --help`.
pub const WINDOW: &str = "\
Examples:
  netghost window open CHG0031337 --vm web1 --ends 2h
  netghost window close CHG0031337 --certificate CHG0031337.dsse.json";

/// Below `netghost window open --help`.
pub const WINDOW_OPEN: &str = "\
Everything that can be read is sealed under the name TICKET-open: hosts, and network interfaces where Azure is configured. Status 3: \
something could not be read; it is listed, and the window is open. `--baseline` opens the window over a baseline that is there; one \
that is later than the window's start makes the result unknown. `close` reads by the way that `--via` says here. `--jump` and \
`--ssh-config` are not kept: `close` takes them again.

Examples:
  netghost window open CHG0031337 --vm web1 web2 --ends 2h
  netghost window open CHG0031337 --all --layers host,azure --ends 2026-11-24T06:00:00Z
  netghost window open CHG0031337 --baseline monday";

/// Below `netghost window close --help`.
pub const WINDOW_CLOSE: &str = "\
The status is as `drift check` has it. Closing again shows the same result: nothing is compared anew. Hosts that \
are reached by ssh with `--jump` or `--ssh-config` are reached so only if you give the same here.

Examples:
  netghost window close CHG0031337 --certificate CHG0031337.dsse.json
  netghost window close CHG0031337 --jump ops@bastion --standalone";

/// Below `netghost window show --help`.
pub const WINDOW_SHOW: &str = "\
Example:
  netghost window show CHG0031337";

/// Below `netghost window list --help`.
pub const WINDOW_LIST: &str = "\
Example:
  netghost window list -o json";

/// Below `netghost sweep run --help`.
pub const SWEEP_RUN: &str = "\
The status is as `drift check` has it.

Examples:
  netghost sweep run --baseline monday --tag role=web --concurrency 8 --jitter 30s --deadline 10m
  netghost sweep run --baseline cloud --subscription 11111111-2222-3333-4444-555555555555 --deadline 30m";

/// Below `netghost sweep schedule --help`.
pub const SWEEP_SCHEDULE: &str = "\
Runs that were missed while the controller was down are made up for by one.

Example:
  netghost sweep schedule hourly --baseline monday --all --every 1h --jitter 5m --deadline 30m";

/// Below `netghost sweep list --help`.
pub const SWEEP_LIST: &str = "\
Example:
  netghost sweep list --limit 5";

/// Below `netghost sweep show --help`.
pub const SWEEP_SHOW: &str = "\
Examples:
  netghost sweep show hourly
  netghost sweep show 07070707-0707-4707-8707-070707070707";

/// Below `netghost sweep remove --help`.
pub const SWEEP_REMOVE: &str = "\
Example:
  netghost sweep remove hourly";

/// Below `netghost action --help`.
pub const ACTION: &str = "\
With a controller, it carries what is asked for and consented to, and is trusted with neither. Without one, or with `--standalone`, \
the same commands ask netghost-act on this host, as root.

Examples:
  netghost action request web-1 --reason 'port 5001 is dropped' nft-delete --family inet --table filter --chain input --rule 'tcp dport 5001 drop'
  netghost action list
  netghost action undo 07070707";

/// Below `netghost action request --help`.
pub const ACTION_REQUEST: &str = "\
Nothing is changed. The VM reads its kernel and writes down the exact change, its inverse, and the state for which an approval \
holds; this is shown. Status 5: it waits for an approval. 4: the VM refused: its policy (/etc/netghost/policy.toml) denies it, or \
there is nothing to act on. 3: the VM has not answered yet; `action wait` goes on waiting.

Examples:
  netghost action request web-1 --reason 'port 5001 is dropped' --ticket CHG0031337 --check tcp:10.0.0.4:443 nft-delete --family inet --table filter --chain input --rule 'tcp dport 5001 drop'
  netghost action request web-1 --netns blue --reason 'a forgotten shaper' --window 30s --lifetime 10m qdisc-remove eth0
  netghost action request localhost --standalone --reason 'to measure' server-start iperf --port 5001 --lease 10m";

/// Below `netghost action request VM nft-delete --help`.
pub const NFT_DELETE: &str = "\
The rule is named by its whole text, never by its number or handle.

Example:
  netghost action request web-1 --reason 'port 5001 is dropped' nft-delete --family inet --table filter --chain input --rule 'tcp dport 5001 drop'";

/// Below `netghost action request VM nft-insert --help`.
pub const NFT_INSERT: &str = "\
Examples:
  netghost action request web-1 --reason 'let the probe in' nft-insert --family inet --table filter --chain input --first --rule 'tcp dport 5001 accept'
  netghost action request web-1 --reason 'let the probe in' nft-insert --family inet --table filter --chain input --before 'drop' --rule 'tcp dport 5001 accept'";

/// Below `netghost action request VM legacy-delete --help`.
pub const LEGACY_DELETE: &str = "\
The rule is named by what follows `-A CHAIN` in iptables-save, never by its number.

Example:
  netghost action request web-1 --reason 'port 5001 is dropped' legacy-delete --chain INPUT --rule '-p tcp -m tcp --dport 5001 -j DROP'";

/// Below `netghost action request VM qdisc-remove --help`.
pub const QDISC_REMOVE: &str = "\
Examples:
  netghost action request web-1 --reason 'a forgotten shaper' qdisc-remove eth0
  netghost action request web-1 --reason 'a forgotten filter' qdisc-remove eth0 --ingress";

/// Below `netghost action request VM qdisc-replace --help`.
pub const QDISC_REPLACE: &str = "\
Examples:
  netghost action request web-1 --reason 'bufferbloat' qdisc-replace eth0 fq_codel
  netghost action request web-1 --reason 'a cap for the test' qdisc-replace eth0 tbf --rate 10mbit --burst 32kb --limit 64kb";

/// Below `netghost action request VM package-install --help`.
pub const PACKAGE_INSTALL: &str = "\
By apt, dnf, tdnf or zypper, whichever the VM has. Maintainer scripts run as root: there is no exact inverse, so it is irreversible.

Example:
  netghost action request web-1 --reason 'to measure' package-install iperf";

/// Below `netghost action request VM server-start --help`.
pub const SERVER_START: &str = "\
Example:
  netghost action request web-1 --reason 'to measure' server-start iperf --port 5001 --lease 10m";

/// Below `netghost action request VM server-stop --help`.
pub const SERVER_STOP: &str = "\
Example:
  netghost action request web-1 --reason 'measured' server-stop 07070707-0707-4707-8707-070707070707";

/// Below `netghost action list --help`.
pub const ACTION_LIST: &str = "\
Status 1: of one of them, what is kept is not what its VM wrote.

Example:
  netghost action list --limit 5 -o json";

/// Below `netghost action show --help`.
pub const ACTION_SHOW: &str = "\
Status 0: confirmed or done. 1: undone, a conflict, or altered by whoever keeps it. 3: it goes on, or what became of it is not \
known. 4: refused or failed. 5: it waits for an approval, or was denied, expired or void; without a controller, for `action confirm`.

Example:
  netghost action show 07070707";

/// Below `netghost action wait --help`.
pub const ACTION_WAIT: &str = "\
The status is as `action show` has it.

Example:
  netghost action wait 07070707 --for 10m";

/// Below `netghost action undo --help`.
pub const ACTION_UNDO: &str = "\
What waits is taken back, a change that is not confirmed is undone at once, a server is ended: status 0. A change that was \
confirmed is undone by a new action with its own approval: status 5.

Examples:
  netghost action undo 07070707
  netghost action undo 07070707 --reason 'the window is over'";

/// Below `netghost action confirm --help`.
pub const ACTION_CONFIRM: &str = "\
Log in anew first, over the way that has to stay open: an old session proves nothing. With a controller the VM does this by itself.

Example:
  netghost action confirm 07070707 --standalone";

/// Below `netghost approval --help`.
pub const APPROVAL: &str = "\
Examples:
  netghost approval list --pending
  netghost approval show 07070707
  netghost approval approve 07070707";

/// Below `netghost approval list --help`.
pub const APPROVAL_LIST: &str = "\
Example:
  netghost approval list --pending";

/// Below `netghost approval show --help`.
pub const APPROVAL_SHOW: &str = "\
Everything comes from the bytes that the VM wrote and that the digest is of; where the controller says otherwise, nothing is \
shown but that (status 1). The status is as `action show` has it: 5 while it waits.

Examples:
  netghost approval show 07070707
  netghost approval show 07070707 -o json";

/// Below `netghost approval approve --help`.
pub const APPROVAL_APPROVE: &str = "\
Shows the whole action and asks for the first 8 digits of its digest. Without a terminal it needs the whole digest, so that a \
script consents to one action and to no other; there is no --yes. The key never leaves this machine. It then waits for what \
comes of it: status 0, confirmed or done; 1, undone or a conflict; 4, failed; 5, nothing was approved.

Examples:
  netghost approval approve 07070707
  netghost approval approve 07070707 --digest 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 --no-wait";

/// Below `netghost approval deny --help`.
pub const APPROVAL_DENY: &str = "\
Example:
  netghost approval deny 07070707 --reason 'not in this window'";

/// Below `netghost approvers --help`.
pub const APPROVERS: &str = "\
The CA is made on an admin's machine; its private key never goes to a controller or a VM. It signs the list of approvers, which \
travels through the controller. A VM believes what the CA in its /etc/netghost/approvers.pem signed, and nothing else.

Examples:
  netghost approvers init
  netghost approvers key
  netghost approvers add bob --key bob.pub.pem
  netghost approvers revoke bob";

/// Below `netghost approvers init --help`.
pub const APPROVERS_INIT: &str = "\
Examples:
  netghost approvers init
  netghost approvers init --dir /media/stick/approvers";

/// Below `netghost approvers add --help`.
pub const APPROVERS_ADD: &str = "\
Have the key's id told to you by another way than the file, and compare it with the answer. Status 1: the list was edited but \
could not be published.

Example:
  netghost approvers add bob --key bob.pub.pem";

/// Below `netghost approvers revoke --help`.
pub const APPROVERS_REVOKE: &str = "\
A VM learns of it with the next action that it is to do. Status 1: the list was edited but could not be published.

Example:
  netghost approvers revoke bob";

/// Below `netghost approvers list --help`.
pub const APPROVERS_LIST: &str = "\
Example:
  netghost approvers list";

/// Below `netghost approvers publish --help`.
pub const APPROVERS_PUBLISH: &str = "\
Example:
  netghost approvers publish --context lab";

/// Below `netghost approvers key --help`.
pub const APPROVERS_KEY: &str = "\
Examples:
  netghost approvers key --out bob.pub.pem
  netghost approvers key --key ./other.key";

/// Below `netghost approvers trust --help`.
pub const APPROVERS_TRUST: &str = "\
Example:
  netghost approvers trust approvers.pem";

/// Below `netghost audit --help`.
pub const AUDIT: &str = "\
Examples:
  netghost audit show
  netghost audit verify
  netghost audit export ./audit";

/// Below `netghost audit show --help`.
pub const AUDIT_SHOW: &str = "\
Example:
  netghost audit show --from 100 --limit 20";

/// Below `netghost audit verify --help`.
pub const AUDIT_VERIFY: &str = "\
Status 0: the log is as it was written. 1: it was edited, cut or rewritten; the answer says where. What it can't tell is a \
tail that was cut off after the last head that was seen here.

Examples:
  netghost audit verify
  netghost audit verify --export ./audit --key KEYID.pub.pem";

/// Below `netghost audit export --help`.
pub const AUDIT_EXPORT: &str = "\
Example:
  netghost audit export ./audit";

/// Below `netghost completions --help`.
pub const COMPLETIONS: &str = "\
Examples:
  netghost completions bash
  netghost completions zsh --out _netghost";

/// Below `netghost man --help`.
pub const MAN: &str = "\
Examples:
  netghost man
  netghost man ./man1";
