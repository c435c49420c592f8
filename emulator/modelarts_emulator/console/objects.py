"""Object storage in the console: buckets and objects looked at, uploaded, downloaded and deleted."""

from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flask import Flask, Response, redirect, render_template, request

from modelarts_emulator.console.addresses import address, offset_asked
from modelarts_emulator.console.asking import world_shown
from modelarts_emulator.control.asking import refuse

if TYPE_CHECKING:
    from modelarts_emulator.application import Application

PATH, TITLE = "/console/obs/", "Object storage"
PAGE = 200
MOST_PREVIEW = 20_000
# What a browser may show as a picture; everything else is only handed out to be saved.
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp")
# How files of these kinds begin: many clients store pictures without saying that they are some.
BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
)


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the object storage into the console."""

    def obs() -> Any:
        return world_shown(application).obs

    @flask.get(PATH)
    def list_buckets():
        return render_template("buckets.html", buckets=obs().buckets())

    @flask.post(PATH)
    def create_bucket():
        bucket = request.form.get("bucket", "")
        carry_out(lambda: obs().create_bucket(bucket))
        return redirect(address(f"{PATH}{bucket}"), 303)

    @flask.get(f"{PATH}<bucket>")
    def list_objects(bucket):
        prefix, offset = request.args.get("prefix", ""), offset_asked()
        below = sizes_below(carry_out(lambda: obs().listing(bucket, prefix)), prefix)
        return render_template(
            "bucket.html", bucket=bucket, prefix=prefix, rows=rows_of(below, prefix, offset), offset=offset,
            page=PAGE, total=len(below), steps=steps_to(prefix),
        )  # fmt: skip

    @flask.post(f"{PATH}<bucket>")
    def upload_object(bucket):
        file, folder = request.files.get("file"), request.form.get("folder", "")
        if file is None or not file.filename:
            refuse("file: none was chosen")
        carry_out(lambda: obs().write(bucket, folder + file.filename, file.read(), file.mimetype or ""))
        return redirect(address(f"{PATH}{bucket}", prefix=folder or None), 303)

    @flask.get(f"{PATH}<bucket>/object")
    def show_object(bucket):
        key = request.args.get("key", "")
        shown = carry_out(lambda: object_shown(obs(), bucket, key))
        return render_template("object.html", bucket=bucket, key=key, folder=folder_of(key), **vars(shown))

    @flask.get(f"{PATH}<bucket>/content")
    def download_object(bucket):
        key = request.args.get("key", "")
        return carry_out(lambda: handed_out(obs(), bucket, key))

    @flask.post(f"{PATH}<bucket>/delete")
    def delete_object(bucket):
        key = request.form.get("key", "")
        carry_out(lambda: (obs().size(bucket, key), obs().delete(bucket, key)))
        return redirect(address(f"{PATH}{bucket}", prefix=folder_of(key) or None), 303)


def carry_out(what: Any) -> Any:
    """What comes of it; 404 for what is not there, 400 in words for what OBS refuses."""
    try:
        return what()
    except KeyError as error:
        refuse(f"there is no {error.args[0] or 'object without a name'} in the object storage", 404)
    except ValueError as error:
        refuse(str(error))


def folder_of(key: str) -> str:
    """The folder that an object lies in, with its slash; empty for none."""
    return key[: key.rfind("/") + 1]


def steps_to(prefix: str) -> list[tuple[str, str]]:
    """(name, key) of each folder on the way to a prefix, itself the last."""
    names = [name for name in prefix.split("/") if name]
    return [(name, "/".join(names[: at + 1]) + "/") for at, name in enumerate(names)]


def sizes_below(listing: list[tuple[str, int]], prefix: str) -> dict[str, int]:
    """{name: bytes} of folders, with their slash, and objects one step below a prefix, in the order of their names."""
    start, sizes = len(prefix), {}
    for key, size in listing:
        end = key.find("/", start) + 1
        name = key[start:end] if end else key[start:]
        sizes[name] = sizes.get(name, 0) + size
    return sizes


def rows_of(sizes: dict[str, int], prefix: str, offset: int) -> list[dict]:
    """A page of what is below a prefix."""
    return [
        {"name": name, "key": prefix + name, "folder": name.endswith("/"), "bytes": size}
        for name, size in islice(sizes.items(), offset, offset + PAGE)
    ]


class Shown:
    """What a page tells of an object. text: its beginning where it is text; picture: whether a browser shows it."""

    def __init__(self, kind: str, size: int, start: bytes):
        self.kind = kind
        self.size = size
        self.picture = kind in PICTURES
        self.text = "" if self.picture or b"\0" in start else start.decode("utf-8", "replace")


def object_shown(obs: Any, bucket: str, key: str) -> Shown:
    """The kind, the size and the beginning of an object."""
    size = obs.size(bucket, key)
    start = obs.read(bucket, key, MOST_PREVIEW) if size else b""
    return Shown(kind_of(obs.content_type(bucket, key), start), size, start)


def kind_of(kind: str, start: bytes) -> str:
    """The content type of an object; that of a picture for what begins as one and was stored as just bytes."""
    if kind not in ("", "binary/octet-stream", "application/octet-stream"):
        return kind
    return next((each for beginning, each in BEGINNINGS if start.startswith(beginning)), kind)


def handed_out(obs: Any, bucket: str, key: str) -> Response:
    """The content to be saved. It is the user's and must not run as a page of the console."""
    content = obs.read(bucket, key)
    kind = kind_of(obs.content_type(bucket, key), content)
    answer = Response(content, content_type=kind if kind in PICTURES else "application/octet-stream")
    name = quote(key.rstrip("/").rpartition("/")[2] or "object", safe="")
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer
