"""Trouble: a busy service, lost answers, what was asked."""

import pytest
from huaweicloudsdkcore.exceptions.exceptions import SdkException
from tests.conftest import BOOT_FILE, CODE

from trainer import start_job, wait_for_job


def test_a_busy_service_is_asked_again(modelarts_cloud, client):
    modelarts_cloud.faults.add("CreateTrainingJob", status=503, times=2)
    assert start_job(client, "first", CODE, BOOT_FILE)
    modelarts_cloud.journal.expect("CreateTrainingJob", times=3)
    modelarts_cloud.journal.expect("CreateTrainingJob", status=201, body={"metadata": {"name": "first"}}, times=1)


def test_it_gives_up_in_the_end(modelarts_cloud, client):
    modelarts_cloud.faults.add("CreateTrainingJob", status=429)
    with pytest.raises(SdkException):
        start_job(client, "first", CODE, BOOT_FILE)
    modelarts_cloud.journal.expect("CreateTrainingJob", status=429, times=3)


def test_a_hiccup_while_waiting_does_not_matter(modelarts_cloud, client, pause):
    id = start_job(client, "first", CODE, BOOT_FILE)
    modelarts_cloud.faults.add("ShowTrainingJobDetails", status=503, every=2, times=3)
    assert wait_for_job(client, id, pause=pause) == "Completed"
