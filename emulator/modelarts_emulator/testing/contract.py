"""`modelarts-emulator contract`: hold a running emulator to the documented contract, operation by operation."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPSConnection
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import orjson

from modelarts_emulator import commands
from modelarts_emulator.contract.checking import Check
from modelarts_emulator.contract.errors import OWN_CODES, ContractBroken, documented_errors, parameter_code
from modelarts_emulator.contract.operations import Operation, Operations
from modelarts_emulator.identity.credentials import needs_credential
from modelarts_emulator.testing.breakages import codes_in

NOT_EMULATED = 501
# Headers that say who asks: what is drawn for them is nobody's.
CREDENTIALS = {"authorization", "x-auth-token", "x-apig-appcode", "x-sdk-date"}
MOST_MUTATIONS = 60
MOST_PROBLEMS = 20


class Reply(NamedTuple):
    """What was answered: status, the JSON of the body or None, the id of the request, the text."""

    status: int
    value: Any
    request_id: str
    text: str

    @property
    def codes(self) -> set[str]:
        """The codes that the body names."""
        error = self.value.get("error") if isinstance(self.value, dict) else None
        words = error.get("message") if isinstance(error, dict) else ""
        return {code for _, code in codes_in(self.value)} | {str(words).partition(": ")[0]}


class Endpoint:
    """A running emulator, and an account of its own in it."""

    def __init__(self, options: Any):
        self.options = options
        self.is_strict = bool(options.strict)
        where = urlsplit(options.url)
        self._connected = (HTTPSConnection if where.scheme == "https" else HTTPConnection, where.netloc)
        self.world = commands.ask(options, "POST", "worlds", {})
        self.token = ""
        self.ids = {name: self.world[name] for name in ("project_id", "domain_id")}

    def log_in(self) -> None:
        """Get a token of the account."""
        user = {"name": self.world["user_name"], "password": self.world["user_password"]}
        user["domain"] = {"name": self.world["domain_name"]}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"id": self.world["project_id"]}}
        content = json.dumps({"auth": {"identity": identity, "scope": scope}})
        connection = self._connected[0](self._connected[1], timeout=60)
        connection.request("POST", "/v3/auth/tokens", content, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        self.token = answer.headers["X-Subject-Token"]
        self.ids["user_id"] = orjson.loads(answer.read())["token"]["user"]["id"]
        connection.close()

    def put(self, path: str, content: bytes) -> None:
        """Have an object in OBS, and the bucket that its path begins with."""
        bucket = path.split("/")[1]
        for target, sent in ((f"/{bucket}", b""), (path, content)):
            self._put(target, sent)

    def _put(self, path: str, content: bytes) -> None:
        from modelarts_emulator.obs.signatures import signed_query

        world, path = self.world, quote(path)
        now = commands.ask(self.options, "GET", f"clock?world={world['world']}")["now"]
        query = signed_query(world["secret_key"], world["access_key"], "PUT", path, int(now) + 600, {})
        where = urlsplit(world["obs_endpoint"])
        connection = self._connected[0](where.netloc, timeout=60)
        connection.request("PUT", f"{path}?{query}", content)
        connection.getresponse().read()
        connection.close()

    def advance(self, duration: str) -> None:
        """Let that much of the account's time pass."""
        commands.ask(self.options, "POST", f"clock/advance?world={self.world['world']}", {"by": duration})

    def send(self, operation: Operation, request: tuple, credential: dict[str, str] | None = None) -> Reply:
        """What is answered to a drawn request: path values, query, headers, body."""
        path, query, headers, body = request
        target = operation.path
        for name, value in path.items():
            given = self.world["project_id"] if name == "project_id" and operation.access.token else value
            target = target.replace(f"{{{name}}}", quote(given, safe=""))
        pairs = "&".join(f"{quote(name)}={quote(value, safe=',')}" for name, value in query.items())
        proof = self.proof_for(operation) if credential is None else credential
        others = {name: value for name, value in headers.items() if name.lower() not in CREDENTIALS}
        sent = {"Content-Type": "application/json", **others, **proof}
        content = None if operation.body_schema is None else json.dumps(body).encode()
        connection = self._connected[0](self._connected[1], timeout=60)
        connection.request(operation.method, f"{target}?{pairs}" if pairs else target, content, sent)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        connection.close()
        return Reply(answer.status, value_of(text), answer.headers.get("X-Request-Id", ""), text)

    def proof_for(self, operation: Operation) -> dict[str, str]:
        """The header that lets the account in."""
        if operation.access.only_api_key:
            return {"Authorization": f"Bearer {self.world['maas_api_key']}"}
        return {"X-Auth-Token": self.token}

    def refused_by(self, reply: Reply) -> str:
        """The step of the emulator that refused a request."""
        told = commands.ask(self.options, "GET", f"journal/{reply.request_id}")
        return str(told.get("refused_by", ""))

    def leave(self) -> None:
        """Remove the account."""
        commands.ask(self.options, "DELETE", f"worlds/{self.world['world']}")


class Held:
    """What one operation was held to. problems: where it broke its contract, in words."""

    def __init__(self, operation: Operation):
        self.operation = operation
        self.drawn = self.mutated = 0
        self.problems: list[str] = []

    def against(self, endpoint: Endpoint) -> None:
        """Send what fits and what does not."""
        from modelarts_emulator.testing.drawing import samples

        self.check = Check(self.operation)
        found = samples(self.operation)
        self.refuse_strangers(endpoint, found[-1])
        for request in found:
            self.accept(endpoint, request)
            self.drawn += 1
        if self.operation.body_schema is not None:
            self.refuse_mutations(endpoint, found)

    def refuse_strangers(self, endpoint: Endpoint, request: tuple) -> None:
        """No credential and, by an emulator that looks, one that nobody has given are refused as documented."""
        if not needs_credential(self.operation):
            return
        proofs: dict[str, dict[str, str]] = {"missing": {}}
        if endpoint.is_strict and self.operation.access.token:
            proofs["unknown_token"] = {"X-Auth-Token": "no such token"}
        for kind, proof in proofs.items():
            reply = endpoint.send(self.operation, request, proof)
            wanted = self.operation.access.refusals.get(kind)
            if wanted is not None and (reply.status != wanted.status or wanted.code not in reply.codes):
                self.problems.append(
                    f"a {kind} credential: {wanted.code} is documented, not {reply.text[:200]}"
                )

    def accept(self, endpoint: Endpoint, request: tuple) -> None:
        """A request that fits the schemas passes their check; what is answered fits too."""
        reply = endpoint.send(self.operation, request)
        if reply.status == NOT_EMULATED:
            return
        if reply.status >= 500:
            self.problems.append(f"a valid request is answered {reply.status}: {reply.text[:200]}")
        elif reply.status >= 400:
            if not reply.codes & (documented_errors().keys() | OWN_CODES.keys() | {str(reply.status)}):
                self.problems.append(f"a refusal without a documented code: {reply.text[:200]}")
            if endpoint.refused_by(reply) == "read_request":
                self.problems.append(f"a valid request is refused as none: {reply.text[:200]}")
        else:
            self.check_answer(reply)

    def check_answer(self, reply: Reply) -> None:
        """The answer fits the schema of its status."""
        try:
            self.check.check_answer(reply.status, reply.value)
        except ContractBroken as error:
            self.problems.append(str(error))

    def refuse_mutations(self, endpoint: Endpoint, found: list[tuple]) -> None:
        """A body that breaks one rule is refused with the documented code, naming the place."""
        for request, mutation in self.mutations_of(found):
            reply = endpoint.send(self.operation, (*request[:3], mutation.value))
            if reply.status == 401 and not needs_credential(self.operation):
                continue
            self.mutated += 1
            code = parameter_code(self.operation, words=words_of(reply.text))
            if reply.status != 400 or code not in reply.codes:
                place = f"${mutation.json_path}"
                self.problems.append(
                    f"{mutation.rule} broken at {place}: {code} expected, {reply.text[:200]}"
                )

    def mutations_of(self, found: list[tuple]) -> Iterator[tuple]:
        """(request, mutation) with each broken rule of each place once."""
        from modelarts_emulator.testing.mutations import mutations

        assert self.operation.body_schema is not None
        schema, seen = self.operation.area_of.closure(self.operation.body_schema), set()
        for request in found:
            for mutation in mutations(schema, request[3], most=MOST_MUTATIONS):
                key = (mutation.rule, mutation.json_path)
                if key not in seen and not self.counts_as_absent(mutation.value):
                    seen.add(key)
                    yield request, mutation

    def counts_as_absent(self, body: Any) -> bool:
        """Whether nulls in the body stand for members that were not sent."""
        if self.check.drop_nulls is None:
            return False
        meant = orjson.loads(orjson.dumps(body))
        self.check.drop_nulls(meant)
        return bool(meant != body)


def words_of(text: str) -> str:
    """The words of a refusal from the place on that they name."""
    found = re.search(r"\$[^:\"]*: [^\"]*", text)
    return found[0] if found else ""


def value_of(text: str) -> Any:
    """The JSON value of a body; None for one that is none."""
    try:
        return orjson.loads(text)
    except ValueError:
        return None


def draw_the_same_every_time() -> None:
    """Have Hypothesis draw without chance, limits and files. ValueError where it is not installed."""
    try:
        import hypothesis
    except ImportError:
        raise ValueError("contract draws its requests with Hypothesis: pip install hypothesis") from None
    checks = list(hypothesis.HealthCheck)
    profile = hypothesis.settings(
        derandomize=True, deadline=None, database=None, suppress_health_check=checks
    )
    hypothesis.settings.register_profile("contract", profile)
    hypothesis.settings.load_profile("contract")


def contract(options: Any) -> int:
    """Hold every operation, or those of an area, to the contract; a line each; 1 where one breaks it."""
    from modelarts_emulator.testing.sequences import walk_all

    draw_the_same_every_time()
    operations = [each for each in Operations() if options.area in (None, each.area_of.full_name)]
    if not operations:
        raise ValueError(f"no area is called {options.area}; operations lists them")
    endpoint = Endpoint(options)
    drawn = mutated = broken = 0
    try:
        for operation in operations:
            endpoint.log_in()
            held = Held(operation)
            held.against(endpoint)
            print(f"{operation.operation_id:50} drawn {held.drawn:3} mutations refused {held.mutated:4}")
            for problem in held.problems[:MOST_PROBLEMS]:
                print(f"  broken: {problem}")
            sys.stdout.flush()
            drawn, mutated, broken = drawn + held.drawn, mutated + held.mutated, broken + len(held.problems)
    finally:
        endpoint.leave()
    print(f"{len(operations)} operations, {drawn} valid requests, {mutated} mutations, {broken} broken")
    walked, left, missed = walk_all(lambda: Endpoint(options), list(Operations()), options.area)
    print(f"{walked} resources walked from creation to deletion, {left} not walked, {missed} broken")
    return 1 if broken or missed else 0
