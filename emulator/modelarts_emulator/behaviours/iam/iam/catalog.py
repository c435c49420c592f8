"""IAM's view of the cloud: services, where they are served, regions."""

from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.identity.records import REGIONS
from modelarts_emulator.worlds.world import derived

SERVICES = (
    # type, name, path of its endpoint, whether there is one for all regions
    ("iam", "iam", "/v3.0", True),
    ("identity", "keystone", "/v3", True),
    ("modelarts", "modelarts", "/v1/{project_id}", False),
    ("modelartsv2", "modelarts", "/v2/{project_id}", False),
    ("pangulargemodels", "pangu", "/v1/{project_id}", False),
    ("maas", "maas", "/v1", False),
)


@behaviour("KeystoneShowCatalog")
def keystone_show_catalog(call):
    """The services of the caller's region, and that this emulator serves them."""
    project = {"id": call.caller.project_id, "name": call.caller.project_name}
    return {"catalog": catalog_of(call, project), "links": {"self": f"{call.base_url}/v3/auth/catalog"}}


@behaviour("KeystoneListServices")
def keystone_list_services(call):
    """The services, all or those of one type."""
    services = [
        {
            "id": derived("service", type),
            "name": name,
            "type": type,
            "description": "",
            "enabled": True,
            "links": links_to(call, f"/v3/services/{derived('service', type)}"),
        }
        for type, name, *_ in SERVICES
        if type == call.query.get("type", type)
    ]
    return {"services": services, "links": links_to(call, "/v3/services")}


@behaviour("KeystoneListEndpoints")
def keystone_list_endpoints(call):
    """Where the services are served; all endpoints are public."""
    query, project = call.query, {"id": call.caller.project_id, "name": call.caller.project_name}
    endpoints = [
        endpoint
        | {
            "enabled": True,
            "service_id": service["id"],
            "links": links_to(call, f"/v3/endpoints/{endpoint['id']}"),
        }
        for service in catalog_of(call, project)
        for endpoint in service["endpoints"]
        if query.get("service_id", service["id"]) == service["id"]
        and query.get("interface", "public") == "public"
    ]
    return {"endpoints": endpoints, "links": links_to(call, "/v3/endpoints")}


@behaviour("KeystoneListRegions")
def keystone_list_regions(call):
    """The regions in which the account has a project."""
    names = REGIONS | {call.world.region: REGIONS.get(call.world.region, (call.world.region,) * 2)}
    regions = [
        {
            "id": region,
            "type": "public",
            "description": "",
            "parent_region_id": "",
            "locales": {"en-us": english, "zh-cn": chinese},
            "links": {"self": f"{call.base_url}/v3/regions/{region}"},
        }
        for region, (english, chinese) in names.items()
    ]
    return {"regions": regions, "links": links_to(call, "/v3/regions")}


def catalog_of(call, project: dict | None) -> list[dict]:
    """The services with their endpoints in the project's region; without a project only those of no region."""
    catalog = []
    for type, name, path, is_global in SERVICES:
        if not is_global and project is None:
            continue
        region = "*" if is_global else project["name"]
        url = call.base_url + (path if is_global else path.format(project_id=project["id"]))
        endpoint = {
            "id": derived("endpoint", type, region),
            "interface": "public",
            "region": region,
            "region_id": region,
        }
        endpoints = [endpoint | {"url": url}]
        catalog.append({"id": derived("service", type), "name": name, "type": type, "endpoints": endpoints})
    return catalog


def links_to(call, path: str) -> dict:
    """Where something is found; lists are one page."""
    return {"next": None, "previous": None, "self": call.base_url + path}
