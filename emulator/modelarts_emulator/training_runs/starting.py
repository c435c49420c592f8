"""The line with which the platform starts a script or a command."""

import shlex
import sys

from modelarts_emulator.training_runs.orders import HOME, JOB_DIR, Order

SHELL = "/bin/bash"
# What the platform ends with whose boot file is not there, in a shell's words.
MISSING = 'echo "$0: No such file or directory" >&2; exit 127'
PRE_STARTS = ("ma-pre-start.sh", "ma-pre-start.py")


def arguments_of(order: Order) -> list[str]:
    """--name=value of the hyperparameters, then the inputs, then the outputs; what names a channel is its folder."""
    channels = (*order.inputs, *order.outputs)
    folders = {each.name: f"{each.local_dir}/" for each in channels}
    named = [f"--{name}={folders.get(name, value)}" for name, value in order.parameters]
    return named + [f"--{each.name}={folders[each.name]}" for each in channels if each.by == "parameter"]


def shown_command(order: Order) -> str:
    """What is started, as the log says it."""
    if order.command:
        return " ".join([order.command, *arguments_of(order)])
    return " ".join(["python", f"{order.code_dir}/{order.boot_file}", *arguments_of(order)])


def command_of(order: Order, names: list[str]) -> list[str]:
    """The program and its arguments; names: the files beside the boot file."""
    if order.command:
        return [SHELL, "-c", " ".join([order.command, *map(shlex.quote, arguments_of(order))])]
    boot_file = f"{order.code_dir}/{order.boot_file}"
    if boot_file.rpartition("/")[2] not in names:
        return [SHELL, "-c", MISSING, boot_file]
    interpreter = [SHELL] if boot_file.endswith(".sh") else [sys.executable]
    runner = ["-m", order.runner] if order.runner else []
    started = [*interpreter, *runner, boot_file, *arguments_of(order)]
    first = next((name for name in PRE_STARTS if name in names), None)
    if first is None:
        return started
    path = shlex.quote(f"{boot_file.rpartition('/')[0]}/{first}")
    before = f". {path}" if first.endswith(".sh") else f"{shlex.quote(sys.executable)} {path}"
    return [SHELL, "-c", f'{before} && exec "$@"', SHELL, *started]


def working_dir_of(order: Order) -> str:
    """Where the script begins."""
    return order.working_dir or (HOME if order.command else JOB_DIR)
