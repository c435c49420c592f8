"""What the stories of workspaces share: workspaces, and a second user of the account."""

import pytest
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, soon
from modelarts_emulator.frame.registry import RESOURCES
from modelarts_emulator.frame.resources import Resource

WORKSPACES = "/v1/{project_id}/workspaces"


def create(cloud, name: str = "team-a", **members) -> str:
    """The id of a new workspace."""
    reply = cloud.post(WORKSPACES, {"name": name, **members})
    assert reply.status == 200, reply
    return reply.json["id"]


def show(cloud, id: str) -> dict:
    """The workspace."""
    return cloud.get(f"{WORKSPACES}/{id}").json


def names(cloud, query: str = "", **options) -> list[str]:
    """The names of the workspaces that are listed."""
    return [each["name"] for each in cloud.get(f"{WORKSPACES}{query}", **options).json["workspaces"]]


class Boxes:
    """Something that lies in a workspace: it takes five minutes to go, and is not let go where it is LOCKED."""

    def __init__(self, cloud):
        states = {
            "LOCKED": rests(),
            "OPEN": rests(delete="CLOSING"),
            "CLOSING": soon(GONE, after=5 * 60 * 60),
        }
        life = Lifecycle("OPEN", illegal="ModelArts.0104", **states)
        self._resource = Resource("test/boxes/box", not_found="ModelArts.0210", lifecycle=life)
        self._cloud = cloud

    def put(self, workspace_id: str, state: str = "LOCKED") -> None:
        """Put a box into the workspace."""
        self._enter({"id": "1", "workspace_id": workspace_id}, state)

    def free(self) -> None:
        """Unlock the box."""
        self._enter(self._bound().find("1"), "OPEN")

    def _bound(self):
        return self._resource.at(self._cloud.world, self._cloud.project_id)

    def _enter(self, record: dict, state: str) -> None:
        with self._cloud.world.transaction():
            self._bound().enter(record, state)


@pytest.fixture
def stuck(cloud, monkeypatch):
    """Boxes that may keep a workspace from going."""
    monkeypatch.setitem(RESOURCES, "test/boxes/box", None)
    return Boxes(cloud)
