"""Lists against their definition: whatever is stored, asked for and paged through, nothing is lost or told twice."""

import re
from urllib.parse import quote, unquote

from hypothesis import given
from hypothesis import strategies as st
from modelarts_emulator.obs.listing import page_of

from tests.obs.conftest import Direct

LETTERS = st.text("ab/-\U0010ffff", min_size=1, max_size=6)


def expected(names, prefix, delimiter, marker):
    """Keys and common prefixes in order, by definition."""
    found = []
    for name in sorted(names):
        if name.startswith(prefix):
            cut = name.find(delimiter, len(prefix)) if delimiter else -1
            shown = name[: cut + len(delimiter)] if cut >= 0 else name
            if shown > marker and shown not in found:
                found.append(shown)
    return sorted(found)


@given(
    names=st.sets(LETTERS, max_size=25),
    prefix=st.text("ab/", max_size=2),
    delimiter=st.sampled_from(("", "/", "-", "a/", "\U0010ffff")),
    most=st.integers(1, 4),
)
def test_the_pages_of_a_list_are_the_list(names, prefix, delimiter, most):
    found, marker = [], ""
    for _ in range(100):
        page = page_of(sorted(names), prefix, delimiter, marker, most, lambda name: [name])
        assert len(page.rows) + len(page.prefixes) <= most
        found += sorted([*page.rows, *page.prefixes])
        if page.last is None:
            break
        marker = page.last
    assert found == expected(names, prefix, delimiter, "")


@given(st.sets(LETTERS, max_size=12), st.sampled_from(("", "/")), LETTERS)
def test_a_list_begins_after_its_marker(names, delimiter, marker):
    page = page_of(sorted(names), "", delimiter, marker, 1000, lambda name: [name])
    assert sorted([*page.rows, *page.prefixes]) == expected(names, "", delimiter, marker)


KEYS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8)


@given(st.sets(KEYS, min_size=1, max_size=8), st.booleans())
def test_names_of_any_letters_are_told_in_xml(names, encoded):
    direct = Direct(auth="off")
    direct.send("PUT", "/data")
    kept = {name for name in names if direct.send("PUT", f"/data/{quote(name, '')}", b"1").status == 200}
    text = direct.send("GET", "/data" + ("?encoding-type=url" if encoded else "")).body.decode()
    shown = re.findall("<Key>(.*?)</Key>", text, re.DOTALL)
    if encoded:
        assert [unquote(name) for name in shown] == sorted(kept)
    else:
        from xml.etree import ElementTree

        tree = ElementTree.fromstring(text)
        assert [node.text for node in tree.iter() if node.tag.endswith("}Key")] == sorted(kept)
    assert direct.failures == []


def test_a_deleted_object_of_a_bucket_with_versions_is_not_listed():
    direct = Direct(auth="off")
    direct.send("PUT", "/data")
    status = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    direct.send("PUT", "/data?versioning", status)
    for name in "abc":
        direct.send("PUT", f"/data/{name}", b"1")
    direct.send("DELETE", "/data/b")
    text = direct.send("GET", "/data?max-keys=2").body.decode()
    assert re.findall("<Key>(.*?)</Key>", text) == ["a", "c"]
    assert "<IsTruncated>false</IsTruncated>" in text


def test_uploads_under_way_are_paged():
    direct = Direct(auth="off")
    direct.send("PUT", "/data")
    made = []
    for key in ("a", "b", "b", "b", "c", "d/e"):
        text = direct.send("POST", f"/data/{key}?uploads").body.decode()
        made.append((key, re.search("<UploadId>(.*?)</UploadId>", text)[1]))
        direct.now += 1
    found, query = [], "?uploads&max-uploads=2"
    while True:
        text = direct.send("GET", f"/data{query}").body.decode()
        rows = re.findall("<Upload><Key>(.*?)</Key><UploadId>(.*?)</UploadId>", text)
        found += rows
        if "<IsTruncated>true</IsTruncated>" not in text:
            break
        key, upload = rows[-1]
        query = f"?uploads&max-uploads=2&key-marker={quote(key, '')}&upload-id-marker={upload}"
    assert found == made
    folded = direct.send("GET", "/data?uploads&delimiter=/").body.decode()
    assert "<CommonPrefixes><Prefix>d/</Prefix></CommonPrefixes>" in folded
