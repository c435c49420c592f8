"""Images through the official Python SDK, over a socket."""

import pytest

pytest.importorskip("huaweicloudsdkmodelarts")

from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkmodelarts.v1 import model

from tests.behaviours.modelarts.images.conftest import PATH
from tests.behaviours.modelarts.notebooks.conftest import run


def show(client, id: str):
    """The image in the SDK's class."""
    return client.show_image(model.ShowImageRequest(id=id))


def test_a_notebook_is_saved_and_the_image_listed(cloud, client):
    body = model.ImageCreateReq(name="saved", namespace="group", tag="1")
    id = client.create_image(model.CreateImageRequest(id=run(cloud), body=body)).id
    cloud.clock.until(lambda: show(client, id).status == "ACTIVE", within="1h")
    found = client.list_image(model.ListImageRequest(type="DEDICATED"))
    assert [(each.id, each.origin) for each in found.data] == [(id, "IMAGE_SAVE")]


def test_an_image_is_registered_grouped_looked_for_and_deleted(client):
    body = model.ImageRegRequest(swr_path=PATH, resource_category=["CPU"], tags=["team=a"])
    id = client.register_image(model.RegisterImageRequest(body=body)).id
    (group,) = client.list_image_group(model.ListImageGroupRequest(type="DEDICATED")).data
    body = model.UpdateImageGroupRequestBody(read_me="How to use it")
    client.update_image_group(model.UpdateImageGroupRequest(id=group.id, body=body))
    assert client.sync_image(model.SyncImageRequest(image_id=id)).status == "ACTIVE"
    body = model.DeleteImageRequestBody(is_force=True)
    assert client.delete_image(model.DeleteImageRequest(id=id, body=body)).status == "DELETED"
    with pytest.raises(ClientRequestException) as refused:
        show(client, id)
    assert (refused.value.status_code, refused.value.error_code) == (400, "ModelArts.6404")


def test_a_group_is_deleted_with_its_versions(client):
    for tag in ("1", "2"):
        body = model.ImageRegRequest(swr_path=f"swr.example.com/group/resnet:{tag}")
        client.register_image(model.RegisterImageRequest(body=body))
    (group,) = client.list_image_group(model.ListImageGroupRequest(type="DEDICATED")).data
    body = model.DeleteImageGroupRequestBody(is_force=False)
    client.delete_image_group(model.DeleteImageGroupRequest(id=group.id, body=body))
    assert client.list_image(model.ListImageRequest(type="DEDICATED")).total == 0
