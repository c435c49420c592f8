"""A model's process: confines itself, loads the package, answers one request after the other."""

import os
import select
import sys
import threading
import traceback
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM, socket

CHANNEL, SERVING_BASE, SANDBOX = int(sys.argv[1]), sys.argv[2], sys.argv[3]
sys.path[:0] = [SERVING_BASE, SANDBOX]

import confinement  # noqa: E402
import namespaces  # noqa: E402
import syscalls  # noqa: E402

from modelarts_serving import frames, redirection  # noqa: E402

HOME, MODEL, SCRATCH = "/home/mind", "/home/mind/model", "/tmp"


def main(channel: socket) -> None:
    order, _ = frames.receive_frame(channel)
    order["scratch"] = str(Path.cwd())
    pid = enter_sandbox(order)
    try:
        if pid is None:
            redirect_paths(order)
        landlock = confine(order)
        # Confined like the main thread, because it is started afterwards.
        threading.Thread(target=end_with_emulator, args=(channel,), daemon=True).start()
        model = load(order)
    except Exception as error:
        traceback.print_exc()
        frames.send_frame(channel, {"failure": last_line(error)})
        return
    frames.send_frame(channel, {"ready": True, "landlock": landlock, "pid": pid})

    while True:
        header, body = frames.receive_frame(channel)
        confinement.allow_cpu_seconds(order["cpu_seconds"])
        status, content_type, content = model.answer(
            header["path"], header["method"], header["content_type"], body
        )
        frames.send_frame(
            channel, {"id": header["id"], "status": status, "content_type": content_type}, content
        )


def enter_sandbox(order: dict) -> int | None:
    """Go on in namespaces, where the kernel grants them: the package is where the service's image has it, and can be
    written, and /tmp is its own. The process id outside; None without namespaces.
    """
    if not order["namespaces"]:
        return None
    places = namespaces.Places(str(Path.cwd()), order["readable"], {}, writable={MODEL: order["folder"]})
    pid = namespaces.enter(places)
    if pid is not None:
        order |= {"folder": MODEL, "scratch": SCRATCH}
        os.environ.update(HOME=SCRATCH, TMPDIR=SCRATCH)
        os.chdir(HOME)
        confinement.limit_processes(namespaces.MOST_PROCESSES)
    return pid


def redirect_paths(order: dict) -> None:
    """Lead the paths of the service's image to where package and scratch folder lie, where no namespaces do."""
    home = Path(order["scratch"], "mind")
    home.mkdir()
    Path(home, "model").symlink_to(order["folder"])
    os.chdir(home)
    places = {MODEL: order["folder"], HOME: str(home), SCRATCH: order["scratch"]}
    redirection.redirect(places, [*order["readable"], order["folder"], order["scratch"]])


def confine(order: dict) -> int:
    """Give up what the model does not need; nothing of its package has run by then."""
    confinement.limit_resources(order["memory_bytes"])
    confinement.allow_cpu_seconds(order["cpu_seconds"])
    readable = [*order["readable"], HOME] if order["folder"] == MODEL else order["readable"]
    version = confinement.confine(readable, [order["scratch"], order["folder"]])
    syscalls.refuse_escapes()
    return version


def load(order: dict):
    """The model behind its apis, in the environment of its service."""
    os.environ.update(order["env"])
    from modelarts_serving.model import Model

    return Model(order["folder"], order["engine"], order["model_name"], order["apis"])


def end_with_emulator(channel: socket) -> None:
    """Wait until the other side of the channel has gone, then end, whatever the main thread is at."""
    hang_up = select.poll()
    hang_up.register(channel, select.POLLRDHUP)
    hang_up.poll()
    os._exit(0)


def last_line(error: BaseException) -> str:
    return traceback.format_exception_only(error)[-1].strip()


if __name__ == "__main__":
    main(socket(AF_UNIX, SOCK_STREAM, fileno=CHANNEL))
