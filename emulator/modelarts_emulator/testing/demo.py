"""A hyperparameter search played with the official SDK, from data in OBS to the sensitivity of its parameters."""

import json
import sys
from contextlib import contextmanager
from threading import Event

from modelarts_emulator.real_time import pause
from modelarts_emulator.running import Emulator
from modelarts_emulator.settings import Settings
from modelarts_emulator.testing.cloud import Cloud

BUCKET = "emulator-demo"
SCRIPT = """
import argparse, math, pathlib, random, time

parser = argparse.ArgumentParser()
parser.add_argument("--data_url", type=pathlib.Path)
parser.add_argument("--train_url", type=pathlib.Path)
parser.add_argument("--learning_rate", type=float)
parser.add_argument("--batch_size", type=int)
asked, _ = parser.parse_known_args()

rows = [line.split(",") for part in sorted(asked.data_url.iterdir()) for line in part.read_text().splitlines()]
points = [(int(part) / 7, int(row) / 199, value == '1') for part, row, value in rows]
weights, chance = [0.0] * 4, random.Random(1)
for epoch in range(1, 6):
    chance.shuffle(points)
    for start in range(0, len(points), asked.batch_size):
        batch = points[start : start + asked.batch_size]
        slopes = [0.0] * 4
        for x, y, is_above in batch:
            inputs = (1, x, y, x * y)
            error = 1 / (1 + math.exp(-sum(map(float.__mul__, weights, map(float, inputs))))) - is_above
            slopes = [slope + error * value for slope, value in zip(slopes, inputs)]
        weights = [weight - asked.learning_rate * slope for weight, slope in zip(weights, slopes)]
    right = sum((sum(w * v for w, v in zip(weights, (1, x, y, x * y))) > 0) == above for x, y, above in points)
    print(f"epoch {epoch} accuracy={right / len(points):.4f}", flush=True)
    time.sleep(0.2)
(asked.train_url / "weights.txt").write_text(repr(weights))
"""
SAMPLES = 12
LOOK_EVERY = 0.4
WIDTH = 30
REGEX = r"accuracy=([0-9.]+)"


def play(quick: bool, keep: bool = False) -> int:
    """Play the demo on an emulator of its own; 1 with a hint when the SDK is not installed.

    keep: the emulator listens at the usual ports and stays, with what was made, until Ctrl-C.
    """
    try:
        from huaweicloudsdkmodelarts.v1 import ModelArtsClient
    except ImportError:
        words = "the demo drives the official SDK: pip install 'modelarts-emulator[demo]', or make demo"
        print(words, file=sys.stderr)
        return 1
    with emulated(quick, keep) as cloud:
        print(f"console in a browser: {cloud.endpoint}/console/", flush=True)
        client = cloud.sdk(ModelArtsClient)
        put_data(cloud.obs(path_style=True))
        job = client.create_training_job(search_request()).metadata
        print(f"job {job.name} {job.id}")
        print(f"its search in a browser: {cloud.endpoint}/console/training/{job.id}/search", flush=True)
        watch(client, job.id)
        show_results(client, cloud, job.id)
        if keep:
            stay(cloud)
    return 0


def stay(cloud) -> None:
    """Go on answering until Ctrl-C."""
    print(f"\nkept at {cloud.endpoint}: look at the job in a browser, or with any client after")
    print(f'  eval "$(modelarts-emulator env --url {cloud.endpoint})"')
    print("Ctrl-C ends it", flush=True)
    try:
        Event().wait()
    except KeyboardInterrupt:
        print()


@contextmanager
def emulated(quick: bool, keep: bool):
    """An account of a fresh emulator, at the usual ports to keep it; with `quick` its time runs ten times faster."""
    port, obs_port = (Settings.port, Settings.obs_port) if keep else (0, 0)
    with Emulator(pace=600.0 if quick else 60.0, port=port, obs_port=obs_port) as emulator:
        yield Cloud(emulator, emulator.application.worlds.default)


def put_data(obs) -> None:
    """What a user uploads first: samples and a training script."""
    obs.createBucket(BUCKET)
    for number in range(8):
        rows = "\n".join(f"{number},{row},{int(number / 7 + row / 199 > 1.1)}" for row in range(200))
        obs.putContent(BUCKET, f"data/part-{number}.csv", rows)
    obs.putContent(BUCKET, "code/train.py", SCRIPT)
    print(f"put 8 data files and a training script into obs://{BUCKET}")


def search_policy(model):
    """What is searched, and how. model: the SDK's module of classes."""
    return model.AutoSearch(
        reward_attrs=[model.RewardAttrs(name="accuracy", mode="max", regex=REGEX)],
        search_params=[
            model.SearchParams(
                name="learning_rate", param_type="continuous", lower_bound="0.0001", upper_bound="0.1"
            ),
            model.SearchParams(
                name="batch_size", param_type="discrete", discrete_values=["16", "32", "64", "128"]
            ),
        ],
        algo_configs=[
            model.AlgoConfigs(
                name="tpe_search",
                params=[
                    model.AutoSearchAlgoConfigParameter(
                        key="num_samples", type="Integer", value=str(SAMPLES)
                    ),
                    model.AutoSearchAlgoConfigParameter(key="max_concurrent", type="Integer", value="3"),
                ],
            )
        ],
    )


def search_request():
    """The request of the search job, made of the SDK's own classes."""
    from huaweicloudsdkmodelarts.v1 import model

    data = model.InputDataInfo(obs=model.InputDataInfoObs(obs_url=f"/{BUCKET}/data/"))
    output = model.Remote(obs=model.RemoteObs(obs_url=f"/{BUCKET}/output/"))
    job = model.Job(
        kind="job",
        metadata=model.JobMetadata(name="demo-search", description="played by modelarts-emulator demo"),
        algorithm=model.JobAlgorithm(
            code_dir=f"/{BUCKET}/code/",
            boot_file=f"/{BUCKET}/code/train.py",
            engine=model.JobEngine(engine_id="pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"),
            inputs=[model.Input(name="data_url", remote=data)],
            outputs=[model.Output(name="train_url", remote=output)],
            policies=model.JobPolicies(auto_search=search_policy(model)),
        ),
        spec=model.Spec(
            resource=model.SpecResource(flavor_id="modelarts.vm.cpu.8u", node_count=1),
            log_export_path=model.LogExportPath(obs_url=f"/{BUCKET}/log/"),
        ),
    )
    return model.CreateTrainingJobRequest(body=job)


def watch(client, job_id: str) -> None:
    """Show the trials table growing, and stop one trial early on the way."""
    from huaweicloudsdkmodelarts.v1 import model

    stopped, drawn = None, 0
    while True:
        phase = client.show_training_job_details(
            model.ShowTrainingJobDetailsRequest(training_job_id=job_id)
        ).status.phase
        answer = client.show_auto_search_trials(model.ShowAutoSearchTrialsRequest(training_job_id=job_id))
        # The SDK turns every cell into text, the configuration too; the answer itself holds it as an object.
        table = json.loads(answer.raw_content)["items"]
        trials = [dict(zip(table["header"], row, strict=True)) for row in table["data"]]
        running = [
            trial for trial in trials if trial["status"] == "RUNNING" and trial["training_iteration"] != "0"
        ]
        if stopped is None and len(trials) > 4 and running:
            stopped = running[0]["trial_id"]
            client.show_auto_search_trial_early_stop(
                model.ShowAutoSearchTrialEarlyStopRequest(training_job_id=job_id, trial_id=stopped)
            )
        drawn = draw(phase, trials, stopped, drawn)
        if phase not in ("Creating", "Pending", "Running"):
            return
        pause(LOOK_EVERY)


def draw(phase: str, trials: list[dict], stopped: str | None, drawn: int) -> int:
    """Draw the table over the one before, where the output is a terminal; how many lines it has."""
    over = sum(trial["done"] == "True" for trial in trials)
    bar = "#" * (WIDTH * over // SAMPLES)
    best = max((float(trial["best_reward"]) for trial in trials if trial["best_reward"]), default=None)
    lines = [
        f"{phase:10} [{bar:{WIDTH}}] {over}/{SAMPLES} trials, best accuracy {best if best is not None else '-'}"
    ]
    lines.append(
        f"{'trial':10} {'learning_rate':>14} {'batch_size':>10} {'iteration':>9} {'accuracy':>9} status"
    )
    for trial in trials:
        config = trial["config"]
        mark = " (stopped early)" if trial["trial_id"] == stopped else ""
        lines.append(
            f"{trial['trial_id']:10} {config['learning_rate']:14.6f} {config['batch_size']:>10} "
            f"{trial['training_iteration']:>9} {trial['reward_attr']:>9} {trial['status']}{mark}"
        )
    if sys.stdout.isatty():
        up = f"\x1b[{drawn}A" if drawn else ""
        print(up + "\n".join(f"\x1b[2K{line}" for line in lines))
        return len(lines)
    if phase not in ("Creating", "Pending", "Running"):
        print("\n".join(lines))
    return 0


def show_results(client, cloud, job_id: str) -> None:
    """The end of the log, the parameters' importance, and what lies in OBS now."""
    from huaweicloudsdkmodelarts.v1 import model

    log = client.show_training_job_logs_preview(
        model.ShowTrainingJobLogsPreviewRequest(training_job_id=job_id, task_id="worker-0")
    )
    print("\nlog of worker-0, its last lines:")
    print("\n".join("  " + line for line in log.content.splitlines()[-4:]))
    analysis = client.show_auto_search_params_analysis(
        model.ShowAutoSearchParamsAnalysisRequest(training_job_id=job_id)
    )
    print(f"\n{analysis.header[0]}: {analysis.header[1]}")
    for name, importance in analysis.data:
        print(f"  {name}: {importance}")
    picture = client.show_auto_search_param_analysis_result_path(
        model.ShowAutoSearchParamAnalysisResultPathRequest(
            training_job_id=job_id, parameter_name="learning_rate"
        )
    )
    print(f"picture: obs:/{picture.file_path}")
    listing = cloud.obs(path_style=True).listObjects(BUCKET).body.contents
    print("in OBS: " + ", ".join(row.key for row in listing if not row.key.startswith("data/")))
