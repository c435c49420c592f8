"""The samples of a data set: the rows of JSON, JSON lines, CSV, Parquet or plain text."""

import csv
import io
from collections.abc import Iterator

import orjson

TEXTS = (".jsonl", ".csv", ".txt", ".manifest", ".json", ".parquet")
PARQUET = "Parquet files need the package pyarrow: pip install modelarts-emulator[parquet]"
# Under which of its members an object keeps its samples.
LISTS = ("data", "samples", "rows", "examples", "instances")
QUESTIONS = ("context", "prompt", "question", "instruction", "input")
ANSWERS = ("target", "answer", "completion", "output", "response")


class BadSamples(ValueError):
    """A file that holds no samples that can be read; its words say what it is."""


def is_text(name: str) -> bool:
    """Whether a file holds samples as rows; any other file is one sample."""
    return name.lower().endswith(TEXTS)


def count_samples(name: str, content: bytes) -> int:
    """How many samples a file holds: its rows; one where it cannot be read as what its name says."""
    try:
        return sum(1 for _ in rows_in(name, content))
    except BadSamples:
        return 1


def rows_in(name: str, content: bytes) -> Iterator:
    """The rows of a file. BadSamples for what its name says and it is not."""
    kind = name.lower().rpartition(".")[2]
    if kind == "parquet":
        yield from parquet_rows(content)
        return
    text = content.decode("utf-8-sig", "replace")
    if kind == "csv":
        yield from csv_rows(text)
    elif kind == "json" or (kind == "jsonl" and text.lstrip()[:1] == "["):
        yield from json_rows(name, text)
    else:
        for line in text.splitlines():
            if line.strip():
                yield line if kind != "jsonl" else json_of(name, line)


def json_of(name: str, text: str):
    """The value of a JSON text. BadSamples when it is none."""
    try:
        return orjson.loads(text)
    except ValueError as error:
        raise BadSamples(f"{name} is not JSON: {error}") from None


def json_rows(name: str, text: str) -> list:
    """The rows of a JSON array, of an object that keeps one, or of lines of JSON."""
    try:
        value = orjson.loads(text)
    except ValueError:
        return [json_of(name, line) for line in text.splitlines() if line.strip()]
    if isinstance(value, dict):
        return next((value[each] for each in LISTS if isinstance(value.get(each), list)), [value])
    return value if isinstance(value, list) else [value]


def csv_rows(text: str) -> list[dict]:
    """The rows of a table: objects under the names of its first row where that holds names, else numbered."""
    rows = [row for row in csv.reader(io.StringIO(text)) if any(cell.strip() for cell in row)]
    if not rows:
        return []
    if is_header(rows[0]):
        return [dict(zip(rows[0], row, strict=False)) for row in rows[1:]]
    return [{str(at): cell for at, cell in enumerate(row)} for row in rows]


def is_header(row: list[str]) -> bool:
    """Whether a row holds names: short, different and none of them a number."""
    names = [cell.strip() for cell in row]
    return len(set(names)) == len(names) and all(
        name and len(name) < 40 and not is_number(name) for name in names
    )


def is_number(text: str) -> bool:
    """Whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def parquet_rows(content: bytes) -> list[dict]:
    """The rows of a Parquet file. BadSamples when it is none, or nothing here can read it."""
    try:
        from pyarrow import ArrowInvalid
        from pyarrow.parquet import read_table
    except ImportError:
        raise BadSamples(PARQUET) from None
    try:
        return read_table(io.BytesIO(content)).to_pylist()
    except ArrowInvalid as error:
        raise BadSamples(f"no Parquet file: {error}") from None


def pair_of(row) -> tuple[str, str]:
    """(question, answer) of a row for fine-tuning, by the names that are usual; ("", "") where it has none."""
    row = row[-1] if isinstance(row, list) and row else row
    if not isinstance(row, dict):
        return "", ""
    asked = [str(row[name]) for name in QUESTIONS if row.get(name)]
    told = next((row[name] for name in ANSWERS if isinstance(row.get(name), str)), "")
    return "\n".join(asked), told
