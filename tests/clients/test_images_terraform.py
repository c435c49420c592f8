"""The calls of Terraform's resource for saved notebooks and of its data source for images."""

import pytest

from tests.behaviours.modelarts.notebooks.conftest import BASE as NOTEBOOKS
from tests.behaviours.modelarts.notebooks.conftest import run

IMAGES = "/v1/{project_id}/images"
KEPT = ("name", "namespace", "tag", "description")
PLAIN = {"name": "saved", "namespace": "group"}


@pytest.mark.parametrize(
    "configured", [PLAIN, PLAIN | {"tag": "1", "description": "ours"}], ids=["plain", "full"]
)
def test_a_saved_notebook_reads_back_as_configured(cloud, configured):
    reply = cloud.post(f"{NOTEBOOKS}/{run(cloud)}/create-image", configured)
    assert reply.status == 200, reply
    id = reply.json["id"]
    cloud.clock.until(lambda: cloud.get(f"{IMAGES}/{id}").json["status"] == "ACTIVE", within="10m")
    image = cloud.get(f"{IMAGES}/{id}").json
    assert {name: image[name] for name in KEPT if image.get(name)} == configured
    assert isinstance(image["create_at"], int)


def test_an_image_that_is_gone_is_not_found_by_its_code(cloud):
    reply = cloud.get(f"{IMAGES}/00000000-0000-4000-8000-000000000000")
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.6404")


def test_the_data_source_reads_all_pages_of_built_in_images(cloud):
    first = cloud.get(f"{IMAGES}?type=BUILD_IN&limit=200&offset=0").json["data"]
    assert len(first) < 200 and all(each["swr_path"] and each["arch"] for each in first)
