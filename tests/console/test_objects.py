"""Object storage in the console: looked at, uploaded, downloaded, deleted."""

import pytest

from tests.console.conftest import whole

OBS = "/console/obs/"
FORM = {"Content-Type": "multipart/form-data; boundary=x"}
# The smallest thing that a browser would run.
PAGE = b"<script>alert(1)</script>"


@pytest.fixture
def obs(cloud):
    """The object storage of the account, with one bucket."""
    cloud.world.obs.create_bucket("data")
    return cloud.world.obs


def upload(browser, name: str, content: bytes, folder: str = ""):
    """Send the form that uploads a file."""
    part = "--x\r\nContent-Disposition: form-data; name="
    head = f'{part}"folder"\r\n\r\n{folder}\r\n{part}"file"; filename="{name}"\r\nContent-Type: text/html\r\n\r\n'
    return browser.send("POST", f"{OBS}data", head.encode() + content + b"\r\n--x--\r\n", FORM)


def test_a_bucket_is_created_and_its_folders_are_shown(browser, cloud):
    assert browser.post(OBS, {"bucket": "data"}).status == 303
    cloud.world.obs.write("data", "a/b/c.txt", b"hello")
    assert "data" in whole(browser, OBS).text
    assert "a/ 5" in whole(browser, f"{OBS}data").text
    assert "c.txt 5" in whole(browser, f"{OBS}data", prefix="a/b/").text


def test_a_file_is_uploaded_shown_and_deleted(browser, obs):
    assert upload(browser, "page.html", PAGE, "up/").status == 303
    assert obs.read("data", "up/page.html") == PAGE
    shown = whole(browser, f"{OBS}data/object", key="up/page.html")
    assert PAGE.decode() in shown.heads["pre"]
    assert browser.post(f"{OBS}data/delete", {"key": "up/page.html"}).status == 303
    assert obs.keys("data") == []


def test_what_users_have_stored_is_handed_out_to_be_saved_and_never_run(browser, obs):
    obs.write("data", "page.html", PAGE, "text/html")
    answer = browser.get(f"{OBS}data/content", key="page.html")
    assert (answer.status, answer.body) == (200, PAGE)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [("nowhere", 404, "there is no nowhere"), ("data/object?key=x", 404, "there is no data/x")],
)
def test_what_is_not_there_is_told_in_words(browser, obs, path, status, words):
    path, _, key = path.partition("?key=")
    page = browser.get(f"{OBS}{path}", key=key)
    assert (page.status, words in page.text) == (status, True)


def test_a_name_that_obs_refuses_is_refused_in_its_words(browser):
    assert browser.post(OBS, {"bucket": "A B"}).status == 400


def test_what_is_to_be_deleted_is_not_deleted_by_looking(browser, obs):
    obs.write("data", "kept", b"x")
    assert browser.get(f"{OBS}data/delete", key="kept").status == 405
    assert obs.exists("data", "kept")
