"""Jobs: started, waited for, refused."""

import pytest
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from tests.conftest import BOOT_FILE, CODE

from trainer import JobFailed, start_job, wait_for_job


def test_a_job_runs_to_its_end(client, pause):
    id = start_job(client, "first", CODE, BOOT_FILE)
    assert wait_for_job(client, id, pause=pause) == "Completed"


def test_waiting_takes_the_time_of_the_cloud_and_none_of_ours(modelarts_cloud, client, pause):
    before = modelarts_cloud.clock.now()
    wait_for_job(client, start_job(client, "first", CODE, BOOT_FILE), pause=pause)
    assert modelarts_cloud.clock.now() > before


def test_a_flavor_that_is_not_there_is_refused(client):
    with pytest.raises(ClientRequestException) as refused:
        start_job(client, "first", CODE, BOOT_FILE, flavor="no.such.flavor")
    assert "no.such.flavor" in refused.value.error_msg


def test_a_name_that_breaks_the_rules_is_explained(modelarts_cloud, client):
    with pytest.raises(ClientRequestException):
        start_job(client, "no spaces please", CODE, BOOT_FILE)
    (refused,) = modelarts_cloud.journal.exchanges("CreateTrainingJob", status="4xx")
    told = modelarts_cloud.get(f"/_emulator/explain/{refused['request_id']}").json
    assert told["place"] == "$.metadata.name"


def test_a_job_that_is_stopped_is_no_success(modelarts_cloud, client, pause):
    id = start_job(client, "first", CODE, BOOT_FILE)
    path = f"/v2/{{project_id}}/training-jobs/{id}/actions"
    modelarts_cloud.post(path, {"action_type": "terminate"})
    with pytest.raises(JobFailed, match="Terminated"):
        wait_for_job(client, id, pause=pause)
