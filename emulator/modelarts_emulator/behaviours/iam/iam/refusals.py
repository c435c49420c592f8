"""What IAM refuses: other accounts, what does not exist, half a page."""

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.identity.records import User


def own_domain(call) -> dict:
    """The account of the call's world, as tokens name it."""
    return {"id": call.caller.account_id, "name": call.caller.account_name}


def refuse_foreign_domain(call, id: str | None = None, name: str | None = None) -> None:
    """403 when an account is named by id or name and is not the caller's."""
    caller = call.caller
    if (id or caller.account_id, name or caller.account_name) != (caller.account_id, caller.account_name):
        raise ApiError("403", f"account {id or name} was asked for, the caller's is {caller.account_name}")


def refuse_missing(kind: str, id: str) -> None:
    """404 naming what was asked for."""
    raise ApiError("404", f"could not find {kind} {id}")


def refuse_no_proof(call) -> User:
    """The user whom the credential stands for; 401 where the body holds none that was verified."""
    if call.caller.how == "nothing":
        raise ApiError("401", "auth.identity holds no password, key pair or token")
    return User(call.caller.user_id, call.caller.user_name)


def refuse_half_a_page(call) -> None:
    """400 unless page and per_page come together."""
    if ("page" in call.query) != ("per_page" in call.query):
        raise ApiError("400", "query: page and per_page only work together")
