"""What a definition of an agent, workflow or plugin has to look like before a conversation may rely on it."""

from functools import cache

from modelarts_emulator.contract.checking import fast_validator

TEXT, TEXTS = {"type": "string", "minLength": 1}, {"type": "array", "items": {"type": "string"}}
TEXT_MAP = {"type": "object", "additionalProperties": {"type": "string"}}
NODE_MEMBERS = {
    "Start": {},
    "LLM": {"model": TEXT, "prompt": TEXT},
    "Plugin": {"plugin_id": TEXT, "arguments": TEXT_MAP},
    "Question": {"question": TEXT, "answered_by": TEXT},
    "Message": {"text": TEXT},
    "End": {"output": TEXT},
}


def closed_object(members: dict, *optional: str) -> dict:
    """The schema of an object with just these members."""
    required = [name for name in members if name not in optional]
    return {"type": "object", "properties": members, "required": required, "additionalProperties": False}


def schema_of(kind: str) -> dict:
    """The schema of a definition, without its id."""
    if kind == "agents":
        return closed_object({"name": TEXT, "model": TEXT, "prompt": {"type": "string"}, "plugins": TEXTS})
    if kind == "plugins":
        answer = closed_object(
            {"when": TEXT_MAP, "answer": {"type": "string"}, "error": TEXT}, "answer", "error"
        )
        one = {**answer, "oneOf": [{"required": ["answer"]}, {"required": ["error"]}]}
        return closed_object(
            {
                "name": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
                "description": {"type": "string"},
                "parameters": {"type": "object"},
                "needs": TEXTS,
                "answers": {"type": "array", "items": one, "minItems": 1},
            }
        )
    common = {"node_id": {"type": "string", "pattern": "^\\w+$"}, "node_name": {"type": "string"}}
    nodes = [
        closed_object({**common, "node_type": {"const": kind}, **members})
        for kind, members in NODE_MEMBERS.items()
    ]
    return closed_object(
        {"name": TEXT, "inputs": TEXTS, "nodes": {"type": "array", "items": {"anyOf": nodes}, "minItems": 1}}
    )


@cache
def validator(kind: str):
    """The check of a kind of definition."""
    return fast_validator(schema_of(kind))


def fault_in(kind: str, body: dict) -> str | None:
    """What is wrong with a definition, in words; None when nothing is."""
    error = next(validator(kind).iter_errors(body), None)
    if error is not None:
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.instance_path)
        return f"${place}: {error.message[:300]}"
    if kind != "workflows":
        return None
    ids = [node["node_id"] for node in body["nodes"]]
    if len(set(ids)) != len(ids):
        return "$.nodes: two nodes have the same node_id"
    if body["nodes"][-1]["node_type"] != "End":
        return "$.nodes: the last node must be of type End"
    for at, node in enumerate(body["nodes"]):
        if node["node_type"] == "Question" and node["answered_by"] not in body["inputs"]:
            return f"$.nodes[{at}].answered_by: must be one of the inputs, {', '.join(body['inputs'])}"
    return None
