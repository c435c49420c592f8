"""The models MaaS serves: which there are, who may use them, how often and for how many tokens."""

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.inference.language.rate_limits import RateLimiter

SETTINGS = "maas/models/setting"
REFUSED_ACCESS = {
    "not_subscribed": "ModelArts.81004",
    "quota_used_up": "ModelArts.81005",
    "frozen": "ModelArts.81006",
    "expired": "ModelArts.81014",
}


PATHS = {
    "v1": "/v1/chat/completions",
    "v2": "/v2/chat/completions",
    "openai": "/openai/v1/chat/completions",
    "anthropic": "/anthropic/v1/messages",
}


@behaviour("ListMaasModels")
def list_maas_models(call):
    """The models the account may call, under the names it calls them by; first those that chat below /v1 itself."""
    rows = [row for row in fixture("maas/models/models") if setting_of(call.world, row)["access"] == "open"]
    rows.sort(key=lambda row: "v1" not in row.get("apis", ()))
    data = [{"id": row["id"], "object": "model", "created": 0, "owned_by": ""} for row in rows]
    return {"object": "list", "data": data}


def model_called(call, kind: str, api: str | None = None) -> dict:
    """The model that the body names, with the account's settings; counts the request.

    Refuses in the documented order: an unknown model, or one of another kind or interface; no access; too often.
    """
    name = call.body["model"]
    row = row_named(name)
    if row is None or row["kind"] != kind or (api and api not in row["apis"]):
        raise ApiError("ModelArts.81009", why_not_served(name, row, kind))
    world = call.world
    with world.lock:
        model = row | setting_of(world, row)
        if model["access"] != "open":
            raise ApiError(REFUSED_ACCESS[model["access"]], f"{row['id']} is {model['access']}")
        refuse_too_many(world, model)
    return model


def why_not_served(name: str, row: dict | None, kind: str) -> str:
    """Why a request does not reach a model, and where it would."""
    if row is None:
        return f"there is no model {name}; GET /v1/models lists all"
    if row["kind"] != kind:
        return f"{name} is a model of kind {row['kind']}, this path wants one of kind {kind}"
    return f"{name} is served at {', '.join(PATHS[api] for api in row['apis'])}, not here"


def row_named(name: str) -> dict | None:
    """The row of the catalogue for a model parameter; letter case does not count."""
    wanted = name.lower()
    for row in fixture("maas/models/models"):
        if row["id"].lower() == wanted or wanted in row.get("aliases", ()):
            return row
    return None


def setting_of(world, row: dict) -> dict:
    """Access and limits of a model in a world: as documented unless set otherwise."""
    documented = {"access": "open", "rpm": row["rpm"], "tpm": row["tpm"], "qps": None}
    return documented | (world.store.table(SETTINGS).find(row["id"]) or {})


def limiter_of(world, name: str) -> RateLimiter:
    """The windows in which the requests to a model, or a deployment, are counted."""
    return world.volatile.setdefault("maas/models/rate_limits", {}).setdefault(name, RateLimiter())


def refuse_too_many(world, model: dict) -> None:
    """Count a request; 429 with the limit that is reached and, in Retry-After, for how long it is."""
    now, limiter = world.clock.now(), limiter_of(world, model["id"])
    limit = limiter.admit(now, model["rpm"], model["tpm"], model["qps"])
    if limit is None:
        return
    headers = {"Retry-After": str(max(1, round(limiter.wait(now, limit))))}
    if limit == "qps":
        words = f"policy api over ratelimit,limit:{model['qps']},time:1 second"
        raise ApiError("APIG.0308", words, headers=headers)
    code = {"rpm": "ModelArts.81101", "tpm": "ModelArts.81103"}[limit]
    raise ApiError(code, fill=[model[limit]], headers=headers)


def use_tokens(world, name: str, tokens: int) -> None:
    """Count tokens that a model, or a deployment, has used."""
    with world.lock:
        limiter_of(world, name).use(world.clock.now(), tokens)
