"""From a script to a prediction: data and code in OBS, a job, its model imported from it, deployed and asked."""

import json
from textwrap import dedent

import pytest

from tests.behaviours.modelarts.conftest import CONFIG, entry, service_body

pytest.importorskip("huaweicloudsdkmodelarts")
pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from huaweicloudsdkmodelarts.v1 import model
from huaweicloudsdkmodelarts.v1.modelarts_client import ModelArtsClient

BUCKET = "story"
SCRIPT = """
import argparse, os
import joblib
import numpy as np
import moxing as mox
from sklearn.linear_model import LogisticRegression

parser = argparse.ArgumentParser()
parser.add_argument("--data_url")
parser.add_argument("--train_url")
parser.add_argument("--extra_url")
parser.add_argument("--C", type=float, default=1.0)
asked, unknown = parser.parse_known_args()

mox.file.copy_parallel(asked.extra_url, "/cache/extra")
places = (asked.data_url, "/cache/extra")
rows = np.vstack([np.loadtxt(os.path.join(place, "rows.csv"), delimiter=",") for place in places])
classifier = LogisticRegression(C=asked.C).fit(rows[:, :2], rows[:, 2])
print("accuracy=%.3f" % classifier.score(rows[:, :2], rows[:, 2]), unknown)
os.makedirs("/cache/model", exist_ok=True)
joblib.dump(classifier, "/cache/model/model.m")
mox.file.copy_parallel("/cache/model", os.path.join(asked.train_url, "model"))
mox.file.copy("{config}", "obs://{bucket}/out/model/config.json")
"""


@pytest.fixture
def client(cloud):
    """The official client; its account has a bucket with code and data."""
    obs, config = cloud.world.obs, f"obs://{BUCKET}/code/config.json"
    obs.create_bucket(BUCKET)
    script = dedent(SCRIPT).replace("{config}", config).replace("{bucket}", BUCKET)
    for key, text in (
        ("code/train.py", script),
        ("code/config.json", json.dumps(CONFIG)),
        ("data/rows.csv", "0,0,0\n0,1,0\n"),
        ("extra/rows.csv", "5,5,1\n6,5,1\n"),
    ):
        obs.write(BUCKET, key, text.encode())
    return cloud.sdk(ModelArtsClient)


def job() -> model.Job:
    """The job in the SDK's classes."""

    def place(name):
        return model.InputDataInfo(obs=model.InputDataInfoObs(obs_url=f"/{BUCKET}/{name}/"))

    algorithm = model.JobAlgorithm(
        code_dir=f"/{BUCKET}/code/",
        boot_file=f"/{BUCKET}/code/train.py",
        engine=model.JobEngine(engine_id="pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"),
        parameters=[
            model.Parameters(name="C", value="10"),
            model.Parameters(name="extra_url", value=f"obs://{BUCKET}/extra/"),
            model.Parameters(name="flag", value="x"),
        ],
        inputs=[model.Input(name="data_url", remote=place("data"))],
        outputs=[model.Output(name="train_url", remote=place("out"))],
    )
    spec = model.Spec(resource=model.SpecResource(flavor_id="modelarts.vm.cpu.8u", node_count=1))
    return model.Job(kind="job", metadata=model.JobMetadata(name="story"), algorithm=algorithm, spec=spec)


def call(client, cloud, method: str, path: str, body=None):
    """The JSON of an answer that the client has no method for."""
    request = client.build_future_request(
        method, path, {"project_id": cloud.project_id}, [], {"Content-Type": "application/json"}, body,
        None, None, None, None, None,
    ).result()  # fmt: skip
    return client._do_http_request_sync(request).json()


def test_a_script_trains_a_model_that_is_imported_from_its_job_deployed_and_predicts(cloud, client):
    id = client.create_training_job(model.CreateTrainingJobRequest(body=job())).metadata.id
    show = model.ShowTrainingJobDetailsRequest(training_job_id=id)
    log = model.ShowTrainingJobLogsPreviewRequest(training_job_id=id, task_id="worker-0")
    cloud.clock.advance("1h")
    printed = client.show_training_job_logs_preview(log).content
    assert client.show_training_job_details(show).status.phase == "Completed", printed
    assert "accuracy=1.000 ['--flag=x']" in printed
    body = {
        "model_name": "story",
        "model_version": "0.0.1",
        "model_type": "Scikit_Learn",
        "source_location": f"obs://{BUCKET}/out",
        "source_job_id": id,
    }
    model_id = call(client, cloud, "POST", "/v1/{project_id}/models", body)["model_id"]
    cloud.clock.advance("5m")
    assert call(client, cloud, "GET", f"/v1/{{project_id}}/models/{model_id}")["model_source"] == "algos"
    service = call(client, cloud, "POST", "/v1/{project_id}/services", service_body(entry(model_id)))
    cloud.clock.advance("2m")
    rows = [{"x": 0, "y": 0}, {"x": 6, "y": 6}]
    answer = call(client, cloud, "POST", f"/v1/infers/{service['service_id']}", {"data": {"req_data": rows}})
    assert [int(row["predictresult"]) for row in answer["data"]["resp_data"]] == [0, 1]
