"""What a training job prints: the platform's lines, a line an iteration, metric lines that can be read back."""

from datetime import UTC, datetime
from typing import NamedTuple

from modelarts_emulator.simulation.patterns import TooSlow, found_values, line_with, metric_group

USER_DIR = "/home/ma-user/modelarts/user-job-dir"
FORMS = [(1, ".6g"), *((1, f".{digits}f") for digits in range(6, 0, -1)), (1, ".6e")]
FORMS += [(100, ".2f"), (100, ".1f"), (100, ".0f"), (1, ".0f")]
PROBE = 0.123456


class Job(NamedTuple):
    """What a log tells of a job. inputs and outputs: (name, url, local directory); parameters: (name, value)."""

    id: str
    task: str
    command: str
    code_dir: str = ""
    engine: str = ""
    inputs: tuple = ()
    outputs: tuple = ()
    parameters: tuple = ()


def metric_line(regex: str, name: str, value) -> str:
    """A line from which the expression extracts exactly this value: a text as it is, a number in a form equal to it.

    ValueError says why there is none: the expression is wrong, too slow, or cannot take the value.
    """
    if isinstance(value, str):
        return line_with(regex, name, value)
    for text in _forms_of(value):
        try:
            return line_with(regex, name, text)
        except TooSlow:
            raise
        except ValueError as error:
            refusal = error
    raise refusal


def reported_text(regex: str, name: str, value: float) -> str:
    """The number as a script that suits this expression would print it: with the most digits it takes, six at most.

    An expression that takes whole numbers only gets percent. From metric_line() of the text the expression extracts
    the text. ValueError when it takes no such number.
    """
    metric_group(regex, name)
    first = next((i for i, form in enumerate(FORMS) if _takes(regex, name, _printed(form, PROBE))), 0)
    texts = dict.fromkeys(_printed(form, value) for form in FORMS[first:])
    fitting = next((text for text in texts if _takes(regex, name, text)), None)
    if fitting is None:
        raise ValueError(f"the regular expression {regex!r} takes no number such as {value:.6g} for {name}")
    return fitting


def iteration_lines(regex: str, name: str, text: str, step: str, loss: str) -> list[str]:
    """What one iteration prints: where it stands, its loss, and the metric on a line of its own.

    The metric line is the only one of them that the expression reads.
    """
    around = [f"{step} finished", f"train_loss: {loss}"]
    silent = [line for line in around if not found_values(regex, name, line)]
    return [*silent, metric_line(regex, name, text)]


def opening_lines(job: Job, moment: float) -> list[str]:
    """What stands in the log before the script's first line: environment, downloads, the command."""
    lines = [f"[Modelarts Service Log][task] {job.task} of job {job.id} begins at {_clock(moment)}"]
    if job.engine:
        lines.append(_service(moment, f"engine {job.engine}"))
    if job.code_dir:
        lines.append(_service(moment, f"downloading code {job.code_dir} to {USER_DIR}"))
        lines.append(_service(moment, "code downloaded"))
    for name, url, local_dir in job.inputs:
        lines.append(_service(moment, f"input {name}: downloading {url} to {local_dir}"))
        lines.append(_service(moment, f"input {name}: ready"))
    for name, url, local_dir in job.outputs:
        lines.append(_service(moment, f"output {name}: {local_dir} goes to {url}"))
    arguments = "".join(f" --{name}={value}" for name, value in job.parameters)
    return [*lines, _service(moment, f"running {job.command}{arguments}")]


def closing_lines(job: Job, moment: float, exit_code: int, ending: str = "training finished") -> list[str]:
    """What stands in the log after the script's last line: uploads and how it ended."""
    uploads = [_service(moment, f"output {name}: uploaded to {url}") for name, url, _ in job.outputs]
    return [
        *uploads,
        _service(moment, f"outputs closed: {ending}"),
        f"[Modelarts Service Log]collect and upload logs end at {_clock(moment)}",
        f"[Modelarts Service Log]exit with {exit_code}",
    ]


def job_lines(samples: int, curve, iterations: int, elapsed: float) -> list[tuple[float, str]]:
    """(seconds since the start, line) of what a plain script has printed: setting up, iterations, a summary."""
    lines = [(0.0, f"loaded {samples} training samples"), (0.0, f"training for {iterations} epochs")]
    best = 0.0
    for number in range(1, iterations + 1):
        at = curve.seconds_until(number)
        if at > elapsed:
            return lines
        metric, loss = curve.at(number)
        best = max(best, metric)
        speed = samples / curve.seconds_per_iteration
        lines.append(
            (at, f"epoch {number}/{iterations} loss={loss:.6g} accuracy={metric:.6g} {speed:.1f} samples/s")
        )
    return [*lines, (curve.seconds_until(iterations), f"best accuracy={best:.6g}")]


def trial_lines(
    trial_id: str, configuration: dict, regex: str, name: str, reports, ending: str | None
) -> list[str]:
    """What one trial prints: its parameters, its iterations, how it ended; reports: (metric text, loss text) pairs.

    The expression extracts the metric texts in their order and nothing else.
    """
    named = " ".join(f"{key}={value}" for key, value in configuration.items())
    lines = [line for line in (f"trial {trial_id}: {named}",) if not found_values(regex, name, line)]
    for number, (text, loss) in enumerate(reports, 1):
        lines += iteration_lines(regex, name, text, f"trial {trial_id} iteration {number}", loss)
    closing = [f"trial {trial_id} {ending}"] if ending else []
    return lines + [line for line in closing if not found_values(regex, name, line)]


def _forms_of(number: float) -> list[str]:
    forms = [repr(number), *(f"{number:.{digits}f}" for digits in range(18)), f"{number:e}", f"{number:.17e}"]
    return [form for form in dict.fromkeys(forms) if float(form) == number]


def _printed(form: tuple[int, str], value: float) -> str:
    factor, digits = form
    return f"{factor * value:{digits}}"


def _takes(regex: str, name: str, text: str) -> bool:
    try:
        return bool(line_with(regex, name, text))
    except TooSlow:
        raise
    except ValueError:
        return False


def _service(moment: float, words: str) -> str:
    instant = datetime.fromtimestamp(moment, UTC)
    stamp = f"{instant:%Y/%m/%d %H:%M:%S},{instant.microsecond // 1000:03d}"
    return f"[ModelArts Service Log][INFO][{stamp}]: {words}"


def _clock(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d-%H:%M:%S}"
