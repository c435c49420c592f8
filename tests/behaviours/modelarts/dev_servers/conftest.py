"""What the stories of servers share: servers, hyperinstances, and what they are made of."""

SERVERS = "/v1/{project_id}/dev-servers"
HYPER, CLUSTERS, GROUPS = (
    f"{SERVERS}/hyperinstance",
    f"{SERVERS}/hyper-clusters",
    f"{SERVERS}/hyperinstance/groups",
)
JOBS = f"{SERVERS}/jobs"
VM, SCARCE_VM, NPU, HPS = "s7.large.2", "pi2.2xlarge.4", "physical.snt9b.8", "hps.snt9c.x2"
IMAGE = "4a0c1e5e-0d1b-4c57-9f0f-2b8f0a6d51{:02}"
# For virtual machines: the usual image, another, one that is INACTIVE.
VM_IMAGE, OTHER_VM_IMAGE, INACTIVE_IMAGE = IMAGE.format(1), IMAGE.format(7), IMAGE.format(8)
NPU_IMAGE = IMAGE.format(4)
HPS_IMAGE, OTHER_HPS_IMAGE, INACTIVE_HPS_IMAGE = IMAGE.format(5), IMAGE.format(6), IMAGE.format(9)
DISK = "7be1c3a0-52d4-4e6b-8f1a-9d0c2b3e4{}01"
PORT = "5c2d9f10-8a4b-4d3c-9e7f-6b1a0c8d2{}01"
PUBLIC_IP = "9d4e7b21-3c6f-4a58-b2d9-1f0e8c7a6{}01"
VPC, SUBNET, GROUP_OF_RULES = (f"{n}5982b48-a70f-43a1-a2b0-1fe36a236172" for n in (1, 2, 3))
NETWORK = {"vpc_id": VPC, "subnet_id": SUBNET, "security_group_id": GROUP_OF_RULES}
KEY = {"key_pair_name": "KeyPair-3d6a"}
NOBODY = "00000000-0000-4000-8000-000000000000"
PREPAID = {"charging_mode": "PRE_PAID", "period_type": "MONTH", "period_num": 1, "is_auto_pay": True}


def body_of(name="server-a", flavor=VM, image=VM_IMAGE, network=None, **members) -> dict:
    """What makes a server."""
    login = {} if "admin_pass" in members else KEY
    place = {**NETWORK, **(network or {})}
    return {"name": name, "flavor": flavor, "image_id": image, "network": place, **login, **members}


def create(cloud, *args, **members) -> dict:
    """A new server."""
    reply = cloud.post(SERVERS, body_of(*args, **members))
    assert reply.status == 200, reply
    return reply.json


def running(cloud, *args, **members) -> str:
    """The id of a new server that runs."""
    id = create(cloud, *args, **members)["id"]
    cloud.clock.until(lambda: state(cloud, id) == "RUNNING", within="1h")
    return id


def stopped(cloud, *args, **members) -> str:
    """The id of a new server that is stopped."""
    id = running(cloud, *args, **members)
    assert cloud.put(f"{SERVERS}/{id}/stop").status == 200
    cloud.clock.until(lambda: state(cloud, id) == "STOPPED", within="1h")
    return id


def show(cloud, id: str) -> dict:
    """The server."""
    reply = cloud.get(f"{SERVERS}/{id}")
    assert reply.status == 200, reply
    return reply.json


def state(cloud, id: str) -> str:
    """The state of the server."""
    return show(cloud, id)["status"]


def settle(cloud) -> None:
    """Let everything that is under way come to an end."""
    cloud.clock.advance("1h")


def cluster(cloud, name="plane-a", **members) -> str:
    """The id of a new network of hyperinstances."""
    return cloud.post(CLUSTERS, {"name": name, **members}).json["id"]


def hyperinstance(cloud, flavor=HPS, group=None, within=None, image=HPS_IMAGE, **members) -> str:
    """The id of a new hyperinstance that is ACTIVE, or in ERROR with an image that is not."""
    within = within or cluster(cloud)
    network = {"hyper_group": {"id": group}} if group else {}
    server = create(cloud, "hyper-a", flavor, image, network=network, **{"hps_cluster_id": within, **members})
    settle(cloud)
    return server["server_hps"]["id"]


def flavor_of(size: int) -> str:
    """The flavor that has so many servers."""
    return f"hps.snt9c.x{size}"


def whole(cloud, id: str) -> dict:
    """The hyperinstance."""
    reply = cloud.get(f"{HYPER}/{id}")
    assert reply.status == 200, reply
    return reply.json


def states(cloud, id: str) -> list[str]:
    """The states of the hyperinstance's servers."""
    return [each["status"] for each in whole(cloud, id)["servers"]]


MISSING, ILLEGAL, WRONG = (400, "ModelArts.6404"), (400, "ModelArts.6357"), (400, "ModelArts.6600")
SOLD_OUT, NO_FLAVOR, NO_IMAGE = (400, "ModelArts.6716"), (400, "ModelArts.6323"), (400, "ModelArts.6797")
