"""What the script of a fine-tuning job has reported of its metrics: printed, in its trainer's state, in event files."""

import math
import re

from modelarts_emulator.behaviours.modelarts import scripts
from modelarts_emulator.behaviours.modelarts.training import runs, status
from modelarts_emulator.behaviours.modelarts.training.event_files import MARK, scalars_in
from modelarts_emulator.behaviours.modelarts.training.tuned_outputs import STATE, objects_written, read_state

REPORTED = "modelarts/training/reported"
# {metric, or what it is told for: how scripts call it}; names are compared in lower case, with _ for - and space.
NAMES = {
    "loss": ("loss", "train_loss", "training_loss", "lm_loss", "train/loss", "loss/train"),
    "eval_loss": (
        "eval_loss", "val_loss", "valid_loss", "validation_loss", "eval/loss", "val/loss", "validation/loss",
        "loss/eval", "loss/val", "loss/validation",
    ),
    "perplexity": ("perplexity", "ppl", "train_perplexity", "train_ppl", "train/perplexity"),
    "learning_rate": ("learning_rate", "lr", "train/learning_rate", "train/lr"),
    "step": ("step", "global_step", "iteration", "iter"),
    "epoch": ("epoch",),
}  # fmt: skip
MEANT = {name: metric for metric, names in NAMES.items() for name in names}
LOSSES = ("loss", "eval_loss", "perplexity")
# Losses of something else, which would be read as the training's own.
OTHERS = ("test_loss", "aux_loss", "total_loss", "best_loss")
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
# Bounded, so that a line of nothing but spaces is read in no time.
GAP = r"\s{0,12}"
LONGEST_LINE = 4096
IN_OBJECT = re.compile(rf"""["']([\w/ -]+)["']\s*:\s*["']?({NUMBER})\b""")
SPELLED = "|".join(sorted((name.replace("_", "[_ -]") for name in (*MEANT, *OTHERS)), key=len, reverse=True))
IN_TEXT = re.compile(rf"(?<![\w/-])({SPELLED})(?:{GAP}[=:])?{GAP}\[?{GAP}({NUMBER})(?![\w.])", re.IGNORECASE)
HINT = re.compile(r"loss|perplexity|ppl", re.IGNORECASE)
# With this Hugging Face's trainer sums up what it has reported before.
SUMMARY = "train_runtime"
# What was rounded to be printed may be a little more than it was.
ROUNDED = 1.001
BIGGEST_EVENTS = 8 << 20
MOST_POINTS = 1000


def reports_of(bound, job: dict) -> dict[str, list[dict]]:
    """{metric: its values so far, each with what is known of step and epoch} of a job whose own script runs or ran."""
    kept = bound.records(REPORTED).find(job["metadata"]["id"])
    return reports_now(bound, job) if kept is None else kept["reports"]


def keep_reports(bound, job: dict) -> None:
    """Keep what the script has reported: what it has written may be gone or another's later."""
    if scripts.is_real(job):
        kept = {"reports": reports_now(bound, job), "job": job["metadata"]["id"]}
        bound.records(REPORTED).put(job["metadata"]["id"], kept)


def forget_reports(bound, id: str) -> None:
    """Drop what the script of a deleted job has reported."""
    bound.records(REPORTED).drop(id)


def reports_now(bound, job: dict) -> dict[str, list[dict]]:
    """What can be found now: the trainer's state, what was printed since; event files where neither says anything."""
    texts = runs.printed(bound, job, "worker-0")[1] if status.started_at(job) is not None else []
    printed = points_printed(texts[-1] if texts else "")
    objects = [(path.bucket, key) for path, key, _ in objects_written(bound.world, job)]
    noted = points_noted(bound.world, objects)
    found = {metric: joined(metric, noted, printed) for metric in (*LOSSES, "learning_rate")}
    if not all(found.values()):
        events = points_in_events(bound.world, objects)
        found = {metric: values or joined(metric, [], events) for metric, values in found.items()}
    return {metric: thinned(values) for metric, values in found.items()}


def points_printed(text: str) -> list[dict]:
    """What the lines say that name a loss or perplexity together with a step or an epoch."""
    points = []
    for line in text.splitlines():
        if len(line) > LONGEST_LINE or not HINT.search(line) or SUMMARY in line:
            continue
        pairs = IN_OBJECT.findall(line) or IN_TEXT.findall(line)
        point = point_of(pairs)
        if any(name in point for name in LOSSES) and ("step" in point or "epoch" in point):
            points.append(point)
    return points


def points_noted(world, objects: list[tuple[str, str]]) -> list[dict]:
    """What the longest history says that a trainer has left in its state."""
    states = [read_state(world, *place) for place in objects if place[1].endswith(STATE)]
    histories = [state["log_history"] for state in states if isinstance(state.get("log_history"), list)]
    longest = max(histories, key=len, default=[])
    return [point_of(each.items()) for each in longest if isinstance(each, dict) and SUMMARY not in each]


def points_in_events(world, objects: list[tuple[str, str]]) -> list[dict]:
    """What event files say, by step."""
    points: dict[int, dict] = {}
    for bucket, key in objects:
        if MARK not in key.rpartition("/")[2] or world.obs.size(bucket, key) > BIGGEST_EVENTS:
            continue
        for step, tag, value in scalars_in(world.obs.read(bucket, key)):
            points.setdefault(step, {}).update(point_of([(tag, value)]) | {"step": step})
    return [points[step] for step in sorted(points)]


def point_of(pairs) -> dict:
    """{metric: number} of names and numbers as scripts give them; the first of several for one metric counts."""
    point: dict = {}
    for name, value in pairs:
        metric = MEANT.get(re.sub("[ -]", "_", str(name).strip().lower()))
        number = number_of(value)
        if metric and number is not None:
            point.setdefault(metric, int(number) if metric == "step" else number)
    return point


def number_of(value) -> float | None:
    """The finite number that a value is or spells; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def joined(metric: str, noted: list[dict], printed: list[dict]) -> list[dict]:
    """The values of a metric: those of the trainer's state, then those printed after its last one."""
    noted, printed = ([each for each in points if metric in each] for points in (noted, printed))
    last = noted[-1] if noted else {}
    later = [each for each in printed if not noted or is_later(each, last)]
    return [
        {**{name: each[name] for name in ("step", "epoch") if name in each}, "value": each[metric]}
        for each in (*noted, *later)
    ]


def is_later(point: dict, last: dict) -> bool:
    """Whether a point that was printed comes after one that the trainer has noted."""
    if "step" in point and "step" in last:
        return point["step"] > last["step"]
    return "epoch" in point and "epoch" in last and point["epoch"] > last["epoch"] * ROUNDED


def thinned(values: list[dict]) -> list[dict]:
    """As many values as a chart shows, evenly taken, the last one among them."""
    every = math.ceil(len(values) / MOST_POINTS)
    return values[::-1][:: max(1, every)][::-1]
