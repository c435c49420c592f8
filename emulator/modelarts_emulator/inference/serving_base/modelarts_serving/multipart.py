"""multipart/form-data as model packages get it: {key: {file_name: file}}."""

import re
from io import BytesIO

BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
PARAMETER = re.compile(r'([\w*-]+)="((?:[^"\\]|\\.)*)"')


class Upload(BytesIO):
    """One uploaded file, open for reading, with the names the form gave it."""

    def __init__(self, content: bytes, filename: str, content_type: str):
        super().__init__(content)
        self.filename = filename
        self.content_type = content_type


def parse(content_type: str, body: bytes) -> dict:
    """Files by key and file name, plain fields as texts by key; ValueError when the body is no form."""
    named = BOUNDARY.search(content_type)
    if named is None:
        raise ValueError("multipart/form-data without a boundary")
    delimiter = b"--" + named[1].strip().encode("latin-1")
    if not body.startswith(delimiter):
        raise ValueError("the body does not begin with the boundary of its Content-Type")

    parts = (b"\r\n" + body).split(b"\r\n" + delimiter)[1:]
    if len(parts) < 2 or not parts[-1].startswith(b"--"):
        raise ValueError("the body ends without its closing boundary")
    form = {}
    for part in parts[:-1]:
        headers, _, content = part.lstrip(b"\r\n").partition(b"\r\n\r\n")
        add_part(form, header_lines(headers), content)
    return form


def header_lines(headers: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in headers.decode("utf-8", "replace").split("\r\n"))
    return {name.strip().lower(): value.strip() for name, _, value in lines}


def add_part(form: dict, headers: dict[str, str], content: bytes) -> None:
    parameters = dict(PARAMETER.findall(headers.get("content-disposition", "")))
    if "name" not in parameters:
        raise ValueError("a part without a name")
    key = parameters["name"]
    if "filename" not in parameters:
        form[key] = content.decode("utf-8", "replace")
        return
    file_name = parameters["filename"].replace('\\"', '"')
    files = form.setdefault(key, {})
    if not isinstance(files, dict):
        raise ValueError(f"{key} is a text and a file at once")
    files[file_name] = Upload(content, file_name, headers.get("content-type", "application/octet-stream"))
