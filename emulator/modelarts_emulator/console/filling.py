"""Forms of a page with what was typed into them before: so no template has to say it of each field."""

import re
from collections.abc import Mapping
from html import escape, unescape
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import parse_qs

from werkzeug.datastructures import MultiDict

FIELDS = ("input", "select", "option", "textarea")
# What holds nothing that a page may fill in: browsers let none choose a file.
KEPT = ("hidden", "file", "submit", "button")
CHOSEN = {"checkbox": "checked", "radio": "checked"}


class Field(NamedTuple):
    """A field of a form: from which to which part of the page it goes. name: for an option that of its select."""

    tag: str
    name: str
    attributes: dict[str, str | None]
    start: int
    end: list[int]

    @property
    def kind(self) -> str:
        """The type of an input, "" of anything else."""
        return self.attributes.get("type") or "" if self.tag == "input" else ""


class Form(NamedTuple):
    """A form of a page. details: the parts where what it is in, or has in it, can be opened."""

    action: str
    fields: list[Field]
    details: list[int]


class Parts(HTMLParser):
    """A page in parts, tags and what is between them, and the forms in it."""

    def __init__(self, html: str):
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._details: list[int] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        at, attributes = len(self.parts), dict(attrs)
        self.parts.append(self.get_starttag_text() or "")
        if tag == "details":
            self._details.append(at)
            if self._form:
                self._form.details.append(at)
        elif tag == "form":
            self._form = Form(attributes.get("action") or "", [], [*self._details])
            self.forms.append(self._form)
        elif self._form and tag in FIELDS:
            above = self._form.fields[-1].name if tag == "option" else ""
            self._form.fields.append(Field(tag, attributes.get("name") or above, attributes, at, [at]))

    def handle_startendtag(self, tag, attrs):
        self.parts.append(self.get_starttag_text() or "")

    def handle_endtag(self, tag):
        if tag == "details":
            self._details.pop()
        elif tag == "form":
            self._form = None
        elif self._form and tag in ("select", "textarea"):
            field = next(each for each in reversed(self._form.fields) if each.tag == tag)
            field.end[0] = len(self.parts)
        self.parts.append(f"</{tag}>")

    def handle_data(self, data):
        self.parts.append(data)

    def handle_entityref(self, name):
        self.parts.append(f"&{name};")

    def handle_charref(self, name):
        self.parts.append(f"&#{name};")

    def handle_decl(self, decl):
        self.parts.append(f"<!{decl}>")


def fill_in(html: str, action: str, typed: "MultiDict[str, str]", words: str) -> str:
    """The page with what was typed in the form of that action, and the words at the fields whose place they name."""
    page = Parts(html)
    form = next((each for each in page.forms if is_sent(each, action, typed)), None)
    if form is None:
        return html
    for at in form.details:
        page.parts[at] = page.parts[at].replace("<details", "<details open", 1)
    fields = [each for each in form.fields if each.name and each.kind != "hidden"]
    for field in fields:
        fill_field(page.parts, field, typed)
    places = [each for each in fields if each.tag != "option"]
    # A form with one field leaves no choice.
    faulty = places if len(places) == 1 else [each for each in places if concerns(words, each.name)]
    for field in faulty[:1]:
        tell_at(page.parts, field, words)
    return "".join(page.parts)


def is_sent(form: Form, action: str, typed: Mapping[str, str]) -> bool:
    """Whether it is this form that was sent: several of a page may have one action, and differ in what they hide."""
    hidden = [each for each in form.fields if each.kind == "hidden"]
    return split(form.action) == split(action) and all(
        typed.get(each.name) == (each.attributes.get("value") or "") for each in hidden
    )


def split(address: str) -> tuple[str, dict[str, list[str]]]:
    """Path and query of an address."""
    path, _, query = address.partition("?")
    return path, parse_qs(query)


def fill_field(parts: list[str], field: Field, typed: "MultiDict[str, str]") -> None:
    """Write into the parts of a page what the field held."""
    values = typed.getlist(field.name)
    mark = "selected" if field.tag == "option" else CHOSEN.get(field.kind)
    if mark:
        own = field.attributes.get("value")
        field.attributes.pop(mark, None)
        if (
            unescape(parts[field.start + 1]).strip() if own is None and field.tag == "option" else own
        ) in values:
            field.attributes[mark] = None
    elif values and field.tag == "textarea":
        end = field.end[0]
        parts[field.start + 1 : end] = [""] * (end - field.start - 1)
        # The first line break of a text area is none of its text.
        parts[end] = f"\n{escape(values[0])}{parts[end]}"
    elif values and field.tag == "input" and field.kind not in KEPT:
        field.attributes["value"] = values[0]
    parts[field.start] = start_tag(field)


def start_tag(field: Field) -> str:
    """The tag that a field begins with."""
    told = "".join(
        f" {name}" if value is None else f' {name}="{escape(value)}"'
        for name, value in field.attributes.items()
    )
    return f"<{field.tag}{told}>"


def concerns(words: str, name: str) -> bool:
    """Whether a refusal names the place that a field fills, as in `$.name: ...`, `query.name: ...` or `name: ...`."""
    last = re.escape(name.partition(".")[2] or name)
    return re.search(rf"(?:^|[\s.]){last}(?:[.\[][^:\s]*)?: ", words) is not None


def tell_at(parts: list[str], field: Field, words: str) -> None:
    """Write the words behind a field, and lead the reader there."""
    id = f"fault-{field.attributes.get('id') or field.name}"
    described = " ".join(filter(None, [field.attributes.get("aria-describedby"), id]))
    field.attributes.update({"aria-invalid": "true", "aria-describedby": described, "autofocus": None})
    parts[field.start] = start_tag(field)
    parts[field.end[0]] += f'<span class="fault" id="{escape(id)}">{escape(words)}</span>'
