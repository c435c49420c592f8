"""The script of a version at work: whether it runs for real, what it is started with, how it ended."""

from modelarts_emulator.behaviours.modelarts import scripts
from modelarts_emulator.behaviours.modelarts.training_v1.asked import parameters_of
from modelarts_emulator.frame.obs_paths import obs_path
from modelarts_emulator.training_runs.orders import JOB_DIR, Limits, Order, Place
from modelarts_emulator.training_runs.run import Run

AREA = "modelarts/training-v1"
PRINTED = "modelarts/training-v1/printed"
KILLED = 137


def why_simulated(world, version: dict) -> str:
    """Why the script of a version cannot be run; empty when it can."""
    app_url, nodes = version.get("app_url"), version["worker_server_num"]
    known = next((name for name in scripts.KNOBS if name in parameters_of(version)), None)
    if known:
        return f"{known} is for simulated scripts"
    if not app_url:
        return "it names no code directory"
    return scripts.trouble_with_code(world, app_url, nodes)


def run_of(bound, version: dict) -> Run:
    """The script of a version; begun again when the emulator has restarted meanwhile."""
    found = scripts.runs_in(bound.world, AREA).find(bound.id_of(version))
    return found or scripts.begin(bound.world, AREA, bound.id_of(version), order_of(bound, version))


def awaited(bound, version: dict):
    """What a due version waits for in real time: the end of its script."""
    if not scripts.is_real(version) or "_failure" in version:
        return None
    if version["_state"] == "RUNNING":
        return run_of(bound, version).done
    run = scripts.runs_in(bound.world, AREA).find(bound.id_of(version))
    return run.done if run is not None and version["_state"] == "KILLING" else None


def order_of(bound, version: dict) -> Order:
    """What the platform starts for the version: arguments name places in OBS, which the script reads itself.

    With an image of the user's own the parameters are variables as well.
    """
    folder, named = obs_path(version["app_url"]).folder, parameters_of(version)
    parameters = {name: str(value) for name, value in named.items() if name not in scripts.OWN}
    places = places_of(version)
    return Order(
        job_id=version["resource_id"],
        nodes=version["worker_server_num"],
        code=Place(*folder),
        code_name=folder.key.rstrip("/").rpartition("/")[2] or folder.bucket,
        code_parent=JOB_DIR,
        boot_file=obs_path(version.get("boot_file_url") or version["app_url"]).key.removeprefix(folder.key),
        command=version.get("user_command") or "",
        parameters=tuple((places | parameters).items()),
        environment=parameters if version.get("user_image_url") else {},
        preset={f"DLS_{name.upper()}": url for name, url in places.items()}
        | {"DLS_APP_URL": "s3://{}/{}".format(*folder)},
        cards=int(version.get("gpu_num") or 0),
        region=bound.world.region,
        installs=version["_training"].get("installs", False),
        access=scripts.access_to(bound.world),
        limits=Limits(seconds=scripts.timeout_of(version)),
    )


def places_of(version: dict) -> dict[str, str]:
    """{name: where it lies in OBS} of data and output; each version has an output of its own."""
    sources = [source.get("data_url") for source in version.get("data_source", ())]
    data_url = next(filter(None, (version.get("data_url"), *sources)), None)
    found = {"data_url": "s3://{}/{}".format(*obs_path(data_url))} if data_url else {}
    if version.get("train_url"):
        folder = obs_path(version["train_url"]).folder.below(f"{version['version_name']}/")
        found["train_url"] = "s3://{}/{}".format(*folder)
    return found


def end_of_run(bound, version: dict) -> None:
    """Note how the script has ended and what it has printed."""
    run = scripts.runs_in(bound.world, AREA).find(bound.id_of(version))
    if run is None or not run.done.is_set():
        return
    version["_exit_code"] = scripts.exit_code_of(run.outcome)
    scripts.note_failure(version, run.outcome)
    texts = [run.text(node) for node in range(run.order.nodes)]
    kept = {"texts": texts, "notes": scripts.notes_of(run)}
    bound.records(PRINTED).put(bound.id_of(version), kept)


def printed(bound, version: dict, worker: int) -> list[str]:
    """What the platform says of the run, and what a node has printed so far."""
    run = scripts.runs_in(bound.world, AREA).find(bound.id_of(version))
    if run is not None:
        return [*scripts.notes_of(run), *run.text(worker).splitlines()]
    kept = bound.records(PRINTED).find(bound.id_of(version)) or {"texts": [], "notes": []}
    return [
        *kept["notes"],
        *(line for text in kept["texts"][worker : worker + 1] for line in text.splitlines()),
    ]


def forget(bound, id: str) -> None:
    """End the script of a version that is gone, and drop what it has printed."""
    scripts.runs_in(bound.world, AREA).end(id)
    bound.records(PRINTED).drop(id)
