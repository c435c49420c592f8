"""Pictures and films of MaaS as small real files, and whether a model server lives."""

import base64
from math import sqrt

from modelarts_emulator.behaviours.maas.asking import picture_in
from modelarts_emulator.behaviours.maas.models import model_called, use_tokens
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, soon, until
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.inference.language.pictures import colours_of, film, png
from modelarts_emulator.inference.language.tokenizer import count

KEPT = 24 * 3600
MOST_BODY = 8 << 20
DEFAULT_SIZE = "1280*720"

VIDEO_TASKS = Resource(
    "maas/other/video_task",
    path_names=("task_id",),
    id_field="task_id",
    not_found="ModelArts.81108",
    lifecycle=Lifecycle(
        born="queued",
        queued=soon("running", after=10),
        running=soon(lambda _, task: "failed" if task["_failure"] else "succeeded", after=120),
        succeeded=until(GONE, after=KEPT),
        failed=until(GONE, after=KEPT),
    ),
)


@behaviour("ShowVllmHealth")
def show_vllm_health(call):
    """Nothing: the status says it."""


@behaviour("CreateMaasImage", computes=True)
def create_maas_image(call):
    """A PNG that follows from prompt, seed and the pictures sent, as base64."""
    body = call.body
    model = model_called(call, "image")
    refuse_large(call)
    width, height = image_size(body["size"], model)
    sent = body.get("image", [])
    pictures = [picture_in(url) for url in ([sent] if isinstance(sent, str) else sent)]
    if model.get("edits") and not pictures:
        raise ApiError("BadRequestError", f"image is required for {model['id']}")
    if body["response_format"] == "url":
        raise ApiError("BadRequestError", "response_format url is not supported; use b64_json")
    if count(body["prompt"]) > 2000:
        raise ApiError("BadRequestError", "the prompt has more than 2000 tokens")
    with call.world.transaction():
        now = call.world.clock.now_ms()
        seed = body.get("seed", call.world.random.randint(0, 2147483648))
    colours = colours_of(body["prompt"], seed, *pictures, body.get("watermark", False))
    content = base64.b64encode(png(width, height, colours)).decode()
    usage = {"model_latency": 0, "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    data = [{"url": None, "b64_json": f"data:image/png;base64,{content}"}]
    return {"model": model["id"], "created": now, "data": data, "usage": usage, "error": None}


def refuse_large(call) -> None:
    """400 for a body above 8 MB."""
    size = len(call.request.body)
    if size > MOST_BODY:
        raise ApiError("BadRequestError", f"the body has {size} bytes, at most {MOST_BODY} are allowed")


def image_size(size: str, model: dict) -> tuple[int, int]:
    """Width and height as the model draws them: scaled into its range, rounded down to multiples of 16."""
    width, height = map(int, size.split("x")) if len(size) < 12 else (0, 0)
    if not width or not height or not 1 / 12 <= width / height <= 12:
        raise ApiError("BadRequestError", f"size {size[:40]}: the aspect ratio must be from 1:12 to 12:1")
    least, most = model["least"], model["most"]
    area = width * height
    scale = sqrt(min(max(area, least * least), most * most) / area)
    return tuple(max(16, int(side * scale) // 16 * 16) for side in (width, height))


@behaviour("CreateMaasVideoTask", computes=True)
def create_maas_video_task(call):
    """The id of a task that is queued, runs and leaves an MP4 in OBS for 24 hours."""
    body = call.body
    model = model_called(call, "video")
    refuse_large(call)
    prompt, picture = video_input(body["input"], model)
    parameters = {"fps": 16, "duration": 5, "seed": 0} | body.get("parameters", {})
    width, height = film_size(parameters.get("size", DEFAULT_SIZE), model["sizes"])
    failure = "" if picture is None or picture[:2] == b"\xff\xd8" else "img_url is no JPEG"
    colours = colours_of(prompt, parameters["seed"], picture)
    content = b"" if failure else film(width, height, parameters["fps"], parameters["duration"], colours)
    said = width * height * parameters["duration"] // 16
    with call.world.transaction():
        return {"task_id": add_task(call, model, content, failure, said)}


def film_size(size: str, sizes: list[str]) -> tuple[int, int]:
    """Width and height of a film. 400 for a size the model does not make; the default becomes one that it does."""
    if size == DEFAULT_SIZE and size not in sizes:
        size = DEFAULT_SIZE.replace("*", "x") if DEFAULT_SIZE.replace("*", "x") in sizes else sizes[0]
    if size not in sizes:
        raise ApiError("BadRequestError", f"size {size[:40]} is none of {', '.join(sizes)}")
    width, height = size.replace("*", "x").split("x")
    return int(width), int(height)


def video_input(sent: dict, model: dict) -> tuple[str, bytes | None]:
    """(prompt, picture) of a film. 400 when the model lacks what it needs."""
    prompt = sent.get("prompt", "")
    if not model.get("from_image"):
        if not prompt:
            raise ApiError("BadRequestError", f"input.prompt is required for {model['id']}")
        return prompt, None
    if "img_url" not in sent:
        raise ApiError("BadRequestError", f"input.img_url is required for {model['id']}")
    return prompt, picture_in(sent["img_url"])


def add_task(call, model: dict, content: bytes, failure: str, said: int) -> str:
    """Store a task and its film; its id."""
    world = call.world
    task_id, now = world.new_uuid(), world.clock.now_ms()
    bucket, key = f"modelarts-maas-{call.project_id[:8].lower()}", f"video/{task_id}.mp4"
    if content:
        world.obs.create_bucket(bucket)
        world.obs.write(bucket, key, content, "video/mp4")
    task = {
        "task_id": task_id,
        "created_at": now,
        "updated_at": now,
        "_project_id": call.project_id,
        "_model": model["id"],
        "_place": [bucket, key],
        "_failure": failure,
        "_said": said,
    }
    VIDEO_TASKS.at(world, "").add(task)
    use_tokens(world, model["id"], said)
    return task_id


@VIDEO_TASKS.lifecycle.entering("running", "succeeded", "failed")
def note_change(bound, task: dict) -> None:
    """Note when the task's state changed."""
    task["updated_at"] = bound.world.clock.now_ms()


@VIDEO_TASKS.lifecycle.entering(GONE)
def forget_film(bound, task: dict) -> None:
    """Delete the film with its task."""
    bucket, key = task["_place"]
    if not task["_failure"] and bound.world.obs.exists(bucket, key):
        bound.world.obs.delete(bucket, key)


@behaviour("ShowMaasVideoTask")
def show_maas_video_task(call):
    """How far the task is; once it has succeeded, a URL of the film that works as long as the task is kept."""
    task_id = call.path["task_id"]
    task = call.world.store.table(VIDEO_TASKS.name).find(task_id)
    if task is None:
        raise ApiError("ModelArts.81108", fill=[task_id])
    if task["_project_id"] != call.project_id:
        raise ApiError("ModelArts.81109", fill=[task_id])
    shown = VIDEO_TASKS.at(call.world, "").shown(task) | {"error": {"code": 0, "message": ""}}
    done = task["status"] == "succeeded"
    said = task["_said"] if done else 0
    latency = task["updated_at"] - task["created_at"] if done or task["_failure"] else 0
    shown["usage"] = {
        "model_latency": latency,
        "completion_tokens": said,
        "prompt_tokens": 0,
        "total_tokens": said,
    }
    if done:
        left = KEPT - (call.world.clock.now() - task["updated_at"] / 1000)
        url = call.world.obs.presign(
            *task["_place"], left, base_url=call.obs_base_url, content_type="video/mp4"
        )
        shown["content"] = {"result_url": url}
    if task["status"] == "failed":
        shown["error"] = {"code": 400, "message": task["_failure"]}
    return shown
