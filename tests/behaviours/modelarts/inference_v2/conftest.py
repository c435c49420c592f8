"""Services of the newer inference API, deployed and asked: what stories about them begin with."""

from tests.behaviours.modelarts.conftest import put_package

SERVICES = "/v2/{project_id}/services"
ROWS = {"data": {"req_data": [{"pixel": 1}]}}
UNIT = {
    "image": {"source": "SWR", "swr_path": "swr.example.com/group/image:1"},
    "custom_spec": {"cpu": 1, "memory": 1024},
}
INVOKE = {"port": 8080, "protocol": "HTTPS", "auth_type": "TOKEN"}
LIMIT = {"rate_limit": {"num": 1000, "unit": "SECONDS"}, "request_size_limit": 20, "request_timeout": 30}
RUNTIME = {"service_invoke": INVOKE, "service_limit": LIMIT}


def group(name="first", package=None, **more) -> dict:
    """The configuration of a deployment; package: the OBS path of what it mounts."""
    body = {"name": name, "weight": 100, "count": 1, "unit_configs": [dict(UNIT)]}
    if package is not None:
        body["model"] = {"source": "OBS", "address": package, "mount_path": "/model/"}
    return body | more


def updated(package=None, name="first", surge="1%", unavailable="1%", **more) -> dict:
    """An update of a deployment."""
    rolling = {"max_surge": surge, "max_unavailable": unavailable}
    advanced = {"port": 8080, "protocol": "HTTPS", "upgrade_config": {"rolling_update": rolling}}
    body = group(name, package, advanced_config=advanced) | more
    return body


def service_body(*groups: dict, name="service", auth_type="TOKEN", **more) -> dict:
    """What creates a service."""
    runtime = {"service_invoke": INVOKE | {"auth_type": auth_type}, "service_limit": LIMIT}
    return {
        "name": name,
        "type": "REAL_TIME",
        "group_configs": list(groups),
        "runtime_config": runtime,
    } | more


def add_pool(cloud, id: str) -> str:
    """A pool with that id and room for everything, which the API itself would not make."""
    with cloud.world.transaction():
        cloud.world.store.table(f"modelarts/pools/pool/{cloud.project_id}").put(
            id, {"metadata": {"name": id}}
        )
    return id


def created(cloud, *groups: dict, **more) -> str:
    """The id of a new service."""
    reply = cloud.post(SERVICES, service_body(*groups, **more))
    assert reply.status == 200, reply
    return reply.json["id"]


def deployed(cloud, *groups: dict, **more) -> str:
    """The id of a service whose deployments have settled; a group without a package unless told otherwise."""
    service_id = created(cloud, *(groups or (group(),)), **more)
    cloud.clock.advance("1m")
    return service_id


def shown(cloud, service_id: str) -> dict:
    """The service."""
    return cloud.get(f"{SERVICES}/{service_id}").json


def deployments(cloud, service_id: str) -> list[dict]:
    """The deployments of a service, oldest first."""
    return cloud.get(f"{SERVICES}/{service_id}/deployments?sort_key=create_at&sort_dir=ASC").json["data"]


def path_of(cloud, service_id: str) -> str:
    """The path of a service's first deployment."""
    return f"{SERVICES}/{service_id}/deployments/{deployments(cloud, service_id)[0]['id']}"


def asked(cloud, service_id: str, body=None, **options):
    """A prediction."""
    return cloud.post(f"/v2/infers/{service_id}", body or ROWS, **options)


def package(cloud, folder="digits", **more) -> str:
    """The OBS path of a package."""
    return put_package(cloud, folder, **more)


def refused(reply, status=400) -> tuple[str, str]:
    """Code and words of a refusal with that status."""
    assert reply.status == status, reply
    return reply.json["error_code"], reply.json["error_msg"]
