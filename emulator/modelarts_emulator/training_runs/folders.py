"""The folder of a run, laid out as the container of a job is."""

import os
import socket
import sys
from pathlib import Path
from typing import Any

from modelarts_emulator.training_runs.environment import (
    PACKAGE,
    address_of,
    host_names,
    hosts_file,
    rank_table,
)
from modelarts_emulator.training_runs.orders import HOME, MOUNT, Order, Place, readable_paths
from modelarts_emulator.training_runs.transfers import fetch

SITE = Path(__file__).parent / "container" / "site"
# {path in the container: name in the run's folder} of what the job may write.
WRITABLE = {"/home": "home", "/cache": "cache", "/tmp": "tmp", "/user": "user", "/var/tmp": "var-tmp"}
PARTS = ("user-job-dir", "inputs", "outputs", "log", "workspace", "run", "rank_table", "package")
OLD_HOME = "/home/work"
# The name in the run's folder of the copy that it can only read.
MIRROR = "mirror"
SECRETS = ("/etc/shadow", "/etc/gshadow", "/etc/shadow-", "/etc/gshadow-", "/etc/sudoers")


class Folder:
    """The folder of one run on this machine. What is in it may only be trusted before the job's code has begun."""

    def __init__(self, path: str, order: Order):
        self.path = Path(path)
        self.order = order

    def lay_out(self) -> None:
        """Make what is there in every container."""
        for name in ("root", MIRROR, *WRITABLE.values()):
            (self.path / name).mkdir()
        for part in PARTS:
            self.outside(f"{MOUNT}/{part}").mkdir(parents=True)
        for place in (OLD_HOME, "/user/config", f"{self.order.code_parent}"):
            self.outside(place).mkdir(parents=True, exist_ok=True)
        self.outside(f"{OLD_HOME}/user-job-dir").symlink_to(f"{MOUNT}/user-job-dir")
        (self.path / "nothing").touch()
        (self.path / "hosts").write_text(hosts_file(self.order, socket.gethostname()))
        interpreter = self.outside(f"{MOUNT}/../anaconda/bin/python")
        interpreter.parent.mkdir(parents=True)
        interpreter.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        interpreter.chmod(0o755)
        if self.order.is_ascend:
            for place in (f"{MOUNT}/rank_table", "/user/config"):
                (self.outside(place) / "jobstart_hccl.json").write_text(rank_table(self.order))

    def outside(self, inside: str) -> Path:
        """Where a path of the container lies on this machine; it has to be one that the job may write."""
        inside = os.path.normpath(inside)
        place = next((place for place in WRITABLE if inside == place or inside.startswith(f"{place}/")), None)
        if place is None:
            raise ValueError(f"{inside} is no folder that a job can write; it can in {', '.join(WRITABLE)}")
        return self.path / WRITABLE[place] / inside.removeprefix(place).lstrip("/")

    def name_of(self, inside: str) -> str:
        """A folder of the container as it is named in this one."""
        return str(self.outside(inside).relative_to(self.path))

    def fetch(self, objects: Any, place: Place | None, inside: str) -> int:
        """Download a place into a folder of the container; how many files that were."""
        folder = self.outside(inside)
        folder.mkdir(parents=True, exist_ok=True)
        return fetch(objects, place, folder) if place else 0

    def files_beside(self, path: str) -> list[str]:
        """The names of what lies in the same folder of the container."""
        folder = self.outside(path).parent
        return sorted(each.name for each in folder.iterdir()) if folder.is_dir() else []

    def sandbox(self) -> dict:
        """What of it the sandbox is made of."""
        return {
            "root": str(self.path / "root"),
            "readable": readable_paths(),
            "bound": {PACKAGE: str(SITE), "/etc/hosts": str(self.path / "hosts")}
            | self._mirrored()
            | self._hidden(),
            "writable": {inside: str(self.path / name) for inside, name in WRITABLE.items()},
            "rewritten": {PACKAGE: str(SITE)}
            | self._mirrored()
            | {inside: str(self.outside(inside)) for inside in self._named()}
            | {name: address_of(node) for node, name in enumerate(host_names(self.order))},
        }

    def _mirrored(self) -> dict[str, str]:
        """Where the copy lies that follows what is in OBS, if there is one."""
        return {self.order.mirror.local_dir: str(self.path / MIRROR)} if self.order.mirror else {}

    def _hidden(self) -> dict[str, str]:
        """Files of the system that are empty in there: who runs as root could read them otherwise."""
        return {path: str(self.path / "nothing") for path in SECRETS if Path(path).is_file()}

    def _named(self) -> set[str]:
        """The folders of a container that arguments and variables name."""
        return {
            HOME,
            OLD_HOME,
            "/cache",
            "/user/config",
            self.order.code_parent,
            self.order.working_dir or HOME,
        }
