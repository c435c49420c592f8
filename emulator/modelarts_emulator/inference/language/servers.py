"""How a server of a language model is told to run: its command line, its environment, the algorithm it is for."""

import re

ALGORITHMS = ("text_generation", "text-generation")
SERVERS = ("vllm", "mindie", "sglang")
# Members of Engine and the options of Ascend-vLLM that set them.
FLAGS = {"enforce_eager": "--enforce-eager", "enable_prefix_caching": "--enable-prefix-caching"}
VARIABLES = {"DEFER_DECODE": "defer_decode", "USE_VOCAB_PARALLEL": "use_vocab_parallel"}
# What a model is when nothing says more.
PLAIN = {"kind": "chat", "context": 32768, "max_output": 4096, "thinking": "never"}


def is_language_algorithm(name: str) -> bool:
    """Whether a package with this model_algorithm holds a language model."""
    return name.lower() in ALGORITHMS


def is_language_server(image: str, command: str) -> bool:
    """Whether an image, started by a command, serves a language model in OpenAI's form."""
    return any(server in f"{image} {command}".lower() for server in SERVERS)


def option_in(command: str, name: str) -> str:
    """The value of an option of a command line; empty when it is not there."""
    found = re.search(rf"{name}[ =]+(\S+)", command)
    return found[1].strip("\"'") if found else ""


def engine_of(command: str, variables: dict[str, str]) -> dict:
    """Members of Engine that a command line and environment variables set. ValueError for a variable that is neither 0
    nor 1.
    """
    found = {member: True for member, flag in FLAGS.items() if flag in command}
    if command and "enforce_eager" not in found:
        found["enforce_eager"] = False
    steps = option_in(command, "--num-scheduler-steps")
    if steps.isdecimal():
        found["num_scheduler_steps"] = int(steps)
    return found | variables_in(variables)


def variables_in(variables: dict[str, str]) -> dict[str, bool]:
    """Members of Engine that environment variables set. ValueError for a value that is neither 0 nor 1."""
    for name in VARIABLES.keys() & variables.keys():
        if variables[name] not in ("0", "1"):
            raise ValueError(f"{name} is {variables[name]!r}, must be 0 or 1")
    return {VARIABLES[name]: variables[name] == "1" for name in VARIABLES.keys() & variables.keys()}


def flags_in(variables: dict[str, str]) -> dict[str, str]:
    """Those environment variables that are read here and say 0 or 1: a server of a user's own leaves others be."""
    return {
        name: variables[name] for name in VARIABLES.keys() & variables.keys() if variables[name] in ("0", "1")
    }


def model_of(command: str) -> dict:
    """Facts of the model that a command line serves."""
    longest = option_in(command, "--max-model-len")
    context = int(longest) if longest.isdecimal() and int(longest) else PLAIN["context"]
    return PLAIN | {"context": context, "max_output": min(context, PLAIN["max_output"])}
