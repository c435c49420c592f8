"""A workflow's run: one node after the other, each told as events, waiting where a node asks the user."""

from collections.abc import Iterator

from modelarts_emulator.behaviours.pangu.agents.definitions import (
    PluginFailed,
    fill_slots,
    find_definition,
    plugin_answer,
    server_of,
)
from modelarts_emulator.behaviours.pangu.agents.generating import ask_model, spoken
from modelarts_emulator.contract.errors import ApiError

RUNS = "pangu/agents/run"
SUCCEEDED, FAILED = {"code": 0, "desc": "succeeded"}, {"code": 1, "desc": "failed"}


class WorkflowRun:
    """One call of a workflow in a conversation.

    configs: what the caller sent for plugins. What nodes bring forth is known to later ones as {{node_id}}, inputs by
    their names. Made under the world's lock.
    """

    def __init__(self, call, workflow: dict, configs: dict):
        self.call, self.workflow, self.configs = call, workflow, configs
        self.key = f"{call.path['workflow_id']}/{call.path['conversation_id'].lower()}"
        waiting = call.records(RUNS).find(self.key)
        self.values = dict(call.body["inputs"])
        self.at = 0
        self.answered = waiting is not None and waiting["at"] < len(workflow["nodes"])
        if self.answered:
            self.values = waiting["values"] | call.body["inputs"]
            self.at = waiting["at"]
        self.since = call.world.clock.now_ms()
        self.waits = False

    def outcome(self) -> dict:
        """What the run comes to, without its events. Versatile.03000000 when a node fails."""
        last = {}
        for event in self.events():
            if event["event"] in ("error", "exception"):
                raise ApiError("Versatile.03000000", event["data"]["message"])
            if event["event"] in ("end", "node_wait"):
                last = event["data"]
        return last

    def events(self) -> Iterator[dict]:
        """The events of the run, up to its end, a node that fails or one that waits."""
        yield self._event("workflow_started", start_time=self.since)
        nodes = self.workflow["nodes"]
        while self.at < len(nodes):
            node = nodes[self.at]
            begun = self.call.world.clock.now_ms()
            yield self._event("node_started", **facts_of(node, "running"), start_time=begun)
            try:
                yield from self._work(node)
            except (PluginFailed, ApiError) as error:
                yield from self._failure(node, begun, str(error))
                return
            if self.waits:
                yield self._event(
                    "node_wait",
                    **facts_of(node, "waiting"),
                    conversation_id=self.call.path["conversation_id"],
                    message=node["question"],
                )
                return
            yield self._event("node_finished", **self._finished(node, begun, "succeeded", SUCCEEDED))
            self.at += 1
        self._forget()
        whole = {"responseContent": self.values.get(nodes[-1]["node_id"], "")}
        told = {"conversation_id": self.call.path["conversation_id"], "outputs": whole}
        yield self._event("workflow_finished", **told, start_time=self.since, end_time=self._now())
        yield self._event("end", **told, **self._finished(nodes[-1], self.since, "succeeded", SUCCEEDED))

    def _work(self, node: dict) -> Iterator[dict]:
        name = node["node_id"]
        kind = node["node_type"]
        if kind == "LLM":
            yield from self._say(node)
        elif kind == "Plugin":
            with self.call.world.transaction():
                plugin = find_definition(self.call.world, self.call.project_id, "plugins", node["plugin_id"])
            arguments = {key: fill_slots(text, self.values) for key, text in node["arguments"].items()}
            self.values[name] = plugin_answer(plugin, arguments, self.configs)
        elif kind == "Question":
            self._ask(node)
        elif kind == "Message":
            self.values[name] = fill_slots(node["text"], self.values)
            yield self._event("message", node_id=name, content=self.values[name])
        elif kind == "End":
            self.values[name] = fill_slots(node["output"], self.values)

    def _say(self, node: dict) -> Iterator[dict]:
        with self.call.world.transaction() as world:
            served = server_of(world, self.call.project_id, node["model"])
        messages = [{"role": "user", "content": fill_slots(node["prompt"], self.values)}]
        said = []
        with ask_model(self.call, served, messages) as generation:
            for token in spoken(generation):
                said.append(token)
                yield self._event("message", node_id=node["node_id"], content=token)
        self.values[node["node_id"]] = "".join(said)

    def _ask(self, node: dict) -> None:
        if self.answered:
            self.answered = False
            self.values[node["node_id"]] = self.values[node["answered_by"]]
            return
        self.waits = True
        with self.call.world.transaction():
            self.call.records(RUNS).put(self.key, {"at": self.at, "values": self.values})

    def _forget(self) -> None:
        with self.call.world.transaction():
            self.call.records(RUNS).drop(self.key)

    def _failure(self, node: dict, begun: int, words: str) -> Iterator[dict]:
        self._forget()
        yield self._event("node_finished", **self._finished(node, begun, "failed", FAILED))
        yield self._event("exception", node_id=node["node_id"], message=words)
        yield self._event("error", code="Versatile.03000000", message=words)

    def _finished(self, node: dict, begun: int, status: str, told: dict) -> dict:
        return {**facts_of(node, status), "status": told, "start_time": begun, "end_time": self._now()}

    def _event(self, name: str, **members) -> dict:
        return {"event": name, "data": members, "createdTime": self._now()}

    def _now(self) -> int:
        return self.call.world.clock.now_ms()


def facts_of(node: dict, status: str) -> dict:
    """What events say of their node."""
    return {name: node[name] for name in ("node_id", "node_name", "node_type")} | {"node_status": status}
