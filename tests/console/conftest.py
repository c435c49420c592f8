"""A browser of the console that reads pages as HTML, and what must hold of every page."""

import json
import shlex
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest
from modelarts_emulator.testing.cloud import connected

# Elements that have no end.
VOID = {"meta", "link", "input", "br", "hr", "img"}
FIELDS = {"input", "select", "textarea"}


class Page(HTMLParser):
    """One answer of the console: status, headers, text, and what its HTML consists of."""

    def __init__(self, status: int, headers: dict, body: bytes):
        super().__init__()
        self.status, self.headers, self.body = status, headers, body
        self.elements: list[tuple[str, dict]] = []
        self.texts: list[str] = []
        self.misnested: list[str] = []
        self.open: list[str] = []
        self.heads: dict[str, list[str]] = {}
        if "html" in headers.get("content-type", ""):
            self.feed(body.decode())
            self.close()

    def handle_starttag(self, tag, attributes):
        # What is told on pointing at a line of a chart is no title of the page.
        self.elements.append(("told" if tag == "title" and "svg" in self.open else tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.misnested.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data):
        self.texts.append(data)
        if self.open:
            self.heads.setdefault(self.open[-1], []).append(data)

    def all(self, tag: str) -> list[dict]:
        """The attributes of all elements of that name."""
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        """What a reader sees, words set apart by single spaces."""
        return " ".join(" ".join(self.texts).split())


class Browser:
    """Asks for pages of the console about one account, and sends its forms."""

    def __init__(self, cloud):
        self.cloud = cloud

    def get(self, path: str, **query) -> Page:
        """The page at a path of the console."""
        return self.send("GET", path, None, **query)

    def post(self, path: str, form: dict | None = None, headers: dict | None = None, **query) -> Page:
        """What a form that is sent gets."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.send("POST", path, urlencode(form or {}).encode(), kind | (headers or {}), **query)

    def send(self, method: str, path: str, body, headers: dict | None = None, **query) -> Page:
        """One request; a page without its own world is about the test's account."""
        if "world" not in query:
            query["world"] = self.cloud.world.tag
        connection = connected(self.cloud.endpoint)
        connection.request(
            method, f"{path}?{urlencode(query)}", body, {"Accept": "text/html", **(headers or {})}
        )
        answer = connection.getresponse()
        page = Page(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        connection.close()
        return page


@pytest.fixture
def browser(cloud):
    """A browser that looks at the test's account."""
    return Browser(cloud)


def problems_of(page: Page) -> list[str]:
    """What is wrong with a page that every page has to get right."""
    found = list(page.misnested) + [f"<{tag}> has no end" for tag in page.open]
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    found += [f"two elements are #{id}" for id in set(ids) if ids.count(id) > 1]
    labelled = {attributes.get("for") for attributes in page.all("label")}
    for tag, attributes in page.elements:
        named = attributes.get("id") in labelled or "aria-label" in attributes
        if tag in FIELDS and attributes.get("type") != "hidden" and not named:
            found.append(f"<{tag} {attributes}> has no label")
        if tag == "table" and not {"aria-label", "aria-labelledby"} & attributes.keys():
            found.append("a table has no name")
        found += [f"<{tag} {name}>" for name in attributes if name == "style" or name.startswith("on")]
        for name in ("src", "href", "action"):
            if "//" in (attributes.get(name) or "") or (attributes.get(name) or "").startswith("javascript:"):
                found.append(f"<{tag} {name}={attributes[name]}> is of another host")
    scripts = [each for each in page.all("script") if "src" not in each]
    found += ["an inline script"] * len(scripts) + ["an inline style"] * len(page.all("style"))
    counts = {tag: len(page.all(tag)) for tag in ("h1", "title", "main")}
    found += [f"{count} of <{tag}>" for tag, count in counts.items() if count != 1]
    if not page.all("html")[0].get("lang"):
        found.append("no language")
    return found


def whole(browser: Browser, path: str, **query) -> Page:
    """The English page, after both languages of it have been held against what must hold of every page."""
    for lang in ("zh", "en"):
        page = browser.get(path, lang=lang, **query)
        assert (page.status, problems_of(page)) == (200, []), page.text
    return page


def sent_command(cloud, command: str):
    """What the emulator answers to a curl command that a page shows."""
    words = [word for word in shlex.split(command) if word.strip()]
    assert words[:2] == ["curl", "-X"] and words[3].startswith(cloud.endpoint), command
    return cloud.send(
        words[2], words[3].removeprefix(cloud.endpoint), json.loads(words[words.index("-d") + 1])
    )
