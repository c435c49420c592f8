"""XML as OBS reads and writes it: small documents, built as text, read without entities and namespaces."""

import re
from xml.etree import ElementTree

DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
# XML 1.0 has no way to tell some characters, not even by number.
UNTELLABLE = [*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF]
ESCAPES = dict.fromkeys(UNTELLABLE, "\ufffd") | str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;", '"': "&quot;"}
)
DEEPEST = 20


class BadXml(Exception):
    """The body is no XML, or none that a request of OBS may be."""


def element(tag: str, content="", attributes: dict | None = None) -> str:
    """One element; content is text, a number, a bool, or further elements in a list or tuple."""
    if isinstance(content, list | tuple):
        inner = "".join(content)
    elif isinstance(content, bool):
        inner = "true" if content else "false"
    else:
        inner = str(content).translate(ESCAPES)
    named = "".join(f' {name}="{value.translate(ESCAPES)}"' for name, value in (attributes or {}).items())
    return f"<{tag}{named}>{inner}</{tag}>"


def optional(tag: str, content) -> str:
    """The element, or nothing when there is no content."""
    return element(tag, content) if content not in (None, "") else ""


def document(root: str, *elements: str, namespace: str = "") -> bytes:
    """A whole document."""
    attributes = {"xmlns": namespace} if namespace else None
    return (DECLARATION + element(root, elements, attributes)).encode()


def read(body: bytes, root: str) -> ElementTree.Element:
    """The document's root with all namespaces taken away. BadXml when it is no XML or has another root."""
    if re.search(rb"<!(DOCTYPE|ENTITY)|\x00", body, re.IGNORECASE):
        raise BadXml("document type definitions and encodings other than UTF-8 are not accepted")
    try:
        tree = ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise BadXml(str(error)) from None
    strip_namespaces(tree)
    if tree.tag != root:
        raise BadXml(f"the root element is {tree.tag}, must be {root}")
    return tree


def strip_namespaces(node: ElementTree.Element, depth: int = 0) -> None:
    """Take the namespaces off all tags and attributes below. BadXml when it is nested too deep."""
    if depth > DEEPEST:
        raise BadXml(f"elements are nested more than {DEEPEST} deep")
    node.tag = node.tag.rpartition("}")[2]
    node.attrib = {name.rpartition("}")[2]: value for name, value in node.attrib.items()}
    for child in node:
        strip_namespaces(child, depth + 1)


def text_of(node: ElementTree.Element, path: str) -> str | None:
    """The text at the path, without the white space around it; None when the element is not there."""
    found = node.find(path)
    return None if found is None else (found.text or "").strip()


def written(node: ElementTree.Element) -> str:
    """The element as text, without white space between elements."""
    content = [written(child) for child in node] if len(node) else (node.text or "")
    if isinstance(content, str) and not content.strip():
        content = content.strip()
    return element(node.tag, content, attributes_of(node))


def attributes_of(node: ElementTree.Element) -> dict | None:
    """The attributes to write: a `type` is a grantee's, which needs its namespace."""
    if "type" in node.attrib:
        xsi = "http://www.w3.org/2001/XMLSchema-instance"
        return {"xmlns:xsi": xsi, "xsi:type": node.attrib["type"]}
    return None
