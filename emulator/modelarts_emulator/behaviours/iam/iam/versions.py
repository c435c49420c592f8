"""Which versions of Keystone's API there are: what clients of OpenStack ask before anything else."""

from modelarts_emulator.frame.calls import Answer
from modelarts_emulator.frame.registry import behaviour


@behaviour("KeystoneListVersions")
def keystone_list_versions(call):
    """The one version there is, as a choice between several."""
    return Answer({"versions": {"values": [version_at(call)]}}, 300)


@behaviour("KeystoneShowVersion")
def keystone_show_version(call):
    """Version 3 and where it is."""
    return {"version": version_at(call)}


def version_at(call) -> dict:
    """Version 3 as this emulator serves it."""
    return {
        "id": "v3.6",
        "status": "stable",
        "updated": "2016-04-04T00:00:00Z",
        "links": [{"rel": "self", "href": f"{call.base_url}/v3/"}],
        "media-types": [{"type": "application/vnd.openstack.identity-v3+json", "base": "application/json"}],
    }
