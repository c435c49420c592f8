"""State: one beginning for several ends."""

from tests.conftest import BOOT_FILE, CODE

from trainer import start_job, wait_for_job


def test_from_one_beginning_two_ends(modelarts_cloud, client, pause):
    id = start_job(client, "first", CODE, BOOT_FILE)
    modelarts_cloud.snapshots.save("running")
    assert wait_for_job(client, id, pause=pause) == "Completed"
    assert any("status.phase" in line for line in modelarts_cloud.snapshots.changes("running"))
    modelarts_cloud.snapshots.load("running")
    assert wait_for_job(client, id, pause=pause) == "Completed"


def test_nothing_of_another_test_is_here(modelarts_cloud):
    assert modelarts_cloud.post("/v2/{project_id}/training-job-searches", {}).json["total"] == 0
