"""TensorBoard over a folder, for connections that come in at descriptor 3: python -m tensorboard_page FOLDER PREFIX."""

import socket
import sys
from socketserver import BaseServer, ThreadingMixIn
from threading import Event
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from tensorboard import default, program

DOOR = 3


class Handler(WSGIRequestHandler):
    """One request; none is printed."""

    def log_request(self, code="-", size="-"):
        """Say nothing."""


class Server(ThreadingMixIn, WSGIServer):
    """Answers connections that somebody else has made."""

    daemon_threads = True

    def __init__(self, app, flags):
        BaseServer.__init__(self, ("localhost", 80), Handler)
        self.socket = socket.socket(fileno=DOOR)
        self.server_name, self.server_port = self.server_address
        self.setup_environ()
        self.set_app(app)

    def get_request(self):
        """The next connection, and from where it might be."""
        _, numbers, _, _ = socket.recv_fds(self.socket, 1, 1)
        return socket.socket(fileno=numbers[0]), ("127.0.0.1", 0)

    def get_url(self):
        """What TensorBoard wants to know, and nobody reads."""
        return "http://localhost/"


def show(folder: str, prefix: str) -> None:
    """Show what the event files in the folder say, below that path, until the program is ended."""
    board = program.TensorBoard(default.get_plugins(), server_class=Server)
    # Its faster reader is a program of its own that does not see files of object storage change.
    board.configure(["tensorboard", "--logdir", folder, "--path_prefix", prefix, "--load_fast=false"])
    board.launch()
    Event().wait()


if __name__ == "__main__":
    show(*sys.argv[1:])
