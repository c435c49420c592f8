"""The command that trains a folder of code here: a job of an emulator of its own, its log, its outputs brought back."""

import sys
from collections.abc import Iterator
from pathlib import Path

from modelarts_emulator.real_time import monotonic, pause

BUCKET = "local"
JOBS = "/v2/{project_id}/training-jobs"
ENGINE = "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"
FLAVOR = "modelarts.vm.cpu.8u"
LEFT_OUT = {".git", "__pycache__", ".venv", "node_modules", ".ipynb_checkpoints"}
LOOK_SECONDS = 0.1
OVER = ("Completed", "Failed", "Terminated", "Abnormal")
# What the platform does around a script takes no time here.
PACE = 3600.0


def add_command(made) -> None:
    """The options of `train`, added to its parser."""
    made.add_argument("code", type=Path, help="folder with the code")
    made.add_argument("--boot-file", help="script in it to start (default train.py)")
    made.add_argument("--command", dest="line", help="start this instead, as a shell reads it, in an image")
    made.add_argument("--data", action="append", default=[], metavar="[NAME=]FOLDER",
                      help="input, as the argument --NAME (default data_url); may be repeated")  # fmt: skip
    made.add_argument("--output", action="append", default=[], metavar="[NAME=]FOLDER",
                      help="where an output goes (default train_url=train-output)")  # fmt: skip
    made.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a hyperparameter")
    made.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="a variable")
    made.add_argument("--nodes", type=int, default=1, help="nodes, each a process (default 1)")
    made.add_argument(
        "--timeout", type=float, default=0, help="seconds after which it is ended (default never)"
    )


def train(options) -> int:
    """Run the job and show its log; the exit code of the script."""
    from modelarts_emulator.running import Emulator
    from modelarts_emulator.testing.cloud import Cloud

    body = job_asked(options)
    with Emulator(pace=PACE, training="run", training_timeout=options.timeout) as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        put_all(cloud.world.obs, options)
        reply = cloud.post(JOBS, body)
        if reply.status != 201:
            raise ValueError(reply.json["error_msg"])
        job = follow(cloud, reply.json["metadata"]["id"])
        bring_back(cloud.world.obs, options)
    codes = [task.get("exit_code", 1) for task in job["status"].get("task_statuses", [])]
    return next((code for code in codes if code), 0 if job["status"]["phase"] == "Completed" else 1)


def job_asked(options) -> dict:
    """The body that creates the job. ValueError for what cannot be."""
    code = options.code.resolve()
    boot_file = options.boot_file or "train.py"
    if not code.is_dir():
        raise ValueError(f"{options.code} is no folder; name the one that holds the code")
    if not options.line and not (code / boot_file).is_file():
        raise ValueError(f"{boot_file} is not in {options.code}; name the script with --boot-file")
    algorithm = {
        "code_dir": f"/{BUCKET}/{code.name}/",
        "parameters": [{"name": name, "value": value} for name, value in pairs(options.set)],
        "environments": dict(pairs(options.env)),
        "inputs": [channel(name, f"inputs/{name}") for name, _ in folders(options.data, "data_url")],
        "outputs": [channel(name, f"outputs/{name}") for name, _ in outputs(options)],
    }
    if options.line:
        algorithm |= {"command": options.line, "engine": {"image_url": "local/image:1"}}
    else:
        algorithm |= {"boot_file": f"/{BUCKET}/{code.name}/{boot_file}", "engine": {"engine_id": ENGINE}}
    spec = {"resource": {"flavor_id": FLAVOR, "node_count": options.nodes}}
    return {"kind": "job", "metadata": {"name": "local"}, "algorithm": algorithm, "spec": spec}


def pairs(given: list[str]) -> list[tuple[str, str]]:
    """(name, value) of each name=value. ValueError for anything else."""
    wrong = [text for text in given if "=" not in text]
    if wrong:
        raise ValueError(f"{wrong[0]!r} must be NAME=VALUE")
    return [(name, value) for name, _, value in (text.partition("=") for text in given)]


def folders(given: list[str], usual: str) -> list[tuple[str, Path]]:
    """(name, folder) of each [name=]folder."""
    split = [text.partition("=") for text in given]
    return [(name, Path(folder)) if mark else (usual, Path(name)) for name, mark, folder in split]


def outputs(options) -> list[tuple[str, Path]]:
    """(name, folder) of the outputs."""
    return folders(options.output, "train_url") or [("train_url", Path("train-output"))]


def channel(name: str, place: str) -> dict:
    """An input or output in the bucket."""
    return {"name": name, "remote": {"obs": {"obs_url": f"/{BUCKET}/{place}/"}}}


def put_all(obs, options) -> None:
    """Upload code and inputs."""
    obs.create_bucket(BUCKET)
    for folder, prefix in [
        (options.code.resolve(), options.code.resolve().name),
        *((folder, f"inputs/{name}") for name, folder in folders(options.data, "data_url")),
    ]:
        if not folder.exists():
            raise ValueError(f"{folder} does not exist")
        for path in files_in(folder):
            name = path.name if folder.is_file() else path.relative_to(folder).as_posix()
            obs.write(BUCKET, f"{prefix}/{name}", path.read_bytes())


def files_in(folder: Path) -> Iterator[Path]:
    """The files of a folder, or the file itself, without what nobody trains with."""
    if folder.is_file():
        yield folder
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name not in LEFT_OUT:
            yield from files_in(path)
        elif path.is_file():
            yield path


def follow(cloud, id: str) -> dict:
    """Print the log of the first task as it comes, and while nothing comes how it stands; the job at its end."""
    begun, printed = monotonic(), 0
    while True:
        job = cloud.get(f"{JOBS}/{id}").json
        reply = cloud.get(f"{JOBS}/{id}/tasks/worker-0/logs/preview")
        if reply.status == 200 and reply.json["full_size"] > printed:
            show_progress("")
            sys.stdout.write(
                reply.json["content"].encode()[printed - reply.json["full_size"] :].decode(errors="replace")
            )
            sys.stdout.flush()
            printed = reply.json["full_size"]
        phase = job["status"]["phase"]
        if phase in OVER:
            show_progress("")
            print(f"{phase} after {monotonic() - begun:.1f} s", file=sys.stderr)
            return job
        show_progress(f"{phase} {monotonic() - begun:.0f} s")
        pause(LOOK_SECONDS)


def show_progress(text: str) -> None:
    """Say on a line of a terminal that is written over how the job stands."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()


def bring_back(obs, options) -> None:
    """Write the outputs into their folders."""
    for name, folder in outputs(options):
        prefix = f"outputs/{name}/"
        keys = [key for key in obs.keys(BUCKET, prefix) if not key.endswith("/")]
        for key in keys:
            path = folder / key.removeprefix(prefix)
            if ".." in path.parts:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(obs.read(BUCKET, key))
        print(f"{len(keys)} files of {name} are in {folder}", file=sys.stderr)
