"""Permissions in the console: which IAM actions the requests of this session needed, as the documents name them."""

from collections import Counter
from typing import TYPE_CHECKING

import orjson
from flask import Flask, render_template

from modelarts_emulator.console.asking import pause_between, world_shown
from modelarts_emulator.contract.actions import needed_actions
from modelarts_emulator.contract.operations import Operation

if TYPE_CHECKING:
    from modelarts_emulator.application import Application

PATH, TITLE = "/console/permissions/", "Permissions needed"
GLOBAL = "iam:"


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the permissions into the console."""

    @flask.get(PATH)
    def list_permissions():
        asked = Counter(each.operation for each in world_shown(application).history.after(0))
        known = application.operations.by_id
        needed = [
            {"operation": known[id], "count": count, "actions": actions_of(known[id])}
            for id, count in sorted(asked.items())
            if id in known
        ]
        actions = sorted({action for each in needed for action, _ in each["actions"]})
        return render_template(
            "permissions.html", needed=[each for each in needed if each["actions"]],
            pause=pause_between(application, 2000),
            unknown=[each for each in needed if not each["actions"]], policies=policies_of(actions),
        )  # fmt: skip


def actions_of(operation: Operation) -> list[tuple[str, str]]:
    """(action, when it is needed or how it is known) of an operation; "" for always."""
    return [(each.names[0], each.condition) for each in needed_actions(operation.definition)]


def policies_of(actions: list[str]) -> list[str]:
    """The custom policies that allow these actions, as IAM reads them.

    What holds for the whole account and what holds for a project may not stand in one.
    """
    scopes = [
        [each for each in actions if each.startswith(GLOBAL) is is_global] for is_global in (False, True)
    ]
    policies = [
        {"Version": "1.1", "Statement": [{"Effect": "Allow", "Action": scope}]} for scope in scopes if scope
    ]
    return [orjson.dumps(policy, option=orjson.OPT_INDENT_2).decode() for policy in policies]
