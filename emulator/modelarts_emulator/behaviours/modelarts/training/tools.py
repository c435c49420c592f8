"""The tools that annotations of a job switch on: where their pages are while it runs, and TensorBoard's own."""

from modelarts_emulator.behaviours.modelarts import scripts, tensorboard
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.obs_paths import ObsPath, obs_path
from modelarts_emulator.serving.pages import Page, address_of
from modelarts_emulator.worlds.store import value_at

# Beside the scripts of the jobs themselves.
AREA = "modelarts/training/tools"
TOOLS = {
    "jupyter-lab/enable": "jupyter_lab",
    "mindstudio-insight/enable": "mindstudio_insight",
    "tensorboard/enable": tensorboard.KIND,
}


def tools_of(bound, job: dict) -> dict:
    """Where the tools that the job's annotations switch on have their pages while it runs."""
    id = job["metadata"]["id"]
    return {
        tool: {
            "url": address_of(bound, tool, id),
            "token": f"{bound.world.seeded(id, tool).getrandbits(128):032x}",
        }
        for tool in tools_switched_on(job)
    }


def tools_switched_on(job: dict) -> list[str]:
    """The tools that the job's annotations switch on, while it runs."""
    annotations = job["metadata"].get("annotations") or {}
    is_running = job["status"]["phase"] == "Running"
    return [tool for name, tool in TOOLS.items() if is_running and annotations.get(name) == "true"]


def page_of(bound, id: str, tool: str) -> Page:
    """The page of a tool of a job; ApiError where there is none, and for all but TensorBoard."""
    job = bound.find(id)
    if tool not in tools_switched_on(job):
        words = f"{tool} of training job {id} is there while it is Running with the annotation that switches it on"
        raise ApiError("APIG.0101", words)
    if tool != tensorboard.KIND:
        raise tensorboard.unavailable(f"there is no {tool} here; of the tools of a job TensorBoard is shown")
    place = place_of_events(bound, job)
    address = address_of(bound, tool, id)
    return tensorboard.page_over(bound.world, AREA, id, lambda: tensorboard.order_over(place, address, id))


def place_of_events(bound, job: dict) -> ObsPath:
    """Where the event files of a job lie: those of the first job of its data sources, else its own, else its logs."""
    sources = value_at(job, "algorithm.summary.data_sources") or []
    named = [bound.get(value_at(source, "job.job_id") or "") for source in sources]
    jobs = [each for each in named if each is not None] + [job]
    paths = (value_at(each, "algorithm.summary.log_dir.pfs.pfs_path") for each in jobs)
    path = next(filter(None, paths), None) or value_at(job, "spec.log_export_path.obs_url")
    if not path:
        raise tensorboard.unavailable("the job names no folder in OBS for event files")
    return obs_path(path)


def end_pages(bound, job: dict) -> None:
    """What shows pages ends when the job no longer runs."""
    scripts.runs_in(bound.world, AREA).end(job["metadata"]["id"])
