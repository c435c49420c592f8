"""Stories about groups of images: the versions of one name."""

from tests.behaviours.modelarts.images.conftest import IMAGES, NOBODY, drop, groups, names, register, show
from tests.behaviours.modelarts.notebooks.conftest import create
from tests.conftest import refusal


def versions(cloud, *tags: str, name: str = "resnet", **body) -> list[str]:
    """The ids of registered versions."""
    return [register(cloud, f"swr.example.com/group/{name}:{tag}", **body) for tag in tags]


def test_versions_of_one_name_are_one_group(cloud):
    versions(cloud, "1")
    cloud.clock.advance("1h")
    versions(cloud, "2", description="newer")
    versions(cloud, "1", name="bert")
    found = groups(cloud)
    assert {name: group["version_count"] for name, group in found.items()} == {"resnet": 2, "bert": 1}
    assert found["resnet"]["description"] == "newer"
    assert found["resnet"]["update_at"] - found["resnet"]["create_at"] == 3_600_000


def test_groups_are_found_by_kind_name_and_organization(cloud):
    versions(cloud, "1"), versions(cloud, "1", name="resnet-50")
    assert len(groups(cloud, "")) == 2 + len(groups(cloud, "?type=BUILD_IN"))
    assert groups(cloud, "?name=resnet&name_fuzzy_match=false").keys() == {"resnet"}
    assert (
        groups(cloud, "?namespace=group").keys()
        == groups(cloud, "?name=RESNET").keys()
        == {"resnet", "resnet-50"}
    )
    pages = [groups(cloud, f"?type=DEDICATED&limit=1&offset={page}") for page in (0, 1)]
    assert len(pages[0]) == len(pages[1]) == 1 and pages[0].keys() != pages[1].keys()
    assert groups(cloud, f"?type=DEDICATED&workspace_id={'b' * 32}") == {}


def test_a_group_is_given_a_read_me_and_tags_which_its_images_show(cloud):
    first, second = versions(cloud, "1", "2", tags=["team=a"], read_me="old")
    path = f"{IMAGES}/group/{groups(cloud)['resnet']['id']}"
    assert groups(cloud)["resnet"]["read_me"] == "old"
    assert cloud.put(path, {"read_me": "new"}).status == 200
    assert groups(cloud)["resnet"]["read_me"] == "new" and show(cloud, first)["tags"] == [
        {"key": "team", "value": "a"}
    ]
    cloud.put(path, {"tags": [{"key": "tier", "value": "1"}]})
    assert show(cloud, first)["tags"] == show(cloud, second)["tags"] == [{"key": "tier", "value": "1"}]
    versions(cloud, "3", read_me="newer")
    assert show(cloud, first)["tags"] == [{"key": "tier", "value": "1"}]
    assert refusal(cloud.put(path, {"tags": [{"key": "", "value": "1"}]})) == (400, "ModelArts.6400")


def test_a_group_is_deleted_as_a_whole_or_not_at_all(cloud):
    versions(cloud, "1"), versions(cloud, "1", name="bert")
    used = versions(cloud, "2")[0]
    create(cloud, image_id=used)
    group = f"{IMAGES}/group/{groups(cloud)['resnet']['id']}"
    assert refusal(cloud.delete(group, {"is_force": True})) == (400, "ModelArts.6357")
    assert groups(cloud)["resnet"]["version_count"] == 2
    assert cloud.delete(f"{IMAGES}/group/{groups(cloud)['bert']['id']}", {"is_force": True}).status == 200
    assert groups(cloud).keys() == {"resnet"}


def test_a_new_group_knows_nothing_of_a_deleted_one(cloud):
    drop(cloud, versions(cloud, "1", tags=["team=a"], read_me="old")[0])
    (image,) = versions(cloud, "1")
    assert (show(cloud, image)["tags"], groups(cloud)["resnet"]["read_me"]) == ([], "")


def test_groups_that_are_built_in_or_not_there_are_left_alone(cloud):
    built_in = next(iter(groups(cloud, "?type=BUILD_IN").values()))["id"]
    for verb in (
        lambda id: cloud.put(f"{IMAGES}/group/{id}", {}),
        lambda id: cloud.delete(f"{IMAGES}/group/{id}", {}),
    ):
        assert refusal(verb(NOBODY)) == (400, "ModelArts.6404")
        assert refusal(verb(built_in)) == (400, "ModelArts.6400")
    assert names(cloud)
