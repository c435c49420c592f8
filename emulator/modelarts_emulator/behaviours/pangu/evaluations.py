"""Evaluations of deployed models: perplexity, BLEU and ROUGE over a test set in OBS."""

from collections.abc import Callable

import orjson

from modelarts_emulator.behaviours.maas.generation import backend_named, builtin
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import Lifecycle, rests, soon
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.inference.language import scores
from modelarts_emulator.inference.language.asked import Asked, BackendFailed
from modelarts_emulator.inference.language.tuned import Tuned

MOST_SAMPLES = 1000
QUESTION_NAMES = ("context", "prompt", "question", "input")
ANSWER_NAMES = ("target", "answer", "completion", "output")
# What a larger model is surprised by is less.
SURPRISE = {"N1": 1.0, "N2": 0.85, "N4": 0.7}


def show_scores(bound, evaluation: dict) -> None:
    """Let the finished evaluation show what was measured when it was asked for."""
    evaluation["scores"] = evaluation.pop("_scores")
    evaluation["finished_at"] = bound.world.clock.now_ms()


EVALUATIONS = Resource(
    "pangu/evaluations/evaluation",
    id_field="evaluation_id",
    not_found="Emulator.BadControl",
    lifecycle=Lifecycle(
        born="waiting",
        waiting=soon("completed", after=300),
        completed=rests(),
    ),
)
EVALUATIONS.lifecycle.entering("completed")(show_scores)


def table_of(world, project_id: str):
    """The evaluations of a project."""
    return world.store.table(f"{EVALUATIONS.name}/{project_id}")


def samples_in(text: bytes) -> list[tuple[str, str]]:
    """(question, reference) of each line of a test set: JSON lines with context and target, or names like these."""
    found = []
    for number, line in enumerate(filter(bytes.strip, text.splitlines()), 1):
        try:
            row = orjson.loads(line)
            row = row[-1] if isinstance(row, list) else row
            question = next(row[name] for name in QUESTION_NAMES if name in row)
            answer = next(row[name] for name in ANSWER_NAMES if name in row)
        except (ValueError, StopIteration, TypeError, IndexError):
            raise ApiError("Emulator.BadControl", f"line {number} has no context and target") from None
        if not isinstance(question, str) or not isinstance(answer, str) or not answer:
            raise ApiError("Emulator.BadControl", f"line {number}: context and target must be texts")
        found.append((question, answer))
    if not 1 <= len(found) <= MOST_SAMPLES:
        raise ApiError(
            "Emulator.BadControl", f"a test set has 1 to {MOST_SAMPLES} lines, this one {len(found)}"
        )
    return found


def test_set(world, place: str) -> list[tuple[str, str]]:
    """The samples of obs://bucket/key. Refused when there is no such object."""
    bucket, _, key = place.removeprefix("obs://").strip("/").partition("/")
    try:
        return samples_in(world.obs.read(bucket, key))
    except (KeyError, ValueError):
        raise ApiError("Emulator.BadControl", f"there is no object {place}") from None


def plain_perplexity(model: dict, references: list[str], questions: list[str]) -> float:
    """How perplexing the references are to a model as the catalogue has it: less to a larger one."""
    size = next(
        (size for size in SURPRISE if f"-{size}-" in f"{model['model']} {model.get('base', '')}"), "N1"
    )
    return 1 + (builtin().probabilities.perplexity(references, questions) - 1) * SURPRISE[size]


def measure_answers(
    samples: list, metrics: list[str], answer: Callable[[str], str], model: dict, tuned: Tuned | None
) -> dict:
    """What each metric says of a model and its answers to the samples."""
    references = [reference for _, reference in samples]
    found = {}
    if "PPL" in metrics:
        questions = [question for question, _ in samples]
        plain = plain_perplexity(model, references, questions)
        found["PPL"] = round(tuned.perplexity(plain, references) if tuned else plain, 4)
    if {"BLEU", "ROUGE"} & set(metrics):
        said = [answer(question) for question, _ in samples]
        try:
            found |= {"BLEU": scores.bleu(said, references)} if "BLEU" in metrics else {}
            found |= {"ROUGE": scores.rouge(said, references)} if "ROUGE" in metrics else {}
        except ImportError:
            words = "BLEU and ROUGE need pip install modelarts-emulator[evaluation]"
            raise ApiError("Emulator.BadControl", words) from None
    return found


def answers_of(settings, deployment: dict, seed: int, tuned: Tuned | None) -> Callable[[str], str]:
    """A function of a question that gives the deployment's most probable answer."""
    backend = backend_named(settings.chat, settings.chat_key)

    def answer(question: str) -> str:
        messages = [{"role": "user", "content": question}]
        asked = Asked(
            deployment["served_model"],
            messages,
            most=deployment["max_output"],
            seed=seed,
            temperature=0,
            tuned=tuned,
        )
        try:
            return "".join(backend.reply(asked).tokens)
        except BackendFailed as error:
            raise ApiError("PANGU.3342", str(error)) from None

    return answer


def add_evaluation(
    world, project_id: str, deployment: dict, place: str, metrics: list[str], found: dict, number: int
) -> dict:
    """Store an evaluation that waits for its turn; what was measured shows when it is completed."""
    evaluation = {
        "evaluation_id": world.new_uuid(),
        "deployment_id": deployment["deployment_id"],
        "model": deployment["model"],
        "dataset": place,
        "samples": number,
        "metrics": metrics,
        "created_at": world.clock.now_ms(),
        "_scores": found,
    }
    table = table_of(world, project_id)
    return EVALUATIONS.bound_to(world, table).add(evaluation)
