"""What servers can be made of."""

import pytest

from tests.behaviours.modelarts.dev_servers.conftest import (
    IMAGE,
    MISSING,
    NO_FLAVOR,
    NOBODY,
    NPU,
    SCARCE_VM,
    SERVERS,
    VM_IMAGE,
    create,
)
from tests.conftest import refusal


def rows(cloud, what: str, **asked) -> list[dict]:
    """The rows of a catalogue."""
    reply = cloud.get(f"{SERVERS}/{what}", params=asked)
    assert reply.status == 200, reply
    return reply.json["data"]


@pytest.mark.parametrize("what", ["flavors", "resource-flavors"])
@pytest.mark.parametrize(
    "asked", [{"server_type": "HPS"}, {"arch": "X86"}, {"charging_mode": "PRE_PAID", "server_type": "BMS"}]
)
def test_flavors_are_filtered_by_what_they_are(cloud, what, asked):
    found = rows(cloud, what, **asked)
    fitting = [row for row in rows(cloud, what) if all(row[name] == value for name, value in asked.items())]
    assert found == fitting and 0 < len(found) < len(rows(cloud, what))


def test_a_flavor_of_which_all_is_taken_is_sold_out(cloud):
    def is_sold_out() -> set[bool]:
        zones = [
            zone["is_sold_out"]
            for row in rows(cloud, "resource-flavors")
            if row["flavor"] == SCARCE_VM
            for zone in row["availability_zones"]
        ]
        return {row["is_sold_out"] for row in rows(cloud, "flavors") if row["flavor"] == SCARCE_VM} | set(
            zones
        )

    assert is_sold_out() == {False}
    create(cloud, flavor=SCARCE_VM, count=2)
    assert is_sold_out() == {True}


def test_images_are_those_of_a_type_or_for_a_flavor(cloud):
    assert {row["server_type"] for row in rows(cloud, "images", server_type="HPS")} == {"HPS"}
    assert [row["image_id"] for row in rows(cloud, "images", flavor_name=NPU)] == [IMAGE.format(4)]
    assert refusal(cloud.get(f"{SERVERS}/images?flavor_name=s99")) == NO_FLAVOR


def test_an_image_is_shown(cloud):
    found = cloud.get(f"{SERVERS}/images/{VM_IMAGE}").json
    assert found in rows(cloud, "images") and found["status"] == "ACTIVE"
    assert refusal(cloud.get(f"{SERVERS}/images/{NOBODY}")) == MISSING


def test_plugins_are_listed_by_name(cloud):
    (plugin,) = rows(cloud, "plugins", name="ascend-driver")
    assert [info["version"] for info in plugin["infos"]] == ["24.1.0", "25.0.0"]
    assert len(rows(cloud, "plugins")) == 3
