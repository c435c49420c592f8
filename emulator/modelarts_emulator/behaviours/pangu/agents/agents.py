"""Agents and workflows: conversations as streams of events, remembered by their id."""

from collections.abc import Iterator

import orjson

from modelarts_emulator.behaviours.maas.generation import Generation, until_failure
from modelarts_emulator.behaviours.pangu.agents.definitions import (
    PluginFailed,
    find_definition,
    function_of,
    plugin_answer,
    server_of,
)
from modelarts_emulator.behaviours.pangu.agents.generating import ask_model, spoken
from modelarts_emulator.behaviours.pangu.agents.workflow_run import WorkflowRun
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.calls import Stream
from modelarts_emulator.frame.registry import behaviour

CONVERSATIONS = "pangu/agents/conversation"
REMEMBERED = 20
MOST_ROUNDS = 3
EVENT_STREAM = "text/event-stream"


@behaviour("RunAgent", computes=True)
@behaviour("RunAgentV2", computes=True)
def run_agent(call):
    """The agent's answer to a query as events: start, plugin, message, end."""
    refuse_unstreamed(call)
    world, path = call.world, call.path
    with world.transaction():
        agent = find_definition(world, call.project_id, "agents", path["agent_id"])
        plugins = [find_definition(world, call.project_id, "plugins", id) for id in agent["plugins"]]
        served = server_of(world, call.project_id, agent["model"])
        known = call.records(CONVERSATIONS).find(conversation_key(path)) or {"messages": []}
    messages = [*known["messages"], {"role": "user", "content": call.body["query"]}]
    turn = AgentTurn(call, agent, {plugin["name"]: plugin for plugin in plugins}, served, messages)
    return Stream(until_failure(event_frames(turn.events()), call, b"data:"), EVENT_STREAM)


@behaviour("RunWorkflow", computes=True)
def run_workflow(call):
    """The workflow's run as events of its nodes."""
    refuse_unstreamed(call)
    return run_workflow_v2(call)


@behaviour("RunWorkflowV2", computes=True)
def run_workflow_v2(call):
    """The workflow's run as events of its nodes; its outcome alone where no stream is wanted."""
    run = workflow_run(call)
    if call.headers.get("stream", True):
        return Stream(event_frames(run.events()), EVENT_STREAM)
    return run.outcome()


def refuse_unstreamed(call) -> None:
    """Versatile.03001001 when the header asks for no stream."""
    if not call.headers.get("stream", True):
        raise ApiError("Versatile.03001001", "header.stream: only streams are supported, it must be true")


def event_frames(events: Iterator[dict]) -> Iterator[bytes]:
    """Events as frames."""
    for event in events:
        yield b"data:%b\n\n" % orjson.dumps(event)


def conversation_key(path: dict) -> str:
    """What a conversation with an agent is remembered under."""
    return f"{path['agent_id']}/{path['conversation_id'].lower()}"


class AgentTurn:
    """One query on its way: the model is asked, its plugins are called, it is asked again.

    ApiError when the model refuses the query; nothing has been sent then.
    """

    def __init__(self, call, agent: dict, plugins: dict, served, messages: list[dict]):
        self.call, self.agent, self.plugins, self.served = call, agent, plugins, served
        self.messages = messages
        self.since = call.world.clock.now_ms()
        self.first = None
        self.in_plugins = 0
        self.generation = self._ask()

    def events(self) -> Iterator[dict]:
        """The events of the answer; the conversation is remembered once it is whole."""
        yield self._event("start")
        said: list[str] = []
        for round in range(MOST_ROUNDS):
            if round:
                self.generation = self._ask()
            reply = self.generation.replies[0]
            said = []
            with self.generation:
                for token in spoken(self.generation):
                    self.first = self.first or self.call.world.clock.now_ms()
                    said.append(token)
                    yield self._event("message", content=token)
                self.generation.count_calls(reply)
            if not reply.tool_calls:
                break
            yield from self._plugin_events("".join(said), reply.tool_calls)
        self.messages.append({"role": "assistant", "content": "".join(said)})
        self._remember()
        yield self._event("end", latency=self._latency())

    def _plugin_events(self, said: str, tool_calls: list[dict]) -> Iterator[dict]:
        self.messages.append({"role": "assistant", "content": said, "tool_calls": tool_calls})
        for called in tool_calls:
            begun = self.call.world.clock.now_ms()
            name, arguments = called["function"]["name"], arguments_in(called)
            content = self._call_plugin(name, arguments)
            self.in_plugins += self.call.world.clock.now_ms() - begun
            self.messages.append({"role": "tool", "content": content, "tool_call_id": called["id"]})
            plugin_id = self.plugins[name]["plugin_id"] if name in self.plugins else name
            yield self._event(
                "plugin", content=content, plugin={"plugin_id": plugin_id, "request": arguments}
            )

    def _call_plugin(self, name: str, arguments: dict) -> str:
        if name not in self.plugins:
            return f"there is no plugin {name}"
        try:
            return plugin_answer(self.plugins[name], arguments, {})
        except PluginFailed as error:
            return str(error)

    def _ask(self) -> Generation:
        system = {"role": "system", "content": self.agent["prompt"]}
        tools = [function_of(plugin) for plugin in self.plugins.values()]
        return ask_model(self.call, self.served, [system, *self.messages], tools)

    def _remember(self) -> None:
        kept = self.messages[-REMEMBERED:]
        while kept[0]["role"] != "user":
            kept = kept[1:]
        with self.call.world.transaction():
            self.call.records(CONVERSATIONS).put(conversation_key(self.call.path), {"messages": kept})

    def _event(self, name: str, **members) -> dict:
        return {"event": name, **members, "createdTime": self.call.world.clock.now_ms()}

    def _latency(self) -> dict:
        now = self.call.world.clock.now_ms()
        first = (self.first or now) - self.since
        return {"firstToken": first, "plugin": self.in_plugins, "total": now - self.since}


def arguments_in(called: dict) -> dict:
    """The arguments of a tool call; none where the model wrote no JSON object."""
    try:
        arguments = orjson.loads(called["function"]["arguments"])
    except ValueError:
        return {}
    return arguments if isinstance(arguments, dict) else {}


def workflow_run(call) -> WorkflowRun:
    """The run of the workflow the path names, gone on with where it waits for an answer."""
    with call.world.transaction():
        workflow = find_definition(call.world, call.project_id, "workflows", call.path["workflow_id"])
        refuse_inputs(workflow, call.body["inputs"])
        configs = {
            row["plugin_id"]: row.get("plugin_configs", {})
            for row in call.body.get("plugin_configs", ())
            if "plugin_id" in row
        }
        return WorkflowRun(call, workflow, configs)


def refuse_inputs(workflow: dict, inputs: dict) -> None:
    """Versatile.03001001 unless the inputs are those of the start node."""
    wanted = workflow["inputs"]
    for name in wanted:
        if name not in inputs:
            raise ApiError("Versatile.03001001", f"$.inputs.{name}: is required and missing")
    for name in inputs.keys() - set(wanted):
        words = f"$.inputs.{name[:80]}: the start node has no such input, only {', '.join(wanted)}"
        raise ApiError("Versatile.03001001", words)
