"""Fine-tuning jobs: iterations, curves, checkpoints, artifacts that are published or gone on from."""

import json
import math

import pytest
from modelarts_emulator.behaviours.modelarts.training.event_files import scalars_in
from modelarts_emulator.behaviours.modelarts.training.tuned_metrics import points_printed
from modelarts_emulator.inference.packages.config import parse_config
from modelarts_emulator.inference.packages.layout import problems
from modelarts_emulator.inference.packages.worker import Limits, ModelWorker

from tests.behaviours.modelarts.training.conftest import JOBS, cloud_seconds, running

LINE = b'{"prompt": "a", "completion": "b"}\n'
BODY = {
    "kind": "job",
    "train_type": "LORA",
    "spec": {
        "resource": {"flavor_id": "modelarts.kat1.8xlarge", "node_count": 1},
        "asset_model": {"name": "pangu-n1", "type": "NLP", "version": "1.0.0"},
    },
}
SECONDS = 600


def envs(**values) -> dict:
    """Parameters of a task."""
    return {"envs": [{"env_name": name, "value": value} for name, value in values.items()]}


def tune(cloud, config=None, status: int = 201, **more):
    """The id of a new fine-tuning job, or its refusal."""
    metadata = {"name": f"tune-{cloud.world.new_hex(8)}"}
    reply = cloud.post(JOBS, {**BODY, "metadata": metadata, "ftjob_config": config or {}, **more})
    assert reply.status == status, reply
    return reply.json["metadata"]["id"] if status == 201 else reply.json["error_code"]


def tuned(cloud, config=None, **more) -> str:
    """The id of a fine-tuning job that has run to its end."""
    id = tune(cloud, config, **more)
    cloud_seconds(cloud, 20 + SECONDS + 1)
    return id


def with_samples(cloud, count: int) -> dict:
    """The algorithm of a job that reads so many samples."""
    cloud.world.obs.create_bucket("tuning-data")
    cloud.world.obs.write("tuning-data", "set/train.jsonl", LINE * count)
    remote = {"obs": {"obs_url": "/tuning-data/set/"}}
    return {
        "algorithm": {
            "engine": {"image_url": "group/tuner:1"},
            "command": "sh tune.sh",
            "inputs": [{"name": "data", "remote": remote}],
        }
    }


def detail(cloud, id: str) -> dict:
    """The detail of the job."""
    reply = cloud.get(f"{JOBS}/{id}/ft-detail")
    assert reply.status == 200, reply
    return reply.json


def metrics(cloud, id: str) -> dict:
    """The metrics of the job."""
    return cloud.get(f"{JOBS}/{id}/ft-metrics").json


def curve(cloud, id: str, name: str) -> list[float]:
    """The values of one metric, by step."""
    found = next(row for row in metrics(cloud, id)["data"]["metrics"] if row["name_en"] == name)
    return [point["value"] for point in found["data"]]


def artifacts(cloud, id: str, query: str = "") -> list[dict]:
    """What the job has written."""
    return cloud.get(f"{JOBS}/{id}/ft-artifacts{query}").json["artifact_info"]


def publish(cloud, id: str, *rows):
    """The answer to publishing artifacts."""
    body = {"publish_artifacts": list(rows)} if rows else {}
    return cloud.post(f"{JOBS}/{id}/ft-artifacts/publish", body)


def test_640_rows_of_a_json_array_are_20_iterations_an_epoch(cloud):
    algorithm = with_samples(cloud, 0)
    rows = [{"instruction": "q", "input": "", "output": "a"}] * 640
    cloud.world.obs.write("tuning-data", "set/train.json", json.dumps(rows, indent=2).encode())
    id = tune(cloud, {"task_env": envs(epochs="1")}, **algorithm)
    cloud_seconds(cloud, 21)
    info = metrics(cloud, id)["training_info"]
    assert (info["samples"], info["iterations"]) == (640, 20)


@pytest.mark.parametrize(
    ("samples", "values", "iterations"),
    [
        (320, {"epochs": "2"}, 20),
        (33, {"epochs": "1"}, 2),
        (320, {"epochs": "2", "batch_size": "64"}, 10),
        (1, {"epochs": "1"}, 1),
    ],
)
def test_an_iteration_takes_32_samples_or_a_batch(cloud, samples, values, iterations):
    id = tune(cloud, {"task_env": envs(**values)}, **with_samples(cloud, samples))
    cloud_seconds(cloud, 21)
    info = metrics(cloud, id)["training_info"]
    assert (info["samples"], info["iterations"]) == (samples, iterations)


def test_parameters_of_the_algorithm_count_too(cloud):
    given = with_samples(cloud, 64)
    given["algorithm"]["parameters"] = [{"name": "num_train_epochs", "value": "5"}]
    id = tune(cloud, **given)
    cloud_seconds(cloud, 21)
    assert metrics(cloud, id)["training_info"]["iterations"] == 10


def test_loss_falls_and_perplexity_is_its_exponential(cloud):
    id = tuned(cloud, {"task_env": envs(learning_rate="0.0001")})
    losses, perplexities = curve(cloud, id, "train_loss"), curve(cloud, id, "train_perplexity")
    assert len(losses) > 50 and losses[-1] < losses[0]
    assert perplexities == pytest.approx([math.exp(loss) for loss in losses], rel=1e-4)


def test_metrics_grow_as_the_job_goes_on_and_do_not_change(cloud):
    id = tune(cloud)
    before = curve(cloud, id, "train_loss")
    cloud_seconds(cloud, 20 + SECONDS / 2)
    half = curve(cloud, id, "train_loss")
    percent = metrics(cloud, id)["train_process"]
    cloud_seconds(cloud, SECONDS)
    whole = curve(cloud, id, "train_loss")
    assert (before, half) == ([], whole[: len(half)])
    assert len(half) == pytest.approx(len(whole) / 2, abs=1) and percent == pytest.approx(50, abs=2)


def test_steps_of_a_long_training_are_reported_now_and_then(cloud):
    id = tune(cloud, {"task_env": envs(epochs="1000")})
    cloud_seconds(cloud, 1000 * 1000 / 32 * 1.5 + 30)
    data = metrics(cloud, id)["loss"]["data"]
    steps = [point["step"] for point in data]
    assert 150 <= len(steps) <= 201 and steps == sorted(set(steps)) and steps[-1] == 31250


def test_the_log_prints_what_the_metrics_show(cloud):
    id = tuned(cloud)
    text = cloud.get(f"{JOBS}/{id}/tasks/worker-0/logs/preview").json["content"]
    last = metrics(cloud, id)["loss"]["data"][-1]
    assert f"iteration {last['step']}/{last['step']}" in text and f"loss={last['value']:.6g}" in text


def test_the_detail_tells_model_parameters_and_progress(cloud):
    id = tuned(cloud, {"task_env": envs(epochs="2"), "model_type": "ImageUnderstanding"})
    shown = detail(cloud, id)
    assert (shown["task_id"], shown["train_type"]) == (id, "LORA")
    assert (shown["model_type"], shown["asset_name"]) == ("ImageUnderstanding", "pangu-n1")
    assert json.loads(shown["task_parameters"]) == {"epochs": "2"}
    assert (shown["train_process"], shown["status"]["phase"]) == (100, "Completed")


def test_a_checkpoint_is_written_after_each_epoch_and_the_model_at_the_end(cloud):
    id = tune(cloud, {"task_env": envs(epochs="3")})
    cloud_seconds(cloud, 20 + SECONDS * 0.7)
    early = artifacts(cloud, id, "?order_by_create_time_asc=true")
    cloud_seconds(cloud, SECONDS)
    late = artifacts(cloud, id, "?order_by_create_time_asc=true")
    assert [row["epoch"] for row in early] == [1, 2]
    assert [row["artifact_type"] for row in late] == ["middle", "middle", "final"]
    assert [row["artifact_id"] for row in late[:2]] == [row["artifact_id"] for row in early]
    assert [row["is_best"] for row in late].count(True) == 1


@pytest.mark.parametrize(("most", "kept"), [(0, ["final"]), (2, ["final", "middle"]), (-1, 4)])
def test_only_so_many_checkpoints_are_kept_as_the_job_wants(cloud, most, kept):
    config = {"task_env": envs(epochs="4"), "checkpoint_config": {"save_checkpoints_max": most}}
    found = [row["artifact_type"] for row in artifacts(cloud, tuned(cloud, config))]
    assert (len(found) if isinstance(kept, int) else found) == kept


def test_artifacts_are_picked_by_epoch_steps_loss_and_page(cloud):
    id = tuned(cloud, {"task_env": envs(epochs="3")})
    rows = artifacts(cloud, id)
    assert artifacts(cloud, id, "?epoch=2") == [rows[1]]
    assert artifacts(cloud, id, f"?steps={rows[0]['steps']}") == [rows[0]]
    assert artifacts(cloud, id, f"?loss={min(row['loss'] for row in rows)}")[0]["is_best"] is True
    assert artifacts(cloud, id, "?limit=1&offset=1") == [rows[1]]
    assert artifacts(cloud, id, "?status=published") == []


def test_checkpoints_and_model_lie_in_obs_when_the_job_is_over(cloud):
    cloud.world.obs.create_bucket("tuning-out")
    id = tuned(cloud, {"task_env": envs(epochs="2"), "train_output_path": "obs://tuning-out/runs/"})
    keys = cloud.world.obs.keys("tuning-out", f"runs/{id}/")
    folders = {key.split("/")[2] for key in keys}
    step = artifacts(cloud, id, "?epoch=1")[0]["steps"]
    state = json.loads(cloud.world.obs.read("tuning-out", f"runs/{id}/model/trainer_state.json"))
    assert folders == {f"checkpoint-{step}", "model"}
    assert state["loss"] == artifacts(cloud, id)[0]["loss"]


def test_the_model_in_obs_is_a_package_that_answers(cloud, tmp_path):
    cloud.world.obs.create_bucket("tuning-out")
    id = tuned(cloud, {"train_output_path": "/tuning-out/"})
    prefix = f"{id}/model/"
    for key in cloud.world.obs.keys("tuning-out", prefix):
        (tmp_path / key.removeprefix(prefix)).write_bytes(cloud.world.obs.read("tuning-out", key))
    config = parse_config((tmp_path / "config.json").read_text())
    worker = ModelWorker(tmp_path, config, "tuned", None, Limits())
    worker.start()
    try:
        worker.wait_started(30)
        assert worker.failure is None
        sent = {"content-type": "application/json"}
        status, _, body = worker.predict("/", "POST", sent, b'{"prompt": "hello"}', 20)
    finally:
        worker.stop()
    assert problems([path.name for path in tmp_path.iterdir()], config.model_type) == []
    loss = artifacts(cloud, id)[0]["loss"]
    assert (status, json.loads(body)) == (200, {"simulated": True, "prompt": "hello", "loss": loss})


def test_a_stopped_job_leaves_the_checkpoints_it_has_reached(cloud):
    cloud.world.obs.create_bucket("tuning-out")
    id = tune(cloud, {"task_env": envs(epochs="3"), "train_output_path": "/tuning-out/"})
    cloud_seconds(cloud, 20 + SECONDS / 2)
    cloud.post(f"{JOBS}/{id}/actions", {"action_type": "terminate"})
    cloud_seconds(cloud, 6)
    names = {key.split("/")[1].partition("-")[0] for key in cloud.world.obs.keys("tuning-out", f"{id}/")}
    assert names == {"checkpoint"} and len(artifacts(cloud, id)) == 1


def test_the_model_of_a_completed_job_is_published(cloud):
    id = tuned(cloud)
    reply = publish(cloud, id, {"asset_name": "my-model", "asset_version": "1.0.0", "visibility": "all"})
    final = artifacts(cloud, id)[0]
    assert (reply.status, final["asset_id"]) == (200, reply.json["model_id"])
    assert (final["status"], final["asset_name"]) == ("published", "my-model")
    assert artifacts(cloud, id, "?status=published") == [final]


def test_a_checkpoint_is_published_by_its_id_once(cloud):
    id = tuned(cloud)
    row = {"is_ckpt": True, "artifact_id": artifacts(cloud, id, "?epoch=1")[0]["artifact_id"]}
    assert publish(cloud, id, row).status == 200
    assert publish(cloud, id, row).json["error_code"] == "ModelArts.2788"


def test_what_is_not_there_or_named_twice_is_not_published(cloud):
    first, second = tuned(cloud), tuned(cloud)
    publish(cloud, first, {"asset_name": "my-model"})
    for row in ({"artifact_id": "none"}, {"is_ckpt": True}, {"asset_name": "my-model"}):
        assert publish(cloud, second, row).json["error_code"] == "ModelArts.2788"
    assert artifacts(cloud, second, "?status=published") == []


def test_what_was_written_in_one_second_is_published_under_names_of_its_own(cloud):
    config = {"task_env": envs(epochs="2")}
    first, second = tune(cloud, config), tune(cloud, config)
    cloud_seconds(cloud, 20 + SECONDS + 1)
    assert [publish(cloud, id).status for id in (first, second, first)] == [200, 200, 400]
    names = [row["asset_name"] for id in (first, second) for row in artifacts(cloud, id, "?status=published")]
    assert names == [names[0], f"{names[0]}-2"]


def test_only_a_job_that_has_succeeded_is_published(cloud):
    id = tune(cloud)
    cloud_seconds(cloud, 30)
    assert publish(cloud, id).json["error_code"] == "ModelArts.2858"


def test_a_job_goes_on_from_a_checkpoint_of_another(cloud):
    first = tuned(cloud, {"task_env": envs(epochs="2")})
    source = artifacts(cloud, first, "?epoch=1")[0]
    second = tuned(
        cloud, {"checkpoint_config": {"checkpoint_id": source["artifact_id"], "restore_training": 1}}
    )
    data = metrics(cloud, second)["loss"]["data"]
    assert data[0]["step"] > source["steps"] and data[0]["value"] < curve(cloud, first, "train_loss")[0]
    assert detail(cloud, second)["continue_task"]["steps"] == source["steps"]
    again = artifacts(cloud, first, "?epoch=1")[0]
    assert (again["continue_train_nums"], again["task_infos"][0]["continue_task_id"]) == (1, second)


def test_a_deleted_job_leaves_no_checkpoint_to_go_on_from(cloud):
    id = tuned(cloud)
    checkpoint = artifacts(cloud, id)[0]["artifact_id"]
    cloud.delete(f"{JOBS}/{id}")
    assert tune(cloud, {"checkpoint_id": checkpoint}, 400) == "ModelArts.2788"


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"task_env": envs(epochs="0")}, "2788"),
        ({"task_env": envs(batch_size="many")}, "2788"),
        ({"task_env": envs(learning_rate="-1")}, "2788"),
        ({"task_env": envs(lr="nan")}, "2788"),
        ({"model_type": "Weather"}, "2798"),
        ({"train_output_path": "somewhere"}, "2791"),
        ({"checkpoint_id": "none"}, "2788"),
    ],
)
def test_a_tuning_that_cannot_be_is_refused(cloud, config, code):
    assert tune(cloud, config, 400) == f"ModelArts.{code}"


@pytest.mark.parametrize("what", ["ft-detail", "ft-metrics", "ft-artifacts"])
def test_a_job_that_tunes_nothing_has_no_such_detail(cloud, what):
    reply = cloud.get(f"{JOBS}/{running(cloud)}/{what}")
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.2858")


def test_a_failing_tuning_restarts_from_its_beginning(cloud):
    environments = {"EMULATOR_EXIT_CODE": "1", "EMULATOR_DURATION": "300s"}
    algorithm = {**with_samples(cloud, 320)["algorithm"], "environments": environments}
    metadata = {"name": "again", "annotations": {"fault-tolerance/job-retry-num": "1"}}
    id = tune(cloud, algorithm=algorithm, metadata=metadata)
    cloud_seconds(cloud, 20 + 300 + 30)
    assert 5 <= metrics(cloud, id)["train_process"] <= 15


def test_what_a_script_has_written_are_its_checkpoints_and_its_model(cloud):
    script = """
import json, pathlib, sys
out = pathlib.Path(sys.argv[-1].partition("=")[2])
for step, loss in ((10, 2.5), (20, 1.5)):
    (out / f"checkpoint-{step}").mkdir()
    state = {"global_step": step, "epoch": step / 10, "log_history": [{"loss": loss}]}
    (out / f"checkpoint-{step}/trainer_state.json").write_text(json.dumps(state))
(out / "model").mkdir()
(out / "model/weights.bin").write_bytes(b"w")
"""
    cloud.world.obs.create_bucket("tuning-code")
    cloud.world.obs.write("tuning-code", "app/tune.py", script.encode())
    cloud.world.obs.write("tuning-code", "out/checkpoint-5/weights.bin", b"of another job")
    engine = {"engine_id": "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"}
    outputs = [{"name": "out", "remote": {"obs": {"obs_url": "/tuning-code/out/"}}}]
    code = {"code_dir": "/tuning-code/app/", "boot_file": "/tuning-code/app/tune.py", "engine": engine}
    id = tune(cloud, algorithm=code | {"outputs": outputs})
    cloud.clock.advance("1h")
    rows = artifacts(cloud, id, "?order_by_create_time_asc=true")
    shown = [(row["artifact_type"], row["steps"], row["epoch"], row["loss"]) for row in rows]
    assert shown == [("middle", 10, 1, 2.5), ("middle", 20, 2, 1.5), ("final", 20, 2, 1.5)]
    assert artifacts(cloud, id, "?loss=2") == [rows[2], rows[1]]
    assert publish(cloud, id).status == 200
    checkpoint = {"is_ckpt": True, "artifact_id": rows[0]["artifact_id"], "asset_name": "early"}
    assert publish(cloud, id, checkpoint).status == 200
    assert [row["steps"] for row in artifacts(cloud, id, "?status=published")] == [20, 10]


def tuned_by(cloud, script: str, **more) -> str:
    """The id of a fine-tuning job whose own script has run to its end, with an output `out`."""
    cloud.world.obs.create_bucket("tuning-code")
    cloud.world.obs.write("tuning-code", "app/tune.py", script.encode())
    engine = {"engine_id": "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"}
    outputs = [{"name": "out", "remote": {"obs": {"obs_url": "/tuning-code/out/"}}}]
    code = {"code_dir": "/tuning-code/app/", "boot_file": "/tuning-code/app/tune.py", "engine": engine}
    id = tune(cloud, algorithm=code | {"outputs": outputs}, **more)
    cloud.clock.advance("1h")
    return id


def test_metrics_of_a_script_are_what_its_trainer_noted_and_then_what_it_printed(cloud):
    script = """
import json, pathlib, sys
print({"loss": 2.5, "grad_norm": 1.0, "learning_rate": 5e-05, "epoch": 0.1})
print({"eval_loss": 2.75, "eval_runtime": 1.0, "epoch": 0.1})
history = [
    {"loss": 2.5, "learning_rate": 5e-05, "epoch": 0.1, "step": 10},
    {"eval_loss": 2.75, "epoch": 0.1, "step": 10},
]
folder = pathlib.Path(sys.argv[-1].partition("=")[2], "checkpoint-10")
folder.mkdir()
(folder / "trainer_state.json").write_text(json.dumps({"global_step": 10, "log_history": history}))
print({"loss": "1.5", "learning_rate": "4e-05", "epoch": "0.2"})
print({"train_runtime": 3.0, "train_loss": 2.0, "epoch": 0.2})
"""
    id = tuned_by(cloud, script)
    cloud.world.obs.delete("tuning-code", "out/checkpoint-10/trainer_state.json")
    found = metrics(cloud, id)
    assert found["loss"]["data"] == [
        {"step": 10, "epoch": 0.1, "value": 2.5},
        {"epoch": 0.2, "value": 1.5},
    ]
    assert found["eval_loss"]["data"] == [{"step": 10, "epoch": 0.1, "value": 2.75}]
    assert (curve(cloud, id, "learning_rate"), curve(cloud, id, "train_perplexity")) == ([5e-05, 4e-05], [])
    assert (curve(cloud, id, "train_loss"), found["train_process"]) == ([2.5, 1.5], 100)


def test_metrics_of_a_script_that_prints_none_come_from_its_event_files(cloud):
    script = f"""
import pathlib, sys
out = pathlib.Path(sys.argv[-1].partition("=")[2], "runs")
out.mkdir()
(out / "events.out.tfevents.1").write_bytes({EVENTS!r})
"""
    found = metrics(cloud, tuned_by(cloud, script))
    assert found["loss"]["data"] == [
        {"step": step, "value": value} for step, value in ((3, 1.5), (4, 2.5), (5, 2.5))
    ]


def test_a_script_that_reports_nothing_has_no_metrics(cloud):
    found = metrics(cloud, tuned_by(cloud, "print('no loss of data')"))
    assert (found["loss"], found["eval_loss"]) == ({"data": []}, {"data": []})


# What TensorBoard's writer leaves of three losses: as a plain value, and as tensors of floats and of doubles.
EVENTS = (
    b"H\x00\x00\x00\x00\x00\x00\x00\xfe\x92H\x9d\t\x03\xebK><\xc2\xdaA\x1a\rbrain.Event:2R.\n,tensorboard.summary.writer"
    b".event_file_writer!\xc8KQ\x1a\x00\x00\x00\x00\x00\x00\x00\x12\x9b\xd8-\t\x00\x00\x00\x00\x00\x00\xf0?\x10\x03*\r\n"
    b"\x0b\n\x04loss\x15\x00\x00\xc0?\xe7\xae\xbdO!\x00\x00\x00\x00\x00\x00\x00\x01{\xec\xf6\t\x00\x00\x00\x00\x00\x00"
    b"\xf0?\x10\x04*\x14\n\x12\n\x04lossB\n\x08\x01\x12\x00*\x04\x00\x00 @2wD\x03%\x00\x00\x00\x00\x00\x00\x00\xea\xbc6"
    b"\xf3\t\x00\x00\x00\x00\x00\x00\xf0?\x10\x05*\x18\n\x16\n\x04lossB\x0e\x08\x02\x12\x002\x08\x00\x00\x00\x00\x00"
    b"\x00\x04@N\xb6y\x95"
)


@pytest.mark.parametrize(
    ("length", "whole"), [(5, 0), (129, 0), (130, 1), (178, 1), (179, 2), (len(EVENTS), 3)]
)
def test_an_event_file_is_read_as_far_as_it_is_whole(length, whole):
    said = [(3, "loss", 1.5), (4, "loss", 2.5), (5, "loss", 2.5)]
    assert scalars_in(EVENTS[:length]) == said[:whole]


def test_what_is_no_event_file_says_nothing():
    for content in (
        b"\xff" * 99,
        b"\x03" + bytes(11) + b"\x12\xff\xff" + bytes(4),
        b"no event file at all, but text",
    ):
        assert scalars_in(content) == []


@pytest.mark.parametrize(
    ("line", "point"),
    [
        ('{"step": 7, "loss": 0.5, "lr": 1e-3}', {"step": 7, "loss": 0.5, "learning_rate": 0.001}),
        (" 5%|#  | 1/20 {'loss': 1.25, 'epoch': 0.05}", {"loss": 1.25, "epoch": 0.05}),
        ("Epoch [3/10], Step [100/600], Loss: 0.4", {"epoch": 3, "step": 100, "loss": 0.4}),
        ("step=2 loss=.5 val_loss=1e0 ppl=1.6", {"step": 2, "loss": 0.5, "eval_loss": 1, "perplexity": 1.6}),
        (
            " iteration       10/     100 | learning rate: 1.0E-05 | lm loss: 1.2E+00 | loss scale: 1.0 |",
            {"step": 10, "learning_rate": 1e-05, "loss": 1.2},
        ),
        (
            "iteration 5/20 epoch=0.25 loss=1.1 perplexity=3",
            {"step": 5, "epoch": 0.25, "loss": 1.1, "perplexity": 3},
        ),
        ("step 3 test loss: 0.2", None),
        ("loss: 0.5", None),
        ("step 3 loss: nan", None),
        ("{'loss': 'nan', 'epoch': 1}", None),
        ("step 3 loss" + " " * 4000, None),
        ("step 3 learning rate 0.1, no loss", None),
    ],
)
def test_lines_that_scripts_print_of_their_metrics(line, point):
    assert points_printed(f"begun\n{line}\nended\n") == ([point] if point else [])
