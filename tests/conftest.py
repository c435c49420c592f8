"""What all tests share: pytester, draws that are the same every time, requests in process."""

import gc
import io
import json
from typing import NamedTuple
from urllib.parse import quote, unquote

import pytest
from hypothesis import HealthCheck, settings

from tests import answers
from tests.pages_of_lists import WholeLists

pytest_plugins = ["pytester"]
WHOLE_LISTS = WholeLists()
answers.listen(answers.hold_answer)
answers.listen(WHOLE_LISTS.note)

settings.register_profile(
    "same-every-time",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("same-every-time")

# A stored configuration of a v1 job: what can be made, changed and listed with the least around it.
CONFIGS = "/v1/{project_id}/training-job-configs"
CONFIG = {
    "app_url": "/usr/app/",
    "boot_file_url": "/usr/app/boot.py",
    "data_url": "/usr/data/",
    "engine_id": 4,
    "spec_id": 2,
    "worker_server_num": 1,
}

# The plainest training job.
JOB = {
    "kind": "job",
    "metadata": {"name": "resnet"},
    "algorithm": {
        "code_dir": "/code/",
        "boot_file": "/code/train.py",
        "engine": {"engine_id": "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"},
    },
    "spec": {"resource": {"flavor_id": "modelarts.vm.cpu.8u", "node_count": 1}},
}


class Answered:
    """What the application answered in process: status, headers, body."""

    def __init__(self, application, method: str, path: str, query: str = "", headers=None, body: bytes = b""):
        environ = {
            "REQUEST_METHOD": method,
            "RAW_URI": f"{path}?{query}" if query else path,
            "PATH_INFO": unquote(path),
            "QUERY_STRING": query,
            "SERVER_PROTOCOL": "HTTP/1.1",
            "SERVER_PORT": "80",
            "HTTP_HOST": "127.0.0.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": "application/json",
        }
        for name, value in (headers or {}).items():
            plain = name.upper().replace("-", "_")
            environ[plain if plain == "CONTENT_TYPE" else f"HTTP_{plain}"] = value
        frames = application(environ, self._start)
        self.body = b"".join(frames)

    def _start(self, status: str, headers: list, exc_info=None):
        self.status = int(status[:3])
        self.headers = {name.lower(): value for name, value in headers}

    @property
    def json(self):
        """The JSON value of the body."""
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:300].decode()}"


def refusal(reply) -> tuple[int, str]:
    """Status and code of a refusal."""
    return reply.status, reply.json["error_code"]


def path_of(operation, values: dict) -> str:
    """The raw path of the operation with these values in it."""
    path = operation.path
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    return path


def query_of(values: dict) -> str:
    """A query string."""
    return "&".join(f"{quote(name)}={quote(value, safe=',')}" for name, value in values.items())


def add_workspace(cloud, id: str) -> str:
    """A public workspace with that id, which the API itself would not give it."""
    record = {"id": id, "name": id, "status": "NORMAL", "auth_type": "public", "grants": [], "_owner_id": ""}
    with cloud.world.transaction():
        cloud.world.store.table(f"modelarts/workspaces/workspace/{cloud.project_id}").put(id, record)
    return id


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish():
    """Collect garbage before the controller hears that this process is done: it interrupts who is not gone 5 s later.

    pytest collects several times on its way out, which takes longer than that on a busy machine; what is frozen is not
    looked at again.
    """
    gc.collect()
    gc.freeze()


class Stranger(NamedTuple):
    """A second user of the account. options: of a request that comes from that user."""

    id: str
    name: str
    options: dict


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item):
    """Hold the lists that a test has asked for to their pages.

    A test that leaves the collection of garbage off lets the tests after it eat up all memory.
    """
    if "cloud" in item.funcargs:
        with answers.unheard():
            WHOLE_LISTS.hold(item.funcargs["cloud"])
    if not gc.isenabled():
        gc.enable()
        pytest.fail("the collection of garbage is off after this test", pytrace=False)


@pytest.fixture
def stranger(cloud):
    """A federated user of the account."""
    body = {"auth": {"id_token": {"id": "x"}, "scope": {"project": {"id": cloud.project_id}}}}
    provider = {"X-Idp-Id": cloud.domain_name}
    reply = cloud.post("/v3.0/OS-AUTH/id-token/tokens", body, headers=provider, auth=False)
    assert reply.status == 200, reply
    user = reply.json["token"]["user"]
    return Stranger(user["id"], user["name"], {"headers": {"X-Auth-Token": reply.headers["x-subject-token"]}})
