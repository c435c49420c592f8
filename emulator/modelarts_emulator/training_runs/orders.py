"""What a run is asked to do, and what it comes to."""

import os
import sys
from typing import NamedTuple

HOME = "/home/ma-user"
MOUNT = f"{HOME}/modelarts"
JOB_DIR = f"{MOUNT}/user-job-dir"
MEMORY = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


class Limits(NamedTuple):
    """What a job may use of this machine, all of its tasks together; seconds are real ones.

    seconds: until the script is ended. grace_seconds: between the signal that asks it to end and the one that ends it.
    """

    memory_bytes: int = min(8 << 30, MEMORY * 3 // 4)
    disk_bytes: int = 20 << 30
    cpu_seconds: int = 86400
    seconds: float = 3600
    grace_seconds: float = 15
    upload_seconds: float = 30
    mirror_seconds: float = 5


class Place(NamedTuple):
    """A bucket and a prefix that is empty or ends in a slash."""

    bucket: str
    prefix: str

    def below(self, name: str) -> "Place":
        """The folder of that name in it."""
        return Place(self.bucket, f"{self.prefix}{name}/")


class Channel(NamedTuple):
    """An input or output: where it lies in OBS (None: nowhere) and where in the container, and how the script is told.

    by: "parameter" or "env". is_fetched: an output into which its place is downloaded first.
    """

    name: str
    local_dir: str
    place: Place | None
    url: str = ""
    by: str = "parameter"
    is_fetched: bool = False


class Mirror(NamedTuple):
    """A copy that follows what lies in OBS while a run goes on, and that the run can only read.

    names: a pattern of the names, below the place, that are copied.
    """

    place: Place
    local_dir: str
    names: str


class Access(NamedTuple):
    """How scripts reach the object storage: its address on this machine, and keys for it."""

    host: str
    port: int
    access_key: str
    secret_key: str


class Order(NamedTuple):
    """One attempt of a job.

    code: where its code directory lies; boot_file: the path of the script in it; command: what is started instead, as a
    shell would read it. parameters: (name, value) in their order. environment: what the user has set. cards: how many
    accelerators a node has; is_ascend: whether they are NPUs. runner: the module that starts the boot file, if any.
    installs: whether the packages that the code asks for are installed for the job. mirror: what it can read beside its
    inputs. answers: whether its task answers the connections that it is handed at descriptor 3.
    """

    job_id: str
    nodes: int = 1
    code: Place | None = None
    code_name: str = ""
    code_parent: str = JOB_DIR
    boot_file: str = ""
    command: str = ""
    working_dir: str = ""
    runner: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    inputs: tuple[Channel, ...] = ()
    outputs: tuple[Channel, ...] = ()
    environment: dict[str, str] = {}
    preset: dict[str, str] = {}
    cards: int = 0
    is_ascend: bool = False
    region: str = ""
    access: Access | None = None
    limits: Limits = Limits()
    namespaces: bool = True
    installs: bool = False
    mirror: Mirror | None = None
    answers: bool = False

    @property
    def code_dir(self) -> str:
        """Where the code lies in the container."""
        return f"{self.code_parent}/{self.code_name}" if self.code_name else self.code_parent

    @property
    def name(self) -> str:
        """The job as its container knows it."""
        return f"modelarts-job-{self.job_id}"


class Outcome(NamedTuple):
    """How a run has ended.

    codes: what each task exited with, empty when none was started. why: in words what kept the platform from going on;
    empty when the codes say all. stopped: whether it was asked to end. timed_out: whether it was ended for its time.
    """

    codes: tuple[int, ...] = ()
    why: str = ""
    stopped: bool = False
    timed_out: bool = False


def readable_paths() -> list[str]:
    """What a script has to read to be run by this Python: its prefixes and its libraries."""
    found = {sys.prefix, sys.base_prefix, sys.exec_prefix}
    found |= {path for path in sys.path if path.endswith(("site-packages", "dist-packages"))}
    return sorted({os.path.realpath(path) for path in found} | {sys.prefix})
