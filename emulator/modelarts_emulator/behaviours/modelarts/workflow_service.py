"""Services of billed workflows: packages that are bought, and whether what they allow is used up."""

from modelarts_emulator.behaviours.modelarts.workflows.workflows import WORKFLOWS
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import BelongsTo, Resource

DAY = "day"
ASKED = ("pool_id", "service_id", "consume_limit", "limit_enable", "order")

PACKAGES = Resource(
    "modelarts/workflow-service/package",
    id_field="package_id",
    not_found="ModelArts.7512",
    belongs_to=BelongsTo(WORKFLOWS, "workflow_id"),
    writes=ASKED,
).serves(create="CreateWorkflowPurchasePool")


@PACKAGES.creating
def complete_package(call, package):
    """A package that is bought can be used at once; nothing is charged."""
    order = {"id": call.world.new_uuid(), **package["order"]}
    package |= {"workflow_id": WORKFLOWS.find(call)["workflow_id"], "order": order, "status": "active"}
    package |= {"current_consume": 0, "current_date": today(call), "created_at": call.world.clock.iso()}
    package.setdefault("service_id", "")
    package.setdefault("limit_enable", "consume_limit" in package)


def today(call) -> str:
    """The date, as packages count by."""
    return call.world.clock.iso()[:10]


@behaviour("CreateWorkflowServiceAuth")
def use_service(call):
    """Count what a service is about to use; ApiError where no package covers that."""
    bound, id = PACKAGES.of(call), call.body.get("main_service_id", "")
    consume = call.body.get("consume") or {}
    packages = bound.having("service_id", id)
    if not packages:
        raise ApiError("ModelArts.0104", f"$.main_service_id: no package is bought for service {id!r}")
    packages = [each for each in packages if is_of(bound, each, call.body.get("content_id"))]
    if not packages:
        words = f"{call.body['content_id'][:80]!r} is not the asset whose workflow a package is bought for"
        raise ApiError("ModelArts.0104", f"$.content_id: {words}")
    package = packages[-1]
    if consume.get("period", DAY) != DAY:
        raise ApiError("ModelArts.0104", f"$.consume.period is {consume['period']!r}, must be {DAY}")
    if package["current_date"] != today(call):
        package |= {"current_date": today(call), "current_consume": 0}
    used, limit = package["current_consume"] + consume.get("value", 0), package.get("consume_limit")
    if package["limit_enable"] and limit is not None and used > limit:
        words = f"{package['current_consume']} of {limit} a day are used, {consume.get('value', 0)} more are too many"
        raise ApiError("ModelArts.0104", f"$.consume.value: {words}")
    bound.put({**package, "current_consume": used})
    return {"result": "available"}


def is_of(bound, package: dict, content_id: str | None) -> bool:
    """Whether a package may be meant by the id of an asset: its workflow comes from that one, or from none."""
    workflow = bound.beside(WORKFLOWS).get(package["workflow_id"]) or {}
    own = (workflow.get("gallery_subscription") or {}).get("content_id")
    return not (content_id and own) or content_id == own
