"""Tags of pools, nodes, notebooks, services and training jobs through the official Python SDK, over a socket."""

import pytest

pytest.importorskip("huaweicloudsdkmodelarts")

from huaweicloudsdkmodelarts.v1 import model

from tests.behaviours.modelarts.notebooks.conftest import create as create_notebook
from tests.behaviours.modelarts.tags.conftest import job, pool


def test_tags_of_a_pool_come_and_go(cloud, client):
    name = pool(cloud)
    body = model.CreateTagRequest(tags=[model.Tag(key="team", value="a")])
    made = client.batch_create_pool_tags(model.BatchCreatePoolTagsRequest(pool_name=name, body=body))
    assert [(each.key, each.values) for each in made.tags] == [("team", ["a"])]
    assert [each.key for each in client.list_pool_tags(model.ListPoolTagsRequest()).tags] == ["team"]
    body = model.DeleteTagRequest(tags=[model.DeleteTagItem(key="team")])
    client.batch_delete_pool_tags(model.BatchDeletePoolTagsRequest(pool_name=name, body=body))
    assert client.show_pool_tags(model.ShowPoolTagsRequest(pool_name=name)).tags == []


def test_jobs_are_found_and_counted_by_their_tags(cloud, client):
    id = job(cloud, "one")
    job(cloud, "two")
    body = model.CreateTmsTagsRequest(tags=[model.TmsTag(key="team", value="a")])
    client.create_train_job_tags(model.CreateTrainJobTagsRequest(training_job_id=id, body=body))
    shown = client.show_train_job_tags(model.ShowTrainJobTagsRequest(training_job_id=id)).tags
    assert [(each.key, each.value) for each in shown] == [("team", "a")]
    wanted = model.ResourceInstancesFilterReq(tags=[model.MutiValueTag(key="team", values=["a"])])
    found = client.list_training_jobs_by_tags(model.ListTrainingJobsByTagsRequest(body=wanted))
    assert [each.resource_id for each in found.resources] == [id]
    counted = model.CountResourceInstancesReq(tags=[model.CountResourceInstancesReqTags(key="team")])
    request = model.CountTrainingJobsByTagsRequest(body=counted)
    assert client.count_training_jobs_by_tags(request).total_count == 1


def test_tags_of_a_notebook_are_gathered(cloud, client):
    id = create_notebook(cloud)["id"]
    body = model.CreateTmsTagsRequest(tags=[model.TmsTag(key="team", value="a")])
    client.create_notebook_tags(model.CreateNotebookTagsRequest(resource_id=id, body=body))
    assert client.show_notebook_tags(model.ShowNotebookTagsRequest()).tags[0].values == ["a"]
