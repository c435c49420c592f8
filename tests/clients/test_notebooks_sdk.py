"""Notebooks through the official Python SDK, over a socket: every operation once, in a story."""

import pytest

pytest.importorskip("huaweicloudsdkmodelarts")

from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkmodelarts.v1 import model
from huaweicloudsdkmodelarts.v1.modelarts_client import ModelArtsClient

IMAGE = "e1a07296-22a8-4f05-8bc8-e936c8e54090"
HOUR = 3_600_000


@pytest.fixture
def client(cloud):
    """The official client; time moves when a test moves it."""
    cloud.clock.freeze()
    return cloud.sdk(ModelArtsClient)


def create(client, name: str = "sdk-notebook") -> str:
    """The id of a new notebook."""
    body = model.NotebookCreateRequest(
        name=name,
        description="through the SDK",
        flavor="modelarts.vm.cpu.2u",
        image_id=IMAGE,
        volume=model.VolumeMountRequest(category="EVS", ownership="MANAGED", capacity=10),
        lease=model.LeaseReq(duration=2 * HOUR, type="TIMING"),
        endpoints=[model.EndpointsReq(service="SSH", key_pair_names=["pair"])],
    )
    return client.create_notebook(model.CreateNotebookRequest(body=body)).id


def show(client, id: str):
    """The notebook in the SDK's classes."""
    return client.show_notebook(model.ShowNotebookRequest(id=id))


def run(cloud, client) -> str:
    """The id of a notebook that runs."""
    id = create(client)
    cloud.clock.until(lambda: show(client, id).status == "RUNNING", within="10m")
    return id


def stop(cloud, client, id: str) -> None:
    """Stop a notebook and wait for it."""
    assert client.stop_notebook(model.StopNotebookRequest(id=id)).status == "STOPPING"
    cloud.clock.until(lambda: show(client, id).status == "STOPPED", within="10m")


def test_a_notebook_is_created_shown_and_listed(cloud, client):
    id = run(cloud, client)
    shown = show(client, id)
    assert (shown.name, shown.image.id, shown.volume.capacity) == ("sdk-notebook", IMAGE, 10)
    assert [step.status for step in shown.action_progress] == ["COMPLETED"] * 4
    assert [row.id for row in client.list_notebooks(model.ListNotebooksRequest(name="SDK")).data] == [id]
    assert client.list_all_notebooks(model.ListAllNotebooksRequest(status="RUNNING")).total == 1


def test_a_lease_is_shown_and_prolonged(cloud, client):
    id = run(cloud, client)
    before = client.show_lease(model.ShowLeaseRequest(id=id))
    request = model.RenewLeaseRequest(id=id, body=model.LeaseReq(duration=3 * HOUR, type="IDLE"))
    after = client.renew_lease(request)
    assert (before.type, after.type) == ("TIMING", "IDLE") and after.duration - before.duration == HOUR


def test_a_stopped_notebook_is_switched_to_another_flavor_and_started(cloud, client):
    id = run(cloud, client)
    stop(cloud, client, id)
    flavors = client.show_switchable_flavors(model.ShowSwitchableFlavorsRequest(id=id)).flavors
    body = model.NotebookUpdateRequest(flavor=flavors[0].id, storage_new_size=20)
    changed = client.update_notebook(model.UpdateNotebookRequest(id=id, body=body))
    assert (changed.flavor, changed.volume.capacity) == (flavors[0].id, 20)
    started = client.start_notebook(model.StartNotebookRequest(id=id, duration=HOUR, type="TIMING"))
    assert started.status == "STARTING"
    cloud.clock.until(lambda: show(client, id).status == "RUNNING", within="10m")


def test_a_bucket_is_mounted_listed_and_unmounted(cloud, client):
    cloud.world.obs.create_bucket("sdk-data")
    id = run(cloud, client)
    body = model.DataVolumesReq(category="OBS", mount_path="/data/x/", uri="obs://sdk-data/x/")
    mounted = client.attach_dynamic_storage(model.AttachDynamicStorageRequest(instance_id=id, body=body))

    def status() -> str:
        request = model.ShowDynamicStorageRequest(instance_id=id, storage_id=mounted.id)
        return client.show_dynamic_storage(request).status

    cloud.clock.until(lambda: status() == "MOUNTED", within="10m")
    assert len(client.list_dynamic_storages(model.ListDynamicStoragesRequest(instance_id=id)).data) == 1
    detach = model.DetachDynamicStorageRequest(instance_id=id, storage_id=mounted.id)
    assert client.detach_dynamic_storage(detach).status == "UNMOUNTING"
    cloud.clock.until(lambda: status() == "UNMOUNTED", within="10m")


def test_what_there_is_to_choose_from_is_listed(client):
    assert client.list_flavors(model.ListFlavorsRequest(category="GPU")).total >= 1
    clusters = client.list_authoring_clusters(model.ListAuthoringClustersRequest(type="MANAGED")).data
    request = model.ShowClusterRequest(cluster_id=clusters[0].logic_cluster_id)
    assert client.show_cluster(request).flavors == clusters[0].flavors
    assert client.list_features(model.ListFeaturesRequest(feature="NOTEBOOK")).used == 0


def test_tags_are_added_gathered_and_deleted(client):
    id = create(client)
    tags = [model.TmsTag(key="team", value="a")]
    body = model.CreateTmsTagsRequest(tags=tags)
    client.create_notebook_tags(model.CreateNotebookTagsRequest(resource_id=id, body=body))
    assert [tag.key for tag in client.show_notebook_tags(model.ShowNotebookTagsRequest()).tags] == ["team"]
    body = model.DeleteTmsTagsRequest(tags=tags)
    client.delete_notebook_tags(model.DeleteNotebookTagsRequest(resource_id=id, body=body))
    assert show(client, id).tags == []


def test_a_deleted_notebook_is_unknown(cloud, client):
    id = run(cloud, client)
    stop(cloud, client, id)
    assert client.delete_notebook(model.DeleteNotebookRequest(id=id)).status == "DELETING"
    cloud.clock.advance("1m")
    with pytest.raises(ClientRequestException) as refused:
        show(client, id)
    assert (refused.value.status_code, refused.value.error_code) == (400, "ModelArts.6309")
