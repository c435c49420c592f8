"""What a page of another origin, and what users have stored, can not do to the console in a browser."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.behaviours.modelarts.training.conftest import create

ATTACK = """<!doctype html><title>elsewhere</title>
<iframe name="inside" src="{console}/console/"></iframe>
<form method="post" action="{console}/console/clock/advance" target="inside"><input name="by" value="1h"></form>"""


@pytest.fixture
def elsewhere(cloud):
    """The address of a page of another site, which has the console in a frame and a form for its clock."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(ATTACK.format(console=cloud.endpoint).encode())

        def log_message(self, *_):
            """Nothing of it belongs into the output of the tests."""

    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    # Of another site than 127.0.0.1, by name.
    yield f"http://localhost:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_page_of_another_site_sees_nothing_and_moves_nothing(tab, cloud, elsewhere):
    now = cloud.clock.now()
    tab.page.goto(elsewhere)
    assert "Overview" not in tab.page.frames[1].content()
    with tab.page.expect_response(f"{cloud.endpoint}/console/clock/advance*") as sent:
        tab.page.evaluate("document.forms[0].submit()")
    assert sent.value.status == 403
    read = "address => fetch(address).then((answer) => answer.text(), () => 'refused')"
    assert tab.page.evaluate(read, f"{cloud.endpoint}/console/") == "refused"
    assert cloud.clock.now() == now
    assert set(tab.strangers) == {elsewhere}
    tab.page.goto("about:blank")
    tab.errors.clear()
    tab.strangers.clear()


def test_scripts_and_styles_that_are_put_into_a_page_do_nothing(tab):
    tab.open("/console/")
    # The picture that is not there is complained about last, when the server has said so.
    with tab.page.expect_console_message(lambda message: "404" in message.text):
        tab.page.evaluate(
            """() => {
                for (const [name, text] of [["script", "window.hit = true"], ["style", "main { display: none }"]])
                    document.body.append(Object.assign(document.createElement(name), { textContent: text }));
                document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.hit = true'>");
                document.querySelector("h1").setAttribute("style", "display: none");
            }"""
        )
    assert tab.page.evaluate("window.hit") is None
    assert tab.find("h1").is_visible()
    assert len([each for each in tab.errors if "Content Security Policy" in each]) >= 4
    tab.errors.clear()


def test_what_users_have_named_is_text(tab, cloud):
    create(cloud, metadata__name="plain", metadata__description="<script>window.hit = true</script>")
    cloud.world.obs.create_bucket("markup")
    cloud.world.obs.write(
        "markup", "<img src=x onerror=alert(1)>.html", b"<script>top.hit = true</script>", "text/html"
    )
    tab.open("/console/obs/markup")
    tab.page.get_by_role("link", name="<img src=x").click()
    tab.wait_for("<script>top.hit = true</script>", "pre")
    assert tab.page.evaluate("window.hit") is None


def test_an_object_is_saved_and_never_shown_as_a_page(tab, cloud):
    cloud.world.obs.create_bucket("markup")
    cloud.world.obs.write("markup", "page.html", b"<script>document.title = 'hit'</script>", "text/html")
    tab.open("/console/obs/markup/object?key=page.html")
    with tab.page.expect_download() as saved:
        tab.page.get_by_role("link", name="Download").click()
    assert saved.value.suggested_filename == "page.html"


@pytest.mark.parametrize(
    "path", ["clock/advance?by=1h", "clock/freeze", "snapshots/x/load", "faults/x/remove"]
)
def test_no_address_that_is_opened_changes_anything(tab, cloud, path):
    now = cloud.clock.now()
    answer = tab.page.goto(f"{cloud.endpoint}/console/{path}")
    assert answer.status == 405
    assert cloud.clock.now() == now
    tab.errors.clear()
