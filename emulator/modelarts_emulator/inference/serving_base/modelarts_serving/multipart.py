"""multipart/form-data as model packages get it: {key: {file_name: file}}."""

from io import BytesIO


class Upload(BytesIO):
    """One uploaded file, open for reading, with the names the form gave it."""

    def __init__(self, content: bytes, filename: str, content_type: str):
        super().__init__(content)
        self.filename = filename
        self.content_type = content_type


def parse(content_type: str, body: bytes) -> dict:
    """Files by key and file name, plain fields as texts by key; ValueError when the body is no form."""
    # A package that gets no forms does not wait for this import.
    from werkzeug.http import parse_options_header
    from werkzeug.sansio.multipart import Epilogue, File, MultipartDecoder

    boundary = parse_options_header(content_type)[1].get("boundary")
    if not boundary:
        raise ValueError("multipart/form-data without a boundary")
    decoder = MultipartDecoder(boundary.encode("latin-1"))
    decoder.receive_data(body)
    decoder.receive_data(None)

    form: dict = {}
    for part, content in parts_of(decoder, Epilogue):
        if part.name is None:
            raise ValueError("a part without a name")
        if isinstance(part, File):
            add_file(form, part, content)
        else:
            form[part.name] = content.decode("utf-8", "replace")
    return form


def parts_of(decoder, end: type):
    """(what the headers of a part say, its content) of each part; ValueError where the body is cut off."""
    part, content = None, []
    while not isinstance(event := decoder.next_event(), end):
        if hasattr(event, "name"):
            part, content = event, []
        elif part is not None:
            content.append(event.data)
            if not event.more_data:
                yield part, b"".join(content)


def add_file(form: dict, part, content: bytes) -> None:
    """Put a file under its key, beside others of that key."""
    files = form.setdefault(part.name, {})
    if not isinstance(files, dict):
        raise ValueError(f"{part.name} is a text and a file at once")
    content_type = part.headers.get("content-type", "application/octet-stream")
    files[part.filename] = Upload(content, part.filename, content_type)
