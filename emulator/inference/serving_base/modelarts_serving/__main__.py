"""A model's process: confines itself, loads the package, answers one request after the other."""

import os
import sys
import threading
import traceback
from pathlib import Path
from queue import SimpleQueue
from socket import AF_UNIX, SOCK_STREAM, socket

CHANNEL, SERVING_BASE = int(sys.argv[1]), sys.argv[2]
sys.path.insert(0, SERVING_BASE)

from modelarts_serving import confinement, frames  # noqa: E402


def main(channel: socket) -> None:
    order, _ = frames.receive_frame(channel)
    try:
        model = load(order)
    except Exception as error:
        traceback.print_exc()
        frames.send_frame(channel, {"failure": last_line(error)})
        return
    frames.send_frame(channel, {"ready": True, "landlock": order["landlock"]})

    requests = SimpleQueue()
    threading.Thread(target=read_requests, args=(channel, requests), daemon=True).start()
    while True:
        header, body = requests.get()
        confinement.allow_cpu_seconds(order["cpu_seconds"])
        status, content_type, content = model.answer(
            header["path"], header["method"], header["content_type"], body
        )
        frames.send_frame(
            channel, {"id": header["id"], "status": status, "content_type": content_type}, content
        )


def load(order: dict):
    """The model behind its apis; nothing of the package runs before the process is confined."""
    confinement.limit_resources(order["memory_bytes"])
    confinement.allow_cpu_seconds(order["cpu_seconds"])
    order["landlock"] = confinement.confine([*order["readable"], order["folder"]], [str(Path.cwd())])
    os.environ.update(order["env"])
    from modelarts_serving.model import Model

    return Model(order["folder"], order["engine"], order["model_name"], order["apis"])


def read_requests(channel: socket, requests: SimpleQueue) -> None:
    """Hand on what arrives. When the emulator has ended, so does this process."""
    try:
        while True:
            requests.put(frames.receive_frame(channel))
    except (frames.BrokenFrame, OSError):
        os._exit(0)


def last_line(error: BaseException) -> str:
    return traceback.format_exception_only(error)[-1].strip()


if __name__ == "__main__":
    main(socket(AF_UNIX, SOCK_STREAM, fileno=CHANNEL))
