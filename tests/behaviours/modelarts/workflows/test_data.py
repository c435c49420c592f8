"""Steps over data: a data set is made, filled and published, and a training job reads the version."""

from tests.behaviours.modelarts.datasets.conftest import BUCKET, pictures, put
from tests.behaviours.modelarts.workflows.conftest import create, job_step, put_script, run, states, step_in

LABELED = {"import_path": f"/{BUCKET}/more/", "import_type": "dir"}
MADE = {"dataset_name": "cats", "dataset_type": 0, "work_path": f"/{BUCKET}/work/"}
# A data set is made, filled and published; a job trains with the version.
STEPS = (
    {
        "name": "make",
        "type": "create_dataset",
        "inputs": [{"name": "place", "data": "$ref/data/pictures"}],
        "outputs": [{"name": "set", "type": "dataset", "config": MADE}],
    },
    {
        "name": "fill",
        "type": "dataset_import",
        "depend_steps": ["make"],
        "inputs": [{"name": "set", "data": "$ref/steps/make/outputs/set"}],
        "properties": LABELED,
        "outputs": [{"name": "set", "type": "dataset"}],
    },
    {
        "name": "publish",
        "type": "release_dataset",
        "depend_steps": ["fill"],
        "inputs": [{"name": "set", "data": "$ref/steps/fill/outputs/set"}],
        "outputs": [{"name": "version", "type": "dataset", "config": {"version_name": "V001"}}],
    },
    job_step("train", "publish", inputs=[{"name": "data", "data": "$ref/steps/publish/outputs/version"}]),
)


def test_data_goes_from_a_folder_to_a_training_job(cloud):
    put(cloud, pictures("a.png", "b.png"))
    put(cloud, pictures("c.png"), folder="more/")
    put_script(cloud)
    data = [{"name": "pictures", "type": "obs", "value": {"obs_url": f"/{BUCKET}/in/"}}]
    execution = run(cloud, create(cloud, *STEPS, data=data))
    cloud.clock.advance("3h")
    told = {step["name"]: step_in(cloud, execution, step["name"]).get("error_info") for step in STEPS}
    assert states(cloud, execution) == dict.fromkeys(told, "completed"), told
    dataset = step_in(cloud, execution, "make")["instance_id"]
    version = cloud.get(f"/v2/{{project_id}}/datasets/{dataset}/versions").json["versions"][0]
    assert (version["version_name"], version["total_sample_count"]) == ("V001", 3)
    job = cloud.get(
        f"/v2/{{project_id}}/training-jobs/{step_in(cloud, execution, 'train')['instance_id']}"
    ).json
    asked = job["algorithm"]["inputs"][0]["remote"]["dataset"]
    assert (asked["id"], asked["version_id"]) == (dataset, version["version_id"])


def test_a_step_over_no_data_set_says_so(cloud):
    step = {"name": "publish", "type": "release_dataset", "properties": {"version_name": "V001"}}
    execution = run(cloud, create(cloud, step))
    cloud.clock.advance("1m")
    assert states(cloud, execution) == {"publish": "create_failed"}
    assert "names a data set" in step_in(cloud, execution, "publish")["error_info"]["error_message"]
