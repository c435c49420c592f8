"""The asset centre: what has been published, by fine-tuning jobs so far."""

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.calls import Answer
from modelarts_emulator.frame.obs_paths import obs_path
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource

RELEASE_NOTES = "docs/RELEASE.md"
OF_GROUP = ("asset_name", "asset_group_desc", "asset_series")

ASSETS = Resource(
    "modelarts/other/asset",
    path_names=("asset_id",),
    id_field="asset_id",
    not_found="ModelArts.0015",
    writes=("asset_name", "asset_desc", "asset_group_desc", "asset_series"),
).serves(show="ShowAsset", list="ListAsset", update="UpdateAsset", delete="DeleteAsset")


def publish_asset(call, asset: dict) -> str:
    """Make an asset; its id. ApiError when its name has the version already. Versions of a name are one group."""
    bound, name, now = ASSETS.of(call), asset["asset_name"], call.world.clock.iso()
    group = bound.having("asset_name", name)
    if any(each["asset_version"] == asset["asset_version"] for each in group):
        raise ApiError("ModelArts.2788", f"asset {name} has a version {asset['asset_version']}")
    id = call.world.new_uuid()
    born = {"asset_id": id, "created_at": now, "updated_at": now, "api_version": "v2"}
    born["asset_group_id"] = group[0]["asset_group_id"] if group else call.world.new_uuid()
    bound.add({"asset_type": "MODEL", **asset, **born})
    return id


@ASSETS.updating
def change_group(call, asset, before):
    """What all versions share is changed in all of them. ApiError for the name of another group."""
    bound, name = ASSETS.of(call), asset["asset_name"]
    if name != before["asset_name"] and bound.having("asset_name", name):
        raise ApiError("ModelArts.2788", f"$.asset_name: there is an asset {name} already")
    asset["updated_at"] = call.world.clock.iso()
    changes = {member: asset[member] for member in OF_GROUP if member in asset}
    for other in bound.having("asset_group_id", asset["asset_group_id"]):
        if other["asset_id"] != asset["asset_id"]:
            bound.put({**other, **changes, "updated_at": asset["updated_at"]})


@behaviour("ShowAssetResource")
def show_resource(call):
    """The release notes that lie beside an asset, in the caller's language if they are there in that."""
    asset, query = ASSETS.find(call), call.query
    language = call.headers.get("x-language", "")
    names = [RELEASE_NOTES]
    if query.get("check_locale") and language:
        names.insert(0, RELEASE_NOTES.replace(".md", f"_{language}.md"))
    if query["resource_name"] != RELEASE_NOTES:
        raise ApiError("ModelArts.0015", f"query.resource_name: only {RELEASE_NOTES} can be read")
    for name in names:
        try:
            bucket, key = obs_path(asset["location"]).folder
            return Answer(
                call.world.obs.read(bucket, key + name),
                headers={"Content-Type": "text/markdown; charset=utf-8"},
            )
        except KeyError:
            continue
    raise ApiError("ModelArts.0015", f"{asset['location']} holds no {RELEASE_NOTES}")
