"""Drives the lab's simulator of Azure Resource Manager with Microsoft's own libraries, over TLS.

    arm_outside.py URL CA TENANT SUBSCRIPTION CLIENT_ID SECRET
"""

import json
import os
import sys
import time

import requests
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.compute.models import RunCommandInput, VirtualMachineRunCommand, VirtualMachineRunCommandScriptSource
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.network.models import PacketCapture, PacketCaptureStorageLocation, Route, SecurityRule

url, ca, tenant, subscription, client_id, secret = sys.argv[1:]
os.environ["REQUESTS_CA_BUNDLE"] = ca
GROUP = "lab"


def log(what):
    print(f"{time.monotonic() - begun:6.2f} s  {what}")


def lab(verb, path, body=None):
    answer = requests.request(verb, f"{url}/__lab/{path}", json=body, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


def fault(**what):
    lab("POST", "faults", what)


class Secret:
    """A credential that asks the simulator's own directory."""

    def get_token(self, *scopes, **_):
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret, "scope": scopes[0]}
        answer = requests.post(f"{url}/{tenant}/oauth2/v2.0/token", data=form, timeout=10)
        assert answer.status_code == 200, answer.text
        token = answer.json()
        return AccessToken(token["access_token"], int(time.time()) + token["expires_in"])


def refused(status, code, call):
    try:
        call()
    except HttpResponseError as error:
        assert error.status_code == status or status is None, (error.status_code, error)
        assert error.error is not None and error.error.code == code, (error.error, error)
        return error
    raise AssertionError(f"not refused: {code}")


begun = time.monotonic()
network = NetworkManagementClient(Secret(), subscription, base_url=url, polling_interval=1)
compute = ComputeManagementClient(Secret(), subscription, base_url=url, polling_interval=1)

nic = network.network_interfaces.get(GROUP, "vm1")
assert nic.ip_configurations[0].private_ip_address == "10.77.0.4", nic
assert nic.etag.startswith('W/"'), nic.etag
assert {one.name for one in network.network_interfaces.list(GROUP)} == {"vm1", "vm2"}
lab("PATCH", "state", {"settings": {"page": 1}})
assert {one.name for one in network.network_interfaces.list_all()} == {"vm1", "vm2"}, "page by page"
lab("PATCH", "state", {"settings": {"page": 100}})
subnet = network.subnets.get(GROUP, "lab", "default")
assert subnet.network_security_group.id.endswith("/default")
log("a NIC, its list and its subnet are read")

table = network.network_interfaces.begin_get_effective_route_table(GROUP, "vm1").result()
kinds = {route.next_hop_type for route in table.value}
assert {"VnetLocal", "Internet", "None"} <= kinds, kinds
groups = network.network_interfaces.begin_list_effective_network_security_groups(GROUP, "vm1").result()
rules = {rule.name for rule in groups.value[0].effective_security_rules}
assert "defaultSecurityRules/DenyAllInBound" in rules, rules
assert groups.value[0].association.subnet.id == subnet.id
log("effective routes and security groups")

wanted = SecurityRule(
    protocol="Tcp", access="Deny", direction="Inbound", priority=200, source_port_range="*", destination_port_range="5001",
    source_address_prefix="*", destination_address_prefix="*",
)
made = network.security_rules.begin_create_or_update(GROUP, "default", "block", wanted).result()
assert (made.provisioning_state, made.access, made.priority) == ("Succeeded", "Deny", 200), made
assert network.security_rules.get(GROUP, "default", "block").destination_port_range == "5001"
effective = network.network_interfaces.begin_list_effective_network_security_groups(GROUP, "vm1").result()
assert any(rule.name == "securityRules/block" for rule in effective.value[0].effective_security_rules)
refused(400, "SecurityRuleConflict",
        lambda: network.security_rules.begin_create_or_update(GROUP, "default", "rival", wanted).result())
network.security_rules.begin_delete(GROUP, "default", "block").result()
try:
    network.security_rules.get(GROUP, "default", "block")
    raise AssertionError("the rule is still there")
except ResourceNotFoundError as error:
    assert error.error.code == "NotFound", error
log("a rule is made, seen, and deleted")

away = Route(address_prefix="10.77.0.5/32", next_hop_type="None")
made = network.routes.begin_create_or_update(GROUP, "default", "away", away).result()
assert made.provisioning_state == "Succeeded", made
table = network.network_interfaces.begin_get_effective_route_table(GROUP, "vm1").result()
assert any("10.77.0.5/32" in route.address_prefix and route.source == "User" for route in table.value)
network.routes.begin_delete(GROUP, "default", "away").result()
log("a route is made, seen, and deleted")

run = RunCommandInput(
    command_id="RunShellScript", script=["echo $((40+2)); echo oops >&2; ip -o link show eth0 | wc -l"]
)
answer = compute.virtual_machines.begin_run_command(GROUP, "vm1", run).result()
assert answer.value[0].message == "Enable succeeded: \n[stdout]\n42\n1\n\n[stderr]\noops\n", answer.value[0].message
slow = compute.virtual_machines.begin_run_command(GROUP, "vm1", RunCommandInput(command_id="RunShellScript", script=["sleep 2"]))
refused(409, "Conflict", lambda: compute.virtual_machines.begin_run_command(GROUP, "vm1", run))
slow.result()
view = compute.virtual_machines.instance_view(GROUP, "vm1")
assert "PowerState/running" in {status.code for status in view.statuses}
log("a command runs, and a second one is refused meanwhile")

command = VirtualMachineRunCommand(
    location="westeurope", source=VirtualMachineRunCommandScriptSource(script="echo managed; exit 3")
)
compute.virtual_machine_run_commands.begin_create_or_update(GROUP, "vm2", "one", command).result()
done = compute.virtual_machine_run_commands.get_by_virtual_machine(GROUP, "vm2", "one", expand="instanceView")
assert (done.instance_view.exit_code, done.instance_view.output) == (3, "managed\n"), done.instance_view
compute.virtual_machine_run_commands.begin_delete(GROUP, "vm2", "one").result()
log("a managed command tells its exit status")

compute.virtual_machines.begin_deallocate(GROUP, "vm2").result()
refused(400, "NicMustBeAttachedToRunningVmToGetEffectiveRoutes",
        lambda: network.network_interfaces.begin_get_effective_route_table(GROUP, "vm2").result())
refused(409, "OperationNotAllowed", lambda: compute.virtual_machines.begin_run_command(GROUP, "vm2", run))
compute.virtual_machines.begin_start(GROUP, "vm2").result()
network.network_interfaces.begin_get_effective_route_table(GROUP, "vm2").result()
log("a machine is stopped, refused, and started")

lab("PATCH", "state", {"settings": {"writeMs": 4000}})
first = network.routes.begin_create_or_update(GROUP, "default", "away", away, polling=False)
refused(409, "AnotherOperationInProgress",
        lambda: network.routes.begin_delete(GROUP, "default", "away", polling=False))
lab("PATCH", "state", {"settings": {"writeMs": 200}})
log("the second of two writes is refused")

lab("DELETE", "requests")
fault(fault="throttle", retry_after=1, path="networkInterfaces/vm1", times=2)
waited = time.monotonic()
network.network_interfaces.get(GROUP, "vm1")
assert time.monotonic() - waited >= 1.9, "two refusals of a second each"
assert [one["status"] for one in lab("GET", "requests")] == [429, 429, 200]
log("429 is tried again after its time")

fault(fault="fail_later", code="InternalServerError", message="later", verb="PUT", times=1)
error = refused(None, "InternalServerError",
                lambda: network.security_rules.begin_create_or_update(GROUP, "default", "block", wanted).result())
assert "later" in str(error), error
fault(fault="fail_later", code="RetryableError", message="later", path="effectiveRouteTable", times=1)
refused(400, "RetryableError", lambda: network.network_interfaces.begin_get_effective_route_table(GROUP, "vm1").result())
log("operations that fail at their end are failures")

watcher = ("NetworkWatcherRG", "NetworkWatcher_westeurope")
capture = PacketCapture(
    target=compute.virtual_machines.get(GROUP, "vm1").id,
    storage_location=PacketCaptureStorageLocation(file_path="/tmp/c.cap"),
)
network.packet_captures.begin_create(*watcher, "c1", capture).result()
assert network.packet_captures.begin_get_status(*watcher, "c1").result().packet_capture_status == "Running"
network.packet_captures.begin_stop(*watcher, "c1").result()
assert network.packet_captures.begin_get_status(*watcher, "c1").result().stop_reason == "Manual"
network.packet_captures.begin_delete(*watcher, "c1").result()
log("a packet capture from its beginning to its end")

refused(404, "ResourceNotFound", lambda: network.network_interfaces.get(GROUP, "none"))
print(json.dumps({"seconds": round(time.monotonic() - begun, 1)}))
