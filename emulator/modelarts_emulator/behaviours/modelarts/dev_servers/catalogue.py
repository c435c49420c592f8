"""What servers can be made of: flavors with what is left of them, images, plugins."""

from modelarts_emulator.behaviours.modelarts.capacity import machines_left_of
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour

FLAVORS, IMAGES = "modelarts/dev-servers/flavors", "modelarts/dev-servers/images"
NOT_FOUND = "ModelArts.6404"
OF_FLAVOR = ("arch", "server_type", "flavor", "flavor_type", "specification", "roce_num", "count", "status")


def find_flavor(name: str) -> dict:
    """The flavor; ApiError when there is none."""
    for flavor in fixture(FLAVORS):
        if flavor["flavor"] == name:
            return flavor
    raise ApiError("ModelArts.6323", f"there is no flavor {name}; ListDevServerFlavors has those that exist")


def hyper_flavors() -> list[dict]:
    """The flavors of hyperinstances, the smallest first."""
    return [flavor for flavor in fixture(FLAVORS) if flavor["server_type"] == "HPS"]


def find_image(id: str) -> dict:
    """The image; ApiError when there is none."""
    for image in fixture(IMAGES):
        if image["image_id"] == id:
            return image
    raise ApiError("ModelArts.6797", "ListDevServerImages has those that exist", fill=[id])


def machines_left(where, flavor: dict) -> int:
    """How many machines of the flavor's hardware nobody has in the project of a call, or of records."""
    return machines_left_of(where.world, where.project_id, flavor["_hardware"])


def refuse_sold_out(bound, flavor: dict, machines: int) -> None:
    """ApiError when fewer machines are left than wanted."""
    left = machines_left(bound, flavor)
    if left < machines:
        name = flavor["flavor"]
        raise ApiError("ModelArts.6716", f"{machines} wanted, {max(0, left)} left", fill=[name])


def suits(image: dict, flavor: dict) -> bool:
    """Whether machines of the flavor can run the image."""
    return all(image[name] == flavor[name] for name in ("arch", "server_type"))


def offers() -> list[tuple[dict, str]]:
    """(flavor, charging mode) of all that can be had."""
    return [(flavor, mode) for flavor in fixture(FLAVORS) for mode in flavor["_charging_modes"]]


def offer_shown(flavor: dict, mode: str) -> dict:
    """A flavor at a price as lists show it."""
    billing = {"charging_mode": mode, "sku_code": f"{flavor['sku_code']}.{mode.lower()}"}
    return {name: flavor[name] for name in OF_FLAVOR} | billing


@behaviour("ListDevServerFlavors")
def list_dev_server_flavors(call):
    """The flavors, one row for each zone and way to pay."""
    rows = []
    for flavor, mode in offers():
        state = {"is_sold_out": machines_left(call, flavor) < flavor["count"]}
        rows += [offer_shown(flavor, mode) | state | {"availability_zone": zone} for zone in flavor["_zones"]]
    return list_rows(call, rows)


@behaviour("ListDevServerResourceFlavors")
def list_dev_server_resource_flavors(call):
    """The flavors with their zones, and those that a hyperinstance can grow to."""
    rows = []
    for flavor, mode in offers():
        is_sold_out = machines_left(call, flavor) < flavor["count"]
        zones = [{"id": zone, "is_sold_out": is_sold_out} for zone in flavor["_zones"]]
        more = {"availability_zones": zones, "server_flavors": flavor["server_flavors"]}
        rows.append(offer_shown(flavor, mode) | more)
    return list_rows(call, rows)


@behaviour("ListDevServerImages")
def list_dev_server_images(call):
    """The images, on request of those only that suit a flavor."""
    name = call.query.get("flavor_name")
    flavor = None if name is None else find_flavor(name)
    return list_rows(call, [each for each in fixture(IMAGES) if flavor is None or suits(each, flavor)])


@behaviour("GetDevServerImage")
def get_dev_server_image(call):
    """One image."""
    id = call.path["id"]
    for image in fixture(IMAGES):
        if image["image_id"] == id:
            return image
    raise ApiError(NOT_FOUND, f"image {id} does not exist")


@behaviour("ListDevServerPlugins")
def list_dev_server_plugins(call):
    """The plugins that can be installed on servers."""
    return list_rows(call, fixture("modelarts/dev-servers/plugins"))
