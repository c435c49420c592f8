"""The chat playground of the console: the models of MaaS and the deployments of Pangu, streamed."""

from typing import TYPE_CHECKING, Any

import orjson
from flask import Flask, Response, render_template, request

from modelarts_emulator.console.asking import Answer, ask, control, sent, value_of, world_shown
from modelarts_emulator.console.refusals import typed
from modelarts_emulator.control.asking import refuse

if TYPE_CHECKING:
    from modelarts_emulator.application import Application

PATH, TITLE = "/console/chat/", "Chat"
ROLES = ("user", "assistant", "system", "tool")


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the playground into the console."""

    @flask.get(PATH)
    def chat():
        return render_template(
            "chat.html", partners=partners(application), talk=talk_typed(), form={}, usage=None
        )

    @flask.post(PATH)
    def say():
        messages = messages_asked()
        if "text/event-stream" in request.headers.get("Accept", ""):
            answer = asked_of_model(application, messages, is_stream=True)
            return Response(answer.frames, answer.status, content_type=answer.headers["content-type"])
        answer = value_of(asked_of_model(application, messages, is_stream=False))
        talk = [*messages, answer["choices"][0]["message"]]
        return render_template(
            "chat.html",
            partners=partners(application),
            talk=talk,
            form=request.form,
            usage=answer.get("usage"),
        )


def partners(application: "Application") -> list[tuple[str, str]]:
    """(value of the choice, name) of all that can be talked to."""
    models = [each["id"] for each in ask(application, "ListMaasModels")["data"]]
    deployments = control(application, "GET", "pangu/deployments")["deployments"]
    running = [each for each in deployments if each["kind"] == "NLP" and each["status"] == "running"]
    return [
        *((f"pangu:{each['deployment_id']}", f"Pangu {each['name']}") for each in running),
        *((f"maas:{name}", f"MaaS {name}") for name in models),
    ]


def is_talk(value: Any) -> bool:
    """Whether a JSON value is a list of messages."""
    return isinstance(value, list) and all(
        isinstance(each, dict) and each.get("role") in ROLES for each in value
    )


def talk_typed() -> list[dict]:
    """The conversation of a form that was refused, which the page goes on with; an empty one on any other page."""
    try:
        value = orjson.loads(typed("history"))
    except ValueError:
        return []
    return value if is_talk(value) else []


def messages_asked() -> list[dict]:
    """The conversation so far with what the form adds to it."""
    history = json_field("history", list, [])
    if not is_talk(history):
        refuse("history: not a list of messages")
    # Beside calls of tools there may be no text, which not every model lets itself be told.
    history = [
        each | {"content": each.get("content") or " "} if "tool_calls" in each else each for each in history
    ]
    system = request.form.get("system", "").strip()
    begin = [{"role": "system", "content": system}] if system and not history else []
    content = request.form.get("content", "")
    calls = history[-1].get("tool_calls") if history else None
    if calls:
        # The model waits for what its tools have answered.
        results = [{"role": "tool", "tool_call_id": each["id"], "content": content} for each in calls]
        return [*begin, *history, *results]
    return [*begin, *history, {"role": "user", "content": content}]


def json_field(name: str, kind: type, nothing: Any) -> Any:
    """The JSON in a field of the form, nothing where it is empty; 400 in words for anything else."""
    text = request.form.get(name, "").strip()
    try:
        value = orjson.loads(text) if text else nothing
    except ValueError as error:
        refuse(f"{name}: not JSON: {error}")
    if not isinstance(value, kind):
        refuse(f"{name}: must be a JSON {'array' if kind is list else 'object'}")
    return value


def asked_of_model(application: "Application", messages: list[dict], is_stream: bool) -> Answer:
    """What the chosen model answers over HTTP, as its clients ask it."""
    service, _, name = request.form.get("to", "").partition(":")
    body: dict[str, Any] = {"messages": messages, "stream": is_stream}
    tools = json_field("tools", list, [])
    if tools:
        body["tools"] = tools
    if service == "maas":
        usage = {"stream_options": {"include_usage": True}} if is_stream else {}
        return sent(application, "POST", "/v1/chat/completions", {"model": name, **usage, **body})
    if name not in [value.partition(":")[2] for value, _ in partners(application)]:
        refuse(f"to: there is no deployment {name}", 404)
    project_id = world_shown(application).account.project_id
    return sent(application, "POST", f"/v1/{project_id}/deployments/{name}/chat/completions", body)
