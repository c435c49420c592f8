"""A model behind its apis: from a request to what hooks take, from what they return to an answer."""

import json
import traceback
from pathlib import Path

from modelarts_serving import frames, multipart
from modelarts_serving.loading import CUSTOM, load_service

FAILED = {"erno": "MR.0105", "msg": "Recognition failed", "words_result": {}}
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
LONGEST_REASON = 500


class Model:
    """The loaded service of one package. answer() never raises an Exception of the package's code."""

    def __init__(self, folder: str, engine: str, model_name: str, apis: list[list[str]]):
        self.methods = {}
        for url, method in apis:
            self.methods.setdefault(url, []).append(method)
        self.service = load_service(folder, engine, model_name)

    def answer(self, path: str, method: str, content_type: str, body: bytes) -> tuple[int, str, bytes]:
        """Status, content type and body of the answer to one request."""
        if path not in self.methods:
            return refusal(404, f"{path} is no api of this model; it has {', '.join(self.methods)}")
        if method not in self.methods[path]:
            return refusal(405, f"{path} takes {' or '.join(self.methods[path])}, not {method}")
        try:
            data = request_data(content_type, body, self.service.takes_text)
        except RecursionError:
            return refusal(400, "the body is nested too deeply")
        except ValueError as error:
            return refusal(400, str(error))

        try:
            return sendable(*shown(self.service.inference(data)))
        except Exception as error:
            traceback.print_exc()
            return 500, JSON, encoded(FAILED | {"reason": reason_of(error)})


def reason_of(error: Exception) -> str:
    """What was raised, and where: the last place in the package, or the last at all."""
    places = traceback.extract_tb(error.__traceback__)
    place = next((place for place in reversed(places) if CUSTOM in place.filename), places[-1])
    words = traceback.format_exception_only(error)[-1].strip()[:LONGEST_REASON]
    told = f"{words} ({Path(place.filename).name}, line {place.lineno})"
    return told.encode("utf-8", "replace").decode()


def refusal(status: int, reason: str) -> tuple[int, str, bytes]:
    return status, JSON, encoded({"erno": "MR.0101", "msg": reason})


def request_data(content_type: str, body: bytes, takes_text: bool):
    """What _preprocess is given; ValueError when the body is not what its content type says."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return multipart.parse(content_type, body)
    if kind not in (JSON, "", "text/plain"):
        return body
    text = body.decode("utf-8")
    if takes_text or not text:
        return text
    return json.loads(text)


def shown(reply) -> tuple[int, str, bytes]:
    """Bytes are sent as they are, and so is a text, which is JSON already or else plain text."""
    if isinstance(reply, bytes | bytearray | memoryview):
        return 200, "application/octet-stream", bytes(reply)
    if not isinstance(reply, str):
        return 200, JSON, encoded(reply)
    return 200, JSON if is_json(reply) else TEXT, str.encode(reply)


def sendable(status: int, content_type: str, content: bytes) -> tuple[int, str, bytes]:
    """The answer itself; ValueError for one that is too large to leave the process."""
    if len(content) > frames.LARGEST_BODY:
        raise ValueError(f"the answer has {len(content)} bytes, at most {frames.LARGEST_BODY} are allowed")
    return status, content_type, content


def is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        return False
    return True


def refuse_constant(name: str):
    raise ValueError(f"{name} is not JSON")


def encoded(value) -> bytes:
    """JSON text. ValueError or TypeError for what JSON cannot say, such as NaN, bytes or a list that holds itself."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, default=as_json).encode()


def as_json(value):
    """Arrays, tensors and numbers of numpy or torch as lists and numbers."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not JSON serializable")
