"""What an operation answers, before it is put into the client's dialect."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from modelarts_emulator.obs import xml
from modelarts_emulator.obs.dialects import NAMESPACES, header_name


@dataclass(slots=True)
class Reply:
    """An answer. extension: headers without the x-obs- or x-amz- before their names.

    length: of a body that is not sent, or that comes in pieces. pieces: a content that is not in memory, to be read to
    its end or closed.
    """

    status: int = 200
    body: bytes = b""
    headers: dict = field(default_factory=dict)
    extension: dict = field(default_factory=dict)
    length: int | None = None
    pieces: Iterable[bytes] | None = None

    def content(self) -> bytes:
        """The body, in memory as a whole."""
        return self.body if self.pieces is None else b"".join(self.pieces)

    def header_list(self, dialect: str) -> list[tuple[str, str]]:
        """All headers as the client reads them."""
        own = [(header_name(name, dialect), str(value)) for name, value in self.extension.items()]
        return [*self.headers.items(), *own]


def xml_reply(request, root: str, *elements: str, status: int = 200, extension: dict | None = None) -> Reply:
    """A document in the namespace of the client's dialect."""
    body = xml.document(root, *elements, namespace=NAMESPACES[request.dialect])
    return Reply(status, body, {"Content-Type": "application/xml"}, extension or {})


def document_reply(body: bytes, kind: str = "application/xml") -> Reply:
    """A document that is already written."""
    return Reply(200, body, {"Content-Type": kind})
