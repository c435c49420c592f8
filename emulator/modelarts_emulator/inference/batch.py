"""Batch predictions: from inputs to requests, from replies to result files and manifests."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from io import StringIO
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import orjson

RESULTS = "infer-result"
WORDS = {"true": True, "1": True, "false": False, "0": False}
DROPPED = object()


class Source(NamedTuple):
    """One input file: as a manifest names it, bucket/key of its object, what its result is called by."""

    source: str
    location: str
    name: str


class Request(NamedTuple):
    """What is sent to the model for one file or one row."""

    content_type: str
    body: bytes


class Outcome(NamedTuple):
    """What a batch has come to: the sources with a result, and a sentence for each that failed."""

    done: list[str]
    failed: list[str]


def run_batch(
    sources: list[Source],
    requests_of: Callable[[Source, bytes], Iterable[Request]],
    *,
    destination: str,
    instances: int,
    read: Callable[[str], bytes],
    write: Callable[[str, bytes], None],
    predict: Callable[[Request], tuple[int, bytes]],
) -> Outcome:
    """Predict every source and write the results, each instance its share and a manifest of it.

    requests_of is file_requests or csv_requests, its first argument bound. read takes bucket/key and raises
    KeyError for what is missing; write takes bucket/key below destination, which is bucket/folder; predict
    answers with status and body. A source that fails has no result file, its line in the manifest no inference-loc.
    """
    destination = destination.strip("/")
    done, failed = [], []
    for instance in range(instances):
        lines = []
        for source in sources[instance::instances]:
            line = {"source": source.source}
            try:
                result = results(requests_of(source, read(source.location)), predict)
            except (KeyError, ValueError) as error:
                reason = "there is no such object" if isinstance(error, KeyError) else error
                failed.append(f"{source.source}: {reason}")
            else:
                place = f"{destination}/{RESULTS}/{source.name}_result.txt"
                write(place, result)
                line["inference-loc"] = f"obs://{place}"
                done.append(source.source)
            lines.append(json.dumps(line, ensure_ascii=False))
        write(f"{destination}/{RESULTS}-{instance}.manifest", "".join(f"{line}\n" for line in lines).encode())
    return Outcome(done, failed)


def results(requests: Iterable[Request], predict: Callable[[Request], tuple[int, bytes]]) -> bytes:
    """The replies, one a line; ValueError for the first request that is not answered with success."""
    replies = []
    for number, request in enumerate(requests, 1):
        status, body = predict(request)
        if not 200 <= status < 300:
            raise ValueError(
                f"request {number} was answered with {status}: {body[:200].decode('utf-8', 'replace')}"
            )
        replies.append(body.rstrip(b"\n"))
    return b"\n".join(replies)


def folder_sources(bucket: str, folder: str, keys: Iterable[str], mapping_type: str) -> list[Source]:
    """The files below a folder, named by their path in it; csv mapping takes those that end in .csv."""
    prefix = f"{folder.strip('/')}/" if folder.strip("/") else ""
    files = sorted(key for key in keys if key.startswith(prefix) and not key.endswith("/"))
    if mapping_type == "csv":
        files = [key for key in files if key.lower().endswith(".csv")]
    return [Source(f"obs://{bucket}/{key}", f"{bucket}/{key}", key.removeprefix(prefix)) for key in files]


def manifest_sources(text: str) -> list[Source]:
    """The files a manifest names, by bare name; one that comes again gets its line's number in front.

    Each line is a JSON object whose source is an obs:// or s3:// path or a link to an object; ValueError
    names the line that is not.
    """
    found, names = [], set()
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        if not line.strip():
            continue
        source = manifest_source(number, line)
        location = object_location(source)
        bucket, _, key = location.partition("/")
        if not bucket or not key or key.endswith("/"):
            raise ValueError(
                f"line {number} of the manifest: {source} is no path of or link to a file in OBS"
            )
        name = key.rpartition("/")[2]
        name = f"{number}_{name}" if name in names else name
        names.add(name)
        found.append(Source(source, location, name))
    return found


def manifest_source(number: int, line: str) -> str:
    try:
        source = orjson.loads(line)["source"]
    except (ValueError, LookupError, TypeError):
        source = None
    if not isinstance(source, str):
        raise ValueError(f"line {number} of the manifest is no JSON object with a source")
    return source


def object_location(source: str) -> str:
    """bucket/key of an obs:// or s3:// path or of a link, with its bucket in host or path; else empty."""
    scheme, _, rest = source.partition("://")
    if scheme in ("obs", "s3"):
        return rest
    if scheme not in ("http", "https"):
        return ""
    link = urlsplit(source)
    path = unquote(link.path).lstrip("/")
    bucket, _, domain = (link.hostname or "").partition(".")
    return f"{bucket}/{path}" if domain.startswith("obs.") else path


def file_requests(form_key: str, source: Source, content: bytes) -> Iterator[Request]:
    """The one request of file mapping: the file as the one part of a form."""
    boundary = sha256(content).hexdigest()
    file_name = source.name.rpartition("/")[2].replace('"', "%22")
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{form_key}"; filename="{file_name}"\r\n\r\n'
    )
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    yield Request(f"multipart/form-data; boundary={boundary}", body)


def file_parameter(schema: dict | None) -> str:
    """The one parameter of type file that file mapping sends; ValueError when an api has none or several."""
    declared = (schema or {}).get("properties", {})
    keys = [key for key, each in declared.items() if each.get("type") == "file"]
    if len(declared) != 1 or len(keys) != 1:
        raise ValueError(
            f"mapping_type file needs exactly one parameter, of type file; the api has {[*declared]}"
        )
    return keys[0]


def csv_requests(mapping_rule: dict, source: Source, content: bytes) -> Iterator[Request]:
    """One request a row; ValueError names the row that does not fit the rule or is not UTF-8."""
    rows = csv.reader(StringIO(content.decode("utf-8-sig"), newline=""))
    for number, row in enumerate(rows, 1):
        if row:
            try:
                mapped = mapped_row(mapping_rule, row)
            except ValueError as error:
                raise ValueError(f"row {number}: {error}") from None
            body = {} if mapped is DROPPED else mapped
            yield Request("application/json", json.dumps(body, ensure_ascii=False).encode())


def mapped_row(rule: dict, row: list[str]):
    """The request a rule makes of a row. A leaf without a column of its index is dropped."""
    if "properties" in rule:
        mapped = {name: mapped_row(each, row) for name, each in rule["properties"].items()}
        return {name: value for name, value in mapped.items() if value is not DROPPED}
    if "items" in rule:
        declared = rule["items"] if isinstance(rule["items"], list) else [rule["items"]]
        return [value for value in (mapped_row(each, row) for each in declared) if value is not DROPPED]
    column = str(rule.get("index", -1))
    is_column = column.isascii() and column.isdecimal() and len(column) < 10 and int(column) < len(row)
    if rule.get("type") not in CONVERSIONS or not is_column:
        return DROPPED
    return converted(rule["type"], int(column), row[int(column)].strip())


def converted(kind: str, column: int, text: str):
    try:
        return CONVERSIONS[kind](text)
    except (ValueError, KeyError):
        raise ValueError(f"column {column} holds {text!r}, which is no {kind}") from None


def as_integer(text: str) -> int:
    number = float(text)
    if not number.is_integer():
        raise ValueError(text)
    return int(text) if text.lstrip("+-").isdecimal() else int(number)


def as_boolean(text: str) -> bool:
    return WORDS[text.lower()]


CONVERSIONS = {"string": str, "number": float, "integer": as_integer, "boolean": as_boolean}
