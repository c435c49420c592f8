"""Training v1 by the official SDK, which has no methods for these paths: its core signs and sends them."""

import json

import pytest

JOBS = "/v1/{project_id}/training-jobs"
CONFIG = {"model_id": 1, "data_url": "/usr/data/", "spec_id": 2, "worker_server_num": 1}


@pytest.fixture
def ask(cloud):
    """Send a request signed by the SDK's own client; the JSON of the answer."""
    modelarts = pytest.importorskip("huaweicloudsdkmodelarts.v1")
    client = cloud.sdk(modelarts.ModelArtsClient)

    def send(method: str, path: str, body=None, query=()):
        answer = client.do_http_request(
            method,
            path,
            path_params={"project_id": cloud.project_id},
            query_params=list(query),
            header_params={"Content-Type": "application/json"},
            body=body,
            response_type="ListTrainingJobsResponse",
        )
        return json.loads(answer.raw_content)

    return send


def test_a_job_is_created_followed_read_and_deleted_with_signed_requests(cloud, ask):
    cloud.world.obs.create_bucket("usr")
    cloud.world.obs.write("usr", "data/images.bin", b"content", content_type="text/plain")
    job = ask("POST", JOBS, {"job_name": "jobtest_TF", "config": CONFIG})
    version = f"{JOBS}/{job['job_id']}/versions/{job['version_id']}"
    cloud.clock.until(lambda: ask("GET", version)["status"] == 10)
    name = ask("GET", f"{version}/log/file-names")["log_file_list"][0]
    log = ask("GET", f"{version}/aom-log", query=[("log_file", name), ("lines", 3)])
    assert "Training completed." in log["content"]
    assert ask("DELETE", f"{JOBS}/{job['job_id']}") == {"is_success": True}
    assert ask("GET", JOBS, query=[("search_content", "jobtest")])["job_total_count"] == 0


def test_a_refusal_reaches_the_sdk_whole_though_it_knows_no_v1_bodies(cloud, ask):
    exceptions = pytest.importorskip("huaweicloudsdkcore.exceptions.exceptions")
    ask("POST", JOBS, {"job_name": "jobtest_TF", "config": CONFIG})
    with pytest.raises(exceptions.ClientRequestException) as refusal:
        ask("POST", JOBS, {"job_name": "jobtest_TF", "config": CONFIG})
    assert refusal.value.status_code == 400
    assert "ModelArts.0103" in refusal.value.error_msg and "jobtest_TF is existed" in refusal.value.error_msg
