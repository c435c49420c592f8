"""Containers of debugging jobs that are saved as images."""

from modelarts_emulator.behaviours.modelarts.images.images import IMAGES, saved_image
from modelarts_emulator.behaviours.modelarts.training.life import TRAINING_JOBS
from modelarts_emulator.behaviours.modelarts.training.tasks import task_of
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import Lifecycle, rests, soon
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.worlds.store import value_at

STARTING, SAVING = 5, 120


def outcome(bound, image: dict) -> str:
    """What saving comes to: nothing when the job has not gone on running meanwhile."""
    job = bound.beside(TRAINING_JOBS).get(image["_job"])
    if job is None or job["status"]["phase"] != "Running":
        image["message"] = "the container is gone: the training job does not run any more"
        return "CREATE_FAILED"
    try:
        keep_image(bound.beside(IMAGES), image, job)
    except ApiError as error:
        image["message"] = error.message
        return "CREATE_FAILED"
    image["message"] = "saved"
    return "ACTIVE"


def keep_image(bound, asked: dict, job: dict) -> None:
    """Let others run from the image: notebooks and jobs on what the job ran on."""
    kind = (value_at(job, "spec.resource.flavor_detail.flavor_type") or "CPU").upper()
    arch = "AARCH64" if kind == "ASCEND" else "X86_64"
    facts = {"arch": arch, "resource_categories": [kind], "dev_services": ["NOTEBOOK", "SSH"]}
    bound.enter(saved_image(bound, asked, facts | {"service_type": "TRAIN"}), "ACTIVE")


SAVE_IMAGE_JOBS = Resource(
    "modelarts/training/save_image_job",
    path_names=("task_id",),
    id_field="_key",
    not_found="ModelArts.2881",
    lifecycle=Lifecycle(
        born="INIT",
        INIT=soon("CREATING", after=STARTING),
        CREATING=soon(outcome, after=SAVING),
        ACTIVE=rests(),
        CREATE_FAILED=rests(),
    ),
)


@behaviour("CreateSaveImageJob")
def create_save_image_job(call):
    """Begin to save a running task's container; one at a time, and under a name that is not taken."""
    (job, task), body, bound = task_of(call), call.body, SAVE_IMAGE_JOBS.of(call)
    refuse_unsavable(job)
    before = bound.get(key_of(call))
    if before and before["status"] in ("INIT", "CREATING"):
        raise ApiError("ModelArts.2880", f"{task} is being saved as {before['_image']} already")
    image = f"{body['namespace']}/{body['name']}:{body['tag']}"
    if any(other["status"] in ("INIT", "CREATING") for other in bound.having("_image", image)):
        raise ApiError("ModelArts.2884", f"image {image} is being saved")
    if any(each["swr_path"].endswith(f"/{image}") for each in bound.beside(IMAGES).table):
        raise ApiError("ModelArts.2884", f"image {image} exists")
    record = {
        "description": "",
        **body,
        "message": "",
        "create_time": call.world.clock.now_ms(),
        "_key": key_of(call),
        "_image": image,
        "_job": job["metadata"]["id"],
    }
    return SAVE_IMAGE_JOBS.add(call, record)


@behaviour("ShowSaveImageJob")
def show_save_image_job(call):
    """How far saving the task's container is."""
    task_of(call)
    return SAVE_IMAGE_JOBS.of(call).shown(SAVE_IMAGE_JOBS.find(call, key_of(call)))


def refuse_unsavable(job: dict) -> None:
    """ApiError unless the job is one for debugging that runs."""
    id, phase = job["metadata"]["id"], job["status"]["phase"]
    if job["_runtime_type"] != "debug":
        words = f"training job {id} has no annotation jupyter-lab/enable: true, so it is not for debugging"
        raise ApiError("ModelArts.2879", words)
    if phase != "Running":
        words = f"training job {id} is {phase}; a container is saved while it is Running"
        raise ApiError("ModelArts.2883", words)


def key_of(call) -> str:
    """The id under which the saving of a task is stored."""
    return f"{call.path['training_job_id']}/{call.path['task_id']}"
