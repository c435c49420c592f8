"""Requests as one types them into a shell, for pages on which there is nothing yet."""

import shlex
from typing import TYPE_CHECKING, Any

import orjson
from flask import request

from modelarts_emulator.console.asking import world_shown

if TYPE_CHECKING:
    from modelarts_emulator.application import Application


def curl(application: "Application", operation_id: str, body: Any) -> str:
    """The command that sends a body to an operation in the project of the world, with the token in $TOKEN."""
    operation = application.operations.by_id[operation_id]
    path = operation.path.replace("{project_id}", world_shown(application).account.project_id)
    url = shlex.quote(request.host_url.rstrip("/") + path)
    headers = '-H "X-Auth-Token: $TOKEN" -H "Content-Type: application/json"'
    return f"curl -X {operation.method} {url} \\\n  {headers} \\\n  -d {shlex.quote(orjson.dumps(body).decode())}"
